//! Image files to 8-bit rasters and back, resized exactly as PIL does; no tensors, no labels.
#![allow(missing_docs, unused_variables, clippy::missing_errors_doc)]
use std::path::{Path, PathBuf};

/// 8-bit pixels, rows from top to bottom, channels interleaved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raster {
    pub width_px: u32,
    pub height_px: u32,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// `height_px * width_px * channels` bytes.
    pub pixels: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    #[error("cannot decode image `{path}`: {reason}")]
    Decode { path: PathBuf, reason: String },
}

/// As PIL's `Image.open(path).convert("RGB")`.
pub fn read_rgb(path: &Path) -> Result<Raster, ImageError> {
    todo!()
}
/// As PIL's `Image.open(path).convert("L")`.
pub fn read_grey(path: &Path) -> Result<Raster, ImageError> {
    todo!()
}
/// As PIL's `image.resize((width, height), BILINEAR)`, bit for bit (antialiased when shrinking).
pub fn resize_bilinear(raster: &Raster, width_px: u32, height_px: u32) -> Raster {
    todo!()
}
pub fn encode_png(raster: &Raster) -> Result<Vec<u8>, ImageError> {
    todo!()
}
/// Written whole: to a temporary sibling, then renamed.
pub fn write_png(path: &Path, raster: &Raster) -> Result<(), ImageError> {
    todo!()
}
