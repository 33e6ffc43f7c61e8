//! Augmented images on one sheet, so that a person can check what a training would see.

use crate::{DataError, ImageSet, Sample, Transform};
use cyborg_image::{Raster, heat_colour};
use cyborg_saliency::grid_from_map;
use cyborg_seed::Seed;
use std::sync::Arc;

/// Pixels between two images of the sheet.
const GAP_PX: usize = 4;
/// How much of an image its map covers where the map is highest.
const OPACITY: f64 = 0.6;

/// A picture with one row for each of `items`: first the image without transforms, then as it is in the epochs 0 to
/// `n_epochs - 1` of a training with that seed. Human maps lie over the images, from transparent (0) to yellow (1), scaled as
/// the losses take them. RGB, on white.
///
/// # Errors
/// [`DataError::Setting`] if there is no item or one is not in the set; [`DataError::Reread`] if an image or map can no longer
/// be read.
pub fn contact_sheet(
    set: &ImageSet,
    transforms: &[Arc<dyn Transform>],
    items: &[usize],
    seed: Seed,
    n_epochs: usize,
) -> Result<Raster, DataError> {
    if items.is_empty() {
        return Err(DataError::setting("items", "empty", "one or more items"));
    }
    if let Some(item) = items.iter().find(|item| **item >= set.len()) {
        return Err(DataError::setting("items", item, format!("an index below {}", set.len())));
    }
    let step = set.input_px() + GAP_PX;
    let (width, height) = ((n_epochs + 1) * step + GAP_PX, items.len() * step + GAP_PX);
    let mut sheet = Raster::filled(width as u32, height as u32, 3, 255);
    for (row, &item) in items.iter().enumerate() {
        for column in 0..=n_epochs {
            let sample = match column.checked_sub(1) {
                None => set.augmented(item, &[], seed, 0, true)?,
                Some(epoch) => set.augmented(item, transforms, seed, epoch, true)?,
            };
            paste(&mut sheet, &overlaid(sample), column * step + GAP_PX, row * step + GAP_PX);
        }
    }
    Ok(sheet)
}

fn overlaid(sample: Sample) -> Raster {
    let Sample { mut image, map } = sample;
    let Some(map) = map else { return image };
    let grid = grid_from_map(&map, image.height_px as usize, image.width_px as usize);
    for (pixel, &value) in image.pixels.chunks_exact_mut(3).zip(&grid.values) {
        let share = OPACITY * f64::from(value);
        for (sample, colour) in pixel.iter_mut().zip(heat_colour(f64::from(value))) {
            *sample = (f64::from(*sample) * (1.0 - share) + colour * share).round() as u8;
        }
    }
    image
}

fn paste(sheet: &mut Raster, image: &Raster, left: usize, top: usize) {
    let (row, sheet_row) = (image.width_px as usize * 3, sheet.width_px as usize * 3);
    for (y, pixels) in image.pixels.chunks_exact(row).enumerate() {
        let start = (top + y) * sheet_row + left * 3;
        sheet.pixels[start..start + row].copy_from_slice(pixels);
    }
}
