//! Frames and pictures to Markdown, CSV, parquet and HTML; no candle.
#![allow(missing_docs, unused_variables, clippy::missing_errors_doc)]
use cyborg_eval::{EvalPlan, RunKey};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub mod cams;
mod error;
mod whole;
pub use error::ReportError;

/// A finished run's folder: `epochs.csv`, `scores.parquet`, `cams.safetensors`.
#[derive(Clone, Debug)]
pub struct RunEntry {
    pub key: RunKey,
    pub dir: PathBuf,
}
/// A run that was asked for and has no result.
#[derive(Clone, Debug)]
pub struct FailedRun {
    pub key: RunKey,
    pub reason: String,
}
/// What the report must know of one data set of the experiment.
#[derive(Clone, Debug)]
pub struct DataEntry {
    pub name: String,
    pub title: String,
    pub phantom: bool,
    pub classes: Vec<String>,
    pub plan: EvalPlan,
    /// Position on the sweep's axis, where the experiment is a sweep over data.
    pub at: Option<f64>,
    /// Image id -> file, for the gallery.
    pub images: BTreeMap<String, PathBuf>,
    /// Image id -> human map, where there is one.
    pub maps: BTreeMap<String, PathBuf>,
    /// Lines such as "train: 800 images, 400 authentic, 400 synthetic, 800 with a map".
    pub facts: Vec<String>,
}
#[derive(Clone, Debug)]
pub struct ReportInput {
    pub name: String,
    pub title: String,
    pub description: String,
    /// The command that makes it again.
    pub command: String,
    /// Shown first: phantom data, leaks, bad images, failed runs, fewer seeds than asked.
    pub warnings: Vec<String>,
    pub data: Vec<DataEntry>,
    pub methods: Vec<String>,
    pub backbones: Vec<String>,
    pub seeds: Vec<u64>,
    /// (baseline, candidate) pairs to test.
    pub comparisons: Vec<(String, String)>,
    /// Label of the axis when `DataEntry::at` is a sweep.
    pub sweep_label: Option<String>,
    pub runs: Vec<RunEntry>,
    pub failed: Vec<FailedRun>,
    pub resolved_yaml: String,
    /// Name, value lines: versions, machine, git revision, digests.
    pub environment: Vec<(String, String)>,
}
#[derive(Clone, Debug)]
pub struct ReportOutcome {
    pub html: PathBuf,
    /// The main table for the terminal.
    pub terminal: String,
}
/// Writes `index.html`, `report.md`, `per_source.csv|parquet`, `runs.csv|parquet`, `comparisons.csv|parquet` into `dir`.
/// The same runs give the same bytes.
pub fn build(input: &ReportInput, dir: &Path) -> Result<ReportOutcome, ReportError> {
    todo!()
}
