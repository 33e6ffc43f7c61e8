//! The classical part of the loss.

use crate::error::{LossError, expect_rank, expect_shape};
use candle_core::Tensor;

/// Cross-entropy of the softmax of `logits`, the mean over the batch.
///
/// # Shapes
/// - `logits`: `(batch, classes)`
/// - `labels`: `(batch)`, u32, each below `classes`
/// - returns: scalar, differentiable in `logits`
///
/// # Errors
/// [`LossError::ShapeMismatch`] unless the shapes agree; [`LossError::Tensor`] for a label outside the classes.
///
/// # Examples
/// ```
/// use candle_core::{Device, Tensor};
/// let logits = Tensor::new(&[[0f32, 0.0]], &Device::Cpu)?;
/// let labels = Tensor::new(&[1u32], &Device::Cpu)?;
/// let loss = cyborg_loss::cross_entropy(&logits, &labels)?.to_scalar::<f32>()?;
/// assert!((loss - 2f32.ln()).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor, LossError> {
    let [batch, _] = expect_rank("logits", logits, "(batch, classes)")?;
    expect_shape("labels", labels, &[batch])?;
    Ok(candle_nn::loss::cross_entropy(logits, labels)?)
}
