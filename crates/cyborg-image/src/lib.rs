#![doc = include_str!("../README.md")]

mod colour;
mod content;
mod decode;
mod encode;
mod error;
mod jpeg_end;
mod map;
mod normalise;
mod png_chunks;
mod raster;
mod resample;
mod samples;
mod window;

pub use colour::heat_colour;
pub use content::{IMAGE_EXTENSIONS, is_image_file};
pub use decode::{
    ColorMode, Inspected, MAX_PIXELS, decode_bytes, decode_bytes_grey, dimensions, inspect_bytes, read_grey,
    read_rgb, read_rgb_in_window,
};
pub use encode::{encode_jpeg, encode_png, encode_png_16, write_png};
pub use error::ImageError;
pub use map::{decode_map, read_map};
pub use normalise::Normalise;
pub use raster::Raster;
pub use resample::resize_bilinear;
pub use samples::{SampleValues, Samples, decode_palette_indices, decode_samples, orientation, read_samples};
pub use window::Window;
