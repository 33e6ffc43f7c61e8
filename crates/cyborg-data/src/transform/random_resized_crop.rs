//! Random windows of images.

use super::range::{Rectangle, check_order, rectangle};
use super::{Affine, Transform};
use cyborg_seed::Stream;
use cyborg_settings::{Fault, Fraction, Positive, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A random window of the decoded image, resized to the network's input, as torchvision's `RandomResizedCrop`. Geometric: the
/// map is cut alike.
///
/// The image is decoded again for each batch, so that a small window has all the detail of its file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomResizedCrop {
    /// Share of the images that are cut, from 0 to 1; 1 unless stated.
    #[serde(default = "Fraction::one")]
    pub probability: Fraction,
    /// The window's area as a share of the image's, [least, greatest], above 0 and up to 1; [0.08, 1] unless stated.
    #[serde(default = "default_scale")]
    pub scale: [Fraction; 2],
    /// Width divided by height of the window, [least, greatest], above 0; [3/4, 4/3] unless stated.
    #[serde(default = "default_ratio")]
    pub ratio: [Positive; 2],
}

const fn default_scale() -> [Fraction; 2] {
    [Fraction::new(0.08).expect("from 0 to 1"), Fraction::one()]
}

const fn default_ratio() -> [Positive; 2] {
    [Positive::new(3.0 / 4.0).expect("above 0"), Positive::new(4.0 / 3.0).expect("above 0")]
}

impl Settings for RandomResizedCrop {
    const NAME: &'static str = "random-resized-crop";

    fn check(&self) -> Result<(), Fault> {
        if self.scale[0].get() == 0.0 {
            let hint = Some("0.08 is usual".to_owned());
            return Err(Fault::of_field("scale", "expected a least area above 0, found 0", hint));
        }
        check_order("scale", self.scale.map(Fraction::get))?;
        check_order("ratio", self.ratio.map(Positive::get))
    }
}

impl Transform for RandomResizedCrop {
    fn geometry(&self, (width, height): (u32, u32), draws: &mut Stream) -> Option<Affine> {
        if !draws.bernoulli(self.probability.get()) {
            return None;
        }
        let size = (width as usize, height as usize);
        let ratio = self.ratio.map(Positive::get);
        let window = rectangle(size, self.scale.map(Fraction::get), ratio, draws)
            .unwrap_or_else(|| central(size, ratio));
        let (width, height) = (f64::from(width), f64::from(height));
        Some(Affine::window(
            window.left as f64 / width,
            window.top as f64 / height,
            window.width as f64 / width,
            window.height as f64 / height,
        ))
    }

    fn needs_full_resolution(&self) -> bool {
        true
    }
}

/// The largest window in the middle whose ratio is allowed: what torchvision takes when no draw fits.
fn central((width, height): (usize, usize), [least, greatest]: [f64; 2]) -> Rectangle {
    let ratio = width as f64 / height as f64;
    let (w, h) = if ratio < least {
        (width, (width as f64 / least).round() as usize)
    } else if ratio > greatest {
        ((height as f64 * greatest).round() as usize, height)
    } else {
        (width, height)
    };
    let (w, h) = (w.clamp(1, width), h.clamp(1, height));
    Rectangle { left: (width - w) / 2, top: (height - h) / 2, width: w, height: h }
}
