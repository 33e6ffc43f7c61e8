//! An absolute distance between CAM and human map (GRADIA, Gao et al., CSCW 2022).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cam_class::CamClassName;
use crate::per_map::mean_over_maps;
use crate::{Memory, Method, MethodError, Needs, Step, Terms};
use cyborg_settings::{Positive, Settings};

/// cross-entropy + weight * mean absolute distance between CAM and human map, after GRADIA (Gao et al., CSCW 2022).
///
/// GRADIA compares the Grad-CAM, which at the last feature map of a network with a linear classifier is the CAM. It is
/// normalised per image to its minimum and maximum here, as in CYBORG, so that the two losses differ in the distance alone.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CamL1 {
    /// Weight of the term, above 0; 1 if absent.
    #[serde(default = "Positive::one")]
    weight: Positive,
    /// The class whose activation map is compared with people's: `predicted` (if absent) or `true`.
    #[serde(default)]
    cam_class: CamClassName,
}

impl Settings for CamL1 {
    const NAME: &'static str = "cam-l1";
}

impl Method for CamL1 {
    fn needs(&self) -> Needs {
        Needs::maps()
    }

    fn terms(&self, step: &Step<'_>, _: &mut Memory) -> Result<Terms, MethodError> {
        let cross_entropy = step.cross_entropy()?;
        let cam = step.normalised_cam(self.cam_class.0)?;
        let distance = (&cam - step.human.maps.to_dtype(cam.dtype())?)?.abs()?.flatten_from(1)?.mean(1)?;
        let l1 = mean_over_maps(&distance, step.human)?;
        Ok(Terms::with_penalty(&cross_entropy, "saliency_l1", &l1, self.weight.get())?)
    }
}
