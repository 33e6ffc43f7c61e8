//! Parquet files, one group of rows at a time.

use super::builder::{Builder, Place};
use super::cell::Cell;
use super::{ScoreColumns, locate};
use crate::error::EvalError;
use crate::files::read_guarded;
use polars::prelude::ChunkFullNull as _;
use polars::prelude::{
    ArrowDataType, BooleanChunked, Column, DataFrame, DataType, Float64Chunked, Int64Chunked, StringChunked,
};
use polars_io::SerReader as _;
use polars_io::prelude::{ParallelStrategy, ParquetReader};
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

pub(super) fn read(
    path: &Path,
    file: fs_err::File,
    columns: &ScoreColumns,
    builder: &mut Builder<'_>,
) -> Result<(), EvalError> {
    let file = file.into_parts().0;
    let mut reader = ParquetReader::new(BufReader::new(&file));
    let mut metadata = read_guarded(path, || reader.get_metadata().cloned())?.as_ref().clone();
    // What the program that wrote the file noted about its own types (a category, say) is of no use here: the
    // parquet types say enough.
    metadata.key_value_metadata = None;
    let metadata = Arc::new(metadata);
    let open = || {
        let mut reader = ParquetReader::new(BufReader::new(&file)).read_parallel(ParallelStrategy::None);
        reader.set_metadata(Arc::clone(&metadata));
        reader
    };
    let n_rows: usize =
        metadata.row_groups.iter().fold(0_usize, |n, group| n.saturating_add(group.num_rows()));
    super::check_rows(path, n_rows as u64)?;
    let schema = read_guarded(path, || open().schema())?;
    let known: Vec<String> = schema.iter_names().map(ToString::to_string).collect();
    let wanted = columns.names();
    let positions = locate(path, &wanted, &known)?;
    for &at in &positions {
        // polars reads no others without features of its own, and says so less plainly.
        if let Some((name, field)) = schema.get_at_index(at)
            && !is_readable(field.dtype())
        {
            return Err(EvalError::ColumnType {
                table: format!("`{}`", path.display()),
                column: name.to_string(),
                expected: "text, booleans, or numbers of 32 or 64 bits: convert it where it is written",
                found: format!("{:?}", field.dtype()),
            });
        }
    }
    let mut distinct = positions.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let mut before = 0;
    for group in &metadata.row_groups {
        let n_rows = group.num_rows();
        let slice = open().with_projection(Some(distinct.clone())).with_slice(Some((before, n_rows)));
        push_rows(path, &read_guarded(path, || slice.finish())?, &wanted, before, builder)?;
        before += n_rows;
    }
    Ok(())
}

fn is_readable(dtype: &ArrowDataType) -> bool {
    use ArrowDataType::{
        Boolean, Float32, Float64, Int32, Int64, LargeUtf8, Null, UInt32, UInt64, Utf8, Utf8View,
    };
    let numbers = matches!(dtype, Int32 | Int64 | UInt32 | UInt64 | Float32 | Float64);
    numbers || matches!(dtype, Boolean | Utf8 | LargeUtf8 | Utf8View | Null)
}

fn push_rows(
    path: &Path,
    rows: &DataFrame,
    wanted: &[&str],
    before: usize,
    builder: &mut Builder<'_>,
) -> Result<(), EvalError> {
    let columns: Vec<Values> = wanted
        .iter()
        .map(|name| {
            let column = rows.column(name).map_err(|_| EvalError::MissingColumn {
                table: format!("`{}`", path.display()),
                column: (*name).to_owned(),
                found: "others".to_owned(),
            })?;
            Values::new(column).ok_or_else(|| EvalError::ColumnType {
                table: format!("`{}`", path.display()),
                column: (*name).to_owned(),
                expected: "text, numbers or booleans",
                found: column.dtype().to_string(),
            })
        })
        .collect::<Result<_, _>>()?;
    for row in 0..rows.height() {
        let cells: Vec<Cell<'_>> = columns.iter().map(|column| column.cell(row)).collect();
        builder.push(&cells, &Place { unit: "row", number: (before + row + 1) as u64 })?;
    }
    Ok(())
}

/// A column in one of the types that are understood.
enum Values {
    Text(StringChunked),
    Whole(Int64Chunked),
    Number(Float64Chunked),
    Flag(BooleanChunked),
}

impl Values {
    fn new(column: &Column) -> Option<Self> {
        let dtype = column.dtype();
        if dtype.is_string() {
            return Some(Self::Text(column.str().ok()?.clone()));
        }
        if dtype.is_bool() {
            return Some(Self::Flag(column.bool().ok()?.clone()));
        }
        if dtype.is_integer() {
            return Some(Self::Whole(column.cast(&DataType::Int64).ok()?.i64().ok()?.clone()));
        }
        if dtype.is_float() {
            return Some(Self::Number(column.cast(&DataType::Float64).ok()?.f64().ok()?.clone()));
        }
        // A column without a single value.
        matches!(dtype, DataType::Null).then(|| Self::Text(StringChunked::full_null("".into(), column.len())))
    }

    fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Text(values) => values.get(row).map_or(Cell::Missing, Cell::Text),
            Self::Whole(values) => values.get(row).map_or(Cell::Missing, Cell::Whole),
            Self::Number(values) => values.get(row).map_or(Cell::Missing, Cell::Number),
            Self::Flag(values) => values.get(row).map_or(Cell::Missing, Cell::Flag),
        }
    }
}
