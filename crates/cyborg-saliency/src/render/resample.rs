//! Maps to another size or place, in full precision.

use crate::{Affine, SaliencyMap};

/// The most samples a pixel and axis where a map is turned by other than quarter turns.
const MAX_SAMPLES: usize = 8;

/// The map as `affine` (from its pixels to the new image's) places it on an image of that size. `None` if the map has no
/// pixels or the matrix no inverse.
///
/// Resizes, crops, flips and quarter turns are done along the axes with PIL's antialiased bilinear kernel (a triangle of
/// half width `max(1, old / new)`, its weights normalised inside the map) in 64-bit floats; whole pixels are copied
/// unchanged. Other placements average samples taken bilinearly. Pixels whose centre lies outside the map are 0.
pub fn resample(map: &SaliencyMap, affine: &Affine, width: usize, height: usize) -> Option<SaliencyMap> {
    let back = affine.inverse()?;
    if map.values.is_empty() {
        return None;
    }
    if back.b == 0.0 && back.c == 0.0 {
        return Some(along_axes(map, (back.a, back.e), (back.d, back.f), width, height));
    }
    if back.a == 0.0 && back.d == 0.0 {
        let turned = transposed(map);
        return Some(along_axes(&turned, (back.b, back.f), (back.c, back.e), width, height));
    }
    Some(at_any_angle(map, &back, width, height))
}

fn transposed(map: &SaliencyMap) -> SaliencyMap {
    let (width, height) = (map.width_px, map.height_px);
    let values = (0..width * height).map(|at| map.values[(at % height) * width + at / height]).collect();
    SaliencyMap { width_px: height, height_px: width, values }
}

/// Each axis is `old = scale * new + shift`.
fn along_axes(
    map: &SaliencyMap,
    x_axis: (f64, f64),
    y_axis: (f64, f64),
    width: usize,
    height: usize,
) -> SaliencyMap {
    let columns = kernels(x_axis, map.width_px, width);
    let rows = kernels(y_axis, map.height_px, height);
    let mut narrow = vec![0.0; width * map.height_px];
    for (row, out) in map.values.chunks_exact(map.width_px).zip(narrow.chunks_exact_mut(width)) {
        for (value, kernel) in out.iter_mut().zip(&columns) {
            let window = row[kernel.first..].iter().zip(&kernel.weights);
            *value = window.map(|(&value, weight)| f64::from(value) * weight).sum();
        }
    }
    let mut values = Vec::with_capacity(width * height);
    let mut sums = vec![0.0; width];
    for kernel in &rows {
        sums.fill(0.0);
        for (weight, row) in kernel.weights.iter().zip(narrow[kernel.first * width..].chunks_exact(width)) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += weight * value;
            }
        }
        values.extend(sums.iter().map(|&sum| sum as f32));
    }
    SaliencyMap { width_px: width, height_px: height, values }
}

struct Kernel {
    first: usize,
    weights: Vec<f64>,
}

fn kernels((scale, shift): (f64, f64), old: usize, new: usize) -> Vec<Kernel> {
    let reach = scale.abs().max(1.0);
    (0..new)
        .map(|at| {
            let centre = (at as f64 + 0.5) * scale + shift;
            if !(0.0..old as f64).contains(&centre) {
                return Kernel { first: 0, weights: Vec::new() };
            }
            let first = (centre - reach + 0.5).floor().max(0.0) as usize;
            let last = ((centre + reach + 0.5).floor() as usize).min(old);
            let mut weights: Vec<f64> = (first..last)
                .map(|source| (1.0 - ((source as f64 + 0.5 - centre) / reach).abs()).max(0.0))
                .collect();
            let sum: f64 = weights.iter().sum();
            for weight in &mut weights {
                *weight /= sum;
            }
            Kernel { first, weights }
        })
        .collect()
}

fn at_any_angle(map: &SaliencyMap, back: &Affine, width: usize, height: usize) -> SaliencyMap {
    let stretch = back.a.hypot(back.b).max(back.c.hypot(back.d));
    let samples = (stretch.ceil() as usize).clamp(1, MAX_SAMPLES);
    let offset = |index: usize| (index as f64 + 0.5) / samples as f64;
    let mut out = SaliencyMap::filled(width, height, 0.0);
    for (at, value) in out.values.iter_mut().enumerate() {
        let (x, y) = ((at % width) as f64, (at / width) as f64);
        let mut sum = 0.0;
        for sample in 0..samples * samples {
            sum += bilinear(map, back.apply((x + offset(sample % samples), y + offset(sample / samples))));
        }
        *value = (sum / (samples * samples) as f64) as f32;
    }
    out
}

/// The value at a point of the map, between the centres of pixels; 0 outside.
fn bilinear(map: &SaliencyMap, (x, y): (f64, f64)) -> f64 {
    let (width, height) = (map.width_px, map.height_px);
    if !(0.0..width as f64).contains(&x) || !(0.0..height as f64).contains(&y) {
        return 0.0;
    }
    let axis = |at: f64, len: usize| {
        let at = (at - 0.5).clamp(0.0, (len - 1) as f64);
        let low = at as usize;
        (low, (low + 1).min(len - 1), at - low as f64)
    };
    let ((x0, x1, right), (y0, y1, down)) = (axis(x, width), axis(y, height));
    let value = |x: usize, y: usize| f64::from(map.values[y * width + x]);
    let upper = value(x0, y0) * (1.0 - right) + value(x1, y0) * right;
    let lower = value(x0, y1) * (1.0 - right) + value(x1, y1) * right;
    upper * (1.0 - down) + lower * down
}
