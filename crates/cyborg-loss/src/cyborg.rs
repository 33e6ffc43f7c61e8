//! CYBORG (Boyd et al., WACV 2023, arXiv 2112.00686), as its released code computes it.

use crate::error::LossError;
use crate::{CamClass, cam_from_features, cross_entropy, min_max_normalise, predicted_class, saliency_mse};
use candle_core::Tensor;

/// The parts of a CYBORG loss, each a scalar in the graph.
#[derive(Clone, Debug)]
pub struct CyborgLoss {
    /// What is minimised.
    pub total: Tensor,
    /// Mean over the batch; not weighted by alpha.
    pub cross_entropy: Tensor,
    /// Mean over the images with a map and their cells; not weighted by 1 - alpha.
    pub saliency_mse: Tensor,
}

/// What the loss needs of the human side of one batch.
#[derive(Clone, Debug)]
pub struct HumanSaliency {
    /// `(batch, height, width)` in `[0, 1]`, on the grid of the CAM
    pub maps: Tensor,
    /// `(batch)` f32, 1 where there is a map
    pub has_map: Tensor,
}

/// `alpha * CE + (1 - alpha) * MSE(CAM, map)`; the released alpha is 0.5.
///
/// The CAM is that of the class `cam_class` says, without bias or ReLU, minimum-maximum normalised per image. Nothing
/// on its way is detached: the map term trains the features and the classifier's weight. With `alpha = 1` the total
/// *is* the cross-entropy, bit for bit, and the map term is only reported.
///
/// # Shapes
/// - `logits`: `(batch, classes)`
/// - `features`: `(batch, channels, height, width)`, from the same forward pass
/// - `classifier_weight`: `(classes, channels)`
/// - `labels`: `(batch)`, u32
/// - `human`: maps on the same grid, `(batch, height, width)`
///
/// # Errors
/// [`LossError::ShapeMismatch`] unless the shapes agree; [`LossError::Tensor`] for a label outside the classes.
pub fn cyborg(
    logits: &Tensor,
    features: &Tensor,
    classifier_weight: &Tensor,
    labels: &Tensor,
    human: &HumanSaliency,
    alpha: f64,
    cam_class: CamClass,
) -> Result<CyborgLoss, LossError> {
    let cross_entropy = cross_entropy(logits, labels)?;
    let class_idx = match cam_class {
        CamClass::Predicted => predicted_class(logits)?,
        CamClass::True => labels.clone(),
    };
    let cams = min_max_normalise(&cam_from_features(features, classifier_weight, &class_idx)?)?;
    let saliency_mse = saliency_mse(&cams, &human.maps, &human.has_map)?;
    let total = if alpha == 1.0 {
        cross_entropy.clone()
    } else {
        ((&cross_entropy * alpha)? + (&saliency_mse * (1.0 - alpha))?)?
    };
    Ok(CyborgLoss { total, cross_entropy, saliency_mse })
}
