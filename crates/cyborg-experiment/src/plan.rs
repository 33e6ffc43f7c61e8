//! Data x backbones x seeds x methods, and what makes two runs the same.

use std::path::Path;

use cyborg_loss::CamClass;
use cyborg_train::{Method, TrainSettings};
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
pub fn train_settings(
    experiment: &Experiment,
    cell: Cell,
    n_classes: usize,
    weights: Option<&Path>,
) -> TrainSettings {
    let backbone = &experiment.backbones[cell.backbone];
    let method = &experiment.methods[cell.method];
    let t = &experiment.training;
    TrainSettings {
        architecture: backbone.architecture,
        pretrained: weights.map(Path::to_owned),
        n_classes,
        input_px: backbone.input_px,
        method: method.method,
        tap: method.tap,
        epochs: t.epochs,
        batch_size: t.batch_size,
        learning_rate: t.learning_rate,
        momentum: t.momentum,
        weight_decay: t.weight_decay,
        lr_step_epochs: t.lr_step_epochs,
        lr_step_factor: t.lr_step_factor,
        shuffle: t.shuffle,
        dropout: t.dropout,
        features_from_second_pass: t.features_from_second_pass,
        seed: experiment.seeds[cell.seed],
    }
}

/// Everything that can change a trained number, with fixed names in a fixed order.
///
/// # Errors
/// If the weights to start from cannot be read (their digest is part of it).
pub fn identity(
    settings: &TrainSettings,
    train_digest: &str,
    validation_digest: &str,
) -> Result<Value, ExperimentError> {
    let pretrained = match &settings.pretrained {
        None => Value::Null,
        Some(path) => Value::String(crate::store::file_digest(path)?),
    };
    let mut identity = json!({
        "numerics": NUMERICS_VERSION,
        "backbone": settings.architecture.name(),
        "pretrained_blake3": pretrained,
        "n_classes": settings.n_classes,
        "input_px": settings.input_px,
        "loss": match settings.method {
            Method::CrossEntropy => json!({"name": "cross-entropy"}),
            Method::Cyborg { alpha, cam_class } => json!({
                "name": "cyborg",
                "alpha": alpha,
                "cam_class": match cam_class { CamClass::Predicted => "predicted", CamClass::True => "true" },
            }),
        },
        "tap": settings.tap.name(),
        "epochs": settings.epochs,
        "batch_size": settings.batch_size,
        "learning_rate": settings.learning_rate,
        "momentum": settings.momentum,
        "weight_decay": settings.weight_decay,
        "lr_step_epochs": settings.lr_step_epochs,
        "lr_step_factor": settings.lr_step_factor,
        "shuffle": settings.shuffle,
        "seed": settings.seed,
        "train_blake3": train_digest,
        "validation_blake3": validation_digest,
    });
    // Only where they change a number, so that runs from before they were known keep their names.
    if settings.architecture.dropout() > 0.0 {
        identity["dropout"] = json!(settings.dropout);
    }
    if settings.features_from_second_pass {
        identity["features_from_second_pass"] = json!(true);
    }
    Ok(identity)
}

/// The run folder's name: readable parts of the identity, then its digest.
pub fn run_id(settings: &TrainSettings, identity: &Value) -> String {
    let loss = match settings.method {
        Method::CrossEntropy => "cross-entropy".to_owned(),
        Method::Cyborg { alpha, .. } => format!("cyborg-{alpha}"),
    };
    let digest = blake3::hash(identity.to_string().as_bytes()).to_hex();
    format!("{}_{loss}_s{}_{}", settings.architecture.name(), settings.seed, &digest.as_str()[..12])
}

/// A line for people: `resnet50, cyborg, seed 3`.
pub fn describe(backbone: &BackboneSpec, method: &MethodSpec, seed: u64) -> String {
    format!("{}, {}, seed {seed}", backbone.architecture.name(), method.name)
}
