#![doc = include_str!("../README.md")]

mod annotation;
mod geometry;
mod grid;
mod map;

pub use annotation::{Annotation, Mark};
pub use geometry::{GeometryError, aspect_agrees, check_aspect};
pub use grid::{SaliencyGrid, grid_from_map};
pub use map::SaliencyMap;
