//! The tables of `cyborg-eval` as rows that the pages are written from.
use crate::{ReportError, frame::Table};
use cyborg_eval::{METRICS, MetricName};
use polars::prelude::DataFrame;

/// Mean and standard deviation over seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Stat {
    pub(crate) mean: Option<f64>,
    /// None with one seed.
    pub(crate) sd: Option<f64>,
}

/// One source, or aggregate, of one method.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    pub(crate) data: String,
    pub(crate) backbone: String,
    pub(crate) method: String,
    pub(crate) is_aggregate: bool,
    pub(crate) source: String,
    pub(crate) seen: Option<bool>,
    pub(crate) n_seeds: u32,
    /// In the order of [`METRICS`].
    stats: Vec<Stat>,
    /// Why values are missing.
    pub(crate) reason: Option<String>,
}

impl Summary {
    /// Mean and spread of a metric.
    pub(crate) fn stat(&self, metric: MetricName) -> Stat {
        self.stats.get(metric.position()).copied().unwrap_or_default()
    }
}

/// Two methods on one source by one metric.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) data: String,
    pub(crate) backbone: String,
    pub(crate) is_aggregate: bool,
    pub(crate) source: String,
    pub(crate) metric: MetricName,
    pub(crate) baseline: String,
    pub(crate) candidate: String,
    pub(crate) n_pairs: u32,
    pub(crate) n_unpaired: u32,
    pub(crate) mean_baseline: Option<f64>,
    pub(crate) mean_candidate: Option<f64>,
    pub(crate) mean_difference: Option<f64>,
    pub(crate) ci_low: Option<f64>,
    pub(crate) ci_high: Option<f64>,
    pub(crate) t: Option<f64>,
    pub(crate) p: Option<f64>,
    /// Corrected for the rows of its family.
    pub(crate) p_holm: Option<f64>,
    /// Rows of that family.
    pub(crate) n_family: u32,
    pub(crate) cohens_dz: Option<f64>,
    /// Of both methods' values over the seeds.
    pub(crate) correlation: Option<f64>,
    pub(crate) wins: u32,
    pub(crate) losses: u32,
    pub(crate) ties: u32,
    pub(crate) p_sign_flip: Option<f64>,
    pub(crate) p_wilcoxon: Option<f64>,
    pub(crate) reason: Option<String>,
}

/// Two methods by one metric, each source one observation.
#[derive(Clone, Debug)]
pub(crate) struct OverSources {
    pub(crate) data: String,
    pub(crate) backbone: String,
    /// `unseen` or `all`.
    pub(crate) group: String,
    pub(crate) metric: MetricName,
    pub(crate) baseline: String,
    pub(crate) candidate: String,
    pub(crate) n_sources: u32,
    pub(crate) mean_difference: Option<f64>,
    pub(crate) interval: Option<(f64, f64)>,
    pub(crate) p: Option<f64>,
    pub(crate) wins: u32,
}

/// Rows of `cyborg_eval::compare_sources`.
pub(crate) fn over_sources(frame: &DataFrame) -> Result<Vec<OverSources>, ReportError> {
    let table = Table { frame, what: "the comparison over sources" };
    let (data, backbone, group) = (table.text("data")?, table.text("backbone")?, table.text("sources")?);
    let (metric, n_sources) = (table.text("metric")?, table.counts("n_sources")?);
    let (baseline, candidate) = (table.text("baseline")?, table.text("candidate")?);
    let (mean_difference, p) = (table.numbers("mean_difference")?, table.numbers("p")?);
    let (low, high, wins) = (table.numbers("ci_low")?, table.numbers("ci_high")?, table.counts("wins")?);
    let row = |at: usize| {
        Ok(OverSources {
            data: data[at].clone(),
            backbone: backbone[at].clone(),
            group: group[at].clone(),
            metric: named(&metric[at])?,
            baseline: baseline[at].clone(),
            candidate: candidate[at].clone(),
            n_sources: n_sources[at],
            mean_difference: mean_difference[at],
            interval: low[at].zip(high[at]),
            p: p[at],
            wins: wins[at],
        })
    };
    (0..frame.height()).map(row).collect()
}

/// Images behind a row: `n_positive` and `n_negative` of the first run that has it.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    pub(crate) data: String,
    pub(crate) is_aggregate: bool,
    pub(crate) source: String,
    pub(crate) n_positive: u32,
    pub(crate) n_negative: u32,
}

/// One metric of one run.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) data: String,
    pub(crate) backbone: String,
    pub(crate) method: String,
    pub(crate) is_aggregate: bool,
    pub(crate) source: String,
    pub(crate) auc: Option<f64>,
    /// 95 %, over the run's images (DeLong).
    pub(crate) auc_interval: Option<(f64, f64)>,
}

/// Rows of `cyborg_eval::summarise`.
pub(crate) fn summaries(frame: &DataFrame) -> Result<Vec<Summary>, ReportError> {
    let table = Table { frame, what: "the table over seeds" };
    let stats = |metric: &&str| -> Result<Vec<Stat>, ReportError> {
        let means = table.numbers(&format!("{metric}_mean"))?;
        let sds = table.numbers(&format!("{metric}_sd"))?;
        Ok(means.into_iter().zip(sds).map(|(mean, sd)| Stat { mean, sd }).collect())
    };
    let (data, backbone, method) = (table.text("data")?, table.text("backbone")?, table.text("method")?);
    let (kind, source, seen) = (table.text("kind")?, table.text("source")?, table.flags("seen")?);
    let (n_seeds, reason) = (table.counts("n_seeds")?, table.optional_text("reason")?);
    let columns = METRICS.iter().map(stats).collect::<Result<Vec<_>, _>>()?;
    let row = |at: usize| Summary {
        data: data[at].clone(),
        backbone: backbone[at].clone(),
        method: method[at].clone(),
        is_aggregate: kind[at] == "aggregate",
        source: source[at].clone(),
        seen: seen[at],
        n_seeds: n_seeds[at],
        stats: columns.iter().map(|column| column[at]).collect(),
        reason: reason[at].clone(),
    };
    Ok((0..frame.height()).map(row).collect())
}

/// The metric of that name.
pub(crate) fn named(name: &str) -> Result<MetricName, ReportError> {
    let known = || format!("`{}`", METRICS.join("`, `"));
    cyborg_eval::metric(name).map(|metric| metric.id).ok_or_else(|| ReportError::Choice {
        what: "metric".to_owned(),
        found: name.to_owned(),
        known: known(),
    })
}

/// Rows of `cyborg_eval::compare`.
pub(crate) fn comparisons(frame: &DataFrame) -> Result<Vec<Comparison>, ReportError> {
    let table = Table { frame, what: "the comparisons" };
    let (data, backbone, kind) = (table.text("data")?, table.text("backbone")?, table.text("kind")?);
    let source = table.text("source")?;
    let metric = table.text("metric")?.iter().map(|name| named(name)).collect::<Result<Vec<_>, _>>()?;
    let (baseline, candidate) = (table.text("baseline")?, table.text("candidate")?);
    let (n_pairs, n_unpaired) = (table.counts("n_pairs")?, table.counts("n_unpaired")?);
    let (mean_baseline, mean_candidate) = (table.numbers("mean_baseline")?, table.numbers("mean_candidate")?);
    let (mean_difference, t) = (table.numbers("mean_difference")?, table.numbers("t")?);
    let (ci_low, ci_high) = (table.numbers("ci_low")?, table.numbers("ci_high")?);
    let (p, cohens_dz) = (table.numbers("p")?, table.numbers("cohens_dz")?);
    let (wins, losses, ties) = (table.counts("wins")?, table.counts("losses")?, table.counts("ties")?);
    let (p_sign_flip, reason) = (table.numbers("p_sign_flip")?, table.optional_text("reason")?);
    let (n_family, correlation) = (table.counts("n_family")?, table.numbers("correlation")?);
    let (p_holm, p_wilcoxon) = (table.numbers("p_holm")?, table.numbers("p_wilcoxon")?);
    let row = |at: usize| Comparison {
        data: data[at].clone(),
        backbone: backbone[at].clone(),
        is_aggregate: kind[at] == "aggregate",
        source: source[at].clone(),
        metric: metric[at],
        baseline: baseline[at].clone(),
        candidate: candidate[at].clone(),
        n_pairs: n_pairs[at],
        n_unpaired: n_unpaired[at],
        mean_baseline: mean_baseline[at],
        mean_candidate: mean_candidate[at],
        mean_difference: mean_difference[at],
        ci_low: ci_low[at],
        ci_high: ci_high[at],
        t: t[at],
        p: p[at],
        p_holm: p_holm[at],
        n_family: n_family[at],
        cohens_dz: cohens_dz[at],
        correlation: correlation[at],
        wins: wins[at],
        losses: losses[at],
        ties: ties[at],
        p_sign_flip: p_sign_flip[at],
        p_wilcoxon: p_wilcoxon[at],
        reason: reason[at].clone(),
    };
    Ok((0..frame.height()).map(row).collect())
}

/// The AUC of every run, from `cyborg_eval::collect_metrics`.
pub(crate) fn values(frame: &DataFrame) -> Result<Vec<Value>, ReportError> {
    let table = Table { frame, what: "the metrics of all runs" };
    let (data, backbone, method) = (table.text("data")?, table.text("backbone")?, table.text("method")?);
    let (kind, source, auc) = (table.text("kind")?, table.text("source")?, table.numbers("auc")?);
    let (low, high) = (table.numbers("auc_ci_low")?, table.numbers("auc_ci_high")?);
    let row = |at: usize| Value {
        data: data[at].clone(),
        backbone: backbone[at].clone(),
        method: method[at].clone(),
        is_aggregate: kind[at] == "aggregate",
        source: source[at].clone(),
        auc: auc[at],
        auc_interval: low[at].zip(high[at]),
    };
    Ok((0..frame.height()).map(row).collect())
}

/// Image counts of `cyborg_eval::collect_metrics`, the first of each data set and source.
pub(crate) fn counts(frame: &DataFrame) -> Result<Vec<Counts>, ReportError> {
    let table = Table { frame, what: "the metrics of all runs" };
    let (data, kind, source) = (table.text("data")?, table.text("kind")?, table.text("source")?);
    let (n_positive, n_negative) = (table.counts("n_positive")?, table.counts("n_negative")?);
    let mut counts: Vec<Counts> = Vec::new();
    for at in 0..frame.height() {
        let is_aggregate = kind[at] == "aggregate";
        let is_known = counts
            .iter()
            .any(|row| row.data == data[at] && row.source == source[at] && row.is_aggregate == is_aggregate);
        if !is_known {
            counts.push(Counts {
                data: data[at].clone(),
                is_aggregate,
                source: source[at].clone(),
                n_positive: n_positive[at],
                n_negative: n_negative[at],
            });
        }
    }
    Ok(counts)
}
