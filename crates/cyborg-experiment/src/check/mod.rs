//! From what an experiment file says to what can be run.

mod data;
mod methods;
mod networks;
mod training;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cyborg_backbones::Architecture;
use cyborg_data::MapControl;
use cyborg_methods::Method;
use cyborg_phantom::Phantom;
use cyborg_settings::{Choice, Step, find, nearest};
use cyborg_train::Protocol;
use cyborg_weights::Source as Weights;
use serde_json::{Map, Value};

use crate::ExperimentError;
use crate::diagnostic::{Diagnostic, Source};
use crate::file::{BadImagePolicy, ExperimentFile, JobsFile, Part};

/// An experiment that can be run: only [`read_experiment`] makes one.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Name of the report's folder.
    pub name: String,
    /// One line.
    pub title: String,
    /// A paragraph.
    pub description: String,
    /// The file, as it was named.
    pub path: PathBuf,
    /// Everything as resolved, defaults filled in, as YAML.
    pub resolved_yaml: String,
    /// Run on phantom data in place of the file's own.
    pub phantom_instead: bool,
    /// The data sets, at least one; names differ.
    pub data: Vec<DataSpec>,
    /// At least one; names differ.
    pub methods: Vec<MethodSpec>,
    /// At least one, each once.
    pub backbones: Vec<BackboneSpec>,
    /// At least one, each once.
    pub seeds: Vec<u64>,
    /// How networks are trained.
    pub protocol: Protocol,
    /// (baseline, candidate) by method name.
    pub comparisons: Vec<(String, String)>,
    /// Label of the sweep's axis.
    pub sweep_label: Option<String>,
    /// What to do about unusable images.
    pub on_bad_image: BadImagePolicy,
    /// Runs side by side.
    pub jobs: JobsFile,
}

/// A data set as asked for.
#[derive(Clone, Debug)]
pub struct DataSpec {
    /// Short name.
    pub name: String,
    /// One line.
    pub title: String,
    /// Where it comes from.
    pub source: DataSource,
    /// Positive source -> negative sources, beyond the manifests' own.
    pub pairs: BTreeMap<String, Vec<String>>,
    /// Name of the positive class, if not the second.
    pub positive: Option<String>,
    /// Number of training images to keep.
    pub limit_train: Option<usize>,
    /// The recipe that makes the training images' maps, in place of the manifests' own.
    pub recipe: Option<PathBuf>,
    /// Place on the sweep's axis.
    pub at: Option<f64>,
}

/// Where a data set comes from.
#[derive(Clone, Debug)]
pub enum DataSource {
    /// Drawn.
    Phantom(Arc<dyn Phantom>),
    /// Collected: manifest files by role.
    Manifests {
        /// Whose training split is trained on.
        train: Vec<PathBuf>,
        /// Whose validation split chooses the epoch.
        validation: Vec<PathBuf>,
        /// Whose test split is scored.
        test: Vec<PathBuf>,
    },
}

/// A way of training.
#[derive(Clone, Debug)]
pub struct MethodSpec {
    /// Short name.
    pub name: String,
    /// What is minimised.
    pub method: Arc<dyn Method>,
    /// The name of the tap where CAMs are taken, in training and in scoring; every backbone of the experiment has it.
    pub tap: String,
    /// What replaces people's maps in training.
    pub map_control: Option<Arc<dyn MapControl>>,
}

/// A network and its input.
#[derive(Clone, Debug, PartialEq)]
pub struct BackboneSpec {
    /// Which.
    pub architecture: Architecture,
    /// Weights to start from.
    pub pretrained: Option<Weights>,
    /// Side of the square input.
    pub input_px: usize,
    /// Side of the CAM's grid there.
    pub grid: usize,
}

/// How a file is to be read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Take the file's `with_phantom` part.
    pub phantom: bool,
    /// The folder where manifests are looked for by id; `data-manifests` beside the file's folder, else in the working
    /// folder, if absent.
    pub manifests: Option<PathBuf>,
}

/// Reads and checks an experiment file.
///
/// # Errors
/// [`ExperimentError::File`] with every fault found; [`ExperimentError::Io`] if the file cannot be read.
pub fn read_experiment(path: &Path, options: &Options) -> Result<Experiment, ExperimentError> {
    let text = fs_err::read_to_string(path).map_err(|e| ExperimentError::io("read experiment", path, e))?;
    let source = Source::new(path, &text);
    let mut file: ExperimentFile =
        serde_yaml::from_str(&text).map_err(|e| ExperimentError::File(vec![source.refused(&e)]))?;
    let mut check = Check { source, faults: Vec::new(), manifests: manifest_folder(path, options) };

    let mut root: Vec<Step> = Vec::new();
    if options.phantom {
        match file.with_phantom.take() {
            Some(instead) => {
                file.data = instead.data;
                file.backbones = instead.backbones.unwrap_or(file.backbones);
                file.seeds = instead.seeds.unwrap_or(file.seeds);
                file.training = instead.training.unwrap_or(file.training);
                file.jobs = instead.jobs.unwrap_or(file.jobs);
                root.push(field("with_phantom"));
            }
            None if file.data.iter().all(|d| d.phantom.is_some()) => {}
            None => check.fault(
                &[],
                "there is no `with_phantom` part, which says what `--phantom` is to run",
                Some("add one, or run without `--phantom`".to_owned()),
            ),
        }
    } else {
        file.with_phantom = None;
    }
    let experiment = check.experiment(&file, &root, path, options.phantom);
    match experiment {
        Some(experiment) if check.faults.is_empty() => Ok(experiment),
        _ => {
            check.faults.sort_by_key(|f| f.place);
            check.faults.dedup();
            Err(ExperimentError::File(check.faults))
        }
    }
}

fn manifest_folder(path: &Path, options: &Options) -> PathBuf {
    if let Some(folder) = &options.manifests {
        return folder.clone();
    }
    let beside = path.parent().unwrap_or(Path::new("")).join("..").join("data-manifests");
    if beside.is_dir() { beside } else { PathBuf::from("data-manifests") }
}

fn field(name: &str) -> Step {
    Step::Field(name.to_owned())
}

fn join(root: &[Step], rest: &[Step]) -> Vec<Step> {
    root.iter().chain(rest).cloned().collect()
}

struct Check<'a> {
    source: Source<'a>,
    faults: Vec<Diagnostic>,
    manifests: PathBuf,
}

impl Check<'_> {
    fn fault(&mut self, path: &[Step], message: impl Into<String>, hint: Option<String>) {
        let fault = self.source.at(path, message, hint);
        self.faults.push(fault);
    }

    fn experiment(
        &mut self,
        file: &ExperimentFile,
        root: &[Step],
        path: &Path,
        phantom_instead: bool,
    ) -> Option<Experiment> {
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let mut name = file.name.clone().unwrap_or(stem);
        self.plain_name(&[field("name")], &name);
        if phantom_instead {
            name.push_str("-phantom");
        }
        // `with_phantom` may leave these to the file's own.
        let under_root = |name: &str, present: bool| {
            if present { join(root, &[field(name)]) } else { vec![field(name)] }
        };
        let data = self.data(file, &under_root("data", true));
        let methods = self.methods(file);
        let training_path = under_root("training", !root.is_empty());
        let protocol = self.protocol(&file.training, &training_path);
        let backbones =
            self.backbones(file, &under_root("backbones", !root.is_empty()), &training_path, path);
        self.combinations(&methods, &backbones, &protocol, &training_path);
        let seeds = self.seeds(file, &under_root("seeds", !root.is_empty()));
        let comparisons = self.comparisons(file);
        if file.jobs == JobsFile::Count(0) {
            self.fault(
                &under_root("jobs", false),
                "`jobs` is 0",
                Some("expected `auto` or a number from 1".to_owned()),
            );
        }
        let resolved_yaml = match serde_yaml::to_string(&resolved(file, &data, &methods, &protocol)) {
            Ok(text) => text,
            Err(e) => {
                self.fault(&[], format!("cannot write the resolved experiment: {e}"), None);
                return None;
            }
        };
        Some(Experiment {
            name,
            title: file.title.clone(),
            description: file.description.trim().to_owned(),
            path: path.to_owned(),
            resolved_yaml,
            phantom_instead,
            data,
            methods,
            backbones,
            seeds,
            protocol,
            comparisons,
            sweep_label: file.sweep.as_ref().map(|s| s.label.clone()),
            on_bad_image: file.on_bad_image,
            jobs: file.jobs,
        })
    }

    /// A part that the file chooses by name from a list. `named` is the name and where it stands, `here` where its settings
    /// stand; what cannot be used is noted as a fault, which begins with `unknown` where no part has that name.
    fn part<T: ?Sized>(
        &mut self,
        choices: &[Choice<T>],
        unknown: &str,
        (name, named_at): (&str, &[Step]),
        settings: &Map<String, Value>,
        here: &[Step],
    ) -> Option<Box<T>> {
        match find(choices, name) {
            Err(hint) => {
                self.fault(named_at, format!("{unknown} `{name}`"), Some(hint));
                None
            }
            Ok(choice) => choice
                .parse(settings)
                .map_err(|fault| self.fault(&join(here, &fault.path), fault.to_string(), fault.hint))
                .ok(),
        }
    }

    /// Names become parts of paths and of tables.
    fn plain_name(&mut self, path: &[Step], name: &str) {
        let plain = !name.is_empty()
            && name.len() <= 60
            && !name.starts_with(['.', '-'])
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if !plain {
            self.fault(
                path,
                format!("`{name}` cannot be a name"),
                Some(
                    "use letters, digits, `-`, `_` and `.`, at most 60 of them, not starting with `.` or `-`"
                        .to_owned(),
                ),
            );
        }
    }

    fn repeated(&mut self, root: &[Step], of: &str, names: &[(Vec<Step>, String)]) {
        let mut known = BTreeSet::new();
        for (rest, name) in names {
            if !known.insert(name.as_str()) {
                self.fault(&join(root, rest), format!("the {of} `{name}` is there twice"), None);
            }
        }
    }

    fn seeds(&mut self, file: &ExperimentFile, root: &[Step]) -> Vec<u64> {
        let seeds = file.seeds.to_vec();
        if seeds.is_empty() {
            self.fault(
                root,
                "there are no seeds",
                Some("give a number of seeds (5 means 0, 1, 2, 3, 4) or a list".to_owned()),
            );
        }
        let names: Vec<_> =
            seeds.iter().enumerate().map(|(i, s)| (vec![Step::Index(i)], s.to_string())).collect();
        self.repeated(root, "seed", &names);
        seeds
    }

    fn comparisons(&mut self, file: &ExperimentFile) -> Vec<(String, String)> {
        let names: Vec<&str> = file.methods.iter().map(|m| m.name.as_str()).collect();
        for (i, compare) in file.compare.iter().enumerate() {
            for (side, name) in [("baseline", &compare.baseline), ("candidate", &compare.candidate)] {
                if !names.contains(&name.as_str()) {
                    self.fault(
                        &[field("compare"), Step::Index(i), field(side)],
                        format!("there is no method `{name}`"),
                        Some(nearest(name, &names)),
                    );
                }
            }
            if compare.baseline == compare.candidate {
                self.fault(
                    &[field("compare"), Step::Index(i)],
                    format!("`{}` is compared with itself", compare.baseline),
                    None,
                );
            }
        }
        file.compare.iter().map(|c| (c.baseline.clone(), c.candidate.clone())).collect()
    }
}

/// The file with defaults written out.
fn resolved(
    file: &ExperimentFile,
    data: &[DataSpec],
    methods: &[MethodSpec],
    protocol: &Protocol,
) -> ExperimentFile {
    let mut file = file.clone();
    for (written, checked) in file.data.iter_mut().zip(data) {
        if let (Some(written), DataSource::Phantom(phantom)) = (&mut written.phantom, &checked.source) {
            written.settings = phantom.to_fields();
        }
    }
    for (written, checked) in file.methods.iter_mut().zip(methods) {
        written.settings = checked.method.to_fields();
        written.tap = Some(checked.tap.clone());
        written.maps =
            checked.map_control.as_ref().map(|c| Part { name: c.name().to_owned(), settings: c.to_fields() });
    }
    file.training = training::resolved(&file.training, protocol);
    file
}
