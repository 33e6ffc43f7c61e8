//! What can go wrong with an image file.

use std::path::PathBuf;

/// Why an image could not be read or written. Every variant names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The file could not be opened or read at all.
    #[error("cannot read image `{path}`")]
    Read {
        /// The image file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The bytes are not an image that can be decoded: another format, cut short, damaged, of no size.
    #[error("cannot decode image `{path}`: {reason}")]
    Decode {
        /// The image file.
        path: PathBuf,
        /// What is wrong with the bytes.
        reason: String,
    },
    /// The header promises more pixels than [`crate::MAX_PIXELS`]; nothing was decoded.
    #[error(
        "image `{path}` is {width_px}x{height_px} = {pixels} pixels, more than the limit of {limit}: shrink it first"
    )]
    TooLarge {
        /// The image file.
        path: PathBuf,
        /// Width in the header.
        width_px: u32,
        /// Height in the header.
        height_px: u32,
        /// Their product.
        pixels: u64,
        /// [`crate::MAX_PIXELS`].
        limit: u64,
    },
    /// A window without an inside.
    #[error(
        "a window from {low} to {high} has no inside: the value that becomes black must be below the one that becomes white"
    )]
    Window {
        /// The value that is to become black.
        low: u16,
        /// The value that is to become white.
        high: u16,
    },
    /// The raster cannot be encoded: no pixels, or a buffer of another length than its size says.
    #[error("cannot encode a {width_px}x{height_px} raster of {channels} channels: {reason}")]
    Encode {
        /// Width of the raster.
        width_px: u32,
        /// Height of the raster.
        height_px: u32,
        /// Channels of the raster.
        channels: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The file could not be written; a file of that name is as it was before.
    #[error("cannot write image `{path}`")]
    Write {
        /// The image file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
