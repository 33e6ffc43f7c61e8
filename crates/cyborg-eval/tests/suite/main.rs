//! One binary, so that polars is linked once.
#![allow(missing_docs, clippy::unwrap_used)]

mod bootstrap;
mod classes;
mod comparable;
mod data;
mod differences;
mod golden;
mod images;
mod many;
mod outside;
mod paired;
mod properties;
mod ranked;
mod rates;
mod saliency;
mod scores;
mod size;
mod tables;
mod thresholds;
