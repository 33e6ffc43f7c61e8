//! Random changes of training images and their human maps, chosen by name in a file.

mod affine;
mod augment;
mod blur;
mod brightness_contrast_gamma;
mod erasing;
#[cfg(test)]
mod golden_tests;
mod horizontal_flip;
mod jpeg_compression;
mod noise;
mod random_resized_crop;
mod range;
mod rotation;
mod shift_and_scale;
#[cfg(test)]
mod tests;
mod warp;

pub use affine::Affine;
pub use augment::augment;
pub use blur::Blur;
pub use brightness_contrast_gamma::BrightnessContrastGamma;
pub use erasing::Erasing;
pub use horizontal_flip::HorizontalFlip;
pub use jpeg_compression::JpegCompression;
pub use noise::Noise;
pub use random_resized_crop::RandomResizedCrop;
pub use rotation::Rotation;
pub use shift_and_scale::ShiftAndScale;

use crate::DataError;
use cyborg_image::Raster;
use cyborg_seed::Stream;
use cyborg_settings::{AnySettings, Choice, choices};

/// All transforms. A further one is one file and one line here.
pub const TRANSFORMS: &[Choice<dyn Transform>] = choices![dyn Transform;
    HorizontalFlip,
    RandomResizedCrop,
    Rotation,
    ShiftAndScale,
    BrightnessContrastGamma,
    Blur,
    Noise,
    JpegCompression,
    Erasing,
];

/// One training image on its way to a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// RGB, `input_px` x `input_px`.
    pub image: Raster,
    /// The human map, grey, of any size; it covers the same part of the scene as the image.
    pub map: Option<Raster>,
}

/// A random change of training images.
///
/// A transform either moves the image and its map ([`geometry`](Self::geometry)) or changes values
/// ([`change`](Self::change)). All it draws comes from the stream that it is given.
pub trait Transform: AnySettings {
    /// Draws where the image is moved: the map from places in the new image to places in the old one, both in units of
    /// their sides. None leaves the image where it is. `size` is width and height of the image in pixels.
    fn geometry(&self, size: (u32, u32), draws: &mut Stream) -> Option<Affine> {
        let _ = (size, draws);
        None
    }

    /// Draws and makes a change of values.
    ///
    /// # Errors
    /// [`DataError::Image`] if the image cannot be encoded.
    fn change(&self, sample: &mut Sample, draws: &mut Stream) -> Result<(), DataError> {
        let _ = (sample, draws);
        Ok(())
    }

    /// Whether the transform enlarges so much that it must work on the image as it was decoded. The others work on the
    /// image that is already resized to the network's input, which saves decoding each image again in each epoch.
    fn needs_full_resolution(&self) -> bool {
        false
    }
}
