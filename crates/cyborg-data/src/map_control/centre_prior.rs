//! The same map for every image: bright in the middle.

use cyborg_seed::Seed;
use cyborg_settings::{Positive, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MapControl, replace_each};
use crate::{DataError, ImageSet};

/// Every map becomes a Gaussian over the middle of the image: people look there whatever the image shows.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CentrePrior {
    /// Standard deviation as a share of each side of the image, above 0; 0.25 if absent.
    sigma: Positive,
}

impl Default for CentrePrior {
    fn default() -> Self {
        Self { sigma: const { Positive::new(0.25).expect("0.25 is above 0") } }
    }
}

impl Settings for CentrePrior {
    const NAME: &'static str = "centre-prior";
}

impl MapControl for CentrePrior {
    fn replace(&self, set: &ImageSet, _: &Seed) -> Result<ImageSet, DataError> {
        replace_each(set, |_, map| {
            cyborg_saliency::centre_prior(map.width_px as usize, map.height_px as usize, self.sigma.get())
        })
    }
}
