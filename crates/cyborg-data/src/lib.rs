#![doc = include_str!("../README.md")]

mod batch;
mod error;
mod image_file;
mod image_set;
mod map_control;
mod transform;

pub use batch::{Batch, BatchPlan, Batches, HumanMaps};
pub use error::DataError;
pub use image_file::{MAX_SIDE_PX, read_image, resized_pixels};
pub use image_set::{BadImage, GridMaps, ImageSet, LoadProgress};
pub use map_control::{MAP_CONTROLS, MapControl};
pub use transform::{
    Affine, Blur, BrightnessContrastGamma, Erasing, HorizontalFlip, JpegCompression, Noise,
    RandomResizedCrop, Rotation, Sample, ShiftAndScale, TRANSFORMS, Transform, augment,
};
