//! What can go wrong with files and places of tensors.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// A file cannot be read.
    #[error("cannot read weights `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write weights `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not what its form says: cut, damaged, of another kind, larger than it can be.
    #[error("cannot use weights `{path}`: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was found and what to do.
        reason: String,
    },
    /// A pickle asks for something to be called that rebuilds no tensor. Nothing of it was run.
    #[error(
        "cannot use weights `{path}`: its pickle asks to call `{global}`, which is not needed to rebuild tensors; \
         nothing of it was run. If you trust the file, load it in Python and save `model.state_dict()`"
    )]
    Code {
        /// The file.
        path: PathBuf,
        /// Module and name of what would be called.
        global: String,
    },
    /// Tensors cannot be written in that form.
    #[error("cannot write tensor `{tensor}`: {reason}")]
    Unwritable {
        /// The tensor.
        tensor: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The tensor library refused.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
