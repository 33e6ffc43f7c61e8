//! The energy pointing loss (Rao et al., Studying How to Efficiently and Effectively Guide Models with Explanations, ICCV 2023).

use cyborg_loss::CamClass;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::per_map::mean_over_maps;
use crate::{Memory, Method, MethodError, Needs, Step, Terms};
use cyborg_settings::{Positive, Settings};

/// cross-entropy + weight * (1 - the share of the positive CAM's energy that lies inside the human map) (Rao et al., ICCV 2023).
///
/// The CAM is that of the true class, without normalisation; only its positive part counts. A graded map counts a cell by the
/// map's value.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Energy {
    /// Weight of the term, above 0; 1 if absent.
    #[serde(default = "Positive::one")]
    weight: Positive,
}

/// Below this energy the share is not divided by it, as in the authors' code: a CAM without positive cells has no share.
const LEAST_ENERGY: f64 = 1e-7;

impl Settings for Energy {
    const NAME: &'static str = "energy";
}

impl Method for Energy {
    fn needs(&self) -> Needs {
        Needs::maps()
    }

    fn terms(&self, step: &Step<'_>, _: &mut Memory) -> Result<Terms, MethodError> {
        let cross_entropy = step.cross_entropy()?;
        let positive = step.cam(CamClass::True)?.relu()?.flatten_from(1)?;
        let maps = step.human.maps.to_dtype(positive.dtype())?.flatten_from(1)?;
        let inside = (&positive * maps)?.sum(1)?;
        let all = positive.sum(1)?;
        let is_small = all.detach().lt(LEAST_ENERGY)?;
        let divisor = is_small.where_cond(&all.ones_like()?.detach(), &all)?;
        let outside = (1.0 - (inside / divisor)?)?;
        let energy = mean_over_maps(&outside, step.human)?;
        Ok(Terms::with_penalty(&cross_entropy, "energy_outside", &energy, self.weight.get())?)
    }
}
