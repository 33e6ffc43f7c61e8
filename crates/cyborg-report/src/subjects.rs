//! Differences between two methods over subjects, where several images are of one subject.
use crate::frame::Table;
use crate::images::{Pair, Pairs};
use crate::number::count;
use crate::results::named;
use crate::threshold::with_validation_threshold;
use crate::{ReportError, files};
use cyborg_causes::on_one_line;
use cyborg_eval::{
    Bootstrap, EvalError, MetricName, MetricOptions, PairedRuns, Resample, RunKey, has_repeated_subjects,
    run_differences,
};
use polars::prelude::{Column, DataFrame};

/// Most images measured in all (images x runs x drawn test sets) for one pair of methods: some seconds of one core.
const MOST_MEASURED: usize = 50_000_000;
/// Drawn test sets, and the fewest of which a standard error is taken.
const REPLICATES: usize = 1000;
const FEWEST_REPLICATES: usize = 200;

/// One source and metric of two methods.
#[derive(Clone, Debug)]
pub(crate) struct SubjectRow {
    pub(crate) is_aggregate: bool,
    pub(crate) source: String,
    pub(crate) metric: MetricName,
    pub(crate) baseline: Option<f64>,
    pub(crate) candidate: Option<f64>,
    pub(crate) difference: Option<f64>,
    pub(crate) interval: Option<(f64, f64)>,
    pub(crate) p: Option<f64>,
    pub(crate) p_holm: Option<f64>,
    pub(crate) reason: Option<String>,
}

/// Two methods over subjects.
#[derive(Clone, Debug)]
pub(crate) struct OverSubjects {
    /// Of the first pair of runs.
    pub(crate) baseline: RunKey,
    pub(crate) candidate: RunKey,
    pub(crate) n_seeds: usize,
    pub(crate) n_subjects: u32,
    pub(crate) n_replicates: usize,
    pub(crate) rows: Vec<SubjectRow>,
}

impl OverSubjects {
    /// What a table of it is called.
    pub(crate) fn heading(&self) -> String {
        let seeds = if self.n_seeds == 1 {
            format!("seed {}", self.baseline.seed)
        } else {
            format!("mean over {} seeds", self.n_seeds)
        };
        format!(
            "Over {} ({} minus {}), {seeds}: bootstrap of the paired difference, subjects drawn {} times with all their \
             images",
            count(self.n_subjects as usize, "subject"),
            self.candidate.method,
            self.baseline.method,
            self.n_replicates
        )
    }

    /// The rows of one metric.
    pub(crate) fn of(&self, metric: MetricName) -> impl Iterator<Item = &SubjectRow> {
        self.rows.iter().filter(move |row| row.metric == metric)
    }
}

/// Every pair of methods whose images share subjects. What cannot be tested is said among the warnings.
pub(crate) fn over_subjects(
    pairs: &Pairs<'_>,
    warnings: &mut Vec<String>,
) -> Result<(Vec<OverSubjects>, Option<DataFrame>), ReportError> {
    let (mut all, mut frames) = (Vec::new(), None);
    for pair in &pairs.all {
        let Some((a, b)) = pair.seeds.first() else { continue };
        match tested(pairs, pair) {
            Ok(None) => {}
            Ok(Some((found, frame))) => {
                all.push(found);
                files::stack(&mut frames, frame)?;
            }
            Err(error) => warnings.push(format!(
                "{}: no test over subjects of {} and {}: {}",
                pair.data.name,
                a.key.method,
                b.key.method,
                on_one_line(&error)
            )),
        }
    }
    Ok((all, frames))
}

/// The test of one pair of methods; nothing where images are independent.
pub(crate) fn tested(
    pairs: &Pairs<'_>,
    pair: &Pair<'_>,
) -> Result<Option<(OverSubjects, DataFrame)>, ReportError> {
    let Some((first, second)) = pair.seeds.first() else { return Ok(None) };
    let eval = |source| ReportError::Eval {
        what: format!("test {} against {} over subjects", second.key.method, first.key.method),
        source: Box::new(source),
    };
    if !has_repeated_subjects(&pairs.scores(first).map_err(eval)?).map_err(eval)? {
        return Ok(None);
    }
    let mut read: Vec<[(DataFrame, MetricOptions); 2]> = Vec::new();
    let mut n_images = 0;
    for (baseline, candidate) in &pair.seeds {
        let side = |run: &crate::RunEntry| -> Result<(DataFrame, MetricOptions), EvalError> {
            let options = with_validation_threshold(pairs.metrics, &run.dir, &pair.data.plan)?;
            Ok((pairs.scores(run)?, options))
        };
        let both = [side(baseline).map_err(eval)?, side(candidate).map_err(eval)?];
        n_images += both[0].0.height() + both[1].0.height();
        read.push(both);
    }
    // A jackknife of up to 300 subjects comes on top.
    let replicates = (MOST_MEASURED / n_images.max(1)).min(REPLICATES);
    if replicates < FEWEST_REPLICATES {
        return Err(eval(EvalError::Setting {
            setting: "number of images times runs",
            found: n_images.to_string(),
            expected: "at most 250,000, so that test sets can be drawn in bounded time",
        }));
    }
    let runs: Vec<PairedRuns<'_>> = read
        .iter()
        .map(|[baseline, candidate]| PairedRuns {
            baseline: &baseline.0,
            candidate: &candidate.0,
            baseline_options: &baseline.1,
            candidate_options: &candidate.1,
        })
        .collect();
    let bootstrap = Bootstrap { resample: Resample::Subjects, replicates, ..Bootstrap::default() };
    let frame = run_differences(&runs, &pair.data.plan, &bootstrap).map_err(eval)?;
    let found = OverSubjects {
        baseline: first.key.clone(),
        candidate: second.key.clone(),
        n_seeds: pair.seeds.len(),
        n_subjects: Table { frame: &frame, what: "the differences over subjects" }
            .counts("n_subjects")?
            .first()
            .copied()
            .unwrap_or(0),
        n_replicates: replicates,
        rows: rows(&frame)?,
    };
    let n = frame.height();
    let mut columns: Vec<Column> = [
        ("data", &first.key.data),
        ("backbone", &first.key.backbone),
        ("baseline", &first.key.method),
        ("candidate", &second.key.method),
    ]
    .into_iter()
    .map(|(name, value)| Column::new(name.into(), vec![value.as_str(); n]))
    .collect();
    columns.push(Column::new("n_seeds".into(), vec![pair.seeds.len() as u32; n]));
    columns.extend(frame.columns().iter().cloned());
    let frame = DataFrame::new_infer_height(columns).map_err(|source| ReportError::Frame {
        what: "name the methods that are compared".to_owned(),
        source,
    })?;
    Ok(Some((found, frame)))
}

fn rows(frame: &DataFrame) -> Result<Vec<SubjectRow>, ReportError> {
    let table = Table { frame, what: "the differences over subjects" };
    let (kind, source, metric) = (table.text("kind")?, table.text("source")?, table.text("metric")?);
    let (baseline, candidate) = (table.numbers("mean_baseline")?, table.numbers("mean_candidate")?);
    let (difference, p) = (table.numbers("difference")?, table.numbers("p")?);
    let (p_holm, reason) = (table.numbers("p_holm")?, table.optional_text("reason")?);
    let (low, high) = (table.numbers("ci_low")?, table.numbers("ci_high")?);
    let row = |at: usize| {
        Ok(SubjectRow {
            is_aggregate: kind[at] == "aggregate",
            source: source[at].clone(),
            metric: named(&metric[at])?,
            baseline: baseline[at],
            candidate: candidate[at],
            difference: difference[at],
            interval: low[at].zip(high[at]),
            p: p[at],
            p_holm: p_holm[at],
            reason: reason[at].clone(),
        })
    };
    (0..frame.height()).map(row).collect()
}
