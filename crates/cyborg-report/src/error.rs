//! What can go wrong while a report is made.
use std::path::PathBuf;

/// Why a report, or a file of it, could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No run has usable results; there is nothing to put into a table.
    #[error(
        "cannot build the report `{name}`: none of its {asked} runs has results ({first}); \
         run the experiment again, finished runs are kept"
    )]
    NothingToReport {
        /// Name of the experiment.
        name: String,
        /// How many runs were handed over, failed ones included.
        asked: usize,
        /// The first run's reason, or that no run was asked for.
        first: String,
    },
    /// Two [`RunEntry`](crate::RunEntry)s or [`DataEntry`](crate::DataEntry)s have the same key.
    #[error("cannot build the report: {what} is given twice; give each one once")]
    Twice {
        /// The run or data set that is given twice.
        what: String,
    },
    /// Something is asked for by a name that does not exist.
    #[error("there is no {what} `{found}`; valid are {known}")]
    Choice {
        /// What it would have been.
        what: String,
        /// The name.
        found: String,
        /// Those that exist.
        known: String,
    },
    /// A file of a finished run cannot be used.
    #[error("cannot use `{path}`: {reason}")]
    Input {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Values that do not make a file of average CAMs.
    #[error("cannot store CAMs: {reason}")]
    Cams {
        /// What is wrong with them.
        reason: String,
    },
    /// A file of the report cannot be written.
    #[error("cannot write `{path}`; check the folder's permissions and the space left on the disk")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// The metrics could not be computed, summarised or compared.
    #[error("cannot {what}")]
    Eval {
        /// What was being done.
        what: String,
        /// What `cyborg-eval` said.
        source: Box<cyborg_eval::EvalError>,
    },
    /// A frame lacks a column, or holds one of another type.
    #[error("cannot {what}")]
    Frame {
        /// What was being done.
        what: String,
        /// What polars said.
        source: polars::prelude::PolarsError,
    },
}
