//! Why a file is no table.

use std::path::PathBuf;

/// An error of this crate. A row that cannot be read is the reader's.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be read, or is no regular file.
    #[error("cannot read table `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is too large to be a table of images.
    #[error("cannot use table `{path}`: it has more than {limit_bytes} bytes, which are read at most")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        limit_bytes: u64,
    },
    /// The file is no text.
    #[error("cannot use table `{path}`: {found}; store it as CSV in UTF-8")]
    Encoding {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: &'static str,
    },
}
