//! Files that are unusual and right, and files that are made to do harm.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::io::Write;
use std::path::Path;

use cyborg_image::{
    Inspected, Raster, Window, decode_bytes, decode_map, decode_palette_indices, dimensions, encode_png,
    encode_png_16, inspect_bytes, orientation, read_rgb, read_rgb_in_window,
};

fn picture() -> Raster {
    let pixels = (0..6 * 4 * 3).map(|i| (i * 7 % 256) as u8).collect();
    Raster { width_px: 6, height_px: 4, channels: 3, pixels }
}

fn name() -> &'static Path {
    Path::new("memory.png")
}

/// A PNG chunk: length, kind, content, CRC-32 of kind and content (PNG specification, section 5.3).
fn chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&kind);
    hasher.update(content);
    let length = (content.len() as u32).to_be_bytes();
    [&length[..], &kind, content, &hasher.finalize().to_be_bytes()].concat()
}

fn zeros(n: usize) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..n / 4096 {
        encoder.write_all(&[0; 4096]).unwrap();
    }
    encoder.finish().unwrap()
}

/// `chunk` behind the header, which is 33 bytes long.
fn with(png: &[u8], chunk: &[u8]) -> Vec<u8> {
    [&png[..33], chunk, &png[33..]].concat()
}

#[test]
fn a_png_without_its_end_is_read() {
    let png = encode_png(&picture()).unwrap();
    // The end chunk has 12 bytes and no pixel. Pillow 13.0 reads all of these, too.
    for cut in 0..=12 {
        assert_eq!(decode_bytes(&png[..png.len() - cut], name()).unwrap(), picture(), "{cut} bytes less");
    }
    decode_bytes(&png[..png.len() - 13], name()).unwrap_err();
    let followed = [&png[..], &[0; 500]].concat();
    assert_eq!(decode_bytes(&followed, name()).unwrap(), picture());
}

#[test]
fn profiles_and_comments_are_not_unpacked() {
    let png = encode_png(&picture()).unwrap();
    // 256 MiB of zeros in 256 KiB. Unpacked they would show in the test's memory and time; broken ones refused the picture.
    let bomb = zeros(256 << 20);
    assert!(bomb.len() < 300 << 10);
    let broken = b"XML:com.adobe.xmp\0\x01\0\0\0not zlib".to_vec();
    let mut wrong_sum = chunk(*b"tEXt", b"Software\0x");
    *wrong_sum.last_mut().unwrap() ^= 1;
    for chunk in [
        chunk(*b"iCCP", &[&b"ICC profile\0\0"[..], &bomb].concat()),
        chunk(*b"zTXt", &[&b"Comment\0\0"[..], &bomb].concat()),
        chunk(*b"iTXt", &broken),
        wrong_sum,
    ] {
        let odd = with(&png, &chunk);
        assert_eq!(
            decode_bytes(&odd, name()).unwrap(),
            picture(),
            "{}",
            String::from_utf8_lossy(&chunk[4..8])
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("odd.png");
        fs_err::write(&path, &odd).unwrap();
        assert_eq!(dimensions(&path).unwrap(), (6, 4));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.png");
    fs_err::write(&path, with(&png, &chunk(*b"iCCP", &[&b"ICC profile\0\0"[..], &bomb].concat()))).unwrap();
    assert_eq!(orientation(&path).unwrap(), 1);
}

#[test]
fn palettes_keep_their_indices_whatever_stands_beside() {
    // 2 x 1 pixels of 8 bits with a palette of two colours; filter byte 0 and indices 1, 0.
    let mut data = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    data.write_all(&[0, 1, 0]).unwrap();
    let header = chunk(*b"IHDR", &[0, 0, 0, 2, 0, 0, 0, 1, 8, 3, 0, 0, 0]);
    let palette = chunk(*b"PLTE", &[10, 20, 30, 40, 50, 60]);
    let profile = chunk(*b"iCCP", b"p\0\0broken");
    let data = chunk(*b"IDAT", &data.finish().unwrap());
    let png = [&b"\x89PNG\r\n\x1a\n"[..], &header, &profile, &palette, &data].concat();
    let cyborg_image::SampleValues::U8(indices) =
        decode_palette_indices(&png, name()).unwrap().unwrap().values
    else {
        panic!("8 bits");
    };
    assert_eq!(indices, [1, 0]);
    assert_eq!(decode_bytes(&png, name()).unwrap().pixels, [40, 50, 60, 10, 20, 30]);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.png");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for result in [read_rgb(&pipe).map(|_| ()), dimensions(&pipe).map(|_| ()), orientation(&pipe).map(|_| ())]
    {
        let error = result.unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.ends_with("pipe.png` is a named pipe, not a file"), "{cause}");
    }
    // Of another name it is no image, and is not opened to find out.
    let other = folder.path().join("pipe.dat");
    assert!(std::process::Command::new("mkfifo").arg(&other).status().unwrap().success());
    assert!(!cyborg_image::is_image_file(&other));
}

#[test]
fn a_window_says_what_is_black_and_white() {
    let png = encode_png_16(3, 1, &[0, 2048, 4095]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chest.png");
    fs_err::write(&path, &png).unwrap();
    // Without: the high bytes, 2048 / 256 = 8 and 4095 / 256 = 15.
    assert_eq!(read_rgb(&path).unwrap().pixels, [0, 0, 0, 8, 8, 8, 15, 15, 15]);
    // With: 255 * 2048 / 4095 = 127.53.
    let window = Window::new(0, 4095).ok();
    assert_eq!(read_rgb_in_window(&path, window).unwrap().pixels, [0, 0, 0, 128, 128, 128, 255, 255, 255]);
    let Inspected { mode, deep_samples, .. } = inspect_bytes(&png, window, &path).unwrap();
    assert_eq!((mode.bits, deep_samples), (16, Some(vec![0, 2048, 4095])));
    // 8 bits are what they are.
    fs_err::write(&path, encode_png(&picture()).unwrap()).unwrap();
    assert_eq!(read_rgb_in_window(&path, window).unwrap(), picture());
}

#[test]
fn masks_of_ones_are_masks() {
    let mask = [0u8, 1, 1, 0, 0, 1];
    let of = |value: u8| Raster {
        width_px: 3,
        height_px: 2,
        channels: 1,
        pixels: mask.iter().map(|one| one * value).collect(),
    };
    let full = of(255);
    for png in [
        encode_png(&full).unwrap(),
        encode_png(&of(1)).unwrap(),
        encode_png_16(3, 2, &mask.map(u16::from)).unwrap(),
        encode_png_16(3, 2, &mask.map(|one| u16::from(one) * 65535)).unwrap(),
        encode_png_16(3, 2, &mask.map(|one| u16::from(one) * 4095)).unwrap(),
    ] {
        assert_eq!(decode_map(&png, name()).unwrap(), full);
    }
    // Two classes of a lesion stay two, and nothing stays nothing.
    assert_eq!(decode_map(&encode_png(&of(2)).unwrap(), name()).unwrap(), of(2));
    assert_eq!(decode_map(&encode_png(&of(0)).unwrap(), name()).unwrap(), of(0));
    // A heat map of 12 bits: 255 * 1000 / 4000 = 63.75 and 255 * 2000 / 4000 = 127.5.
    let heat = encode_png_16(2, 2, &[0, 1000, 2000, 4000]).unwrap();
    assert_eq!(decode_map(&heat, name()).unwrap().pixels, [0, 64, 128, 255]);
    // One of 16 bits: the high bytes.
    let heat = encode_png_16(2, 2, &[0, 0x1234, 0x8000, 0xffff]).unwrap();
    assert_eq!(decode_map(&heat, name()).unwrap().pixels, [0, 0x12, 0x80, 0xff]);
}

#[test]
fn a_mask_in_the_alpha_channel_is_seen() {
    // RGBA, black, alpha 0 and 255: rows begin with filter byte 0.
    let mut data = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    data.write_all(&[0, 0, 0, 0, 0, 0, 0, 0, 255]).unwrap();
    let header = chunk(*b"IHDR", &[0, 0, 0, 2, 0, 0, 0, 1, 8, 6, 0, 0, 0]);
    let png = [&b"\x89PNG\r\n\x1a\n"[..], &header, &chunk(*b"IDAT", &data.finish().unwrap())].concat();
    assert_eq!(decode_map(&png, name()).unwrap().pixels, [0, 255]);
    assert_eq!(
        decode_bytes(&png, name()).unwrap().pixels,
        [0; 6],
        "in a picture alpha is dropped, as in PIL"
    );
}
