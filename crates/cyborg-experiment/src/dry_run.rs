//! The plan in words.

use std::path::{Path, PathBuf};

use cyborg_manifest::{Manifest, Split, read_manifest};
use cyborg_train::image_time;

use crate::ExperimentError;
use crate::check::{DataSource, DataSpec, Experiment};
use crate::plan::{Cell, train_settings};
use crate::progress::minutes;
use crate::runner::RunOptions;

/// The matrix, where its data stands, and how long it takes by a step measured on this machine.
///
/// Nothing is drawn, trained or written. Data that is not there is said to be missing, and its runs are left out of the
/// estimate.
///
/// # Errors
/// If a step of a backbone cannot be taken.
pub fn dry_run(experiment: &Experiment, options: &RunOptions) -> Result<String, ExperimentError> {
    let (data, methods) = (&experiment.data, &experiment.methods);
    let (backbones, seeds) = (&experiment.backbones, &experiment.seeds);
    let mut lines = vec![format!("experiment `{}`: {}", experiment.name, experiment.title)];
    lines.push(format!(
        "{} runs = {} data x {} methods x {} backbones x {} seeds",
        data.len() * methods.len() * backbones.len() * seeds.len(),
        data.len(),
        methods.len(),
        backbones.len(),
        seeds.len()
    ));
    let sizes: Vec<Option<Size>> = data.iter().map(|spec| size(spec, options)).collect();
    for (spec, size) in data.iter().zip(&sizes) {
        let standing = match size {
            Some(s) => format!("{} training, {} validation, {} test images", s.train, s.validation, s.test),
            None => "MISSING or faulty: `cargo xtask data verify` says what and why".to_owned(),
        };
        lines.push(format!("  data {}: {}; {standing}", spec.name, origin(spec, options)));
        if let Some(recipe) = &spec.recipe {
            lines.push(format!("    training maps by recipe {}", recipe.display()));
        }
    }
    for method in methods {
        let words = crate::runner::words(method.method.as_ref());
        lines.push(format!("  method {}: {words}, tap {}", method.name, method.tap));
    }
    let mut total = 0.0;
    for (i, backbone) in backbones.iter().enumerate() {
        let cell = Cell { data: 0, backbone: i, seed: 0, method: 0 };
        let name = backbone.architecture.name();
        let time = image_time(&train_settings(experiment, cell, 2, None)?)
            .map_err(|e| ExperimentError::Run { run: format!("estimate of {name}"), source: Box::new(e) })?;
        let one_run = |s: &Size| {
            let epochs = experiment.protocol.epochs.get() as f64;
            epochs * (s.train as f64 * time.training_s + s.validation as f64 * time.scoring_s)
                + s.test as f64 * time.scoring_s
        };
        let all: f64 = sizes.iter().flatten().map(one_run).sum();
        total += all * (methods.len() * seeds.len()) as f64;
        lines.push(format!(
            "  backbone {name}: {0}x{0} pixels, CAM grid {1}x{1}{2}; {3:.1} images/s in training, {4:.1} in scoring",
            backbone.input_px,
            backbone.grid,
            backbone.pretrained.as_ref().map_or(String::new(), |weights| format!(", pretrained ({weights})")),
            1.0 / time.training_s,
            1.0 / time.scoring_s
        ));
    }
    lines.push(format!("  seeds {}", seeds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")));
    lines.push(format!(
        "about {} if nothing is finished yet (one run at a time on this machine, measured now; decoding not counted)",
        minutes(total)
    ));
    Ok(lines.join("\n"))
}

/// Numbers of images by role.
struct Size {
    train: usize,
    validation: usize,
    test: usize,
}

fn size(spec: &DataSpec, options: &RunOptions) -> Option<Size> {
    let mut size = match &spec.source {
        DataSource::Phantom(phantom) => {
            let common = phantom.common();
            Size { train: common.n_train, validation: common.n_validation, test: phantom.n_test() }
        }
        DataSource::Manifests { train, validation, test } => {
            let count = |paths: &[PathBuf], split: Split| -> Option<usize> {
                let counts = paths.iter().map(|path| {
                    let data = read_manifest(path)
                        .and_then(|m: Manifest| m.open(options.folders.data_root.as_deref()));
                    Some(data.ok()?.items.iter().filter(|i| i.split == split).count())
                });
                counts.sum()
            };
            Size {
                train: count(train, Split::Train)?,
                validation: count(validation, Split::Validation)?,
                test: count(test, Split::Test)?,
            }
        }
    };
    if let Some(limit) = spec.limit_train {
        size.train = size.train.min(limit);
    }
    Some(size)
}

fn origin(spec: &DataSpec, options: &RunOptions) -> String {
    match &spec.source {
        DataSource::Phantom(phantom) => {
            let folder = options.folders.data_dir.join(phantom.folder_name());
            let standing = if folder.is_dir() { "drawn in" } else { "to be drawn into" };
            format!("phantom {}, {standing} {}", phantom.words().images, folder.display())
        }
        DataSource::Manifests { train, validation, test } => {
            let names = |paths: &[PathBuf]| {
                let stems = paths.iter().map(|p: &PathBuf| stem(p));
                stems.collect::<Vec<_>>().join(", ")
            };
            format!("train {}; validation {}; test {}", names(train), names(validation), names(test))
        }
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
