//! The classical part of the loss.

use crate::error::{LossError, expect_rank, expect_shape};
use candle_core::{D, DType, Tensor};

/// How cross-entropy is computed, as the arguments of the same names of PyTorch's `cross_entropy`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Classification {
    /// Share of the target that is spread evenly over all classes, in `[0, 1]`; 0 is none.
    pub label_smoothing: f64,
    /// One weight of at least 0 a class; `None` weighs all classes alike.
    pub class_weights: Option<Vec<f32>>,
}

impl Classification {
    /// Cross-entropy of the softmax of `logits`.
    ///
    /// Without smoothing and weights this is [`cross_entropy`], to the bit. With weights it is a weighted mean: the sum of
    /// the images' losses, each times the weight of its label, over the sum of these weights. The smoothed part of an image
    /// is the mean over classes of weight times negative log probability, divided by the same sum (as in PyTorch).
    ///
    /// # Shapes
    /// - `logits`: `(batch, classes)`
    /// - `labels`: `(batch)`, u32, each below `classes`
    /// - returns: scalar, differentiable in `logits`
    ///
    /// # Errors
    /// [`LossError::ShapeMismatch`] unless the shapes agree and there is a weight for each class; [`LossError::Tensor`] for
    /// a label outside the classes.
    pub fn cross_entropy(&self, logits: &Tensor, labels: &Tensor) -> Result<Tensor, LossError> {
        if self.label_smoothing == 0.0 && self.class_weights.is_none() {
            return cross_entropy(logits, labels);
        }
        let [batch, classes] = expect_rank("logits", logits, "(batch, classes)")?;
        expect_shape("labels", labels, &[batch])?;
        let weights = match &self.class_weights {
            Some(weights) => Tensor::from_slice(weights, weights.len(), logits.device())?,
            None => Tensor::ones(classes, DType::F32, logits.device())?,
        }
        .to_dtype(logits.dtype())?;
        expect_shape("class_weights", &weights, &[classes])?;
        let log_probabilities = candle_nn::ops::log_softmax(logits, D::Minus1)?;
        let of_label = log_probabilities.gather(&labels.unsqueeze(1)?, 1)?.squeeze(1)?;
        let label_weights = weights.index_select(labels, 0)?;
        let sum_of_weights = label_weights.sum_all()?;
        let hard = ((of_label * label_weights)?.sum_all()?.neg()? / &sum_of_weights)?;
        let spread = (log_probabilities.broadcast_mul(&weights)?.sum_all()?.neg()? / &sum_of_weights)?;
        let smoothing = self.label_smoothing;
        Ok(((hard * (1.0 - smoothing))? + (spread * (smoothing / classes as f64))?)?)
    }
}

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
