//! Activation differences (ActDiff, Viviano et al., Saliency is a Possible Red Herring When Diagnosing Poor Generalization,
//! ICLR 2021).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alterations::ShuffledOutside;
use crate::per_map::mean_over_maps;
use crate::{Memory, Method, MethodError, Needs, Step, Terms};
use cyborg_settings::{Fraction, Positive, Settings};

/// cross-entropy + weight * distance between the network's pooled features of the image and of the image with its pixels
/// outside the human map shuffled (ActDiff, Viviano et al., ICLR 2021).
///
/// The distance is Euclidean, the mean is over the images with a map. Both passes are in training mode, as in the authors'
/// code, so that running statistics move twice a step.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActDiff {
    /// Weight of the term, above 0; 1 if absent.
    #[serde(default = "Positive::one")]
    weight: Positive,
    /// Pixels whose map (from 0 to 1) is below this value are outside; 0.1 if absent.
    #[serde(default = "Fraction::tenth")]
    outside_below: Fraction,
}

/// The tensor that is pooled.
const TAP: &str = "pooled";
/// Added under the root: the distance of equal features has the gradient 0.
const EPSILON: f64 = 1e-12;

impl Settings for ActDiff {
    const NAME: &'static str = "act-diff";
}

impl Method for ActDiff {
    fn needs(&self) -> Needs {
        Needs::maps()
            .with_tap(TAP)
            .with_second_pass(ShuffledOutside { outside_below: self.outside_below.get() })
    }

    fn terms(&self, step: &Step<'_>, _: &mut Memory) -> Result<Terms, MethodError> {
        let cross_entropy = step.cross_entropy()?;
        let pooled = |features: &candle_core::Tensor| features.flatten_from(2)?.mean(2);
        let original = pooled(step.features(TAP)?)?;
        let shuffled = pooled(step.features_of(step.second_pass()?, TAP)?)?;
        let distance = ((original - shuffled)?.sqr()?.sum(1)? + EPSILON)?.sqrt()?;
        let difference = mean_over_maps(&distance, step.human)?;
        Ok(Terms::with_penalty(&cross_entropy, "activation_difference", &difference, self.weight.get())?)
    }
}
