//! NumPy's NPY files, versions 1 to 3: one array of numbers.

use super::rle::MAX_PIXELS;

/// A two-dimensional array, rows from top to bottom.
pub(super) struct Array {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) values: Vec<f64>,
}

const MAGIC: &[u8] = b"\x93NUMPY";

pub(super) fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Axes of length 1 are dropped: `(1, H, W)` and `(H, W, 1)` are maps, too.
///
/// # Errors
/// What is wrong, without the place.
pub(super) fn read(bytes: &[u8]) -> Result<Array, String> {
    let cut = || "the NPY file is cut short".to_owned();
    let major = *bytes.get(6).ok_or_else(cut)?;
    let (length_bytes, start): (usize, usize) = if major == 1 { (2, 10) } else { (4, 12) };
    let length_field = bytes.get(8..8 + length_bytes).ok_or_else(cut)?;
    let length = length_field.iter().rev().fold(0usize, |length, &byte| length << 8 | usize::from(byte));
    let header = bytes.get(start..start.saturating_add(length)).ok_or_else(cut)?;
    let header = std::str::from_utf8(header).map_err(|_| "the NPY header is no text")?;
    let data = &bytes[start + length..];

    let descr = quoted(after(header, "descr")?).ok_or("the NPY header states no type (`descr`)")?;
    let fortran = after(header, "fortran_order")?.starts_with("True");
    let shape = shape(after(header, "shape")?)?;
    let kept: Vec<u64> = shape.iter().copied().filter(|&length| length != 1).collect();
    let (height, width) = match (&kept[..], &shape[..]) {
        ([height, width], _) | (_, [height, width]) => (*height, *width),
        ([], _) => (1, 1),
        _ => return Err(format!("the array has shape {shape:?}: a map has two axes, (rows, columns)")),
    };
    let pixels = height.saturating_mul(width);
    if pixels == 0 || pixels > MAX_PIXELS {
        return Err(format!("the array has shape {shape:?}: it must have from 1 to {MAX_PIXELS} values"));
    }
    let (pixels, width, height) = (pixels as usize, width as usize, height as usize);
    let (big_endian, kind) = match descr.as_bytes().first() {
        Some(b'>') => (true, &descr[1..]),
        Some(b'<' | b'|' | b'=') => (false, &descr[1..]),
        _ => (false, descr),
    };
    let (bytes_each, convert) = converter(kind).ok_or_else(|| {
        format!("the array's type is `{descr}`: store booleans, integers or floats (`array.astype(numpy.float32)`)")
    })?;
    if data.len() != pixels * bytes_each {
        let promised = pixels * bytes_each;
        return Err(format!(
            "the NPY header promises {promised} bytes of numbers, but {} follow it",
            data.len()
        ));
    }
    let mut buffer = [0u8; 8];
    let mut values: Vec<f64> = data
        .chunks_exact(bytes_each)
        .map(|chunk| {
            let number = &mut buffer[..bytes_each];
            number.copy_from_slice(chunk);
            if big_endian {
                number.reverse();
            }
            convert(buffer)
        })
        .collect();
    if fortran {
        values = (0..pixels).map(|at| values[(at % width) * height + at / width]).collect();
    }
    Ok(Array { width, height, values })
}

type Convert = fn([u8; 8]) -> f64;

/// Little-endian bytes (the rest are anything) to a number.
fn converter(kind: &str) -> Option<(usize, Convert)> {
    fn first<const N: usize>(bytes: [u8; 8]) -> [u8; N] {
        std::array::from_fn(|at| bytes[at])
    }
    Some(match kind {
        "b1" | "u1" => (1, |b| f64::from(b[0])),
        "i1" => (1, |b| f64::from(b[0] as i8)),
        "u2" => (2, |b| f64::from(u16::from_le_bytes(first(b)))),
        "i2" => (2, |b| f64::from(i16::from_le_bytes(first(b)))),
        "u4" => (4, |b| f64::from(u32::from_le_bytes(first(b)))),
        "i4" => (4, |b| f64::from(i32::from_le_bytes(first(b)))),
        "u8" => (8, |b| u64::from_le_bytes(b) as f64),
        "i8" => (8, |b| i64::from_le_bytes(b) as f64),
        "f2" => (2, |b| half_float(u16::from_le_bytes(first(b)))),
        "f4" => (4, |b| f64::from(f32::from_le_bytes(first(b)))),
        "f8" => (8, f64::from_le_bytes),
        _ => return None,
    })
}

/// IEEE 754 binary16: 1 bit sign, 5 bits exponent, 10 bits fraction.
fn half_float(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    }
}

/// What follows a key of the header's dictionary.
fn after<'a>(header: &'a str, key: &str) -> Result<&'a str, String> {
    let missing = || format!("the NPY header has no `{key}`");
    let at = header.find(&format!("'{key}'")).ok_or_else(missing)?;
    let rest = header[at + key.len() + 2..].trim_start();
    Ok(rest.strip_prefix(':').ok_or_else(missing)?.trim_start())
}

fn quoted(text: &str) -> Option<&str> {
    let text = text.strip_prefix('\'')?;
    text.find('\'').map(|end| &text[..end])
}

fn shape(text: &str) -> Result<Vec<u64>, String> {
    let inner = text.strip_prefix('(').and_then(|text| text.find(')').map(|end| &text[..end]));
    let inner = inner.ok_or("the NPY header's `shape` is no tuple")?;
    inner
        .split(',')
        .map(str::trim)
        .filter(|axis| !axis.is_empty())
        .map(|axis| {
            axis.parse().map_err(|_| format!("an axis of the array is `{}`", super::table::shortened(axis)))
        })
        .collect()
}
