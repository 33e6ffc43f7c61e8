//! Tables whose columns depend on the method: a header, and rows of numbers in their shortest form.

use crate::TrainError;
use crate::whole_file::write_whole;
use serde::Serialize;
use std::io;
use std::path::Path;

/// The mean of a loss term over a batch or an epoch; `None` where no image took part.
pub type TermValue = (String, Option<f64>);

/// The value of the term of this name.
pub(crate) fn term(terms: &[TermValue], name: &str) -> Option<f64> {
    terms.iter().find(|(found, _)| found == name).and_then(|(_, value)| *value)
}

/// Writes a header and rows; numbers have the shortest form that reads back to the same bits. A file that is right already is
/// not touched.
pub(crate) fn write_table<Row: Serialize>(
    path: &Path,
    header: &[String],
    rows: impl IntoIterator<Item = Row>,
) -> Result<(), TrainError> {
    let failed =
        |error: csv::Error| TrainError::Write { path: path.to_owned(), source: io::Error::other(error) };
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.write_record(header).map_err(failed)?;
    for row in rows {
        writer.serialize(row).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    if fs_err::read(path).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    write_whole(path, &bytes)
}

/// Column names: those before the terms, the terms' with a prefix, those after.
pub(crate) fn header(before: &[&str], prefix: &str, terms: &[TermValue], after: &[&str]) -> Vec<String> {
    let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let terms = terms.iter().map(|(name, _)| format!("{prefix}{name}"));
    own(before).into_iter().chain(terms).chain(own(after)).collect()
}

/// The values of the terms alone, in order.
pub(crate) fn values(terms: &[TermValue]) -> Vec<Option<f64>> {
    terms.iter().map(|(_, value)| *value).collect()
}
