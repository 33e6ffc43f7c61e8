//! CSV files, line by line.

use super::builder::{Builder, Place};
use super::cell::Cell;
use super::{ScoreColumns, locate};
use crate::error::EvalError;
use std::io::{BufReader, Read};
use std::path::Path;

/// No row is longer: a file without line ends is not read whole to find that out.
const MAX_ROW_BYTES: usize = 64 << 20;

pub(super) fn read(
    path: &Path,
    mut file: impl Read,
    columns: &ScoreColumns,
    builder: &mut Builder<'_>,
) -> Result<(), EvalError> {
    let read_error = |source| EvalError::Read { path: path.to_owned(), source };
    let mut start = Vec::new();
    BufReader::new(file.by_ref().take(HEADER_BYTES)).read_to_end(&mut start).map_err(read_error)?;
    let delimiter = delimiter(&start);
    let file = BoundedRows { file: std::io::Cursor::new(start).chain(file), since_line_end: 0 };
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).buffer_capacity(1 << 16).from_reader(file);
    let not_csv = |error: csv::Error| not_csv(path, error);
    let header: Vec<String> = reader
        .headers()
        .map_err(not_csv)?
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').trim().to_owned())
        .collect();
    let positions = locate(path, &columns.names(), &header)?;
    let mut record = csv::StringRecord::new();
    let mut n_rows = 0;
    while reader.read_record(&mut record).map_err(not_csv)? {
        let line = record.position().map_or(0, csv::Position::line);
        n_rows += 1;
        super::check_rows(path, n_rows)?;
        let row: Vec<Cell<'_>> =
            positions.iter().map(|&at| record.get(at).map_or(Cell::Missing, Cell::Text)).collect();
        builder.push(&row, &Place { unit: "line", number: line })?;
    }
    Ok(())
}

/// As much of a file's start is looked at for its delimiter.
const HEADER_BYTES: u64 = 1 << 20;

/// What stands most often in the header: a comma, a semicolon or a tab.
fn delimiter(start: &[u8]) -> u8 {
    let header = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let n_cells = |delimiter: &u8| header.split(|byte| byte == delimiter).count();
    // Of equal counts the later: a comma, where there is none of them.
    *b"\t;,".iter().max_by_key(|delimiter| n_cells(delimiter)).unwrap_or(&b',')
}

/// Stops where a line does not end.
struct BoundedRows<R> {
    file: R,
    since_line_end: usize,
}

impl<R: Read> Read for BoundedRows<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.file.read(buffer)?;
        match buffer[..n].iter().rposition(|byte| *byte == b'\n') {
            Some(at) => self.since_line_end = n - at - 1,
            None => self.since_line_end += n,
        }
        if self.since_line_end > MAX_ROW_BYTES {
            return Err(std::io::Error::other(format!("a line is longer than {MAX_ROW_BYTES} bytes")));
        }
        Ok(n)
    }
}

fn not_csv(path: &Path, error: csv::Error) -> EvalError {
    let line = error.position().map_or(1, csv::Position::line);
    let found = match error.into_kind() {
        csv::ErrorKind::Io(source) => return EvalError::Read { path: path.to_owned(), source },
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} cells, the header {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        _ => "it is not CSV".to_owned(),
    };
    EvalError::NotCsv { path: path.to_owned(), line, found }
}
