//! The metrics of one run: every positive source against its negatives, then means and the pool.

use crate::error::EvalError;
use crate::pairing::{EvalPlan, Pot, Sources, ranked};
use crate::ranking::{Ranked, Undefined};
use crate::rows::{METRICS, SourceRow, Values};
use polars::prelude::DataFrame;
use std::collections::BTreeSet;

/// Metrics of every positive source against the negatives of the plan, and of all together.
///
/// One row per positive source, then aggregates (`unseen mean`, `seen mean`, `all mean`, `all pooled`), columns:
/// kind ("source" | "aggregate"), source, seen (bool), n_sources, n_positive, n_negative (u32), auc,
/// average_precision, accuracy, eer (f64, null with a reason), reason (str). The crate's README defines each.
///
/// The scores are taken apart and sorted once, negatives that sources share are merged once, and each metric of a
/// source is then one walk down two sorted lists. 700,000 scores of eight sources: half a second on one core, in the
/// profile of the tests.
///
/// # Errors
/// Only if `scores` lacks a column or holds nulls. A metric that cannot be had is null, and `reason` says why.
///
/// # Examples
/// See the [crate's page](crate).
pub fn run_metrics(scores: &DataFrame, plan: &EvalPlan) -> Result<DataFrame, EvalError> {
    let sources = Sources::new(scores, plan)?;
    let mut measured: Vec<Measured> = Vec::new();
    sources.for_each_pair(plan, |pair| {
        let outcome = pair.ranked().map(|ranked| values(ranked, pair.positives, pair.negatives));
        let reason = outcome.as_ref().err().map(ToString::to_string);
        measured.push(Measured {
            row: SourceRow {
                kind: "source".to_owned(),
                source: pair.source.to_owned(),
                seen: Some(pair.seen),
                n_sources: 1,
                n_positive: pair.positives.len() as u32,
                n_negative: pair.negatives.len() as u32,
                values: outcome.unwrap_or_default(),
                reason,
            },
            negative_sources: pair.negative_sources.to_vec(),
        });
    });

    let mean_of = |name: &str, seen: Option<bool>| {
        let members = measured.iter().filter(|m| seen.is_none() || m.row.seen == seen).collect::<Vec<_>>();
        macro_mean(name, seen, &members, &sources)
    };
    let aggregates = [
        mean_of("unseen mean", Some(false)),
        mean_of("seen mean", Some(true)),
        mean_of("all mean", None),
        pooled(&sources),
    ];
    let mut rows: Vec<SourceRow> = measured.into_iter().map(|m| m.row).collect();
    rows.extend(aggregates);
    SourceRow::frame(&rows)
}

struct Measured {
    row: SourceRow,
    negative_sources: Vec<usize>,
}

/// In the order of [`METRICS`].
fn values(ranked: Ranked<'_>, positives: &Pot, negatives: &Pot) -> Values {
    let n_images = (positives.len() + negatives.len()) as f64;
    let accuracy = (positives.n_correct + negatives.n_correct) as f64 / n_images;
    [ranked.auc(), ranked.average_precision(), accuracy, ranked.eer()].map(Some)
}

fn macro_mean(name: &str, seen: Option<bool>, members: &[&Measured], sources: &Sources) -> SourceRow {
    let (present, absent): (Vec<&Measured>, Vec<&Measured>) =
        members.iter().partition(|member| member.row.n_positive > 0);
    let failed: Vec<&SourceRow> = present.iter().map(|m| &m.row).filter(|row| row.reason.is_some()).collect();
    let values = if present.is_empty() || !failed.is_empty() {
        [None; METRICS.len()]
    } else {
        std::array::from_fn(|metric| {
            // From small to large, so that the order of sources does not change the last bit.
            let mut of_sources: Vec<f64> = present.iter().filter_map(|m| m.row.values[metric]).collect();
            of_sources.sort_unstable_by(f64::total_cmp);
            Some(of_sources.iter().sum::<f64>() / present.len() as f64)
        })
    };
    let reason = if let Some(first) = failed.first() {
        let more = match failed.len() {
            1 => String::new(),
            n => format!(" ({} more have none)", n - 1),
        };
        Some(format!(
            "`{}` has no value: {}{more}",
            first.source,
            first.reason.as_deref().unwrap_or_default()
        ))
    } else if !absent.is_empty() {
        let names: Vec<String> = absent.iter().map(|m| format!("`{}`", m.row.source)).collect();
        Some(format!("without {}, of which the test set has no positive image", names.join(", ")))
    } else if present.is_empty() {
        Some(match seen {
            Some(true) => "no positive source was seen in training or validation".to_owned(),
            Some(false) => "no positive source is unseen".to_owned(),
            None => "there is no positive source".to_owned(),
        })
    } else {
        None
    };
    let negative_sources: BTreeSet<usize> =
        present.iter().flat_map(|member| member.negative_sources.iter().copied()).collect();
    SourceRow {
        kind: "aggregate".to_owned(),
        source: name.to_owned(),
        seen,
        n_sources: present.len() as u32,
        n_positive: present.iter().map(|member| member.row.n_positive).sum(),
        n_negative: sources.n_negatives(&negative_sources) as u32,
        values,
        reason,
    }
}

fn pooled(sources: &Sources) -> SourceRow {
    let (positives, negatives) = sources.pooled();
    let outcome: Result<Values, Undefined> =
        ranked(&positives, &negatives).map(|ranked| values(ranked, &positives, &negatives));
    let reason = outcome.as_ref().err().map(ToString::to_string);
    SourceRow {
        kind: "aggregate".to_owned(),
        source: "all pooled".to_owned(),
        seen: None,
        n_sources: sources.n_positive_sources() as u32,
        n_positive: positives.len() as u32,
        n_negative: negatives.len() as u32,
        values: outcome.unwrap_or_default(),
        reason,
    }
}
