//! Rasters to PNG and JPEG.

use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
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
    let color = encodable(raster)?;
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive)
        .write_image(&raster.pixels, width_px, height_px, color)
        .map_err(|error| fault(error.to_string()))?;
    Ok(bytes)
}

/// The type of the raster's samples, if it can be encoded.
fn encodable(raster: &Raster) -> Result<ExtendedColorType, ImageError> {
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
    Ok(color)
}

/// JPEG bytes of `quality` from 1 (least) to 100. Colours keep their full resolution (4:4:4), where libjpeg halves it unless
/// told otherwise.
///
/// # Errors
/// As [`encode_png`], and if a side is above 65535.
pub fn encode_jpeg(raster: &Raster, quality: u8) -> Result<Vec<u8>, ImageError> {
    let &Raster { width_px, height_px, channels, .. } = raster;
    let fault = |reason: String| ImageError::Encode { width_px, height_px, channels, reason };
    let color = encodable(raster)?;
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100))
        .write_image(&raster.pixels, width_px, height_px, color)
        .map_err(|error| fault(error.to_string()))?;
    Ok(bytes)
}

/// PNG bytes of a grey picture with 16 bits a sample, rows from top to bottom; no metadata.
///
/// # Errors
/// [`ImageError::Encode`] if there are no samples, or not `width_px * height_px` of them.
pub fn encode_png_16(width_px: u32, height_px: u32, samples: &[u16]) -> Result<Vec<u8>, ImageError> {
    let fault = |reason: String| ImageError::Encode { width_px, height_px, channels: 1, reason };
    let expected = width_px as usize * height_px as usize;
    if samples.is_empty() || samples.len() != expected {
        return Err(fault(format!("it must have {expected} samples, at least 1, but has {}", samples.len())));
    }
    // The encoder takes the machine's byte order and writes big-endian.
    let native: Vec<u8> = samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive)
        .write_image(&native, width_px, height_px, ExtendedColorType::L16)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SampleValues, decode_samples};

    #[test]
    fn sixteen_bits_round_trip() {
        let samples = [0u16, 1, 255, 256, 0x1234, 65535];
        let bytes = encode_png_16(3, 2, &samples).expect("six samples");
        let read = decode_samples(&bytes, Path::new("memory.png")).expect("a PNG");
        assert_eq!((read.width_px, read.height_px, read.channels), (3, 2, 1));
        assert_eq!(read.values, SampleValues::U16(samples.to_vec()));
        assert!(encode_png_16(2, 2, &samples).is_err() && encode_png_16(0, 0, &[]).is_err());
    }
}
