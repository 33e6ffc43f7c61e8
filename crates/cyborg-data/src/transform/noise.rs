//! Noisy images.

use super::range::{check_order, uniform};
use super::{Sample, Transform};
use crate::DataError;
use cyborg_seed::Stream;
use cyborg_settings::{Fault, Fraction, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Normal noise is added to each sample of each channel, as torchvision's `GaussianNoise`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// Share of the images that get noise, from 0 to 1; 0.5 unless stated.
    #[serde(default = "Fraction::half")]
    pub probability: Fraction,
    /// Standard deviation where black is 0 and white is 1, [least, greatest]; [0, 0.05] unless stated.
    #[serde(default = "default_sigma")]
    pub sigma: [Fraction; 2],
}

const fn default_sigma() -> [Fraction; 2] {
    [Fraction::new(0.0).expect("from 0 to 1"), Fraction::new(0.05).expect("from 0 to 1")]
}

impl Settings for Noise {
    const NAME: &'static str = "noise";

    fn check(&self) -> Result<(), Fault> {
        check_order("sigma", self.sigma.map(Fraction::get))
    }
}

impl Transform for Noise {
    fn change(&self, sample: &mut Sample, draws: &mut Stream) -> Result<(), DataError> {
        if draws.bernoulli(self.probability.get()) {
            let sigma = 255.0 * uniform(self.sigma.map(Fraction::get), draws);
            for value in &mut sample.image.pixels {
                // The cast keeps within 0 and 255.
                *value = (f64::from(*value) + sigma * draws.normal()).round() as u8;
            }
        }
        Ok(())
    }
}
