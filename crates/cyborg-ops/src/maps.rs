//! Feature maps as the operations of a tape pass them on: channels last.

use crate::recycle;
use crate::view::View;

/// Values of (batch, height, width, channels), the channels of a pixel side by side, pixels without a gap.
pub(crate) struct Maps {
    pub(crate) shape: Shape,
    pub(crate) values: Vec<f32>,
}

/// The sizes of [`Maps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) batch: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
}

impl Shape {
    /// From the order that tensors have: (batch, channels, height, width).
    pub(crate) fn of([batch, channels, height, width]: [usize; 4]) -> Self {
        Self { batch, height, width, channels }
    }

    /// In the order that tensors have: (batch, channels, height, width).
    pub(crate) fn dims(&self) -> [usize; 4] {
        [self.batch, self.channels, self.height, self.width]
    }

    /// Pixels of one image.
    pub(crate) fn plane(&self) -> usize {
        self.height * self.width
    }

    /// Pixels of all images.
    pub(crate) fn rows(&self) -> usize {
        self.batch * self.plane()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows() * self.channels
    }
}

impl Maps {
    pub(crate) fn new(shape: Shape, values: Vec<f32>) -> Self {
        assert_eq!(values.len(), shape.len(), "as many values as {shape:?} has");
        Self { shape, values }
    }

    pub(crate) fn view(&self) -> View<'_> {
        View::dense(&self.values, self.shape.channels)
    }
}

impl Drop for Maps {
    fn drop(&mut self) {
        recycle::give(std::mem::take(&mut self.values));
    }
}
