//! Scores as parquet, a row group at a time: what waits in memory does not grow with the number of pictures.

use super::{Columns, Row};
use crate::PredictError;
use cyborg_files::WholeFile;
use polars::prelude::{Column, DataFrame, PolarsError};
use polars_io::parquet::write::{BatchedWriter, ParquetCompression, ParquetWriter};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Numbers that wait to be written together: some 10 MB.
const GROUP_VALUES: usize = 1 << 20;

/// Rows of a group at most.
const MAX_GROUP_ROWS: usize = 1 << 16;

pub(super) struct ParquetTable {
    path: PathBuf,
    file: Shared,
    writer: BatchedWriter<Shared>,
    group: Group,
    group_rows: usize,
}

impl ParquetTable {
    pub(super) fn create(path: &Path, columns: Columns) -> Result<Self, PredictError> {
        let file = WholeFile::create(path)
            .map_err(|source| PredictError::Write { path: path.to_owned(), source })?;
        let file = Shared(Arc::new(Mutex::new(Some(BufWriter::new(file)))));
        let group = Group::new(columns);
        let begun = group.frame().and_then(|frame| {
            // One thread: the bytes must not depend on how many there are.
            let writer = ParquetWriter::new(file.clone()).with_compression(ParquetCompression::Zstd(None));
            writer.set_parallel(false).batched(frame.schema())
        });
        let writer = begun.map_err(|source| PredictError::Parquet { path: path.to_owned(), source })?;
        let group_rows = (GROUP_VALUES / columns.n_classes.max(1)).clamp(1, MAX_GROUP_ROWS);
        Ok(Self { path: path.to_owned(), file, writer, group, group_rows })
    }

    pub(super) fn push(&mut self, row: Row<'_>) -> Result<(), PredictError> {
        self.group.push(row);
        if self.group.images.len() < self.group_rows { Ok(()) } else { self.write_group() }
    }

    fn write_group(&mut self) -> Result<(), PredictError> {
        let next = Group::new(self.group.columns);
        let group = std::mem::replace(&mut self.group, next);
        let written = group.frame().and_then(|frame| self.writer.write_batch(&frame));
        written.map_err(|source| PredictError::Parquet { path: self.path.clone(), source })
    }

    pub(super) fn finish(mut self) -> Result<(), PredictError> {
        if !self.group.images.is_empty() {
            self.write_group()?;
        }
        let Self { path, file, writer, .. } = self;
        writer.finish().map_err(|source| PredictError::Parquet { path: path.clone(), source })?;
        file.finish().map_err(|source| PredictError::Write { path, source })
    }
}

/// The file, which polars' writer keeps for itself.
#[derive(Clone)]
struct Shared(Arc<Mutex<Option<BufWriter<WholeFile>>>>);

impl Shared {
    fn with<T>(&self, act: impl FnOnce(&mut BufWriter<WholeFile>) -> io::Result<T>) -> io::Result<T> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(file) => act(file),
            None => Err(io::Error::other("the file is finished")),
        }
    }

    fn finish(&self) -> io::Result<()> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(file) => file.into_inner().map_err(io::IntoInnerError::into_error)?.finish(),
            None => Err(io::Error::other("the file is finished")),
        }
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(Write::flush)
    }
}

/// The rows that wait, column by column.
struct Group {
    columns: Columns,
    images: Vec<String>,
    sources: Vec<Option<String>>,
    labels: Vec<Option<u32>>,
    predicted: Vec<u32>,
    scores: Vec<f64>,
    /// One vector a class.
    logits: Vec<Vec<f32>>,
    predicted_classes: Vec<String>,
    /// One vector a class.
    probabilities: Vec<Vec<f64>>,
}

impl Group {
    fn new(columns: Columns) -> Self {
        Self {
            columns,
            images: Vec::new(),
            sources: Vec::new(),
            labels: Vec::new(),
            predicted: Vec::new(),
            scores: Vec::new(),
            logits: vec![Vec::new(); columns.n_classes],
            predicted_classes: Vec::new(),
            probabilities: vec![Vec::new(); columns.n_classes],
        }
    }

    fn push(&mut self, row: Row<'_>) {
        self.images.push(row.image.to_owned());
        self.sources.push(row.source.map(ToOwned::to_owned));
        self.labels.push(row.label.map(|label| label as u32));
        self.predicted.push(row.predicted as u32);
        self.scores.push(row.score);
        for (column, &logit) in self.logits.iter_mut().zip(row.logits) {
            column.push(logit);
        }
        self.predicted_classes.push(row.predicted_class.to_owned());
        for (column, &probability) in self.probabilities.iter_mut().zip(row.probabilities) {
            column.push(probability);
        }
    }

    fn frame(&self) -> Result<DataFrame, PolarsError> {
        let mut columns = vec![Column::new("image".into(), &self.images)];
        if self.columns.source {
            columns.push(Column::new("source".into(), &self.sources));
        }
        if self.columns.label {
            columns.push(Column::new("label".into(), &self.labels));
        }
        columns.push(Column::new("predicted".into(), &self.predicted));
        columns.push(Column::new("score".into(), &self.scores));
        for (class, values) in self.logits.iter().enumerate() {
            columns.push(Column::new(format!("logit_{class}").into(), values));
        }
        columns.push(Column::new("predicted_class".into(), &self.predicted_classes));
        for (class, values) in self.probabilities.iter().enumerate() {
            columns.push(Column::new(format!("probability_{class}").into(), values));
        }
        DataFrame::new_infer_height(columns)
    }
}
