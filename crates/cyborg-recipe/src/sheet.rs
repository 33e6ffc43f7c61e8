//! Pictures of images with what people marked laid over them.

use cyborg_causes::on_one_line;
use std::path::Path;

use cyborg_files::write_whole;
use cyborg_image::{Raster, encode_png, read_rgb, resize_bilinear};
use cyborg_saliency::{MapOptions, SaliencyMap, check_aspect, read_map};
use rayon::prelude::*;

use crate::caption::{CAPTION_PX, write_caption};
use crate::one::grey;
use crate::place::Seat;
use crate::plan::Plan;
use crate::{Image, RecipeError};

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

/// Between tiles.
const GAP_PX: u32 = 8;
/// A sheet is about so wide, if its tiles are not wider.
const SHEET_PX: u32 = 2400;
/// A sheet of more pixels than this is not made.
const MAX_PIXELS: u64 = 400_000_000;

/// Pictures of one height side by side, with one line of text below.
struct Cell {
    tiles: Vec<Raster>,
    caption: String,
}

impl Cell {
    fn width_px(&self) -> u32 {
        self.tiles.iter().map(|tile| tile.width_px + GAP_PX).sum::<u32>()
    }
}

/// Draws the pairs into a PNG: for each the image, the image with its map laid over, the map, each `side_px` high, and below
/// them its name. As many a row as fit, in their order. A pair that cannot be read has a grey place; why is returned.
///
/// # Errors
/// [`RecipeError::Picture`] or [`RecipeError::Write`] if the picture cannot be made, [`RecipeError::SheetSize`] if it would
/// be too large.
pub fn contact_sheet(pairs: &[Pair], path: &Path, side_px: u32) -> Result<Vec<String>, RecipeError> {
    check_size(path, 3 * pairs.len(), side_px)?;
    let cells: Vec<Result<Cell, String>> = pairs
        .par_iter()
        .map(|pair| {
            let image = read_rgb(&pair.image).map_err(|error| on_one_line(&error))?;
            let map = read(pair)?;
            check_aspect((map.width_px as u32, map.height_px as u32), (image.width_px, image.height_px))
                .map_err(|error| format!("`{}`: {error}", pair.name))?;
            let image = scaled(&image, side_px);
            let (over, alone) = laid_over(&image, &map);
            Ok(Cell { tiles: vec![image, over, alone], caption: pair.name.clone() })
        })
        .collect();
    let mut faults = Vec::new();
    let cells: Vec<Cell> = cells
        .into_iter()
        .zip(pairs)
        .map(|(cell, pair)| {
            cell.unwrap_or_else(|reason| {
                faults.push(reason);
                Cell { tiles: vec![Raster::filled(3 * side_px, side_px, 3, 200)], caption: pair.name.clone() }
            })
        })
        .collect();
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut row_px = 0;
    for cell in cells {
        let width = cell.width_px();
        if let Some(row) = rows.last_mut().filter(|_| row_px + width <= SHEET_PX) {
            row.push(cell);
        } else {
            row_px = 0;
            rows.push(vec![cell]);
        }
        row_px += width;
    }
    write_sheet(&rows, path, side_px)?;
    Ok(faults)
}

/// Draws one row an image into a PNG: the image, and then for each person the image with what that person marked laid over,
/// with the person's name below. People who do not count by the recipe are drawn, too.
///
/// # Errors
/// As [`contact_sheet`].
pub fn people_sheet(
    plan: &Plan,
    images: &[Image],
    path: &Path,
    side_px: u32,
) -> Result<Vec<String>, RecipeError> {
    let rows: Vec<(Vec<Cell>, Vec<String>)> =
        images.par_iter().map(|image| people_row(plan, image, side_px)).collect();
    check_size(path, rows.iter().map(|(row, _)| row.len()).max().unwrap_or(0) * rows.len(), side_px)?;
    let (rows, faults): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    write_sheet(&rows, path, side_px)?;
    Ok(faults.concat())
}

fn people_row(plan: &Plan, image: &Image, side_px: u32) -> (Vec<Cell>, Vec<String>) {
    let mut faults = Vec::new();
    let mut row = Vec::new();
    let drawn = || -> Result<(Raster, Seat, Vec<crate::people::Person>), String> {
        let picture = read_rgb(&image.path).map_err(|error| on_one_line(&error))?;
        let seat = Seat::new(image, &plan.recipe.settings)?;
        let at =
            plan.images.binary_search(image).map_err(|_| format!("`{}` is not in the set", image.name))?;
        Ok((scaled(&picture, side_px), seat, plan.people(at)?))
    };
    match drawn() {
        Err(reason) => {
            faults.push(reason);
            let tiles = vec![Raster::filled(side_px, side_px, 3, 200)];
            row.push(Cell { tiles, caption: image.name.clone() });
        }
        Ok((picture, seat, people)) => {
            row.push(Cell { tiles: vec![picture.clone()], caption: image.name.clone() });
            for person in people {
                let caption =
                    if person.name.is_empty() { "(no name)".to_owned() } else { person.name.clone() };
                match crate::one::person_map(&seat, &person, &plan.recipe.settings) {
                    Ok(map) => row.push(Cell { tiles: vec![laid_over(&picture, &map).0], caption }),
                    Err(reason) => {
                        faults.push(format!("`{}`, `{caption}`: {reason}", image.name));
                        let grey = Raster::filled(picture.width_px, side_px, 3, 200);
                        row.push(Cell { tiles: vec![grey], caption });
                    }
                }
            }
        }
    }
    (row, faults)
}

fn check_size(path: &Path, n_tiles: usize, side_px: u32) -> Result<(), RecipeError> {
    // Tiles are up to three times as wide as high.
    let pixels =
        (n_tiles as u64).saturating_mul(3 * u64::from(side_px) * u64::from(side_px + CAPTION_PX + GAP_PX));
    if pixels <= MAX_PIXELS {
        return Ok(());
    }
    Err(RecipeError::SheetSize { path: path.into(), n_tiles, side_px })
}

fn write_sheet(rows: &[Vec<Cell>], path: &Path, side_px: u32) -> Result<(), RecipeError> {
    let width =
        rows.iter().map(|row| row.iter().map(Cell::width_px).sum::<u32>()).max().unwrap_or(0) + GAP_PX;
    let row_px = side_px + CAPTION_PX + GAP_PX;
    let mut sheet = Raster::filled(width, rows.len() as u32 * row_px + GAP_PX, 3, 255);
    for (at, row) in rows.iter().enumerate() {
        let top = GAP_PX + at as u32 * row_px;
        let mut left = GAP_PX;
        for cell in row {
            write_caption(&mut sheet, &cell.caption, left, top + side_px, cell.width_px() - GAP_PX);
            for tile in &cell.tiles {
                paste(&mut sheet, tile, left, top);
                left += tile.width_px + GAP_PX;
            }
        }
    }
    let bytes = encode_png(&sheet).map_err(|source| RecipeError::Picture { path: path.into(), source })?;
    write_whole(path, &bytes).map_err(|source| RecipeError::Write { path: path.into(), source })
}

/// At that height; a strip is not let take up the whole sheet.
fn scaled(image: &Raster, side_px: u32) -> Raster {
    let width = f64::from(image.width_px) * f64::from(side_px) / f64::from(image.height_px);
    resize_bilinear(image, (width.round() as u32).clamp(side_px / 8 + 1, 3 * side_px), side_px)
}

/// The image with the map laid over it in colours, and the map alone.
fn laid_over(image: &Raster, map: &SaliencyMap) -> (Raster, Raster) {
    let map = resize_bilinear(&grey(map), image.width_px, image.height_px);
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
    (over, alone)
}

/// The map in `[0, 1]`, whatever its file holds.
pub(crate) fn read(pair: &Pair) -> Result<SaliencyMap, String> {
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
