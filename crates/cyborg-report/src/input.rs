//! What the report is made from.
use cyborg_eval::{EvalPlan, MetricOptions, RunKey};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A finished run's folder: `epochs.csv`, `scores.parquet`, `cams.safetensors`.
#[derive(Clone, Debug)]
pub struct RunEntry {
    /// Which run it is.
    pub key: RunKey,
    /// Its folder.
    pub dir: PathBuf,
}

/// A run that was asked for and has no result.
#[derive(Clone, Debug)]
pub struct FailedRun {
    /// Which run it is.
    pub key: RunKey,
    /// What went wrong, in words.
    pub reason: String,
}

/// What the report must know of one data set of the experiment.
#[derive(Clone, Debug)]
pub struct DataEntry {
    /// Name in [`RunKey::data`].
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Drawn by a program, not photographed: the report says so on its face.
    pub phantom: bool,
    /// Class names; the index is the label.
    pub classes: Vec<String>,
    /// Who is tested against whom, and what was seen in training.
    pub plan: EvalPlan,
    /// Position on the sweep's axis, where the experiment is a sweep over data.
    pub at: Option<f64>,
    /// Image id -> file, for the gallery. A missing image leaves a gap in the gallery, nothing else.
    pub images: BTreeMap<String, PathBuf>,
    /// Image id -> human map, where there is one.
    pub maps: BTreeMap<String, PathBuf>,
    /// Lines such as "train: 800 images, 400 authentic, 400 synthetic, 800 with a map".
    pub facts: Vec<String>,
}

/// An experiment whose runs have ended.
#[derive(Clone, Debug)]
pub struct ReportInput {
    /// Short name, as in the experiment's file name.
    pub name: String,
    /// Heading of the report.
    pub title: String,
    /// One paragraph: what is asked.
    pub description: String,
    /// The command that makes it again.
    pub command: String,
    /// Shown first: phantom data, leaks, bad images, failed runs, fewer seeds than asked.
    pub warnings: Vec<String>,
    /// The data sets, in the order in which they are shown.
    pub data: Vec<DataEntry>,
    /// The methods, in the order in which they are shown.
    pub methods: Vec<String>,
    /// The backbones, in the order in which they are shown.
    pub backbones: Vec<String>,
    /// The seeds. Pictures of single images come from the first one that has a result.
    pub seeds: Vec<u64>,
    /// How many seeds each method was to have; 0 if that is not known.
    pub seeds_asked: usize,
    /// (baseline, candidate) pairs to test.
    pub comparisons: Vec<(String, String)>,
    /// Label of the axis when [`DataEntry::at`] is a sweep.
    pub sweep_label: Option<String>,
    /// Method -> alpha, of methods that differ in nothing else: where there are several, metrics are drawn over alpha.
    pub alphas: BTreeMap<String, f64>,
    /// The runs are scores that another program wrote: no epochs, no CAMs and no logits are expected.
    pub scores_only: bool,
    /// Least and largest score of a histogram, where scores are no probabilities.
    pub score_range: Option<(f64, f64)>,
    /// Thresholds, bins and groups of sources; the default where nothing is asked for.
    pub metrics: MetricOptions,
    /// The runs that have a result, in any order.
    pub runs: Vec<RunEntry>,
    /// The runs that have none.
    pub failed: Vec<FailedRun>,
    /// The experiment as it was understood, every default written out.
    pub resolved_yaml: String,
    /// Name, value lines: versions, machine, git revision, digests.
    pub environment: Vec<(String, String)>,
}

impl ReportInput {
    /// How the metrics of a data set are taken.
    pub(crate) fn metric_options(&self, _data: &DataEntry) -> MetricOptions {
        self.metrics.clone()
    }
}

/// What was made.
#[derive(Clone, Debug)]
pub struct ReportOutcome {
    /// The page to open.
    pub html: PathBuf,
    /// The main table for the terminal.
    pub terminal: String,
}
