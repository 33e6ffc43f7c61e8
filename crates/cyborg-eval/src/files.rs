//! Parquet files: the same frame gives the same bytes, and a file is there whole or not at all.

use crate::error::EvalError;
use crate::seal::{self, Seal};
use fs_err as fs;
use polars::prelude::DataFrame;
use polars_io::SerReader as _;
use polars_io::prelude::{ParquetCompression, ParquetReader, ParquetWriter};
use std::io::Cursor;
use std::path::Path;

/// Writes a frame as parquet (zstd). The same values give the same bytes, whatever the number of threads and
/// however the frame was put together. The file appears whole: temporary sibling, fsync, rename. It carries a digest
/// of itself where other readers of parquet do not look.
///
/// # Errors
/// [`EvalError::Write`] if the folder is missing or read-only, or the disk full; nothing is left behind then.
pub fn write_parquet(path: &Path, frame: &DataFrame) -> Result<(), EvalError> {
    let mut frame = frame.clone();
    frame.rechunk_mut();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .with_compression(ParquetCompression::Zstd(None))
        .set_parallel(false)
        .finish(&mut frame)
        .map_err(|source| EvalError::Frame { table: "a parquet file", source })?;
    cyborg_files::write_whole(path, &seal::seal(bytes))
        .map_err(|source| EvalError::Write { path: path.to_owned(), source })
}

/// Reads a parquet file into a frame, from here or (then without a check for damage) from elsewhere.
///
/// # Errors
/// [`EvalError::Read`] if it cannot be opened, [`EvalError::NotParquet`] if it is something else or cut,
/// [`EvalError::Damaged`] if it is not what [`write_parquet`] wrote.
pub fn read_parquet(path: &Path) -> Result<DataFrame, EvalError> {
    let bytes = fs::read(path).map_err(|source| EvalError::Read { path: path.to_owned(), source })?;
    match seal::check(&bytes) {
        Seal::Whole | Seal::Absent => {}
        Seal::Broken => return Err(EvalError::Damaged { path: path.to_owned() }),
        Seal::NotParquet => {
            return Err(EvalError::NotParquet { path: path.to_owned(), found: NOT_PARQUET.to_owned() });
        }
    }
    ParquetReader::new(Cursor::new(bytes))
        .finish()
        .map_err(|source| EvalError::NotParquet { path: path.to_owned(), found: source.to_string() })
}

const NOT_PARQUET: &str = "it does not begin and end as parquet files do";
