//! Looking at maps: a picture of overlays and figures of a whole set.

use cyborg_causes::on_one_line;
use std::path::Path;

use cyborg_files::write_whole;
use cyborg_image::{Raster, encode_png, read_rgb, resize_bilinear};
use cyborg_saliency::{
    MapOptions, SaliencyMap, area_average, centre_prior, check_aspect, grid_from_map, read_map, spearman,
};
use rayon::prelude::*;

use crate::RecipeError;
use crate::one::grey;

/// An image and its map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// For messages and captions.
    pub name: String,
    /// The image file.
    pub image: std::path::PathBuf,
    /// The map file.
    pub map: std::path::PathBuf,
}

/// Height of a tile, in pixels.
const TILE_PX: u32 = 160;
/// Between tiles.
const GAP_PX: u32 = 6;
/// Images side by side, each with three tiles.
const COLUMNS: usize = 3;

/// Draws the pairs into a PNG: for each the image, the image with its map laid over, the map. Three pairs a row, in their
/// order. A pair that cannot be read has a grey place; why is returned.
///
/// # Errors
/// [`RecipeError::Picture`] or [`RecipeError::Write`] if the picture cannot be made.
pub fn contact_sheet(pairs: &[Pair], path: &Path) -> Result<Vec<String>, RecipeError> {
    let tiles: Vec<Result<[Raster; 3], String>> = pairs.par_iter().map(tiles).collect();
    let width_of = |tiles: &Result<[Raster; 3], String>| match tiles {
        Ok([tile, ..]) => 3 * (tile.width_px + GAP_PX),
        Err(_) => 3 * (TILE_PX + GAP_PX),
    };
    let rows: Vec<&[Result<[Raster; 3], String>]> = tiles.chunks(COLUMNS).collect();
    let width = rows.iter().map(|row| row.iter().map(width_of).sum::<u32>()).max().unwrap_or(0) + GAP_PX;
    let height = rows.len() as u32 * (TILE_PX + GAP_PX) + GAP_PX;
    let mut sheet = Raster::filled(width, height, 3, 255);
    let mut faults = Vec::new();
    for (row, tiles) in rows.iter().enumerate() {
        let top = GAP_PX + row as u32 * (TILE_PX + GAP_PX);
        let mut left = GAP_PX;
        for tiles in *tiles {
            match tiles {
                Ok(tiles) => {
                    for tile in tiles {
                        paste(&mut sheet, tile, left, top);
                        left += tile.width_px + GAP_PX;
                    }
                }
                Err(reason) => {
                    faults.push(reason.clone());
                    paste(&mut sheet, &Raster::filled(3 * TILE_PX, TILE_PX, 3, 200), left, top);
                    left += width_of(&Err(String::new()));
                }
            }
        }
    }
    let bytes = encode_png(&sheet).map_err(|source| RecipeError::Picture { path: path.into(), source })?;
    write_whole(path, &bytes).map_err(|source| RecipeError::Write { path: path.into(), source })?;
    Ok(faults)
}

fn tiles(pair: &Pair) -> Result<[Raster; 3], String> {
    let image = read_rgb(&pair.image).map_err(|error| on_one_line(&error))?;
    let map = read(pair)?;
    check_aspect((map.width_px as u32, map.height_px as u32), (image.width_px, image.height_px))
        .map_err(|error| format!("`{}`: {error}", pair.name))?;
    let scaled = f64::from(image.width_px) * f64::from(TILE_PX) / f64::from(image.height_px);
    // A strip is not let take up the whole sheet.
    let width = (scaled.round() as u32).clamp(8, 3 * TILE_PX);
    let image = resize_bilinear(&image, width, TILE_PX);
    let map = resize_bilinear(&grey(&map), width, TILE_PX);
    let mut over = image.clone();
    let mut alone = image.clone();
    let pixels = over.pixels.chunks_exact_mut(3).zip(alone.pixels.chunks_exact_mut(3));
    for ((over, alone), &value) in pixels.zip(&map.pixels) {
        alone.fill(value);
        let strength = f32::from(value) / 255.0;
        let color = heat(strength);
        for (over, color) in over.iter_mut().zip(color) {
            let mixed = f32::from(*over) + 0.65 * strength.sqrt() * (color - f32::from(*over));
            *over = mixed.round().clamp(0.0, 255.0) as u8;
        }
    }
    Ok([image, over, alone])
}

/// The map in `[0, 1]`, whatever its file holds.
fn read(pair: &Pair) -> Result<SaliencyMap, String> {
    let mut map = read_map(&pair.map, &MapOptions::default()).map_err(|error| on_one_line(&error))?;
    for value in &mut map.values {
        *value = value.clamp(0.0, 1.0);
    }
    Ok(map)
}

/// From blue over red to yellow.
fn heat(strength: f32) -> [f32; 3] {
    if strength < 0.5 {
        let t = strength * 2.0;
        [255.0 * t, 0.0, 255.0 * (1.0 - t)]
    } else {
        let t = strength * 2.0 - 1.0;
        [255.0, 230.0 * t, 0.0]
    }
}

fn paste(sheet: &mut Raster, tile: &Raster, left: u32, top: u32) {
    let width = sheet.width_px as usize * 3;
    let row_bytes = tile.width_px as usize * 3;
    for (y, row) in tile.pixels.chunks_exact(row_bytes).enumerate() {
        let start = (top as usize + y) * width + left as usize * 3;
        sheet.pixels[start..start + row_bytes].copy_from_slice(row);
    }
}

/// `n` of the pairs, evenly spread, the first among them.
pub fn spread(pairs: &[Pair], n: usize) -> Vec<Pair> {
    let n = n.min(pairs.len());
    (0..n).map(|at| pairs[at * pairs.len() / n].clone()).collect()
}

/// Figures of a set of maps, whose range is 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct MapFigures {
    /// Maps that could be read.
    pub n_maps: usize,
    /// Maps without contrast on a grid of 7 x 7: the loss leaves them out.
    pub n_flat: usize,
    /// Mean over maps of their mean.
    pub mean: Option<f64>,
    /// Mean over maps of the share of pixels above 0.5.
    pub share_above_half: Option<f64>,
    /// Spearman's correlation between the average map and a Gaussian over the middle (sigma a quarter of each side), on
    /// 32 x 32 cells: how much people look at the middle whatever the image shows.
    pub centre_correlation: Option<f64>,
    /// Least and greatest width and height.
    pub sizes: Option<((usize, usize), (usize, usize))>,
    /// Maps that could not be read, and why.
    pub faults: Vec<String>,
}

/// Reads all maps; each is in memory only while it is looked at.
pub fn map_figures(pairs: &[Pair], progress: crate::Progress) -> MapFigures {
    const CELLS: usize = 32;
    struct One {
        flat: bool,
        mean: f64,
        share: f64,
        size: (usize, usize),
        cells: Vec<f32>,
    }
    let done = std::sync::atomic::AtomicUsize::new(0);
    let look = |pair: &Pair| -> Result<One, String> {
        let map = read(pair)?;
        let n = map.values.len() as f64;
        let one = One {
            flat: grid_from_map(&grey(&map), 7, 7).flat,
            mean: map.values.iter().map(|&value| f64::from(value)).sum::<f64>() / n,
            share: map.values.iter().filter(|&&value| value > 0.5).count() as f64 / n,
            size: (map.width_px, map.height_px),
            cells: area_average(&map, CELLS, CELLS).values,
        };
        progress(done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1, pairs.len());
        Ok(one)
    };
    let seen: Vec<Result<One, String>> = pairs.par_iter().map(look).collect();
    let ok: Vec<&One> = seen.iter().flatten().collect();
    let mean = |of: &dyn Fn(&One) -> f64| {
        (!ok.is_empty()).then(|| ok.iter().map(|one| of(one)).sum::<f64>() / ok.len() as f64)
    };
    let mut average = vec![0f64; CELLS * CELLS];
    for one in &ok {
        for (sum, &value) in average.iter_mut().zip(&one.cells) {
            *sum += f64::from(value);
        }
    }
    let average: Vec<f32> = average.iter().map(|&sum| sum as f32).collect();
    let sizes = ok.iter().map(|one| one.size).fold(None, |sizes, (width, height)| match sizes {
        None => Some(((width, height), (width, height))),
        Some((least, most)) => {
            Some(((width.min(least.0), height.min(least.1)), (width.max(most.0), height.max(most.1))))
        }
    });
    MapFigures {
        n_maps: ok.len(),
        n_flat: ok.iter().filter(|one| one.flat).count(),
        mean: mean(&|one| one.mean),
        share_above_half: mean(&|one| one.share),
        centre_correlation: spearman(&average, &centre_prior(CELLS, CELLS, 0.25).values),
        sizes,
        faults: seen.into_iter().filter_map(Result::err).collect(),
    }
}
