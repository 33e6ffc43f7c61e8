//! `resize_bilinear` against PIL: `golden/make.py` wrote the expected digests, `golden/versions.txt` says with what.
#![allow(clippy::unwrap_used, clippy::format_collect, reason = "a test may")]

use cyborg_image::{Raster, resize_bilinear};
use proptest::prelude::*;

/// The formula of `golden/make.py`.
fn pattern(width_px: u32, height_px: u32, channels: usize) -> Raster {
    let mut pixels = Vec::new();
    for y in 0..height_px {
        for x in 0..width_px {
            for c in 0..channels as u32 {
                let mixed =
                    x.wrapping_mul(73_856_093) ^ y.wrapping_mul(19_349_663) ^ c.wrapping_mul(83_492_791);
                pixels.push((mixed >> 8) as u8);
            }
        }
    }
    Raster { width_px, height_px, channels, pixels }
}

fn fnv(bytes: &[u8]) -> String {
    let digest = bytes.iter().fold(0xCBF2_9CE4_8422_2325_u64, |value, &byte| {
        (value ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    });
    format!("{digest:016x}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn equals_pil_bit_for_bit() {
    let mut n_cases = 0;
    for line in include_str!("golden/resize.txt").lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| fields[at].parse::<u32>().unwrap();
        let input = pattern(number(0), number(1), number(2) as usize);
        let resized = resize_bilinear(&input, number(3), number(4));
        assert_eq!(
            (resized.width_px, resized.height_px, resized.channels),
            (number(3), number(4), input.channels)
        );
        if let Some(bytes) = fields.get(6) {
            assert_eq!(&hex(&resized.pixels), bytes, "{line}");
        }
        assert_eq!(fnv(&resized.pixels), fields[5], "{line}");
        n_cases += 1;
    }
    assert!(n_cases > 300, "only {n_cases} golden cases were read");
}

proptest! {
    #[test]
    fn a_uniform_image_stays_uniform(
        value in any::<u8>(), old in (1u32..40, 1u32..40), new in (1u32..40, 1u32..40), grey in any::<bool>()
    ) {
        let raster = Raster::filled(old.0, old.1, if grey { 1 } else { 3 }, value);
        let resized = resize_bilinear(&raster, new.0, new.1);
        prop_assert!(resized.pixels.iter().all(|&pixel| pixel == value));
    }

    #[test]
    fn channels_do_not_mix(old in (1u32..20, 1u32..20), new in (1u32..20, 1u32..20)) {
        for channels in [2, 3, 4] {
            let all = pattern(old.0, old.1, channels);
            let resized = resize_bilinear(&all, new.0, new.1);
            for channel in 0..channels {
                let of = |raster: &Raster| raster.pixels.iter().skip(channel).step_by(channels).copied().collect();
                let one = Raster { channels: 1, pixels: of(&all), ..all.clone() };
                let alone: Vec<u8> = of(&resized);
                prop_assert_eq!(resize_bilinear(&one, new.0, new.1).pixels, alone);
            }
        }
    }
}
