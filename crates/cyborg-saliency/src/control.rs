//! Maps that nobody drew: what a reviewer wants to see beside people's.
//!
//! A segmentation mask as a map needs no function of its own: it is read like any other mask.

use cyborg_seed::Seed;

use crate::SaliencyMap;

/// A Gaussian over the middle of the image, 1 at the centre: people look there whatever the image shows.
///
/// `sigma` is a share of each side, so that the prior has the image's shape: at `(x, y)` in pixels from the corner it is
/// `exp(-((x - w/2)^2 / (2 (sigma w)^2) + (y - h/2)^2 / (2 (sigma h)^2)))`, taken at pixel centres.
///
/// # Panics
/// If `sigma` is not above 0.
pub fn centre_prior(width_px: usize, height_px: usize, sigma: f64) -> SaliencyMap {
    assert!(sigma > 0.0, "a sigma of {sigma}");
    let along = |n: usize| -> Vec<f64> {
        let at = |i: usize| ((i as f64 + 0.5) / n as f64 - 0.5) / sigma;
        (0..n).map(|i| (-0.5 * at(i) * at(i)).exp()).collect()
    };
    let (columns, rows) = (along(width_px), along(height_px));
    let values = rows.iter().flat_map(|row| columns.iter().map(move |column| (row * column) as f32));
    SaliencyMap { width_px, height_px, values: values.collect() }
}

/// 1 everywhere: no place matters more than another. On the grid it is flat, so that the loss leaves it out unless the
/// rule for flat maps says otherwise.
pub fn uniform(width_px: usize, height_px: usize) -> SaliencyMap {
    SaliencyMap::filled(width_px, height_px, 1.0)
}

/// The greatest value less each value: where nobody looked is bright. A flat map becomes empty.
#[must_use]
pub fn inverted(mut map: SaliencyMap) -> SaliencyMap {
    let max = map.values.iter().copied().fold(0.0, f32::max);
    for value in &mut map.values {
        *value = max - *value;
    }
    map
}

/// For each of `n` images the place of the image whose map it gets instead of its own; nothing if there are fewer than two.
///
/// Every derangement (nobody keeps their own) is equally likely.
///
/// # Examples
/// ```
/// assert_eq!(cyborg_saliency::derangement(2, 0), Some(vec![1, 0]));
/// assert_eq!(cyborg_saliency::derangement(1, 0), None);
/// ```
pub fn derangement(n: usize, seed: u64) -> Option<Vec<usize>> {
    if n < 2 {
        return None;
    }
    let mut stream = Seed::new(seed).stream("derangement");
    let mut given: Vec<usize> = (0..n).collect();
    // One order in e is a derangement, whatever n is; drawing until one comes keeps them equally likely.
    loop {
        stream.shuffle(&mut given);
        if given.iter().enumerate().all(|(own, &other)| own != other) {
            return Some(given);
        }
    }
}

/// Blobs in random places that cover exactly as many pixels as the map marks (values above `threshold`, a share in `[0, 1)`
/// of its greatest value): 1 inside, 0 outside.
///
/// Smooth noise, cut where the area is right. `blob` is the blobs' size: sigma of the smoothing as a share of the longer
/// side. `image` names the image; the noise depends on it and on the seed.
///
/// # Panics
/// If `blob` is not above 0.
pub fn random_blobs(map: &SaliencyMap, threshold: f32, blob: f64, image: &str, seed: u64) -> SaliencyMap {
    assert!(blob > 0.0, "a blob size of {blob}");
    let (width, height) = (map.width_px, map.height_px);
    let limit = threshold * map.values.iter().copied().fold(0.0, f32::max);
    let area = map.values.iter().filter(|&&value| value > limit).count();
    let mut blobs = SaliencyMap::filled(width, height, 0.0);
    if area == 0 {
        return blobs;
    }
    let noise = smooth_noise(width, height, blob, &mut Seed::new(seed).child("blobs").stream(image));
    let mut order: Vec<usize> = (0..noise.len()).collect();
    // Equal noise is told apart by its place, so that the area is exact.
    let higher = |&a: &usize, &b: &usize| noise[b].total_cmp(&noise[a]).then(a.cmp(&b));
    if area < order.len() {
        order.select_nth_unstable_by(area, higher);
    }
    for &place in &order[..area] {
        blobs.values[place] = 1.0;
    }
    blobs
}

/// Normal numbers on a lattice of about half a sigma, smoothed by a cubic between them.
fn smooth_noise(width: usize, height: usize, blob: f64, stream: &mut cyborg_seed::Stream) -> Vec<f64> {
    // A cubic B-spline over lattice points s apart smooths like a Gaussian of s / sqrt(3).
    let step = (blob * width.max(height) as f64 * 3f64.sqrt()).max(1.0);
    let n_columns = (width as f64 / step).ceil() as usize + 4;
    let n_rows = (height as f64 / step).ceil() as usize + 4;
    // A random start keeps the lattice from lying alike in every image.
    let (shift_x, shift_y) = (stream.uniform(), stream.uniform());
    let lattice: Vec<f64> = (0..n_columns * n_rows).map(|_| stream.normal()).collect();
    let windows = |n: usize, shift: f64| -> Vec<(usize, [f64; 4])> {
        let at = |i: usize| {
            let at = (i as f64 + 0.5) / step + shift;
            (at as usize, cubic(at.fract()))
        };
        (0..n).map(at).collect()
    };
    let (columns, rows) = (windows(width, shift_x), windows(height, shift_y));
    let mut noise = Vec::with_capacity(width * height);
    let mut line = vec![0.0; n_columns];
    for (top, weights) in rows {
        for (column, value) in line.iter_mut().enumerate() {
            *value = (0..4).map(|k| weights[k] * lattice[(top + k) * n_columns + column]).sum();
        }
        noise.extend(columns.iter().map(|(left, weights)| {
            weights.iter().zip(&line[*left..]).map(|(weight, value)| weight * value).sum::<f64>()
        }));
    }
    noise
}

/// Weights of the uniform cubic B-spline.
fn cubic(t: f64) -> [f64; 4] {
    let s = 1.0 - t;
    [
        s * s * s / 6.0,
        (3.0 * t * t * t - 6.0 * t * t + 4.0) / 6.0,
        (3.0 * s * s * s - 6.0 * s * s + 4.0) / 6.0,
        t * t * t / 6.0,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_centre_prior_is_a_gaussian_over_the_middle() {
        let prior = centre_prior(5, 3, 0.25);
        assert_eq!(prior.at(2, 1), 1.0);
        // One column is 1/5 of the width: exp(-(0.2 / 0.25)^2 / 2) = exp(-0.32).
        assert!((prior.at(3, 1) - (-0.32f32).exp()).abs() < 1e-6);
        // One row is 1/3 of the height: exp(-(1/3 / 0.25)^2 / 2) = exp(-8/9).
        assert!((prior.at(2, 0) - (-8.0f32 / 9.0).exp()).abs() < 1e-6);
        assert_eq!(prior.at(0, 0), prior.at(4, 2));
    }

    #[test]
    fn inverted_swaps_bright_and_dark() {
        let map = SaliencyMap { width_px: 3, height_px: 1, values: vec![0.0, 2.0, 0.5] };
        assert_eq!(inverted(map).values, [2.0, 0.0, 1.5]);
        assert_eq!(inverted(uniform(2, 1)).values, [0.0, 0.0]);
    }

    #[test]
    fn nobody_keeps_their_own_and_all_ways_are_alike() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..1800 {
            let given = derangement(4, seed).expect("four images");
            assert!(given.iter().enumerate().all(|(own, &other)| own != other));
            *counts.entry(given).or_insert(0) += 1;
        }
        // Nine derangements of four: 200 each; binomial(1800, 1/9) has a standard deviation of 13.3, five of them are 67.
        assert_eq!(counts.len(), 9);
        assert!(counts.values().all(|n| (134..=266).contains(n)), "{counts:?}");
        assert_eq!(derangement(0, 0), None);
        assert_eq!(derangement(500, 7), derangement(500, 7));
    }

    #[test]
    fn blobs_cover_what_the_map_covers_elsewhere() {
        let mut map = SaliencyMap::filled(60, 40, 0.0);
        for y in 5..15 {
            for x in 10..33 {
                map.values[y * 60 + x] = 0.5 + x as f32 / 100.0;
            }
        }
        let blobs = random_blobs(&map, 0.0, 0.05, "a.png", 0);
        let area = |map: &SaliencyMap| map.values.iter().filter(|&&value| value == 1.0).count();
        assert_eq!(area(&blobs), 230);
        assert_ne!(blobs, random_blobs(&map, 0.0, 0.05, "b.png", 0));
        assert_ne!(blobs, random_blobs(&map, 0.0, 0.05, "a.png", 1));
        assert_eq!(blobs, random_blobs(&map, 0.0, 0.05, "a.png", 0));
        // Blobs, not dust: most marked pixels have a marked right neighbour.
        let joined =
            (0..blobs.values.len() - 1).filter(|&at| blobs.values[at] == 1.0 && blobs.values[at + 1] == 1.0);
        assert!(joined.count() > 150);
        assert_eq!(area(&random_blobs(&SaliencyMap::filled(9, 9, 0.0), 0.0, 0.1, "a", 0)), 0);
        assert_eq!(area(&random_blobs(&uniform(9, 9), 0.0, 0.1, "a", 0)), 81);
    }

    #[test]
    fn blobs_are_nowhere_more_likely_than_elsewhere() {
        // 300 images, half of each covered: a pixel is marked in 150 of them, standard deviation 8.7; five are 43.
        let mut half = SaliencyMap::filled(24, 16, 1.0);
        half.values[..192].fill(0.0);
        let mut counts = vec![0; 24 * 16];
        for image in 0..300 {
            for (count, value) in
                counts.iter_mut().zip(random_blobs(&half, 0.0, 0.05, &image.to_string(), 0).values)
            {
                *count += u32::from(value == 1.0);
            }
        }
        assert!(counts.iter().all(|count| (107..=193).contains(count)), "{counts:?}");
    }
}
