#![doc = include_str!("../README.md")]

mod colour;
mod decode;
mod encode;
mod error;
mod jpeg_end;
mod normalise;
mod raster;
mod resample;
mod samples;

pub use colour::heat_colour;
pub use decode::{
    ColorMode, MAX_PIXELS, decode_bytes, decode_bytes_grey, decode_bytes_with_mode, dimensions, read_grey,
    read_rgb,
};
pub use encode::{encode_jpeg, encode_png, encode_png_16, write_png};
pub use error::ImageError;
pub use normalise::Normalise;
pub use raster::Raster;
pub use resample::resize_bilinear;
pub use samples::{SampleValues, Samples, decode_palette_indices, decode_samples, orientation, read_samples};
