//! The list of what could not be used, beside a result.

use crate::csv_io::{inner, io_error, path_cell, text_cell};
use crate::{Failure, PredictError};
use std::io;
use std::path::{Path, PathBuf};

/// `scores.failed.csv` beside `scores.csv` (or `scores.parquet`).
pub fn failed_path(result: &Path) -> PathBuf {
    result.with_extension("failed.csv")
}

/// Writes the failures as CSV (columns `image`, `origin`, `reason`), whole; without any, removes the list of an earlier
/// call, which speaks of another result.
///
/// # Errors
/// [`PredictError::Write`].
pub fn write_failures(path: &Path, failures: &[Failure]) -> Result<(), PredictError> {
    let failed = |source| PredictError::Write { path: path.to_owned(), source };
    if failures.is_empty() {
        return match fs_err::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        };
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = || -> csv::Result<()> {
        writer.write_record(["image", "origin", "reason"])?;
        for Failure { image, origin, reason } in failures {
            writer.write_record([&*path_cell(image), &*text_cell(origin), &*text_cell(reason)])?;
        }
        Ok(())
    };
    write().map_err(|error| failed(io_error(error)))?;
    let bytes = inner(writer).map_err(failed)?;
    super::rows::make_folder_of(path)?;
    cyborg_files::write_whole(path, &bytes).map_err(failed)
}
