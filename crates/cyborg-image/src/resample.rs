//! Bilinear resampling that equals PIL's bit for bit.
//!
//! PIL (`src/libImaging/Resample.c`) widens the triangle filter by the shrinking factor, turns its weights into fixed
//! point with 22 bits, and runs one pass per axis, along the rows first, rounding to 8 bits after each. A pass that
//! would not change the size is left out. Other libraries differ in one of these and so in the last bit or more.
//!
//! This is Pillow up to 12 (compared with 11.3 and 12.1 to 12.3), as when the released code was written. Pillow 13 takes
//! the column pass first where that is cheaper (one axis grows and the other shrinks, or the height shrinks more than
//! the width): there the last bit of some samples differs. So it does from Pillow 11 on for images more than 100 times
//! as tall as wide. Squares are the same in all.

use crate::Raster;

/// 32 bits less 8 for the sample less 2 for sums that overshoot.
const PRECISION_BITS: u32 = 32 - 8 - 2;
const HALF: i32 = 1 << (PRECISION_BITS - 1);

/// As PIL's `image.resize((width, height), BILINEAR)`, bit for bit (antialiased when shrinking).
///
/// # Panics
/// If `raster` has no pixels, or fewer than its size says, or if the new size is 0.
///
/// # Examples
/// ```
/// use cyborg_image::{Raster, resize_bilinear};
/// let two = Raster { width_px: 2, height_px: 1, channels: 1, pixels: vec![0, 100] };
/// assert_eq!(resize_bilinear(&two, 1, 1).pixels, [50]);
/// assert_eq!(resize_bilinear(&two, 4, 1).pixels, [0, 25, 75, 100]);
/// ```
pub fn resize_bilinear(raster: &Raster, width_px: u32, height_px: u32) -> Raster {
    let (old_width, old_height) = (raster.width_px as usize, raster.height_px as usize);
    let (width, height) = (width_px as usize, height_px as usize);
    let channels = raster.channels;
    assert!(width > 0 && height > 0, "cannot resize to {width_px}x{height_px}");
    assert!(!raster.pixels.is_empty(), "cannot resize a raster without pixels");
    assert_eq!(raster.pixels.len(), raster.expected_len(), "the raster's buffer must match its size");
    let mut pixels = if width == old_width {
        raster.pixels.clone()
    } else {
        let filter = Filter::new(old_width, width);
        match channels {
            1 => across::<1>(&raster.pixels, old_width, &filter),
            3 => across::<3>(&raster.pixels, old_width, &filter),
            _ => across_any(&raster.pixels, old_width, channels, &filter),
        }
    };
    if height != old_height {
        pixels = down(&pixels, width * channels, &Filter::new(old_height, height));
    }
    Raster { width_px, height_px, channels, pixels }
}

/// For each new sample: where its window of old samples starts, and their weights in fixed point.
struct Filter {
    starts: Vec<usize>,
    /// `size` weights a new sample; those past the window are 0.
    weights: Vec<i32>,
    size: usize,
    /// How many of the weights are the window's.
    lengths: Vec<usize>,
}

impl Filter {
    fn new(old_size: usize, new_size: usize) -> Self {
        let scale = old_size as f64 / new_size as f64;
        let filter_scale = scale.max(1.0);
        // The triangle reaches one (scaled) sample to each side.
        let support = filter_scale;
        let size = support.ceil() as usize * 2 + 1;
        let per_sample = 1.0 / filter_scale;
        let mut filter = Self {
            starts: Vec::with_capacity(new_size),
            weights: Vec::with_capacity(new_size * size),
            size,
            lengths: Vec::with_capacity(new_size),
        };
        let mut raw = Vec::with_capacity(size);
        for new in 0..new_size {
            let center = (new as f64 + 0.5) * scale;
            // Casts cut towards zero as C's do; a negative start saturates at 0.
            let start = (center - support + 0.5) as usize;
            let end = ((center + support + 0.5) as usize).min(old_size);
            raw.clear();
            raw.extend((start..end).map(|old| triangle((old as f64 - center + 0.5) * per_sample)));
            let mut sum = 0.0;
            for weight in &raw {
                sum += weight;
            }
            let fixed = raw.iter().map(|weight| (0.5 + weight / sum * f64::from(1 << PRECISION_BITS)) as i32);
            filter.starts.push(start);
            filter.lengths.push(end - start);
            filter.weights.extend(fixed);
            filter.weights.resize((new + 1) * size, 0);
        }
        filter
    }

    /// Start of the window and its weights, for every new sample.
    fn windows(&self) -> impl Iterator<Item = (usize, &[i32])> {
        let windows = self.starts.iter().zip(&self.lengths).zip(self.weights.chunks_exact(self.size));
        windows.map(|((&start, &length), weights)| (start, &weights[..length]))
    }
}

fn triangle(x: f64) -> f64 {
    (1.0 - x.abs()).max(0.0)
}

/// The accumulated fixed-point sum as a sample.
fn sample(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

/// Along each row, from `old_width` to as many samples as the filter has. `CHANNELS` is known when compiling, so that
/// the sums of a pixel stay in registers.
fn across<const CHANNELS: usize>(pixels: &[u8], old_width: usize, filter: &Filter) -> Vec<u8> {
    let new_width = filter.starts.len();
    let height = pixels.len() / (old_width * CHANNELS);
    let mut resized = vec![0; height * new_width * CHANNELS];
    let old_rows = pixels.chunks_exact(old_width * CHANNELS);
    let new_rows = resized.chunks_exact_mut(new_width * CHANNELS);
    for (old, new) in old_rows.zip(new_rows) {
        let old = old.as_chunks::<CHANNELS>().0;
        let new = new.as_chunks_mut::<CHANNELS>().0;
        for (new, (start, weights)) in new.iter_mut().zip(filter.windows()) {
            let mut sums = [HALF; CHANNELS];
            for (weight, old) in weights.iter().zip(&old[start..]) {
                for (sum, &value) in sums.iter_mut().zip(old) {
                    *sum += weight * i32::from(value);
                }
            }
            *new = sums.map(sample);
        }
    }
    resized
}

/// As [`across`], for other channel counts.
fn across_any(pixels: &[u8], old_width: usize, channels: usize, filter: &Filter) -> Vec<u8> {
    let mut resized = Vec::with_capacity(pixels.len() / old_width * filter.starts.len());
    for old in pixels.chunks_exact(old_width * channels) {
        for (start, weights) in filter.windows() {
            for channel in 0..channels {
                let old = old[start * channels + channel..].iter().step_by(channels);
                let sum =
                    weights.iter().zip(old).map(|(weight, &value)| weight * i32::from(value)).sum::<i32>();
                resized.push(sample(HALF + sum));
            }
        }
    }
    resized
}

/// Along each column: every new row is a weighted sum of old rows, which vectorises whatever the channels.
fn down(pixels: &[u8], row_len: usize, filter: &Filter) -> Vec<u8> {
    let mut resized = vec![0; filter.starts.len() * row_len];
    let mut sums = vec![HALF; row_len];
    for (new, (start, weights)) in resized.chunks_exact_mut(row_len).zip(filter.windows()) {
        sums.fill(HALF);
        for (weight, old) in weights.iter().zip(pixels[start * row_len..].chunks_exact(row_len)) {
            for (sum, &value) in sums.iter_mut().zip(old) {
                *sum += weight * i32::from(value);
            }
        }
        for (new, &sum) in new.iter_mut().zip(&sums) {
            *new = sample(sum);
        }
    }
    resized
}
