//! Every image gets another image's map.

use cyborg_saliency::derangement;
use cyborg_seed::Seed;
use cyborg_settings::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MapControl;
use crate::{DataError, ImageSet};

/// Every image with a map gets the map of another image, whatever its class: the maps are people's, and wrong.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shuffled {}

impl Settings for Shuffled {
    const NAME: &'static str = "shuffled";
}

impl MapControl for Shuffled {
    fn replace(&self, set: &ImageSet, seed: &Seed) -> Result<ImageSet, DataError> {
        let mut with_map = Vec::new();
        for item in 0..set.len() {
            if set.map(item)?.is_some() {
                with_map.push(item);
            }
        }
        let order = derangement(with_map.len(), seed.stream("derangement").next_u64()).ok_or_else(|| {
            DataError::setting("maps", with_map.len(), "at least 2 images with a map to exchange them")
        })?;
        let mut given = vec![None; set.len()];
        for (place, &item) in with_map.iter().enumerate() {
            given[item] = Some(with_map[order[place]]);
        }
        set.with_maps_of(&given)
    }
}
