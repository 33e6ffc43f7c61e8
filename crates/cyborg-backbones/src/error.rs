//! What can go wrong: a weights file that does not fit, an image batch that does not.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum BackboneError {
    /// A weights file cannot be read.
    #[error("cannot read weights `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A weights file is not safetensors, or holds other tensors than the network.
    #[error("cannot use weights `{path}`: {reason}")]
    Weights {
        /// The file.
        path: PathBuf,
        /// What was found; every tensor at fault by name.
        reason: String,
    },
    /// Tensors handed over in memory are not those of the network.
    #[error("cannot load tensors into `{architecture}` with {n_classes} classes: {faults}")]
    TensorMismatch {
        /// The network, as experiment files call it.
        architecture: &'static str,
        /// Its number of classes.
        n_classes: usize,
        /// Every tensor at fault by name.
        faults: String,
    },
    /// A weights file cannot be written.
    #[error("cannot write weights `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A classifier needs at least one class.
    #[error("cannot build `{architecture}` with 0 classes: give it at least 1")]
    NoClasses {
        /// The network, as experiment files call it.
        architecture: &'static str,
    },
    /// The images are not a batch of RGB images that the network can take.
    #[error(
        "cannot run `{architecture}` on images of shape {found:?}: expected (batch, 3, height, width), none of them 0"
    )]
    Images {
        /// The network, as experiment files call it.
        architecture: &'static str,
        /// The shape of the images.
        found: Vec<usize>,
    },
    /// The tensor library refused.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
