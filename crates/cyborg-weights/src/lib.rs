#![doc = include_str!("../README.md")]

mod bounded;
mod element;
mod error;
mod pickle;
mod rebuild;
mod safetensors_file;
mod state_dict;
mod storage;
mod torch_file;
mod weights;
mod zip;

pub use element::ElementType;
pub use error::WeightsError;
pub use safetensors_file::write;
pub use weights::{Format, Weights, read};
