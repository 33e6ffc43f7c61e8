//! The metrics of one run: every positive source against its negatives, then means and the pool.

use crate::delong::auc_error;
use crate::error::EvalError;
use crate::measure::Scale;
use crate::metric::{METRIC_INFO, MetricName, OverSources};
use crate::options::{MetricOptions, check_options};
use crate::pairing::{EvalPlan, Sources};
use crate::pot::Pot;
use crate::rows::{AucError, SourceRow};
use crate::values::{Gathered, reason_of};
use polars::prelude::DataFrame;
use std::collections::BTreeSet;

/// [`run_metrics_with`] the settings of [`MetricOptions::default`].
///
/// # Errors
/// Only if `scores` lacks a column or holds nulls. A metric that cannot be had is null, and `reason` or
/// `metric_reasons` says why.
///
/// # Examples
/// See the [crate's page](crate).
pub fn run_metrics(scores: &DataFrame, plan: &EvalPlan) -> Result<DataFrame, EvalError> {
    run_metrics_with(scores, plan, &MetricOptions::default())
}

/// Metrics of every positive source against the negatives of the plan, and of all together.
///
/// One row per positive source, then aggregates (`unseen mean`, `seen mean`, `all mean`, `all pooled`, and `NAME mean`,
/// `NAME pooled` of each group), columns: kind ("source" | "aggregate"), source, seen (bool), n_sources, n_positive,
/// n_negative (u32), each of [`crate::METRICS`] (f64, null with a reason), auc_se, auc_ci_low, auc_ci_high (f64),
/// metric_reasons, reason (str). The crate's README defines each.
///
/// The scores are taken apart and sorted once, negatives that sources share are merged once, and each metric of a
/// source is then a walk down two sorted lists.
///
/// # Errors
/// If `scores` lacks a column or holds nulls, two groups have one name (or that of an aggregate), or a setting makes no
/// sense.
pub fn run_metrics_with(
    scores: &DataFrame,
    plan: &EvalPlan,
    options: &MetricOptions,
) -> Result<DataFrame, EvalError> {
    check_options(options)?;
    SourceRow::frame(&measure(&Sources::new(scores, plan)?, plan, options))
}

/// The rows of [`run_metrics_with`].
pub(crate) fn measure(sources: &Sources, plan: &EvalPlan, options: &MetricOptions) -> Vec<SourceRow> {
    let scale = Scale {
        options,
        many_classes: sources.has_many_classes(),
        probabilities: sources.are_probabilities(),
    };
    let mut measured: Vec<Measured> = Vec::new();
    sources.for_each_pair(plan, |pair| {
        let outcome = pair.ranked().map(|ranked| {
            let values = scale.values(ranked, pair.positives, pair.negatives);
            let error = auc_error(ranked, values.of(MetricName::Auc), sources.have_repeated_subjects());
            (values, error)
        });
        measured.push(Measured {
            row: row(
                "source",
                pair.source,
                Some(pair.seen),
                [1, pair.positives.len(), pair.negatives.len()],
                outcome,
            ),
            negative_sources: pair.negative_sources.to_vec(),
        });
    });

    let mean_of = |seen: bool| measured.iter().filter(|m| m.row.seen == Some(seen)).collect::<Vec<_>>();
    let all = measured.iter().collect::<Vec<_>>();
    let (positives, negatives) = sources.pooled();
    let mut rows = vec![
        macro_mean("unseen mean", Some(false), &mean_of(false), sources, "no positive source is unseen"),
        macro_mean(
            "seen mean",
            Some(true),
            &mean_of(true),
            sources,
            "no positive source was seen in training or validation",
        ),
        macro_mean("all mean", None, &all, sources, "there is no positive source"),
        pooled("all pooled", sources.n_positive_sources(), &positives, &negatives, sources, &all, scale),
    ];
    for group in &options.groups {
        let members: Vec<&Measured> =
            all.iter().filter(|m| group.sources.contains(&m.row.source)).copied().collect();
        let absent: Vec<&str> = group
            .sources
            .iter()
            .map(String::as_str)
            .filter(|name| members.iter().all(|m| m.row.source != **name))
            .collect();
        let nothing = format!("none of the group's sources is in the test set: {}", quoted(&absent));
        let mut mean = macro_mean(&format!("{} mean", group.name), None, &members, sources, &nothing);
        let of_group = |source: &&crate::pairing::Source| group.sources.contains(&source.name);
        let positions: BTreeSet<usize> =
            sources.all().iter().enumerate().filter(|(_, s)| of_group(s)).map(|(i, _)| i).collect();
        let negatives: BTreeSet<usize> =
            members.iter().flat_map(|m| m.negative_sources.iter().copied()).collect();
        let (positives, negatives) = sources.pooled_of(&positions, &negatives);
        let n_present = members.iter().filter(|m| m.row.n_positive > 0).count();
        let name = format!("{} pooled", group.name);
        let mut pot = pooled(&name, n_present, &positives, &negatives, sources, &members, scale);
        if !absent.is_empty() && n_present > 0 {
            for row in [&mut mean, &mut pot] {
                let note = format!("without {}, which the test set does not have", quoted(&absent));
                row.reason =
                    Some(row.reason.take().map_or(note.clone(), |reason| format!("{reason} ({note})")));
            }
        }
        rows.extend([mean, pot]);
    }
    let mut table: Vec<SourceRow> = measured.into_iter().map(|m| m.row).collect();
    table.extend(rows);
    table
}

struct Measured {
    row: SourceRow,
    negative_sources: Vec<usize>,
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn row<E: ToString>(
    kind: &str,
    source: &str,
    seen: Option<bool>,
    [n_sources, n_positive, n_negative]: [usize; 3],
    outcome: Result<(Gathered, (AucError, Option<String>)), E>,
) -> SourceRow {
    let (mut gathered, mut auc_error, mut reason) = (Gathered::default(), AucError::default(), None);
    match outcome {
        Ok((values, (error, why_none))) => {
            gathered = values;
            auc_error = error;
            if let Some(why_none) = why_none {
                gathered.lacks_beside("auc_ci", why_none);
            }
        }
        Err(error) => reason = Some(error.to_string()),
    }
    SourceRow {
        kind: kind.to_owned(),
        source: source.to_owned(),
        seen,
        n_sources: n_sources as u32,
        n_positive: n_positive as u32,
        n_negative: n_negative as u32,
        values: gathered.values,
        auc_error,
        metric_reasons: gathered.reasons(),
        reason,
    }
}

fn macro_mean(
    name: &str,
    seen: Option<bool>,
    members: &[&Measured],
    sources: &Sources,
    nothing: &str,
) -> SourceRow {
    let (present, absent): (Vec<&Measured>, Vec<&Measured>) =
        members.iter().partition(|member| member.row.n_positive > 0);
    let failed: Vec<&SourceRow> = present.iter().map(|m| &m.row).filter(|row| row.reason.is_some()).collect();
    let mut gathered = Gathered::default();
    if !present.is_empty() && failed.is_empty() {
        over_sources(&present, &mut gathered);
    }
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
        let names: Vec<&str> = absent.iter().map(|m| m.row.source.as_str()).collect();
        Some(format!("without {}, of which the test set has no positive image", quoted(&names)))
    } else if present.is_empty() {
        Some(nothing.to_owned())
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
        values: gathered.values,
        auc_error: AucError::default(),
        metric_reasons: gathered.reasons(),
        reason,
    }
}

/// Each metric over the sources; none where one of them has none, because a mean over fewer is another quantity.
fn over_sources(members: &[&Measured], gathered: &mut Gathered) {
    for (at, metric) in METRIC_INFO.iter().enumerate() {
        if let Some(without) = members.iter().find(|m| m.row.values[at].is_none()) {
            let reasons = without.row.metric_reasons.as_deref().unwrap_or_default();
            let reason = reason_of(reasons, metric.name).unwrap_or("no value");
            gathered.lacks(metric.id, format!("`{}` has no value, {reason}", without.row.source));
            continue;
        }
        // From small to large, so that the order of sources does not change the last bit.
        let mut of_sources: Vec<f64> = members.iter().filter_map(|m| m.row.values[at]).collect();
        of_sources.sort_unstable_by(f64::total_cmp);
        let value = match metric.over_sources {
            OverSources::Mean => of_sources.iter().sum::<f64>() / members.len() as f64,
            OverSources::Largest => of_sources[of_sources.len() - 1],
            OverSources::WorstAcer => {
                f64::midpoint(gathered.of(MetricName::ApcerWorst), gathered.of(MetricName::Bpcer))
            }
        };
        gathered.set(metric.id, value);
    }
}

fn pooled(
    name: &str,
    n_sources: usize,
    positives: &Pot,
    negatives: &Pot,
    sources: &Sources,
    members: &[&Measured],
    scale: Scale<'_>,
) -> SourceRow {
    let outcome = crate::measure::ranked(positives, negatives).map(|ranked| {
        let mut values = scale.values(ranked, positives, negatives);
        // The worst attack type, not the pool of all.
        if let Ok(threshold) = scale.threshold() {
            let apcer = |member: &&Measured| {
                let source = sources.all().iter().find(|source| source.name == member.row.source)?;
                let n = source.positives.len() as u64;
                (n > 0).then(|| (n - source.positives.n_at_least(threshold)) as f64 / n as f64)
            };
            let worst = members.iter().filter_map(apcer).fold(0.0, f64::max);
            values.set(MetricName::ApcerWorst, worst);
            values.set(MetricName::AcerWorst, f64::midpoint(worst, values.of(MetricName::Bpcer)));
        }
        let error = auc_error(ranked, values.of(MetricName::Auc), sources.have_repeated_subjects());
        (values, error)
    });
    row("aggregate", name, None, [n_sources, positives.len(), negatives.len()], outcome)
}
