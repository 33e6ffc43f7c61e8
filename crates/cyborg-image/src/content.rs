//! Whether a file holds an image, told by how it begins.

use std::io::Read;
use std::path::Path;

/// The endings that image files usually have, in small letters; a file of another ending may hold an image all the same.
pub const IMAGE_EXTENSIONS: [&str; 7] = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp"];

/// Whether a file counts as an image when a folder is searched: one of the [`IMAGE_EXTENSIONS`] in any case of letters, whatever it
/// holds (a damaged picture must be told of, not passed over), or the beginning of a PNG, JPEG, TIFF, BMP or WebP file
/// under any name, such as `photo.jfif`. A file that cannot be opened counts by its name.
pub fn is_image_file(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    IMAGE_EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)) || begins_as_image(path)
}

fn begins_as_image(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = cyborg_files::open_regular(path).and_then(|file| file.take(18).read_to_end(&mut start));
    read.is_ok() && is_image_start(&start)
}

/// By the first 18 bytes. BMP's two letters may begin a text, so the length of its second header is looked at, too.
fn is_image_start(start: &[u8]) -> bool {
    const BMP_HEADERS: [u8; 7] = [12, 40, 52, 56, 64, 108, 124];
    match start {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..]
        | [0xFF, 0xD8, 0xFF, ..]
        | [b'I', b'I', b'*', 0, ..]
        | [b'M', b'M', 0, b'*', ..]
        | [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => true,
        [b'B', b'M', rest @ ..] => {
            matches!(rest.get(12..16), Some(&[length, 0, 0, 0]) if BMP_HEADERS.contains(&length))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_decides_where_the_name_does_not() {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/files");
        let folder = tempfile::tempdir().expect("temporary folder");
        for name in ["444.jpg", "rgb.png", "rgb.tiff", "rgb.bmp", "lossless.webp"] {
            for other in ["photo.jfif", "photo.JPE", "photo", "photo.dat"] {
                let path = folder.path().join(other);
                fs_err::copy(golden.join(name), &path).expect("copied");
                assert!(is_image_file(&path), "{name} as {other}");
            }
        }
        for (name, content, expected) in [
            ("damaged.PNG", &b"no picture"[..], true),
            ("notes.txt", b"BMW and others, a list", false),
            ("empty", b"", false),
            ("animation.gif", b"GIF89a", false),
        ] {
            let path = folder.path().join(name);
            fs_err::write(&path, content).expect("written");
            assert_eq!(is_image_file(&path), expected, "{name}");
        }
    }
}
