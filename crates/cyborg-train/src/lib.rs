//! Loading, optimiser, schedule, checkpoints and resume; no YAML.
#![allow(missing_docs, unused_variables, clippy::missing_errors_doc)]
use cyborg_backbones::{Architecture, Network, Tap};
use cyborg_loss::CamClass;
use cyborg_manifest::Item;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error("cannot write `{path}`")]
    Write { path: PathBuf, source: std::io::Error },
}

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    CrossEntropy,
    Cyborg { alpha: f64, cam_class: CamClass },
}

/// Checked by the caller; everything here can change a number.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainSettings {
    pub architecture: Architecture,
    /// safetensors to start from instead of a random initialisation
    pub pretrained: Option<PathBuf>,
    pub n_classes: usize,
    pub input_px: usize,
    pub method: Method,
    pub tap: Tap,
    pub epochs: usize,
    pub batch_size: usize,
    pub learning_rate: f64,
    pub momentum: f64,
    pub weight_decay: f64,
    /// StepLR: every so many epochs ...
    pub lr_step_epochs: usize,
    /// ... the rate is multiplied by this.
    pub lr_step_factor: f64,
    pub shuffle: bool,
    pub seed: u64,
}

/// Images decoded and resized once (8-bit RGB at input_px) and kept in memory up to a budget, else decoded on demand;
/// maps as grids. Shared by runs through `Arc`.
#[derive(Debug)]
pub struct ImageSet {
    items: Vec<Item>,
}
/// An image or map that could not be used, by name.
#[derive(Clone, Debug)]
pub struct BadImage {
    pub id: String,
    pub path: PathBuf,
    pub origin: String,
    pub reason: String,
}
/// How much of the loading is done, for a progress bar: (done, of).
pub type LoadProgress<'a> = &'a (dyn Fn(usize, usize) + Sync);
impl ImageSet {
    /// Decodes in parallel. All bad images are reported together.
    pub fn load(
        items: Vec<Item>,
        input_px: usize,
        grid: usize,
        memory_budget_bytes: u64,
        progress: LoadProgress<'_>,
    ) -> Result<(Self, Vec<BadImage>), TrainError> {
        todo!()
    }
    pub fn items(&self) -> &[Item] {
        &self.items
    }
}

/// One line of the per-epoch table (`epochs.csv`): no times in it, so that equal runs have equal files.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochRow {
    pub epoch: usize,
    pub learning_rate: f64,
    pub train_loss: f64,
    pub train_cross_entropy: f64,
    /// None where no image has a map
    pub train_saliency_mse: Option<f64>,
    pub train_accuracy: f64,
    pub validation_loss: f64,
    pub validation_accuracy: f64,
    /// The best so far (ties go to the later epoch).
    pub best: bool,
}

/// Follows a run; called from the training thread.
pub trait Observer: Send + Sync {
    /// Training starts at this epoch (0 for a new run) and step.
    fn started(&self, epoch: usize, step: usize, n_epochs: usize, n_steps: usize) {}
    fn step(&self, epoch: usize, step: usize, n_steps: usize, loss: f64, accuracy: f64, images: usize) {}
    fn epoch(&self, row: &EpochRow, seconds: f64) {}
    fn scoring(&self, done: usize, of: usize) {}
}

#[derive(Clone, Debug, PartialEq)]
pub struct FitOutcome {
    pub best_epoch: usize,
    pub best_validation_accuracy: f64,
    pub epochs: Vec<EpochRow>,
}

/// Trains in `dir`, resuming from what lies there; a finished training returns at once. Files: `epochs.csv`,
/// `timing.csv`, `best.safetensors`, `last.safetensors`, `state.safetensors`.
pub fn fit(
    settings: &TrainSettings,
    train: &ImageSet,
    validation: &ImageSet,
    dir: &Path,
    weights_metadata: &std::collections::BTreeMap<String, String>,
    observer: &dyn Observer,
) -> Result<FitOutcome, TrainError> {
    todo!()
}

/// The network's answer to one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Index into the image set's items.
    pub item: usize,
    pub logits: Vec<f32>,
    pub predicted: usize,
    /// Min-max normalised CAM of the predicted class in 8 bit, `grid * grid`, rows first.
    pub cam: Vec<u8>,
}
/// Evaluation mode, in the order of the items.
pub fn score(
    network: &Network,
    tap: Tap,
    images: &ImageSet,
    batch_size: usize,
    observer: &dyn Observer,
) -> Result<Vec<Score>, TrainError> {
    todo!()
}
