//! Image files to rasters, as PIL's `Image.open(path).convert(mode)` makes them.

use std::io::{BufReader, Cursor, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::error::UnsupportedErrorKind;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

use crate::{ImageError, Raster, Window};
use crate::{jpeg_end, png_chunks};

/// Images of more pixels are refused before anything is decoded (a "decompression bomb": a small file that promises
/// a huge image). 100 megapixels; PIL warns at 89 and refuses at 179.
pub const MAX_PIXELS: u64 = 100_000_000;

/// What a decoder may allocate: the most that [`MAX_PIXELS`] can need (16-bit RGBA) and as much again for its work.
const MAX_DECODER_BYTES: u64 = MAX_PIXELS * 8 * 2;

/// Larger files are refused: the most pixels that are read, 16-bit RGBA without compression, and as much again for what else a
/// file may hold.
const MAX_FILE_BYTES: u64 = MAX_DECODER_BYTES;

/// What is known, for messages about what is not.
const KNOWN: &str = "PNG, JPEG, TIFF, BMP and WebP are known, by content and not by file name";

/// As PIL's `Image.open(path).convert("RGB")`. The README states what becomes of each kind of image.
///
/// # Errors
/// [`ImageError::Read`] if the file cannot be read, otherwise as [`decode_bytes`].
pub fn read_rgb(path: &Path) -> Result<Raster, ImageError> {
    decode_bytes(&read(path)?, path)
}

/// As [`read_rgb`], with 16-bit samples brought to 8 bits by `window` instead of by their high bytes. Pictures of 8 bits are
/// what they are without.
///
/// # Errors
/// As [`read_rgb`].
pub fn read_rgb_in_window(path: &Path, window: Option<Window>) -> Result<Raster, ImageError> {
    decode(&read(path)?, path).and_then(|image| raster(image, Mode::Rgb, window, path))
}

/// As PIL's `Image.open(path).convert("L")`: colours become `(19595 R + 38470 G + 7471 B + 32768) / 65536`.
///
/// # Errors
/// As [`read_rgb`].
pub fn read_grey(path: &Path) -> Result<Raster, ImageError> {
    decode_bytes_grey(&read(path)?, path)
}

/// As [`read_rgb`], from the bytes of a file; `path` is for messages only.
///
/// # Errors
/// [`ImageError::Decode`] if the bytes are empty, no known image, cut short, damaged, of size zero, or of
/// floating-point samples; [`ImageError::TooLarge`] above [`MAX_PIXELS`].
pub fn decode_bytes(bytes: &[u8], path: &Path) -> Result<Raster, ImageError> {
    decode(bytes, path).and_then(|image| raster(image, Mode::Rgb, None, path))
}

/// As [`read_grey`], from the bytes of a file; `path` is for messages only.
///
/// # Errors
/// As [`decode_bytes`].
pub fn decode_bytes_grey(bytes: &[u8], path: &Path) -> Result<Raster, ImageError> {
    decode(bytes, path).and_then(|image| raster(image, Mode::Grey, None, path))
}

/// A picture, and how its file stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// As [`decode_bytes`] gives it, in the window.
    pub raster: Raster,
    /// Colours, alpha and bits.
    pub mode: ColorMode,
    /// The samples of a picture with 16 bits a sample, channels interleaved as stored; None for one of 8 bits, whose raster is
    /// the samples themselves.
    pub deep_samples: Option<Vec<u16>>,
}

/// As [`read_rgb_in_window`], from the bytes of a file and with what they store; `path` is for messages only.
///
/// # Errors
/// As [`decode_bytes`].
pub fn inspect_bytes(bytes: &[u8], window: Option<Window>, path: &Path) -> Result<Inspected, ImageError> {
    let image = decode(bytes, path)?;
    let mode = ColorMode::of(&image);
    let deep_samples = match &image {
        DynamicImage::ImageLuma16(image) => Some(image.as_raw().clone()),
        DynamicImage::ImageLumaA16(image) => Some(image.as_raw().clone()),
        DynamicImage::ImageRgb16(image) => Some(image.as_raw().clone()),
        DynamicImage::ImageRgba16(image) => Some(image.as_raw().clone()),
        _ => None,
    };
    Ok(Inspected { raster: raster(image, Mode::Rgb, window, path)?, mode, deep_samples })
}

/// What a file's pixels are, palettes looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ColorMode {
    /// Red, green and blue, not grey.
    pub is_color: bool,
    /// With alpha.
    pub has_alpha: bool,
    /// Bits a sample: 8 (or fewer, spread to 8) or 16.
    pub bits: u8,
}

impl ColorMode {
    fn of(image: &DynamicImage) -> Self {
        let color = image.color();
        let bits = (color.bytes_per_pixel() / color.channel_count()) * 8;
        Self { is_color: color.has_color(), has_alpha: color.has_alpha(), bits }
    }
}

impl std::fmt::Display for ColorMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let color = if self.is_color { "rgb" } else { "grey" };
        let alpha = if self.has_alpha { "+alpha" } else { "" };
        write!(f, "{color}{alpha}")?;
        if self.bits > 8 { write!(f, " {} bit", self.bits) } else { Ok(()) }
    }
}

/// Width and height in pixels, from the header alone: the image may still turn out damaged.
///
/// # Errors
/// As [`read_rgb`], as far as the header can tell.
pub fn dimensions(path: &Path) -> Result<(u32, u32), ImageError> {
    let failed = |source| ImageError::Read { path: path.into(), source };
    let mut file = cyborg_files::open_regular(path).map_err(failed)?;
    let mut start = Vec::new();
    file.by_ref().take(64).read_to_end(&mut start).map_err(failed)?;
    if let Some(size) = png_chunks::size(&start) {
        return check_size(size, path);
    }
    file.rewind().map_err(failed)?;
    let reader = ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(failed)?;
    if reader.format().is_none() {
        return Err(fault(path, &format!("it is no image; {KNOWN}")));
    }
    let decoder = guarded(path, || limited(reader).into_decoder())?;
    check_size(decoder.dimensions(), path)
}

/// All of a regular file of bearable size.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, ImageError> {
    let failed = |source| ImageError::Read { path: path.into(), source };
    let file = cyborg_files::open_regular(path).map_err(failed)?;
    let n_bytes = file.metadata().map_err(failed)?.len();
    if n_bytes > MAX_FILE_BYTES {
        return Err(fault(path, &format!("it has {n_bytes} bytes, at most {MAX_FILE_BYTES} are read")));
    }
    let mut bytes = Vec::with_capacity(n_bytes as usize);
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

pub(crate) fn limited<R: std::io::BufRead + Seek>(mut reader: ImageReader<R>) -> ImageReader<R> {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    reader.limits(limits);
    reader
}

pub(crate) fn decode(bytes: &[u8], path: &Path) -> Result<DynamicImage, ImageError> {
    if bytes.is_empty() {
        return Err(fault(path, "the file is empty"));
    }
    let picture = png_chunks::picture_alone(bytes);
    let reader = ImageReader::new(Cursor::new(&*picture))
        .with_guessed_format()
        .map_err(|source| ImageError::Read { path: path.into(), source })?;
    if reader.format().is_none() {
        return Err(fault(path, &format!("it is no image; {KNOWN}")));
    }
    let decoder = guarded(path, || limited(reader).into_decoder())?;
    check_size(decoder.dimensions(), path)?;
    if !jpeg_end::is_whole(bytes) {
        return Err(fault(
            path,
            "the JPEG stream ends before its end-of-image marker: the file is cut short",
        ));
    }
    guarded(path, || DynamicImage::from_decoder(decoder))
}

pub(crate) fn check_size((width_px, height_px): (u32, u32), path: &Path) -> Result<(u32, u32), ImageError> {
    let pixels = u64::from(width_px) * u64::from(height_px);
    if pixels == 0 {
        return Err(fault(path, &format!("its size is {width_px}x{height_px}")));
    }
    if pixels > MAX_PIXELS {
        return Err(ImageError::TooLarge {
            path: path.into(),
            width_px,
            height_px,
            pixels,
            limit: MAX_PIXELS,
        });
    }
    Ok((width_px, height_px))
}

/// Runs a decoder over bytes that may be hostile. A decoder that panics has found a damaged file in its own way; one
/// bad image must not take a run of hours down.
pub(crate) fn guarded<T>(path: &Path, work: impl FnOnce() -> image::ImageResult<T>) -> Result<T, ImageError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(image::ImageError::Unsupported(error)))
            if matches!(error.kind(), UnsupportedErrorKind::Format(_)) =>
        {
            Err(fault(path, &format!("{error}; {KNOWN}")))
        }
        Ok(Err(error)) => Err(fault(path, &error.to_string())),
        Err(_) => Err(fault(path, "the decoder gave up on the bytes: the file is damaged")),
    }
}

pub(crate) fn fault(path: &Path, reason: &str) -> ImageError {
    ImageError::Decode { path: path.into(), reason: reason.to_owned() }
}

#[derive(Clone, Copy)]
pub(crate) enum Mode {
    Rgb,
    Grey,
}

/// `window` is for 16-bit samples; None keeps their high bytes.
pub(crate) fn raster(
    image: DynamicImage,
    mode: Mode,
    window: Option<Window>,
    path: &Path,
) -> Result<Raster, ImageError> {
    let (width_px, height_px) = (image.width(), image.height());
    let bytes = |samples: &[u16]| match window {
        Some(window) => samples.iter().map(|&sample| window.byte(sample)).collect(),
        None => high_bytes(samples),
    };
    let (channels, pixels) = match image {
        DynamicImage::ImageLuma8(image) => from_grey(image.into_raw(), mode),
        DynamicImage::ImageRgb8(image) => from_rgb(image.into_raw(), mode),
        DynamicImage::ImageLumaA8(image) => from_grey(kept::<2, 1>(&image), mode),
        DynamicImage::ImageRgba8(image) => from_rgb(kept::<4, 3>(&image), mode),
        DynamicImage::ImageLuma16(image) => from_grey(kept::<1, 1>(&bytes(&image)), mode),
        DynamicImage::ImageLumaA16(image) => from_grey(kept::<2, 1>(&bytes(&image)), mode),
        DynamicImage::ImageRgb16(image) => from_rgb(bytes(&image), mode),
        DynamicImage::ImageRgba16(image) => from_rgb(kept::<4, 3>(&bytes(&image)), mode),
        _ => {
            let reason = "its samples are floating-point numbers, whose range no file states: \
                          store it with 8 or 16 bits a sample";
            return Err(fault(path, reason));
        }
    };
    Ok(Raster { width_px, height_px, channels, pixels })
}

fn from_grey(grey: Vec<u8>, mode: Mode) -> (usize, Vec<u8>) {
    match mode {
        Mode::Grey => (1, grey),
        Mode::Rgb => (3, grey.iter().flat_map(|&value| [value; 3]).collect()),
    }
}

fn from_rgb(rgb: Vec<u8>, mode: Mode) -> (usize, Vec<u8>) {
    match mode {
        Mode::Rgb => (3, rgb),
        Mode::Grey => (1, rgb.as_chunks::<3>().0.iter().map(|&pixel| luma(pixel)).collect()),
    }
}

/// PIL's ITU-R 601 luma in 16-bit fixed point.
fn luma([red, green, blue]: [u8; 3]) -> u8 {
    ((u32::from(red) * 19595 + u32::from(green) * 38470 + u32::from(blue) * 7471 + 0x8000) >> 16) as u8
}

/// The first `KEPT` of every `ALL` samples: alpha is dropped, not blended, as PIL does.
fn kept<const ALL: usize, const KEPT: usize>(samples: &[u8]) -> Vec<u8> {
    samples.as_chunks::<ALL>().0.iter().flat_map(|pixel| pixel[..KEPT].iter().copied()).collect()
}

/// 16 bits to 8 by keeping the high byte.
///
/// DIFFERENCE: PIL does this for 16-bit colour, but turns 16-bit grey into 255 wherever it is above 255, which makes
/// nearly every such image white.
fn high_bytes(samples: &[u16]) -> Vec<u8> {
    samples.iter().map(|sample| (sample >> 8) as u8).collect()
}
