//! What can go wrong while a data set is drawn.
use std::path::PathBuf;

/// Why a phantom could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PhantomError {
    /// The settings cannot be drawn; every fault is listed.
    #[error("cannot draw phantom {images} with these settings: {}", faults.join("; "))]
    Settings {
        /// What was to be drawn: `faces`.
        images: &'static str,
        /// One sentence a fault, as [`crate::Phantom::faults`] gives them.
        faults: Vec<String>,
    },
    /// A folder or a file could not be written.
    #[error("cannot write phantom data set at `{path}` (is the disk full, or the folder read-only?)")]
    Write {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An image could not be encoded.
    #[error("cannot encode phantom image `{path}`")]
    Encode {
        /// The image's file.
        path: PathBuf,
        /// What the encoder said.
        source: cyborg_image::ImageError,
    },
    /// Something else stands where the data set belongs.
    #[error(
        "`{path}` is in the way: it is not a data set that this version finished (no `manifest.yaml`); move it away and try again"
    )]
    InTheWay {
        /// The folder.
        path: PathBuf,
    },
}
