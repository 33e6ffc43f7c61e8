//! The scores of one run: what a network said of every test image.

use crate::columns::{Table, column, frame};
use crate::error::EvalError;
use crate::files::{read_parquet, write_parquet};
use polars::prelude::{Column, DataFrame};
use std::path::Path;

/// One scored image. Parquet columns: image (str), source (str), label (u32), predicted (u32), score (f64), then
/// logit_0 .. logit_{n-1} (f32).
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRow {
    /// The image's id in its manifest.
    pub image: String,
    /// Generator, or authentic data set.
    pub source: String,
    /// True class.
    pub label: u32,
    /// Class with the largest logit.
    pub predicted: u32,
    /// Softmax probability of the positive class, in [0, 1]; NaN if the network gave none.
    pub score: f64,
    /// One for each class.
    pub logits: Vec<f32>,
}

/// Writes scores as parquet. Deterministic bytes, written whole (temporary sibling, fsync, rename).
///
/// # Errors
/// [`EvalError::RaggedLogits`] or [`EvalError::ScoreRange`] for rows that [`read_scores`] would refuse;
/// [`EvalError::Write`] if the file cannot be written.
pub fn write_scores(path: &Path, rows: &[ScoreRow]) -> Result<(), EvalError> {
    write_scores_of(path, rows, &[])
}

/// [`write_scores`] with a column `subject` (person, eye, patient; null where unknown), by which bootstrap intervals can draw.
/// Without any subject there is no such column.
///
/// # Errors
/// As [`write_scores`].
///
/// # Panics
/// If there are subjects, and not as many as rows.
pub fn write_scores_of(path: &Path, rows: &[ScoreRow], subjects: &[Option<&str>]) -> Result<(), EvalError> {
    let n_logits = rows.first().map_or(0, |row| row.logits.len());
    for row in rows {
        if row.logits.len() != n_logits {
            return Err(EvalError::RaggedLogits {
                path: path.to_owned(),
                image: row.image.clone(),
                expected: n_logits,
                found: row.logits.len(),
            });
        }
    }
    let mut columns = vec![
        column("image", rows, |row| row.image.as_str()),
        column("source", rows, |row| row.source.as_str()),
        column("label", rows, |row| row.label),
        column("predicted", rows, |row| row.predicted),
        column("score", rows, |row| row.score),
    ];
    if subjects.iter().any(Option::is_some) {
        assert_eq!(subjects.len(), rows.len(), "a subject, known or not, for each row");
        columns.push(Column::new("subject".into(), subjects));
    }
    for i in 0..n_logits {
        columns.push(column(&format!("logit_{i}"), rows, |row| row.logits[i]));
    }
    let scores = frame("scores", columns)?;
    check_scores(&scores, &format!("scores `{}`", path.display()))?;
    write_parquet(path, &scores)
}

/// Reads what [`write_scores`] wrote (or anything else with these columns; further ones are kept) and checks it.
///
/// # Errors
/// [`EvalError::Read`] and [`EvalError::NotParquet`] for the file, [`EvalError::MissingColumn`],
/// [`EvalError::ColumnType`], [`EvalError::NullValue`] and [`EvalError::ScoreRange`] for what is in it.
pub fn read_scores(path: &Path) -> Result<DataFrame, EvalError> {
    let scores = read_parquet(path)?;
    check_scores(&scores, &format!("scores `{}`", path.display()))?;
    Ok(scores)
}

fn check_scores(scores: &DataFrame, name: &str) -> Result<(), EvalError> {
    let table = Table::new(scores, name);
    let images = table.strings("image")?;
    table.strings("source")?;
    table.u32s("label")?;
    table.u32s("predicted")?;
    table.n_logits()?;
    check_score_range(table, |row| images.get(row).unwrap_or_default().to_owned())
}

/// Scores are probabilities, or NaN. `image` names the image of a row, from 0.
pub(crate) fn check_score_range(table: Table<'_>, image: impl Fn(usize) -> String) -> Result<(), EvalError> {
    let scores = table.f64s("score")?.downcast_iter().flat_map(|chunk| chunk.values().iter().copied());
    let is_wrong = |score: &f64| !score.is_nan() && !(0.0..=1.0).contains(score);
    match scores.enumerate().find(|(_, score)| is_wrong(score)) {
        None => Ok(()),
        Some((row, score)) => Err(EvalError::ScoreRange {
            table: table.name.to_owned(),
            row: row + 1,
            image: image(row),
            score,
        }),
    }
}
