#![doc = include_str!("../README.md")]

mod architecture;
mod builder;
mod densenet;
mod error;
mod geometry;
mod inception_v3;
mod layers;
mod network;
mod resnet;
mod safetensors_file;
mod thin_resnet8;
mod weights;
mod xception;

pub use architecture::{Architecture, Tap};
pub use error::BackboneError;
pub use network::{Network, Output, TrainingPass};
