//! Two-dimensional convolution (cross-correlation, as everywhere in deep learning).

mod depthwise;
mod direct;
mod geometry;
pub(crate) mod plan;
mod winograd;

use candle_core::{Result, Tensor};

use crate::adapter;
use crate::operations::ChannelBias;
pub(crate) use geometry::Geometry;

/// How the window of a convolution moves; (height, width) each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dConfig {
    /// Step from one window to the next.
    pub stride: (usize, usize),
    /// Zeros added on each side.
    pub padding: (usize, usize),
    /// Further zeros below the last row and to the right of the last column, beyond `padding`: TensorFlow's `SAME` puts the
    /// odd one of an odd number of zeros there.
    pub extra_padding: (usize, usize),
    /// Distance between neighbouring cells of the window.
    pub dilation: (usize, usize),
    /// Parts that input and output channels are divided into; each sees its own inputs only.
    pub groups: usize,
}

impl Default for Conv2dConfig {
    fn default() -> Self {
        Self { stride: (1, 1), padding: (0, 0), extra_padding: (0, 0), dilation: (1, 1), groups: 1 }
    }
}

/// Convolution with gradients for input, weight and bias.
///
/// No gradient is computed for an input that is neither a variable nor depends on one (the images).
///
/// # Shapes
/// - `input`: `(batch, in, height, width)`
/// - `weight`: `(out, in / groups, kernel height, kernel width)`
/// - `bias`: `(out)`
/// - returns: `(batch, out, windows down, windows across)`
///
/// # Errors
/// On other shapes, types or devices; if stride, dilation, groups or the kernel is 0; if the groups do not divide the
/// channels; if the kernel does not fit into the padded input.
pub fn conv2d(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: Conv2dConfig,
) -> Result<Tensor> {
    let op = "conv2d";
    match bias {
        None => adapter::run(op, [input, weight], move |tape, [input, weight]| {
            tape.conv2d(&tape.input_of(op, "input", input)?, weight, config)
        }),
        Some(bias) => adapter::run(op, [input, weight, bias], move |tape, [input, weight, bias]| {
            let sums = tape.conv2d(&tape.input_of(op, "input", input)?, weight, config)?;
            tape.apply(ChannelBias, &[&sums], &[bias])
        }),
    }
}
