//! From a saliency map of any size to the cells that the loss compares with the CAM.

use cyborg_image::{Raster, resize_bilinear};

/// A saliency map on the CAM's grid, values in `[0, 1]`, rows first.
#[derive(Clone, Debug, PartialEq)]
pub struct SaliencyGrid {
    /// Rows of cells.
    pub height: usize,
    /// Columns of cells.
    pub width: usize,
    /// `height * width` cells, the top row first. The least is 0 and the greatest 1, unless the grid is flat.
    pub values: Vec<f32>,
    /// No contrast on the grid (an empty or uniform map): `values` are all 0 and the loss must leave it out.
    pub flat: bool,
}

/// As released: PIL bilinear to the grid on 8-bit, scaled to `[0, 1]`, minus its min, divided by its max.
///
/// In 32-bit floats and in this order: `h = x / 255`, `h = h - min(h)`, `h = h / max(h)`. Equal to the NumPy formula on
/// `float32` bit for bit.
///
/// A map whose grid is uniform has no max to divide by (the released code gets NaN there).
///
/// DIFFERENCE: such a grid is all 0 and marked [`SaliencyGrid::flat`]: it says nothing about where to look. A map may
/// have contrast and its grid none, if what is drawn is too small to survive the shrinking.
///
/// # Panics
/// If `map` has not one channel, or no pixels, or if a side of the grid is 0.
///
/// # Examples
/// ```
/// use cyborg_image::Raster;
/// let map = Raster { width_px: 2, height_px: 1, channels: 1, pixels: vec![51, 204] };
/// let grid = cyborg_saliency::grid_from_map(&map, 1, 2);
/// assert_eq!(grid.values, [0.0, 1.0]);
/// assert!(!grid.flat);
/// ```
pub fn grid_from_map(map: &Raster, height: usize, width: usize) -> SaliencyGrid {
    assert_eq!(map.channels, 1, "a saliency map is read as grey");
    let cells = resize_bilinear(map, width as u32, height as u32).pixels;
    let mut values: Vec<f32> = cells.iter().map(|&cell| f32::from(cell) / 255.0).collect();
    let min = values.iter().copied().fold(f32::INFINITY, f32::min);
    for value in &mut values {
        *value -= min;
    }
    let max = values.iter().copied().fold(0.0, f32::max);
    let flat = max == 0.0;
    if !flat {
        for value in &mut values {
            *value /= max;
        }
    }
    SaliencyGrid { height, width, values, flat }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uniform_map_is_flat_and_zero() {
        for value in [0, 128, 255] {
            let grid = grid_from_map(&Raster::filled(9, 5, 1, value), 3, 4);
            assert_eq!(grid, SaliencyGrid { height: 3, width: 4, values: vec![0.0; 12], flat: true });
        }
    }

    #[test]
    fn a_dot_that_the_grid_cannot_see_is_flat() {
        let mut map = Raster::filled(224, 224, 1, 0);
        map.pixels[0] = 255;
        assert!(grid_from_map(&map, 7, 7).flat);
        assert!(!grid_from_map(&map, 224, 224).flat);
    }
}
