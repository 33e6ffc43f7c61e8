//! Mean and spread over seeds.

use crate::band::{Spread, spread};
use crate::columns::{column, frame};
use crate::error::EvalError;
use crate::metric::METRICS;
use crate::rows::RunRow;
use polars::prelude::DataFrame;
use std::collections::BTreeMap;

/// Mean and standard deviation (n - 1) over seeds, per data, backbone, method and source: `n_seeds`, `auc_mean`,
/// `auc_sd`, `auc_min`, `auc_max`, ... in order of first appearance.
///
/// A metric that is null for one of the seeds has no mean: `reason` says which seed. A standard deviation over one
/// seed is null.
///
/// # Errors
/// If `metrics` is not a frame of [`crate::collect_metrics`].
pub fn summarise(metrics: &DataFrame) -> Result<DataFrame, EvalError> {
    let rows = RunRow::read(metrics)?;
    let groups = in_groups(&rows, |r| (r.key.data.as_str(), r.key.backbone.as_str(), r.key.method.as_str()));
    let mut summaries = Vec::new();
    for group in groups {
        for of_source in in_groups(group, |r| (r.row.kind.as_str(), r.row.source.as_str())) {
            summaries.push(Summary::of(of_source));
        }
    }
    let mut columns = vec![
        column("data", &summaries, |s| s.first.key.data.as_str()),
        column("backbone", &summaries, |s| s.first.key.backbone.as_str()),
        column("method", &summaries, |s| s.first.key.method.as_str()),
        column("kind", &summaries, |s| s.first.row.kind.as_str()),
        column("source", &summaries, |s| s.first.row.source.as_str()),
        column("seen", &summaries, |s| s.first.row.seen),
        column("n_seeds", &summaries, |s| s.n_seeds),
    ];
    for (i, metric) in METRICS.iter().enumerate() {
        let spread = |s: &Summary<'_>| s.spreads[i];
        columns.push(column(&format!("{metric}_mean"), &summaries, |s| spread(s).map(|v| v.mean)));
        columns.push(column(&format!("{metric}_sd"), &summaries, |s| spread(s).and_then(|v| v.sd)));
        columns.push(column(&format!("{metric}_min"), &summaries, |s| spread(s).map(|v| v.min)));
        columns.push(column(&format!("{metric}_max"), &summaries, |s| spread(s).map(|v| v.max)));
    }
    columns.push(column("reason", &summaries, |s| s.reason.as_deref()));
    frame("summary", columns)
}

struct Summary<'a> {
    first: &'a RunRow,
    n_seeds: u32,
    spreads: [Option<Spread>; METRICS.len()],
    reason: Option<String>,
}

impl<'a> Summary<'a> {
    fn of(mut rows: Vec<&'a RunRow>) -> Self {
        let first = rows[0];
        // So that sums do not depend on the order in which runs are given.
        rows.sort_by_key(|r| r.key.seed);
        let spreads = std::array::from_fn(|metric| {
            let values: Option<Vec<f64>> = rows.iter().map(|r| r.row.values[metric]).collect();
            values.and_then(|values| spread(&values))
        });
        let note = |r: &&RunRow| r.row.reason.as_ref().map(|reason| format!("seed {}: {reason}", r.key.seed));
        Self { first, n_seeds: rows.len() as u32, spreads, reason: rows.iter().find_map(note) }
    }
}

/// Rows with the same key, keys in order of first appearance.
pub(crate) fn in_groups<'a, K: Ord>(
    rows: impl IntoIterator<Item = &'a RunRow>,
    key: impl Fn(&'a RunRow) -> K,
) -> Vec<Vec<&'a RunRow>> {
    let mut positions: BTreeMap<K, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<&RunRow>> = Vec::new();
    for row in rows {
        let position = *positions.entry(key(row)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[position].push(row);
    }
    groups
}
