#![doc = include_str!("../README.md")]

mod geometry;
mod grid;

pub use geometry::{GeometryError, aspect_agrees, check_aspect};
pub use grid::{SaliencyGrid, grid_from_map};
