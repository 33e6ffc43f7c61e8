//! All that the pages say, worked out once: runs in order, tables as rows, one block a data set and backbone.
use crate::cam_measures::{CamRow, ConsistencyRow, Reference, agreement_rows, consistency_rows};
use crate::confusion;
use crate::images::{self, OnImages};
use crate::number::count;
use crate::pictures::{self, Pictures};
use crate::results::{self, Comparison, Counts, Summary, Value};
use crate::{DataEntry, FailedRun, ReportError, ReportInput, RunEntry, warnings};
use cyborg_eval::RunKey;
use polars::prelude::DataFrame;

/// Everything that is shown, in the order in which it is shown.
pub(crate) struct Digest<'a> {
    pub(crate) input: &'a ReportInput,
    /// Every run's metrics, as `runs.csv` has them.
    pub(crate) metrics: DataFrame,
    /// Over seeds, as `per_source.csv` has them.
    pub(crate) summary: DataFrame,
    /// As `comparisons.csv` has them.
    pub(crate) comparisons: DataFrame,
    /// CAMs against human maps, as `cams.csv` has them; none without CAMs.
    pub(crate) cam_agreement: Option<DataFrame>,
    /// CAMs of several seeds against each other, as `cam_consistency.csv` has them.
    pub(crate) cam_consistency: Option<DataFrame>,
    /// Which class was taken for which, as `confusion.csv` has it.
    pub(crate) confusion: Option<DataFrame>,
    /// Pairs of single runs on the same images, as `images.csv` has them.
    pub(crate) images_frame: Option<DataFrame>,
    pub(crate) on_images: Vec<OnImages>,
    /// What must be known first, beside failed runs: those of the input, and those that the results themselves show.
    pub(crate) warnings: Vec<String>,
    pub(crate) blocks: Vec<Block<'a>>,
    /// Runs without a result, whether they failed or their files cannot be used.
    pub(crate) failed: Vec<FailedRun>,
    /// Runs with a result.
    pub(crate) n_runs: usize,
}

/// One data set with one backbone.
pub(crate) struct Block<'a> {
    pub(crate) data: &'a DataEntry,
    pub(crate) backbone: String,
    /// The methods that have a result here, in the order of the experiment.
    pub(crate) methods: Vec<String>,
    pub(crate) rows: Vec<SourceRow>,
    pub(crate) comparisons: Vec<Comparison>,
    pub(crate) headline: Headline,
    /// Of each method, aligned with `methods`.
    pub(crate) pictures: Vec<Pictures>,
    /// AUCs of single runs.
    values: Vec<Value>,
    pub(crate) cam_rows: Vec<CamRow>,
    pub(crate) consistency_rows: Vec<ConsistencyRow>,
    /// What the CAMs are held against.
    pub(crate) reference: Reference,
}

/// One source, or aggregate, of a block.
pub(crate) struct SourceRow {
    pub(crate) source: String,
    pub(crate) is_aggregate: bool,
    pub(crate) seen: Option<bool>,
    pub(crate) n_positive: u32,
    pub(crate) n_negative: u32,
    /// One for each method that has it.
    pub(crate) methods: Vec<Summary>,
}

impl SourceRow {
    /// What a method reached.
    pub(crate) fn of(&self, method: &str) -> Option<&Summary> {
        self.methods.iter().find(|summary| summary.method == method)
    }

    /// Whether it is a source that training or validation saw.
    pub(crate) fn is_seen_source(&self) -> bool {
        !self.is_aggregate && self.seen == Some(true)
    }
}

/// Points along an axis: data sets that differ in one setting.
pub(crate) struct Sweep<'a> {
    pub(crate) label: &'a str,
    /// What all of its points have in common.
    pub(crate) headline: Headline,
    /// The methods that have a result at some point.
    pub(crate) methods: Vec<String>,
    /// (baseline, candidate) pairs that are compared at some point.
    pub(crate) pairs: Vec<(String, String)>,
    /// Of each backbone: the points in rising order.
    pub(crate) backbones: Vec<(&'a str, Vec<(f64, &'a Block<'a>)>)>,
}

/// The aggregate that the verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Headline {
    UnseenMean,
    AllMean,
    AllPooled,
}

impl Headline {
    /// As the tables name it.
    pub(crate) fn source(self) -> &'static str {
        match self {
            Self::UnseenMean => "unseen mean",
            Self::AllMean => "all mean",
            Self::AllPooled => "all pooled",
        }
    }
}

impl Block<'_> {
    /// What the verdict is about, as a sentence starts with it.
    pub(crate) fn scope(&self) -> &'static str {
        let has_sources = self.rows.iter().any(|row| !row.is_aggregate);
        match self.headline {
            Headline::UnseenMean => "On unseen sources",
            _ if !has_sources => "On all images",
            Headline::AllMean => "On all sources (training or validation saw every one)",
            Headline::AllPooled => "On all images pooled (training or validation saw every source)",
        }
    }

    /// The row of the aggregate that the verdict is about.
    pub(crate) fn headline_row(&self) -> Option<&SourceRow> {
        self.rows.iter().find(|row| row.is_aggregate && row.source == self.headline.source())
    }

    /// The comparison of a row by a metric, for one pair of methods.
    pub(crate) fn comparison(
        &self,
        row: &SourceRow,
        metric: &str,
        baseline: &str,
        candidate: &str,
    ) -> Option<&Comparison> {
        self.comparisons.iter().find(|comparison| {
            comparison.source == row.source
                && comparison.is_aggregate == row.is_aggregate
                && comparison.metric == metric
                && comparison.baseline == baseline
                && comparison.candidate == candidate
        })
    }

    /// The 95 % interval around a method's mean AUC: over seeds, Student's t; of a single run, over its images, DeLong.
    pub(crate) fn auc_interval(&self, row: &SourceRow, method: &str) -> Option<(f64, f64)> {
        let of_row = |value: &&Value| {
            value.method == method && value.source == row.source && value.is_aggregate == row.is_aggregate
        };
        let values: Vec<&Value> = self.values.iter().filter(of_row).collect();
        if let [single] = values.as_slice() {
            return single.auc_interval;
        }
        let aucs: Option<Vec<f64>> = values.iter().map(|value| value.auc).collect();
        let aucs = aucs?;
        // One sample against nothing: the paired test with zeros.
        cyborg_eval::paired_test(&vec![0.0; aucs.len()], &aucs, false).ci
    }

    /// The most seeds that a method has here.
    pub(crate) fn n_seeds(&self) -> usize {
        let of_method =
            |method: &String| self.rows.iter().find_map(|row| row.of(method)).map_or(0, |row| row.n_seeds);
        self.methods.iter().map(of_method).max().unwrap_or(0) as usize
    }

    /// `5 seeds`; where methods differ, `5 seeds (cyborg: 4)`.
    pub(crate) fn seeds_in_words(&self) -> String {
        let of_method = |method: &String| {
            self.rows.iter().find_map(|row| row.of(method)).map_or(0, |row| row.n_seeds as usize)
        };
        let most = self.methods.iter().map(of_method).max().unwrap_or(0);
        let fewer: Vec<String> = self
            .methods
            .iter()
            .filter(|method| of_method(method) < most)
            .map(|method| format!("{method}: {}", of_method(method)))
            .collect();
        let seeds = count(most, "seed");
        if fewer.is_empty() { seeds } else { format!("{seeds} ({})", fewer.join(", ")) }
    }

    /// Why values are missing, and what means leave out: one line a row, the first method that says so.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        for row in &self.rows {
            let summary = row.methods.iter().find(|summary| summary.reason.is_some());
            if let Some(Summary { method, reason: Some(reason), .. }) = summary {
                reasons.push(format!("{} ({method}): {reason}", row.source));
            }
        }
        reasons
    }

    /// The pairs of methods that are compared here: (baseline, candidate).
    pub(crate) fn pairs(&self, input: &ReportInput) -> Vec<(String, String)> {
        let is_compared = |(baseline, candidate): &&(String, String)| {
            self.comparisons
                .iter()
                .any(|row| row.baseline == *baseline && row.candidate == *candidate && row.n_pairs > 0)
        };
        input.comparisons.iter().filter(is_compared).cloned().collect()
    }
}

impl<'a> Digest<'a> {
    /// Reads the runs' folders. A run whose files cannot be used joins the failed ones; the rest goes on.
    pub(crate) fn new(input: &'a ReportInput) -> Result<Self, ReportError> {
        check_unique(input)?;
        let mut runs: Vec<&RunEntry> = input.runs.iter().collect();
        runs.sort_by_key(|run| order(input, &run.key));
        let mut failed = input.failed.clone();
        let mut metrics = Vec::new();
        let mut usable: Vec<&RunEntry> = Vec::new();
        let mut pictures = pictures::Collector::new(input);
        for run in runs {
            match pictures.read(run) {
                Ok(frame) => {
                    metrics.push((run.key.clone(), frame));
                    usable.push(run);
                }
                Err(reason) => failed.push(FailedRun { key: run.key.clone(), reason }),
            }
        }
        failed.sort_by_key(|run| order(input, &run.key));
        if metrics.is_empty() {
            return Err(ReportError::NothingToReport {
                name: input.name.clone(),
                asked: input.runs.len() + input.failed.len(),
                first: failed.first().map_or_else(
                    || "none was asked for".to_owned(),
                    |run| format!("{}: {}", describe(&run.key), run.reason),
                ),
            });
        }
        let n_runs = metrics.len();
        let eval = |what: &str| {
            let what = what.to_owned();
            move |source| ReportError::Eval { what, source: Box::new(source) }
        };
        let metrics =
            cyborg_eval::collect_metrics(&metrics).map_err(eval("collect the metrics of all runs"))?;
        let summary = cyborg_eval::summarise(&metrics).map_err(eval("summarise the runs over seeds"))?;
        let comparisons = compare(input, &metrics)?;
        let summaries = results::summaries(&summary)?;
        let counts = results::counts(&metrics)?;
        let tables = Tables {
            summaries,
            counts,
            comparisons: results::comparisons(&comparisons)?,
            values: results::values(&metrics)?,
            cam_rows: pictures.cams.agreement().map(agreement_rows).transpose()?.unwrap_or_default(),
            consistency_rows: Vec::new(),
        };
        let cam_agreement = pictures.cams.agreement().cloned();
        let cam_consistency = pictures.cams.consistency()?;
        let consistency_rows =
            cam_consistency.as_ref().map(consistency_rows).transpose()?.unwrap_or_default();
        let blocks = blocks(input, &Tables { consistency_rows, ..tables }, &mut pictures);
        let confusion = confusion::frame(&blocks)?;
        let mut warnings = input.warnings.clone();
        warnings.extend(warnings::of_results(input, &blocks));
        let mut digest = Self {
            input,
            metrics,
            summary,
            comparisons,
            cam_agreement,
            cam_consistency,
            confusion,
            images_frame: None,
            on_images: Vec::new(),
            warnings,
            blocks,
            failed,
            n_runs,
        };
        (digest.on_images, digest.images_frame) = images::single_pairs(&digest, &usable)?;
        Ok(digest)
    }

    /// Data set and backbone of a block, as far as there are several; none when there is one of each.
    pub(crate) fn place(&self, block: &Block<'_>) -> Option<String> {
        let several_data = self.blocks.iter().any(|other| other.data.name != block.data.name);
        let several_backbones = self.blocks.iter().any(|other| other.backbone != block.backbone);
        // Data sets of one title are told apart by their names.
        let same_title =
            |other: &Block<'_>| other.data.title == block.data.title && other.data.name != block.data.name;
        let data = if self.blocks.iter().any(same_title) { &block.data.name } else { &block.data.title };
        let parts = [(several_data, data), (several_backbones, &block.backbone)];
        let parts: Vec<&str> =
            parts.iter().filter(|(shown, _)| *shown).map(|(_, name)| name.as_str()).collect();
        if parts.is_empty() { None } else { Some(parts.join(", ")) }
    }

    /// The points of the sweep, where the experiment is one.
    pub(crate) fn sweep(&self) -> Option<Sweep<'_>> {
        let label = self.input.sweep_label.as_deref()?;
        let is_point = |block: &&Block<'_>| block.data.at.is_some_and(f64::is_finite);
        let points: Vec<&Block<'_>> = self.blocks.iter().filter(is_point).collect();
        let headline = points.first()?.headline;
        let mut backbones: Vec<(&str, Vec<(f64, &Block<'_>)>)> = Vec::new();
        for &block in &points {
            let point = (block.data.at?, block);
            match backbones.iter_mut().find(|(backbone, _)| *backbone == block.backbone) {
                Some((_, points)) => points.push(point),
                None => backbones.push((&block.backbone, vec![point])),
            }
        }
        for (_, points) in &mut backbones {
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        let mut methods: Vec<String> = Vec::new();
        for method in points.iter().flat_map(|block| &block.methods) {
            if !methods.contains(method) {
                methods.push(method.clone());
            }
        }
        let is_compared =
            |pair: &&(String, String)| points.iter().any(|block| block.pairs(self.input).contains(pair));
        let pairs = self.input.comparisons.iter().filter(is_compared).cloned().collect();
        Some(Sweep { label, headline, methods, pairs, backbones })
    }

    /// Runs without a result by reason, in the order of the first run of each.
    pub(crate) fn failures(&self) -> Vec<(Vec<String>, &str)> {
        let mut reasons: Vec<(Vec<String>, &str)> = Vec::new();
        for run in &self.failed {
            match reasons.iter_mut().find(|(_, reason)| *reason == run.reason) {
                Some((runs, _)) => runs.push(describe(&run.key)),
                None => reasons.push((vec![describe(&run.key)], &run.reason)),
            }
        }
        reasons
    }

    /// The data sets that are phantoms and have a result.
    pub(crate) fn phantoms(&self) -> Vec<&'a DataEntry> {
        let mut phantoms: Vec<&DataEntry> = Vec::new();
        for data in self.blocks.iter().map(|block| block.data).filter(|data| data.phantom) {
            if phantoms.iter().all(|known| known.name != data.name) {
                phantoms.push(data);
            }
        }
        phantoms
    }
}

/// A run in words.
pub(crate) fn describe(key: &RunKey) -> String {
    format!("{} / {} / {} / seed {}", key.data, key.backbone, key.method, key.seed)
}

/// Where a run stands: by data set, backbone, method and seed as the experiment lists them; what it does not list
/// comes last, by name.
fn order(input: &ReportInput, key: &RunKey) -> ([usize; 4], RunKey) {
    fn position<T: PartialEq>(mut listed: impl Iterator<Item = T>, name: T) -> usize {
        listed.position(|known| known == name).unwrap_or(usize::MAX)
    }
    let positions = [
        position(input.data.iter().map(|data| &data.name), &key.data),
        position(input.backbones.iter(), &key.backbone),
        position(input.methods.iter(), &key.method),
        position(input.seeds.iter(), &key.seed),
    ];
    (positions, key.clone())
}

fn check_unique(input: &ReportInput) -> Result<(), ReportError> {
    let mut names: Vec<&str> = input.data.iter().map(|data| data.name.as_str()).collect();
    names.sort_unstable();
    if let Some([name, _]) = names.array_windows::<2>().find(|[a, b]| a == b) {
        return Err(ReportError::Twice { what: format!("data set `{name}`") });
    }
    let mut keys: Vec<&RunKey> = input.runs.iter().map(|run| &run.key).collect();
    keys.sort_unstable();
    if let Some([key, _]) = keys.array_windows::<2>().find(|[a, b]| a == b) {
        return Err(ReportError::Twice { what: format!("run {}", describe(key)) });
    }
    Ok(())
}

/// All comparisons that were asked for, one below the other; a frame without rows when none was.
fn compare(input: &ReportInput, metrics: &DataFrame) -> Result<DataFrame, ReportError> {
    let failed =
        |source| ReportError::Eval { what: "compare the methods".to_owned(), source: Box::new(source) };
    if input.comparisons.is_empty() {
        let none = [(String::new(), String::new())];
        return cyborg_eval::compare_all(&metrics.head(Some(0)), &none).map_err(failed);
    }
    cyborg_eval::compare_all(metrics, &input.comparisons).map_err(failed)
}

/// The frames as rows.
struct Tables {
    summaries: Vec<Summary>,
    counts: Vec<Counts>,
    comparisons: Vec<Comparison>,
    values: Vec<Value>,
    cam_rows: Vec<CamRow>,
    consistency_rows: Vec<ConsistencyRow>,
}

fn blocks<'a>(
    input: &'a ReportInput,
    tables: &Tables,
    pictures: &mut pictures::Collector<'_>,
) -> Vec<Block<'a>> {
    let Tables { summaries, counts, comparisons, .. } = tables;
    let mut places: Vec<(&str, &str)> = Vec::new();
    for row in summaries {
        let place = (row.data.as_str(), row.backbone.as_str());
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let mut blocks = Vec::new();
    let references = pictures.cams.references.clone();
    for (name, backbone) in places {
        let Some(data) = input.data.iter().find(|data| data.name == name) else { continue };
        let here: Vec<&Summary> =
            summaries.iter().filter(|row| row.data == name && row.backbone == backbone).collect();
        let mut methods: Vec<String> = Vec::new();
        for row in &here {
            if !methods.contains(&row.method) {
                methods.push(row.method.clone());
            }
        }
        let rows = source_rows(&here, counts);
        let comparisons: Vec<Comparison> =
            comparisons.iter().filter(|row| row.data == name && row.backbone == backbone).cloned().collect();
        let pictures = methods.iter().map(|method| pictures.take(name, backbone, method)).collect();
        let headline = headline(&rows);
        let reference = references.get(name).copied().unwrap_or_default();
        blocks.push(Block {
            data,
            backbone: backbone.to_owned(),
            methods,
            rows,
            comparisons,
            headline,
            pictures,
            values: tables
                .values
                .iter()
                .filter(|row| row.data == name && row.backbone == backbone)
                .cloned()
                .collect(),
            cam_rows: tables
                .cam_rows
                .iter()
                .filter(|row| row.data == name && row.backbone == backbone)
                .cloned()
                .collect(),
            consistency_rows: tables
                .consistency_rows
                .iter()
                .filter(|row| row.data == name && row.backbone == backbone)
                .cloned()
                .collect(),
            reference,
        });
    }
    blocks
}

/// Sources first, then aggregates, each in order of first appearance.
fn source_rows(here: &[&Summary], counts: &[Counts]) -> Vec<SourceRow> {
    let mut rows: Vec<SourceRow> = Vec::new();
    for summary in here {
        if rows.iter().any(|row| row.source == summary.source && row.is_aggregate == summary.is_aggregate) {
            continue;
        }
        let count = counts.iter().find(|count| {
            count.data == summary.data
                && count.source == summary.source
                && count.is_aggregate == summary.is_aggregate
        });
        let same = here
            .iter()
            .filter(|row| row.source == summary.source && row.is_aggregate == summary.is_aggregate);
        rows.push(SourceRow {
            source: summary.source.clone(),
            is_aggregate: summary.is_aggregate,
            seen: summary.seen,
            n_positive: count.map_or(0, |count| count.n_positive),
            n_negative: count.map_or(0, |count| count.n_negative),
            methods: same.map(|row| (*row).clone()).collect(),
        });
    }
    rows.sort_by_key(|row| row.is_aggregate);
    // A mean over seen (or unseen) sources says nothing where there is none.
    let has_sources = |seen: Option<bool>| rows.iter().any(|row| !row.is_aggregate && row.seen == seen);
    let is_empty: Vec<bool> =
        rows.iter().map(|row| row.is_aggregate && row.seen.is_some() && !has_sources(row.seen)).collect();
    let mut is_empty = is_empty.into_iter();
    rows.retain(|_| !is_empty.next().unwrap_or(false));
    rows
}

/// The mean over unseen sources; where none is unseen, the mean over all; where that is undefined, all pooled.
fn headline(rows: &[SourceRow]) -> Headline {
    let has_value = |headline: Headline| {
        rows.iter()
            .filter(|row| row.is_aggregate && row.source == headline.source())
            .flat_map(|row| row.methods.iter())
            .any(|summary| summary.stat("auc").mean.is_some())
    };
    if rows.iter().any(|row| !row.is_aggregate && row.seen == Some(false)) {
        Headline::UnseenMean
    } else if has_value(Headline::AllMean) || !has_value(Headline::AllPooled) {
        Headline::AllMean
    } else {
        Headline::AllPooled
    }
}
