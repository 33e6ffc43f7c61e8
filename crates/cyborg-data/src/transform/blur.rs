//! Blurred images.

use super::range::{check_order, uniform};
use super::{Sample, Transform};
use crate::DataError;
use cyborg_image::Raster;
use cyborg_seed::Stream;
use cyborg_settings::{Fault, Fraction, Positive, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The image is blurred by a Gaussian that is cut at three sigma, with mirrored borders, as torchvision's `GaussianBlur` with a
/// kernel of that size.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Blur {
    /// Share of the images that are blurred, from 0 to 1; 0.5 unless stated.
    #[serde(default = "Fraction::half")]
    pub probability: Fraction,
    /// Sigma in pixels of the network's input, [least, greatest], above 0 and up to 100; [0.1, 2] unless stated.
    #[serde(default = "default_sigma")]
    pub sigma: [Positive; 2],
}

const fn default_sigma() -> [Positive; 2] {
    [Positive::new(0.1).expect("above 0"), Positive::new(2.0).expect("above 0")]
}

impl Settings for Blur {
    const NAME: &'static str = "blur";

    fn check(&self) -> Result<(), Fault> {
        let [least, greatest] = self.sigma.map(Positive::get);
        check_order("sigma", [least, greatest])?;
        if greatest > 100.0 {
            let message = format!("expected a sigma of up to 100 pixels, found {greatest}");
            return Err(Fault::of_field("sigma", message, None));
        }
        Ok(())
    }
}

impl Transform for Blur {
    fn change(&self, sample: &mut Sample, draws: &mut Stream) -> Result<(), DataError> {
        if draws.bernoulli(self.probability.get()) {
            blur(&mut sample.image, uniform(self.sigma.map(Positive::get), draws));
        }
        Ok(())
    }
}

pub(super) fn blur(image: &mut Raster, sigma: f64) {
    let radius = (3.0 * sigma).ceil() as i64;
    let weights: Vec<f64> =
        (-radius..=radius).map(|at| libm::exp(-0.5 * (at as f64 / sigma) * (at as f64 / sigma))).collect();
    let sum: f64 = weights.iter().sum();
    let weights: Vec<f32> = weights.iter().map(|weight| (weight / sum) as f32).collect();
    let (width, height) = (image.width_px as usize, image.height_px as usize);
    let row = width * image.channels;
    let values: Vec<f32> = image.pixels.iter().map(|&value| f32::from(value)).collect();
    let mut across = vec![0.0_f32; values.len()];
    for (new, old) in across.chunks_exact_mut(row).zip(values.chunks_exact(row)) {
        for (x, new) in new.chunks_exact_mut(image.channels).enumerate() {
            for (at, weight) in (-radius..).zip(&weights) {
                let x = mirrored(x as i64 + at, width) * image.channels;
                for (new, old) in new.iter_mut().zip(&old[x..]) {
                    *new += weight * old;
                }
            }
        }
    }
    let mut down = vec![0.0_f32; row];
    for (y, new) in image.pixels.chunks_exact_mut(row).enumerate() {
        down.fill(0.5);
        for (at, weight) in (-radius..).zip(&weights) {
            let y = mirrored(y as i64 + at, height) * row;
            for (sum, old) in down.iter_mut().zip(&across[y..y + row]) {
                *sum += weight * old;
            }
        }
        for (new, &sum) in new.iter_mut().zip(&down) {
            *new = sum as u8;
        }
    }
}

/// A place as seen in mirrors at the first and the last pixel.
fn mirrored(place: i64, size: usize) -> usize {
    let last = size as i64 - 1;
    if last == 0 {
        return 0;
    }
    let place = place.rem_euclid(2 * last);
    place.min(2 * last - place) as usize
}
