//! Tables of scores: rows in as they come, a whole file at the end.

mod csv_table;
mod parquet;

use crate::PredictError;
use csv_table::CsvTable;
use parquet::ParquetTable;
use std::path::{Path, PathBuf};

/// Which columns a table has. The README lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// `source`.
    pub source: bool,
    /// `label`.
    pub label: bool,
    /// How many `probability_` and `logit_` columns.
    pub n_classes: usize,
}

/// One picture's row. Where a table has a column and the picture no value, the field is empty (null).
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Its id.
    pub image: &'a str,
    /// Its source.
    pub source: Option<&'a str>,
    /// Its class.
    pub label: Option<usize>,
    /// The class with the largest logit.
    pub predicted: usize,
    /// Its name.
    pub predicted_class: &'a str,
    /// In [0, 1].
    pub score: f64,
    /// One a class, summing to 1.
    pub probabilities: &'a [f64],
    /// One a class, finite.
    pub logits: &'a [f32],
}

/// Where scores go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A CSV file.
    Csv(PathBuf),
    /// A parquet file.
    Parquet(PathBuf),
    /// CSV to standard output, row by row.
    Stdout,
}

impl Output {
    /// `-` is standard output; a file's name must end in `.csv` or `.parquet`.
    ///
    /// # Errors
    /// [`PredictError::Setting`] for another ending.
    pub fn from_name(name: &str) -> Result<Self, PredictError> {
        let path = Path::new(name);
        let is = |ending: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending));
        match name {
            "-" => Ok(Self::Stdout),
            _ if is("csv") => Ok(Self::Csv(path.to_owned())),
            _ if is("parquet") => Ok(Self::Parquet(path.to_owned())),
            _ => Err(PredictError::Setting {
                field: "output",
                found: format!("`{name}`"),
                expected: "a name that ends in `.csv` or `.parquet`, or `-`".to_owned(),
            }),
        }
    }

    /// The file, unless it is standard output.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Csv(path) | Self::Parquet(path) => Some(path),
            Self::Stdout => None,
        }
    }
}

/// A table of scores that is being written. A file appears whole, when it is [finished](Self::finish), or not at all.
pub struct ScoreTable(Table);

enum Table {
    Csv(Box<CsvTable>),
    Parquet(Box<ParquetTable>),
}

impl ScoreTable {
    /// Begins a table. A missing folder is made.
    ///
    /// # Errors
    /// [`PredictError::Write`].
    pub fn create(output: &Output, columns: Columns) -> Result<Self, PredictError> {
        if let Some(path) = output.path() {
            make_folder_of(path)?;
        }
        Ok(Self(match output {
            Output::Csv(path) => Table::Csv(Box::new(CsvTable::create(path, columns)?)),
            Output::Stdout => Table::Csv(Box::new(CsvTable::on_stdout(columns)?)),
            Output::Parquet(path) => Table::Parquet(Box::new(ParquetTable::create(path, columns)?)),
        }))
    }

    /// Takes a row.
    ///
    /// # Errors
    /// [`PredictError::Write`], [`PredictError::Parquet`].
    pub fn push(&mut self, row: Row<'_>) -> Result<(), PredictError> {
        match &mut self.0 {
            Table::Csv(table) => table.push(row),
            Table::Parquet(table) => table.push(row),
        }
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// [`PredictError::Write`], [`PredictError::Parquet`].
    pub fn finish(self) -> Result<(), PredictError> {
        match self.0 {
            Table::Csv(table) => table.finish(),
            Table::Parquet(table) => table.finish(),
        }
    }
}

/// The folder that `path` lies in, made if it is not there.
pub(crate) fn make_folder_of(path: &Path) -> Result<(), PredictError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder
        .map_or(Ok(()), fs_err::create_dir_all)
        .map_err(|source| PredictError::Write { path: path.to_owned(), source })
}
