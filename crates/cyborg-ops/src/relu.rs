//! Rectification, alone and fused with the sum that ends a residual block.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};

use crate::OpsError;
use crate::fresh::collect;
use crate::plain::{checked, tensor, values, with_both};

/// `max(x, 0)`, element by element, any shape. NaN stays NaN.
///
/// The gradient at 0 is 0, as in PyTorch (candle's own `relu` passes it on there).
///
/// # Errors
/// Unless `input` is `f32` on the CPU.
pub fn relu(input: &Tensor) -> Result<Tensor> {
    checked("relu", "input", input)?.apply_op1(Relu)
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
    checked(op, "a", a)?.apply_op2(&checked(op, "b", b)?, AddRelu)
}

/// Values that one thread does at a time.
const PIECE: usize = 1 << 15;

struct Relu;

/// What `threshold_backward` of PyTorch does: not (y <= 0), so that NaN passes.
fn masked(y: &[f32], gradient: &[f32]) -> Vec<f32> {
    collect(y.len(), PIECE, |_, range| {
        y[range.clone()].iter().zip(&gradient[range]).map(|(&y, &g)| if y <= 0.0 { 0.0 } else { g })
    })
}

/// NaN stays NaN.
#[inline]
pub(crate) fn rectified(x: f32) -> f32 {
    if x <= 0.0 { 0.0 } else { x }
}

fn gradient(result: &Tensor, grad: &Tensor) -> Result<Tensor> {
    let values = with_both(result, grad, masked)?;
    tensor(values, result.dims())
}

impl CustomOp1 for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let out = collect(x.len(), PIECE, |_, range| x[range].iter().map(|&x| rectified(x)));
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, _arg: &Tensor, res: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        gradient(res, grad).map(Some)
    }
}

struct AddRelu;

impl CustomOp2 for AddRelu {
    fn name(&self) -> &'static str {
        "add_relu"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (a, b) = (values(s1, l1)?, values(s2, l2)?);
        let out = collect(a.len(), PIECE, |_, range| {
            a[range.clone()].iter().zip(&b[range]).map(|(&a, &b)| rectified(a + b))
        });
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }

    fn bwd(
        &self,
        _a: &Tensor,
        _b: &Tensor,
        res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient(res, grad)?;
        Ok((Some(gradient.clone()), Some(gradient)))
    }
}
