//! CAMs against human maps, and against each other. Arrays in, numbers out.
//!
//! A map is a grid of `height * width` values, rows from top to bottom, on any scale. Where a measure is undefined (a flat
//! map, a value that is not finite) it has no value, and says why.

mod frame;
mod ssim;

pub use frame::{CamMean, CamPair, CamSet, Ceilings, cam_agreement, cam_consistency, cam_means};
pub use ssim::ssim_window;

/// The measures of agreement, in the order of the columns of [`cam_agreement`].
pub const AGREEMENTS: [&str; 10] =
    ["mse", "pearson", "spearman", "kl", "sim", "nss", "auc_judd", "iou_top10", "dice_top10", "ssim"];
