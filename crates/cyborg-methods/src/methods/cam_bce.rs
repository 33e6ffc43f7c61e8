//! Binary cross-entropy between CAM and human map (HAICS, Shen et al. 2021).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cam_class::CamClassName;
use crate::per_map::mean_over_maps;
use crate::{Memory, Method, MethodError, Needs, Step, Terms};
use cyborg_settings::{Positive, Settings};

/// cross-entropy + weight * binary cross-entropy of the CAM against the human map, cell by cell, after HAICS (Shen et al. 2021).
///
/// The CAM is normalised per image to its minimum and maximum, as in CYBORG, and kept from 0 and 1 by 1e-4, where the
/// logarithm would have no bounds.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CamBce {
    /// Weight of the term, above 0; 1 if absent.
    #[serde(default = "Positive::one")]
    weight: Positive,
    /// The class whose activation map is compared with people's: `predicted` (if absent) or `true`.
    #[serde(default)]
    cam_class: CamClassName,
}

/// The distance that the CAM keeps from 0 and 1.
const MARGIN: f64 = 1e-4;

impl Settings for CamBce {
    const NAME: &'static str = "cam-bce";
}

impl Method for CamBce {
    fn needs(&self) -> Needs {
        Needs::maps()
    }

    fn terms(&self, step: &Step<'_>, _: &mut Memory) -> Result<Terms, MethodError> {
        let cross_entropy = step.cross_entropy()?;
        let cam = step.normalised_cam(self.cam_class.0)?.clamp(MARGIN, 1.0 - MARGIN)?;
        let maps = step.human.maps.to_dtype(cam.dtype())?;
        let inside = (&maps * cam.log()?)?;
        let outside = ((1.0 - &maps)? * (1.0 - &cam)?.log()?)?;
        let per_image = (inside + outside)?.neg()?.flatten_from(1)?.mean(1)?;
        let bce = mean_over_maps(&per_image, step.human)?;
        Ok(Terms::with_penalty(&cross_entropy, "saliency_bce", &bce, self.weight.get())?)
    }
}
