//! Training on images whose background is blurred or removed (Boyd et al., Human-Aided Saliency Maps Improve Generalization of
//! Deep Learning, WACV 2022).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alterations::{BlurredOutside, MaskedOutside};
use crate::{Memory, Method, MethodError, Needs, Over, Step, Terms};
use cyborg_settings::{Positive, Settings};

/// Cross-entropy on training images that are blurred where people did not look (Boyd et al., WACV 2022).
///
/// The image is mixed with its blurred self by the human map: sharp where the map is 1, blurred where it is 0. Validation
/// and test images stay as they are.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BlurredBackground {
    /// Standard deviation of the Gaussian blur in pixels of the network's input, above 0; 4 if absent.
    #[serde(default = "four")]
    sigma_px: Positive,
}

fn four() -> Positive {
    const { Positive::new(4.0).expect("4 is above 0") }
}

impl Settings for BlurredBackground {
    const NAME: &'static str = "blurred-background";
}

impl Method for BlurredBackground {
    fn needs(&self) -> Needs {
        Needs::maps().with_altered_input(BlurredOutside { sigma_px: self.sigma_px.get() })
    }

    fn terms(&self, step: &Step<'_>, _: &mut Memory) -> Result<Terms, MethodError> {
        only_cross_entropy(step)
    }
}

/// Cross-entropy on training images that are grey where people did not look.
///
/// The image is mixed with the mean colour of the network's normalisation by the human map. Validation and test images stay
/// as they are.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MaskedBackground {}

impl Settings for MaskedBackground {
    const NAME: &'static str = "masked-background";
}

impl Method for MaskedBackground {
    fn needs(&self) -> Needs {
        Needs::maps().with_altered_input(MaskedOutside)
    }

    fn terms(&self, step: &Step<'_>, _: &mut Memory) -> Result<Terms, MethodError> {
        only_cross_entropy(step)
    }
}

fn only_cross_entropy(step: &Step<'_>) -> Result<Terms, MethodError> {
    let cross_entropy = step.cross_entropy()?;
    Ok(Terms::of(cross_entropy.clone()).with("cross_entropy", &cross_entropy, Over::Images))
}
