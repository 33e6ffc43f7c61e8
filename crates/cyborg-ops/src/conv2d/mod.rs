//! Two-dimensional convolution (cross-correlation, as everywhere in deep learning).

mod correlate;
mod geometry;
mod passes;
mod planes;
mod weigh;

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

use crate::plain::{checked, tensor, values, with_both, with_values};
use geometry::Geometry;

/// How the window of a convolution moves; (height, width) each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dConfig {
    /// Step from one window to the next.
    pub stride: (usize, usize),
    /// Zeros added on each side.
    pub padding: (usize, usize),
    /// Distance between neighbouring cells of the window.
    pub dilation: (usize, usize),
    /// Parts that input and output channels are divided into; each sees its own inputs only.
    pub groups: usize,
}

impl Default for Conv2dConfig {
    fn default() -> Self {
        Self { stride: (1, 1), padding: (0, 0), dilation: (1, 1), groups: 1 }
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
    let geometry = Geometry::of(input, weight, bias, config)?;
    let input = checked("conv2d", "input", input)?;
    let weight = checked("conv2d", "weight", weight)?;
    match bias {
        None => input.apply_op2(&weight, Conv2d(geometry)),
        Some(bias) => input.apply_op3(&weight, &checked("conv2d", "bias", bias)?, Conv2d(geometry)),
    }
}

struct Conv2d(Geometry);

impl Conv2d {
    fn forward(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> (CpuStorage, Shape) {
        let out = passes::forward(&self.0, x, weight, bias);
        (CpuStorage::F32(out), Shape::from(self.0.output_shape().to_vec()))
    }

    fn backward(
        &self,
        input: &Tensor,
        weight: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let geometry = &self.0;
        let input_gradient = if input.track_op() {
            let dx = with_both(weight, grad, |w, g| passes::input_gradient(geometry, w, g))?;
            Some(tensor(dx, input.dims())?)
        } else {
            None
        };
        let weight_gradient = if weight.track_op() {
            let dw = with_both(input, grad, |x, g| passes::weight_gradient(geometry, x, g))?;
            Some(tensor(dw, weight.dims())?)
        } else {
            None
        };
        Ok((input_gradient, weight_gradient))
    }
}

impl CustomOp2 for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok(self.forward(values(s1, l1)?, values(s2, l2)?, None))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        _res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        self.backward(input, weight, grad)
    }
}

impl CustomOp3 for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok(self.forward(values(s1, l1)?, values(s2, l2)?, Some(values(s3, l3)?)))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (input_gradient, weight_gradient) = self.backward(input, weight, grad)?;
        let db = with_values(grad, |g| passes::bias_gradient(&self.0, g))?;
        Ok((input_gradient, weight_gradient, Some(tensor(db, bias.dims())?)))
    }
}
