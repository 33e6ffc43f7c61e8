//! What a network takes of an image: its size and the scale of its numbers.

use crate::DataError;
use crate::image_file::{MAX_SIDE_PX, read_image, resized_pixels};
use cyborg_image::{Normalise, Window};
use std::path::Path;

/// Turns image files into a network's input: the whole image, resized to a square, normalised by channel.
#[derive(Clone, Debug)]
pub struct NetworkInput {
    input_px: usize,
    normalise: Normalise,
}

impl NetworkInput {
    /// A square input with sides of `input_px`, from 1 to 32768. Each value becomes `(value / 255 - mean) / std` in f32, as
    /// torchvision's `ToTensor` and `Normalize` compute it; `mean` and `std` are of red, green and blue.
    ///
    /// # Errors
    /// [`DataError::Setting`] for a side out of range, a mean that is not finite, or a deviation that is not a finite number
    /// above 0.
    pub fn new(input_px: usize, mean: [f32; 3], std: [f32; 3]) -> Result<Self, DataError> {
        check_side(input_px)?;
        if !mean.iter().all(|mean| mean.is_finite()) {
            let expected = "three numbers, on the scale 0 to 1";
            return Err(DataError::setting("mean", format!("{mean:?}"), expected));
        }
        if !std.iter().all(|std| std.is_finite() && *std > 0.0) {
            let expected = "three numbers above 0, on the scale 0 to 1";
            return Err(DataError::setting("std", format!("{std:?}"), expected));
        }
        Ok(Self { input_px, normalise: Normalise::new(mean, std) })
    }

    /// Side of the square input in pixels.
    pub fn input_px(&self) -> usize {
        self.input_px
    }

    /// How many numbers an image becomes: `3 * input_px * input_px`.
    pub fn n_values(&self) -> usize {
        3 * self.input_px * self.input_px
    }

    /// Decodes a file and resizes it as PIL does: `input_px * input_px * 3` bytes, RGB interleaved. `window` says which 16-bit
    /// values become black and white.
    ///
    /// # Errors
    /// As [`read_image`].
    pub fn read(&self, path: &Path, window: Option<Window>) -> Result<Vec<u8>, String> {
        Ok(resized_pixels(read_image(path, window)?, self.input_px))
    }

    /// Normalises interleaved RGB into `planes`: all of red, of green, of blue.
    ///
    /// # Panics
    /// Unless there are as many numbers in `planes` as bytes in `pixels`.
    pub fn normalise(&self, pixels: &[u8], planes: &mut [f32]) {
        self.normalise.planes(pixels, planes);
    }
}

pub(crate) fn check_side(input_px: usize) -> Result<(), DataError> {
    if (1..=MAX_SIDE_PX).contains(&input_px) {
        return Ok(());
    }
    Err(DataError::setting("input_px", input_px, format!("a side from 1 to {MAX_SIDE_PX}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_by_channel() {
        let input = NetworkInput::new(1, [0.5, 0.25, 0.0], [0.5, 0.25, 1.0]).expect("settings");
        let mut planes = [0.0; 3];
        // (0 - 0.5) / 0.5, (1 - 0.25) / 0.25, 51 / 255.
        input.normalise(&[0, 255, 51], &mut planes);
        assert_eq!(planes, [-1.0, 3.0, 0.2]);
    }
}
