//! Other exposures.

use super::range::log_uniform;
use super::{Sample, Transform};
use crate::DataError;
use cyborg_image::Raster;
use cyborg_seed::Stream;
use cyborg_settings::{BelowOne, Fraction, NonNegative, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Brightness, contrast and gamma change by random factors, in this order, as torchvision's `adjust_brightness`,
/// `adjust_contrast` and `adjust_gamma` on floats, with one rounding at the end.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrightnessContrastGamma {
    /// Share of the images that are changed, from 0 to 1; 1 unless stated.
    #[serde(default = "Fraction::one")]
    pub probability: Fraction,
    /// All values are multiplied by a factor from 1 - brightness to 1 + brightness; 0.2 unless stated.
    #[serde(default = "fifth")]
    pub brightness: BelowOne,
    /// Distances from the mean grey are multiplied by a factor from 1 - contrast to 1 + contrast; 0.2 unless stated.
    #[serde(default = "fifth")]
    pub contrast: BelowOne,
    /// Values from 0 to 1 are raised to a power from 1 / (1 + gamma) to 1 + gamma, its logarithm uniform; 0 unless stated.
    #[serde(default = "none")]
    pub gamma: NonNegative,
}

const fn fifth() -> BelowOne {
    BelowOne::new(0.2).expect("below 1")
}

const fn none() -> NonNegative {
    NonNegative::new(0.0).expect("0 or more")
}

impl Settings for BrightnessContrastGamma {
    const NAME: &'static str = "brightness-contrast-gamma";
}

impl Transform for BrightnessContrastGamma {
    fn change(&self, sample: &mut Sample, draws: &mut Stream) -> Result<(), DataError> {
        if draws.bernoulli(self.probability.get()) {
            let mut factor = |most: f64| draws.uniform_in(1.0 - most, 1.0 + most);
            let (brightness, contrast) = (factor(self.brightness.get()), factor(self.contrast.get()));
            let most = 1.0 + self.gamma.get();
            adjust(&mut sample.image, brightness, contrast, log_uniform([1.0 / most, most], draws));
        }
        Ok(())
    }
}

/// What torchvision takes red, green and blue into grey by.
const GREY: [f64; 3] = [0.2989, 0.587, 0.114];

pub(super) fn adjust(image: &mut Raster, brightness: f64, contrast: f64, gamma: f64) {
    let bright: [f64; 256] = std::array::from_fn(|value| (value as f64 / 255.0 * brightness).clamp(0.0, 1.0));
    let mut counts = [[0_u64; 256]; 3];
    for pixel in image.pixels.as_chunks::<3>().0 {
        for (counts, &value) in counts.iter_mut().zip(pixel) {
            counts[usize::from(value)] += 1;
        }
    }
    let sum =
        |counts: &[u64; 256]| counts.iter().zip(&bright).map(|(&n, value)| n as f64 * value).sum::<f64>();
    let greys: f64 = counts.iter().zip(GREY).map(|(counts, weight)| weight * sum(counts)).sum();
    let mean = greys / (image.pixels.len() / 3) as f64;
    let table: [u8; 256] = std::array::from_fn(|value| {
        let contrasted = (mean + contrast * (bright[value] - mean)).clamp(0.0, 1.0);
        (libm::pow(contrasted, gamma) * 255.0).round() as u8
    });
    for value in &mut image.pixels {
        *value = table[usize::from(*value)];
    }
}
