//! Two runs on the same images: DeLong's test, where there is one run of each method.
use crate::block::Block;
use crate::comparable::Comparable;
use crate::frame::Table;
use crate::{DataEntry, ReportError, ReportInput, RunEntry, files};
use cyborg_causes::on_one_line;
use cyborg_eval::{EvalError, MetricOptions, RunKey, compare_images, has_repeated_subjects, read_parquet};
use polars::prelude::{Column, DataFrame};

/// One source of two runs.
#[derive(Clone, Debug)]
pub(crate) struct ImageRow {
    pub(crate) is_aggregate: bool,
    pub(crate) source: String,
    pub(crate) n_positive: u32,
    pub(crate) n_negative: u32,
    pub(crate) baseline: Option<f64>,
    pub(crate) candidate: Option<f64>,
    pub(crate) difference: Option<f64>,
    pub(crate) interval: Option<(f64, f64)>,
    pub(crate) p: Option<f64>,
    pub(crate) p_holm: Option<f64>,
    pub(crate) reason: Option<String>,
}

/// One pair of runs on the same images.
#[derive(Clone, Debug)]
pub(crate) struct OnImages {
    pub(crate) baseline: RunKey,
    pub(crate) candidate: RunKey,
    pub(crate) rows: Vec<ImageRow>,
}

/// Compares two runs; the frame has the names of the runs in front.
pub(crate) fn on_images(
    data: &DataEntry,
    (baseline, baseline_scores): (&RunEntry, &DataFrame),
    (candidate, candidate_scores): (&RunEntry, &DataFrame),
) -> Result<(OnImages, DataFrame), ReportError> {
    let frame = compare_images(baseline_scores, candidate_scores, &data.plan)
        .map_err(|source| failed(baseline, candidate, source))?;
    let found =
        OnImages { baseline: baseline.key.clone(), candidate: candidate.key.clone(), rows: rows(&frame)? };
    let mut columns = vec![
        Column::new("baseline".into(), vec![baseline.key.method.as_str(); frame.height()]),
        Column::new("candidate".into(), vec![candidate.key.method.as_str(); frame.height()]),
    ];
    columns.extend(frame.columns().iter().cloned());
    let frame = DataFrame::new_infer_height(columns).map_err(|source| ReportError::Frame {
        what: "name the runs that are compared".to_owned(),
        source,
    })?;
    let key = RunKey { method: String::new(), ..baseline.key.clone() };
    Ok((found, files::with_place(&key, &frame)?))
}

fn rows(frame: &DataFrame) -> Result<Vec<ImageRow>, ReportError> {
    let table = Table { frame, what: "the comparison on images" };
    let (kind, source) = (table.text("kind")?, table.text("source")?);
    let (n_positive, n_negative) = (table.counts("n_positive")?, table.counts("n_negative")?);
    let (baseline, candidate) = (table.numbers("auc_baseline")?, table.numbers("auc_candidate")?);
    let (difference, p, p_holm) =
        (table.numbers("difference")?, table.numbers("p")?, table.numbers("p_holm")?);
    let (low, high) = (table.numbers("ci_low")?, table.numbers("ci_high")?);
    let reason = table.optional_text("reason")?;
    let row = |at: usize| ImageRow {
        is_aggregate: kind[at] == "aggregate",
        source: source[at].clone(),
        n_positive: n_positive[at],
        n_negative: n_negative[at],
        baseline: baseline[at],
        candidate: candidate[at],
        difference: difference[at],
        interval: low[at].zip(high[at]),
        p: p[at],
        p_holm: p_holm[at],
        reason: reason[at].clone(),
    };
    Ok((0..frame.height()).map(row).collect())
}

/// Runs of two methods that agree in data, backbone and seed.
pub(crate) struct Pair<'a> {
    pub(crate) data: &'a DataEntry,
    pub(crate) seeds: Vec<(&'a RunEntry, &'a RunEntry)>,
}

/// All pairs of methods that are compared, and which of their images count.
pub(crate) struct Pairs<'a> {
    pub(crate) all: Vec<Pair<'a>>,
    pub(crate) comparable: &'a Comparable,
    pub(crate) metrics: &'a MetricOptions,
}

impl<'a> Pairs<'a> {
    pub(crate) fn new(
        input: &'a ReportInput,
        blocks: &[Block<'a>],
        usable: &[&'a RunEntry],
        comparable: &'a Comparable,
    ) -> Self {
        let mut all = Vec::new();
        for block in blocks {
            for (baseline, candidate) in &input.comparisons {
                let of = |method: &str| -> Vec<&'a RunEntry> {
                    let is_of = |run: &&&RunEntry| {
                        run.key.data == block.data.name
                            && run.key.backbone == block.backbone
                            && run.key.method == method
                    };
                    usable.iter().filter(is_of).copied().collect()
                };
                let candidates = of(candidate);
                let with_same_seed = |a: &'a RunEntry| {
                    let b = candidates.iter().find(|b| b.key.seed == a.key.seed)?;
                    Some((a, *b))
                };
                let seeds: Vec<_> = of(baseline).into_iter().filter_map(with_same_seed).collect();
                if !seeds.is_empty() {
                    all.push(Pair { data: block.data, seeds });
                }
            }
        }
        Self { all, comparable, metrics: &input.metrics }
    }

    /// The scores of a run that count.
    pub(crate) fn scores(&self, run: &RunEntry) -> Result<DataFrame, EvalError> {
        let scores = read_parquet(&run.dir.join("scores.parquet"))?;
        Ok(self.comparable.keep(&run.key, &scores)?.unwrap_or(scores))
    }
}

/// DeLong's test of the pairs of methods that have one seed in common, where images are independent. A pair that cannot be
/// tested is said among the warnings.
pub(crate) fn single_pairs(
    pairs: &Pairs<'_>,
    warnings: &mut Vec<String>,
) -> Result<(Vec<OnImages>, Option<DataFrame>), ReportError> {
    let (mut all, mut frames) = (Vec::new(), None);
    for pair in &pairs.all {
        let [(a, b)] = pair.seeds.as_slice() else { continue };
        let scores = pairs.scores(a).and_then(|baseline| Ok((baseline, pairs.scores(b)?)));
        let tested = scores.map_err(|source| failed(a, b, source)).and_then(|(baseline, candidate)| {
            if has_repeated_subjects(&baseline).map_err(|source| failed(a, b, source))? {
                return Ok(None); // tested over subjects
            }
            on_images(pair.data, (a, &baseline), (b, &candidate)).map(Some)
        });
        match tested {
            Ok(None) => {}
            Ok(Some((found, frame))) => {
                all.push(found);
                files::stack(&mut frames, frame)?;
            }
            Err(error) => warnings.push(format!(
                "{}: no test on the images of {} and {}: {}",
                pair.data.name,
                a.key.method,
                b.key.method,
                on_one_line(&error)
            )),
        }
    }
    Ok((all, frames))
}

fn failed(baseline: &RunEntry, candidate: &RunEntry, source: EvalError) -> ReportError {
    ReportError::Eval {
        what: format!(
            "compare `{}` with `{}` on the same images",
            candidate.dir.display(),
            baseline.dir.display()
        ),
        source: Box::new(source),
    }
}
