//! What the system said, out of the errors of the `csv` crate, so that its kind is kept.

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
