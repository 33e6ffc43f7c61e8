//! A CSV file with a header or a parquet file: one row an image.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use polars::prelude::{Column, DataType, PlSmallStr, PolarsResult};
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;

use super::csv_file;
use super::{Row, Rows, relative_in};
use crate::dataset::Split;
use crate::divide::Division;
use crate::error::ManifestError;
use crate::manifest::{Columns, Table, TableSplit};
use crate::suggest;

/// Reads the table's rows; returns how to divide them, if no column says.
pub(super) fn read<'a>(layout: &'a Table, rows: &mut Rows) -> Result<Option<&'a Division>, ManifestError> {
    let path = rows.root.join(&layout.file);
    if !path.is_file() {
        return Err(rows.missing("table", &path));
    }
    let is_parquet = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"));
    if is_parquet {
        read_parquet(layout, rows, &path)?;
    } else {
        read_csv(layout, rows, &path)?;
    }
    Ok(match &layout.split {
        TableSplit::Division(division) => Some(division),
        TableSplit::Column | TableSplit::Constant(_) => None,
    })
}

/// The used columns, each with its place in the table.
struct Places {
    image: usize,
    label: usize,
    source: Option<usize>,
    subject: Option<usize>,
    split: Option<usize>,
    map: Option<usize>,
}

impl Places {
    fn find(columns: &Columns, names: &[&str]) -> Result<Self, String> {
        let place = |column: &String| {
            let mut found = names.iter().enumerate().filter(|(_, name)| *name == column).map(|(at, _)| at);
            match (found.next(), found.next()) {
                (Some(at), None) => Ok(at),
                (Some(_), Some(_)) => Err(format!("it has two columns `{column}`: rename one")),
                (None, _) => Err(format!(
                    "it has no column `{column}`{}",
                    suggest::hint(column, names.iter().copied())
                )),
            }
        };
        Ok(Self {
            image: place(&columns.image)?,
            label: place(&columns.label)?,
            source: columns.source.as_ref().map(place).transpose()?,
            subject: columns.subject.as_ref().map(place).transpose()?,
            split: columns.split.as_ref().map(place).transpose()?,
            map: columns.map.as_ref().map(place).transpose()?,
        })
    }
}

fn read_csv(layout: &Table, rows: &mut Rows, path: &Path) -> Result<(), ManifestError> {
    let csv = cyborg_table::Table::read(path)?;
    let mut reader = csv.reader(true);
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => return Err(rows.table_error(&layout.file, error.to_string())),
    };
    if header.is_empty() {
        return Err(
            rows.table_error(&layout.file, "it is empty, but must begin with a header line".to_owned())
        );
    }
    let names: Vec<&str> = header.iter().collect();
    let places =
        Places::find(&layout.columns, &names).map_err(|reason| rows.table_error(&layout.file, reason))?;
    csv_file::each(&csv, &mut reader, &layout.file, rows, |rows, record, line| {
        let cell = |place: usize| record.get(place).unwrap_or_default();
        push(layout, rows, &places, &cell, line);
    })
}

fn read_parquet(layout: &Table, rows: &mut Rows, path: &Path) -> Result<(), ManifestError> {
    let file = cyborg_files::open_regular(path).map_err(|source| ManifestError::Read {
        what: "table",
        path: path.into(),
        source,
    })?;
    // A damaged file must not take the program down, whatever the parquet reader makes of it.
    let frame = catch_unwind(AssertUnwindSafe(|| ParquetReader::new(file.into_parts().0).finish()));
    let frame = match frame {
        Ok(Ok(frame)) => frame,
        Ok(Err(error)) => return Err(rows.table_error(&layout.file, error.to_string())),
        Err(_) => return Err(rows.table_error(&layout.file, "it is no parquet file, or damaged".to_owned())),
    };
    let names: Vec<&str> = frame.get_column_names().into_iter().map(PlSmallStr::as_str).collect();
    let places =
        Places::find(&layout.columns, &names).map_err(|reason| rows.table_error(&layout.file, reason))?;
    let used =
        [Some(places.image), Some(places.label), places.source, places.subject, places.split, places.map];
    let mut columns = BTreeMap::new();
    for place in used.into_iter().flatten() {
        let texts = texts(&frame.columns()[place])
            .map_err(|error| rows.table_error(&layout.file, format!("column `{}`: {error}", names[place])))?;
        columns.insert(place, texts);
    }
    for number in 1..=frame.height() {
        let cell = |place: usize| columns[&place][number - 1].as_str();
        push(layout, rows, &places, &cell, number as u64);
    }
    Ok(())
}

/// A column as text; null is empty.
fn texts(column: &Column) -> PolarsResult<Vec<String>> {
    let cast = column.cast(&DataType::String)?;
    Ok(cast.str()?.iter().map(|value| value.unwrap_or_default().trim().to_owned()).collect())
}

fn push<'a>(layout: &Table, rows: &mut Rows, places: &Places, cell: &dyn Fn(usize) -> &'a str, line: u64) {
    let origin = format!("{}:{line}", layout.file);
    let read = || -> Result<Row, String> {
        let optional =
            |place: Option<usize>| place.map(cell).filter(|text| !text.is_empty()).map(str::to_owned);
        let split = match (&layout.split, places.split) {
            (TableSplit::Column, Some(place)) => Some(split_of(layout, cell(place))?),
            (TableSplit::Constant(split), _) => Some(*split),
            _ => None,
        };
        let image = cell(places.image);
        Ok(Row {
            origin: origin.clone(),
            label: rows.class(cell(places.label), &layout.labels)?,
            image: relative_in(&layout.images, image).map_err(|reason| format!("image: {reason}"))?,
            source: optional(places.source).or_else(|| layout.source.clone()),
            subject: optional(places.subject),
            split,
            map: optional(places.map)
                .map(|map| relative_in(&layout.maps, &map).map_err(|reason| format!("map: {reason}")))
                .transpose()?,
        })
    };
    match read() {
        Ok(row) => rows.push(row),
        Err(message) => rows.fault(&origin, &message),
    }
}

fn split_of(layout: &Table, word: &str) -> Result<Split, String> {
    let mapped = cyborg_table::position(layout.splits.keys().map(String::as_str), word);
    let mapped = mapped.and_then(|at| layout.splits.values().nth(at).copied());
    mapped.or_else(|| Split::from_name(word)).ok_or_else(|| {
        let valid = layout.splits.keys().map(String::as_str).chain(Split::ALL.map(Split::name));
        format!("unknown split `{word}`{}", suggest::hint(word, valid))
    })
}
