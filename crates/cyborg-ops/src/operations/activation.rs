//! Activations whose gradient follows from their result, element by element.

use candle_core::Result;

use crate::fresh::collect;
use crate::maps::Maps;
use crate::parallel::for_each_piece;
use crate::tape::{Backward, Needs, Operation, expect_inputs};

/// Values that one thread does at a time.
const PIECE: usize = 1 << 15;

/// The logistic function `1 / (1 + exp(-x))`, PyTorch's `torch.sigmoid`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sigmoid;

/// The hyperbolic tangent, PyTorch's `torch.tanh`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tanh;

/// `min(max(x, 0), 6)`, PyTorch's `relu6`. The gradient is 0 at 0, at 6 and beyond them; NaN stays NaN.
#[derive(Clone, Copy, Debug, Default)]
pub struct Relu6;

impl Operation for Sigmoid {
    fn name(&self) -> &'static str {
        "sigmoid"
    }

    fn needs(&self) -> Needs {
        OUTPUT
    }

    fn forward(&mut self, inputs: &[&Maps], _parameters: &[&[f32]]) -> Result<Maps> {
        // For very negative x the exponential is infinite, which gives 0.
        each("sigmoid", inputs, |x| 1.0 / (1.0 + (-x).exp()))
    }

    fn backward(self, gradient: Maps, backward: &mut Backward<'_>) -> Result<()> {
        each_gradient(gradient, backward, |gradient, y| gradient * (1.0 - y) * y)
    }
}

impl Operation for Tanh {
    fn name(&self) -> &'static str {
        "tanh"
    }

    fn needs(&self) -> Needs {
        OUTPUT
    }

    fn forward(&mut self, inputs: &[&Maps], _parameters: &[&[f32]]) -> Result<Maps> {
        each("tanh", inputs, f32::tanh)
    }

    fn backward(self, gradient: Maps, backward: &mut Backward<'_>) -> Result<()> {
        each_gradient(gradient, backward, |gradient, y| gradient * (1.0 - y * y))
    }
}

impl Operation for Relu6 {
    fn name(&self) -> &'static str {
        "relu6"
    }

    fn needs(&self) -> Needs {
        OUTPUT
    }

    fn forward(&mut self, inputs: &[&Maps], _parameters: &[&[f32]]) -> Result<Maps> {
        // `clamp` lets NaN pass.
        each("relu6", inputs, |x| x.clamp(0.0, 6.0))
    }

    fn backward(self, gradient: Maps, backward: &mut Backward<'_>) -> Result<()> {
        each_gradient(gradient, backward, |gradient, y| if y <= 0.0 || y >= 6.0 { 0.0 } else { gradient })
    }
}

const OUTPUT: Needs = Needs { inputs: false, output: true };

/// `value(x)` for each value of the only input.
fn each(op: &'static str, inputs: &[&Maps], value: impl Fn(f32) -> f32 + Sync + Send) -> Result<Maps> {
    let [input] = expect_inputs(op, inputs)?;
    let x = &input.values;
    let values = collect(x.len(), PIECE, |_, range| x[range].iter().map(|&x| value(x)));
    Ok(Maps::new(input.shape, values))
}

/// Makes the gradient of the input from that of the result, where `change(gradient, y)` does so for a value `y` of the
/// result.
fn each_gradient(
    mut gradient: Maps,
    backward: &mut Backward<'_>,
    change: impl Fn(f32, f32) -> f32 + Sync + Send,
) -> Result<()> {
    let output = backward.output()?;
    for_each_piece(&mut gradient.values, PIECE, |index, gradient| {
        let output = &output.values[index * PIECE..][..gradient.len()];
        gradient.iter_mut().zip(output).for_each(|(gradient, &y)| *gradient = change(*gradient, y));
    });
    backward.add_input(0, gradient)
}
