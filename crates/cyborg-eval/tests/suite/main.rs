//! One binary, so that polars is linked once.
#![allow(missing_docs, clippy::unwrap_used)]

mod data;
mod golden;
mod paired;
mod properties;
mod scores;
mod size;
mod tables;
