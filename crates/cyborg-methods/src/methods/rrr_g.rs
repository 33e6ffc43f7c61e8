//! Right for the right reasons on the CAM (RRR-G, Schramowski et al., Nature Machine Intelligence 2020).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cam_class::CamClassName;
use crate::per_map::mean_over_maps;
use crate::{Memory, Method, MethodError, Needs, Step, Terms};
use cyborg_settings::{Positive, Settings};

/// cross-entropy + weight * mean squared CAM outside the human map: attention is punished where people did not look, and free
/// where they did (RRR-G, Schramowski et al. 2020).
///
/// RRR-G takes the Grad-CAM, which at the last feature map of a network with a linear classifier is the CAM, shifted and scaled
/// per image to 0 and 1. The published penalty is a sum over a batch's cells and images; here it is a mean over the images with
/// a map and their cells, so that the weight does not depend on the batch size. Outside is 1 minus the map.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RrrG {
    /// Weight of the term, above 0; 1 if absent.
    #[serde(default = "Positive::one")]
    weight: Positive,
    /// The class whose activation map is meant: `predicted` (if absent) or `true`.
    #[serde(default)]
    cam_class: CamClassName,
}

impl Settings for RrrG {
    const NAME: &'static str = "rrr-g";
}

impl Method for RrrG {
    fn needs(&self) -> Needs {
        Needs::maps()
    }

    fn terms(&self, step: &Step<'_>, _: &mut Memory) -> Result<Terms, MethodError> {
        let cross_entropy = step.cross_entropy()?;
        let cam = step.normalised_cam(self.cam_class.0)?;
        let outside = (1.0 - step.human.maps.to_dtype(cam.dtype())?)?;
        let per_image = (cam * outside)?.sqr()?.flatten_from(1)?.mean(1)?;
        let attention = mean_over_maps(&per_image, step.human)?;
        Ok(Terms::with_penalty(&cross_entropy, "attention_outside", &attention, self.weight.get())?)
    }
}
