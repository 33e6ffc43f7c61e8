//! Scores to metrics to polars frames; no candle.
#![allow(missing_docs, unused_variables, clippy::missing_errors_doc)]
use polars::prelude::DataFrame;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    #[error("cannot read scores `{path}`: {reason}")]
    Read { path: PathBuf, reason: String },
}

/// One scored image. Parquet columns: image (str), source (str), label (u32), predicted (u32), score (f64), then
/// logit_0 .. logit_{n-1} (f32).
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRow {
    pub image: String,
    pub source: String,
    pub label: u32,
    pub predicted: u32,
    /// Softmax probability of the positive class.
    pub score: f64,
    pub logits: Vec<f32>,
}
/// Deterministic bytes, written whole (temporary sibling, fsync, rename).
pub fn write_scores(path: &Path, rows: &[ScoreRow]) -> Result<(), EvalError> {
    todo!()
}
pub fn read_scores(path: &Path) -> Result<DataFrame, EvalError> {
    todo!()
}

/// Who is compared with whom on one test set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvalPlan {
    /// Label that counts as positive (synthetic, attack, ill).
    pub positive: u32,
    /// Positive source -> the negative sources it is tested against; a source not named is tested against all negatives.
    pub pairs: BTreeMap<String, Vec<String>>,
    /// Sources that training or validation saw.
    pub seen: BTreeSet<String>,
}
/// One row per positive source, then aggregates (`unseen mean`, `seen mean`, `all mean`, `all pooled`), columns:
/// kind ("source" | "aggregate"), source, seen (bool), n_positive, n_negative, auc, average_precision, accuracy, eer
/// (f64, null with a reason), reason (str).
pub fn run_metrics(scores: &DataFrame, plan: &EvalPlan) -> Result<DataFrame, EvalError> {
    todo!()
}
/// Which run a frame of metrics belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunKey {
    pub data: String,
    pub method: String,
    pub backbone: String,
    pub seed: u64,
}
/// Long frame of all runs: data, method, backbone, seed + the columns of [`run_metrics`].
pub fn collect_metrics(runs: &[(RunKey, DataFrame)]) -> Result<DataFrame, EvalError> {
    todo!()
}
/// Mean and standard deviation (n - 1) over seeds, per data, backbone, method and source: `n_seeds`, `auc_mean`,
/// `auc_sd`, ... in a stable order.
pub fn summarise(metrics: &DataFrame) -> Result<DataFrame, EvalError> {
    todo!()
}
/// Paired comparison of two methods over seeds, per data, backbone and source, of AUC and accuracy.
pub fn compare(metrics: &DataFrame, baseline: &str, candidate: &str) -> Result<DataFrame, EvalError> {
    todo!()
}
