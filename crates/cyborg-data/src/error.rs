//! What can go wrong between an image file and a batch.

use std::path::PathBuf;

/// Why an image set or a batch could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// An argument has a value that it cannot have.
    #[error("`{field}` is {found}, expected {expected}")]
    Setting {
        /// The argument or field.
        field: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// An image or map that could be decoded when the set was loaded, and no longer can.
    #[error("cannot read {what} of `{id}` again (`{path}`): {reason}")]
    Reread {
        /// `the image` or `the saliency map`.
        what: &'static str,
        /// The item.
        id: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An image cannot be encoded or decoded in memory.
    #[error(transparent)]
    Image(#[from] cyborg_image::ImageError),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl DataError {
    pub(crate) fn setting(field: &'static str, found: impl ToString, expected: impl Into<String>) -> Self {
        Self::Setting { field, found: found.to_string(), expected: expected.into() }
    }
}
