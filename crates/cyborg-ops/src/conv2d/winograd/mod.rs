//! 3x3 convolutions of stride 1 by Winograd's minimal filtering, F(4x4, 3x3): a quarter of the multiplications.
//!
//! The output is cut into tiles of 4 x 4 pixels. The 6 x 6 values that a tile depends on are transformed to 36 points
//! ([`points`], [`tiles`]); so is the window of each pair of channels ([`weights`]). At each point the convolution is a
//! product of matrices, (tiles, input channels) by (input channels, output channels), and its result is transformed back
//! ([`outputs`], [`convolve`]). The gradient of the input is the same with the window turned around. For the gradient of
//! the weights ([`gradient`]), the gradients of the outputs are transformed to the points, multiplied with those of the
//! inputs, and the windows transformed back.
//!
//! Where work is cut depends on shapes only, so that results have the same bits whatever the number of threads.

mod convolve;
mod gradient;
mod outputs;
mod points;
mod tiles;
mod weights;

use self::convolve::convolve;
use self::outputs::Outputs;
use self::points::OUTPUTS;
use self::tiles::{Grid, Maps};
use self::weights::{Weights, Windows};
use super::geometry::{Axis, Geometry};
use crate::gemm::Finish;
use crate::simd::{Level, best};

/// Input and output channels from which on each pass is faster than the same convolution as plain products.
const FEWEST_CHANNELS: usize = 16;
/// The same for tiles.
const FEWEST_TILES: usize = 4;

/// Whether these passes exist for this convolution, and are faster than the same convolution as plain products.
///
/// Measured with AVX-512 on one thread: each pass takes two thirds of the time with 16 channels, 0.4 with 64 and more; 0.6
/// to 0.7 on maps of 3 x 3, where the tile has 16 pixels; 0.8 to 1 on 5 x 5, where they have 64; more than 1 on 2 x 2.
pub(super) fn pays(g: &Geometry) -> bool {
    let three = |axis: Axis| axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1;
    let pixels = g.batch * g.down.output * g.across.output;
    let grid = Grid::new(g.batch, g.down.output, g.across.output);
    let tiles = grid.rows * grid.across;
    g.groups == 1
        && three(g.down)
        && three(g.across)
        && g.group_in.min(g.group_out) >= FEWEST_CHANNELS
        && tiles >= FEWEST_TILES
        && tiles * OUTPUTS * OUTPUTS <= 3 * pixels
}

/// The convolution itself.
///
/// # Shapes
/// - `x`: `(batch, height, width, channels in)`
/// - `weight`: `(channels out, channels in, 3, 3)`
/// - returns: `(batch, output height, output width, channels out)`, finished if there is how
pub(super) fn forward(g: &Geometry, x: &[f32], weight: &[f32], finish: Option<Finish<'_>>) -> Vec<f32> {
    forward_on(best(), g, x, weight, finish)
}

/// The gradient of the input.
///
/// # Shapes
/// As [`forward`]'s; `dy` as its result, the result as its `x`.
pub(super) fn input_gradient(g: &Geometry, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    input_gradient_on(best(), g, weight, dy)
}

/// The gradient of the weights.
///
/// # Shapes
/// As [`forward`]'s; `dy` as its result, the result as its `weight`.
pub(super) fn weight_gradient(g: &Geometry, x: &[f32], dy: &[f32]) -> Vec<f32> {
    weight_gradient_on(best(), g, x, dy)
}

/// The input of a convolution, with zeros for each of its channels.
fn input_maps<'a>(g: &Geometry, x: &'a [f32], zeros: &'a [f32]) -> Maps<'a> {
    Maps {
        values: x,
        height: g.down.input,
        width: g.across.input,
        channels: g.channels_in(),
        padding: (g.down.padding, g.across.padding),
        zeros,
    }
}

/// The gradient of its output, with zeros for each of its channels, as if it had this padding.
fn gradient_maps<'a>(g: &Geometry, dy: &'a [f32], zeros: &'a [f32], padding: (usize, usize)) -> Maps<'a> {
    Maps {
        values: dy,
        height: g.down.output,
        width: g.across.output,
        channels: g.channels_out(),
        padding,
        zeros,
    }
}

fn forward_on(level: Level, g: &Geometry, x: &[f32], weight: &[f32], finish: Option<Finish<'_>>) -> Vec<f32> {
    let (channels_in, channels_out) = (g.channels_in(), g.channels_out());
    let zeros = vec![0.0; channels_in];
    let source = input_maps(g, x, &zeros);
    let outputs = Outputs { height: g.down.output, width: g.across.output, channels: channels_out };
    let weights = Weights::new(weight, Windows::Forward, channels_in, channels_out);
    convolve(level, g.batch, source, weights, outputs, finish)
}

fn input_gradient_on(level: Level, g: &Geometry, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    let (channels_in, channels_out) = (g.channels_in(), g.channels_out());
    let zeros = vec![0.0; channels_out];
    // Of a padding of more than two, so much is cut off: a negative number, which wraps around as the pixels do.
    let padding = (2_usize.wrapping_sub(g.down.padding), 2_usize.wrapping_sub(g.across.padding));
    let source = gradient_maps(g, dy, &zeros, padding);
    let outputs = Outputs { height: g.down.input, width: g.across.input, channels: channels_in };
    let weights = Weights::new(weight, Windows::Turned, channels_in, channels_out);
    convolve(level, g.batch, source, weights, outputs, None)
}

fn weight_gradient_on(level: Level, g: &Geometry, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let zeros = vec![0.0; g.channels_in().max(g.channels_out())];
    let inputs = input_maps(g, x, &zeros[..g.channels_in()]);
    let gradients = gradient_maps(g, dy, &zeros[..g.channels_out()], (0, 0));
    gradient::of_weights(level, g.batch, inputs, gradients)
}

#[cfg(test)]
mod tests;
