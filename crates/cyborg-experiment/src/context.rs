//! What a run remembers of the experiments that asked for it, so that a report can be made later from run folders alone.
//!
//! A run's identity knows no names: several experiments may share it, each under its own names of methods and data. So
//! `runs/ID/experiments/NAME.json` keeps one note for each experiment, written when the run has its scores.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cyborg_eval::{EvalPlan, RunKey};
use serde::{Deserialize, Serialize};

use crate::ExperimentError;
use crate::check::{DataSource, Experiment};
use crate::data::ResolvedData;
use crate::store::write_whole;

/// Folder of the notes in a run's folder.
const FOLDER: &str = "experiments";
/// Raised when a reader of today could not understand a note of tomorrow.
const FORMAT: u32 = 1;

/// One experiment's view of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Context {
    format: u32,
    /// What the experiment calls the run's method.
    pub(crate) method: String,
    /// What the run was trained and tested on.
    pub(crate) data: DataContext,
    /// The experiment as a whole.
    pub(crate) experiment: ExperimentContext,
}

/// What a report says of an experiment, beside its runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExperimentContext {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) command: String,
    pub(crate) phantom_instead: bool,
    /// Everything asked for, by name.
    pub(crate) data: Vec<String>,
    pub(crate) methods: Vec<String>,
    pub(crate) backbones: Vec<String>,
    pub(crate) seeds: Vec<u64>,
    pub(crate) comparisons: Vec<(String, String)>,
    pub(crate) sweep_label: Option<String>,
    pub(crate) resolved_yaml: String,
}

/// What a report says of a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DataContext {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) phantom: bool,
    pub(crate) classes: Vec<String>,
    pub(crate) positive: u32,
    pub(crate) pairs: BTreeMap<String, Vec<String>>,
    pub(crate) seen: BTreeSet<String>,
    pub(crate) at: Option<f64>,
    pub(crate) facts: Vec<String>,
    pub(crate) warnings: Vec<String>,
    /// Digests of the contents of training, validation and test images.
    pub(crate) train_blake3: String,
    pub(crate) validation_blake3: String,
    pub(crate) test_blake3: String,
    /// Where the test images were. They may be gone; a report then has gaps in its gallery.
    pub(crate) test_manifests: Vec<PathBuf>,
    /// Manifest id -> folder of its images.
    pub(crate) test_roots: BTreeMap<String, PathBuf>,
}

impl DataContext {
    pub(crate) fn new(experiment: &Experiment, data: &ResolvedData) -> Self {
        let spec = experiment.data.iter().find(|spec| spec.name == data.name);
        let mut test_roots = BTreeMap::new();
        for item in &data.test {
            // An id is the manifest's id and the path below its root.
            let Some((id, below)) = item.id.split_once('/') else { continue };
            if !test_roots.contains_key(id)
                && let Some(root) = without_end(&item.image, Path::new(below))
            {
                test_roots.insert(id.to_owned(), root);
            }
        }
        let test_manifests = match spec.map(|spec| &spec.source) {
            Some(DataSource::Manifests { test, .. }) => test.clone(),
            // A drawn set is described by a manifest in its folder.
            _ => test_roots.values().map(|root| root.join("manifest.yaml")).collect(),
        };
        Self {
            name: data.name.clone(),
            title: data.title.clone(),
            phantom: data.phantom,
            classes: data.classes.clone(),
            positive: data.plan.positive,
            pairs: data.plan.pairs.clone(),
            seen: data.plan.seen.clone(),
            at: data.at,
            facts: data.facts.clone(),
            warnings: data.warnings.clone(),
            train_blake3: data.train_digest.clone(),
            validation_blake3: data.validation_digest.clone(),
            test_blake3: data.test_digest.clone(),
            test_manifests,
            test_roots,
        }
    }

    /// Who is tested against whom.
    pub(crate) fn plan(&self) -> EvalPlan {
        EvalPlan { positive: self.positive, pairs: self.pairs.clone(), seen: self.seen.clone() }
    }
}

impl ExperimentContext {
    pub(crate) fn new(experiment: &Experiment) -> Self {
        let flag = if experiment.phantom_instead { " --phantom" } else { "" };
        Self {
            name: experiment.name.clone(),
            title: if experiment.title.is_empty() {
                experiment.name.clone()
            } else {
                experiment.title.clone()
            },
            description: experiment.description.clone(),
            command: format!("cargo xtask run {}{flag}", experiment.path.display()),
            phantom_instead: experiment.phantom_instead,
            data: experiment.data.iter().map(|data| data.name.clone()).collect(),
            methods: experiment.methods.iter().map(|method| method.name.clone()).collect(),
            backbones: experiment.backbones.iter().map(|b| b.architecture.name().to_owned()).collect(),
            seeds: experiment.seeds.clone(),
            comparisons: experiment.comparisons.clone(),
            sweep_label: experiment.sweep_label.clone(),
            resolved_yaml: experiment.resolved_yaml.clone(),
        }
    }
}

/// Notes in the run's folder that this experiment asked for it. A note that says the same already stays as it is.
///
/// # Errors
/// [`ExperimentError::Io`].
pub(crate) fn remember(
    experiment: &Experiment,
    data: &ResolvedData,
    key: &RunKey,
    run_dir: &Path,
) -> Result<(), ExperimentError> {
    let context = Context {
        format: FORMAT,
        method: key.method.clone(),
        data: DataContext::new(experiment, data),
        experiment: ExperimentContext::new(experiment),
    };
    let path = run_dir.join(FOLDER).join(format!("{}.json", experiment.name));
    let text = serde_json::to_string_pretty(&context)
        .map_err(|e| ExperimentError::io("write", &path, std::io::Error::other(e)))?;
    let text = format!("{text}\n");
    if fs_err::read_to_string(&path).is_ok_and(|known| known == text) {
        return Ok(());
    }
    write_whole(&path, text.as_bytes())
}

/// What the experiments that asked for a run have noted, by name. Notes that cannot be read are left out: a report
/// without names is better than none.
pub(crate) fn recall(run_dir: &Path) -> Vec<Context> {
    let Ok(entries) = fs_err::read_dir(run_dir.join(FOLDER)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let read = |path: &PathBuf| -> Option<Context> {
        let context: Context = serde_json::from_str(&fs_err::read_to_string(path).ok()?).ok()?;
        (context.format <= FORMAT).then_some(context)
    };
    paths.iter().filter_map(read).collect()
}

/// `root` of `root/below`.
fn without_end(path: &Path, below: &Path) -> Option<PathBuf> {
    if !path.ends_with(below) {
        return None;
    }
    path.ancestors().nth(below.components().count()).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_an_image_is_what_its_id_leaves() {
        let root = |path: &str, below: &str| without_end(Path::new(path), Path::new(below));
        assert_eq!(root("data/set/images/1.png", "images/1.png"), Some("data/set".into()));
        assert_eq!(root("1.png", "1.png"), Some("".into()));
        assert_eq!(root("data/other/2.png", "images/1.png"), None);
    }
}
