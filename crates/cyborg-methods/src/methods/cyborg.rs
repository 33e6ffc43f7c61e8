//! CYBORG (Boyd et al., WACV 2023, arXiv 2112.00686), as its released code computes it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cam_class::CamClassName;
use crate::{Memory, Method, MethodError, Needs, Over, Step, Terms};
use cyborg_settings::{Fraction, Settings};

/// alpha * cross-entropy + (1 - alpha) * mean squared distance between CAM and human map (Boyd et al., WACV 2023).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cyborg {
    /// Weight of cross-entropy, in [0, 1]; the rest goes to the map term. 0.5 as released if absent; 1 is cross-entropy
    /// alone.
    #[serde(default = "released_alpha")]
    alpha: Fraction,
    /// The class whose activation map is compared with people's: `predicted` (as released, if absent) or `true`.
    #[serde(default)]
    cam_class: CamClassName,
}

fn released_alpha() -> Fraction {
    const { Fraction::new(0.5).expect("0.5 is a fraction") }
}

impl Settings for Cyborg {
    const NAME: &'static str = "cyborg";
}

impl Method for Cyborg {
    fn needs(&self) -> Needs {
        // With alpha 1 there is nothing to learn from maps.
        if self.alpha.get() < 1.0 { Needs::maps() } else { Needs::default() }
    }

    fn terms(&self, step: &Step<'_>, _: &mut Memory) -> Result<Terms, MethodError> {
        let alpha = self.alpha.get();
        let cross_entropy = step.cross_entropy()?;
        let saliency_mse = step.saliency_mse(self.cam_class.0)?;
        let total = if alpha == 1.0 {
            cross_entropy.clone()
        } else {
            ((&cross_entropy * alpha)? + (&saliency_mse * (1.0 - alpha))?)?
        };
        Ok(Terms::of(total).with("cross_entropy", &cross_entropy, Over::Images).with(
            "saliency_mse",
            &saliency_mse,
            Over::ImagesWithMap,
        ))
    }

    fn label(&self) -> String {
        format!("cyborg-{}", self.alpha.get())
    }
}
