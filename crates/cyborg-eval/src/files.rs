//! Parquet files: the same frame gives the same bytes, and a file is there whole or not at all.

use crate::error::EvalError;
use crate::quiet::guarded;
use crate::seal::{self, Seal};
use fs_err as fs;
use polars::prelude::{DataFrame, PolarsError};
use polars_io::SerReader as _;
use polars_io::prelude::{ParallelStrategy, ParquetCompression, ParquetReader, ParquetWriter};
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
    let ParquetFile { path, reader, .. } = open_parquet(path)?;
    // On this thread, so that a panic of the reader can be caught.
    let reader = reader.read_parallel(ParallelStrategy::None);
    read_guarded(path, || reader.finish())
}

/// As [`read_parquet`], of these columns alone.
///
/// # Errors
/// As [`read_parquet`]; [`EvalError::MissingColumn`].
pub fn read_parquet_columns(path: &Path, columns: &[&str]) -> Result<DataFrame, EvalError> {
    open_parquet(path)?.read(columns)
}

/// A parquet file in memory, checked for damage, of which nothing but the schema has been decoded.
pub(crate) struct ParquetFile<'a> {
    path: &'a Path,
    reader: ParquetReader<Cursor<Vec<u8>>>,
    columns: Vec<String>,
}

/// As [`read_parquet`], without reading columns.
pub(crate) fn open_parquet(path: &Path) -> Result<ParquetFile<'_>, EvalError> {
    check_file(path)?;
    let bytes = fs::read(path).map_err(|source| EvalError::Read { path: path.to_owned(), source })?;
    match seal::check(&bytes) {
        Seal::Whole | Seal::Absent => {}
        Seal::Broken => return Err(EvalError::Damaged { path: path.to_owned() }),
        Seal::NotParquet => {
            return Err(EvalError::NotParquet { path: path.to_owned(), found: NOT_PARQUET.to_owned() });
        }
    }
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    let schema = read_guarded(path, || reader.schema())?;
    let columns = schema.iter_names().map(ToString::to_string).collect();
    Ok(ParquetFile { path, reader, columns })
}

impl ParquetFile<'_> {
    /// The names of the columns.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// These columns, on this thread alone.
    pub(crate) fn read(self, columns: &[&str]) -> Result<DataFrame, EvalError> {
        let missing = columns.iter().find(|name| self.columns.iter().all(|known| known != **name));
        if let Some(missing) = missing {
            let known: Vec<String> = self.columns.iter().map(|name| format!("`{name}`")).collect();
            return Err(EvalError::MissingColumn {
                table: format!("scores `{}`", self.path.display()),
                column: (*missing).to_owned(),
                found: if known.is_empty() { "no column at all".to_owned() } else { known.join(", ") },
            });
        }
        let reader = self
            .reader
            .with_columns(Some(columns.iter().map(|name| (*name).to_owned()).collect()))
            .read_parallel(ParallelStrategy::None);
        read_guarded(self.path, || reader.finish())
    }
}

/// No file of scores may be larger.
pub(crate) const MAX_FILE_BYTES: u64 = 16 << 30;

/// Refuses what is no regular file (a device or a pipe may never end) or is too large.
pub(crate) fn check_file(path: &Path) -> Result<u64, EvalError> {
    let metadata = fs::metadata(path).map_err(|source| EvalError::Read { path: path.to_owned(), source })?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() { "a folder" } else { "a device, a pipe or a socket" };
        return Err(EvalError::NotAFile { path: path.to_owned(), found });
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(EvalError::TooLarge {
            path: path.to_owned(),
            found: format!("{} bytes", metadata.len()),
            most: format!("{MAX_FILE_BYTES} bytes"),
        });
    }
    Ok(metadata.len())
}

/// Reads with polars, whose errors and panics both become errors that name the file.
pub(crate) fn read_guarded<T>(
    path: &Path,
    read: impl FnOnce() -> Result<T, PolarsError>,
) -> Result<T, EvalError> {
    match guarded(read) {
        Ok(outcome) => outcome.map_err(|source| not_parquet(path, &source)),
        Err(panic) => Err(EvalError::NotParquet {
            path: path.to_owned(),
            found: format!("the reader of parquet stopped with `{panic}`"),
        }),
    }
}

fn not_parquet(path: &Path, source: &PolarsError) -> EvalError {
    EvalError::NotParquet { path: path.to_owned(), found: source.to_string() }
}

const NOT_PARQUET: &str = "it does not begin and end as parquet files do";
