#![doc = include_str!("../README.md")]

pub mod check;
mod compare_runs;
mod context;
pub mod data;
mod diagnostic;
mod dry_run;
mod environment;
mod external;
pub mod file;
mod locate;
pub mod plan;
mod progress;
mod remembered;
mod report_runs;
pub mod runner;
mod running;
mod schema;
mod select;
pub mod store;
mod summary;
mod weights;

pub use cyborg_causes::a_line_each as error_chain;

pub use check::{Experiment, Options, read_experiment};
pub use compare_runs::{CompareOptions, compare_runs};
pub use diagnostic::Diagnostic;
pub use dry_run::dry_run;
pub use external::{EvaluateOptions, Field, ScoreColumns, ScoreScale, SourceGroup, evaluate_scores};
pub use report_runs::{Followed, ReportOptions, follow, report_experiment, report_runs};
pub use runner::{RunOptions, RunSummary, run};
pub use schema::experiment_schema;

/// What can go wrong between an experiment file and its report.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// The file says something that cannot be run; all faults found, each with its place.
    #[error("{}", diagnostic::render_all(.0))]
    File(Vec<Diagnostic>),
    /// A data set of the experiment cannot be used.
    #[error("cannot use data `{name}`")]
    Data {
        /// Name of the data entry.
        name: String,
        /// What the data set said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The data sets of one entry do not fit together.
    #[error("cannot use data `{name}`: {reason}")]
    DataMismatch {
        /// Name of the data entry.
        name: String,
        /// What does not fit.
        reason: String,
    },
    /// A file or folder of ours cannot be read or written.
    #[error("cannot {action} `{path}`")]
    Io {
        /// `read`, `write`, `create`...
        action: &'static str,
        /// The file or folder.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process works on this run.
    #[error(
        "run `{run}` is being worked on by another process ({holder})\n  hint: let it finish and run again, or pass \
         `--wait` to wait for it"
    )]
    Locked {
        /// The run's id.
        run: String,
        /// What the lock file says of its holder.
        holder: String,
    },
    /// Files of a finished training are not what they were.
    #[error(
        "run `{run}` was finished, but since then {}\n  hint: put back what was there, or remove `{}` to train the run \
         again", store::in_words(.files), .dir.display()
    )]
    Altered {
        /// The run's id.
        run: String,
        /// Its folder.
        dir: std::path::PathBuf,
        /// The files, at least one.
        files: Vec<store::Alteration>,
    },
    /// Training or scoring failed.
    #[error("run `{run}` failed")]
    Run {
        /// The run's id.
        run: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A run ended in a panic: a defect of ours.
    #[error("run `{run}` ended in a defect of this program: {message}")]
    Panic {
        /// The run's id.
        run: String,
        /// The panic's message.
        message: String,
    },
    /// An argument names no run, no method or no experiment that can be used.
    #[error("cannot use `{argument}`: {reason}\n  hint: {hint}")]
    Selection {
        /// What was given.
        argument: String,
        /// What was found instead of a run.
        reason: String,
        /// What to do next.
        hint: String,
    },
    /// Scores that another program wrote cannot be read.
    #[error(
        "cannot read the scores in `{path}`\n  hint: `cargo xtask evaluate --help` says which flag names which column"
    )]
    Scores {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The report could not be built.
    #[error("cannot build the report in `{dir}`")]
    Report {
        /// Where it was to be.
        dir: std::path::PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ExperimentError {
    pub(crate) fn io(action: &'static str, path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}
