//! Whether a JPEG stream is whole.
//!
//! The decoder fills what is missing with grey and says nothing; PIL refuses such a file. Half a face must not be
//! trained on, so the markers are walked here to the end-of-image marker.

const START_OF_IMAGE: [u8; 2] = [0xFF, 0xD8];
const END_OF_IMAGE: u8 = 0xD9;

/// True if the end-of-image marker is reached, or if this is no JPEG at all.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    if !bytes.starts_with(&START_OF_IMAGE) {
        return true;
    }
    let mut at = 2;
    loop {
        // To the next marker: 0xFF and a code. In entropy-coded data 0xFF00 is a stuffed byte and 0xD0..=0xD7 restart
        // markers; anywhere 0xFF may repeat as padding.
        let Some(found) = bytes[at..].iter().position(|&byte| byte == 0xFF) else { return false };
        at += found + 1;
        let Some(&code) = bytes.get(at) else { return false };
        match code {
            0xFF => {}
            END_OF_IMAGE => return true,
            0x00 | 0x01 | 0xD0..=0xD8 => at += 1,
            _ => {
                let Some(&[high, low]) = bytes.get(at + 1..at + 3) else { return false };
                let length = usize::from(u16::from_be_bytes([high, low]));
                // In a scan, a marker that promises more bytes than there are is damage that the decoder may have
                // skipped; outside it, it is a header cut short. Both mean that the end is not there.
                if length < 2 || at + 1 + length > bytes.len() {
                    return false;
                }
                at += 1 + length;
            }
        }
        if at >= bytes.len() {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn every_cut_of_a_stream_is_noticed() {
        // Start, a comment that contains an end marker, a scan with a stuffed byte and a restart, the end.
        let comment = [0xFF, 0xFE, 0, 4, 0xFF, 0xD9];
        let scan = [0xFF, 0xDA, 0, 3, 1, 7, 0xFF, 0x00, 9, 0xFF, 0xD0, 8, 0xFF, 0xFF, 0xD9];
        let stream = [&[0xFF, 0xD8][..], &comment, &scan].concat();
        assert!(is_whole(&stream));
        assert!(is_whole(&[&stream[..], &[1, 2, 3]].concat()), "what follows the end does not matter");
        for length in 2..stream.len() {
            assert!(!is_whole(&stream[..length]), "cut to {length} bytes");
        }
    }

    #[test]
    fn other_formats_are_not_judged() {
        assert!(is_whole(b""));
        assert!(is_whole(b"\x89PNG"));
    }
}
