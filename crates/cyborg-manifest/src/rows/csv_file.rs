//! CSV files with line numbers that a text editor agrees with.

use std::path::Path;

use csv::StringRecord;

use super::Rows;
use crate::error::ManifestError;

/// The bytes of a CSV file; what a table holds fits in memory many times over.
pub(super) struct CsvFile {
    bytes: Vec<u8>,
}

impl CsvFile {
    pub(super) fn read(path: &Path) -> Result<Self, ManifestError> {
        let bytes = fs_err::read(path).map_err(|source| ManifestError::Read {
            what: "table",
            path: path.into(),
            source,
        })?;
        Ok(Self { bytes })
    }

    pub(super) fn reader(&self, has_headers: bool) -> csv::Reader<&[u8]> {
        let mut builder = csv::ReaderBuilder::new();
        // A list without a header is checked line by line, so that each odd line is told.
        builder.has_headers(has_headers).flexible(!has_headers).trim(csv::Trim::All);
        builder.from_reader(&self.bytes[..])
    }

    /// Gives every record and its line to `take`; a record that cannot be read is a faulty row.
    pub(super) fn each(
        &self,
        reader: &mut csv::Reader<&[u8]>,
        file: &str,
        rows: &mut Rows,
        mut take: impl FnMut(&mut Rows, &StringRecord, u64),
    ) -> Result<(), ManifestError> {
        let mut lines = Lines { bytes: &self.bytes, at: 0, line: 1 };
        for record in reader.records() {
            match record {
                Ok(record) => {
                    let line = lines.line_of(record.position());
                    take(rows, &record, line);
                }
                Err(error) => {
                    let line = lines.line_of(error.position());
                    let message = match error.kind() {
                        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                            format!("this row has {len} fields, but the header has {expected_len}")
                        }
                        csv::ErrorKind::Utf8 { .. } => {
                            "this row is not UTF-8: store the file in UTF-8".to_owned()
                        }
                        _ => return Err(rows.table_error(file, error.to_string())),
                    };
                    rows.fault(&format!("{file}:{line}"), &message);
                }
            }
        }
        Ok(())
    }
}

/// Counts lines up to ever later places. The CSV reader's own count is one short where lines end in CR LF, as it takes
/// the LF for the next record's.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the first letter of the record that begins at `position`.
    fn line_of(&mut self, position: Option<&csv::Position>) -> u64 {
        let Some(position) = position else { return self.line };
        let mut end = (position.byte() as usize).min(self.bytes.len());
        while matches!(self.bytes.get(end), Some(b'\r' | b'\n')) {
            end += 1;
        }
        if end > self.at {
            let skipped = &self.bytes[self.at..end];
            self.line += skipped.split(|&byte| byte == b'\n').count() as u64 - 1;
            self.at = end;
        }
        self.line
    }
}
