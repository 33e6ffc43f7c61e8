//! Which kernel computes a convolution: the one place where shapes are looked at for speed.
//!
//! The choice depends on sizes only, so that results do not depend on threads or on what else the machine does.

use super::direct;
use super::geometry::Geometry;

/// The convolution: `x` `(batch, height, width, in)` to `(batch, height, width, out)`; `weight` as PyTorch has it,
/// `(out, in / groups, kernel height, kernel width)`.
pub(crate) fn forward(g: &Geometry, x: &[f32], weight: &[f32]) -> Vec<f32> {
    direct::forward(g, x, weight, None)
}

/// The gradient of `x`.
pub(crate) fn input_gradient(g: &Geometry, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    direct::input_gradient(g, weight, dy)
}

/// The gradient of `weight`.
pub(crate) fn weight_gradient(g: &Geometry, x: &[f32], dy: &[f32]) -> Vec<f32> {
    direct::weight_gradient(g, x, dy)
}
