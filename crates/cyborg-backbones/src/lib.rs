#![doc = include_str!("../README.md")]

mod architecture;
mod builder;
mod error;
mod geometry;
mod layers;
mod network;
mod resnet;
mod safetensors_file;
mod thin_resnet8;
mod weights;

pub use architecture::{Architecture, Tap};
pub use error::BackboneError;
pub use network::{Network, Output};
