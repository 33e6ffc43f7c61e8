//! From what an experiment file says to what can be run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cyborg_backbones::{Architecture, Tap};
use cyborg_loss::CamClass;
use cyborg_phantom::FacePhantom;
use cyborg_train::Method;
use cyborg_weights::Source as Weights;

use crate::ExperimentError;
use crate::diagnostic::{Diagnostic, Source, nearest};
use crate::file::{
    BadImagePolicy, CamClassName, DataFile, ExperimentFile, JobsFile, LossName, MethodFile, PhantomFile,
    TapName, TrainingFile,
};
use crate::locate::Step;

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
    /// The recipe.
    pub training: TrainingFile,
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
#[derive(Clone, Debug, PartialEq)]
pub enum DataSource {
    /// Drawn.
    Faces(FacePhantom),
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
#[derive(Clone, Debug, PartialEq)]
pub struct MethodSpec {
    /// Short name.
    pub name: String,
    /// What is minimised.
    pub method: Method,
    /// Where CAMs are taken, in training and in scoring.
    pub tap: Tap,
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
        self.training(&file.training, &training_path);
        let backbones =
            self.backbones(file, &under_root("backbones", !root.is_empty()), &training_path, path);
        let seeds = self.seeds(file, &under_root("seeds", !root.is_empty()));
        let comparisons = self.comparisons(file);
        if file.jobs == JobsFile::Count(0) {
            self.fault(
                &under_root("jobs", false),
                "`jobs` is 0",
                Some("expected `auto` or a number from 1".to_owned()),
            );
        }
        let resolved_yaml = match serde_yaml::to_string(&resolved(file, &methods)) {
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
            training: file.training.clone(),
            comparisons,
            sweep_label: file.sweep.as_ref().map(|s| s.label.clone()),
            on_bad_image: file.on_bad_image,
            jobs: file.jobs,
        })
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

    fn data(&mut self, file: &ExperimentFile, root: &[Step]) -> Vec<DataSpec> {
        if file.data.is_empty() {
            self.fault(root, "the list of data sets is empty", Some("name at least one".to_owned()));
        }
        let names: Vec<_> = file
            .data
            .iter()
            .enumerate()
            .map(|(i, d)| (vec![Step::Index(i), field("name")], d.name.clone()))
            .collect();
        self.repeated(root, "data set", &names);
        let mut specs = Vec::new();
        for (i, data) in file.data.iter().enumerate() {
            let here = join(root, &[Step::Index(i)]);
            self.plain_name(&join(&here, &[field("name")]), &data.name);
            match (&file.sweep, data.at) {
                (Some(_), None) => self.fault(
                    &here,
                    format!("data set `{}` has no `at`, its place on the sweep's axis", data.name),
                    Some("add `at: NUMBER`, or remove `sweep`".to_owned()),
                ),
                (_, Some(at)) if !at.is_finite() => {
                    self.fault(
                        &join(&here, &[field("at")]),
                        format!("`at` is {at}, which is no place on an axis"),
                        None,
                    );
                }
                _ => {}
            }
            if data.limit_train == Some(0) {
                self.fault(
                    &join(&here, &[field("limit_train")]),
                    "`limit_train` is 0: nothing to train on",
                    None,
                );
            }
            let recipe =
                data.recipe.as_ref().and_then(|name| self.recipe(name, &join(&here, &[field("recipe")])));
            if let Some(source) = self.data_source(data, &here) {
                specs.push(DataSpec {
                    recipe,
                    name: data.name.clone(),
                    title: data.title.clone(),
                    source,
                    pairs: data.pairs.clone(),
                    positive: data.positive.clone(),
                    limit_train: data.limit_train,
                    at: data.at,
                });
            }
        }
        specs
    }

    fn data_source(&mut self, data: &DataFile, here: &[Step]) -> Option<DataSource> {
        let by_role = !data.train.is_empty() || !data.test.is_empty() || !data.validation.is_empty();
        let given =
            usize::from(data.phantom.is_some()) + usize::from(data.manifest.is_some()) + usize::from(by_role);
        if given != 1 {
            self.fault(
                here,
                format!(
                    "data set `{}` must say where it comes from exactly once, and does so {given} times",
                    data.name
                ),
                Some("give one of `phantom`, `manifest`, or `train` with `test`".to_owned()),
            );
            return None;
        }
        if let Some(PhantomFile::Faces(faces)) = &data.phantom {
            let place = join(here, &[field("phantom"), field("faces")]);
            for fault in faces.faults() {
                // A fault starts with the field it is about, in backticks, where it is about one.
                let name = fault.split('`').nth(1).unwrap_or_default().to_owned();
                self.fault(&join(&place, &[field(&name)]), fault, None);
            }
            return Some(DataSource::Faces(faces.clone()));
        }
        if let Some(manifest) = &data.manifest {
            let path = self.manifest(manifest, &join(here, &[field("manifest")]))?;
            return Some(DataSource::Manifests {
                train: vec![path.clone()],
                validation: vec![path.clone()],
                test: vec![path],
            });
        }
        if data.train.is_empty() {
            self.fault(here, format!("data set `{}` has no `train`", data.name), None);
        }
        if data.test.is_empty() {
            self.fault(here, format!("data set `{}` has no `test`", data.name), None);
        }
        let mut role = |names: &[String], role: &str| -> Vec<PathBuf> {
            (0..names.len())
                .filter_map(|i| self.manifest(&names[i], &join(here, &[field(role), Step::Index(i)])))
                .collect()
        };
        let train = role(&data.train, "train");
        let test = role(&data.test, "test");
        let validation =
            if data.validation.is_empty() { train.clone() } else { role(&data.validation, "validation") };
        Some(DataSource::Manifests { train, validation, test })
    }

    /// A recipe file that can be read and is a valid recipe.
    fn recipe(&mut self, name: &str, place: &[Step]) -> Option<PathBuf> {
        let path = self.source.path.parent().unwrap_or(Path::new("")).join(name);
        match cyborg_recipe::read_recipe(&path) {
            Ok(_) => Some(path),
            Err(error) => {
                self.fault(
                    place,
                    crate::error_chain(&error),
                    Some("a path is relative to the experiment file".to_owned()),
                );
                None
            }
        }
    }

    /// The file of a manifest named by path or id.
    fn manifest(&mut self, name: &str, place: &[Step]) -> Option<PathBuf> {
        let is_path =
            name.contains('/') || Path::new(name).extension().is_some_and(|e| e == "yaml" || e == "yml");
        let path = if is_path {
            self.source.path.parent().unwrap_or(Path::new("")).join(name)
        } else {
            self.manifests.join(format!("{name}.yaml"))
        };
        if path.is_file() {
            return Some(path);
        }
        let hint = if is_path {
            format!("looked at `{}`; a path is relative to the experiment file", path.display())
        } else {
            let mut ids: Vec<String> = fs_err::read_dir(&self.manifests)
                .map(|entries| {
                    entries
                        .filter_map(|e| Some(e.ok()?.path()))
                        .filter(|p| p.extension().is_some_and(|e| e == "yaml"))
                        .filter_map(|p| Some(p.file_stem()?.to_string_lossy().into_owned()))
                        .collect()
                })
                .unwrap_or_default();
            ids.sort();
            if ids.is_empty() {
                format!(
                    "there are no manifests in `{}`; `--manifests` names another folder",
                    self.manifests.display()
                )
            } else {
                nearest(name, &ids)
            }
        };
        self.fault(place, format!("there is no manifest `{name}`"), Some(hint));
        None
    }

    fn methods(&mut self, file: &ExperimentFile) -> Vec<MethodSpec> {
        let root = [field("methods")];
        if file.methods.is_empty() {
            self.fault(&root, "the list of methods is empty", Some("name at least one".to_owned()));
        }
        let names: Vec<_> = file
            .methods
            .iter()
            .enumerate()
            .map(|(i, m)| (vec![Step::Index(i), field("name")], m.name.clone()))
            .collect();
        self.repeated(&root, "method", &names);
        file.methods
            .iter()
            .enumerate()
            .map(|(i, m)| self.method(m, &join(&root, &[Step::Index(i)])))
            .collect()
    }

    fn method(&mut self, method: &MethodFile, here: &[Step]) -> MethodSpec {
        self.plain_name(&join(here, &[field("name")]), &method.name);
        let alpha = method.alpha.unwrap_or(0.5);
        if !(0.0..=1.0).contains(&alpha) {
            self.fault(
                &join(here, &[field("alpha")]),
                format!("`alpha` is {alpha}, outside [0, 1]"),
                Some("1 is cross-entropy alone, 0 the map term alone; the papers use 0.5".to_owned()),
            );
        }
        if method.loss == LossName::CrossEntropy {
            for (name, present) in
                [("alpha", method.alpha.is_some()), ("cam_class", method.cam_class.is_some())]
            {
                if present {
                    self.fault(
                        &join(here, &[field(name)]),
                        format!("`{name}` has no meaning with `loss: cross-entropy`"),
                        Some("remove it, or use `loss: cyborg`".to_owned()),
                    );
                }
            }
        }
        let cam_class = match method.cam_class {
            Some(CamClassName::True) => CamClass::True,
            Some(CamClassName::Predicted) | None => CamClass::Predicted,
        };
        MethodSpec {
            name: method.name.clone(),
            method: match method.loss {
                LossName::CrossEntropy => Method::CrossEntropy,
                LossName::Cyborg => Method::Cyborg { alpha, cam_class },
            },
            tap: match method.tap {
                Some(TapName::Pooled) => Tap::POOLED,
                Some(TapName::Released) | None => Tap::RELEASED,
            },
        }
    }

    fn training(&mut self, training: &TrainingFile, root: &[Step]) {
        let t = training;
        let mut require = |name: &str, fine: bool, found: String, expected: &str| {
            if !fine {
                self.fault(
                    &join(root, &[field(name)]),
                    format!("`{name}` is {found}"),
                    Some(format!("expected {expected}")),
                );
            }
        };
        require("epochs", t.epochs >= 1, t.epochs.to_string(), "at least 1");
        require(
            "batch_size",
            t.batch_size >= 2,
            t.batch_size.to_string(),
            "at least 2: batch norm needs a batch",
        );
        let positive = |x: f64| x.is_finite() && x > 0.0;
        require("learning_rate", positive(t.learning_rate), t.learning_rate.to_string(), "a number above 0");
        require("momentum", (0.0..1.0).contains(&t.momentum), t.momentum.to_string(), "a number in [0, 1)");
        let not_negative = t.weight_decay.is_finite() && t.weight_decay >= 0.0;
        require("weight_decay", not_negative, t.weight_decay.to_string(), "0 or more");
        require("lr_step_epochs", t.lr_step_epochs >= 1, t.lr_step_epochs.to_string(), "at least 1");
        let factor = positive(t.lr_step_factor) && t.lr_step_factor <= 1.0;
        require("lr_step_factor", factor, t.lr_step_factor.to_string(), "a number in (0, 1]");
    }

    fn backbones(
        &mut self,
        file: &ExperimentFile,
        root: &[Step],
        training: &[Step],
        path: &Path,
    ) -> Vec<BackboneSpec> {
        let valid: Vec<&str> = Architecture::ALL.iter().map(|a| a.name()).collect();
        if file.backbones.is_empty() {
            self.fault(root, "the list of backbones is empty", Some(nearest("", &valid)));
        }
        let names: Vec<_> =
            file.backbones.iter().enumerate().map(|(i, b)| (vec![Step::Index(i)], b.clone())).collect();
        self.repeated(root, "backbone", &names);
        for name in file.pretrained.keys() {
            if !valid.contains(&name.as_str()) {
                self.fault(
                    &[field("pretrained"), field(name)],
                    format!("there is no backbone `{name}`"),
                    Some(nearest(name, &valid)),
                );
            }
        }
        let mut specs = Vec::new();
        for (i, name) in file.backbones.iter().enumerate() {
            let here = join(root, &[Step::Index(i)]);
            let Some(architecture) = Architecture::from_name(name) else {
                self.fault(&here, format!("there is no backbone `{name}`"), Some(nearest(name, &valid)));
                continue;
            };
            let input_px = file.training.input_px.unwrap_or_else(|| architecture.default_input_px());
            let Some(grid) = architecture.grid(input_px).filter(|_| input_px <= 4096) else {
                self.fault(
                    &join(training, &[field("input_px")]),
                    format!("`{name}` cannot take images of {input_px}x{input_px} pixels"),
                    Some(format!("its own size is {0}x{0}", architecture.default_input_px())),
                );
                continue;
            };
            let with_maps =
                |m: &&MethodFile| m.loss == LossName::Cyborg && m.alpha.is_none_or(|alpha| alpha < 1.0);
            if grid == 1
                && let Some(method) = file.methods.iter().find(with_maps)
            {
                self.fault(
                    &join(training, &[field("input_px")]),
                    format!(
                        "at {input_px}x{input_px} pixels `{name}` has a CAM of one cell: `{}` has nothing to compare",
                        method.name
                    ),
                    Some("take a larger `input_px`".to_owned()),
                );
            }
            let pretrained = file.pretrained.get(name).and_then(|text| self.weights(name, text, path));
            specs.push(BackboneSpec { architecture, pretrained, input_px, grid });
        }
        specs
    }

    /// Where the weights of a backbone are; a path is relative to the experiment file at `path`.
    fn weights(&mut self, backbone: &str, text: &str, path: &Path) -> Option<Weights> {
        let here = [field("pretrained"), field(backbone)];
        match Weights::parse(text) {
            Ok(Weights::File(file)) => {
                let weights = path.parent().unwrap_or(Path::new("")).join(file);
                if !weights.is_file() {
                    self.fault(
                        &here,
                        format!("there are no weights `{}`", weights.display()),
                        Some("a path is relative to the experiment file".to_owned()),
                    );
                }
                Some(Weights::File(weights))
            }
            Ok(hub) => Some(hub),
            Err(error) => {
                self.fault(&here, error.to_string(), None);
                None
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
fn resolved(file: &ExperimentFile, methods: &[MethodSpec]) -> ExperimentFile {
    let mut file = file.clone();
    for (written, checked) in file.methods.iter_mut().zip(methods) {
        if let Method::Cyborg { alpha, cam_class } = checked.method {
            written.alpha = Some(alpha);
            written.cam_class = Some(match cam_class {
                CamClass::Predicted => CamClassName::Predicted,
                CamClass::True => CamClassName::True,
            });
        }
        written.tap = Some(if checked.tap == Tap::POOLED { TapName::Pooled } else { TapName::Released });
    }
    file
}
