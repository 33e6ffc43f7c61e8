//! How far the model's attention is from people's.

use crate::error::{LossError, expect_rank, expect_shape};
use candle_core::{DType, Tensor};

/// Mean squared difference between model and human attention, over the images that have a map and their cells.
///
/// With a map for every image this is the released code's mean over batch and cells. What stands in `saliency` for an
/// image without a map is never read.
///
/// # Shapes
/// - `cams`: `(batch, height, width)`, values in `[0, 1]` ([`crate::min_max_normalise`])
/// - `saliency`: `(batch, height, width)`, values in `[0, 1]`
/// - `has_map`: `(batch)`, 1 where the image has a map and 0 where not, any type of number
/// - returns: scalar, differentiable in `cams`; 0 without a gradient if no image has a map
///
/// # Errors
/// [`LossError::ShapeMismatch`] unless the shapes agree.
///
/// # Examples
/// ```
/// use candle_core::{DType, Device, Tensor};
/// let cams = Tensor::zeros((2, 7, 7), DType::F32, &Device::Cpu)?;
/// let saliency = Tensor::ones((2, 7, 7), DType::F32, &Device::Cpu)?;
/// let has_map = Tensor::new(&[1f32, 0.0], &Device::Cpu)?;
/// let loss = cyborg_loss::saliency_mse(&cams, &saliency, &has_map)?;
/// assert_eq!(loss.to_scalar::<f32>()?, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn saliency_mse(cams: &Tensor, saliency: &Tensor, has_map: &Tensor) -> Result<Tensor, LossError> {
    let [batch, height, width] = expect_rank("cams", cams, "(batch, height, width)")?;
    expect_shape("saliency", saliency, &[batch, height, width])?;
    expect_shape("has_map", has_map, &[batch])?;
    let flags = has_map.to_dtype(DType::F32)?.to_vec1::<f32>()?;
    let with_map: Vec<u32> =
        (0..).zip(&flags).filter(|(_, flag)| **flag != 0.0).map(|(row, _)| row).collect();
    if with_map.is_empty() {
        return Ok(Tensor::zeros((), cams.dtype(), cams.device())?);
    }
    let difference = (cams - saliency)?;
    let counted = if with_map.len() == batch {
        difference
    } else {
        // Not a product with the flags: 0 times a NaN of an image without a map would be NaN.
        let n_maps = with_map.len();
        difference.index_select(&Tensor::from_vec(with_map, n_maps, cams.device())?, 0)?
    };
    Ok(counted.sqr()?.mean_all()?)
}
