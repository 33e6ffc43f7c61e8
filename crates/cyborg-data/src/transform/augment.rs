//! All transforms of one image, one after the other.

use super::warp::warp;
use super::{Affine, Sample, Transform};
use crate::DataError;
use crate::image_file::resized_pixels;
use cyborg_image::Raster;
use cyborg_seed::{Seed, Stream};
use std::sync::Arc;

/// Draws and makes the transforms of one image and its map.
///
/// First the image is moved: the geometric transforms, in the order of the list, become one affine map that is applied once,
/// to `image` (RGB, of any size) and to `map` (grey, of any size). Then the others change values in the order of the list.
/// Geometric transforms come first wherever they stand.
///
/// Each transform draws from the stream of `draws` with its name (`blur`, a second one `blur/1`): to leave one out changes
/// no draw of the others.
///
/// # Shapes
/// - returns: the image with `side` x `side` pixels, the map with about the resolution that it had
///
/// # Errors
/// [`DataError::Image`] as [`Transform::change`].
///
/// # Panics
/// If image or map have no pixels, or `side` is 0.
pub fn augment(
    transforms: &[Arc<dyn Transform>],
    image: Raster,
    map: Option<&Raster>,
    side: usize,
    draws: &Seed,
) -> Result<Sample, DataError> {
    let mut streams = streams(transforms, draws);
    let size = (image.width_px, image.height_px);
    let mut moved: Option<Affine> = None;
    for (transform, draws) in transforms.iter().zip(&mut streams) {
        if let Some(step) = transform.geometry(size, draws) {
            moved = Some(moved.map_or(step, |before| step.then(&before)));
        }
    }
    let side_px = side as u32;
    let mut sample = match moved {
        None => {
            let pixels = resized_pixels(image, side);
            let image = Raster { width_px: side_px, height_px: side_px, channels: 3, pixels };
            Sample { image, map: map.cloned() }
        }
        Some(to_old) => Sample {
            image: warp(&image, &to_old, side_px, side_px),
            map: map.map(|map| {
                let (width, height) = moved_size(map, &to_old);
                warp(map, &to_old, width, height)
            }),
        },
    };
    for (transform, draws) in transforms.iter().zip(&mut streams) {
        transform.change(&mut sample, draws)?;
    }
    Ok(sample)
}

fn streams(transforms: &[Arc<dyn Transform>], draws: &Seed) -> Vec<Stream> {
    let name = |at: usize| {
        let name = transforms[at].name();
        match transforms[..at].iter().filter(|before| before.name() == name).count() {
            0 => name.to_owned(),
            n_before => format!("{name}/{n_before}"),
        }
    };
    (0..transforms.len()).map(|at| draws.stream(&name(at))).collect()
}

/// Width and height at which the moved map has as many pixels to a length as before, at most its longer side.
fn moved_size(map: &Raster, to_old: &Affine) -> (u32, u32) {
    let (width, height) = (f64::from(map.width_px), f64::from(map.height_px));
    let most = width.max(height);
    let length = |x: f64, y: f64| libm::hypot(x * width, y * height).round().clamp(1.0, most) as u32;
    (length(to_old.xx, to_old.yx), length(to_old.xy, to_old.yy))
}
