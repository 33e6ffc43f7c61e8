//! Turned images.

use super::{Affine, Transform};
use cyborg_seed::Stream;
use cyborg_settings::{Fault, Fraction, NonNegative, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The image turns around its middle by a random angle, after it was resized to the network's square input; corners become
/// black. As torchvision's `RandomRotation` with bilinear interpolation. Geometric: the map turns, too.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Share of the images that are turned, from 0 to 1; 1 unless stated.
    #[serde(default = "Fraction::one")]
    pub probability: Fraction,
    /// The greatest angle to either side, from 0 to 180 degrees.
    pub degrees: NonNegative,
}

impl Settings for Rotation {
    const NAME: &'static str = "rotation";

    fn check(&self) -> Result<(), Fault> {
        let degrees = self.degrees.get();
        if degrees <= 180.0 {
            return Ok(());
        }
        let message = format!("expected degrees from 0 to 180, found {degrees}");
        Err(Fault::of_field("degrees", message, None))
    }
}

impl Transform for Rotation {
    fn geometry(&self, _: (u32, u32), draws: &mut Stream) -> Option<Affine> {
        let greatest = self.degrees.get();
        let turns = draws.bernoulli(self.probability.get());
        turns.then(|| Affine::rotation(draws.uniform_in(-greatest, greatest)))
    }
}
