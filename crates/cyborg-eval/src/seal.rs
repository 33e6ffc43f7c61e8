//! A checksum inside a parquet file.
//!
//! A parquet reader believes every length in a file; one flipped bit can make it ask for 2^61 bytes and abort the
//! process. So the files written here carry a digest, and it is checked before the reader sees them. It stands
//! between the last page and the footer, where the format allows any bytes (pages are found by their offsets), so
//! every other reader of parquet still reads the file:
//!
//! ```text
//! PAR1 | pages | MARK | digest of all other bytes | footer | length of footer | PAR1
//! ```

const MAGIC: &[u8] = b"PAR1";
const MARK: &[u8] = b"cyborg-eval b3: ";
const DIGEST_LENGTH: usize = blake3::OUT_LEN;
/// Length of the footer (u32, little-endian), then the magic word.
const TAIL_LENGTH: usize = 8;

/// What is known of a file before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    /// It is, byte for byte, what was written.
    Whole,
    /// It is not.
    Broken,
    /// Parquet from elsewhere, without a digest.
    Absent,
    /// Not parquet, or cut.
    NotParquet,
}

/// Where the footer begins.
fn footer_start(bytes: &[u8]) -> Option<usize> {
    let tail = bytes.len().checked_sub(TAIL_LENGTH)?;
    let (length, magic) = bytes[tail..].split_at(4);
    let length = u32::from_le_bytes(length.try_into().ok()?);
    let start = tail.checked_sub(length as usize)?;
    (magic == MAGIC && bytes.starts_with(MAGIC) && start >= MAGIC.len()).then_some(start)
}

fn digest(pages: &[u8], footer: &[u8]) -> blake3::Hash {
    blake3::Hasher::new().update(pages).update(footer).finalize()
}

/// Puts the digest into a parquet file.
pub(crate) fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let Some(start) = footer_start(&bytes) else {
        return bytes; // not reached: the writer has just made the file
    };
    let footer = bytes.split_off(start);
    let digest = digest(&bytes, &footer);
    bytes.extend_from_slice(MARK);
    bytes.extend_from_slice(digest.as_bytes());
    bytes.extend_from_slice(&footer);
    bytes
}

/// Compares a file with its digest.
pub(crate) fn check(bytes: &[u8]) -> Seal {
    let Some(start) = footer_start(bytes) else {
        return Seal::NotParquet;
    };
    let (before, footer) = bytes.split_at(start);
    let Some((pages, seal)) = before.split_at_checked(start.saturating_sub(MARK.len() + DIGEST_LENGTH))
    else {
        return Seal::Absent;
    };
    match seal.strip_prefix(MARK) {
        None => Seal::Absent,
        Some(found) if found == digest(pages, footer).as_bytes() => Seal::Whole,
        Some(_) => Seal::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::{MARK, Seal, check, seal};

    /// 20 bytes of pages, 3 of footer.
    fn file() -> Vec<u8> {
        seal(b"PAR1 pages pages pages abc\x03\0\0\0PAR1".to_vec())
    }

    #[test]
    fn the_digest_stands_between_pages_and_footer() {
        let sealed = file();
        assert_eq!(check(&sealed), Seal::Whole);
        assert!(sealed.starts_with(b"PAR1 pages pages pages cyborg-eval b3: "));
        assert!(sealed.ends_with(b"abc\x03\0\0\0PAR1"));
        assert_eq!(check(b"PAR1 pages pages pages abc\x03\0\0\0PAR1"), Seal::Absent);
        assert_eq!(check(b"PAR1abc\x03\0\0\0PAR1"), Seal::Absent);
    }

    #[test]
    fn no_changed_byte_passes_for_whole() {
        let sealed = file();
        let mark = b"PAR1 pages pages pages ".len()..b"PAR1 pages pages pages ".len() + MARK.len();
        for i in 0..sealed.len() {
            for bit in 0..8 {
                let mut damaged = sealed.clone();
                damaged[i] ^= 1 << bit;
                let found = check(&damaged);
                let in_length = (sealed.len() - 8..sealed.len() - 4).contains(&i);
                if mark.contains(&i) || in_length {
                    assert_ne!(found, Seal::Whole, "byte {i}");
                } else {
                    assert!(matches!(found, Seal::Broken | Seal::NotParquet), "byte {i}: {found:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_cut_or_something_else_is_not_parquet() {
        let sealed = file();
        for n in 0..sealed.len() {
            assert_eq!(check(&sealed[..n]), Seal::NotParquet, "{n}");
        }
        assert_eq!(check(b"PAR1\x04\0\0\0PAR1"), Seal::NotParquet, "a footer longer than the file");
        assert_eq!(check(b"PAR1\xff\xff\xff\xffPAR1"), Seal::NotParquet);
        assert_eq!(check(b"PAR1PAR1"), Seal::NotParquet);
    }
}
