#![doc = include_str!("../README.md")]

mod annotate;
mod canvas;
mod chests;
mod error;
mod faces;
mod irises;
mod manifest;
mod phantom;
mod plan;
mod plane;
#[cfg(test)]
mod properties;
mod region;
mod settings;
mod sheet;
mod write;

pub use chests::ChestPhantom;
pub use error::PhantomError;
pub use faces::FacePhantom;
pub use irises::IrisPhantom;
pub use phantom::{PHANTOMS, Phantom, Picture, Words};
pub use plan::{PlannedImage, Source, Split};
pub use settings::{Common, TestSources};
pub use sheet::contact_sheet;
pub use write::generate;
