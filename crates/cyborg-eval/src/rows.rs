//! The rows of the metric tables, between frames and plain Rust.

use crate::columns::{Table, column, frame};
use crate::error::EvalError;
use crate::metric::METRICS;
use crate::runs::RunKey;
use crate::values::Values;
use polars::prelude::{Column, DataFrame};
use std::collections::BTreeSet;

/// DeLong's standard error of the AUC and the 95 % interval that follows from it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct AucError {
    pub(crate) se: Option<f64>,
    pub(crate) ci: Option<(f64, f64)>,
}

/// Metrics of one source or aggregate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SourceRow {
    pub(crate) kind: String,
    pub(crate) source: String,
    pub(crate) seen: Option<bool>,
    pub(crate) n_sources: u32,
    pub(crate) n_positive: u32,
    pub(crate) n_negative: u32,
    pub(crate) values: Values,
    pub(crate) auc_error: AucError,
    pub(crate) metric_reasons: Option<String>,
    pub(crate) reason: Option<String>,
}

/// Metrics of one source or aggregate in one run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RunRow {
    pub(crate) key: RunKey,
    pub(crate) row: SourceRow,
}

impl SourceRow {
    pub(crate) fn frame(rows: &[Self]) -> Result<DataFrame, EvalError> {
        frame("metrics", Self::columns(rows, |row| row))
    }

    fn columns<'a, R>(rows: &'a [R], of: impl Fn(&'a R) -> &'a Self + Copy) -> Vec<Column> {
        let mut columns = vec![
            column("kind", rows, |r| of(r).kind.as_str()),
            column("source", rows, |r| of(r).source.as_str()),
            column("seen", rows, |r| of(r).seen),
            column("n_sources", rows, |r| of(r).n_sources),
            column("n_positive", rows, |r| of(r).n_positive),
            column("n_negative", rows, |r| of(r).n_negative),
        ];
        for (i, metric) in METRICS.iter().enumerate() {
            columns.push(column(metric, rows, |r| of(r).values[i]));
        }
        columns.push(column("auc_se", rows, |r| of(r).auc_error.se));
        columns.push(column("auc_ci_low", rows, |r| of(r).auc_error.ci.map(|ci| ci.0)));
        columns.push(column("auc_ci_high", rows, |r| of(r).auc_error.ci.map(|ci| ci.1)));
        columns.push(column("metric_reasons", rows, |r| of(r).metric_reasons.as_deref()));
        columns.push(column("reason", rows, |r| of(r).reason.as_deref()));
        columns
    }

    /// The rows of a frame that has the columns of [`crate::run_metrics`].
    pub(crate) fn read(metrics: Table<'_>) -> Result<Vec<Self>, EvalError> {
        let kinds = metrics.strings("kind")?;
        let sources = metrics.strings("source")?;
        let seen = metrics.optional_bools("seen")?;
        let n_sources = metrics.u32s("n_sources")?;
        let n_positive = metrics.u32s("n_positive")?;
        let n_negative = metrics.u32s("n_negative")?;
        let se = metrics.optional_f64s("auc_se")?;
        let (low, high) = (metrics.optional_f64s("auc_ci_low")?, metrics.optional_f64s("auc_ci_high")?);
        let metric_reasons = metrics.optional_strings("metric_reasons")?;
        let reasons = metrics.optional_strings("reason")?;
        let values =
            METRICS.iter().map(|metric| metrics.optional_f64s(metric)).collect::<Result<Vec<_>, _>>()?;
        let row = |i| Self {
            kind: kinds.get(i).unwrap_or_default().to_owned(),
            source: sources.get(i).unwrap_or_default().to_owned(),
            seen: seen.get(i),
            n_sources: n_sources.get(i).unwrap_or_default(),
            n_positive: n_positive.get(i).unwrap_or_default(),
            n_negative: n_negative.get(i).unwrap_or_default(),
            values: std::array::from_fn(|metric| values[metric].get(i)),
            auc_error: AucError { se: se.get(i), ci: low.get(i).zip(high.get(i)) },
            metric_reasons: metric_reasons.get(i).map(str::to_owned),
            reason: reasons.get(i).map(str::to_owned),
        };
        Ok((0..metrics.frame.height()).map(row).collect())
    }
}

impl RunRow {
    pub(crate) fn frame(rows: &[Self]) -> Result<DataFrame, EvalError> {
        let mut columns = vec![
            column("data", rows, |r| r.key.data.as_str()),
            column("method", rows, |r| r.key.method.as_str()),
            column("backbone", rows, |r| r.key.backbone.as_str()),
            column("seed", rows, |r| r.key.seed),
        ];
        columns.extend(SourceRow::columns(rows, |r| &r.row));
        frame("metrics of all runs", columns)
    }

    /// The rows of a frame that has the columns of [`crate::collect_metrics`], no source of a run twice.
    pub(crate) fn read(metrics: &DataFrame) -> Result<Vec<Self>, EvalError> {
        let table = Table::new(metrics, "the metrics of all runs");
        let data = table.strings("data")?;
        let methods = table.strings("method")?;
        let backbones = table.strings("backbone")?;
        let seeds = table.u64s("seed")?;
        let key = |i| RunKey {
            data: data.get(i).unwrap_or_default().to_owned(),
            method: methods.get(i).unwrap_or_default().to_owned(),
            backbone: backbones.get(i).unwrap_or_default().to_owned(),
            seed: seeds.get(i).unwrap_or_default(),
        };
        let rows = SourceRow::read(table)?.into_iter().enumerate();
        let rows: Vec<Self> = rows.map(|(i, row)| Self { key: key(i), row }).collect();
        Self::check_unique(&rows)?;
        Ok(rows)
    }

    pub(crate) fn check_unique(rows: &[Self]) -> Result<(), EvalError> {
        let mut known = BTreeSet::new();
        for RunRow { key, row } in rows {
            if !known.insert((key, &row.kind, &row.source)) {
                return Err(EvalError::Duplicate { key: key.clone(), rows: row.source.clone() });
            }
        }
        Ok(())
    }
}
