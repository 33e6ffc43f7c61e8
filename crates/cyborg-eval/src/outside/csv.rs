//! CSV files, line by line.

use super::builder::{Builder, Place};
use super::cell::Cell;
use super::{ScoreColumns, locate};
use crate::error::EvalError;
use fs_err as fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

/// No header is longer; a file without line ends is not read whole to find that out.
const MAX_HEADER_BYTES: u64 = 1 << 20;

pub(super) fn read(path: &Path, columns: &ScoreColumns, builder: &mut Builder<'_>) -> Result<(), EvalError> {
    let delimiter = delimiter(path)?;
    let file = fs::File::open(path).map_err(|source| EvalError::Read { path: path.to_owned(), source })?;
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).buffer_capacity(1 << 16).from_reader(file);
    let not_csv = |error: csv::Error| not_csv(path, error);
    let header: Vec<String> =
        reader.headers().map_err(not_csv)?.iter().map(|name| name.trim().to_owned()).collect();
    let positions = locate(path, &columns.names(), &header)?;
    let mut record = csv::StringRecord::new();
    let mut cells: Vec<Cell<'_>> = Vec::with_capacity(positions.len());
    while reader.read_record(&mut record).map_err(not_csv)? {
        let line = record.position().map_or(0, csv::Position::line);
        let mut row = std::mem::take(&mut cells);
        row.extend(positions.iter().map(|&at| record.get(at).map_or(Cell::Missing, Cell::Text)));
        builder.push(&row, &Place { unit: "line", number: line })?;
    }
    Ok(())
}

/// What stands most often in the header: a comma, a semicolon or a tab.
fn delimiter(path: &Path) -> Result<u8, EvalError> {
    let read_error = |source| EvalError::Read { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(read_error)?;
    let mut header = Vec::new();
    BufReader::new(file).take(MAX_HEADER_BYTES).read_until(b'\n', &mut header).map_err(read_error)?;
    let n_cells = |delimiter: &u8| header.split(|byte| byte == delimiter).count();
    // Of equal counts the later: a comma, where there is none of them.
    Ok(*b"\t;,".iter().max_by_key(|delimiter| n_cells(delimiter)).unwrap_or(&b','))
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
