//! A contact sheet: every source in a row, so that a person can check what was drawn.
use std::path::Path;

use cyborg_image::{Raster, write_png};
use rayon::prelude::*;

use crate::error::PhantomError;
use crate::phantom::Phantom;
use crate::plan::{PlannedImage, Split, plan};
use crate::write::refuse_faults;

/// Examples of each source in a row.
const EXAMPLES: usize = 4;
const GAP: usize = 4;
/// Tiles are shown at least this large.
const SHOWN_PX: usize = 128;

/// Writes a contact sheet of the data set (which need not have been generated).
///
/// One row a source: those of training, then those of testing alone. Four examples a row, each as
/// three tiles: the image, its difference to the twin without evidence (grey is none, amplified three times), and
/// what the annotators marked.
///
/// # Errors
/// [`PhantomError::Settings`] for impossible settings, [`PhantomError::Encode`] if the file cannot be written.
pub fn contact_sheet(phantom: &dyn Phantom, path: &Path) -> Result<(), PhantomError> {
    refuse_faults(phantom)?;
    let rows = rows(phantom);
    let side = phantom.common().image_px as usize;
    let zoom = SHOWN_PX.div_ceil(side);
    let shown = side * zoom;
    let (tile, group) = (shown + GAP, 3 * (shown + GAP) + 2 * GAP);
    let (width, height) = (EXAMPLES * group, rows.len() * tile + GAP);
    let mut sheet = Raster {
        width_px: width as u32,
        height_px: height as u32,
        channels: 3,
        pixels: vec![255; width * height * 3],
    };
    let drawn: Vec<Vec<[Raster; 3]>> = rows
        .par_iter()
        .map(|row| {
            row.iter()
                .map(|image| {
                    let picture = phantom.picture(image);
                    let drawn = picture.image(false);
                    let twin = picture.image(true);
                    let map = picture.map();
                    let difference = difference(&drawn, &twin);
                    [drawn, difference, map]
                })
                .collect()
        })
        .collect();
    for (r, row) in drawn.iter().enumerate() {
        for (e, tiles) in row.iter().enumerate() {
            for (t, raster) in tiles.iter().enumerate() {
                paste(&mut sheet, raster, e * group + t * tile + GAP, r * tile + GAP, zoom);
            }
        }
    }
    write_png(path, &sheet).map_err(|source| PhantomError::Encode { path: path.to_owned(), source })
}

/// The first images of each source of training and testing.
fn rows(phantom: &dyn Phantom) -> Vec<Vec<PlannedImage>> {
    let sources = phantom.sources();
    let mut rows: Vec<Vec<PlannedImage>> = Vec::new();
    for image in plan(phantom) {
        let shown = match image.split {
            Split::Train => true,
            Split::Validation => false,
            Split::Test => !sources[image.source].training,
        };
        if !shown {
            continue;
        }
        match rows.last_mut() {
            Some(row) if row[0].source == image.source && row[0].split == image.split => {
                if row.len() < EXAMPLES {
                    row.push(image);
                }
            }
            _ => rows.push(vec![image]),
        }
    }
    rows
}

fn difference(a: &Raster, b: &Raster) -> Raster {
    let amplified = |(a, b): (&u8, &u8)| (128 + 3 * (i32::from(*a) - i32::from(*b))).clamp(0, 255) as u8;
    Raster { pixels: a.pixels.iter().zip(&b.pixels).map(amplified).collect(), ..a.clone() }
}

fn paste(sheet: &mut Raster, tile: &Raster, left: usize, top: usize, zoom: usize) {
    let (width, side) = (sheet.width_px as usize, tile.width_px as usize);
    for row in 0..side * zoom {
        for column in 0..side * zoom {
            let from = ((row / zoom) * side + column / zoom) * tile.channels;
            let to = ((top + row) * width + left + column) * 3;
            for c in 0..3 {
                sheet.pixels[to + c] = tile.pixels[from + c % tile.channels];
            }
        }
    }
}
