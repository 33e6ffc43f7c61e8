//! CYBORG and its relatives as pure tensor functions; no network.
#![allow(missing_docs, unused_variables, clippy::missing_errors_doc)]
use candle_core::Tensor;

#[derive(Debug, thiserror::Error)]
pub enum LossError {
    #[error("{what}: expected shape {expected}, found {found:?}")]
    ShapeMismatch { what: &'static str, expected: String, found: Vec<usize> },
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// Which class's activation map is compared with people's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CamClass {
    /// The class with the largest logit (the released CYBORG code).
    Predicted,
    /// The label (MENTOR, Grains of Saliency).
    True,
}

/// Mean over the batch. `logits (batch, classes)`, `labels (batch)` u32.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor, LossError> {
    todo!()
}
/// `features (batch, channels, h, w)`, `weight (classes, channels)`, `class_idx (batch)` u32; returns `(batch, h, w)`.
pub fn cam_from_features(features: &Tensor, weight: &Tensor, class_idx: &Tensor) -> Result<Tensor, LossError> {
    todo!()
}
/// Per image: minus its min, divided by its max. A flat CAM becomes 0 with gradient 0 (DIFFERENCE: released gives NaN).
pub fn min_max_normalise(cams: &Tensor) -> Result<Tensor, LossError> {
    todo!()
}
/// Mean squared difference over the images with `has_map` (a u8/f32 `(batch)` of 0/1) and their cells; 0 if there is none.
pub fn saliency_mse(cams: &Tensor, saliency: &Tensor, has_map: &Tensor) -> Result<Tensor, LossError> {
    todo!()
}
/// The parts of a CYBORG loss, each a scalar in the graph.
#[derive(Clone, Debug)]
pub struct CyborgLoss {
    pub total: Tensor,
    pub cross_entropy: Tensor,
    pub saliency_mse: Tensor,
}
/// What the loss needs of the human side of one batch.
#[derive(Clone, Debug)]
pub struct HumanSaliency {
    /// `(batch, h, w)` in `[0, 1]`
    pub maps: Tensor,
    /// `(batch)` f32, 1 where there is a map
    pub has_map: Tensor,
}
/// `alpha * CE + (1 - alpha) * MSE(CAM, map)`.
pub fn cyborg(
    logits: &Tensor,
    features: &Tensor,
    classifier_weight: &Tensor,
    labels: &Tensor,
    human: &HumanSaliency,
    alpha: f64,
    cam_class: CamClass,
) -> Result<CyborgLoss, LossError> {
    todo!()
}
