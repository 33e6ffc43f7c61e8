//! What a network is given of a picture: the whole of it, resized to a square, normalised by channel.

use crate::PredictError;
use cyborg_causes::on_one_line;
use cyborg_image::{Normalise, Raster, Window, read_rgb_in_window, resize_bilinear};
use std::path::Path;

/// The largest input: what a training takes at most.
const MAX_SIDE_PX: usize = 1 << 15;

/// Turns picture files into a network's input, to the bit as in training.
#[derive(Clone, Debug)]
pub struct Pixels {
    input_px: usize,
    normalise: Normalise,
}

impl Pixels {
    /// For a square input of `input_px`, from 1 to 32768. Each value becomes `(value / 255 - mean) / std` in f32, as
    /// torchvision's `ToTensor` and `Normalize` compute it.
    ///
    /// # Errors
    /// [`PredictError::Setting`] for a side out of range, a mean that is not finite, or a deviation that is not a finite
    /// number above 0.
    pub fn new(input_px: usize, mean: [f32; 3], std: [f32; 3]) -> Result<Self, PredictError> {
        let wrong = |field, found: String, expected: &str| {
            Err(PredictError::Setting { field, found, expected: expected.to_owned() })
        };
        if !(1..=MAX_SIDE_PX).contains(&input_px) {
            return wrong("input-px", input_px.to_string(), "a side from 1 to 32768");
        }
        if !mean.iter().all(|mean| mean.is_finite()) {
            return wrong("mean", format!("{mean:?}"), "three numbers, on the scale 0 to 1");
        }
        if !std.iter().all(|std| std.is_finite() && *std > 0.0) {
            return wrong("std", format!("{std:?}"), "three numbers above 0, on the scale 0 to 1");
        }
        let normalise = Normalise::new(mean, std);
        Ok(Self { input_px, normalise })
    }

    /// Side of the square input.
    pub fn input_px(&self) -> usize {
        self.input_px
    }

    /// Numbers an image becomes: `3 * input_px * input_px`.
    pub fn n_values(&self) -> usize {
        3 * self.input_px * self.input_px
    }

    /// Decodes a file and resizes it as PIL does: `input_px * input_px * 3` bytes, RGB interleaved. `window` says which values
    /// of 16-bit samples are black and white.
    ///
    /// # Errors
    /// Why the file cannot be used, in one line that names it.
    pub fn read(&self, path: &Path, window: Option<Window>) -> Result<Vec<u8>, String> {
        let raster = read_picture(path, window)?;
        let side = self.input_px as u32;
        let is_square = (raster.width_px, raster.height_px) == (side, side);
        Ok(if is_square { raster.pixels } else { resize_bilinear(&raster, side, side).pixels })
    }

    /// Normalises what [`read`](Self::read) gave into `planes`, [`n_values`](Self::n_values) numbers: all of red, of
    /// green, of blue.
    pub fn normalise(&self, pixels: &[u8], planes: &mut [f32]) {
        self.normalise.planes(pixels, planes);
    }
}

/// The picture at its own size, RGB.
pub(crate) fn read_picture(path: &Path, window: Option<Window>) -> Result<Raster, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_by_channel() {
        let pixels = Pixels::new(1, [0.5, 0.25, 0.0], [0.5, 0.25, 1.0]).expect("settings");
        let mut planes = [0.0; 3];
        // (0 - 0.5) / 0.5, (1 - 0.25) / 0.25, 51 / 255.
        pixels.normalise(&[0, 255, 51], &mut planes);
        assert_eq!(planes, [-1.0, 3.0, 0.2]);
    }

    #[test]
    fn settings_that_cannot_be_are_named() {
        let message = |px, mean, std| Pixels::new(px, [mean; 3], [std; 3]).expect_err("refused").to_string();
        assert!(message(0, 0.5, 0.5).contains("`input-px` is 0"));
        assert!(message(40_000, 0.5, 0.5).contains("`input-px` is 40000"));
        assert!(message(32, f32::NAN, 0.5).contains("`mean` is [NaN"));
        assert!(message(32, 0.5, 0.0).contains("`std` is [0.0"));
    }
}
