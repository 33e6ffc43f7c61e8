//! Reports of runs that are finished: of any set of them, of an experiment so far, and of one that is running.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cyborg_report::ReportOutcome;

use crate::ExperimentError;
use crate::check::Experiment;
use crate::context::{ExperimentContext, recall};
use crate::remembered::Remembered;
use crate::running::running;
use crate::select::{FoundRun, find_runs};

/// Where a report of finished runs goes and what it is made from.
#[derive(Clone, Debug)]
pub struct ReportOptions {
    /// The report's folder; else one of the experiment's name below `reports_dir`.
    pub output: Option<PathBuf>,
    /// Folder of the reports.
    pub reports_dir: PathBuf,
    /// Folder of the runs, where they are not named one by one.
    pub runs_dir: PathBuf,
    /// The experiment whose names are used, where runs belong to several.
    pub experiment: Option<String>,
    /// Where data sets lie now, if not where they were.
    pub data_root: Option<PathBuf>,
}

/// How far a followed experiment is.
#[derive(Clone, Debug)]
pub struct Followed {
    /// Runs with results.
    pub n_done: usize,
    /// Runs that the experiment asks for.
    pub n_asked: usize,
    /// The report of the runs so far.
    pub outcome: ReportOutcome,
}

/// Builds the report of the runs that the arguments name: run folders, folders of run folders, patterns.
///
/// Nothing is trained or scored, and the images may be gone: then the gallery has gaps.
///
/// # Errors
/// [`ExperimentError::Selection`] if an argument names no run; [`ExperimentError::Report`] if no run has results or the
/// report cannot be written.
pub fn report_runs(arguments: &[String], options: &ReportOptions) -> Result<ReportOutcome, ExperimentError> {
    let found = find_runs(arguments)?;
    build(&Remembered::new(&found, options.experiment.as_deref())?, options)
}

/// Builds the report of what is finished of an experiment as its file now stands.
///
/// # Errors
/// [`ExperimentError::Selection`] if nothing of it is finished; else as [`report_runs`].
pub fn report_experiment(
    experiment: &Experiment,
    options: &ReportOptions,
) -> Result<ReportOutcome, ExperimentError> {
    let wanted = ExperimentContext::new(experiment);
    let found = runs_of(&wanted, &options.runs_dir)?;
    if found.is_empty() {
        return Err(ExperimentError::Selection {
            argument: experiment.path.display().to_string(),
            reason: format!(
                "`{}` holds no run that remembers this experiment as its file now stands",
                options.runs_dir.display()
            ),
            hint: format!("`{}` runs what is missing and keeps what is finished", wanted.command),
        });
    }
    build(&Remembered::new(&found, Some(&wanted.name))?, options)
}

/// Follows a running experiment: builds its report whenever a run has finished and hands it to `say`, until the
/// experiment ends. Without one named, the one that runs is followed.
///
/// # Errors
/// [`ExperimentError::Selection`] if none runs, or several do and none is named; else as [`report_runs`].
pub fn follow(
    experiment: Option<&Experiment>,
    options: &ReportOptions,
    say: &dyn Fn(&Followed),
) -> Result<Option<Followed>, ExperimentError> {
    const PAUSE: Duration = Duration::from_secs(1);
    let wanted = match experiment {
        Some(experiment) => ExperimentContext::new(experiment),
        None => the_running_one(&options.runs_dir)?,
    };
    let n_asked = wanted.data.len() * wanted.methods.len() * wanted.backbones.len() * wanted.seeds.len();
    let mut known: Option<BTreeSet<(PathBuf, Option<String>)>> = None;
    let mut last = None;
    loop {
        // Asked first: what finishes between the two questions is found by the second one.
        let is_running = running(&options.runs_dir).iter().any(|other| other.name == wanted.name);
        let found = runs_of(&wanted, &options.runs_dir)?;
        let state: BTreeSet<_> = found.iter().map(|run| (run.dir.clone(), run.unfinished.clone())).collect();
        let n_done = found.iter().filter(|run| run.unfinished.is_none()).count();
        if n_done > 0 && known.as_ref() != Some(&state) {
            let outcome = build(&Remembered::new(&found, Some(&wanted.name))?, options)?;
            let followed = Followed { n_done, n_asked, outcome };
            say(&followed);
            last = Some(followed);
            known = Some(state);
        }
        if !is_running {
            return Ok(last);
        }
        std::thread::sleep(PAUSE);
    }
}

/// The only experiment that runs.
fn the_running_one(runs_dir: &Path) -> Result<ExperimentContext, ExperimentError> {
    let mut all = running(runs_dir);
    let refused = |reason: String, hint: &str| ExperimentError::Selection {
        argument: "--watch".to_owned(),
        reason,
        hint: hint.to_owned(),
    };
    match all.len() {
        1 => Ok(all.remove(0)),
        0 => Err(refused(
            format!("no experiment is running in `{}`", runs_dir.display()),
            "name its file, `cargo xtask report --watch experiments/NAME.yaml`, for a report of what is finished",
        )),
        _ => {
            let names: Vec<String> = all.iter().map(|e| format!("`{}`", e.name)).collect();
            Err(refused(format!("{} are running", names.join(", ")), "name the file of one of them"))
        }
    }
}

/// The runs in a folder that remember the experiment as it is now.
fn runs_of(wanted: &ExperimentContext, runs_dir: &Path) -> Result<Vec<FoundRun>, ExperimentError> {
    let Ok(entries) = fs_err::read_dir(runs_dir) else { return Ok(Vec::new()) };
    let mut dirs: Vec<String> = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        let dir = entry.path();
        let is_wanted = dir.join("run.json").is_file()
            && recall(&dir).iter().any(|context| {
                context.experiment.name == wanted.name
                    && context.experiment.resolved_yaml == wanted.resolved_yaml
            });
        if is_wanted {
            dirs.push(dir.display().to_string());
        }
    }
    dirs.sort();
    if dirs.is_empty() { Ok(Vec::new()) } else { find_runs(&dirs) }
}

fn build(remembered: &Remembered, options: &ReportOptions) -> Result<ReportOutcome, ExperimentError> {
    let input = remembered.input(options.data_root.as_deref());
    let dir = options.output.clone().unwrap_or_else(|| options.reports_dir.join(&input.name));
    cyborg_report::build(&input, &dir).map_err(|e| ExperimentError::Report { dir, source: Box::new(e) })
}
