#![doc = include_str!("../README.md")]

mod batches;
mod cam;
mod classes;
mod csv_io;
mod error;
mod failed;
mod images;
mod model;
mod npy;
mod predict;
mod rows;
mod weights_file;

pub use cyborg_backbones::{Card, LoadReport, Tap};
pub use cyborg_data::NetworkInput;
pub use cyborg_weights::ElementType;

pub use batches::{Effort, OnProgress, Progress};
pub use cam::{CamOptions, CamTarget, draw_cams};
pub use classes::Classes;
pub use error::PredictError;
pub use failed::{failed_path, write_failures};
pub use images::{
    Failure, IMAGE_EXTENSIONS, Image, ImageList, ImageOptions, Images, LabelOptions, SplitChoice,
};
pub use model::{Model, ModelOptions, backbone_from_name};
pub use predict::{Outcome, PredictOptions, ScoreKind, predict};
pub use rows::{Columns, Output, Row, ScoreTable};
pub use weights_file::{Conversion, Inspection, TensorSummary, convert, inspect};
