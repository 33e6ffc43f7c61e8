#![doc = include_str!("../README.md")]

mod band;
mod columns;
mod compare;
mod error;
mod files;
mod metrics;
mod paired;
mod pairing;
mod ranking;
mod roc;
mod rows;
mod runs;
mod scores;
mod seal;
mod summary;

pub use band::{BandPoint, Spread, band, spread};
pub use compare::compare;
pub use error::EvalError;
pub use files::{read_parquet, write_parquet};
pub use metrics::run_metrics;
pub use paired::{MAX_SIGN_FLIP_PAIRS, PairedTest, paired_test};
pub use pairing::EvalPlan;
pub use ranking::{Ranking, Undefined};
pub use roc::{Roc, SourceRoc, average_roc, fpr_grid, roc_on_grid, roc_points, run_rocs};
pub use rows::METRICS;
pub use runs::{RunKey, collect_metrics};
pub use scores::{ScoreRow, read_scores, write_scores};
pub use summary::summarise;
