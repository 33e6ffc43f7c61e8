//! What can go wrong while loading, training and scoring.

use std::io;
use std::path::PathBuf;

/// Why an image set could not be made, trained on or scored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The disk is full, the folder read-only, the path not a folder, ...
    #[error(
        "cannot write `{path}`; the last complete state is untouched: make room or make the folder writable, then \
         run again to resume"
    )]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that training needs cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A setting that no training can have.
    #[error("`{field}` is {found}, expected {expected}")]
    Setting {
        /// The field of [`TrainSettings`](crate::TrainSettings).
        field: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// Nothing to train on, or nothing to choose the best epoch by.
    #[error("the {set} set has no images: give at least one image the split `{set}`")]
    NoImages {
        /// `train` or `validation`.
        set: &'static str,
    },
    /// An image set was made for another input size.
    #[error(
        "the {set} set holds {found_px} px images, the network needs {expected_px} px: load the set with these"
    )]
    SetShape {
        /// `train`, `validation` or `score`.
        set: &'static str,
        /// Side of the set's images.
        found_px: usize,
        /// Side of the network's input.
        expected_px: usize,
    },
    /// A label outside the classes.
    #[error("image `{id}` ({origin}) has class index {label}, but there are {n_classes} classes (0 to {})", n_classes - 1)]
    Label {
        /// The image.
        id: String,
        /// Where its row was stated.
        origin: String,
        /// Its class index.
        label: usize,
        /// How many classes there are.
        n_classes: usize,
    },
    /// A class that the network would never see.
    #[error(
        "no training image has class index {class_idx} of {n_classes}: the network cannot learn it; add images or \
         remove the class"
    )]
    ClassMissing {
        /// The class.
        class_idx: usize,
        /// How many classes there are.
        n_classes: usize,
    },
    /// A method that learns from people's maps has none to learn from.
    #[error(
        "`{method}` learns from saliency maps, but none of the {n_images} training images has one with contrast ({n_flat} \
         are flat): check the `map` column, or train with a method that needs no maps, such as `cross-entropy`"
    )]
    NoMaps {
        /// The name of the method.
        method: &'static str,
        /// Images in the training set.
        n_images: usize,
        /// How many of them have a map without contrast.
        n_flat: usize,
    },
    /// A batch was made without the grid of the class activation map: a defect of this program.
    #[error(
        "a batch came without human maps on the grid of the class activation map: this is a defect of the program"
    )]
    NoGrid,
    /// Batch normalisation has no statistics of one number.
    #[error(
        "a batch of one image at {input_px} px leaves one value a channel to normalise ({n_images} training images, \
         batch size {batch_size}): take another batch size or a larger `input_px`"
    )]
    SingleValueBatch {
        /// Side of the input.
        input_px: usize,
        /// Images in the training set.
        n_images: usize,
        /// Images a batch.
        batch_size: usize,
    },
    /// The loss is not a number any more.
    #[error(
        "the {what} became {value} in epoch {epoch}, step {step}, at learning rate {learning_rate}: training has \
         diverged; try a smaller learning rate (a tenth), a larger batch, or look for broken images; epochs finished \
         before are kept"
    )]
    NonFinite {
        /// `training loss` or `validation loss`.
        what: &'static str,
        /// `NaN`, `inf` or `-inf`.
        value: f64,
        /// From 0.
        epoch: usize,
        /// Batch within the epoch, from 0.
        step: usize,
        /// The rate in force.
        learning_rate: f64,
    },
    /// A network that answers an image with NaN or infinity.
    #[error(
        "the network's answer to image `{id}` is not finite: its weights are damaged or its training diverged; train \
         again with a smaller learning rate"
    )]
    NonFiniteLogits {
        /// The image.
        id: String,
    },
    /// The observer asked to stop; the state was written.
    #[error("stopped on request before epoch {epoch}, step {step}; run again to resume from there")]
    Interrupted {
        /// The epoch to resume in, from 0.
        epoch: usize,
        /// The step to resume at, from 0.
        step: usize,
    },
    /// `state.safetensors` or a file it speaks of is not what was written.
    #[error(
        "cannot resume from `{path}`: {reason}; delete the folder `{}` to train from the start",
        parent(path)
    )]
    StateDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The folder holds another training.
    #[error(
        "`{path}` belongs to a training with other settings or data ({}): take another folder, or delete this one to \
         train from the start", differences.join("; ")
    )]
    StateMismatch {
        /// The state file.
        path: PathBuf,
        /// `learning_rate: there 0.005, now 0.01`, ...
        differences: Vec<String>,
    },
    /// The network cannot be built, loaded or saved.
    #[error(transparent)]
    Backbone(#[from] cyborg_backbones::BackboneError),
    /// A batch cannot be made: an image or map can no longer be read.
    #[error(transparent)]
    Data(#[from] cyborg_data::DataError),
    /// The method cannot compute its loss.
    #[error(transparent)]
    Method(#[from] cyborg_methods::MethodError),
    /// The loss cannot be computed.
    #[error(transparent)]
    Loss(#[from] cyborg_loss::LossError),
    /// The optimiser cannot make its step.
    #[error(transparent)]
    Optimiser(#[from] cyborg_optim::OptimError),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

fn parent(path: &std::path::Path) -> String {
    path.parent().unwrap_or(path).display().to_string()
}
