//! What can go wrong while measuring.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// A process that was to be measured cannot be started.
    #[error("cannot start {who} as `{program}`{hint}")]
    Start {
        /// Which process.
        who: String,
        /// What was started.
        program: String,
        /// What to do next, on a line of its own; may be empty.
        hint: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A measured process ended, or its answer made no sense.
    #[error("{who} {what} when asked to `{asked}`{said}{hint}")]
    Broken {
        /// Which process.
        who: String,
        /// What happened.
        what: String,
        /// What it was to do.
        asked: String,
        /// The last lines that it wrote to stderr, after a colon; may be empty.
        said: String,
        /// What to do next, on a line of its own; may be empty.
        hint: &'static str,
    },
    /// A measured process says that it cannot do what it was asked.
    #[error("{who} cannot `{asked}`: {reason}")]
    Refused {
        /// Which process.
        who: String,
        /// What it was to do.
        asked: String,
        /// In its words.
        reason: String,
    },
    /// Two programs computed other numbers: ratios of their times would mean nothing.
    #[error(
        "{a} and {b} do not compute the same, so their times are not compared:\n{}\n  hint: find the operation with \
         `cargo xtask bench ops`, which compares every convolution by itself",
        .differences.join("\n")
    )]
    Differ {
        /// One.
        a: String,
        /// The other.
        b: String,
        /// What differs, by how much and how much would be rounding; a line each.
        differences: Vec<String>,
    },
    /// A setting that nothing can be measured with.
    #[error("`{setting}` is {found}, expected {expected}")]
    Setting {
        /// As on the command line.
        setting: &'static str,
        /// What was found.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// A file of tensors is not what it should be.
    #[error("cannot use `{path}`: {reason}")]
    Tensors {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// The network refused.
    #[error(transparent)]
    Backbone(#[from] cyborg_backbones::BackboneError),
    /// The loss refused.
    #[error(transparent)]
    Loss(#[from] cyborg_loss::LossError),
    /// The optimiser refused.
    #[error(transparent)]
    Optimiser(#[from] cyborg_optim::OptimError),
    /// The tensor library refused.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
