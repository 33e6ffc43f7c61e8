//! Image files of every kind: against PIL where they can be read, and with a clear message where they cannot.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::path::{Path, PathBuf};

use cyborg_image::{
    ImageError, Raster, SampleValues, decode_bytes, decode_palette_indices, dimensions, encode_png,
    orientation, read_grey, read_rgb, read_samples, write_png,
};
use proptest::prelude::*;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/files").join(name)
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// How far a decoded sample may be from PIL's: as far as it was measured to be on these very files, as JPEG decoders
/// round differently, and not at all for other formats. None: a `DIFFERENCE`, tested on its own.
fn tolerance(name: &str) -> Option<u8> {
    match name {
        "grey-16-bit.png" => None,
        "420.jpg" => Some(3),
        "grey.jpg" | "cmyk.jpg" => Some(1),
        "422-progressive.jpg" | "444.jpg" | "really-a-jpeg.png" | "turned.jpg" => Some(2),
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
            if let Some(tolerance) = tolerance(name) {
                assert!(difference <= tolerance, "{name}, {channels} channels: differs by {difference}");
            }
        }
        n_files += 1;
    }
    assert_eq!(n_files, 21);
}

#[test]
fn sixteen_bit_grey_keeps_its_high_byte() {
    // DIFFERENCE: PIL makes everything above 255 white. The file's samples are stated in golden/make.py: the high byte
    // is the pattern of grey.png.
    let found = read_grey(&golden("grey-16-bit.png")).unwrap();
    assert_eq!(found, read_grey(&golden("grey.png")).unwrap());
}

#[test]
fn orientation_is_not_applied() {
    let turned = read_rgb(&golden("turned.jpg")).unwrap();
    assert_eq!(turned, read_rgb(&golden("444.jpg")).unwrap(), "the same picture without the note to turn it");
}

/// The bytes must be refused with a message that names the file and holds `reason`.
fn refused(name: &str, bytes: &[u8], reason: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs_err::write(&path, bytes).unwrap();
    for result in [read_rgb(&path), read_grey(&path)] {
        let message = result.expect_err(name).to_string();
        assert!(message.contains(&format!("`{}`", path.display())), "{message}");
        assert!(message.contains(reason), "{name}: `{message}` does not say `{reason}`");
    }
}

#[test]
fn what_is_no_image_is_refused() {
    refused("empty.png", b"", "the file is empty");
    refused("text.png", b"a photograph of my cat", "it is no image; PNG, JPEG, TIFF, BMP and WebP are known");
    refused("short.jpg", &[0xFF, 0xD8], "");
    refused(
        "animation.gif",
        b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;",
        "known",
    );
}

#[test]
fn files_cut_anywhere_are_refused() {
    for name in [
        "rgb.png",
        "palette-2-bit.png",
        "444.jpg",
        "422-progressive.jpg",
        "rgb.tiff",
        "rgb.bmp",
        "lossless.webp",
    ] {
        let whole = fs_err::read(golden(name)).unwrap();
        let is_png = name.starts_with("rgb.png") || name.starts_with("palette");
        // The last twelve bytes of a PNG are its end chunk, which holds no pixel: PIL, too, does without it. A TIFF's
        // directory may stand last, but PIL writes it first.
        let needed = if is_png { whole.len() - 12 } else { whole.len() };
        for length in (0..needed).step_by(7).chain([needed - 1]) {
            let cut = decode_bytes(&whole[..length], Path::new(name));
            assert!(cut.is_err(), "{name} of {} bytes was read from {length}", whole.len());
        }
    }
}

#[test]
fn floating_point_samples_are_refused() {
    // One pixel of three 32-bit floats, a little-endian TIFF by hand: entries of 12 bytes (tag, type, count, value).
    // The values 20 and 26 are the places of "3 times 32 bits" and "3 times floating point".
    let entries: [(u16, u16, u32, u32); 10] = [
        (256, 3, 1, 1),
        (257, 3, 1, 1),
        (258, 3, 3, 20),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 8),
        (277, 3, 1, 3),
        (278, 3, 1, 1),
        (279, 4, 1, 12),
        (339, 3, 3, 26),
    ];
    let mut tiff = b"II*\0\x20\0\0\0".to_vec();
    tiff.extend([0.1f32, 1.5, 300.0].into_iter().flat_map(f32::to_le_bytes));
    tiff.extend([32u16, 32, 32, 3, 3, 3].into_iter().flat_map(u16::to_le_bytes));
    tiff.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        tiff.extend(tag.to_le_bytes());
        tiff.extend(kind.to_le_bytes());
        tiff.extend(count.to_le_bytes());
        tiff.extend(value.to_le_bytes());
    }
    tiff.extend(0u32.to_le_bytes());
    refused("float.tiff", &tiff, "floating-point numbers");
}

/// A PNG that promises this size and holds next to nothing.
fn promising_png(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    let mut crc = !0u32;
    for &byte in &header {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\x0d".as_slice(),
        &header,
        &(!crc).to_be_bytes(),
        b"\0\0\0\0IDAT\x35\xaf\x06\x1e",
    ]
    .concat()
}

#[test]
fn a_promise_of_too_many_pixels_is_refused_before_decoding() {
    refused(
        "bomb.png",
        &promising_png(100_000, 100_000),
        "is 100000x100000 = 10000000000 pixels, more than the limit",
    );
    let path = Path::new("bomb.png");
    assert!(matches!(decode_bytes(&promising_png(10_001, 10_000), path), Err(ImageError::TooLarge { .. })));
    // At the limit the size is no fault; what is missing is.
    assert!(matches!(decode_bytes(&promising_png(10_000, 10_000), path), Err(ImageError::Decode { .. })));
    refused("nothing.png", &promising_png(0, 3), "");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let path = Path::new("no/such/image.png");
    for error in [read_rgb(path).unwrap_err(), dimensions(path).unwrap_err()] {
        assert!(matches!(error, ImageError::Read { .. }));
        assert_eq!(error.to_string(), "cannot read image `no/such/image.png`");
    }
    assert!(matches!(read_rgb(&std::env::temp_dir()), Err(ImageError::Read { .. })), "a folder is no image");
}

#[test]
fn pngs_are_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    write_png(&path, &Raster::filled(3, 2, 3, 7)).unwrap();
    write_png(&path, &Raster::filled(3, 2, 1, 9)).unwrap();
    assert_eq!(read_grey(&path).unwrap(), Raster::filled(3, 2, 1, 9));
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    let error = write_png(&folder.path().join("no/b.png"), &Raster::filled(1, 1, 1, 0)).unwrap_err();
    assert!(matches!(error, ImageError::Write { .. }));
}

#[test]
fn rasters_that_are_none_are_refused() {
    let message = |raster: &Raster| encode_png(raster).unwrap_err().to_string();
    let two = Raster { width_px: 1, height_px: 1, channels: 2, pixels: vec![0, 0] };
    assert!(message(&two).ends_with("it must have 1 channel (grey) or 3 (RGB)"));
    assert!(message(&Raster::filled(0, 4, 1, 0)).ends_with("it has no pixels"));
    let short = Raster { width_px: 2, height_px: 2, channels: 3, pixels: vec![0; 11] };
    assert_eq!(
        message(&short),
        "cannot encode a 2x2 raster of 3 channels: its buffer must hold 12 bytes but holds 11"
    );
}

/// Full precision is what the 8-bit readers cut down: high bytes of 16 bits, alpha dropped.
#[test]
fn samples_are_all_that_a_file_holds() {
    for (name, channels, bits) in [
        ("grey.png", 1, 8),
        ("grey-alpha.png", 2, 8),
        ("rgba.png", 4, 8),
        ("rgb.tiff", 3, 8),
        ("palette-2-bit.png", 3, 8),
        ("grey-16-bit.png", 1, 16),
        ("rgb-16-bit.png", 3, 16),
    ] {
        let samples = read_samples(&golden(name)).unwrap();
        assert_eq!(samples.channels, channels, "{name}");
        let (bytes, found_bits) = match samples.values {
            SampleValues::U8(values) => (values, 8),
            SampleValues::U16(values) => (values.iter().map(|value| (value >> 8) as u8).collect(), 16),
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(found_bits, bits, "{name}");
        let expected = if channels < 3 { read_grey(&golden(name)) } else { read_rgb(&golden(name)) }.unwrap();
        let kept: Vec<u8> =
            bytes.chunks_exact(channels).flat_map(|pixel| pixel[..expected.channels].to_vec()).collect();
        assert_eq!(kept, expected.pixels, "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    for (bytes, says) in [(&b""[..], "the file is empty"), (b"no image", "it is no image"), (b"II*\0", "")] {
        let path = folder.path().join("bad");
        fs_err::write(&path, bytes).unwrap();
        let message = read_samples(&path).unwrap_err().to_string();
        assert!(message.contains("bad`") && message.contains(says), "{message}");
    }
}

/// The golden palette pictures: looking the indices up in their palettes gives the colours that PIL gives.
#[test]
fn palette_indices_stand_for_their_colors() {
    for name in ["palette-2-bit.png", "palette-transparent.png"] {
        let bytes = fs_err::read(golden(name)).unwrap();
        let found = decode_palette_indices(&bytes, Path::new(name)).unwrap().unwrap();
        let SampleValues::U8(indices) = found.values else { panic!("8 bits") };
        let start = bytes.windows(4).position(|four| four == b"PLTE").unwrap() + 4;
        let colors: Vec<u8> =
            indices.iter().flat_map(|&at| bytes[start + 3 * usize::from(at)..][..3].to_vec()).collect();
        assert_eq!(colors, read_rgb(&golden(name)).unwrap().pixels, "{name}");
        assert!(indices.iter().any(|&index| index > 1), "{name}");
    }
    for name in ["rgb.png", "grey.png", "444.jpg"] {
        let bytes = fs_err::read(golden(name)).unwrap();
        assert_eq!(decode_palette_indices(&bytes, Path::new(name)).unwrap(), None, "{name}");
    }
    let cut = &fs_err::read(golden("palette-2-bit.png")).unwrap()[..60];
    assert!(decode_palette_indices(cut, Path::new("cut.png")).is_err());
}

#[test]
fn orientation_is_told_and_not_acted_on() {
    assert_eq!(orientation(&golden("turned.jpg")).unwrap(), 6);
    assert_eq!(orientation(&golden("444.jpg")).unwrap(), 1);
    assert!(matches!(orientation(Path::new("none.jpg")), Err(ImageError::Read { .. })));
}

proptest! {
    #[test]
    fn png_round_trips(width in 1u32..20, height in 1u32..20, color in any::<bool>(), seed in any::<u8>()) {
        let channels = if color { 3 } else { 1 };
        let n = width as usize * height as usize * channels;
        let pixels = (0..n).map(|i| (i as u8).wrapping_mul(83).wrapping_add(seed)).collect();
        let raster = Raster { width_px: width, height_px: height, channels, pixels };
        let png = encode_png(&raster).unwrap();
        prop_assert_eq!(&png, &encode_png(&raster).unwrap());
        let path = Path::new("memory.png");
        let read = if color { decode_bytes(&png, path) } else { cyborg_image::decode_bytes_grey(&png, path) };
        prop_assert_eq!(read.unwrap(), raster);
    }

    /// Damaged files may be refused or read, but must not take the program down.
    #[test]
    fn damage_never_panics(which in 0usize..7, at in 0usize..800, value in any::<u8>()) {
        let name =
            ["rgb.png", "palette-2-bit.png", "420.jpg", "422-progressive.jpg", "grey-deflate.tiff", "rgb.bmp", "lossless.webp"]
                [which];
        let mut bytes = fs_err::read(golden(name)).unwrap();
        let at = at % bytes.len();
        bytes[at] = value;
        let _ = decode_bytes(&bytes, Path::new(name));
    }
}
