//! Two methods over the same seeds, for every data set, network, source and metric.

use crate::columns::{column, frame};
use crate::error::EvalError;
use crate::holm::holm;
use crate::metric::{METRIC_INFO, METRICS};
use crate::paired::{PairedTest, paired_test};
use crate::rows::RunRow;
use crate::summary::in_groups;
use crate::values::reason_of;
use polars::prelude::DataFrame;
use std::collections::BTreeMap;

/// Paired comparison of two methods over seeds, per data, backbone, source (or aggregate) and metric. The crate's
/// README lists the columns and says which test is used and why.
///
/// A method without a run gives rows without values, and a reason.
///
/// # Errors
/// If `metrics` is not a frame of [`crate::collect_metrics`].
pub fn compare(metrics: &DataFrame, baseline: &str, candidate: &str) -> Result<DataFrame, EvalError> {
    compare_all(metrics, &[(baseline.to_owned(), candidate.to_owned())])
}

/// [`compare`] for several (baseline, candidate) pairs, one below the other, with Holm's correction over all of them. An
/// empty list gives a frame without rows.
///
/// # Errors
/// If `metrics` is not a frame of [`crate::collect_metrics`].
pub fn compare_all(metrics: &DataFrame, pairs: &[(String, String)]) -> Result<DataFrame, EvalError> {
    let rows = RunRow::read(metrics)?;
    let mut comparisons = Vec::new();
    for (baseline, candidate) in pairs {
        let of_both = rows.iter().filter(|r| r.key.method == *baseline || r.key.method == *candidate);
        for group in in_groups(of_both, |r| (r.key.data.as_str(), r.key.backbone.as_str())) {
            for of_source in in_groups(group, |r| (r.row.kind.as_str(), r.row.source.as_str())) {
                for metric in 0..METRICS.len() {
                    comparisons.push(Comparison::of(&of_source, metric, baseline, candidate));
                }
            }
        }
    }
    let families = families(&comparisons);
    let rows = &comparisons.into_iter().zip(families).collect::<Vec<_>>();
    let count = |n: usize| n as u32;
    let columns = vec![
        column("data", rows, |(c, _)| c.first.key.data.as_str()),
        column("backbone", rows, |(c, _)| c.first.key.backbone.as_str()),
        column("kind", rows, |(c, _)| c.first.row.kind.as_str()),
        column("source", rows, |(c, _)| c.first.row.source.as_str()),
        column("seen", rows, |(c, _)| c.first.row.seen),
        column("metric", rows, |(c, _)| METRICS[c.metric]),
        column("baseline", rows, |(c, _)| c.baseline),
        column("candidate", rows, |(c, _)| c.candidate),
        column("n_pairs", rows, |(c, _)| count(c.test.n_pairs)),
        column("n_unpaired", rows, |(c, _)| count(c.n_unpaired)),
        column("mean_baseline", rows, |(c, _)| c.test.mean_baseline),
        column("mean_candidate", rows, |(c, _)| c.test.mean_candidate),
        column("mean_difference", rows, |(c, _)| c.test.mean_difference),
        column("sd_difference", rows, |(c, _)| c.test.sd_difference),
        column("ci_low", rows, |(c, _)| c.test.ci.map(|ci| ci.0)),
        column("ci_high", rows, |(c, _)| c.test.ci.map(|ci| ci.1)),
        column("t", rows, |(c, _)| c.test.t),
        column("df", rows, |(c, _)| c.test.df.map(count)),
        column("p", rows, |(c, _)| c.test.p),
        column("correlation", rows, |(c, _)| c.test.correlation),
        column("cohens_dz", rows, |(c, _)| c.test.cohens_dz),
        column("wins", rows, |(c, _)| count(c.test.wins)),
        column("losses", rows, |(c, _)| count(c.test.losses)),
        column("ties", rows, |(c, _)| count(c.test.ties)),
        column("p_sign_flip", rows, |(c, _)| c.test.p_sign_flip),
        column("p_sign_flip_min", rows, |(c, _)| c.test.p_sign_flip_min),
        column("w_plus", rows, |(c, _)| c.test.wilcoxon.map(|w| w.w_plus)),
        column("w_minus", rows, |(c, _)| c.test.wilcoxon.map(|w| w.w_minus)),
        column("p_wilcoxon", rows, |(c, _)| c.test.wilcoxon.map(|w| w.p)),
        column("rank_biserial", rows, |(c, _)| c.test.wilcoxon.map(|w| w.rank_biserial)),
        column("p_holm", rows, |(_, family)| family.p_holm),
        column("n_family", rows, |(_, family)| count(family.n)),
        column("family", rows, |(_, family)| family.name.as_str()),
        column("reason", rows, |(c, _)| c.test.reason.as_deref()),
    ];
    frame("comparison", columns)
}

struct Comparison<'a> {
    first: &'a RunRow,
    metric: usize,
    baseline: &'a str,
    candidate: &'a str,
    n_unpaired: usize,
    test: PairedTest,
}

impl<'a> Comparison<'a> {
    fn of(rows: &[&'a RunRow], metric: usize, baseline: &'a str, candidate: &'a str) -> Self {
        let of_method = |method: &str| -> BTreeMap<u64, &'a RunRow> {
            rows.iter().filter(|r| r.key.method == method).map(|r| (r.key.seed, *r)).collect()
        };
        let (with_baseline, with_candidate) = (of_method(baseline), of_method(candidate));
        // By seed, so that sums do not depend on the order in which runs finished.
        let pairs: Vec<(&RunRow, &RunRow)> =
            with_baseline.iter().filter_map(|(seed, b)| with_candidate.get(seed).map(|c| (*b, *c))).collect();
        let lower_is_better = METRIC_INFO[metric].lower_is_better;
        let values = pairs.iter().map(|(b, c)| b.row.values[metric].zip(c.row.values[metric]));
        let mut test = match values.collect::<Option<Vec<(f64, f64)>>>() {
            Some(values) => {
                let (b, c): (Vec<f64>, Vec<f64>) = values.into_iter().unzip();
                paired_test(&b, &c, lower_is_better)
            }
            None => PairedTest { n_pairs: pairs.len(), ..paired_test(&[], &[], lower_is_better) },
        };
        let missing = pairs.iter().flat_map(|(b, c)| [b, c]).find(|r| r.row.values[metric].is_none());
        if let Some(RunRow { key, row }) = missing {
            let reasons = row.metric_reasons.as_deref().unwrap_or_default();
            let of_metric = || reason_of(reasons, METRICS[metric]);
            let reason = row.reason.as_deref().or_else(of_metric).unwrap_or("no value");
            test.reason = Some(format!("`{}`, seed {}: {reason}", key.method, key.seed));
        } else if with_baseline.is_empty() || with_candidate.is_empty() {
            let method = if with_baseline.is_empty() { baseline } else { candidate };
            test.reason = Some(format!("`{method}` has no run"));
        }
        Self {
            first: rows[0],
            metric,
            baseline,
            candidate,
            n_unpaired: with_baseline.len() + with_candidate.len() - 2 * pairs.len(),
            test,
        }
    }
}

/// The family of comparisons in which a p value is corrected.
#[derive(Clone, Debug, Default)]
struct Family {
    p_holm: Option<f64>,
    n: usize,
    name: String,
}

/// Sources of all data sets, backbones and pairs are one family for each metric; so is each aggregate by itself.
fn families(comparisons: &[Comparison<'_>]) -> Vec<Family> {
    let mut members: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
    for (i, comparison) in comparisons.iter().enumerate() {
        let row = &comparison.first.row;
        let aggregate = if row.kind == "source" { "" } else { row.source.as_str() };
        members.entry((comparison.metric, aggregate)).or_default().push(i);
    }
    let mut families = vec![Family::default(); comparisons.len()];
    for ((metric, aggregate), members) in members {
        let p: Vec<Option<f64>> = members.iter().map(|&i| comparisons[i].test.p).collect();
        let n = p.iter().flatten().count();
        let rows = if aggregate.is_empty() { "all sources" } else { aggregate };
        let name = format!("{} of {rows}, over data sets, backbones and pairs of methods", METRICS[metric]);
        for (&i, p_holm) in members.iter().zip(holm(&p)) {
            families[i] = Family { p_holm, n, name: name.clone() };
        }
    }
    families
}
