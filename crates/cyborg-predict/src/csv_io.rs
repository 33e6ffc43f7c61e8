//! The `csv` crate's errors as the system's, so that their kind is kept, and cells that spreadsheets take for text.

use std::borrow::Cow;
use std::io;

pub(crate) fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// What is behind a writer, all of it flushed there.
pub(crate) fn inner<W: io::Write>(writer: csv::Writer<W>) -> io::Result<W> {
    writer.into_inner().map_err(|error| io::Error::new(error.error().kind(), error.error().to_string()))
}

/// A cell that spreadsheets do not take for a formula: text that begins as one, which is not a number, gets an apostrophe before
/// it, as spreadsheets themselves mark text.
pub(crate) fn text_cell(text: &str) -> Cow<'_, str> {
    if begins_as_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// As [`text_cell`], for a relative path: `./` before it leaves it the same path.
pub(crate) fn path_cell(path: &str) -> Cow<'_, str> {
    if begins_as_formula(path) { Cow::Owned(format!("./{path}")) } else { Cow::Borrowed(path) }
}

fn begins_as_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        let found = ["=1+1", "+x", "-a", "@SUM(A1)", "-1", "+0.5", "a=b", ""]
            .map(|text| text_cell(text).into_owned());
        assert_eq!(found, ["'=1+1", "'+x", "'-a", "'@SUM(A1)", "-1", "+0.5", "a=b", ""]);
        assert_eq!(path_cell("=cmd|' /C calc'!A0.png"), "./=cmd|' /C calc'!A0.png");
        assert_eq!(path_cell("a/=b.png"), "a/=b.png");
    }
}
