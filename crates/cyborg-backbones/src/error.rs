//! What can go wrong: a weights file that does not fit, an image batch that does not.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum BackboneError {
    /// A weights file cannot be read, written or understood.
    #[error(transparent)]
    File(#[from] cyborg_weights::WeightsError),
    /// A weights file holds other tensors than the network.
    #[error("cannot use weights `{path}`: {reason}")]
    Weights {
        /// The file.
        path: PathBuf,
        /// What was found; the first tensors at fault by name.
        reason: String,
    },
    /// Tensors handed over in memory are not those of the network.
    #[error("cannot load tensors into `{architecture}` with {n_classes} classes: {faults}")]
    TensorMismatch {
        /// The network, as experiment files call it.
        architecture: &'static str,
        /// Its number of classes.
        n_classes: usize,
        /// The first tensors at fault by name.
        faults: String,
    },
    /// A weights file's card (its metadata) has an entry that is not what it should be.
    #[error("cannot use what a weights file says of itself: `{key}` is `{found}`, expected {expected}")]
    Card {
        /// The entry.
        key: &'static str,
        /// What stands there, or its beginning.
        found: String,
        /// What should stand there.
        expected: String,
    },
    /// A classifier needs at least one class.
    #[error("cannot build `{architecture}` with 0 classes: give it at least 1")]
    NoClasses {
        /// The network, as experiment files call it.
        architecture: &'static str,
    },
    /// The images are not a batch of RGB images that the network can take.
    #[error(
        "cannot run `{architecture}` on images of shape {found:?}: expected (batch, 3, height, width), at least one \
         image, height and width at least {smallest}"
    )]
    Images {
        /// The network, as experiment files call it.
        architecture: &'static str,
        /// Side in pixels of the smallest input that it takes.
        smallest: usize,
        /// The shape of the images.
        found: Vec<usize>,
    },
    /// The tensor library refused.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
