//! Saliency maps and masks as grey pictures.

use std::path::Path;

use image::DynamicImage;

use crate::decode::{Mode, decode, raster, read};
use crate::{ImageError, Raster};

/// A saliency map or a mask, grey, with one channel of 8 bits.
///
/// As [`crate::read_grey`], but for files whose values would be lost there:
///
/// - Samples that are all 0 or 1, as programs for drawing masks store them in 8 or 16 bits, become 0 and 255.
/// - 16-bit samples that do not use the highest bit are stretched so that the largest becomes 255.
/// - Where the grey is the same everywhere and there is an alpha channel that is not, the alpha is the map.
///
/// # Errors
/// As [`crate::read_grey`].
pub fn read_map(path: &Path) -> Result<Raster, ImageError> {
    decode_map(&read(path)?, path)
}

/// As [`read_map`], from the bytes of a file; `path` is for messages only.
///
/// # Errors
/// As [`crate::decode_bytes_grey`].
pub fn decode_map(bytes: &[u8], path: &Path) -> Result<Raster, ImageError> {
    let image = decode(bytes, path)?;
    let alpha = alpha(&image);
    let deep = deep_grey(&image);
    let mut map = raster(image, Mode::Grey, None, path)?;
    if let Some(samples) = deep {
        map.pixels = stretched(&samples);
    }
    if let Some(alpha) = alpha
        && is_flat(&map.pixels)
        && !is_flat(&alpha)
    {
        map.pixels = alpha;
    }
    if map.pixels.iter().max() == Some(&1) {
        map.pixels.iter_mut().for_each(|value| *value *= 255);
    }
    Ok(map)
}

/// The samples of a 16-bit grey picture.
fn deep_grey(image: &DynamicImage) -> Option<Vec<u16>> {
    match image {
        DynamicImage::ImageLuma16(image) => Some(image.as_raw().clone()),
        DynamicImage::ImageLumaA16(image) => {
            Some(image.as_raw().as_chunks::<2>().0.iter().map(|&[grey, _]| grey).collect())
        }
        _ => None,
    }
}

/// 16 bits to 8: by the high byte where the highest bit is used, else so that the largest value becomes 255.
fn stretched(samples: &[u16]) -> Vec<u8> {
    let largest = u32::from(samples.iter().copied().max().unwrap_or(0));
    if largest == 0 || largest > u32::from(u16::MAX) / 2 {
        return samples.iter().map(|sample| (sample >> 8) as u8).collect();
    }
    samples.iter().map(|&sample| ((u32::from(sample) * 510 + largest) / (2 * largest)) as u8).collect()
}

fn alpha(image: &DynamicImage) -> Option<Vec<u8>> {
    match image {
        DynamicImage::ImageLumaA8(image) => Some(every::<2, u8>(image.as_raw()).collect()),
        DynamicImage::ImageRgba8(image) => Some(every::<4, u8>(image.as_raw()).collect()),
        DynamicImage::ImageLumaA16(image) => {
            Some(every::<2, u16>(image.as_raw()).map(|alpha| (alpha >> 8) as u8).collect())
        }
        DynamicImage::ImageRgba16(image) => {
            Some(every::<4, u16>(image.as_raw()).map(|alpha| (alpha >> 8) as u8).collect())
        }
        _ => None,
    }
}

/// The last of every `N` samples.
fn every<const N: usize, T: Copy>(samples: &[T]) -> impl Iterator<Item = T> {
    samples.as_chunks::<N>().0.iter().map(|pixel| pixel[N - 1])
}

fn is_flat(values: &[u8]) -> bool {
    values.windows(2).all(|pair| pair[0] == pair[1])
}
