//! Hands finished runs to the report.

use std::collections::BTreeMap;
use std::path::Path;

use cyborg_report::{DataEntry, FailedRun, ReportInput, RunEntry};
use serde_json::Value;

use crate::check::Experiment;
use crate::context::{DataContext, ExperimentContext};
use crate::data::ResolvedData;

/// What the reader of the report must know first, besides failed runs.
pub(crate) fn warnings(experiment: &Experiment, resolved: &[Option<ResolvedData>]) -> Vec<String> {
    let data: Vec<DataContext> =
        resolved.iter().flatten().map(|data| DataContext::new(experiment, data)).collect();
    context_warnings(&ExperimentContext::new(experiment), data.iter())
}

/// As [`warnings`], from what the runs remember.
pub(crate) fn context_warnings<'a>(
    experiment: &ExperimentContext,
    data: impl Iterator<Item = &'a DataContext>,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if experiment.phantom_instead {
        warnings.push("this is the `--phantom` stand-in for the experiment, at reduced size".to_owned());
    }
    for warning in data.flat_map(|data| &data.warnings) {
        if !warnings.contains(warning) {
            warnings.push(warning.clone());
        }
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
    let data: Vec<(DataContext, &ResolvedData)> =
        resolved.iter().flatten().map(|data| (DataContext::new(experiment, data), data)).collect();
    let entries = data
        .iter()
        .map(|(context, data)| DataEntry {
            images: data.test.iter().map(|i| (i.id.clone(), i.image.clone())).collect(),
            maps: data.test.iter().filter_map(|i| Some((i.id.clone(), i.map.clone()?))).collect(),
            ..data_entry(context)
        })
        .collect();
    let contexts: Vec<&DataContext> = data.iter().map(|(context, _)| context).collect();
    let about = Stored::read(&runs);
    input(&ExperimentContext::new(experiment), entries, &contexts, runs, &about, failed, warnings)
}

/// A data set as the report takes it, without its images.
pub(crate) fn data_entry(context: &DataContext) -> DataEntry {
    DataEntry {
        name: context.name.clone(),
        title: context.title.clone(),
        phantom: context.phantom,
        classes: context.classes.clone(),
        plan: context.plan(),
        at: context.at,
        images: BTreeMap::new(),
        maps: BTreeMap::new(),
        facts: context.facts.clone(),
    }
}

/// The report of an experiment, whether it was run now or is remembered.
pub(crate) fn input(
    experiment: &ExperimentContext,
    data: Vec<DataEntry>,
    contexts: &[&DataContext],
    runs: Vec<RunEntry>,
    stored: &Stored,
    failed: &[FailedRun],
    warnings: &[String],
) -> ReportInput {
    let mut environment = stored.environment.clone();
    for d in contexts {
        for (role, digest) in
            [("train", &d.train_blake3), ("validation", &d.validation_blake3), ("test", &d.test_blake3)]
        {
            environment.push((format!("{} {role} blake3", d.name), digest.clone()));
        }
    }
    ReportInput {
        name: experiment.name.clone(),
        title: experiment.title.clone(),
        description: experiment.description.clone(),
        command: experiment.command.clone(),
        warnings: warnings.to_vec(),
        data,
        methods: experiment.methods.clone(),
        backbones: experiment.backbones.clone(),
        seeds: experiment.seeds.clone(),
        seeds_asked: experiment.seeds.len(),
        comparisons: experiment.comparisons.clone(),
        sweep_label: experiment.sweep_label.clone(),
        alphas: stored.alphas.clone(),
        scores_only: false,
        score_range: None,
        metrics: cyborg_eval::MetricOptions::default(),
        runs,
        failed: failed.to_vec(),
        resolved_yaml: experiment.resolved_yaml.clone(),
        environment,
    }
}

/// What run folders say of themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stored {
    /// Name and value; several values of one name side by side.
    environment: Vec<(String, String)>,
    /// Method -> weight of the cross-entropy, of methods that differ in nothing else.
    alphas: BTreeMap<String, f64>,
}

impl Stored {
    /// Reads `run.json` and `environment.json` of each run; what cannot be read is left out.
    pub(crate) fn read(runs: &[RunEntry]) -> Self {
        let json = |run: &RunEntry, name: &str| -> Option<Value> {
            let folder = run.dir.parent().unwrap_or(Path::new("."));
            serde_json::from_str(&fs_err::read_to_string(folder.join(name)).ok()?).ok()
        };
        let mut sorted: Vec<&RunEntry> = runs.iter().collect();
        sorted.sort_by(|a, b| a.key.cmp(&b.key));
        let mut environment: Vec<(String, Vec<String>)> = Vec::new();
        let mut identities: BTreeMap<String, Value> = BTreeMap::new();
        for run in sorted {
            for (name, value) in json(run, "environment.json").iter().filter_map(Value::as_object).flatten() {
                let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
                match environment.iter_mut().find(|(known, _)| known == name) {
                    Some((_, values)) if values.contains(&value) => {}
                    Some((_, values)) => values.push(value),
                    None => environment.push((name.clone(), vec![value])),
                }
            }
            if let Some(identity) = json(run, "run.json").and_then(|run| run.get("identity").cloned()) {
                identities.entry(run.key.method.clone()).or_insert(identity);
            }
        }
        Self {
            environment: environment.into_iter().map(|(name, values)| (name, values.join("; "))).collect(),
            alphas: alphas(&identities),
        }
    }
}

/// Methods along alpha: those of one loss that differ in nothing but alpha, at least three with plain cross-entropy,
/// which is alpha 1.
fn alphas(identities: &BTreeMap<String, Value>) -> BTreeMap<String, f64> {
    let mut families: BTreeMap<String, Vec<(&String, f64)>> = BTreeMap::new();
    for (method, identity) in identities {
        let Some(alpha) = identity.pointer("/loss/alpha").and_then(Value::as_f64) else { continue };
        let mut loss = identity["loss"].clone();
        if let Some(fields) = loss.as_object_mut() {
            fields.remove("alpha");
        }
        families.entry(format!("{} {loss}", identity["tap"])).or_default().push((method, alpha));
    }
    let Some((family, members)) =
        families.iter().max_by_key(|(family, members)| (members.len(), std::cmp::Reverse(*family)))
    else {
        return BTreeMap::new();
    };
    let mut alphas: BTreeMap<String, f64> =
        members.iter().map(|(method, alpha)| ((*method).clone(), *alpha)).collect();
    if members.iter().all(|(_, alpha)| *alpha < 1.0) {
        let plain = identities.iter().find(|(_, identity)| {
            identity.pointer("/loss/name").and_then(Value::as_str) == Some("cross-entropy")
                && family.starts_with(&identity["tap"].to_string())
        });
        alphas.extend(plain.map(|(method, _)| (method.clone(), 1.0)));
    }
    if alphas.len() < 3 { BTreeMap::new() } else { alphas }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn methods_that_differ_in_alpha_alone_are_a_sweep() {
        let cyborg = |alpha: f64, class: &str| json!({"tap": "pooled", "loss": {"name": "cyborg", "alpha": alpha, "cam_class": class}});
        let of = |list: &[(&str, Value)]| {
            alphas(&list.iter().map(|(name, identity)| ((*name).to_owned(), identity.clone())).collect())
        };
        let ce = json!({"tap": "pooled", "loss": {"name": "cross-entropy"}});
        let found = of(&[
            ("ce", ce.clone()),
            ("a", cyborg(0.5, "predicted")),
            ("b", cyborg(0.25, "predicted")),
            ("c", cyborg(0.5, "true")),
        ]);
        let expected = [("a", 0.5), ("b", 0.25), ("ce", 1.0)];
        assert_eq!(found, expected.map(|(name, alpha)| (name.to_owned(), alpha)).into());
        assert!(of(&[("ce", ce), ("a", cyborg(0.5, "predicted"))]).is_empty(), "two points are no sweep");
    }
}
