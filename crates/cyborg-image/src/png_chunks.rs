//! What of a PNG file makes its picture.
//!
//! The decoder unpacks colour profiles and comments that nobody asks for: a profile of some kilobytes may unpack to gigabytes, and a
//! damaged comment makes it refuse a whole picture. So it is given the picture alone.

use std::borrow::Cow;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
const END: &[u8] = b"\0\0\0\0IEND\xaeB`\x82";

/// Length, kind and checksum of a chunk.
const FRAME: usize = 12;

/// Width and height as the header of a PNG states them; None for every other file.
pub(crate) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.strip_prefix(SIGNATURE)?.strip_prefix(b"\0\0\0\rIHDR")?;
    let number = |at: usize| Some(u32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?));
    Some((number(0)?, number(4)?))
}

/// A PNG with its critical chunks and `tRNS` alone; every other file as it is. As in PIL, the end chunk may be missing or cut
/// short: it holds no pixel.
pub(crate) fn picture_alone(bytes: &[u8]) -> Cow<'_, [u8]> {
    let Some(mut rest) = bytes.strip_prefix(SIGNATURE) else { return Cow::Borrowed(bytes) };
    let mut picture = Vec::with_capacity(bytes.len());
    picture.extend_from_slice(SIGNATURE);
    let mut has_data = false;
    while let Some((chunk, kind)) = chunk(rest) {
        if kind == b"IEND" {
            picture.extend_from_slice(chunk);
            return Cow::Owned(picture);
        }
        has_data |= kind == b"IDAT";
        let is_critical = kind[0].is_ascii_uppercase();
        if is_critical || kind == b"tRNS" {
            picture.extend_from_slice(chunk);
        }
        rest = &rest[chunk.len()..];
    }
    let is_cut_in_the_end = rest.len() < FRAME && END.starts_with(rest);
    // Anything else that is cut is left for the decoder to find.
    picture.extend_from_slice(if has_data && is_cut_in_the_end { END } else { rest });
    Cow::Owned(picture)
}

/// The first chunk, whole, and its kind; None if it is not all there.
fn chunk(bytes: &[u8]) -> Option<(&[u8], &[u8; 4])> {
    let length = u32::from_be_bytes(*bytes.first_chunk::<4>()?) as usize;
    let kind = bytes.get(4..8)?.try_into().ok()?;
    Some((bytes.get(..length.checked_add(FRAME)?)?, kind))
}
