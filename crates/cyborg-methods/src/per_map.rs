//! Means over the images that have a human map.

use candle_core::{DType, Tensor};
use cyborg_loss::HumanSaliency;

/// The mean of `per_image` `(batch)` over the images with a map, a scalar; 0 without a gradient if there is none.
///
/// The values of images without a map are left out, not multiplied by 0: a NaN there spoils nothing.
pub(crate) fn mean_over_maps(per_image: &Tensor, human: &HumanSaliency) -> candle_core::Result<Tensor> {
    let flags = human.has_map.to_dtype(DType::F32)?.to_vec1::<f32>()?;
    let rows: Vec<u32> = (0..).zip(&flags).filter(|(_, flag)| **flag != 0.0).map(|(row, _)| row).collect();
    if rows.is_empty() {
        return Tensor::zeros((), per_image.dtype(), per_image.device());
    }
    if rows.len() == flags.len() {
        return per_image.mean_all();
    }
    let n = rows.len();
    per_image.index_select(&Tensor::from_vec(rows, n, per_image.device())?, 0)?.mean_all()
}
