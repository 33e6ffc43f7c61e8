//! Images moved by one affine map.

use super::Affine;
use cyborg_image::{Raster, resize_bilinear};

/// The new image of `width` x `height` pixels. What lies outside the old image is 0 (black), as torchvision fills.
///
/// - A window with whole pixels, mirrored or not, is cut out and resized as PIL does it, bit for bit.
/// - Everything else is sampled bilinearly between pixel centres, in 64 bits, and rounded once. Where the new image is
///   coarser than the old one, the old one is first reduced as PIL does it, so that no detail is skipped.
pub(super) fn warp(old: &Raster, to_old: &Affine, width: u32, height: u32) -> Raster {
    if let Some(window) = whole_window(old, to_old) {
        return window.cut(old, width, height);
    }
    let coarser = |a: f64, b: f64, old_size: u32| {
        let step = libm::hypot(a / f64::from(width), b / f64::from(height)) * f64::from(old_size);
        let size = if step > 1.0 { (f64::from(old_size) / step).round() } else { f64::from(old_size) };
        (size as u32).max(1)
    };
    let reduced_width = coarser(to_old.xx, to_old.xy, old.width_px);
    let reduced_height = coarser(to_old.yx, to_old.yy, old.height_px);
    if (reduced_width, reduced_height) == (old.width_px, old.height_px) {
        return sample(old, to_old, width, height);
    }
    sample(&resize_bilinear(old, reduced_width, reduced_height), to_old, width, height)
}

/// A rectangle of whole pixels inside an image.
struct Window {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    mirrored: bool,
}

fn whole_window(old: &Raster, to_old: &Affine) -> Option<Window> {
    let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
    if !near(to_old.xy, 0.0) || !near(to_old.yx, 0.0) {
        return None;
    }
    let (left, top) = to_old.at(0.0, 0.0);
    let (right, bottom) = to_old.at(1.0, 1.0);
    let edge = |place: f64, size: u32| {
        let pixels = place * f64::from(size);
        let inside = (0.0..=f64::from(size)).contains(&pixels.round());
        (near(pixels, pixels.round()) && inside).then_some(pixels.round() as usize)
    };
    let (left, right) = (edge(left, old.width_px)?, edge(right, old.width_px)?);
    let (top, bottom) = (edge(top, old.height_px)?, edge(bottom, old.height_px)?);
    if left == right || top >= bottom {
        return None;
    }
    let (width, height) = (left.abs_diff(right), bottom - top);
    Some(Window { left: left.min(right), top, width, height, mirrored: left > right })
}

impl Window {
    fn cut(&self, old: &Raster, width: u32, height: u32) -> Raster {
        let channels = old.channels;
        let row = old.width_px as usize * channels;
        let (start, end) = (self.left * channels, (self.left + self.width) * channels);
        let rows = old.pixels.chunks_exact(row).skip(self.top).take(self.height);
        let pixels: Vec<u8> = rows.flat_map(|row| &row[start..end]).copied().collect();
        let (width_px, height_px) = (self.width as u32, self.height as u32);
        let mut cut = Raster { width_px, height_px, channels, pixels };
        if (width, height) != (width_px, height_px) {
            cut = resize_bilinear(&cut, width, height);
        }
        if self.mirrored {
            mirror(&mut cut);
        }
        cut
    }
}

fn mirror(raster: &mut Raster) {
    let (width, channels) = (raster.width_px as usize, raster.channels);
    for row in raster.pixels.chunks_exact_mut(width * channels) {
        for x in 0..width / 2 {
            for channel in 0..channels {
                row.swap(x * channels + channel, (width - 1 - x) * channels + channel);
            }
        }
    }
}

fn sample(old: &Raster, to_old: &Affine, width: u32, height: u32) -> Raster {
    let channels = old.channels;
    let (old_width, old_height) = (i64::from(old.width_px), i64::from(old.height_px));
    let mut pixels = Vec::with_capacity(width as usize * height as usize * channels);
    for row in 0..height {
        let y = (f64::from(row) + 0.5) / f64::from(height);
        for column in 0..width {
            let x = (f64::from(column) + 0.5) / f64::from(width);
            let (x, y) = to_old.at(x, y);
            let (x, across) = cell(x * old_width as f64);
            let (y, down) = cell(y * old_height as f64);
            let corners = [
                (x, y, (1.0 - across) * (1.0 - down)),
                (x + 1, y, across * (1.0 - down)),
                (x, y + 1, (1.0 - across) * down),
                (x + 1, y + 1, across * down),
            ];
            let mut sums = [0.5; 3];
            for (x, y, weight) in corners {
                if !(0..old_width).contains(&x) || !(0..old_height).contains(&y) {
                    continue;
                }
                let at = (y * old_width + x) as usize * channels;
                for (sum, &value) in sums.iter_mut().zip(&old.pixels[at..at + channels]) {
                    *sum += weight * f64::from(value);
                }
            }
            pixels.extend(sums.iter().take(channels).map(|&sum| sum as u8));
        }
    }
    Raster { width_px: width, height_px: height, channels, pixels }
}

/// The pixel whose centre is at or before a place, and how far the place is on the way to the next centre. Places are
/// rounded to 2^-20 pixels, so that a place that is a centre but for rounding is one.
fn cell(place: f64) -> (i64, f64) {
    const STEPS: f64 = (1 << 20) as f64;
    let place = ((place - 0.5) * STEPS).round() / STEPS;
    let start = place.floor();
    (start as i64, place - start)
}
