//! `grid_from_map` against PIL and NumPy: `golden/make.py` wrote the expected bits.
#![allow(clippy::unwrap_used, clippy::format_collect, reason = "a test may")]

use cyborg_image::Raster;
use cyborg_saliency::grid_from_map;
use proptest::prelude::*;

/// As `draw` in `golden/make.py`.
fn draw(kind: &str, width_px: u32, height_px: u32) -> Raster {
    let value = |x: u32, y: u32| match kind {
        "noise" => ((x.wrapping_mul(73_856_093) ^ y.wrapping_mul(19_349_663)) >> 8) as u8,
        "box" => {
            let inside = x * 4 >= width_px && x * 2 < width_px && y * 3 >= height_px && y * 3 < 2 * height_px;
            if inside { 255 } else { 0 }
        }
        "faint" => (40 + x * 5 / width_px + y * 3 / height_px) as u8,
        _ => panic!("{kind}"),
    };
    let pixels = (0..height_px).flat_map(|y| (0..width_px).map(move |x| value(x, y))).collect();
    Raster { width_px, height_px, channels: 1, pixels }
}

#[test]
fn equals_pil_and_numpy_bit_for_bit() {
    let mut n_grids = 0;
    for line in include_str!("golden/grids.txt").lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| fields[at].parse::<u32>().unwrap();
        let grid =
            grid_from_map(&draw(fields[0], number(1), number(2)), number(4) as usize, number(3) as usize);
        let bits: String = grid.values.iter().map(|value| format!("{:08x}", value.to_bits())).collect();
        assert_eq!(bits, fields[5], "{}", &line[..40]);
        assert!(!grid.flat);
        n_grids += 1;
    }
    assert!(n_grids > 70, "only {n_grids} grids were read");
}

proptest! {
    #[test]
    fn a_grid_spans_zero_to_one_or_is_flat(
        pixels in prop::collection::vec(any::<u8>(), 12), height in 1usize..9, width in 1usize..9
    ) {
        let grid = grid_from_map(&Raster { width_px: 4, height_px: 3, channels: 1, pixels }, height, width);
        prop_assert_eq!(grid.values.len(), height * width);
        let min = grid.values.iter().copied().fold(f32::INFINITY, f32::min);
        let max = grid.values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        prop_assert_eq!((min, max), if grid.flat { (0.0, 0.0) } else { (0.0, 1.0) });
    }
}
