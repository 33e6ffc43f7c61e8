//! Feature maps as the operations of a tape pass them on: channels last.

use crate::recycle;
use crate::view::View;

use crate::OpsError;

/// Feature maps of a batch: values of (batch, height, width, channels), the channels of a pixel side by side, pixels without
/// a gap.
#[derive(Debug)]
pub struct Maps {
    pub(crate) shape: Shape,
    pub(crate) values: Vec<f32>,
}

/// The sizes of [`Maps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Number of images.
    pub batch: usize,
    /// Rows of pixels of an image.
    pub height: usize,
    /// Columns of pixels of an image.
    pub width: usize,
    /// Number of channels.
    pub channels: usize,
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

    /// Number of values of all images.
    pub(crate) fn len(&self) -> usize {
        self.rows() * self.channels
    }
}

impl Maps {
    /// Maps of these values, in the order (batch, height, width, channels).
    ///
    /// # Errors
    /// [`OpsError::Size`] unless there are as many values as the shape has.
    pub fn from_values(shape: Shape, values: Vec<f32>) -> Result<Self, OpsError> {
        if values.len() == shape.len() {
            return Ok(Self { shape, values });
        }
        let (what, expected, found) = ("the number of values", shape.len(), values.len());
        Err(OpsError::Size { op: "Maps::from_values", what, expected, found })
    }

    /// Their sizes.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The values, in the order (batch, height, width, channels).
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The values, to be changed in place.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The values alone.
    pub(crate) fn into_values(mut self) -> Vec<f32> {
        std::mem::take(&mut self.values)
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
