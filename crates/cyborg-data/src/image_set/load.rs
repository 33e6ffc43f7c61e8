//! Image files to an image set.

use super::maps::StoredMap;
use super::{ImageSet, StoredImage};
use crate::DataError;
use crate::image_file::{read_image, resized_pixels};
use crate::network_input::check_side;
use cyborg_causes::on_one_line;
use cyborg_image::read_map;
use cyborg_manifest::Item;
use cyborg_saliency::check_aspect;
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// An image or map that could not be used, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadImage {
    /// The item's id.
    pub id: String,
    /// The file at fault: the image, or its map.
    pub path: PathBuf,
    /// Where the item's row was stated.
    pub origin: String,
    /// What is wrong.
    pub reason: String,
}

/// How much of the loading is done, for a progress bar: (done, of). Called from many threads.
pub type LoadProgress<'a> = &'a (dyn Fn(usize, usize) + Sync);

impl ImageSet {
    /// Decodes in parallel and resizes as PIL does.
    ///
    /// Items whose image or map cannot be used (missing, truncated, not an image, a map of another shape than its
    /// image) are left out of the set and returned, all of them, in the order of the items; whether that is an error is
    /// the caller's decision. A map without contrast is no such fault: its item counts as one without a map, see
    /// [`n_flat_maps`](Self::n_flat_maps).
    ///
    /// The first `memory_bytes / (3 * input_px^2)` images stay in memory. What then remains of the budget is for
    /// maps, one byte a pixel of their files. Beyond the budget, only the cells of maps on the grids that are asked for stay
    /// in memory.
    ///
    /// # Errors
    /// [`DataError::Setting`] if `input_px` is 0 or above 32768.
    pub fn load(
        items: Vec<Item>,
        input_px: usize,
        memory_bytes: u64,
        progress: LoadProgress<'_>,
    ) -> Result<(Self, Vec<BadImage>), DataError> {
        check_side(input_px)?;
        let image_bytes = 3 * (input_px * input_px) as u64;
        let n_kept = (memory_bytes / image_bytes).min(items.len() as u64);
        let for_maps = AtomicU64::new(memory_bytes - n_kept * image_bytes);
        let n_done = AtomicUsize::new(0);
        let load_one = |(index, item): (usize, &Item)| {
            let loaded = load_item(item, input_px, (index as u64) < n_kept, &for_maps);
            progress(n_done.fetch_add(1, Ordering::Relaxed) + 1, items.len());
            loaded
        };
        let loaded: Vec<_> = items.par_iter().enumerate().map(load_one).collect();
        let (mut good, mut images, mut maps, mut bad) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (item, loaded) in items.into_iter().zip(loaded) {
            match loaded {
                Ok((image, map)) => {
                    good.push(item);
                    images.push(image);
                    maps.push(map);
                }
                Err((path, reason)) => bad.push(BadImage { id: item.id, path, origin: item.origin, reason }),
            }
        }
        Ok((Self::new(good, input_px, images, maps), bad))
    }
}

/// The image and the map of an item, or the file at fault and the reason.
fn load_item(
    item: &Item,
    input_px: usize,
    keep: bool,
    for_maps: &AtomicU64,
) -> Result<(StoredImage, Option<StoredMap>), (PathBuf, String)> {
    let image = read_image(&item.image, item.window).map_err(|reason| (item.image.clone(), reason))?;
    let size = (image.width_px, image.height_px);
    let stored =
        if keep { StoredImage::Resized(resized_pixels(image, input_px)) } else { StoredImage::InFile };
    let Some(path) = &item.map else { return Ok((stored, None)) };
    let map = load_map(path, size, for_maps).map_err(|reason| (path.clone(), reason))?;
    Ok((stored, Some(map)))
}

fn load_map(path: &Path, image_size: (u32, u32), memory_bytes: &AtomicU64) -> Result<StoredMap, String> {
    let map = read_map(path).map_err(|error| on_one_line(&error))?;
    check_aspect((map.width_px, map.height_px), image_size).map_err(|error| error.to_string())?;
    let n_bytes = map.pixels.len() as u64;
    let fits = memory_bytes
        .try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(n_bytes))
        .is_ok();
    Ok(StoredMap::of_file(path, map, fits))
}
