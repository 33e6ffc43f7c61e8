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
    /// A text is neither a path nor a place on the hub.
    #[error("cannot take weights from `{text}`: {reason}")]
    Source {
        /// The text.
        text: String,
        /// What is wrong with it, and what is expected.
        reason: String,
    },
    /// The hub has no such repository, revision or file.
    #[error("cannot fetch `{wanted}`: {reason}")]
    NotFound {
        /// What was asked for.
        wanted: String,
        /// What there is none of, and what there is.
        reason: String,
    },
    /// The hub wants to know who asks, or says no.
    #[error("cannot fetch `{wanted}`: {reason}")]
    Forbidden {
        /// What was asked for.
        wanted: String,
        /// What the hub said and what to do.
        reason: String,
    },
    /// The hub may not be asked, and the cache does not have it.
    #[error("cannot fetch `{wanted}`: {reason}")]
    Offline {
        /// What was asked for.
        wanted: String,
        /// Where it was looked for and what to do.
        reason: String,
    },
    /// The hub cannot be reached, or a transfer broke off.
    #[error("cannot fetch `{wanted}`: {reason}")]
    Transfer {
        /// What was asked for.
        wanted: String,
        /// What happened and what to do.
        reason: String,
    },
    /// What arrived is not what the hub announced.
    #[error("cannot use what arrived for `{wanted}`: {reason}; it was thrown away, run it again")]
    Damaged {
        /// What was asked for.
        wanted: String,
        /// What was announced and what came.
        reason: String,
    },
    /// The cache cannot be written.
    #[error("cannot keep downloads in `{path}`; set `HF_HUB_CACHE` to a folder that can be written")]
    Cache {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The tensor library refused.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
