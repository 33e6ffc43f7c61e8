#![doc = include_str!("../README.md")]

mod epochs;
mod error;
mod estimate;
mod fit;
#[cfg(test)]
mod fixture;
mod inputs;
mod observer;
#[cfg(test)]
mod resume_tests;
mod score;
mod settings;
mod sgd;
mod state;
mod steps;
mod whole_file;

pub use cyborg_data::{BadImage, ImageSet, LoadProgress};
pub use epochs::EpochRow;
pub use error::TrainError;
pub use estimate::{ImageTime, image_time};
pub use fit::{FitOptions, FitOutcome, fit, fit_with};
pub use observer::{Observer, Silent};
pub use score::{Score, score};
pub use settings::{Method, TrainSettings};
pub use sgd::Sgd;
pub use steps::StepRow;
