//! A report of scores that another program wrote.
use crate::{
    DataEntry, ReportError, ReportInput, ReportOutcome, RunEntry, build, comparable, files, frame::Table,
};
use cyborg_eval::{Bootstrap, EvalPlan, MetricOptions, RunKey, run_intervals, write_parquet};
use polars::prelude::DataFrame;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Scores of one or more runs, and how they are to be evaluated.
#[derive(Clone, Debug)]
pub struct ScoresInput {
    /// Heading of the report.
    pub title: String,
    /// The command that makes it again.
    pub command: String,
    /// As `cyborg_eval::outside::read_score_table` reads them.
    pub runs: Vec<(RunKey, DataFrame)>,
    /// Names of the classes in the order of labels; empty where labels are numbers.
    pub classes: Vec<String>,
    /// Who is tested against whom, and what was seen in training.
    pub plan: EvalPlan,
    /// (baseline, candidate) pairs of methods to test.
    pub comparisons: Vec<(String, String)>,
    /// Thresholds, bins, groups of sources.
    pub metrics: MetricOptions,
    /// Also bootstrap intervals of every metric of every run, into `intervals.csv` and `.parquet`.
    pub bootstrap: Option<Bootstrap>,
    /// Name and value: files and their digests.
    pub environment: Vec<(String, String)>,
}

/// Writes the scores into `dir/scores` and the report of them into `dir`.
///
/// # Errors
/// [`ReportError::Choice`] if the plan or a comparison names a source or method that no score has; else as [`build`].
pub fn build_from_scores(input: &ScoresInput, dir: &Path) -> Result<ReportOutcome, ReportError> {
    let mut sources: BTreeSet<String> = BTreeSet::new();
    let mut largest_label = 1;
    let mut labels_known: BTreeSet<u32> = BTreeSet::new();
    let mut range: Option<(f64, f64)> = None;
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (key, frame) in &input.runs {
        let table = Table { frame, what: "the scores" };
        let labels = table.counts("label")?;
        largest_label = labels.iter().copied().fold(largest_label, u32::max);
        labels_known.extend(labels.iter().copied());
        let of_run: BTreeSet<String> = table.text("source")?.into_iter().collect();
        let known = counts.entry(key.data.clone()).or_default();
        *known = (known.0.max(labels.len()), known.1.max(of_run.len()));
        sources.extend(of_run);
        for score in table.numbers("score")?.into_iter().flatten().filter(|score| score.is_finite()) {
            let (low, high) = range.unwrap_or((score, score));
            range = Some((low.min(score), high.max(score)));
        }
    }
    let distinct = |of: &dyn Fn(&RunKey) -> &str| {
        let mut names: Vec<String> = Vec::new();
        for (key, _) in &input.runs {
            if !names.iter().any(|known| known == of(key)) {
                names.push(of(key).to_owned());
            }
        }
        names
    };
    let methods = distinct(&|key| &key.method);
    check_names(input, &sources, &methods, &labels_known)?;
    let entry = |name: String| DataEntry {
        title: name.clone(),
        phantom: false,
        classes: Vec::new(),
        plan: input.plan.clone(),
        at: None,
        images: BTreeMap::new(),
        maps: BTreeMap::new(),
        facts: Vec::new(),
        name,
    };
    let entries: Vec<DataEntry> = distinct(&|key| &key.data).into_iter().map(entry).collect();
    let comparable = comparable::of(&entries, &input.comparisons, input.runs.iter().cloned())?;

    let make = |path: &Path| {
        fs_err::create_dir_all(path).map_err(|source| ReportError::Write { path: path.to_owned(), source })
    };
    make(dir)?;
    let mut runs = Vec::new();
    let mut intervals: Option<DataFrame> = None;
    for (at, (key, frame)) in input.runs.iter().enumerate() {
        let folder = dir.join("scores").join(format!("{at:03}"));
        make(&folder)?;
        let eval = |what: String| move |source| ReportError::Eval { what, source: Box::new(source) };
        let kept =
            comparable.keep(key, frame).map_err(eval("keep the images that all runs have".to_owned()))?;
        let frame = kept.as_ref().unwrap_or(frame);
        write_parquet(&folder.join("scores.parquet"), frame).map_err(eval("keep the scores".to_owned()))?;
        if let Some(bootstrap) = &input.bootstrap {
            let frame = run_intervals(frame, &input.plan, &input.metrics, bootstrap)
                .map_err(eval(format!("draw the test images of {} again", key.method)))?;
            files::stack(&mut intervals, files::with_key(key, &frame)?)?;
        }
        runs.push(RunEntry { key: key.clone(), dir: folder });
    }
    match &intervals {
        Some(intervals) => files::write_table(dir, "intervals", intervals)?,
        None => files::remove_table(dir, "intervals")?,
    }
    let classes = if input.classes.is_empty() {
        (0..=largest_label).map(|label| label.to_string()).collect()
    } else {
        input.classes.clone()
    };
    let data = entries.into_iter().map(|entry| {
        let (n_images, n_sources) = counts.get(&entry.name).copied().unwrap_or_default();
        let facts = vec![format!("test: {n_images} images of {n_sources} sources")];
        DataEntry { classes: classes.clone(), facts, ..entry }
    });
    let seeds: BTreeSet<u64> = input.runs.iter().map(|(key, _)| key.seed).collect();
    let is_probability = range.is_none_or(|(low, high)| low >= 0.0 && high <= 1.0);
    let report = ReportInput {
        name: "scores".to_owned(),
        title: input.title.clone(),
        description: String::new(),
        command: input.command.clone(),
        warnings: comparable.notes,
        data: data.collect(),
        methods,
        backbones: distinct(&|key| &key.backbone),
        seeds: seeds.iter().copied().collect(),
        seeds_asked: 0,
        comparisons: input.comparisons.clone(),
        sweep_label: None,
        alphas: BTreeMap::new(),
        scores_only: true,
        score_range: range.filter(|_| !is_probability),
        metrics: input.metrics.clone(),
        runs,
        failed: Vec::new(),
        resolved_yaml: String::new(),
        environment: input.environment.clone(),
    };
    build(&report, dir)
}

/// A name that nothing has is a mistake, not an empty row.
fn check_names(
    input: &ScoresInput,
    sources: &BTreeSet<String>,
    methods: &[String],
    labels: &BTreeSet<u32>,
) -> Result<(), ReportError> {
    if !labels.contains(&input.plan.positive) {
        let known: Vec<String> = labels.iter().map(u32::to_string).collect();
        return Err(ReportError::Choice {
            what: "image of the positive class".to_owned(),
            found: input.plan.positive.to_string(),
            known: format!("`{}` (see `--positive`)", known.join("`, `")),
        });
    }
    let refuse = |what: &str, found: &str, known: Vec<String>| ReportError::Choice {
        what: what.to_owned(),
        found: found.to_owned(),
        known: format!("`{}`", known.join("`, `")),
    };
    let paired = input.plan.pairs.iter().flat_map(|(source, against)| std::iter::once(source).chain(against));
    let grouped = input.metrics.groups.iter().flat_map(|group| &group.sources);
    if let Some(unknown) = paired.chain(grouped).chain(&input.plan.seen).find(|name| !sources.contains(*name))
    {
        return Err(refuse("source", unknown, sources.iter().cloned().collect()));
    }
    let compared = input.comparisons.iter().flat_map(|(a, b)| [a, b]);
    match compared.into_iter().find(|name| !methods.contains(name)) {
        Some(unknown) => Err(refuse("method", unknown, methods.to_vec())),
        None => Ok(()),
    }
}
