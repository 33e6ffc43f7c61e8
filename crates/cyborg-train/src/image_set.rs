//! Labelled images in memory, ready to become batches, and people's maps as grids.

use crate::TrainError;
use cyborg_causes::on_one_line;
use cyborg_image::{Raster, read_map, read_rgb_in_window, resize_bilinear};
use cyborg_manifest::Item;
use cyborg_saliency::{SaliencyGrid, check_aspect, grid_from_map};
use rayon::prelude::*;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Images decoded and resized once (8-bit RGB at `input_px`), and their human maps as grids.
///
/// As many images as the memory budget allows are kept; the others are decoded again whenever a batch needs them, ahead
/// of time and with the same result. Any number of trainings in threads can share one set.
#[derive(Debug)]
pub struct ImageSet {
    items: Vec<Item>,
    input_px: usize,
    grid: usize,
    /// `input_px * input_px * 3` bytes each, or None beyond the budget.
    pixels: Vec<Option<Vec<u8>>>,
    /// `grid * grid` values in `[0, 1]` each; None where there is no map or a flat one.
    maps: Vec<Option<Vec<f32>>>,
    n_flat_maps: usize,
}

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

/// One item, decoded.
struct Decoded {
    pixels: Vec<u8>,
    map: Option<SaliencyGrid>,
}

impl ImageSet {
    /// Decodes in parallel, resizes as PIL does, and reduces the maps to `grid` x `grid` cells.
    ///
    /// Items whose image or map cannot be used (missing, truncated, not an image, a map of another shape than its
    /// image) are left out of the set and returned, all of them, in the order of the items; whether that is an error is
    /// the caller's decision. A map without contrast is no such fault: its item counts as one without a map, see
    /// [`n_flat_maps`](Self::n_flat_maps).
    ///
    /// The first `memory_budget_bytes / (3 * input_px^2)` images stay in memory.
    ///
    /// # Errors
    /// [`TrainError::Setting`] if `input_px` or `grid` is 0.
    pub fn load(
        items: Vec<Item>,
        input_px: usize,
        grid: usize,
        memory_budget_bytes: u64,
        progress: LoadProgress<'_>,
    ) -> Result<(Self, Vec<BadImage>), TrainError> {
        check_sides(input_px, grid)?;
        let n_kept =
            usize::try_from(memory_budget_bytes / image_bytes(input_px) as u64).unwrap_or(usize::MAX);
        let n_done = AtomicUsize::new(0);
        let decoded: Vec<Result<Decoded, BadImage>> = items
            .par_iter()
            .enumerate()
            .map(|(index, item)| {
                let mut decoded = decode(item, input_px, grid);
                if index >= n_kept
                    && let Ok(decoded) = &mut decoded
                {
                    decoded.pixels = Vec::new();
                }
                progress(n_done.fetch_add(1, Ordering::Relaxed) + 1, items.len());
                decoded
            })
            .collect();
        let mut set = Self::empty(input_px, grid);
        let mut bad = Vec::new();
        for (item, decoded) in items.into_iter().zip(decoded) {
            match decoded {
                Ok(Decoded { pixels, map }) => {
                    set.push(item, (!pixels.is_empty()).then_some(pixels), map.as_ref());
                }
                Err(found) => bad.push(found),
            }
        }
        Ok((set, bad))
    }

    /// A set of images that are in memory already, each RGB and resized here as [`load`](Self::load) does it. `maps`
    /// holds one entry an item: None where it has no human map.
    ///
    /// # Errors
    /// [`TrainError::Setting`] if a side is 0, an image is not RGB, a grid has other sides, or there are not as many
    /// images and maps as items.
    pub fn from_rasters(
        items: Vec<Item>,
        images: &[Raster],
        maps: &[Option<SaliencyGrid>],
        input_px: usize,
        grid: usize,
    ) -> Result<Self, TrainError> {
        check_sides(input_px, grid)?;
        let wrong =
            |field, found: String, expected: String| Err(TrainError::Setting { field, found, expected });
        if images.len() != items.len() || maps.len() != items.len() {
            let found = format!("{} images and {} maps", images.len(), maps.len());
            return wrong(
                "items",
                found,
                format!("one image and one map entry for each of {} items", items.len()),
            );
        }
        let mut set = Self::empty(input_px, grid);
        for ((item, image), map) in items.into_iter().zip(images).zip(maps) {
            if image.channels != 3 {
                return wrong(
                    "images",
                    format!("`{}` with {} channels", item.id, image.channels),
                    "RGB".to_owned(),
                );
            }
            if let Some(map) = map
                && (map.height, map.width, map.values.len()) != (grid, grid, grid * grid)
            {
                let found = format!("`{}` with {}x{} cells", item.id, map.height, map.width);
                return wrong("maps", found, format!("{grid}x{grid} cells"));
            }
            set.push(
                item,
                Some(resize_bilinear(image, input_px as u32, input_px as u32).pixels),
                map.as_ref(),
            );
        }
        Ok(set)
    }

    fn empty(input_px: usize, grid: usize) -> Self {
        Self { items: Vec::new(), input_px, grid, pixels: Vec::new(), maps: Vec::new(), n_flat_maps: 0 }
    }

    fn push(&mut self, item: Item, pixels: Option<Vec<u8>>, map: Option<&SaliencyGrid>) {
        self.n_flat_maps += usize::from(map.is_some_and(|map| map.flat));
        self.maps.push(map.filter(|map| !map.flat).map(|map| map.values.clone()));
        self.pixels.push(pixels);
        self.items.push(item);
    }

    /// The items that can be used, in the order given to [`load`](Self::load).
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Side of the images in pixels.
    pub fn input_px(&self) -> usize {
        self.input_px
    }

    /// Side of the map grids in cells.
    pub fn grid(&self) -> usize {
        self.grid
    }

    /// The human map of an item, rows first, `grid * grid` values in `[0, 1]`; None where there is none with contrast.
    pub fn map(&self, item: usize) -> Option<&[f32]> {
        self.maps.get(item)?.as_deref()
    }

    /// Items whose map the loss can use.
    pub fn n_maps(&self) -> usize {
        self.maps.iter().flatten().count()
    }

    /// Items whose map has no contrast on the grid (empty or uniform): they train with cross-entropy alone.
    pub fn n_flat_maps(&self) -> usize {
        self.n_flat_maps
    }

    /// Items without a map file.
    pub fn n_missing_maps(&self) -> usize {
        self.len() - self.n_maps() - self.n_flat_maps
    }

    /// The mean human map, over the items of one class or over all; None where no such item has one.
    pub fn average_map(&self, label: Option<usize>) -> Option<Vec<f32>> {
        let mut sums = vec![0.0_f64; self.grid * self.grid];
        let mut n_maps = 0_u32;
        for (item, map) in self.items.iter().zip(&self.maps) {
            let Some(map) = map else { continue };
            if label.is_some_and(|label| label != item.label) {
                continue;
            }
            n_maps += 1;
            for (sum, &value) in sums.iter_mut().zip(map) {
                *sum += f64::from(value);
            }
        }
        (n_maps > 0).then(|| sums.iter().map(|sum| (sum / f64::from(n_maps)) as f32).collect())
    }

    /// Images that are not kept in memory and are decoded for each batch.
    pub fn n_on_demand(&self) -> usize {
        self.pixels.iter().filter(|pixels| pixels.is_none()).count()
    }

    /// The kept pixels of an item, rows first, RGB interleaved.
    pub(crate) fn kept_pixels(&self, item: usize) -> Option<&[u8]> {
        self.pixels[item].as_deref()
    }

    /// Decodes an item's image again.
    pub(crate) fn decode_again(&self, item: usize) -> Result<Vec<u8>, TrainError> {
        let item = &self.items[item];
        decode_image(item, self.input_px).map(|(pixels, _)| pixels).map_err(|bad| TrainError::Image {
            id: bad.id,
            path: bad.path,
            reason: bad.reason,
        })
    }

    /// What the set is, for telling a resumed training that it is another one: ids, labels and maps, in order.
    pub(crate) fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{} {} {}", self.input_px, self.grid, self.len()).as_bytes());
        for (item, map) in self.items.iter().zip(&self.maps) {
            hasher.update(format!("\0{}\0{}\0", item.id, item.label).as_bytes());
            for value in map.iter().flatten() {
                hasher.update(&value.to_le_bytes());
            }
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }
}

fn check_sides(input_px: usize, grid: usize) -> Result<(), TrainError> {
    for (field, side) in [("input_px", input_px), ("grid", grid)] {
        if side == 0 || side > 1 << 15 {
            let expected = "a side from 1 to 32768".to_owned();
            return Err(TrainError::Setting { field, found: side.to_string(), expected });
        }
    }
    Ok(())
}

fn image_bytes(input_px: usize) -> usize {
    3 * input_px * input_px
}

fn decode(item: &Item, input_px: usize, grid: usize) -> Result<Decoded, BadImage> {
    let (pixels, image_size) = decode_image(item, input_px)?;
    let Some(path) = &item.map else { return Ok(Decoded { pixels, map: None }) };
    let bad =
        |reason| BadImage { id: item.id.clone(), path: path.clone(), origin: item.origin.clone(), reason };
    let map = read_map(path).map_err(|error| bad(on_one_line(&error)))?;
    check_aspect((map.width_px, map.height_px), image_size).map_err(|error| bad(error.to_string()))?;
    Ok(Decoded { pixels, map: Some(grid_from_map(&map, grid, grid)) })
}

/// The resized pixels, and the size of the file's own.
fn decode_image(item: &Item, input_px: usize) -> Result<(Vec<u8>, (u32, u32)), BadImage> {
    let raster = read_rgb_in_window(&item.image, item.window).map_err(|error| BadImage {
        id: item.id.clone(),
        path: item.image.clone(),
        origin: item.origin.clone(),
        reason: on_one_line(&error),
    })?;
    let size = (raster.width_px, raster.height_px);
    if size.0 < 2 || size.1 < 2 {
        let (id, path, origin) = (item.id.clone(), item.image.clone(), item.origin.clone());
        let reason = format!("the image is {}x{} pixels: there is nothing to see", size.0, size.1);
        return Err(BadImage { id, path, origin, reason });
    }
    let side = input_px as u32;
    let pixels =
        if size == (side, side) { raster.pixels } else { resize_bilinear(&raster, side, side).pixels };
    Ok((pixels, size))
}
