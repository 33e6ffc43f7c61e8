//! Random places that cover as much as people marked.

use cyborg_seed::Seed;
use cyborg_settings::{BelowOne, Positive, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MapControl, replace_each, saliency_map};
use crate::{DataError, ImageSet};

/// Every map becomes blobs in random places that cover exactly as many pixels as the map marks.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RandomBlobs {
    /// Pixels above this share of the map's greatest value count as marked, from 0 to below 1; 0.5 if absent.
    threshold: BelowOne,
    /// Size of the blobs: the smoothing's standard deviation as a share of the longer side, above 0; 0.05 if absent.
    blob: Positive,
}

impl Default for RandomBlobs {
    fn default() -> Self {
        Self {
            threshold: const { BelowOne::new(0.5).expect("0.5 is below 1") },
            blob: const { Positive::new(0.05).expect("0.05 is above 0") },
        }
    }
}

impl Settings for RandomBlobs {
    const NAME: &'static str = "random-blobs";
}

impl MapControl for RandomBlobs {
    fn replace(&self, set: &ImageSet, seed: &Seed) -> Result<ImageSet, DataError> {
        let seed = seed.stream("blobs").next_u64();
        replace_each(set, |item, map| {
            let (threshold, blob) = (self.threshold.get() as f32, self.blob.get());
            cyborg_saliency::random_blobs(&saliency_map(map), threshold, blob, &set.items()[item].id, seed)
        })
    }
}
