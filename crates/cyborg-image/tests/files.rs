//! Image files of every kind: against PIL where they can be read, and with a clear message where they cannot.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::path::{Path, PathBuf};

use cyborg_image::{
    ImageError, Raster, decode_bytes, dimensions, encode_png, read_grey, read_rgb, write_png,
};
use proptest::prelude::*;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/files").join(name)
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// How far a decoded sample may be from PIL's. JPEG decoders round differently (measured on these files: the table
/// in the README); everything else must be equal. None: a `DIFFERENCE`, tested on its own.
fn tolerance(name: &str) -> Option<u8> {
    match name {
        "grey-16-bit.png" => None,
        "cmyk.jpg" => Some(3),
        "420.jpg" | "422-progressive.jpg" => Some(3),
        _ if name.ends_with(".jpg") || name == "really-a-jpeg.png" => Some(3),
        _ => Some(0),
    }
}

fn largest_difference(found: &[u8], expected: &[u8]) -> u8 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn every_kind_of_file_equals_pil() {
    let mut n_files = 0;
    for line in include_str!("golden/decode.txt").lines() {
        let [name, width, height, rgb, grey] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let path = golden(name);
        let size = (width.parse().unwrap(), height.parse().unwrap());
        assert_eq!(dimensions(&path).unwrap(), size, "{name}");
        for (channels, expected, found) in [(3, rgb, read_rgb(&path)), (1, grey, read_grey(&path))] {
            let found = found.unwrap();
            assert_eq!(
                (found.width_px, found.height_px, found.channels),
                (size.0, size.1, channels),
                "{name}"
            );
            let difference = largest_difference(&found.pixels, &unhex(expected));
            println!("{name} {channels} {difference}");
            if let Some(tolerance) = tolerance(name) {
                assert!(difference <= tolerance, "{name}, {channels} channels: differs by {difference}");
            }
        }
        n_files += 1;
    }
    assert_eq!(n_files, 21);
}
