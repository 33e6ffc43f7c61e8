//! Small inputs.

use cyborg_eval::{EvalPlan, RunKey, ScoreRow};
use polars::prelude::{Column, DataFrame};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const ALL: [&str; 4] = ["unseen mean", "seen mean", "all mean", "all pooled"];

/// A row of a two-class set; `predicted` follows the score.
pub(crate) fn row(source: &str, label: u32, score: f64) -> ScoreRow {
    let predicted = u32::from(score > 0.5);
    ScoreRow {
        image: String::new(),
        source: source.to_owned(),
        label,
        predicted,
        score,
        logits: vec![0.0, 0.0],
    }
}

/// The frame that `read_scores` gives for these rows, images numbered.
pub(crate) fn frame(rows: &[ScoreRow]) -> DataFrame {
    let images: Vec<String> = (0..rows.len()).map(|i| format!("{i:04}.png")).collect();
    let sources: Vec<&str> = rows.iter().map(|r| r.source.as_str()).collect();
    let mut columns = vec![
        Column::new("image".into(), images),
        Column::new("source".into(), sources),
        Column::new("label".into(), rows.iter().map(|r| r.label).collect::<Vec<u32>>()),
        Column::new("predicted".into(), rows.iter().map(|r| r.predicted).collect::<Vec<u32>>()),
        Column::new("score".into(), rows.iter().map(|r| r.score).collect::<Vec<f64>>()),
    ];
    for i in 0..rows.first().map_or(0, |r| r.logits.len()) {
        let logits: Vec<f32> = rows.iter().map(|r| r.logits[i]).collect();
        columns.push(Column::new(format!("logit_{i}").into(), logits));
    }
    DataFrame::new_infer_height(columns).unwrap()
}

pub(crate) fn plan(pairs: &[(&str, &[&str])], seen: &[&str]) -> EvalPlan {
    let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<String>>();
    EvalPlan {
        positive: 1,
        pairs: pairs
            .iter()
            .map(|(source, negatives)| (source.to_string(), owned(negatives)))
            .collect::<BTreeMap<_, _>>(),
        seen: owned(seen).into_iter().collect::<BTreeSet<_>>(),
    }
}

pub(crate) fn key(method: &str, seed: u64) -> RunKey {
    RunKey { data: "faces".to_owned(), method: method.to_owned(), backbone: "resnet18".to_owned(), seed }
}

/// Row of a table in which `column` is `value`.
pub(crate) fn find(table: &DataFrame, column: &str, value: &str) -> usize {
    let values = table.column(column).unwrap().str().unwrap();
    values.iter().position(|v| v == Some(value)).unwrap_or_else(|| panic!("no `{value}` in `{column}`"))
}

pub(crate) fn strings<'a>(table: &'a DataFrame, column: &str) -> Vec<&'a str> {
    table.column(column).unwrap().str().unwrap().iter().map(Option::unwrap_or_default).collect()
}

pub(crate) fn f64_at(table: &DataFrame, row: usize, column: &str) -> Option<f64> {
    table.column(column).unwrap().f64().unwrap().get(row)
}

pub(crate) fn u32_at(table: &DataFrame, row: usize, column: &str) -> Option<u32> {
    table.column(column).unwrap().u32().unwrap().get(row)
}

pub(crate) fn bool_at(table: &DataFrame, row: usize, column: &str) -> Option<bool> {
    table.column(column).unwrap().bool().unwrap().get(row)
}

pub(crate) fn str_at(table: &DataFrame, row: usize, column: &str) -> Option<String> {
    table.column(column).unwrap().str().unwrap().get(row).map(str::to_owned)
}
