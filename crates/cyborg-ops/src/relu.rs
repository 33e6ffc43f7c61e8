//! Rectification, alone and fused with the sum that ends a residual block.

use candle_core::{Result, Tensor};

use crate::OpsError;
use crate::adapter;

/// `max(x, 0)`, element by element, any shape. NaN stays NaN.
///
/// The gradient at 0 is 0, as in PyTorch (candle's own `relu` passes it on there).
///
/// # Errors
/// Unless `input` is `f32` on the CPU.
pub fn relu(input: &Tensor) -> Result<Tensor> {
    let op = "relu";
    let flat = [1, input.elem_count(), 1, 1];
    adapter::run_shaped(op, [input], input.dims(), move |tape, [input]| {
        Ok(tape.relu(&tape.input_as(op, "input", input, flat)?))
    })
}

/// `max(a + b, 0)`, element by element, in one pass: the end of a residual block.
///
/// # Errors
/// Unless `a` and `b` are `f32` on the CPU and of one shape.
pub fn add_relu(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let op = "add_relu";
    if a.dims() != b.dims() {
        let (expected, found) = (format!("the shape of `a`, {:?}", a.dims()), format!("{:?}", b.dims()));
        return Err(OpsError::Shape { op, tensor: "b", expected, found }.into());
    }
    let flat = [1, a.elem_count(), 1, 1];
    adapter::run_shaped(op, [a, b], a.dims(), move |tape, [a, b]| {
        tape.add_relu(&tape.input_as(op, "a", a, flat)?, &tape.input_as(op, "b", b, flat)?)
    })
}
