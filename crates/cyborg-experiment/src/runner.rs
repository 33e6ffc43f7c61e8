//! Does what is not done yet, side by side, and ends in a report.

mod one_run;

use one_run::run_one;
pub(crate) use one_run::words;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cyborg_data::{BadImage, ImageSet};
use cyborg_eval::RunKey;
use cyborg_report::{FailedRun, ReportOutcome, RunEntry};
use cyborg_train::TrainSettings;
use serde_json::{Value, json};

use crate::check::Experiment;
use crate::data::{DataFolders, ResolvedData, resolve};
use crate::file::{BadImagePolicy, JobsFile};
use crate::plan::{Cell, cells, describe, identity, run_id, train_settings};
use crate::progress::Progress;
use crate::store::{Store, write_json};
use crate::{ExperimentError, context, error_chain, running, summary, weights};

/// Where things go and how hard the machine is used. Nothing here changes a result.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The run store.
    pub runs_dir: PathBuf,
    /// Reports go into a folder of the experiment's name below it.
    pub reports_dir: PathBuf,
    /// Where data lies.
    pub folders: DataFolders,
    /// Runs side by side, in place of the file's own.
    pub jobs: Option<JobsFile>,
    /// Decoded images kept in memory, for each of training, validation and test set; more are decoded again when needed.
    pub image_memory_bytes: u64,
    /// Wait for runs that another process works on.
    pub wait: bool,
    /// No progress.
    pub quiet: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct RunSummary {
    /// The report; none if no run finished.
    pub report: Option<ReportOutcome>,
    /// Trained or scored now.
    pub n_done: usize,
    /// Found finished.
    pub n_reused: usize,
    /// Asked for and not there, with the reason.
    pub failed: Vec<FailedRun>,
    /// What the reader must know, as in the report.
    pub warnings: Vec<String>,
}

/// A cell with everything that names its run.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) cell: Cell,
    pub(crate) key: RunKey,
    pub(crate) settings: TrainSettings,
    pub(crate) identity: Value,
    pub(crate) id: String,
}

/// Runs the experiment: finished runs are kept, cut ones go on, the rest start; then the report is built.
///
/// # Errors
/// Only what stops everything, such as a report that cannot be written. A run that fails is in the summary and in the
/// report, and does not stop the others.
pub fn run(experiment: &Experiment, options: &RunOptions) -> Result<RunSummary, ExperimentError> {
    let progress = Progress::new(options.quiet);
    let store = Store::new(&options.runs_dir);
    let mut outcome = Outcome::default();
    let _announcement = running::announce(experiment, &options.runs_dir)?;

    let resolved: Vec<Option<ResolvedData>> = experiment
        .data
        .iter()
        .map(|spec| {
            let counter = progress.counter(&format!("{}: data", spec.name));
            let follow = |what: &str, done: usize, of: usize| {
                counter.say(&format!("{}: {what}", spec.name));
                counter.set(done, of);
            };
            match resolve(spec, &options.folders, experiment.on_bad_image, &follow) {
                Ok(data) => Some(data),
                Err(error) => {
                    outcome.data_failures.insert(spec.name.clone(), error_chain(&error));
                    None
                }
            }
        })
        .collect();
    let weights = weights::fetch(experiment, &progress);
    let mut planned = Vec::new();
    for cell in cells(experiment) {
        let key = key(experiment, cell);
        let Some(data) = &resolved[cell.data] else {
            let reason = outcome.data_failures[&experiment.data[cell.data].name].clone();
            outcome.failed.push(FailedRun { key, reason });
            continue;
        };
        let weights = match &weights[cell.backbone] {
            Ok(path) => path.as_deref(),
            Err(reason) => {
                outcome.failed.push(FailedRun { key, reason: reason.clone() });
                continue;
            }
        };
        let settings = train_settings(experiment, cell, data.classes.len(), weights)?;
        let identity = identity(&settings, &data.train_digest, &data.validation_digest)?;
        let id = run_id(&settings, &identity);
        planned.push(Planned { cell, key, settings, identity, id });
    }

    let unfinished = |p: &Planned| {
        resolved[p.cell.data]
            .as_ref()
            .is_some_and(|data| !(store.is_trained(&p.id) && store.is_scored(&p.id, &data.test_digest)))
    };
    let done: Vec<&Planned> = planned.iter().filter(|p| !unfinished(p)).collect();
    for p in &done {
        if let Some(data) = &resolved[p.cell.data] {
            context::remember(experiment, data, &p.key, &store.run_dir(&p.id))?;
        }
    }
    let n_reused = done.len();
    let to_do = planned.len() - n_reused;
    if n_reused > 0 {
        progress.say(&format!("{n_reused} of {} runs are finished already", planned.len()));
    }
    progress.begin_runs(to_do);
    for (data_index, data) in resolved.iter().enumerate() {
        let Some(data) = data else { continue };
        for backbone in 0..experiment.backbones.len() {
            let group: Vec<&Planned> =
                planned.iter().filter(|p| p.cell.data == data_index && p.cell.backbone == backbone).collect();
            let pending: Vec<&Planned> = group.into_iter().filter(|p| unfinished(p)).collect();
            if !pending.is_empty() {
                run_group(experiment, options, &store, &progress, data, &pending, &mut outcome);
            }
        }
    }
    progress.end();

    outcome.failed.sort_by(|a, b| a.key.cmp(&b.key));
    let runs: Vec<RunEntry> = planned
        .iter()
        .filter_map(|p| {
            let data = resolved[p.cell.data].as_ref()?;
            let dir = store.test_dir(&p.id, &data.test_digest);
            (!unfinished(p)).then(|| RunEntry { key: p.key.clone(), dir })
        })
        .collect();
    let mut warnings = summary::warnings(experiment, &resolved);
    for run in &runs {
        for note in notes(&run.dir) {
            let warning = format!("{}: {note}", run.key.data);
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
    }
    let report = if runs.is_empty() {
        None
    } else {
        let input = summary::report_input(experiment, &resolved, runs, &outcome.failed, &warnings);
        let dir = options.reports_dir.join(&experiment.name);
        let built = cyborg_report::build(&input, &dir)
            .map_err(|e| ExperimentError::Report { dir: dir.clone(), source: Box::new(e) })?;
        Some(built)
    };
    Ok(RunSummary { report, n_done: outcome.n_done, n_reused, failed: outcome.failed, warnings })
}

#[derive(Default)]
struct Outcome {
    n_done: usize,
    failed: Vec<FailedRun>,
    data_failures: BTreeMap<String, String>,
}

/// What a finished run says of its images: kept with the run, so that a report made later says the same.
pub(crate) fn notes(dir: &std::path::Path) -> Vec<String> {
    fs_err::read_to_string(dir.join("notes.json"))
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

fn key(experiment: &Experiment, cell: Cell) -> RunKey {
    RunKey {
        data: experiment.data[cell.data].name.clone(),
        method: experiment.methods[cell.method].name.clone(),
        backbone: experiment.backbones[cell.backbone].architecture.name().to_owned(),
        seed: experiment.seeds[cell.seed],
    }
}

/// The images of one data set at one input size.
struct Sets {
    train: ImageSet,
    validation: ImageSet,
    test: ImageSet,
    /// What the reader of a report must know of them.
    notes: Vec<String>,
}

/// All pending runs on the same images.
fn run_group(
    experiment: &Experiment,
    options: &RunOptions,
    store: &Store,
    progress: &Progress,
    data: &ResolvedData,
    pending: &[&Planned],
    outcome: &mut Outcome,
) {
    let backbone = &experiment.backbones[pending[0].cell.backbone];
    let load = || -> Result<(Sets, Vec<BadImage>), String> {
        let mut bad = Vec::new();
        let mut one = |items: &[cyborg_manifest::Item], what: &str| -> Result<ImageSet, String> {
            let counter = progress.counter(&format!("{}: decoding {what} images", data.name));
            let follow = |done: usize, of: usize| counter.set(done, of);
            let (set, faults) =
                ImageSet::load(items.to_vec(), backbone.input_px, options.image_memory_bytes, &follow)
                    .map_err(|e| error_chain(&e))?;
            bad.extend(faults);
            Ok(set)
        };
        let train = one(&data.train, "training")?;
        let validation = one(&data.validation, "validation")?;
        let test = one(&data.test, "test")?;
        Ok((Sets { train, validation, test, notes: Vec::new() }, bad))
    };
    let refuse = |outcome: &mut Outcome, reason: &str| {
        for p in pending {
            outcome.failed.push(FailedRun { key: p.key.clone(), reason: reason.to_owned() });
            progress.run_finished(&format!("{}: failed", p.key.data));
        }
    };
    let mut sets = match load() {
        Err(reason) => return refuse(outcome, &reason),
        Ok((_, bad)) if !bad.is_empty() && experiment.on_bad_image == BadImagePolicy::Stop => {
            return refuse(outcome, &bad_images(&data.name, &bad));
        }
        Ok((mut sets, bad)) => {
            if let Some(first) = bad.first() {
                sets.notes.push(format!(
                    "{} images were left out because they cannot be used (`{}` is one: {})",
                    bad.len(),
                    first.id,
                    first.reason
                ));
            }
            sets
        }
    };
    let maps = match sets.train.maps_on_grid(backbone.grid, backbone.grid) {
        Ok(maps) => maps,
        Err(error) => return refuse(outcome, &error_chain(&error)),
    };
    let n_flat = maps.n_flat_maps();
    if n_flat > 0 {
        sets.notes.push(format!(
            "{n_flat} of {} human maps have no contrast on the {1}x{1} grid and take no part in the map term",
            n_flat + maps.n_maps(),
            backbone.grid
        ));
    }
    let sets = &sets;

    let n_threads = rayon::current_num_threads().max(1);
    let jobs = match options.jobs.unwrap_or(experiment.jobs) {
        JobsFile::Auto(_) => n_threads,
        JobsFile::Count(n) => n,
    }
    .clamp(1, pending.len());
    let queue: Mutex<VecDeque<&Planned>> = Mutex::new(pending.iter().copied().collect());
    let results: Mutex<Vec<(&Planned, Result<(), ExperimentError>)>> = Mutex::new(Vec::new());
    let n_done = AtomicUsize::new(0);
    let worker = || {
        loop {
            let next = queue.lock().ok().and_then(|mut q| q.pop_front());
            let Some(p) = next else { break };
            let method = &experiment.methods[p.cell.method];
            let what = format!("{}: {}", data.name, describe(backbone, method, p.key.seed));
            let result = {
                let bar = progress.run(&what);
                guarded(&p.id, || {
                    let accuracy = run_one(p, options, store, data, sets, &bar)?;
                    context::remember(experiment, data, &p.key, &store.run_dir(&p.id))?;
                    Ok(accuracy)
                })
            };
            match &result {
                Ok(accuracy) => {
                    n_done.fetch_add(1, Ordering::Relaxed);
                    progress.run_finished(&format!("{what}: best validation accuracy {accuracy:.3}"));
                }
                Err(_) => progress.run_finished(&format!("{what}: failed")),
            }
            if let Ok(mut results) = results.lock() {
                results.push((p, result.map(|_| ())));
            }
        }
    };
    // Each job has its share of the threads to itself. Results do not depend on the split.
    let share = (n_threads / jobs).max(1);
    let pool = || rayon::ThreadPoolBuilder::new().num_threads(share).build();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| match pool() {
                Ok(pool) => pool.install(worker),
                // Without a pool of its own the job shares the global one: slower, the same result.
                Err(_) => worker(),
            });
        }
    });
    outcome.n_done += n_done.into_inner();
    for (p, result) in results.into_inner().unwrap_or_default() {
        if let Err(error) = result {
            let reason = error_chain(&error);
            let failed = store.run_dir(&p.id).join("failed.json");
            if !matches!(error, ExperimentError::Locked { .. }) {
                // The failure is reported anyway; that it cannot be noted down (a full disk) must not hide it.
                let _ = write_json(&failed, &json!({"reason": reason}));
            }
            outcome.failed.push(FailedRun { key: p.key.clone(), reason });
        }
    }
}

/// A panic in a run is that run's failure.
fn guarded(id: &str, work: impl FnOnce() -> Result<f64, ExperimentError>) -> Result<f64, ExperimentError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let message = payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|s| (*s).to_owned()))
            .unwrap_or_else(|| "a panic without a message".to_owned());
        Err(ExperimentError::Panic { run: id.to_owned(), message })
    })
}

fn bad_images(data: &str, bad: &[BadImage]) -> String {
    const SHOWN: usize = 20;
    let mut lines = vec![format!("{} images or maps of data `{data}` cannot be used:", bad.len())];
    for image in bad.iter().take(SHOWN) {
        lines.push(format!("  {} (`{}`): {}", image.origin, image.path.display(), image.reason));
    }
    if bad.len() > SHOWN {
        lines.push(format!("  and {} more", bad.len() - SHOWN));
    }
    lines.push(
        "  hint: repair or remove them (`cargo xtask data verify` lists all), or state `on_bad_image: skip`"
            .to_owned(),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_with_its_message() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let error = guarded("run", || panic!("broken {}", 7)).expect_err("panicked");
        std::panic::set_hook(hook);
        assert!(error.to_string().ends_with("broken 7"), "{error}");
    }
}
