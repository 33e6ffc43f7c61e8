//! A focused CAM (model focus, arXiv 2303.00818).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cam_class::CamClassName;
use crate::{Memory, Method, MethodError, Needs, Over, Step, Terms};
use cyborg_settings::{NonNegative, Positive, Settings};

/// cross-entropy + weight * entropy of the CAM, and CYBORG's map term if it has a weight: a model that looks at few places
/// (model focus, arXiv 2303.00818).
///
/// The paper's form of the entropy is not published. Here the CAM, shifted so that its minimum is 0, is divided by its sum, and
/// the entropy of that distribution by the logarithm of the number of cells: 0 is one cell, 1 is all cells alike. All images
/// take part, with a human map or without.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CamEntropy {
    /// Weight of the entropy, above 0; 1 if absent.
    #[serde(default = "Positive::one")]
    weight: Positive,
    /// Weight of the mean squared distance between CAM and human map, 0 or more; 0 (no maps needed) if absent.
    #[serde(default = "NonNegative::zero")]
    saliency_weight: NonNegative,
    /// The class whose activation map is meant: `predicted` (if absent) or `true`.
    #[serde(default)]
    cam_class: CamClassName,
}

/// Added to every cell of the normalised CAM, so that no cell has the logarithm of 0 and a flat CAM is uniform.
const FLOOR: f64 = 1e-6;

impl Settings for CamEntropy {
    const NAME: &'static str = "cam-entropy";
}

impl Method for CamEntropy {
    fn needs(&self) -> Needs {
        if self.saliency_weight.get() > 0.0 { Needs::maps() } else { Needs::default() }
    }

    fn terms(&self, step: &Step<'_>, _: &mut Memory) -> Result<Terms, MethodError> {
        let cross_entropy = step.cross_entropy()?;
        let cells = (step.normalised_cam(self.cam_class.0)?.flatten_from(1)? + FLOOR)?;
        let n_cells = cells.dim(1)?;
        let shares = cells.broadcast_div(&cells.sum_keepdim(1)?)?;
        let entropy = ((&shares * shares.log()?)?.sum(1)?.mean_all()? / -(n_cells as f64).ln())?;
        let mut total = (&cross_entropy + (&entropy * self.weight.get())?)?;
        let mut terms = vec![("cross_entropy", cross_entropy, Over::Images)];
        if self.saliency_weight.get() > 0.0 {
            let saliency_mse = step.saliency_mse(self.cam_class.0)?;
            total = (total + (&saliency_mse * self.saliency_weight.get())?)?;
            terms.push(("saliency_mse", saliency_mse, Over::ImagesWithMap));
        }
        terms.push(("cam_entropy", entropy, Over::Images));
        Ok(terms.iter().fold(Terms::of(total), |sum, (name, value, over)| sum.with(name, value, *over)))
    }
}
