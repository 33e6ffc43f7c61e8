//! The three products of a convolution by themselves, without tape or candle, on values with channels last: for whoever
//! measures them.

use std::ops::Deref;

use candle_core::Result;

use crate::Conv2dConfig;
use crate::conv2d::{Geometry, plan};
use crate::recycle;

/// A convolution whose sizes are checked.
///
/// # Shapes
/// - `x` and its gradient: `(batch, height, width, in)`
/// - `weight` and its gradient: `(out, in / groups, kernel height, kernel width)`
/// - the output and its gradient: `(batch, windows down, windows across, out)`
#[derive(Debug)]
pub struct Conv2dKernels {
    geometry: Geometry,
}

impl Conv2dKernels {
    /// Of an input of `[batch, channels, height, width]`.
    ///
    /// # Errors
    /// As [`crate::conv2d()`].
    pub fn new(input: [usize; 4], weight: [usize; 4], config: Conv2dConfig) -> Result<Self> {
        Ok(Self { geometry: Geometry::of(input, &weight, config)? })
    }

    /// The output.
    ///
    /// # Panics
    /// Where a slice has another length than its shape.
    pub fn forward(&self, x: &[f32], weight: &[f32]) -> Values {
        Values(plan::forward(&self.geometry, x, weight))
    }

    /// The gradient of `x`.
    ///
    /// # Panics
    /// As [`Self::forward`].
    pub fn input_gradient(&self, weight: &[f32], dy: &[f32]) -> Values {
        Values(plan::input_gradient(&self.geometry, weight, dy))
    }

    /// The gradient of `weight`.
    ///
    /// # Panics
    /// As [`Self::forward`].
    pub fn weight_gradient(&self, x: &[f32], dy: &[f32]) -> Values {
        Values(plan::weight_gradient(&self.geometry, x, dy))
    }
}

/// Values whose memory is kept for the next result when they are dropped, as maps on a tape do.
#[derive(Debug)]
pub struct Values(Vec<f32>);

impl Deref for Values {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        recycle::give(std::mem::take(&mut self.0));
    }
}
