//! Hands finished runs to the report, and tells a plan in words.

use std::collections::BTreeMap;

use cyborg_report::{DataEntry, FailedRun, ReportInput, RunEntry};

use crate::ExperimentError;
use crate::check::{DataSource, Experiment};
use crate::data::ResolvedData;
use crate::environment::environment;
use crate::runner::RunOptions;

/// What the reader of the report must know first, besides failed runs.
pub(crate) fn warnings(experiment: &Experiment, resolved: &[Option<ResolvedData>]) -> Vec<String> {
    let mut warnings = Vec::new();
    let phantoms: Vec<&str> = resolved.iter().flatten().filter(|d| d.phantom).map(|d| d.name.as_str()).collect();
    if !phantoms.is_empty() {
        warnings.push(format!(
            "phantom data (drawn, not collected): {}. Results say how the methods behave on this benchmark, nothing \
             about real images",
            phantoms.join(", ")
        ));
    }
    if experiment.phantom_instead {
        warnings.push("this is the `--phantom` stand-in for the experiment, at reduced size".to_owned());
    }
    for data in resolved.iter().flatten() {
        warnings.extend(data.warnings.iter().cloned());
    }
    if !experiment.comparisons.is_empty() && experiment.seeds.len() < 5 {
        warnings.push(format!(
            "{} seeds: too few for a test over seeds to say much (5 is little, 10 is what the papers use)",
            experiment.seeds.len()
        ));
    }
    warnings
}

/// Everything that the report needs.
pub(crate) fn report_input(
    experiment: &Experiment,
    resolved: &[Option<ResolvedData>],
    runs: Vec<RunEntry>,
    failed: &[FailedRun],
    warnings: &[String],
) -> ReportInput {
    let data = resolved
        .iter()
        .flatten()
        .map(|d| DataEntry {
            name: d.name.clone(),
            title: d.title.clone(),
            phantom: d.phantom,
            classes: d.classes.clone(),
            plan: d.plan.clone(),
            at: d.at,
            images: d.test.iter().map(|i| (i.id.clone(), i.image.clone())).collect(),
            maps: d.test.iter().filter_map(|i| Some((i.id.clone(), i.map.clone()?))).collect(),
            facts: d.facts.clone(),
        })
        .collect();
    let mut environment = environment();
    for d in resolved.iter().flatten() {
        for (role, digest) in
            [("train", &d.train_digest), ("validation", &d.validation_digest), ("test", &d.test_digest)]
        {
            environment.push((format!("{} {role} blake3", d.name), digest.clone()));
        }
    }
    let flag = if experiment.phantom_instead { " --phantom" } else { "" };
    ReportInput {
        name: experiment.name.clone(),
        title: if experiment.title.is_empty() { experiment.name.clone() } else { experiment.title.clone() },
        description: experiment.description.clone(),
        command: format!("cargo xtask run {}{flag}", experiment.path.display()),
        warnings: warnings.to_vec(),
        data,
        methods: experiment.methods.iter().map(|m| m.name.clone()).collect(),
        backbones: experiment.backbones.iter().map(|b| b.architecture.name().to_owned()).collect(),
        seeds: experiment.seeds.clone(),
        comparisons: experiment.comparisons.clone(),
        sweep_label: experiment.sweep_label.clone(),
        runs,
        failed: failed.to_vec(),
        resolved_yaml: experiment.resolved_yaml.clone(),
        environment,
    }
}

/// The matrix, what is there, what it will take.
#[expect(clippy::unnecessary_wraps, reason = "the estimate measures, and measuring may fail one day")]
pub(crate) fn plan_text(experiment: &Experiment, options: &RunOptions) -> Result<String, ExperimentError> {
    let mut lines = vec![format!("experiment `{}`: {}", experiment.name, experiment.title)];
    let n_runs = experiment.data.len()
        * experiment.methods.len()
        * experiment.backbones.len()
        * experiment.seeds.len();
    lines.push(format!(
        "{n_runs} runs = {} data x {} methods x {} backbones x {} seeds",
        experiment.data.len(),
        experiment.methods.len(),
        experiment.backbones.len(),
        experiment.seeds.len()
    ));
    for data in &experiment.data {
        let from = match &data.source {
            DataSource::Faces(faces) => format!("phantom faces, drawn into {}/{}", options.folders.data_dir.display(), faces.folder_name()),
            DataSource::Manifests { train, validation, test } => {
                let names = |paths: &[std::path::PathBuf]| {
                    paths
                        .iter()
                        .map(|p| p.file_stem().unwrap_or_default().to_string_lossy().into_owned())
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                format!("train {}; validation {}; test {}", names(train), names(validation), names(test))
            }
        };
        lines.push(format!("  data {}: {from}", data.name));
    }
    for method in &experiment.methods {
        lines.push(format!("  method {}: {:?}, tap {}", method.name, method.method, crate::plan::tap_name(method.tap)));
    }
    for backbone in &experiment.backbones {
        lines.push(format!(
            "  backbone {}: {2}x{2} pixels, CAM grid {3}x{3}{1}",
            backbone.architecture.name(),
            if backbone.pretrained.is_some() { ", pretrained" } else { "" },
            backbone.input_px,
            backbone.grid
        ));
    }
    lines.push(format!("  seeds {:?}", experiment.seeds));
    let _: BTreeMap<(), ()> = BTreeMap::new();
    Ok(lines.join("\n"))
}
