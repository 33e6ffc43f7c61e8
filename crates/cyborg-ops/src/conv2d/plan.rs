//! Which kernel computes a convolution: the one place where shapes are looked at for speed.
//!
//! The choice depends on sizes only, so that results do not depend on threads or on what else the machine does.

use super::geometry::Geometry;
use super::{depthwise, direct, winograd};
use crate::fresh::as_unwritten;
use crate::gemm::Finish;
use crate::parallel::for_each_piece;

/// What computes one pass of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kernel {
    /// Each channel alone.
    Depthwise,
    /// Winograd's F(4x4, 3x3).
    Winograd,
    /// Products of rows.
    Direct,
}

impl Kernel {
    fn of(g: &Geometry) -> Self {
        if g.group_in == 1 && g.group_out == 1 {
            return Self::Depthwise;
        }
        if winograd::pays(g) { Self::Winograd } else { Self::Direct }
    }
}

/// The convolution: `x` `(batch, height, width, in)` to `(batch, height, width, out)`; `weight` as PyTorch has it,
/// `(out, in / groups, kernel height, kernel width)`.
pub(crate) fn forward(g: &Geometry, x: &[f32], weight: &[f32]) -> Vec<f32> {
    forward_and(g, x, weight, None)
}

/// [`forward`], and what is done to its sums before they leave the caches.
pub(crate) fn forward_and(g: &Geometry, x: &[f32], weight: &[f32], finish: Option<Finish<'_>>) -> Vec<f32> {
    match Kernel::of(g) {
        Kernel::Depthwise => {
            let mut out = depthwise::forward(g, x, weight);
            if let Some(finish) = finish {
                let row = g.across.output * g.channels_out();
                for_each_piece(&mut out, row, |index, out| finish.rows(index * row, as_unwritten(out)));
            }
            out
        }
        Kernel::Winograd => winograd::forward(g, x, weight, finish),
        Kernel::Direct => direct::forward(g, x, weight, finish),
    }
}

/// The gradient of `x`.
pub(crate) fn input_gradient(g: &Geometry, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    match Kernel::of(g) {
        Kernel::Depthwise => depthwise::input_gradient(g, weight, dy),
        Kernel::Winograd => winograd::input_gradient(g, weight, dy),
        Kernel::Direct => direct::input_gradient(g, weight, dy),
    }
}

/// The gradient of `weight`.
pub(crate) fn weight_gradient(g: &Geometry, x: &[f32], dy: &[f32]) -> Vec<f32> {
    match Kernel::of(g) {
        Kernel::Depthwise => depthwise::weight_gradient(g, x, dy),
        Kernel::Winograd => winograd::weight_gradient(g, x, dy),
        Kernel::Direct => direct::weight_gradient(g, x, dy),
    }
}
