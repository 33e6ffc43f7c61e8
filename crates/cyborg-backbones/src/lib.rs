#![doc = include_str!("../README.md")]

mod adapt;
mod architecture;
mod builder;
mod card;
mod definition;
mod densenet;
mod efficientnet_lite;
mod error;
mod geometry;
mod inception_v3;
mod infer;
mod layers;
mod network;
mod parameter;
mod pass;
mod resnet;
mod tap;
mod thin_resnet8;
mod weights;
mod xception;

pub use adapt::LoadReport;
pub use architecture::Architecture;
pub use card::Card;
pub use cyborg_ops::backward;
pub use error::BackboneError;
pub use network::{Network, Output, TrainingPass};
pub use parameter::{ParameterInfo, ParameterRole};
pub use tap::{Tap, TapInfo};
