#![doc = include_str!("../README.md")]

mod bounded;
mod element;
mod error;
mod safetensors_file;
mod weights;

pub use element::ElementType;
pub use error::WeightsError;
pub use safetensors_file::write;
pub use weights::{Format, Weights, read};
