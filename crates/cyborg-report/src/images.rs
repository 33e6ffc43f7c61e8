//! Two runs on the same images: DeLong's test, where there is one run of each method.
use crate::digest::Digest;
use crate::frame::Table;
use crate::{DataEntry, ReportError, RunEntry, files};
use cyborg_eval::{RunKey, compare_images, read_parquet};
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
    baseline: &RunEntry,
    candidate: &RunEntry,
) -> Result<(OnImages, DataFrame), ReportError> {
    let eval = |source| ReportError::Eval {
        what: format!(
            "compare `{}` with `{}` on the same images",
            candidate.dir.display(),
            baseline.dir.display()
        ),
        source: Box::new(source),
    };
    let read = |run: &RunEntry| read_parquet(&run.dir.join("scores.parquet")).map_err(eval);
    let frame = compare_images(&read(baseline)?, &read(candidate)?, &data.plan).map_err(eval)?;
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

/// The pairs of methods that have one seed in common each, on their images. What cannot be compared (other images) is
/// left out: the comparison over seeds says that there is one.
pub(crate) fn single_pairs(
    digest: &Digest<'_>,
    usable: &[&RunEntry],
) -> Result<(Vec<OnImages>, Option<DataFrame>), ReportError> {
    let (mut all, mut frames) = (Vec::new(), None);
    for block in &digest.blocks {
        for (baseline, candidate) in &digest.input.comparisons {
            let of = |method: &str| -> Vec<&RunEntry> {
                let is_of = |run: &&&RunEntry| {
                    run.key.data == block.data.name
                        && run.key.backbone == block.backbone
                        && run.key.method == method
                };
                usable.iter().filter(is_of).copied().collect()
            };
            let (a, b) = (of(baseline), of(candidate));
            let mut common = a.iter().filter_map(|a| Some((a, b.iter().find(|b| b.key.seed == a.key.seed)?)));
            let (Some((a, b)), None) = (common.next(), common.next()) else { continue };
            if let Ok((found, frame)) = on_images(block.data, a, b) {
                all.push(found);
                files::stack(&mut frames, frame)?;
            }
        }
    }
    Ok((all, frames))
}
