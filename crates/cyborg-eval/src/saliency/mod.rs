//! CAMs against human maps, and against each other: arrays in, numbers out.
//!
//! A map is a grid of `height * width` values, rows from top to bottom, on any scale. Where a measure is undefined (a flat
//! map, a value that is not finite) it has no value, and says why. The measures of gaze research are those of
//! Bylinskii et al. 2019, "What do different evaluation metrics tell us about saliency models?".

mod agreement;
mod consistency;
mod distribution;
mod frame;
mod groups;
mod linear;
mod marked;
mod means;
mod ssim;

pub use agreement::{AGREEMENTS, Agreement, agreement, human_ceiling, of_ceiling};
pub use consistency::{CamSet, cam_consistency};
pub use distribution::{entropy, kl_divergence, similarity};
pub use frame::{CamPair, Ceilings, cam_agreement};
pub use linear::{map_mse, pearson, spearman};
pub use marked::{auc_judd, dice, iou, nss, top_cells};
pub use means::{CamMean, cam_means};
pub use ssim::{ssim, ssim_window};

/// Why a measure has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoMeasure {
    /// Two maps that should lie on one another do not.
    #[error("the maps have {first} and {second} cells, expected the same number, and at least one")]
    Cells {
        /// Cells of the first.
        first: usize,
        /// Cells of the second.
        second: usize,
    },
    /// NaN or infinite.
    #[error("a cell is not a finite number")]
    NotFinite,
    /// All cells are equal: the map points nowhere.
    #[error("the {map} is flat")]
    Flat {
        /// `CAM` or `human map`.
        map: &'static str,
    },
    /// No cell, or every cell, is marked: there is nothing to tell apart.
    #[error("{n} of {of} cells are marked, and some but not all must be")]
    Marked {
        /// How many.
        n: usize,
        /// Of how many.
        of: usize,
    },
    /// The window of the SSIM does not fit.
    #[error("a grid of {height}x{width} cells is smaller than the SSIM's least window, 3x3")]
    SmallGrid {
        /// Cells from top to bottom.
        height: usize,
        /// Cells from left to right.
        width: usize,
    },
}

/// The two maps of a measure, called as errors call them.
const CAM: &str = "CAM";
const HUMAN: &str = "human map";

fn check(first: &[f32], second: &[f32]) -> Result<(), NoMeasure> {
    if first.len() != second.len() || first.is_empty() {
        return Err(NoMeasure::Cells { first: first.len(), second: second.len() });
    }
    check_finite(first)?;
    check_finite(second)
}

fn check_finite(map: &[f32]) -> Result<(), NoMeasure> {
    if map.iter().all(|value| value.is_finite()) { Ok(()) } else { Err(NoMeasure::NotFinite) }
}

/// The map's least and largest value brought to 0 and 1.
fn min_max(map: &[f32], name: &'static str) -> Result<Vec<f64>, NoMeasure> {
    check_finite(map)?;
    let low = map.iter().copied().fold(f32::INFINITY, f32::min);
    let high = map.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // In f64 the range of two finite f32 cannot overflow.
    let range = f64::from(high) - f64::from(low);
    if range > 0.0 {
        Ok(map.iter().map(|&value| (f64::from(value) - f64::from(low)) / range).collect())
    } else {
        Err(NoMeasure::Flat { map: name })
    }
}
