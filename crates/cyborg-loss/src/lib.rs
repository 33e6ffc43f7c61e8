#![doc = include_str!("../README.md")]

mod cam;
mod classification;
mod cyborg;
mod error;
mod host;
mod saliency;

pub use cam::{CamClass, cam_from_features, min_max_normalise, predicted_class};
pub use classification::{Classification, cross_entropy};
pub use cyborg::{CyborgLoss, HumanSaliency, cyborg};
pub use error::LossError;
pub use host::{largest, softmax};
pub use saliency::saliency_mse;
