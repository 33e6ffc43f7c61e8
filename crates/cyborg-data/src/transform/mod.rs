//! Random changes of training images.

use cyborg_image::Raster;
use cyborg_seed::Stream;
use cyborg_settings::AnySettings;

/// One training image on its way to a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// RGB, `input_px` x `input_px`.
    pub image: Raster,
    /// The human map, grey, of any size and over the same part of the world as the image.
    pub map: Option<Raster>,
}

/// A random change of training images, chosen by name in a file.
pub trait Transform: AnySettings {
    /// Changes the sample by what it draws.
    fn change(&self, sample: &mut Sample, draws: &mut Stream);
}
