//! Two groups of runs, named as people name them, handed to the comparison.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cyborg_eval::{DataDigests, RunKey, compare_digests};
use cyborg_report::{CompareInput, CompareOutcome, RunEntry};

use crate::ExperimentError;
use crate::context::recall;
use crate::remembered::Remembered;
use crate::select::{FoundRun, find_runs, is_path};
use crate::summary::data_entry;

/// What to compare, and where to look for it.
#[derive(Clone, Debug)]
pub struct CompareOptions {
    /// Folder of the runs, where methods are named.
    pub runs_dir: PathBuf,
    /// The experiment whose methods are meant.
    pub experiment: Option<String>,
    /// Only runs of this backbone.
    pub backbone: Option<String>,
    /// Only this data set of the experiment.
    pub data: Option<String>,
    /// Metrics that are shown.
    pub metrics: Vec<String>,
    /// Compare each pair of runs on the same images as well.
    pub on_images: bool,
    /// Write the tables into this folder.
    pub output: Option<PathBuf>,
}

/// Compares two groups of runs, the second against the first. Each is a run folder, a pattern, or the name of a method.
///
/// # Errors
/// [`ExperimentError::Selection`] if one of the two names no run or the runs cannot be paired;
/// [`ExperimentError::Report`] if their scores cannot be compared.
pub fn compare_runs(
    baseline: &str,
    candidate: &str,
    options: &CompareOptions,
) -> Result<CompareOutcome, ExperimentError> {
    let wanted = options.experiment.as_deref();
    let experiment = if is_path(baseline) && is_path(candidate) {
        wanted.map(ToOwned::to_owned)
    } else {
        Some(the_experiment([baseline, candidate], options)?)
    };
    let group = |argument: &str| -> Result<Group, ExperimentError> {
        let found = if is_path(argument) {
            find_runs(&[argument.to_owned()])?
        } else {
            of_method(argument, experiment.as_deref(), options)?
        };
        Group::new(argument, &found, experiment.as_deref(), options)
    };
    let (baseline, candidate) = (group(baseline)?, group(candidate)?);
    let input = paired(baseline, candidate, options)?;
    cyborg_report::compare(&input, options.output.as_deref()).map_err(|e| ExperimentError::Report {
        dir: options.output.clone().unwrap_or_else(|| PathBuf::from("-")),
        source: Box::new(e),
    })
}

/// One side of the comparison.
struct Group {
    argument: String,
    remembered: Remembered,
}

impl Group {
    fn new(
        argument: &str,
        found: &[FoundRun],
        experiment: Option<&str>,
        options: &CompareOptions,
    ) -> Result<Self, ExperimentError> {
        let mut remembered = Remembered::new(found, experiment)?;
        if !is_path(argument) {
            remembered.runs.retain(|run| run.key.method == argument);
        }
        if let Some(backbone) = &options.backbone {
            remembered.runs.retain(|run| run.key.backbone == *backbone);
        }
        if let Some(data) = &options.data {
            remembered.runs.retain(|run| run.key.data == *data);
        }
        if remembered.runs.is_empty() {
            let unfinished = remembered.failed.first().map(|run| run.reason.clone());
            return Err(ExperimentError::Selection {
                argument: argument.to_owned(),
                reason: unfinished.unwrap_or_else(|| "no finished run is left of it".to_owned()),
                hint: "see `--experiment`, `--backbone` and `--data`, or finish the runs".to_owned(),
            });
        }
        Ok(Self { argument: argument.to_owned(), remembered })
    }

    /// The different values of a part of the runs' names.
    fn all(&self, part: impl Fn(&RunKey) -> &str) -> BTreeSet<String> {
        self.remembered.runs.iter().map(|run| part(&run.key).to_owned()).collect()
    }

    fn refuse(&self, reason: String, hint: &str) -> ExperimentError {
        ExperimentError::Selection { argument: self.argument.clone(), reason, hint: hint.to_owned() }
    }
}

/// The experiment that the named methods belong to: the one that is asked for, or the only one that has them.
fn the_experiment(names: [&str; 2], options: &CompareOptions) -> Result<String, ExperimentError> {
    if let Some(experiment) = &options.experiment {
        return Ok(experiment.clone());
    }
    let methods: Vec<&str> = names.into_iter().filter(|name| !is_path(name)).collect();
    let mut known: BTreeSet<(String, String)> = BTreeSet::new();
    for dir in run_dirs(&options.runs_dir) {
        for context in recall(&dir) {
            known.insert((context.experiment.name, context.method));
        }
    }
    let has_all = |experiment: &str| {
        methods.iter().all(|method| known.contains(&(experiment.to_owned(), (*method).to_owned())))
    };
    let experiments: BTreeSet<&str> = known.iter().map(|(experiment, _)| experiment.as_str()).collect();
    let fitting: Vec<&str> = experiments.into_iter().filter(|experiment| has_all(experiment)).collect();
    let refused = |reason: String, hint: String| ExperimentError::Selection {
        argument: methods.join("` and `"),
        reason,
        hint,
    };
    match fitting.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => {
            let methods: BTreeSet<&str> = known.iter().map(|(_, method)| method.as_str()).collect();
            let methods: Vec<String> = methods.iter().map(|method| format!("`{method}`")).collect();
            Err(refused(
                format!("no experiment in `{}` has finished runs of it", options.runs_dir.display()),
                if methods.is_empty() {
                    "the runs there remember no experiment: run one, or name run folders".to_owned()
                } else {
                    format!("methods there: {}; a run folder or a pattern also serves", methods.join(", "))
                },
            ))
        }
        several => Err(refused(
            format!("several experiments have it: `{}`", several.join("`, `")),
            "name one with `--experiment`".to_owned(),
        )),
    }
}

fn run_dirs(runs_dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs_err::read_dir(runs_dir) else { return Vec::new() };
    let mut dirs: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    dirs.retain(|dir| dir.join("run.json").is_file());
    dirs.sort();
    dirs
}

fn of_method(
    method: &str,
    experiment: Option<&str>,
    options: &CompareOptions,
) -> Result<Vec<FoundRun>, ExperimentError> {
    let is_meant = |dir: &PathBuf| {
        recall(dir).iter().any(|context| {
            context.method == method && experiment.is_none_or(|name| context.experiment.name == name)
        })
    };
    let dirs: Vec<String> = run_dirs(&options.runs_dir)
        .iter()
        .filter(|dir| is_meant(dir))
        .map(|dir| dir.display().to_string())
        .collect();
    if dirs.is_empty() {
        return Err(ExperimentError::Selection {
            argument: method.to_owned(),
            reason: format!("no run in `{}` is of this method", options.runs_dir.display()),
            hint: "check the name and `--experiment`; a run folder or a pattern also serves".to_owned(),
        });
    }
    find_runs(&dirs)
}

/// Brings both sides to names under which their runs can be paired.
fn paired(
    baseline: Group,
    candidate: Group,
    options: &CompareOptions,
) -> Result<CompareInput, ExperimentError> {
    let single = baseline.remembered.runs.len() == 1 && candidate.remembered.runs.len() == 1;
    let (a, b) = (baseline.all(|key| &key.backbone), candidate.all(|key| &key.backbone));
    let same_backbones = a == b;
    if !same_backbones && (a.len() > 1 || b.len() > 1) {
        return Err(candidate.refuse(
            format!("it has the backbones {}, the other side {}", listed(&b), listed(&a)),
            "narrow both with `--backbone`, or name runs of one backbone on each side",
        ));
    }
    let digests_of = |group: &Group, name: &str| {
        let data = group.remembered.data.iter().find(|data| data.name == name);
        data.map(|data| DataDigests {
            training: data.train_blake3.clone(),
            validation: data.validation_blake3.clone(),
            test: data.test_blake3.clone(),
        })
        .unwrap_or_default()
    };
    let (data_a, data_b) = (baseline.all(|key| &key.data), candidate.all(|key| &key.data));
    let same_data = data_a == data_b;
    if !same_data && (data_a.len() > 1 || data_b.len() > 1) {
        return Err(candidate.refuse(
            format!("it is on the data sets {}, the other side on {}", listed(&data_b), listed(&data_a)),
            "narrow both with `--data`",
        ));
    }
    // Two data sets of one name need not hold the same images: the contents decide.
    let mut notes: Vec<String> = Vec::new();
    let named_alike: Vec<(&String, &String)> = if same_data {
        data_a.iter().zip(&data_b).collect()
    } else {
        data_a.first().zip(data_b.first()).into_iter().collect()
    };
    for (a, b) in named_alike {
        let sides = [digests_of(&baseline, a), digests_of(&candidate, b)];
        let found = compare_digests(&baseline.argument, &sides[0], &candidate.argument, &sides[1]).map_err(
            |error| {
                candidate
                    .refuse(error.to_string(), "only runs that scored the same test images can be compared")
            },
        )?;
        notes.extend(found.into_iter().map(|note| format!("{b}: {note}")));
    }
    let methods = [baseline.all(|key| &key.method), candidate.all(|key| &key.method)];
    for (group, methods) in [(&baseline, &methods[0]), (&candidate, &methods[1])] {
        if methods.len() > 1 {
            return Err(group.refuse(
                format!("it holds several methods: {}", listed(methods)),
                "name runs of one method on each side",
            ));
        }
    }
    // What tells the two sides apart is in their names.
    let name = |group: &Group| {
        let parts = [
            (methods[0] != methods[1], group.all(|key| &key.method)),
            (!same_backbones, group.all(|key| &key.backbone)),
            (!same_data, group.all(|key| &key.data)),
        ];
        let parts: Vec<String> =
            parts.into_iter().filter(|(differs, _)| *differs).flat_map(|(_, values)| values).collect();
        if parts.is_empty() {
            group.remembered.runs.first().map(|run| format!("{} seed {}", run.key.method, run.key.seed))
        } else {
            Some(parts.join(" "))
        }
        .unwrap_or_else(|| group.argument.clone())
    };
    let (baseline_name, candidate_name) = (name(&baseline), name(&candidate));
    if baseline_name == candidate_name {
        return Err(candidate.refuse(
            "it holds the same runs as the other side".to_owned(),
            "name two different groups of runs",
        ));
    }
    let first_data = data_a.first().cloned().unwrap_or_default();
    let entries = baseline.remembered.data.iter().map(data_entry).collect();
    let mut runs = Vec::new();
    for (group, method) in [(baseline, &baseline_name), (candidate, &candidate_name)] {
        for run in group.remembered.runs {
            let key = RunKey {
                data: if same_data { run.key.data } else { first_data.clone() },
                method: method.clone(),
                backbone: if same_backbones { run.key.backbone } else { "any backbone".to_owned() },
                // Two single runs are a pair whatever their seeds.
                seed: if single { 0 } else { run.key.seed },
            };
            runs.push(RunEntry { key, dir: run.dir });
        }
    }
    Ok(CompareInput {
        baseline: baseline_name,
        candidate: candidate_name,
        data: entries,
        runs,
        metrics: options.metrics.clone(),
        on_images: options.on_images,
        notes,
    })
}

fn listed(names: &BTreeSet<String>) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
