//! Two methods over sources: each source's difference, in the mean over seeds, is one observation.

use crate::columns::{column, frame};
use crate::error::EvalError;
use crate::metric::{METRIC_INFO, METRICS};
use crate::paired::{PairedTest, paired_test};
use crate::rows::RunRow;
use crate::summary::in_groups;
use polars::prelude::DataFrame;
use std::collections::BTreeMap;

/// The tests of [`crate::compare`] over sources in place of seeds: per data, backbone, pair of methods, group of sources
/// (`unseen`, `all`) and metric. A source counts with the mean of its differences over the seeds that both methods have; one
/// without a value in one of them leaves the row without a test, and `reason` names it.
///
/// Columns: data, backbone, sources (str: the group), metric, baseline, candidate, n_sources (u32), mean_baseline,
/// mean_candidate, mean_difference, sd_difference, ci_low, ci_high, t (f64), df (u32), p, wins, losses, ties (u32),
/// p_sign_flip, p_wilcoxon (f64), reason (str).
///
/// # Errors
/// If `metrics` is not a frame of [`crate::collect_metrics`].
pub fn compare_sources(metrics: &DataFrame, pairs: &[(String, String)]) -> Result<DataFrame, EvalError> {
    let rows = RunRow::read(metrics)?;
    let mut found = Vec::new();
    for (baseline, candidate) in pairs {
        let is_of_both =
            |r: &&RunRow| r.row.kind == "source" && (r.key.method == *baseline || r.key.method == *candidate);
        for place in
            in_groups(rows.iter().filter(is_of_both), |r| (r.key.data.as_str(), r.key.backbone.as_str()))
        {
            let sources = in_groups(place, |r| r.row.source.as_str());
            for (group, only_unseen) in [("unseen", true), ("all", false)] {
                let chosen: Vec<&Vec<&RunRow>> =
                    sources.iter().filter(|rows| !only_unseen || rows[0].row.seen == Some(false)).collect();
                if chosen.is_empty() {
                    continue;
                }
                for metric in 0..METRICS.len() {
                    found.push(OverSources::of(&chosen, group, metric, baseline, candidate));
                }
            }
        }
    }
    let rows = &found;
    let count = |n: usize| n as u32;
    frame(
        "comparison over sources",
        vec![
            column("data", rows, |c| c.first.key.data.as_str()),
            column("backbone", rows, |c| c.first.key.backbone.as_str()),
            column("sources", rows, |c| c.group),
            column("metric", rows, |c| METRICS[c.metric]),
            column("baseline", rows, |c| c.baseline),
            column("candidate", rows, |c| c.candidate),
            column("n_sources", rows, |c| count(c.test.n_pairs)),
            column("mean_baseline", rows, |c| c.test.mean_baseline),
            column("mean_candidate", rows, |c| c.test.mean_candidate),
            column("mean_difference", rows, |c| c.test.mean_difference),
            column("sd_difference", rows, |c| c.test.sd_difference),
            column("ci_low", rows, |c| c.test.ci.map(|ci| ci.0)),
            column("ci_high", rows, |c| c.test.ci.map(|ci| ci.1)),
            column("t", rows, |c| c.test.t),
            column("df", rows, |c| c.test.df.map(count)),
            column("p", rows, |c| c.test.p),
            column("wins", rows, |c| count(c.test.wins)),
            column("losses", rows, |c| count(c.test.losses)),
            column("ties", rows, |c| count(c.test.ties)),
            column("p_sign_flip", rows, |c| c.test.p_sign_flip),
            column("p_wilcoxon", rows, |c| c.test.wilcoxon.map(|w| w.p)),
            column("reason", rows, |c| c.test.reason.as_deref()),
        ],
    )
}

struct OverSources<'a> {
    first: &'a RunRow,
    group: &'static str,
    metric: usize,
    baseline: &'a str,
    candidate: &'a str,
    test: PairedTest,
}

impl<'a> OverSources<'a> {
    fn of(
        sources: &[&Vec<&'a RunRow>],
        group: &'static str,
        metric: usize,
        baseline: &'a str,
        candidate: &'a str,
    ) -> Self {
        let lower_is_better = METRIC_INFO[metric].lower_is_better;
        let means: Vec<Option<(f64, f64)>> =
            sources.iter().map(|rows| means(rows, metric, baseline, candidate)).collect();
        let test = if let Some(values) = means.iter().copied().collect::<Option<Vec<(f64, f64)>>>() {
            let (b, c): (Vec<f64>, Vec<f64>) = values.into_iter().unzip();
            paired_test(&b, &c, lower_is_better)
        } else {
            let without = means.iter().position(Option::is_none).unwrap_or(0);
            let reason = format!("`{}` has no value in both methods", sources[without][0].row.source);
            PairedTest {
                n_pairs: sources.len(),
                reason: Some(reason),
                ..paired_test(&[], &[], lower_is_better)
            }
        };
        Self { first: sources[0][0], group, metric, baseline, candidate, test }
    }
}

/// Mean over the seeds that both methods have, of either; nothing where there is none, or one is without a value.
fn means(rows: &[&RunRow], metric: usize, baseline: &str, candidate: &str) -> Option<(f64, f64)> {
    let of = |method: &str| -> BTreeMap<u64, Option<f64>> {
        rows.iter().filter(|r| r.key.method == method).map(|r| (r.key.seed, r.row.values[metric])).collect()
    };
    let (b, c) = (of(baseline), of(candidate));
    let pairs: Option<Vec<(f64, f64)>> =
        b.iter().filter_map(|(seed, b)| Some((b, c.get(seed)?))).map(|(b, c)| b.zip(*c)).collect();
    let pairs = pairs.filter(|pairs| !pairs.is_empty())?;
    let n = pairs.len() as f64;
    Some((pairs.iter().map(|pair| pair.0).sum::<f64>() / n, pairs.iter().map(|pair| pair.1).sum::<f64>() / n))
}
