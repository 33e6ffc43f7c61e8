//! Agreement, hulls, blurred images and area averages against SciPy, scikit-learn and NumPy: `golden/make_people.py` wrote
//! the expected numbers.
#![allow(clippy::unwrap_used, reason = "a test may")]

use cyborg_image::Raster;
use cyborg_saliency::{
    AgreementRule, Granularity, SaliencyMap, agreement, area_average, blur_outside, iou, spearman,
};

/// As `draw` in `golden/make_people.py`, bit for bit.
fn draw(seed: u32, width_px: usize, height_px: usize, levels: u32) -> SaliencyMap {
    let value = |x: u32, y: u32| {
        let mixed = x.wrapping_mul(73_856_093) ^ y.wrapping_mul(19_349_663) ^ seed.wrapping_mul(83_492_791);
        let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(1_274_126_177);
        ((mixed >> 16) % levels) as f32 / levels as f32
    };
    let values = (0..height_px as u32).flat_map(|y| (0..width_px as u32).map(move |x| value(x, y))).collect();
    SaliencyMap { width_px, height_px, values }
}

fn lines(name: &str) -> Vec<Vec<&'static str>> {
    let golden = include_str!("golden/people.txt").lines();
    let lines: Vec<Vec<&str>> = golden.map(|line| line.split(' ').collect()).collect();
    let found: Vec<Vec<&str>> = lines.into_iter().filter(|line| line[0] == name).collect();
    assert!(!found.is_empty(), "no line `{name}`");
    found
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

#[test]
fn spearman_is_that_of_scipy() {
    for line in lines("spearman") {
        let n: Vec<u32> = line[1..7].iter().map(|text| text.parse().unwrap()).collect();
        let (width, height) = (n[2] as usize, n[3] as usize);
        let rho = spearman(&draw(n[0], width, height, n[4]).values, &draw(n[1], width, height, n[5]).values);
        // Measured: at most 3e-17; SciPy sums in another order.
        assert!((rho.unwrap() - number(line[7])).abs() < 1e-14, "{line:?}: {rho:?}");
    }
}

fn people() -> Vec<SaliencyMap> {
    let shared = draw(99, 24, 20, 5);
    (10..16)
        .map(|seed| {
            let mut map = draw(seed, 24, 20, 5);
            for (value, shared) in map.values.iter_mut().zip(&shared.values) {
                *value += shared;
            }
            map
        })
        .collect()
}

#[test]
fn agreement_is_that_of_scipy_and_scikit_learn() {
    let maps = people();
    let rule = AgreementRule { threshold: 0.5, ..AgreementRule::default() };
    let found = agreement("a.png", &maps, &rule);
    let expected = number(lines("leave-one-out")[0][1]);
    assert!((found.leave_one_out.unwrap() - expected).abs() < 1e-14, "{found:?}");
    let expected = number(lines("iou")[0][1]);
    assert!((found.iou.unwrap() - expected).abs() < 1e-14, "{found:?}");
    assert_eq!(iou(&maps[0], &maps[0], 0.5), Some(1.0));
    // Halves agree better than one person with the rest, and the correction says better still.
    let (split, corrected) = (found.split_half.unwrap(), found.split_half_corrected.unwrap());
    assert!(found.leave_one_out.unwrap() < split && split < corrected && corrected < 1.0);
}

#[test]
fn images_are_blurred_as_scipy_blurs() {
    let channels: Vec<SaliencyMap> = (20..23).map(|seed| draw(seed, 13, 9, 256)).collect();
    let pixels = (0..13 * 9).flat_map(|at| channels.iter().map(move |c| (c.values[at] * 256.0) as u8));
    let image = Raster { width_px: 13, height_px: 9, channels: 3, pixels: pixels.collect() };
    for line in lines("blur") {
        let found = blur_outside(&image, &draw(23, 13, 9, 3), number(line[1])).unwrap();
        assert_eq!(line.len() - 2, found.pixels.len());
        for (found, expected) in found.pixels.iter().zip(&line[2..]) {
            // Half a level of rounding; beyond it the 7 digits of the golden numbers and the blend in 32 bits: 5e-5.
            assert!((f64::from(*found) - number(expected)).abs() < 0.5001, "{found} for {expected}");
        }
    }
}

#[test]
fn the_area_of_interest_is_scipys_hull() {
    for line in lines("hull") {
        let mut map = draw(line[1].parse().unwrap(), 30, 22, line[2].parse().unwrap());
        for value in &mut map.values {
            *value = f32::from(*value == 0.0);
        }
        let hull = Granularity::Area { threshold: 0.0 }.of(map);
        let found: String = hull.values.iter().map(|&value| if value == 1.0 { '1' } else { '0' }).collect();
        assert_eq!(found, line[3]);
    }
}

#[test]
fn area_averages_are_block_means() {
    let map = draw(40, 24, 20, 100);
    for line in lines("area") {
        let (width, height) = (line[1].parse().unwrap(), line[2].parse().unwrap());
        let found = area_average(&map, width, height);
        assert_eq!(found.values.len(), line.len() - 3);
        for (found, expected) in found.values.iter().zip(&line[3..]) {
            // 7 digits of the golden numbers, 24 bits of ours.
            assert!((f64::from(*found) - number(expected)).abs() < 2e-7, "{found} for {expected}");
        }
    }
}
