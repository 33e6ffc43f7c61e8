//! What can go wrong before, between and after the pictures. A picture that cannot be used is no error of this kind: it
//! becomes a [`Failure`](crate::Failure).

use crate::Classes;
use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PredictError {
    /// A setting has a value that it cannot have.
    #[error("`{field}` is {found}, expected {expected}")]
    Setting {
        /// As the command line calls it, without the dashes.
        field: &'static str,
        /// What was found.
        found: String,
        /// What would do.
        expected: String,
    },
    /// There is nothing at the place of the images.
    #[error("cannot find images `{what}`: {reason}")]
    NoSuchImages {
        /// As given.
        what: String,
        /// What was looked for.
        reason: String,
    },
    /// A folder or table of images cannot be read.
    #[error("cannot read {what} `{path}`")]
    Read {
        /// What the file or folder is.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A table cannot be read.
    #[error(transparent)]
    TableFile(#[from] cyborg_table::TableError),
    /// A table is not a table of images.
    #[error("cannot use `{path}` as a table of images: {reason}")]
    Table {
        /// The table.
        path: PathBuf,
        /// What was found and what to do.
        reason: String,
    },
    /// There is no image, or none in the split.
    #[error("`{what}` has no image{reason}")]
    NoImages {
        /// As given.
        what: String,
        /// What was found instead, beginning with a comma or colon; may be empty.
        reason: String,
    },
    /// None of the labels is a class of the network.
    #[error(
        "no label of `{what}` is a class of the network: the labels are {labels}, the classes are {classes}; say which is \
         which with `--label-map LABEL=CLASS,...`, or leave them out with `--no-labels`"
    )]
    NoLabelKnown {
        /// As given.
        what: String,
        /// The first labels found.
        labels: String,
        /// The network's classes.
        classes: String,
    },
    /// The true class is asked for, and the images have none.
    #[error(
        "`{what}` has no labels, so there is no true class to draw; choose another class, such as `predicted`"
    )]
    NoLabels {
        /// As given.
        what: String,
    },
    /// Every image failed.
    #[error("none of the {n_images} images could be used; the first: {first}")]
    NothingLeft {
        /// How many there are.
        n_images: usize,
        /// The first failure.
        first: String,
    },
    /// A result cannot be written.
    #[error("cannot write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The rows cannot be put into a parquet file.
    #[error("cannot write `{path}` as parquet")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What polars said.
        source: polars::prelude::PolarsError,
    },
    /// A manifest or its data set cannot be read.
    #[error(transparent)]
    Manifest(Box<cyborg_manifest::ManifestError>),
    /// A weights file cannot be read or written.
    #[error(transparent)]
    Weights(Box<cyborg_weights::WeightsError>),
    /// The network cannot be built, loaded or run.
    #[error(transparent)]
    Backbone(Box<cyborg_backbones::BackboneError>),
    /// A CAM cannot be computed.
    #[error(transparent)]
    Loss(#[from] cyborg_loss::LossError),
    /// An image cannot be made into a network's input.
    #[error(transparent)]
    Data(Box<cyborg_data::DataError>),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl From<cyborg_data::DataError> for PredictError {
    fn from(error: cyborg_data::DataError) -> Self {
        match error {
            cyborg_data::DataError::Setting { field, found, expected } => {
                // As the command line calls it.
                let field = if field == "input_px" { "input-px" } else { field };
                Self::Setting { field, found, expected }
            }
            error => Self::Data(Box::new(error)),
        }
    }
}

impl From<cyborg_manifest::ManifestError> for PredictError {
    fn from(error: cyborg_manifest::ManifestError) -> Self {
        Self::Manifest(Box::new(error))
    }
}

impl From<cyborg_weights::WeightsError> for PredictError {
    fn from(error: cyborg_weights::WeightsError) -> Self {
        Self::Weights(Box::new(error))
    }
}

impl From<cyborg_backbones::BackboneError> for PredictError {
    fn from(error: cyborg_backbones::BackboneError) -> Self {
        Self::Backbone(Box::new(error))
    }
}

impl PredictError {
    /// `word` is no class. `field` is as the command line calls it; `expected` says what would do, before the classes.
    pub fn no_class(field: &'static str, word: &str, expected: &str, classes: &Classes) -> Self {
        let expected = format!("{expected}: {}", classes.listed());
        Self::Setting { field, found: format!("`{word}`"), expected }
    }
}
