//! Rasters to PNG files.

use std::path::Path;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use crate::{ImageError, Raster};

/// PNG bytes, 8 bits a sample, no metadata: the same raster gives the same bytes.
///
/// # Errors
/// [`ImageError::Encode`] if the raster has no pixels, neither 1 nor 3 channels, or a buffer of another length than its
/// size says.
pub fn encode_png(raster: &Raster) -> Result<Vec<u8>, ImageError> {
    let &Raster { width_px, height_px, channels, .. } = raster;
    let fault = |reason: String| ImageError::Encode { width_px, height_px, channels, reason };
    let color = match channels {
        1 => ExtendedColorType::L8,
        3 => ExtendedColorType::Rgb8,
        _ => return Err(fault("it must have 1 channel (grey) or 3 (RGB)".to_owned())),
    };
    if raster.pixels.is_empty() {
        return Err(fault("it has no pixels".to_owned()));
    }
    if raster.pixels.len() != raster.expected_len() {
        let (expected, found) = (raster.expected_len(), raster.pixels.len());
        return Err(fault(format!("its buffer must hold {expected} bytes but holds {found}")));
    }
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive)
        .write_image(&raster.pixels, width_px, height_px, color)
        .map_err(|error| fault(error.to_string()))?;
    Ok(bytes)
}

/// Writes a PNG whole: to a temporary sibling, flushed to the disk, then renamed. The folder must exist.
///
/// # Errors
/// [`ImageError::Encode`] as [`encode_png`]; [`ImageError::Write`] if the file cannot be written, and then nothing is left
/// behind.
pub fn write_png(path: &Path, raster: &Raster) -> Result<(), ImageError> {
    let bytes = encode_png(raster)?;
    cyborg_files::write_whole(path, &bytes).map_err(|source| ImageError::Write { path: path.into(), source })
}
