//! Images with a rectangle covered.

use super::range::{Rectangle, check_order, rectangle};
use super::{Sample, Transform};
use crate::DataError;
use cyborg_image::Raster;
use cyborg_seed::Stream;
use cyborg_settings::{Fault, Fraction, Positive, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A random rectangle of the image is covered with one colour, as torchvision's `RandomErasing`. The map stays as it is unless
/// `erase_map` is set.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Erasing {
    /// Share of the images of which a part is covered, from 0 to 1; 0.5 unless stated.
    #[serde(default = "Fraction::half")]
    pub probability: Fraction,
    /// The rectangle's area as a share of the image's, [least, greatest]; [0.02, 0.33] unless stated.
    #[serde(default = "default_scale")]
    pub scale: [Fraction; 2],
    /// Width divided by height of the rectangle, [least, greatest], above 0; [0.3, 3.3] unless stated.
    #[serde(default = "default_ratio")]
    pub ratio: [Positive; 2],
    /// Red, green and blue of the cover, from 0 to 255; the mean colour of ImageNet, [124, 116, 104], unless stated.
    #[serde(default = "mean_colour")]
    pub value: [u8; 3],
    /// Whether the map becomes 0 where the image is covered; no unless stated.
    #[serde(default)]
    pub erase_map: bool,
}

const fn default_scale() -> [Fraction; 2] {
    [Fraction::new(0.02).expect("from 0 to 1"), Fraction::new(0.33).expect("from 0 to 1")]
}

const fn default_ratio() -> [Positive; 2] {
    [Positive::new(0.3).expect("above 0"), Positive::new(3.3).expect("above 0")]
}

const fn mean_colour() -> [u8; 3] {
    [124, 116, 104]
}

impl Settings for Erasing {
    const NAME: &'static str = "erasing";

    fn check(&self) -> Result<(), Fault> {
        check_order("scale", self.scale.map(Fraction::get))?;
        check_order("ratio", self.ratio.map(Positive::get))
    }
}

impl Transform for Erasing {
    fn change(&self, sample: &mut Sample, draws: &mut Stream) -> Result<(), DataError> {
        let size = (sample.image.width_px as usize, sample.image.height_px as usize);
        if !draws.bernoulli(self.probability.get()) {
            return Ok(());
        }
        let (scale, ratio) = (self.scale.map(Fraction::get), self.ratio.map(Positive::get));
        let Some(part) = rectangle(size, scale, ratio, draws) else { return Ok(()) };
        cover(&mut sample.image, part, &self.value);
        if let Some(map) = sample.map.as_mut().filter(|_| self.erase_map) {
            // In the map's own pixels, from the first to the last that the rectangle touches.
            let onto = |start: usize, length: usize, from: usize, to: u32| {
                let first = start * to as usize / from;
                (first, ((start + length) * to as usize).div_ceil(from) - first)
            };
            let (left, width) = onto(part.left, part.width, size.0, map.width_px);
            let (top, height) = onto(part.top, part.height, size.1, map.height_px);
            cover(map, Rectangle { left, top, width, height }, &[0]);
        }
        Ok(())
    }
}

fn cover(raster: &mut Raster, part: Rectangle, value: &[u8]) {
    let row = raster.width_px as usize * value.len();
    let (start, end) = (part.left * value.len(), (part.left + part.width) * value.len());
    for row in raster.pixels.chunks_exact_mut(row).skip(part.top).take(part.height) {
        for pixel in row[start..end].chunks_exact_mut(value.len()) {
            pixel.copy_from_slice(value);
        }
    }
}
