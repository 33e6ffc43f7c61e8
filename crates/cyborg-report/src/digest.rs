//! All that the pages say, worked out once: runs in order, tables as rows, one block a data set and backbone.
use crate::block::{self, Block, Headline, Tables};
use crate::cam_measures::{agreement_rows, consistency_rows};
use crate::comparable;
use crate::confusion;
use crate::images::{self, OnImages};
use crate::pictures;
use crate::results::{self, OverSources};
use crate::subjects::{self, OverSubjects};
use crate::{DataEntry, FailedRun, ReportError, ReportInput, RunEntry, warnings};
use cyborg_eval::{MetricName, RunKey};
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
    /// Differences over subjects, where several images are of one subject, as `subjects.csv` has them.
    pub(crate) subjects_frame: Option<DataFrame>,
    pub(crate) over_subjects: Vec<OverSubjects>,
    /// The comparisons with sources in place of seeds, as `sources.csv` has them.
    pub(crate) sources_frame: Option<DataFrame>,
    pub(crate) over_sources: Vec<OverSources>,
    /// What must be known first, beside failed runs: those of the input, and those that the results themselves show.
    pub(crate) warnings: Vec<String>,
    pub(crate) blocks: Vec<Block<'a>>,
    /// Runs without a result, whether they failed or their files cannot be used.
    pub(crate) failed: Vec<FailedRun>,
    /// Runs with a result.
    pub(crate) n_runs: usize,
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

impl<'a> Digest<'a> {
    /// Reads the runs' folders. A run whose files cannot be used joins the failed ones; the rest goes on.
    pub(crate) fn new(input: &'a ReportInput) -> Result<Self, ReportError> {
        check_unique(input)?;
        let mut runs: Vec<&RunEntry> = input.runs.iter().collect();
        runs.sort_by_key(|run| order(input, &run.key));
        let mut failed = input.failed.clone();
        let mut metrics = Vec::new();
        let mut usable: Vec<&RunEntry> = Vec::new();
        let comparable = comparable::of_files(input, &runs)?;
        failed.extend(comparable.refused.iter().cloned());
        runs.retain(|run| comparable.refused.iter().all(|refused| refused.key != run.key));
        let mut pictures = pictures::Collector::new(input, &comparable);
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
        let sources_frame = if input.comparisons.is_empty() {
            None
        } else {
            let frame = cyborg_eval::compare_sources(&metrics, &input.comparisons);
            Some(frame.map_err(eval("compare the methods over sources"))?)
        };
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
        let blocks = block::blocks(input, &Tables { consistency_rows, ..tables }, &mut pictures);
        let confusion = confusion::frame(&blocks)?;
        // What the numbers are about comes before everything else.
        let mut warnings = comparable.notes.clone();
        warnings.extend(input.warnings.iter().cloned());
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
            subjects_frame: None,
            over_subjects: Vec::new(),
            over_sources: sources_frame.as_ref().map(results::over_sources).transpose()?.unwrap_or_default(),
            sources_frame,
            warnings,
            blocks,
            failed,
            n_runs,
        };
        let pairs = images::Pairs::new(input, &digest.blocks, &usable, &comparable);
        (digest.on_images, digest.images_frame) = images::single_pairs(&pairs, &mut digest.warnings)?;
        (digest.over_subjects, digest.subjects_frame) =
            subjects::over_subjects(&pairs, &mut digest.warnings)?;
        Ok(digest)
    }

    /// The metrics of the main tables: AUC, and those that stand beside it in some block.
    pub(crate) fn headline_metrics(&self) -> Vec<MetricName> {
        let mut metrics = vec![MetricName::Auc];
        for metric in self.blocks.iter().filter_map(|block| block.second) {
            if !metrics.contains(&metric) {
                metrics.push(metric);
            }
        }
        metrics
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
