//! Human maps on the grids that losses compare them with.

use super::ImageSet;
use crate::DataError;
use crate::image_file::MAX_SIDE_PX;
use cyborg_manifest::Item;
use cyborg_saliency::grid_from_map;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Grids of more cells are computed whenever they are needed: kept, they would take more memory than the maps.
pub(crate) const MOST_CACHED_CELLS: usize = 64 * 64;

/// The maps of a set on one grid, by [`grid_from_map`].
#[derive(Debug)]
pub struct GridMaps {
    height: usize,
    width: usize,
    /// `height * width` values in `[0, 1]` each; None where there is no map or a flat one.
    maps: Vec<Option<Vec<f32>>>,
    n_flat: usize,
}

impl GridMaps {
    /// The human map of an item, rows first, `height * width` values in `[0, 1]`; None where there is none with contrast.
    pub fn map(&self, item: usize) -> Option<&[f32]> {
        self.maps.get(item)?.as_deref()
    }

    /// Items with a map that has contrast on the grid.
    pub fn n_maps(&self) -> usize {
        self.maps.iter().flatten().count()
    }

    /// Items whose map has no contrast on the grid (empty or uniform): they count as items without a map.
    pub fn n_flat_maps(&self) -> usize {
        self.n_flat
    }

    /// The mean human map over the items that `counts` holds for; None where no such item has a map with contrast.
    fn average(&self, items: &[Item], counts: impl Fn(&Item) -> bool) -> Option<Vec<f32>> {
        let mut sums = vec![0.0_f64; self.height * self.width];
        let mut n_maps = 0_u32;
        for (item, map) in items.iter().zip(&self.maps) {
            let Some(map) = map else { continue };
            if !counts(item) {
                continue;
            }
            n_maps += 1;
            for (sum, &value) in sums.iter_mut().zip(map) {
                *sum += f64::from(value);
            }
        }
        (n_maps > 0).then(|| sums.iter().map(|sum| (sum / f64::from(n_maps)) as f32).collect())
    }
}

/// The grids that have been asked for.
#[derive(Debug, Default)]
pub(super) struct GridCache(Mutex<BTreeMap<(usize, usize), Arc<GridMaps>>>);

impl GridCache {
    fn get(&self, grid: (usize, usize)) -> Option<Arc<GridMaps>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&grid).cloned()
    }

    fn keep(&self, grid: (usize, usize), maps: &Arc<GridMaps>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(grid, Arc::clone(maps));
    }
}

impl ImageSet {
    /// All maps on a grid of `height` x `width` cells, made in parallel. Grids of up to 4096 cells are made once and kept.
    ///
    /// # Errors
    /// [`DataError::Setting`] if a side is 0 or above 32768; [`DataError::Reread`] if a map that is not kept in memory
    /// cannot be read again.
    pub fn maps_on_grid(&self, height: usize, width: usize) -> Result<Arc<GridMaps>, DataError> {
        check_grid(height, width)?;
        if let Some(known) = self.grids.get((height, width)) {
            return Ok(known);
        }
        // Without the lock: a thread that waits for the pool may be given other work that asks for a grid, too.
        let on_grid = |item: usize| -> Result<Option<cyborg_saliency::SaliencyGrid>, DataError> {
            Ok(self.map(item)?.map(|map| grid_from_map(&map, height, width)))
        };
        let grids = (0..self.len()).into_par_iter().map(on_grid).collect::<Result<Vec<_>, _>>()?;
        let n_flat = grids.iter().flatten().filter(|grid| grid.flat).count();
        let maps = grids.into_iter().map(|grid| grid.filter(|grid| !grid.flat).map(|grid| grid.values));
        let made = Arc::new(GridMaps { height, width, maps: maps.collect(), n_flat });
        if height * width <= MOST_CACHED_CELLS {
            self.grids.keep((height, width), &made);
        }
        Ok(made)
    }

    /// The human map of an item on a grid, rows first, `height * width` values in `[0, 1]`; None where there is none with
    /// contrast on that grid. Unlike [`maps_on_grid`](Self::maps_on_grid) this touches no other map.
    ///
    /// # Errors
    /// As [`maps_on_grid`](Self::maps_on_grid).
    ///
    /// # Panics
    /// If there is no such item.
    pub fn map_on_grid(
        &self,
        item: usize,
        height: usize,
        width: usize,
    ) -> Result<Option<Vec<f32>>, DataError> {
        check_grid(height, width)?;
        if let Some(known) = self.grids.get((height, width)) {
            return Ok(known.map(item).map(<[f32]>::to_vec));
        }
        let grid = self.map(item)?.map(|map| grid_from_map(&map, height, width));
        Ok(grid.filter(|grid| !grid.flat).map(|grid| grid.values))
    }

    /// Items whose map a loss on that grid can use.
    ///
    /// # Errors
    /// As [`maps_on_grid`](Self::maps_on_grid).
    pub fn n_maps(&self, height: usize, width: usize) -> Result<usize, DataError> {
        Ok(self.maps_on_grid(height, width)?.n_maps())
    }

    /// Items whose map has no contrast on that grid (empty or uniform): they train without the map term.
    ///
    /// # Errors
    /// As [`maps_on_grid`](Self::maps_on_grid).
    pub fn n_flat_maps(&self, height: usize, width: usize) -> Result<usize, DataError> {
        Ok(self.maps_on_grid(height, width)?.n_flat_maps())
    }

    /// The mean human map on a grid, over the items of one class or over all; None where no such item has one with
    /// contrast.
    ///
    /// # Errors
    /// As [`maps_on_grid`](Self::maps_on_grid).
    pub fn average_map(
        &self,
        height: usize,
        width: usize,
        label: Option<usize>,
    ) -> Result<Option<Vec<f32>>, DataError> {
        let counts = |item: &Item| label.is_none_or(|label| label == item.label);
        Ok(self.maps_on_grid(height, width)?.average(&self.items, counts))
    }
}

pub(crate) fn check_grid(height: usize, width: usize) -> Result<(), DataError> {
    let sides = 1..=MAX_SIDE_PX;
    if sides.contains(&height) && sides.contains(&width) {
        return Ok(());
    }
    Err(DataError::setting("grid", format!("{height}x{width}"), format!("sides from 1 to {MAX_SIDE_PX}")))
}
