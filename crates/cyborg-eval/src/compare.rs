//! Two methods over the same seeds, for every data set, network, source and metric.

use crate::columns::{column, frame};
use crate::error::EvalError;
use crate::paired::{PairedTest, paired_test};
use crate::rows::{METRICS, RunRow};
use crate::summary::in_groups;
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
    let rows = RunRow::read(metrics)?;
    let of_both = rows.iter().filter(|r| r.key.method == baseline || r.key.method == candidate);
    let mut comparisons = Vec::new();
    for group in in_groups(of_both, |r| (r.key.data.as_str(), r.key.backbone.as_str())) {
        for of_source in in_groups(group, |r| (r.row.kind.as_str(), r.row.source.as_str())) {
            for metric in 0..METRICS.len() {
                comparisons.push(Comparison::of(&of_source, metric, baseline, candidate));
            }
        }
    }
    let rows = &comparisons;
    let count = |n: usize| n as u32;
    let columns = vec![
        column("data", rows, |c| c.first.key.data.as_str()),
        column("backbone", rows, |c| c.first.key.backbone.as_str()),
        column("kind", rows, |c| c.first.row.kind.as_str()),
        column("source", rows, |c| c.first.row.source.as_str()),
        column("seen", rows, |c| c.first.row.seen),
        column("metric", rows, |c| METRICS[c.metric]),
        column("baseline", rows, |_| baseline),
        column("candidate", rows, |_| candidate),
        column("n_pairs", rows, |c| count(c.test.n_pairs)),
        column("n_unpaired", rows, |c| count(c.n_unpaired)),
        column("mean_baseline", rows, |c| c.test.mean_baseline),
        column("mean_candidate", rows, |c| c.test.mean_candidate),
        column("mean_difference", rows, |c| c.test.mean_difference),
        column("sd_difference", rows, |c| c.test.sd_difference),
        column("ci_low", rows, |c| c.test.ci.map(|ci| ci.0)),
        column("ci_high", rows, |c| c.test.ci.map(|ci| ci.1)),
        column("t", rows, |c| c.test.t),
        column("df", rows, |c| c.test.df.map(count)),
        column("p", rows, |c| c.test.p),
        column("cohens_dz", rows, |c| c.test.cohens_dz),
        column("wins", rows, |c| count(c.test.wins)),
        column("losses", rows, |c| count(c.test.losses)),
        column("ties", rows, |c| count(c.test.ties)),
        column("p_sign_flip", rows, |c| c.test.p_sign_flip),
        column("p_sign_flip_min", rows, |c| c.test.p_sign_flip_min),
        column("reason", rows, |c| c.test.reason.as_deref()),
    ];
    frame("comparison", columns)
}

struct Comparison<'a> {
    first: &'a RunRow,
    metric: usize,
    n_unpaired: usize,
    test: PairedTest,
}

impl<'a> Comparison<'a> {
    fn of(rows: &[&'a RunRow], metric: usize, baseline: &str, candidate: &str) -> Self {
        let of_method = |method: &str| -> BTreeMap<u64, &'a RunRow> {
            rows.iter().filter(|r| r.key.method == method).map(|r| (r.key.seed, *r)).collect()
        };
        let (with_baseline, with_candidate) = (of_method(baseline), of_method(candidate));
        // By seed, so that sums do not depend on the order in which runs finished.
        let pairs: Vec<(&RunRow, &RunRow)> =
            with_baseline.iter().filter_map(|(seed, b)| with_candidate.get(seed).map(|c| (*b, *c))).collect();
        let lower_is_better = METRICS[metric] == "eer";
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
            let reason = row.reason.as_deref().unwrap_or("no value");
            test.reason = Some(format!("`{}`, seed {}: {reason}", key.method, key.seed));
        } else if with_baseline.is_empty() || with_candidate.is_empty() {
            let method = if with_baseline.is_empty() { baseline } else { candidate };
            test.reason = Some(format!("`{method}` has no run"));
        }
        Self {
            first: rows[0],
            metric,
            n_unpaired: with_baseline.len() + with_candidate.len() - 2 * pairs.len(),
            test,
        }
    }
}
