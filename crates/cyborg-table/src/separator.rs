//! What a table's text is stored as, and what separates its fields.

/// In the order of preference where a line has as many of several.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// The bytes as UTF-8 without a byte order mark, or what they are instead.
pub(crate) fn without_mark(mut bytes: Vec<u8>) -> Result<Vec<u8>, &'static str> {
    let units = |swap: bool| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let read = |pair: &[u8; 2]| if swap { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
        let text: Result<String, _> = char::decode_utf16(pairs.iter().skip(1).map(read)).collect();
        match text {
            Ok(text) if rest.is_empty() => Ok(text.into_bytes()),
            _ => Err("it is UTF-16, and damaged"),
        }
    };
    let bytes = match bytes.as_slice() {
        [0xFF, 0xFE, ..] => units(false)?,
        [0xFE, 0xFF, ..] => units(true)?,
        [0xEF, 0xBB, 0xBF, ..] => bytes.split_off(3),
        [b'P', b'K', 3, 4, ..] => return Err("it is a zip archive, as Excel's own files are"),
        _ => bytes,
    };
    if bytes.contains(&0) { Err("it is no text: it has zero bytes") } else { Ok(bytes) }
}

/// Where the table begins, and its separator.
pub(crate) fn find(bytes: &[u8]) -> (usize, u8) {
    let first = first_line(bytes);
    if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] = *first.trim_ascii_end_but_tab()
        && SEPARATORS.contains(&separator)
    {
        let mut start = first.len();
        if bytes.get(start) == Some(&b'\r') {
            start += 1;
        }
        if bytes.get(start) == Some(&b'\n') {
            start += 1;
        }
        return (start, separator);
    }
    let mut counts = [0_usize; SEPARATORS.len()];
    let mut is_quoted = false;
    for byte in first {
        if *byte == b'"' {
            is_quoted = !is_quoted;
        } else if !is_quoted && let Some(at) = SEPARATORS.iter().position(|separator| separator == byte) {
            counts[at] += 1;
        }
    }
    let mut best = 0;
    for at in 1..SEPARATORS.len() {
        if counts[at] > counts[best] {
            best = at;
        }
    }
    (0, SEPARATORS[best])
}

/// Up to the first end of a line outside quotes; blank lines before it are part of it.
fn first_line(bytes: &[u8]) -> &[u8] {
    let mut is_quoted = false;
    let mut is_blank = true;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\r' | b'\n' if !is_quoted && !is_blank => return &bytes[..at],
            _ => {}
        }
        is_blank &= byte.is_ascii_whitespace();
    }
    bytes
}

trait TrimButTab {
    fn trim_ascii_end_but_tab(&self) -> &[u8];
}

impl TrimButTab for [u8] {
    /// Blanks at the end do not count; a tab may be the separator that is named.
    fn trim_ascii_end_but_tab(&self) -> &[u8] {
        let end = self.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
        &self[..end]
    }
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn the_header_tells_the_separator() {
        for (header, expected) in [
            ("image,label\na;b;c,1", b','),
            ("image;label", b';'),
            ("image\tlabel", b'\t'),
            ("image", b','),
            ("", b','),
            // Inside quotes nothing separates.
            ("\"a,b,c\";label", b';'),
            // As many of both: commas are usual.
            ("a,b;c", b','),
            ("\n\nimage;label\na,b,c", b';'),
        ] {
            assert_eq!(find(header.as_bytes()), (0, expected), "{header}");
        }
        assert_eq!(find(b"sep=;\nimage,label"), (6, b';'));
        assert_eq!(find(b"SEP=\t\r\nimage,label"), (7, b'\t'));
        assert_eq!(find(b"sep=x\nimage;label"), (0, b','), "a header like any other");
    }
}
