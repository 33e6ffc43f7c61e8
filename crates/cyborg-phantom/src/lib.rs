#![doc = include_str!("../README.md")]

mod annotate;
mod artefact;
mod canvas;
mod error;
mod face;
mod manifest;
mod picture;
mod plan;
#[cfg(test)]
mod properties;
mod settings;
mod shade;
mod sheet;
mod sources;
mod stamp;
mod write;

pub use error::PhantomError;
pub use settings::{DRAWING_VERSION, FacePhantom, Generators};
pub use sheet::contact_sheet;
pub use write::generate_faces;
