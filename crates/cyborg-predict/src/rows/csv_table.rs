//! Scores as CSV.

use super::{Columns, Row};
use crate::PredictError;
use crate::csv_io::{inner, io_error, path_cell, text_cell};
use cyborg_files::WholeFile;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The shortest digits that read back to the same number; never in scientific notation without need.
fn number(value: impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

pub(super) struct CsvTable {
    writer: csv::Writer<Sink>,
    columns: Columns,
    path: PathBuf,
    fields: Vec<String>,
}

enum Sink {
    File(BufWriter<WholeFile>),
    Stdout(BufWriter<io::Stdout>),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stdout(stdout) => stdout.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(stdout) => stdout.flush(),
        }
    }
}

impl CsvTable {
    pub(super) fn create(path: &Path, columns: Columns) -> Result<Self, PredictError> {
        let file = WholeFile::create(path)
            .map_err(|source| PredictError::Write { path: path.to_owned(), source })?;
        Self::new(Sink::File(BufWriter::new(file)), path.to_owned(), columns)
    }

    pub(super) fn on_stdout(columns: Columns) -> Result<Self, PredictError> {
        Self::new(Sink::Stdout(BufWriter::new(io::stdout())), PathBuf::from("-"), columns)
    }

    fn new(sink: Sink, path: PathBuf, columns: Columns) -> Result<Self, PredictError> {
        let mut table = Self { writer: csv::Writer::from_writer(sink), columns, path, fields: Vec::new() };
        table.fields.push("image".to_owned());
        table.fields.extend(columns.source.then(|| "source".to_owned()));
        table.fields.extend(columns.label.then(|| "label".to_owned()));
        table.fields.extend(["predicted", "score"].map(ToOwned::to_owned));
        for kind in ["logit", "probability"] {
            if kind == "probability" {
                table.fields.push("predicted_class".to_owned());
            }
            table.fields.extend((0..columns.n_classes).map(|class| format!("{kind}_{class}")));
        }
        table.write()?;
        Ok(table)
    }

    pub(super) fn push(&mut self, row: Row<'_>) -> Result<(), PredictError> {
        let fields = &mut self.fields;
        fields.push(path_cell(row.image).into_owned());
        if self.columns.source {
            fields.push(text_cell(row.source.unwrap_or_default()).into_owned());
        }
        if self.columns.label {
            fields.push(row.label.map(|label| label.to_string()).unwrap_or_default());
        }
        fields.push(row.predicted.to_string());
        fields.push(number(row.score));
        fields.extend(row.logits.iter().map(number));
        fields.push(text_cell(row.predicted_class).into_owned());
        fields.extend(row.probabilities.iter().map(number));
        self.write()
    }

    fn write(&mut self) -> Result<(), PredictError> {
        let written = self.writer.write_record(&self.fields);
        self.fields.clear();
        written.map_err(|error| PredictError::Write { path: self.path.clone(), source: io_error(error) })
    }

    pub(super) fn finish(self) -> Result<(), PredictError> {
        let Self { writer, path, .. } = self;
        let finished = (|| match inner(writer)? {
            Sink::File(file) => file.into_inner().map_err(io::IntoInnerError::into_error)?.finish(),
            Sink::Stdout(mut stdout) => stdout.flush(),
        })();
        finished.map_err(|source| PredictError::Write { path, source })
    }
}
