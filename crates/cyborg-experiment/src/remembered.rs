//! A report from run folders alone: names and plans come from what the runs remember of their experiments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cyborg_eval::RunKey;
use cyborg_manifest::{Split, read_manifest};
use cyborg_report::{DataEntry, FailedRun, ReportInput, RunEntry};
use serde_json::Value;

use crate::ExperimentError;
use crate::context::{Context, DataContext, ExperimentContext};
use crate::select::FoundRun;
use crate::summary::{Stored, context_warnings, data_entry, input};

/// Runs with names, and what a report says around them.
pub(crate) struct Remembered {
    pub(crate) experiment: ExperimentContext,
    pub(crate) data: Vec<DataContext>,
    pub(crate) runs: Vec<RunEntry>,
    pub(crate) failed: Vec<FailedRun>,
    pub(crate) warnings: Vec<String>,
    /// The runs belong to no one experiment, so that nobody asked for a number of seeds.
    is_across: bool,
}

impl Remembered {
    /// Gives each run the names of the experiment that all of them belong to; where there is none, of the experiments
    /// that most of them belong to. `wanted` names the experiment instead.
    ///
    /// # Errors
    /// [`ExperimentError::Selection`] if the wanted experiment knows none of the runs.
    pub(crate) fn new(found: &[FoundRun], wanted: Option<&str>) -> Result<Self, ExperimentError> {
        let ranking = experiments(found);
        if let Some(wanted) = wanted
            && !ranking.iter().any(|(name, _)| name == wanted)
        {
            let known: Vec<String> = ranking.iter().map(|(name, _)| format!("`{name}`")).collect();
            return Err(ExperimentError::Selection {
                argument: wanted.to_owned(),
                reason: "no run given belongs to an experiment of this name".to_owned(),
                hint: if known.is_empty() {
                    "these runs remember no experiment; run theirs once more".to_owned()
                } else {
                    format!("they belong to {}", known.join(", "))
                },
            });
        }
        let mut named: Vec<Named<'_>> = Vec::new();
        let mut warnings = Vec::new();
        let mut n_nameless = 0;
        for run in found {
            let of = |name: &str| run.contexts.iter().find(|context| context.experiment.name == name);
            let context = match wanted {
                Some(wanted) => match of(wanted) {
                    Some(context) => Some(context),
                    None => continue,
                },
                None => ranking.iter().find_map(|(name, _)| of(name)),
            };
            n_nameless += usize::from(context.is_none());
            named.push(Named::new(run, context));
        }
        if n_nameless > 0 {
            warnings.push(format!(
                "{n_nameless} runs remember no experiment (they are older): which sources training saw and which are \
                 tested against which is not known for them, and their methods are named by their loss; run their \
                 experiment once more to have it noted"
            ));
        }
        let used: BTreeSet<&str> =
            named.iter().filter_map(|run| Some(run.context?.experiment.name.as_str())).collect();
        let (experiment, is_across) = match used.first() {
            Some(name) if used.len() == 1 && n_nameless == 0 => (newest(&named, name), false),
            _ => (across(&named), true),
        };
        let data_labels = labels(named.iter().flat_map(|run| run.data.iter()), |data| {
            (data.name.clone(), data_key(data), data_differences(data))
        });
        let method_labels =
            labels(named.iter(), |run| (run.method.clone(), run.method_key(), fields(&run.method_value())));
        let backbone_labels = labels(named.iter(), |run| {
            (run.run.backbone().to_owned(), run.backbone_key(), fields(&run.backbone_value()))
        });
        let mut result =
            Self { experiment, data: Vec::new(), runs: Vec::new(), failed: Vec::new(), warnings, is_across };
        for run in &named {
            let key = |data: String| RunKey {
                data,
                method: method_labels[&run.method_key()].clone(),
                backbone: backbone_labels[&run.backbone_key()].clone(),
                seed: run.run.seed(),
            };
            if let Some(reason) = &run.run.unfinished {
                let name =
                    run.data.first().map_or("?".to_owned(), |data| data_labels[&data_key(data)].clone());
                result.failed.push(FailedRun { key: key(name), reason: reason.clone() });
                continue;
            }
            for (data, dir) in run.data.iter().zip(&run.dirs) {
                let label = &data_labels[&data_key(data)];
                if result.data.iter().all(|known| known.name != *label) {
                    let title = if label == &data.name {
                        data.title.clone()
                    } else {
                        format!("{} ({label})", data.title)
                    };
                    result.data.push(DataContext { name: label.clone(), title, ..data.clone() });
                }
                result.runs.push(RunEntry { key: key(label.clone()), dir: dir.clone() });
            }
        }
        let mut label_of: BTreeMap<&str, BTreeSet<&String>> = BTreeMap::new();
        for run in &named {
            label_of.entry(&run.method).or_default().insert(&method_labels[&run.method_key()]);
        }
        result.experiment.comparisons = relabelled(&result.experiment.comparisons, &label_of);
        result.finish(&method_labels, &backbone_labels);
        Ok(result)
    }

    /// Puts lists in order and makes them fit the labels.
    fn finish(&mut self, methods: &BTreeMap<String, String>, backbones: &BTreeMap<String, String>) {
        let order = self.experiment.data.clone();
        let place = |name: &str| order.iter().position(|known| known == name).unwrap_or(usize::MAX);
        self.data.sort_by(|a, b| (place(&a.name), &a.name).cmp(&(place(&b.name), &b.name)));
        let listed = |list: &mut Vec<String>, labels: &BTreeMap<String, String>| {
            let labels: BTreeSet<&String> = labels.values().collect();
            list.retain(|name| labels.contains(name));
            list.extend(labels.into_iter().filter(|name| !list.contains(name)).cloned().collect::<Vec<_>>());
        };
        listed(&mut self.experiment.methods, methods);
        listed(&mut self.experiment.backbones, backbones);
        let mut warnings = context_warnings(&self.experiment, self.data.iter());
        for run in &self.runs {
            for note in crate::runner::notes(&run.dir) {
                let warning = format!("{}: {note}", run.key.data);
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            }
        }
        warnings.append(&mut self.warnings);
        self.warnings = warnings;
        self.failed.sort_by(|a, b| a.key.cmp(&b.key));
    }

    /// What the report is built from. Images are looked for where they were, or below `data_root`.
    pub(crate) fn input(&self, data_root: Option<&Path>) -> ReportInput {
        let entries: Vec<DataEntry> = self
            .data
            .iter()
            .map(|context| {
                let mut entry = data_entry(context);
                locate_images(context, data_root, &mut entry);
                entry
            })
            .collect();
        let contexts: Vec<&DataContext> = self.data.iter().collect();
        let stored = Stored::read(&self.runs);
        let (runs, failed) = (self.runs.clone(), &self.failed);
        let input = input(&self.experiment, entries, &contexts, runs, &stored, failed, &self.warnings);
        ReportInput { seeds_asked: if self.is_across { 0 } else { input.seeds_asked }, ..input }
    }
}

/// A run with the names it goes by.
struct Named<'a> {
    run: &'a FoundRun,
    context: Option<&'a Context>,
    method: String,
    /// One for each scored test set that is reported, with its folder.
    data: Vec<DataContext>,
    dirs: Vec<PathBuf>,
}

impl<'a> Named<'a> {
    fn new(run: &'a FoundRun, context: Option<&'a Context>) -> Self {
        let of_context =
            |digest: &str| context.filter(|context| context.data.test_blake3.starts_with(digest));
        let (mut data, mut dirs) = (Vec::new(), Vec::new());
        for (digest, dir) in &run.tests {
            // Another test set of the same training belongs to another experiment.
            let known = match (of_context(digest), context) {
                (Some(context), _) => context.data.clone(),
                (None, Some(_)) => continue,
                (None, None) => unknown_data(run, digest),
            };
            data.push(known);
            dirs.push(dir.clone());
        }
        if data.is_empty()
            && let Some(context) = context
        {
            data.push(context.data.clone());
        }
        let loss = run.identity.get("loss");
        let loss_name = loss.and_then(|loss| loss.get("name")?.as_str()).unwrap_or("?");
        let method = match (context, loss.and_then(|loss| loss.get("alpha")?.as_f64())) {
            (Some(context), _) => context.method.clone(),
            (None, Some(alpha)) => format!("{loss_name}-{alpha}"),
            (None, None) => loss_name.to_owned(),
        };
        Self { run, context, method, data, dirs }
    }

    /// Settings that belong to neither data, network nor seed.
    fn method_value(&self) -> Value {
        without(
            &self.run.identity,
            &[
                "backbone",
                "pretrained_blake3",
                "input_px",
                "n_classes",
                "seed",
                "train_blake3",
                "validation_blake3",
            ],
        )
    }

    fn method_key(&self) -> String {
        self.method_value().to_string()
    }

    fn backbone_value(&self) -> Value {
        only(&self.run.identity, &["pretrained_blake3", "input_px"])
    }

    fn backbone_key(&self) -> String {
        format!("{}\n{}", self.run.backbone(), self.backbone_value())
    }
}

fn without(value: &Value, names: &[&str]) -> Value {
    let fields = value.as_object().into_iter().flatten().filter(|(name, _)| !names.contains(&name.as_str()));
    fields.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into()
}

fn only(value: &Value, names: &[&str]) -> Value {
    let fields = value.as_object().into_iter().flatten().filter(|(name, _)| names.contains(&name.as_str()));
    fields.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into()
}

/// `(name, value)` of every setting, for telling two apart.
fn fields(value: &Value) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::Object(_) => all.extend(fields(value)),
            Value::String(text) => all.push((name.clone(), shortened(text))),
            other => all.push((name.clone(), other.to_string())),
        }
    }
    all
}

/// Digests by their first digits.
fn shortened(text: &str) -> String {
    let is_digest = text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit());
    if is_digest { text[..8].to_owned() } else { text.to_owned() }
}

fn data_key(data: &DataContext) -> String {
    format!(
        "{} {} {} {} {:?} {:?}",
        data.train_blake3, data.validation_blake3, data.test_blake3, data.positive, data.pairs, data.seen
    )
}

fn data_differences(data: &DataContext) -> Vec<(String, String)> {
    let digests = [
        ("training", &data.train_blake3),
        ("validation", &data.validation_blake3),
        ("test", &data.test_blake3),
    ];
    digests.iter().map(|(name, digest)| ((*name).to_owned(), shortened(digest))).collect()
}

/// Key -> a label that no other key has: the name that most give it, and where one name stands for several things what
/// tells them apart.
fn labels<T>(
    all: impl Iterator<Item = T>,
    describe: impl Fn(T) -> (String, String, Vec<(String, String)>),
) -> BTreeMap<String, String> {
    type Names = BTreeMap<String, usize>;
    let mut things: BTreeMap<String, (Names, Vec<(String, String)>)> = BTreeMap::new();
    for thing in all {
        let (name, key, fields) = describe(thing);
        let (names, _) = things.entry(key).or_insert_with(|| (BTreeMap::new(), fields));
        *names.entry(name).or_default() += 1;
    }
    // Of names given equally often the first.
    let usual = |names: &Names| {
        names.iter().rev().max_by_key(|(_, n)| **n).map(|(name, _)| name.clone()).unwrap_or_default()
    };
    let things: BTreeMap<String, (String, Vec<(String, String)>)> =
        things.into_iter().map(|(key, (names, fields))| (key, (usual(&names), fields))).collect();
    let label = |(name, own): &(String, Vec<(String, String)>)| -> String {
        let same_name = || things.values().filter(|(other, _)| other == name);
        if same_name().count() == 1 {
            return name.clone();
        }
        let differs = |field: &&(String, String)| same_name().any(|(_, fields)| !fields.contains(field));
        let parts: Vec<String> =
            own.iter().filter(differs).map(|(field, value)| format!("{field} {value}")).collect();
        format!("{name} ({})", parts.join(", "))
    };
    things.iter().map(|(key, thing)| (key.clone(), label(thing))).collect()
}

/// Comparisons by label: a name that stands for several things stands for each of them.
fn relabelled(
    comparisons: &[(String, String)],
    label_of: &BTreeMap<&str, BTreeSet<&String>>,
) -> Vec<(String, String)> {
    let labels = |name: &String| label_of.get(name.as_str()).cloned().unwrap_or_default();
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (baseline, candidate) in comparisons {
        for a in labels(baseline) {
            for b in labels(candidate) {
                let pair = (a.clone(), b.clone());
                if a != b && !pairs.contains(&pair) {
                    pairs.push(pair);
                }
            }
        }
    }
    pairs
}

/// The experiments that know the runs, the one that knows most of them first; of equals the one with fewer cells,
/// then by name.
fn experiments(found: &[FoundRun]) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for context in found.iter().flat_map(|run| &run.contexts) {
        let e = &context.experiment;
        let n_cells = e.data.len() * e.methods.len() * e.backbones.len() * e.seeds.len();
        let count = counts.entry(&e.name).or_default();
        *count = (count.0 + 1, count.1.max(n_cells));
    }
    let mut ranking: Vec<(&str, (usize, usize))> = counts.into_iter().collect();
    ranking.sort_by(|(a, (a_runs, a_cells)), (b, (b_runs, b_cells))| {
        b_runs.cmp(a_runs).then(a_cells.cmp(b_cells)).then(a.cmp(b))
    });
    ranking.into_iter().map(|(name, (n_runs, _))| (name.to_owned(), n_runs)).collect()
}

/// The note that asks for most: an experiment grows by seeds and methods.
fn newest(named: &[Named<'_>], name: &str) -> ExperimentContext {
    let size = |e: &ExperimentContext| e.data.len() * e.methods.len() * e.backbones.len() * e.seeds.len();
    let of_name = named.iter().filter_map(|run| run.context).map(|context| &context.experiment);
    let newest = of_name.filter(|e| e.name == name).max_by_key(|e| (size(e), e.resolved_yaml.as_str()));
    newest.cloned().unwrap_or_else(|| across(named))
}

/// What can be said of runs of several experiments.
fn across(named: &[Named<'_>]) -> ExperimentContext {
    let mut of_name: BTreeMap<&str, &ExperimentContext> = BTreeMap::new();
    for context in named.iter().filter_map(|run| run.context) {
        of_name.entry(&context.experiment.name).or_insert(&context.experiment);
    }
    let mut comparisons = Vec::new();
    for pair in of_name.values().flat_map(|e| &e.comparisons) {
        if !comparisons.contains(pair) {
            comparisons.push(pair.clone());
        }
    }
    let seeds: BTreeSet<u64> = named.iter().map(|run| run.run.seed()).collect();
    let sweep_labels: BTreeSet<Option<&str>> = of_name.values().map(|e| e.sweep_label.as_deref()).collect();
    let names: Vec<&str> = of_name.keys().copied().collect();
    let list = |all: &dyn Fn(&ExperimentContext) -> Vec<String>| {
        let mut listed: Vec<String> = Vec::new();
        for name in of_name.values().flat_map(|e| all(e)) {
            if !listed.contains(&name) {
                listed.push(name);
            }
        }
        listed
    };
    let title = match names.as_slice() {
        [] => format!("{} runs", named.len()),
        _ => format!("{} runs of {}", named.len(), names.join(", ")),
    };
    ExperimentContext {
        name: if names.is_empty() { "runs".to_owned() } else { names.join("+") },
        title,
        description: of_name
            .values()
            .filter(|e| !e.description.trim().is_empty())
            .map(|e| format!("{}: {}", e.title, e.description.trim()))
            .collect::<Vec<_>>()
            .join("\n\n"),
        command: of_name.values().map(|e| e.command.as_str()).collect::<Vec<_>>().join("\n"),
        phantom_instead: of_name.values().any(|e| e.phantom_instead),
        data: list(&|e| e.data.clone()),
        methods: list(&|e| e.methods.clone()),
        backbones: list(&|e| e.backbones.clone()),
        seeds: seeds.into_iter().collect(),
        comparisons,
        sweep_label: match sweep_labels.first() {
            Some(label) if sweep_labels.len() == 1 => label.map(ToOwned::to_owned),
            _ => None,
        },
        resolved_yaml: of_name
            .values()
            .map(|e| e.resolved_yaml.trim_end())
            .collect::<Vec<_>>()
            .join("\n---\n"),
    }
}

/// What `run.json` knows of the data of a run that remembers no experiment.
fn unknown_data(run: &FoundRun, test_digest: &str) -> DataContext {
    let text = |name: &str| run.data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let classes = run.data.get("classes").and_then(Value::as_array);
    let classes: Vec<String> =
        classes.into_iter().flatten().filter_map(|class| Some(class.as_str()?.to_owned())).collect();
    let digest = |name: &str| run.identity.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    DataContext {
        name: text("name"),
        title: text("title"),
        phantom: run.data.get("phantom").and_then(Value::as_bool).unwrap_or_default(),
        classes,
        positive: 1,
        pairs: BTreeMap::new(),
        seen: BTreeSet::new(),
        at: None,
        facts: Vec::new(),
        warnings: Vec::new(),
        train_blake3: digest("train_blake3"),
        validation_blake3: digest("validation_blake3"),
        test_blake3: test_digest.to_owned(),
        test_manifests: Vec::new(),
        test_roots: BTreeMap::new(),
    }
}

/// Where the test images and their maps lie. Data may be gone or elsewhere by now: then there is nothing to show.
fn locate_images(context: &DataContext, data_root: Option<&Path>, entry: &mut DataEntry) {
    for path in &context.test_manifests {
        let Ok(manifest) = read_manifest(path) else { continue };
        let beside = context.test_roots.get(&manifest.id).and_then(|root| root.parent()).map(Path::to_owned);
        let places = [data_root.map(Path::to_owned), beside, None];
        let Some(dataset) = places.iter().find_map(|place| manifest.open(place.as_deref()).ok()) else {
            continue;
        };
        for item in dataset.items.into_iter().filter(|item| item.split == Split::Test) {
            if let Some(map) = item.map {
                entry.maps.insert(item.id.clone(), map);
            }
            entry.images.insert(item.id, item.image);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_for_two_things_is_told_apart_and_two_names_for_one_are_one() {
        let field = |alpha: &str| {
            vec![("alpha".to_owned(), alpha.to_owned()), ("tap".to_owned(), "pooled".to_owned())]
        };
        let thing = |name: &str, alpha: &str| (name.to_owned(), alpha.to_owned(), field(alpha));
        let all = [
            thing("cyborg", "0.5"),
            thing("cyborg", "0.7"),
            thing("half", "0.5"),
            thing("cyborg", "0.5"),
            thing("ce", "1"),
            thing("baseline", "1"),
        ];
        let labels = labels(all.into_iter(), |thing| thing);
        assert_eq!(labels["0.5"], "cyborg (alpha 0.5)");
        assert_eq!(labels["0.7"], "cyborg (alpha 0.7)");
        assert_eq!(labels["1"], "baseline", "of equals the first by name");
    }
}
