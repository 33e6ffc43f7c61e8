//! The tables as files: CSV for people and spreadsheets, parquet for programs.
use crate::{ReportError, escape, whole::write_whole};
use cyborg_eval::RunKey;
use polars::prelude::{AnyValue, Column, DataFrame};
use std::path::Path;

/// Writes `NAME.csv` and `NAME.parquet`.
pub(crate) fn write_table(dir: &Path, name: &str, frame: &DataFrame) -> Result<(), ReportError> {
    let path = dir.join(format!("{name}.csv"));
    write_whole(&path, &to_csv(&path, frame)?)?;
    let what = format!("write the table `{name}`");
    cyborg_eval::write_parquet(&dir.join(format!("{name}.parquet")), frame)
        .map_err(|source| ReportError::Eval { what, source: Box::new(source) })
}

/// Takes away what an earlier report left under this name.
pub(crate) fn remove_table(dir: &Path, name: &str) -> Result<(), ReportError> {
    for extension in ["csv", "parquet"] {
        let path = dir.join(format!("{name}.{extension}"));
        if path.exists() {
            fs_err::remove_file(&path).map_err(|source| ReportError::Write { path, source })?;
        }
    }
    Ok(())
}

/// Puts a frame below others of the same columns.
pub(crate) fn stack(all: &mut Option<DataFrame>, frame: DataFrame) -> Result<(), ReportError> {
    match all {
        None => *all = Some(frame),
        Some(all) => {
            all.vstack_mut(&frame)
                .map_err(|source| ReportError::Frame { what: "put tables together".to_owned(), source })?;
        }
    }
    Ok(())
}

/// The frame with `data`, `method`, `backbone` and `seed` in front.
pub(crate) fn with_key(key: &RunKey, frame: &DataFrame) -> Result<DataFrame, ReportError> {
    prefixed(&[("data", &key.data), ("method", &key.method), ("backbone", &key.backbone)], key.seed, frame)
}

/// The frame with `data`, `backbone` and `seed` in front.
pub(crate) fn with_place(key: &RunKey, frame: &DataFrame) -> Result<DataFrame, ReportError> {
    prefixed(&[("data", &key.data), ("backbone", &key.backbone)], key.seed, frame)
}

fn prefixed(names: &[(&str, &String)], seed: u64, frame: &DataFrame) -> Result<DataFrame, ReportError> {
    let n = frame.height();
    let mut columns: Vec<Column> =
        names.iter().map(|(name, value)| Column::new((*name).into(), vec![value.as_str(); n])).collect();
    columns.push(Column::new("seed".into(), vec![seed; n]));
    columns.extend(frame.columns().iter().cloned());
    DataFrame::new_infer_height(columns)
        .map_err(|source| ReportError::Frame { what: "name the run of a table".to_owned(), source })
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
