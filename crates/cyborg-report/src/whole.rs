//! Files that are either there in full or not there at all.
use crate::ReportError;
use std::path::Path;

/// [`cyborg_files::write_whole`] with this crate's error.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    cyborg_files::write_whole(path, bytes)
        .map_err(|source| ReportError::Write { path: path.to_owned(), source })
}
