//! Image files in full precision: what masks and heat maps need.

use std::io::{BufReader, Cursor};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader};

use crate::decode::{check_size, decode, fault, guarded, limited, read};
use crate::{ImageError, MAX_PIXELS, png_chunks};

/// An image as it is stored, neither cut to 8 bits nor turned into grey; palettes are looked up.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// Columns.
    pub width_px: u32,
    /// Rows.
    pub height_px: u32,
    /// 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB and alpha).
    pub channels: usize,
    /// `height_px * width_px * channels` values, rows from top to bottom, channels interleaved.
    pub values: SampleValues,
}

/// The values of [`Samples`], in the type of the file.
#[derive(Clone, Debug, PartialEq)]
pub enum SampleValues {
    /// 8 bits, or fewer spread to 8.
    U8(Vec<u8>),
    /// 16 bits.
    U16(Vec<u16>),
    /// 32-bit floats: any range, maybe not finite.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
}

/// Every kind that [`crate::read_rgb`] reads, and TIFF with 32- and 64-bit floats, without loss.
///
/// # Errors
/// [`ImageError::Read`] if the file cannot be read, otherwise as [`decode_samples`].
pub fn read_samples(path: &Path) -> Result<Samples, ImageError> {
    decode_samples(&read(path)?, path)
}

/// As [`read_samples`], from the bytes of a file; `path` is for messages only.
///
/// # Errors
/// [`ImageError::Decode`] if the bytes are empty, no known image, cut short, damaged or of size zero;
/// [`ImageError::TooLarge`] above [`MAX_PIXELS`].
pub fn decode_samples(bytes: &[u8], path: &Path) -> Result<Samples, ImageError> {
    if let Some(samples) = grey_float_tiff(bytes, path)? {
        return Ok(samples);
    }
    let image = decode(bytes, path)?;
    let (width_px, height_px) = (image.width(), image.height());
    let (channels, values) = match image {
        DynamicImage::ImageLuma8(image) => (1, SampleValues::U8(image.into_raw())),
        DynamicImage::ImageLumaA8(image) => (2, SampleValues::U8(image.into_raw())),
        DynamicImage::ImageRgb8(image) => (3, SampleValues::U8(image.into_raw())),
        DynamicImage::ImageRgba8(image) => (4, SampleValues::U8(image.into_raw())),
        DynamicImage::ImageLuma16(image) => (1, SampleValues::U16(image.into_raw())),
        DynamicImage::ImageLumaA16(image) => (2, SampleValues::U16(image.into_raw())),
        DynamicImage::ImageRgb16(image) => (3, SampleValues::U16(image.into_raw())),
        DynamicImage::ImageRgba16(image) => (4, SampleValues::U16(image.into_raw())),
        DynamicImage::ImageRgb32F(image) => (3, SampleValues::F32(image.into_raw())),
        DynamicImage::ImageRgba32F(image) => (4, SampleValues::F32(image.into_raw())),
        _ => {
            return Err(fault(
                path,
                "its samples are of an unknown type: store it with 8 or 16 bits a sample",
            ));
        }
    };
    Ok(Samples { width_px, height_px, channels, values })
}

/// One channel of floats in a TIFF, which the general decoder does not know; `None` for every other file.
fn grey_float_tiff(bytes: &[u8], path: &Path) -> Result<Option<Samples>, ImageError> {
    use tiff::decoder::{Decoder, DecodingResult, Limits};
    if !(bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*")) {
        return Ok(None);
    }
    let said = |error: tiff::TiffError| image::ImageError::IoError(std::io::Error::other(error));
    let mut limits = Limits::default();
    limits.decoding_buffer_size = usize::try_from(MAX_PIXELS * 8).unwrap_or(usize::MAX);
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    let opened = guarded(path, || {
        let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(said)?.with_limits(limits);
        Ok((decoder.dimensions().map_err(said)?, decoder.colortype().map_err(said)?, decoder))
    });
    let Ok((size, tiff::ColorType::Gray(32 | 64), mut decoder)) = opened else { return Ok(None) };
    let (width_px, height_px) = check_size(size, path)?;
    let values = match guarded(path, || decoder.read_image().map_err(said))? {
        DecodingResult::F32(values) => SampleValues::F32(values),
        DecodingResult::F64(values) => SampleValues::F64(values),
        _ => {
            let reason = "its samples are 32- or 64-bit integers: store it with 8 or 16 bits or as floats";
            return Err(fault(path, reason));
        }
    };
    let length = match &values {
        SampleValues::F32(values) => values.len(),
        SampleValues::F64(values) => values.len(),
        SampleValues::U8(_) | SampleValues::U16(_) => 0,
    };
    if length as u64 != u64::from(width_px) * u64::from(height_px) {
        return Err(fault(path, "it has more or fewer samples than pixels: the file is damaged"));
    }
    Ok(Some(Samples { width_px, height_px, channels: 1, values }))
}

/// The palette indices of a PNG with a palette, one channel of 8 bits: the class numbers of many segmentation masks. `None`
/// for every other file.
///
/// # Errors
/// As [`decode_samples`].
pub fn decode_palette_indices(bytes: &[u8], path: &Path) -> Result<Option<Samples>, ImageError> {
    const PALETTE: u8 = 3; // the colour type, byte 26 of every PNG
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.get(25) != Some(&PALETTE) {
        return Ok(None);
    }
    let said = |error: png::DecodingError| image::ImageError::IoError(std::io::Error::other(error));
    let picture = png_chunks::picture_alone(bytes);
    let mut reader = guarded(path, || {
        let mut decoder = png::Decoder::new(Cursor::new(&*picture));
        decoder.set_transformations(png::Transformations::IDENTITY);
        decoder.read_info().map_err(said)
    })?;
    let (width_px, height_px) = check_size(reader.info().size(), path)?;
    let bits = reader.info().bit_depth as usize;
    let too_large = || fault(path, "its rows do not fit in memory");
    let mut packed = vec![0; reader.output_buffer_size().ok_or_else(too_large)?];
    let row_bytes = reader.output_line_size(width_px).ok_or_else(too_large)?;
    guarded(path, || reader.next_frame(&mut packed).map_err(said))?;
    // Indices of 1, 2 and 4 bits lie in a byte from its high end.
    let index =
        |row: &[u8], x: usize| row[x * bits / 8] >> (8 - bits - x * bits % 8) & (0xff >> (8 - bits)) as u8;
    let rows = packed.chunks_exact(row_bytes);
    let values = rows.flat_map(|row| (0..width_px as usize).map(move |x| index(row, x))).collect();
    Ok(Some(Samples { width_px, height_px, channels: 1, values: SampleValues::U8(values) }))
}

/// The EXIF (or TIFF) orientation of an image file, 1 to 8; 1 if it states none. [`crate::read_rgb`] leaves pixels as
/// they are stored whatever this says; programs for looking at pictures turn them.
///
/// # Errors
/// As [`crate::dimensions`].
pub fn orientation(path: &Path) -> Result<u8, ImageError> {
    let open = || ImageReader::new(BufReader::new(cyborg_files::open_regular(path)?)).with_guessed_format();
    let reader = open().map_err(|source| ImageError::Read { path: path.into(), source })?;
    guarded(path, || Ok(limited(reader).into_decoder()?.orientation()?.to_exif()))
}
