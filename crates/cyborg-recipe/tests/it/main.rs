//! Recipes from file to maps.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod builds;
mod controls;
mod faults;
mod field;
mod folder;
mod geometry;
mod manifests;
