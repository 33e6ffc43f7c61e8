#![doc = include_str!("../README.md")]

mod ahead;
mod batch;
mod contact_sheet;
mod error;
mod image_file;
mod image_set;
mod map_control;
mod network_input;
mod streamed;
mod transform;

pub use ahead::ahead;
pub use batch::{Batch, BatchPlan, Batches, HumanMaps};
pub use contact_sheet::contact_sheet;
pub use error::DataError;
pub use image_file::{MAX_SIDE_PX, read_image, resized_pixels};
pub use image_set::{BadImage, GridMaps, ImageSet, LoadProgress};
pub use map_control::{MAP_CONTROLS, MapControl};
pub use network_input::NetworkInput;
pub use streamed::{StreamedBatch, stream_images};
pub use transform::{
    Affine, Blur, BrightnessContrastGamma, Erasing, HorizontalFlip, JpegCompression, Noise,
    RandomResizedCrop, Rotation, Sample, ShiftAndScale, TRANSFORMS, Transform, augment,
};
