//! What can go wrong: a weights file that does not fit, an image batch that does not.

use crate::tap::Tap;
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
        /// This says what was found, and names the first tensors at fault.
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
    /// A tap was asked for that the network does not have.
    #[error("cannot take features of `{architecture}` at `{tap}`: {hint}its taps are {known}")]
    UnknownTap {
        /// The network, as experiment files call it.
        architecture: &'static str,
        /// The tap.
        tap: Tap,
        /// `did you mean ...? `, or nothing.
        hint: String,
        /// The network's taps, comma-separated.
        known: String,
    },
    /// Parameters were asked for that the network does not have.
    #[error(
        "no parameter of `{architecture}` matches `{pattern}`: {hint}`*` stands for any characters, and its modules are \
         {modules}"
    )]
    UnknownParameters {
        /// The network, as experiment files call it.
        architecture: &'static str,
        /// The pattern.
        pattern: String,
        /// `did you mean ...? `, or nothing.
        hint: String,
        /// Patterns for the network's modules, comma-separated.
        modules: String,
    },
    /// Features were read at a tap that the pass was not asked for.
    #[error(
        "cannot read features of `{architecture}` at `{tap}`: the pass was asked for {asked}; name the tap when the pass \
         is run"
    )]
    TapNotTaken {
        /// The network, as experiment files call it.
        architecture: &'static str,
        /// The tap.
        tap: Tap,
        /// The taps that were asked for, comma-separated.
        asked: String,
    },
    /// The tensor library refused.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl BackboneError {
    /// [`BackboneError::UnknownTap`] with the nearest of the `known` names.
    pub(crate) fn unknown_tap(architecture: &'static str, tap: Tap, known: &[&str]) -> Self {
        let hint =
            nearest(tap.name(), known).map(|name| format!("did you mean `{name}`? ")).unwrap_or_default();
        Self::UnknownTap { architecture, tap, hint, known: quoted(known) }
    }
}

/// The names in backticks, comma-separated.
pub(crate) fn quoted(names: &[impl AsRef<str>]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// The valid name that was probably meant: at most a third of its letters and one differ.
pub(crate) fn nearest<'a>(found: &str, valid: &[&'a str]) -> Option<&'a str> {
    let distances = valid.iter().map(|name| (strsim::damerau_levenshtein(found, name), *name));
    let (distance, name) = distances.min_by_key(|&(distance, _)| distance)?;
    (distance <= 1 + name.chars().count() / 3).then_some(name)
}
