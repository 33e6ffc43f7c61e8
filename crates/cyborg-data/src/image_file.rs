//! What a network is given of an image file: the whole image, resized to a square.

use cyborg_causes::on_one_line;
use cyborg_image::{Raster, Window, read_rgb_in_window, resize_bilinear};
use std::path::Path;

/// The largest side of a network's input, in pixels.
pub const MAX_SIDE_PX: usize = 1 << 15;

/// Decodes an image file at its own size, RGB; `window` says which 16-bit values become black and white.
///
/// # Errors
/// Why the file cannot be used, on one line that names it: missing, damaged, no image, or less than 2 pixels wide or high.
pub fn read_image(path: &Path, window: Option<Window>) -> Result<Raster, String> {
    let raster = read_rgb_in_window(path, window).map_err(|error| on_one_line(&error))?;
    let (width, height) = (raster.width_px, raster.height_px);
    if width < 2 || height < 2 {
        return Err(format!(
            "the image `{}` is {width}x{height} pixels: there is nothing to see",
            path.display()
        ));
    }
    Ok(raster)
}

/// The pixels of the whole image resized to `side` x `side` as PIL does it (bilinear, antialiased), channels interleaved.
///
/// # Panics
/// If the raster has no pixels or `side` is 0.
pub fn resized_pixels(raster: Raster, side: usize) -> Vec<u8> {
    let side = side as u32;
    let is_that_square = (raster.width_px, raster.height_px) == (side, side);
    if is_that_square { raster.pixels } else { resize_bilinear(&raster, side, side).pixels }
}
