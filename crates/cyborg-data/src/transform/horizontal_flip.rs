//! Mirrored images.

use super::{Affine, Transform};
use cyborg_seed::Stream;
use cyborg_settings::{Fraction, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Left and right change places, as torchvision's `RandomHorizontalFlip`. Geometric: the map is mirrored, too.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HorizontalFlip {
    /// Share of the images that are mirrored, from 0 to 1; 0.5 unless stated.
    #[serde(default = "Fraction::half")]
    pub probability: Fraction,
}

impl Settings for HorizontalFlip {
    const NAME: &'static str = "horizontal-flip";
}

impl Transform for HorizontalFlip {
    fn geometry(&self, _: (u32, u32), draws: &mut Stream) -> Option<Affine> {
        draws.bernoulli(self.probability.get()).then_some(Affine::HORIZONTAL_FLIP)
    }
}
