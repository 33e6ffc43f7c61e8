//! VISER (arXiv 2603.17859): CYBORG with a weight that follows the two terms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cam_class::CamClassName;
use crate::{Memory, Method, MethodError, Needs, Over, Step, Terms};
use cyborg_settings::Settings;

/// CYBORG with alpha = cross-entropy / (cross-entropy + map term), computed anew in every batch (VISER, arXiv 2603.17859).
///
/// The larger of the two terms gets the larger weight: the loss is (CE^2 + MSE^2) / (CE + MSE).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Viser {
    /// Whether the gradient also flows through alpha, as in the released code; true if absent.
    #[serde(default = "yes")]
    gradient_through_alpha: bool,
    /// The class whose activation map is compared with people's: `predicted` (as released, if absent) or `true`.
    #[serde(default)]
    cam_class: CamClassName,
}

fn yes() -> bool {
    true
}

/// Keeps alpha finite where both terms are 0, as in the released code.
const EPSILON: f64 = 1e-8;

impl Settings for Viser {
    const NAME: &'static str = "viser";
}

impl Method for Viser {
    fn needs(&self) -> Needs {
        Needs::maps()
    }

    fn terms(&self, step: &Step<'_>, _: &mut Memory) -> Result<Terms, MethodError> {
        let cross_entropy = step.cross_entropy()?;
        let saliency_mse = step.saliency_mse(self.cam_class.0)?;
        let sum = ((&cross_entropy + &saliency_mse)? + EPSILON)?;
        let mut alpha = (&cross_entropy / sum)?;
        if !self.gradient_through_alpha {
            alpha = alpha.detach();
        }
        let rest = (1.0 - &alpha)?;
        let total = ((&alpha * &cross_entropy)? + (rest * &saliency_mse)?)?;
        Ok(Terms::of(total)
            .with("cross_entropy", &cross_entropy, Over::Images)
            .with("saliency_mse", &saliency_mse, Over::ImagesWithMap)
            .with("alpha", &alpha, Over::Images))
    }
}
