//! Human saliency maps to the grid that the loss compares; no tensors, no training.
#![allow(missing_docs, unused_variables, clippy::missing_errors_doc)]
use cyborg_image::Raster;

/// A saliency map on the CAM's grid, values in `[0, 1]`, rows first.
#[derive(Clone, Debug, PartialEq)]
pub struct SaliencyGrid {
    pub height: usize,
    pub width: usize,
    pub values: Vec<f32>,
    /// No contrast on the grid (an empty or uniform map): `values` are all 0 and the loss must leave it out.
    pub flat: bool,
}

/// As released: PIL bilinear to the grid on 8-bit, scaled to `[0, 1]`, minus its min, divided by its max.
pub fn grid_from_map(map: &Raster, height: usize, width: usize) -> SaliencyGrid {
    todo!()
}
