//! Data x backbones x seeds x methods, and what makes two runs the same.

use std::path::Path;
use std::sync::Arc;

use cyborg_train::TrainSettings;
use serde_json::{Value, json};

use crate::ExperimentError;
use crate::check::{BackboneSpec, Experiment, MethodSpec};

/// Raised when code changes so that equal settings give other numbers; old runs are then not taken for new ones.
pub const NUMERICS_VERSION: u32 = 2;

/// One cell of the matrix: places in the experiment's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Into [`Experiment::data`].
    pub data: usize,
    /// Into [`Experiment::backbones`].
    pub backbone: usize,
    /// Into [`Experiment::seeds`].
    pub seed: usize,
    /// Into [`Experiment::methods`].
    pub method: usize,
}

/// The matrix in the order in which it is run: the methods of one seed stand next to each other.
pub fn cells(experiment: &Experiment) -> Vec<Cell> {
    let mut cells = Vec::new();
    for data in 0..experiment.data.len() {
        for backbone in 0..experiment.backbones.len() {
            for seed in 0..experiment.seeds.len() {
                for method in 0..experiment.methods.len() {
                    cells.push(Cell { data, backbone, seed, method });
                }
            }
        }
    }
    cells
}

/// What training takes, for one cell; `weights` is where its pretrained weights lie, if it has any.
///
/// # Errors
/// [`ExperimentError::Run`] if the network lacks the method's tap, which checking the experiment rules out.
pub fn train_settings(
    experiment: &Experiment,
    cell: Cell,
    n_classes: usize,
    weights: Option<&Path>,
) -> Result<TrainSettings, ExperimentError> {
    let backbone = &experiment.backbones[cell.backbone];
    let method = &experiment.methods[cell.method];
    let seed = experiment.seeds[cell.seed];
    let Some(cam_tap) = backbone.architecture.tap(&method.tap) else {
        let reason = format!("`{}` has no tap `{}`", backbone.architecture, method.tap);
        return Err(ExperimentError::Run { run: describe(backbone, method, seed), source: reason.into() });
    };
    Ok(TrainSettings {
        architecture: backbone.architecture,
        pretrained: weights.map(Path::to_owned),
        n_classes,
        input_px: backbone.input_px,
        method: Arc::clone(&method.method),
        cam_tap,
        map_control: method.map_control.clone(),
        protocol: experiment.protocol.clone(),
        seed,
    })
}

/// Everything that can change a trained number: the version of the arithmetic, the settings, the contents of the data.
///
/// # Errors
/// If the weights to start from cannot be read (their digest is part of it).
pub fn identity(
    settings: &TrainSettings,
    train_digest: &str,
    validation_digest: &str,
) -> Result<Value, ExperimentError> {
    let pretrained = settings.pretrained.as_ref().map(|path| crate::store::file_digest(path)).transpose()?;
    let mut identity = json!({"numerics": NUMERICS_VERSION});
    if let (Value::Object(identity), Value::Object(mut settings)) =
        (&mut identity, settings.identity(pretrained.as_deref()))
    {
        identity.append(&mut settings);
        identity.insert("train_blake3".to_owned(), train_digest.into());
        identity.insert("validation_blake3".to_owned(), validation_digest.into());
    }
    Ok(identity)
}

/// The run folder's name: readable parts of the identity, then its digest.
pub fn run_id(settings: &TrainSettings, identity: &Value) -> String {
    let digest = blake3::hash(identity.to_string().as_bytes()).to_hex();
    let label = match &settings.map_control {
        Some(control) => format!("{}-{}", settings.method.label(), control.name()),
        None => settings.method.label(),
    };
    format!("{}_{label}_s{}_{}", settings.architecture.name(), settings.seed, &digest.as_str()[..12])
}

/// A line for people: `resnet50, cyborg, seed 3`.
pub fn describe(backbone: &BackboneSpec, method: &MethodSpec, seed: u64) -> String {
    format!("{}, {}, seed {seed}", backbone.architecture.name(), method.name)
}
