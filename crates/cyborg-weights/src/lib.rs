#![doc = include_str!("../README.md")]

mod bounded;
mod element;
mod error;
mod hub;
mod pickle;
mod rebuild;
mod safetensors_file;
mod source;
mod state_dict;
mod storage;
mod torch_file;
mod transfer;
mod value;
mod weights;
mod zip;

pub use element::ElementType;
pub use error::WeightsError;
pub use hub::{Hub, Progress};
pub use safetensors_file::write;
pub use source::{HubFile, Source};
pub use weights::{Format, Weights, read};
