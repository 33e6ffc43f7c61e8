//! From a saliency map of any size to the cells that the loss compares with the CAM.

use cyborg_image::{Raster, resize_bilinear};

use crate::SaliencyMap;

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

/// How a map comes to the grid's size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resampling {
    /// As the released code: PIL's bilinear resampling on 8 bits ([`grid_from_map`]).
    #[default]
    Released,
    /// Each cell the mean of the map over its area ([`area_average`]), in full precision: what is drawn is never lost, and
    /// 16-bit and floating-point maps keep their steps.
    Area,
}

/// What a map without contrast on the grid becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlatRule {
    /// All 0 and marked [`SaliencyGrid::flat`]: the loss leaves it out.
    #[default]
    LeaveOut,
    /// 0 in all cells, and the loss counts it: the CAM had better be 0, too.
    Zeros,
    /// 1 in all cells, and the loss counts it.
    Ones,
    /// 1 / (height * width) in all cells, a distribution without preference, and the loss counts it.
    Uniform,
}

impl FlatRule {
    /// The value of each of `n` cells.
    fn value(self, n: usize) -> f32 {
        match self {
            Self::LeaveOut | Self::Zeros => 0.0,
            Self::Ones => 1.0,
            Self::Uniform => 1.0 / n as f32,
        }
    }
}

/// The grid of a map by stated rules, and whether the map was flat there, for the report. Never NaN.
///
/// With the default rules the grid is [`grid_from_map`]'s, bit for bit.
///
/// # Panics
/// As [`grid_from_map`].
///
/// # Examples
/// ```
/// use cyborg_image::Raster;
/// use cyborg_saliency::{FlatRule, Resampling, grid_by_rule};
/// let empty = Raster::filled(8, 8, 1, 0);
/// let (grid, was_flat) = grid_by_rule(&empty, 2, 2, Resampling::Released, FlatRule::Uniform);
/// assert!(was_flat && !grid.flat);
/// assert_eq!(grid.values, [0.25; 4]);
/// ```
pub fn grid_by_rule(
    map: &Raster,
    height: usize,
    width: usize,
    resampling: Resampling,
    flat: FlatRule,
) -> (SaliencyGrid, bool) {
    let grid = match resampling {
        Resampling::Released => grid_from_map(map, height, width),
        Resampling::Area => {
            assert_eq!(map.channels, 1, "a saliency map is read as grey");
            let values = map.pixels.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
            let map =
                SaliencyMap { width_px: map.width_px as usize, height_px: map.height_px as usize, values };
            area_grid(&map, height, width)
        }
    };
    filled_if_flat(grid, flat)
}

/// As [`grid_by_rule`] with [`Resampling::Area`], from a map in full precision.
///
/// # Panics
/// If the map has no pixels or a side of the grid is 0.
pub fn grid_of_saliency(
    map: &SaliencyMap,
    height: usize,
    width: usize,
    flat: FlatRule,
) -> (SaliencyGrid, bool) {
    filled_if_flat(area_grid(map, height, width), flat)
}

fn filled_if_flat(mut grid: SaliencyGrid, rule: FlatRule) -> (SaliencyGrid, bool) {
    let was_flat = grid.flat;
    if was_flat {
        let n = grid.values.len();
        grid.values.fill(rule.value(n));
        grid.flat = rule == FlatRule::LeaveOut;
    }
    (grid, was_flat)
}

fn area_grid(map: &SaliencyMap, height: usize, width: usize) -> SaliencyGrid {
    let mut values = area_average(map, width, height).values;
    let min = values.iter().copied().fold(f32::INFINITY, f32::min);
    let max = values.iter().copied().fold(0.0, f32::max);
    // Means of equal values may differ in their last bit; that is no contrast.
    let flat = max - min <= max * 1e-6;
    if flat {
        values.fill(0.0);
    } else {
        for value in &mut values {
            *value = (*value - min) / (max - min);
        }
    }
    SaliencyGrid { height, width, values, flat }
}

/// The map at another size, each new pixel the mean over the area that it covers; an old pixel on a border counts by the
/// share that lies inside. Growing repeats pixels. Sums in 64 bits.
///
/// # Panics
/// If the map has no pixels or a new side is 0.
///
/// # Examples
/// ```
/// use cyborg_saliency::{SaliencyMap, area_average};
/// let map = SaliencyMap { width_px: 3, height_px: 1, values: vec![1.0, 2.0, 6.0] };
/// // (1 + 2 / 2) / 1.5 and (2 / 2 + 6) / 1.5.
/// assert_eq!(area_average(&map, 2, 1).values, [4.0 / 3.0, 14.0 / 3.0]);
/// ```
pub fn area_average(map: &SaliencyMap, width_px: usize, height_px: usize) -> SaliencyMap {
    assert!(width_px > 0 && height_px > 0, "cannot resize to {width_px}x{height_px}");
    assert!(!map.values.is_empty(), "cannot resize a map without pixels");
    let columns = shares(map.width_px, width_px);
    let rows = shares(map.height_px, height_px);
    let mut values = Vec::with_capacity(width_px * height_px);
    let mut line = vec![0f64; map.width_px];
    for (top, weights) in &rows {
        line.fill(0.0);
        for (weight, row) in weights.iter().zip(map.values.chunks_exact(map.width_px).skip(*top)) {
            for (sum, &value) in line.iter_mut().zip(row) {
                *sum += weight * f64::from(value);
            }
        }
        values.extend(columns.iter().map(|(left, weights)| {
            weights.iter().zip(&line[*left..]).map(|(weight, value)| weight * value).sum::<f64>() as f32
        }));
    }
    SaliencyMap { width_px, height_px, values }
}

/// For each new pixel of an axis the first old one that it touches and the shares of it and those that follow; they add up
/// to 1.
fn shares(old: usize, new: usize) -> Vec<(usize, Vec<f64>)> {
    // In units of 1 / (old * new) of the axis both borders are whole numbers.
    (0..new)
        .map(|at| {
            let (start, end) = (at * old, (at + 1) * old);
            let first = start / new;
            let last = (end - 1) / new;
            let share = |pixel: usize| {
                let overlap = end.min((pixel + 1) * new) - start.max(pixel * new);
                overlap as f64 / old as f64
            };
            (first, (first..=last).map(share).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_flat_map_becomes_what_the_rule_says() {
        for resampling in [Resampling::Released, Resampling::Area] {
            for value in [0, 7, 255] {
                let map = Raster::filled(9, 5, 1, value);
                let of = |rule| grid_by_rule(&map, 2, 4, resampling, rule);
                let expected =
                    |value, flat| (SaliencyGrid { height: 2, width: 4, values: vec![value; 8], flat }, true);
                assert_eq!(of(FlatRule::LeaveOut), expected(0.0, true));
                assert_eq!(of(FlatRule::Zeros), expected(0.0, false));
                assert_eq!(of(FlatRule::Ones), expected(1.0, false));
                assert_eq!(of(FlatRule::Uniform), expected(0.125, false));
            }
        }
    }

    #[test]
    fn the_area_keeps_what_the_released_rule_loses() {
        let mut map = Raster::filled(224, 224, 1, 0);
        map.pixels[0] = 255;
        let (grid, was_flat) = grid_by_rule(&map, 7, 7, Resampling::Area, FlatRule::LeaveOut);
        assert!(!was_flat);
        assert_eq!((grid.values[0], grid.values[1]), (1.0, 0.0));
    }

    proptest! {
        #[test]
        fn area_averages_keep_the_mean(
            width in 1usize..30, height in 1usize..30, new_width in 1usize..30, new_height in 1usize..30, seed in 0u64..99
        ) {
            let mut stream = cyborg_seed::Seed::new(seed).stream("map");
            let values = (0..width * height).map(|_| stream.uniform() as f32).collect();
            let map = SaliencyMap { width_px: width, height_px: height, values };
            let mean = |map: &SaliencyMap| {
                map.values.iter().map(|&value| f64::from(value)).sum::<f64>() / map.values.len() as f64
            };
            let resized = area_average(&map, new_width, new_height);
            prop_assert!((mean(&resized) - mean(&map)).abs() < 1e-6);
            prop_assert_eq!(area_average(&map, width, height), map);
        }
    }

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
