//! The tables as files: CSV for people and spreadsheets, parquet for programs.
use crate::{ReportError, escape, whole::write_whole};
use polars::prelude::{AnyValue, DataFrame};
use std::path::Path;

/// Writes `NAME.csv` and `NAME.parquet`.
pub(crate) fn write_table(dir: &Path, name: &str, frame: &DataFrame) -> Result<(), ReportError> {
    let path = dir.join(format!("{name}.csv"));
    write_whole(&path, &to_csv(&path, frame)?)?;
    let what = format!("write the table `{name}`");
    cyborg_eval::write_parquet(&dir.join(format!("{name}.parquet")), frame)
        .map_err(|source| ReportError::Eval { what, source: Box::new(source) })
}

/// Numbers with as many digits as read back to the same bits; null is an empty cell.
fn to_csv(path: &Path, frame: &DataFrame) -> Result<Vec<u8>, ReportError> {
    let failed = |source| ReportError::Write { path: path.to_owned(), source };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = frame.columns().iter().map(|column| column.name().as_str());
    writer.write_record(header).map_err(|error| failed(error.into()))?;
    for row in 0..frame.height() {
        let mut cells = Vec::with_capacity(frame.width());
        for column in frame.columns() {
            let value = column.get(row).map_err(|source| ReportError::Frame {
                what: format!("read row {row} of column `{}`", column.name()),
                source,
            })?;
            cells.push(match value {
                AnyValue::Null => String::new(),
                AnyValue::String(text) => escape::csv(text),
                AnyValue::StringOwned(text) => escape::csv(&text),
                AnyValue::Float64(number) => number.to_string(),
                other => other.to_string(),
            });
        }
        writer.write_record(&cells).map_err(|error| failed(error.into()))?;
    }
    writer.into_inner().map_err(|error| failed(error.into_error()))
}
