//! Hands finished runs to the report, and tells a plan in words.

use cyborg_report::{DataEntry, FailedRun, ReportInput, RunEntry};

use crate::check::Experiment;
use crate::data::ResolvedData;
use crate::environment::environment;

/// What the reader of the report must know first, besides failed runs.
pub(crate) fn warnings(experiment: &Experiment, resolved: &[Option<ResolvedData>]) -> Vec<String> {
    let mut warnings = Vec::new();
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
