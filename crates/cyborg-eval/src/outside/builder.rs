//! Rows of cells to frames of scores, one a run.

use super::cell::Cell;
use super::{Field, ScoreColumns, ScoreScale};
use crate::columns::frame;
use crate::comparable::check_images_once;
use crate::error::EvalError;
use crate::log_odds::{RANKING, log_odds, logistic};
use crate::runs::RunKey;
use polars::prelude::{Column, DataFrame, IntoColumn as _, NamedFrom as _, Series, StringChunkedBuilder};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Gathers rows.
pub(super) struct Builder<'a> {
    path: PathBuf,
    columns: &'a ScoreColumns,
    runs: Vec<(RunKey, Rows)>,
    positions: BTreeMap<RunKey, usize>,
    /// The run of the row before: rows of one run mostly stand together.
    last: Option<usize>,
    constant_seed: Option<u64>,
    buffer: String,
}

/// The rows of one run, column by column.
struct Rows {
    images: StringChunkedBuilder,
    subjects: Option<StringChunkedBuilder>,
    source_names: Vec<String>,
    sources: Vec<u32>,
    labels: Vec<u32>,
    predicted: Vec<u32>,
    scores: Vec<f64>,
    /// What images are ranked by; empty where it is the score.
    ranking: Vec<f64>,
    logits: Vec<Vec<f32>>,
}

/// Where a row stands, for errors: `line 3`.
pub(super) struct Place {
    pub(super) unit: &'static str,
    pub(super) number: u64,
}

impl<'a> Builder<'a> {
    pub(super) fn new(path: &Path, columns: &'a ScoreColumns) -> Result<Self, EvalError> {
        let wrong = |setting, found: String, expected| EvalError::Setting { setting, found, expected };
        if columns.score.is_none() && columns.logits.is_empty() {
            return Err(wrong(
                "column of scores",
                "not named".to_owned(),
                "a score column, logit columns, or both",
            ));
        }
        let n_logits = columns.logits.len();
        if n_logits > 1 && columns.positive as usize >= n_logits {
            return Err(wrong(
                "positive class",
                columns.positive.to_string(),
                "a class that has a logit column",
            ));
        }
        let constant_seed =
            match &columns.seed {
                Field::Column(_) => None,
                Field::Constant(text) => Some(text.trim().parse().map_err(|_| {
                    wrong("seed of the scores", format!("`{text}`"), "a whole number from 0")
                })?),
            };
        Ok(Self {
            path: path.to_owned(),
            columns,
            runs: Vec::new(),
            positions: BTreeMap::new(),
            last: None,
            constant_seed,
            buffer: String::new(),
        })
    }

    /// Adds a row: its cells are those of [`ScoreColumns::names`].
    pub(super) fn push(&mut self, cells: &[Cell<'_>], place: &Place) -> Result<(), EvalError> {
        let mut cells = cells.iter();
        let mut next = || cells.next().copied().unwrap_or(Cell::Missing);
        let columns = self.columns;
        let mut take = |field: &Field| if matches!(field, Field::Column(_)) { Some(next()) } else { None };
        let key_cells = [take(&columns.data), take(&columns.method), take(&columns.backbone)];
        let (seed, source, label) = (take(&columns.seed), take(&columns.source), next());
        let image = columns.image.as_ref().map(|_| next());
        let score = columns.score.as_ref().map(|_| next());
        let predicted = columns.predicted.as_ref().map(|_| next());
        let subject = columns.subject.as_ref().map(|_| next());
        let logits: Vec<Cell<'_>> = columns.logits.iter().map(|_| next()).collect();

        let wrong = |column: &str, cell: Cell<'_>, expected: String| EvalError::Cell {
            path: self.path.clone(),
            unit: place.unit,
            number: place.number,
            column: column.to_owned(),
            found: cell.found(),
            expected,
        };
        let seed = match (self.constant_seed, seed) {
            (Some(seed), _) => seed,
            (None, cell) => {
                let cell = cell.unwrap_or(Cell::Missing);
                let whole = || "a whole number from 0".to_owned();
                cell.whole().ok_or_else(|| wrong(column_of(&columns.seed), cell, whole()))?
            }
        };
        let at = {
            let fields = [&columns.data, &columns.method, &columns.backbone];
            let mut names: [String; 3] = Default::default();
            for ((name, field), cell) in names.iter_mut().zip(fields).zip(key_cells) {
                *name = match (field, cell) {
                    (Field::Constant(value), _) => value.clone(),
                    (Field::Column(column), cell) => {
                        let cell = cell.unwrap_or(Cell::Missing);
                        let found = cell.name(&mut self.buffer).map(str::to_owned);
                        found.ok_or_else(|| wrong(column, cell, "a name".to_owned()))?
                    }
                };
            }
            let is_last = self.last.filter(|&at| {
                let key = &self.runs[at].0;
                key.seed == seed && [&key.data, &key.method, &key.backbone].into_iter().eq(&names)
            });
            if let Some(at) = is_last {
                at
            } else {
                let [data, method, backbone] = names;
                let key = RunKey { data, method, backbone, seed };
                *self.positions.entry(key.clone()).or_insert_with(|| {
                    self.runs.push((key, Rows::new(columns)));
                    self.runs.len() - 1
                })
            }
        };
        self.last = Some(at);
        let rows = &mut self.runs[at].1;

        let label_value = class_of(label, &columns.classes, columns.logits.len())
            .map_err(|expected| wrong(&columns.label, label, expected))?;
        let values: Vec<f64> = logits
            .iter()
            .zip(&columns.logits)
            .map(|(cell, column)| cell.number().ok_or_else(|| wrong(column, *cell, "a number".to_owned())))
            .collect::<Result<_, _>>()?;
        let (score_value, rank) = if let Some(cell) = score {
            let column = columns.score.as_deref().unwrap_or_default();
            let value = cell.number().ok_or_else(|| wrong(column, cell, "a number".to_owned()))?;
            // What is low for the positive class is turned round; a probability p becomes 1 - p, and -p keeps its order.
            let turned = if columns.low_is_positive { -value } else { value };
            match columns.scale {
                ScoreScale::LogOdds => (logistic(turned), Some(turned)),
                ScoreScale::Any => (turned, None),
                ScoreScale::Probability => {
                    if !value.is_nan() && !(0.0..=1.0).contains(&value) {
                        let expected =
                            "a probability, 0 to 1 (say if the scores are log-odds, or any other scale)";
                        return Err(wrong(column, cell, expected.to_owned()));
                    }
                    if columns.low_is_positive { (1.0 - value, Some(turned)) } else { (value, None) }
                }
            }
        } else {
            let value = log_odds(&values, columns.positive as usize);
            (logistic(value), Some(value))
        };
        let predicted_value = match predicted {
            Some(cell) => {
                Some(class_of(cell, &columns.classes, columns.logits.len()).map_err(|expected| {
                    wrong(columns.predicted.as_deref().unwrap_or_default(), cell, expected)
                })?)
            }
            None if values.len() > 1 => Some(largest(&values)),
            None if columns.scale == ScoreScale::Any && score.is_some() => None,
            None if label_value > 1 => {
                let expected =
                    "0 or 1, or the predicted class or one logit a class beside the score".to_owned();
                return Err(wrong(&columns.label, label, expected));
            }
            None => {
                Some(if score_value >= 0.5 { columns.positive } else { u32::from(columns.positive == 0) })
            }
        };
        let source_at = match (&columns.source, source) {
            (Field::Constant(value), _) => rows.source(value),
            (Field::Column(column), cell) => {
                let cell = cell.unwrap_or(Cell::Missing);
                match cell.name(&mut self.buffer) {
                    Some(name) => rows.source(name),
                    None => return Err(wrong(column, cell, "a name".to_owned())),
                }
            }
        };
        match (image, &columns.image) {
            (Some(cell), Some(column)) => match cell.name(&mut self.buffer) {
                Some(name) => rows.images.append_value(name),
                None => return Err(wrong(column, cell, "the image's id".to_owned())),
            },
            _ => rows.images.append_value((rows.labels.len() + 1).to_string()),
        }
        if let (Some(subjects), Some(cell)) = (&mut rows.subjects, subject) {
            subjects.append_option(cell.name(&mut self.buffer));
        }
        rows.sources.push(source_at);
        rows.labels.push(label_value);
        rows.predicted.extend(predicted_value);
        rows.scores.push(score_value);
        rows.ranking.extend(rank);
        rows.logits.iter_mut().zip(values).for_each(|(column, value)| column.push(value as f32));
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Vec<(RunKey, DataFrame)>, EvalError> {
        if self.runs.is_empty() {
            return Err(EvalError::NoRows { path: self.path });
        }
        let path = self.path;
        let frame = |(key, rows): (RunKey, Rows)| {
            let frame = rows.frame()?;
            check_images_once(&key, &frame)
                .map_err(|source| EvalError::InFile { path: path.clone(), source: Box::new(source) })?;
            Ok((key, frame))
        };
        self.runs.into_iter().map(frame).collect()
    }
}

fn column_of(field: &Field) -> &str {
    match field {
        Field::Column(name) | Field::Constant(name) => name,
    }
}

/// The class that a cell names, or what was expected.
fn class_of(cell: Cell<'_>, classes: &[String], n_logits: usize) -> Result<u32, String> {
    if let Cell::Text(text) = cell
        && let Some(at) = classes.iter().position(|class| class == text.trim())
    {
        return Ok(at as u32);
    }
    let n_classes = match (classes.len(), n_logits) {
        (0, 0 | 1) => 1_000_000,
        (0, n) | (n, _) => n as u64,
    };
    match cell.whole() {
        Some(class) if class < n_classes => Ok(class as u32),
        _ if classes.is_empty() && n_logits > 1 => Err(format!("a class from 0 to {}", n_logits - 1)),
        _ if classes.is_empty() => Err("a class as a number from 0 (or name the classes)".to_owned()),
        _ => {
            let names: Vec<String> = classes.iter().map(|class| format!("`{class}`")).collect();
            Err(format!("a class: {} or its number", names.join(", ")))
        }
    }
}

/// The first of the largest.
fn largest(logits: &[f64]) -> u32 {
    let mut best = 0;
    for (at, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = at;
        }
    }
    best as u32
}

impl Rows {
    fn new(columns: &ScoreColumns) -> Self {
        Self {
            images: StringChunkedBuilder::new("image".into(), 0),
            subjects: columns.subject.as_ref().map(|_| StringChunkedBuilder::new("subject".into(), 0)),
            source_names: Vec::new(),
            sources: Vec::new(),
            labels: Vec::new(),
            predicted: Vec::new(),
            scores: Vec::new(),
            ranking: Vec::new(),
            logits: columns.logits.iter().map(|_| Vec::new()).collect(),
        }
    }

    fn source(&mut self, name: &str) -> u32 {
        let last = self.sources.last().copied().filter(|&at| self.source_names[at as usize] == name);
        let known =
            last.or_else(|| self.source_names.iter().position(|known| known == name).map(|at| at as u32));
        known.unwrap_or_else(|| {
            self.source_names.push(name.to_owned());
            self.source_names.len() as u32 - 1
        })
    }

    fn frame(self) -> Result<DataFrame, EvalError> {
        let mut sources = StringChunkedBuilder::new("source".into(), self.sources.len());
        for &at in &self.sources {
            sources.append_value(&self.source_names[at as usize]);
        }
        let column = |series: Series| series.into_column();
        let mut columns: Vec<Column> = vec![
            self.images.finish().into_column(),
            sources.finish().into_column(),
            column(Series::new("label".into(), self.labels)),
        ];
        if self.predicted.len() == self.scores.len() {
            columns.push(column(Series::new("predicted".into(), self.predicted)));
        }
        columns.push(column(Series::new("score".into(), self.scores)));
        if !self.ranking.is_empty() {
            columns.push(column(Series::new(RANKING.into(), self.ranking)));
        }
        for (class, logits) in self.logits.into_iter().enumerate() {
            columns.push(column(Series::new(format!("logit_{class}").into(), logits)));
        }
        if let Some(subjects) = self.subjects {
            columns.push(subjects.finish().into_column());
        }
        frame("scores from elsewhere", columns)
    }
}
