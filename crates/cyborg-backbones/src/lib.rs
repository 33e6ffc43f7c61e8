#![doc = include_str!("../README.md")]

mod adapt;
mod architecture;
mod builder;
mod card;
mod densenet;
mod error;
mod geometry;
mod inception_v3;
mod infer;
mod layers;
mod network;
mod resnet;
mod thin_resnet8;
mod weights;
mod xception;

pub use adapt::LoadReport;
pub use architecture::{Architecture, Tap};
pub use card::Card;
pub use cyborg_ops::backward;
pub use error::BackboneError;
pub use network::{Network, Output, TrainingPass};
