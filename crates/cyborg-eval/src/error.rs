//! What can go wrong between a scores file and a table.

use crate::runs::RunKey;
use polars::prelude::PolarsError;
use std::path::PathBuf;

/// Why scores or tables could not be read, written or put together. A metric that has no value is not an error: it
/// is null with a reason in the table (see [`crate::Undefined`]).
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The file cannot be opened or read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What is there is no regular file.
    #[error("cannot read `{path}`: it is {found}, not a regular file; `-` reads CSV from standard input")]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// The file holds more than can be worked with.
    #[error("cannot read `{path}`: it has {found}, more than {most}; split it, by run for instance")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        found: String,
        /// The largest size that is read.
        most: String,
    },
    /// The file is there, but is not parquet, or is cut.
    #[error(
        "cannot read `{path}` as parquet: {found}; write it again (a run's own file: delete it and run the experiment once more)"
    )]
    NotParquet {
        /// The file.
        path: PathBuf,
        /// What was found, or what the parquet reader said.
        found: String,
    },
    /// The file has changed since it was written.
    #[error(
        "`{path}` is damaged: its content does not have the checksum that was written with it; delete it and run the \
         experiment again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A column that must be there is not.
    #[error("{table} has no column `{column}`, only {found}")]
    MissingColumn {
        /// Which table, in words; names the file if there is one.
        table: String,
        /// The column.
        column: String,
        /// The columns that are there.
        found: String,
    },
    /// A column holds something else than it should.
    #[error("column `{column}` of {table} is {found}, expected {expected}")]
    ColumnType {
        /// Which table, in words; names the file if there is one.
        table: String,
        /// The column.
        column: String,
        /// The type that it should have.
        expected: &'static str,
        /// The type that it has.
        found: String,
    },
    /// A value is missing where none may be.
    #[error("column `{column}` of {table} has no value in row {row}")]
    NullValue {
        /// Which table, in words; names the file if there is one.
        table: String,
        /// The column.
        column: String,
        /// The row, from 1.
        row: usize,
    },
    /// A score is a number, but not a probability.
    #[error(
        "score {score} of image `{image}` (row {row}) in {table} is not a probability, expected 0 to 1 (softmax, not \
         a logit)"
    )]
    ScoreRange {
        /// Which table, in words; names the file if there is one.
        table: String,
        /// The row, from 1.
        row: usize,
        /// The image.
        image: String,
        /// The score.
        score: f64,
    },
    /// Images of one set have different numbers of logits.
    #[error("cannot write `{path}`: image `{image}` has {found} logits, those before it have {expected}")]
    RaggedLogits {
        /// The file.
        path: PathBuf,
        /// The image.
        image: String,
        /// How many logits the first image has.
        expected: usize,
        /// How many this one has.
        found: usize,
    },
    /// One run, or one source of one run, is there twice.
    #[error(
        "two rows for `{rows}` in data `{}`, method `{}`, backbone `{}`, seed {}: give each run once",
        key.data, key.method, key.backbone, key.seed
    )]
    Duplicate {
        /// The run.
        key: RunKey,
        /// The source or aggregate that occurs twice.
        rows: String,
    },
    /// A map does not fit the grid that it is said to have.
    #[error("the {map} of image `{image}` has {found} cells, expected {height} x {width}")]
    MapCells {
        /// `CAM`, `human map` or `set of marked cells`.
        map: &'static str,
        /// The image.
        image: String,
        /// Its number of cells.
        found: usize,
        /// Cells from top to bottom.
        height: usize,
        /// Cells from left to right.
        width: usize,
    },
    /// CAMs that are to be averaged have different grids.
    #[error(
        "the CAM of image `{image}` is {}x{}, those before it are {}x{}: average them by themselves",
        found.0, found.1, others.0, others.1
    )]
    Grids {
        /// The image.
        image: String,
        /// Height and width of its grid.
        found: (usize, usize),
        /// Height and width of the others.
        others: (usize, usize),
    },
    /// Two frames that should be of the same images are not.
    #[error(
        "cannot compare image by image: image `{image}` of source `{source_name}` {what}; score both on one test set"
    )]
    OtherImages {
        /// The image.
        image: String,
        /// Its source.
        source_name: String,
        /// What is wrong with it.
        what: String,
    },
    /// An image stands twice among the scores of one run.
    #[error(
        "image `{image}` of source `{source_name}` stands twice among the scores of method `{}`, data `{}`, backbone \
         `{}`, seed {}: rows {first} and {second} of that run{}; keep one of them (several trainings are told apart by \
         a column of the seed, several methods by one of the method)",
        key.method, key.data, key.backbone, key.seed,
        labels.map(|(a, b)| format!(", with labels {a} and {b}")).unwrap_or_default()
    )]
    ImageTwice {
        /// The run.
        key: Box<RunKey>,
        /// The image.
        image: String,
        /// Its source.
        source_name: String,
        /// Row of the run, from 1.
        first: usize,
        /// Row of the run, from 1.
        second: usize,
        /// Both labels, where they differ.
        labels: Option<(u32, u32)>,
    },
    /// An image has different labels in two runs that are to be compared.
    #[error(
        "image `{image}` of source `{source_name}` has label {first_label} in {first} and label {second_label} in \
         {second}: correct one of the files"
    )]
    LabelsDiffer {
        /// The image.
        image: String,
        /// Its source.
        source_name: String,
        /// One run.
        first: String,
        /// The label there.
        first_label: u32,
        /// The other run.
        second: String,
        /// The label there.
        second_label: u32,
    },
    /// Runs that are to be compared have too few images in common.
    #[error(
        "cannot compare {runs}: they have no {lacks} in common (left out would be {left_out}); score them on one test \
         set, with the same image ids and sources"
    )]
    NothingInCommon {
        /// The runs.
        runs: String,
        /// What they have none of in common.
        lacks: &'static str,
        /// What each has alone.
        left_out: String,
    },
    /// Runs that are to be compared were tested on images of different contents.
    #[error(
        "cannot compare `{candidate}` with `{baseline}`: their test images are not the same (content digests \
         {candidate_digest} and {baseline_digest}); score both on one test set"
    )]
    OtherTestImages {
        /// One side.
        baseline: String,
        /// The other.
        candidate: String,
        /// First digits of the digest of its test images.
        baseline_digest: String,
        /// First digits of the digest of its test images.
        candidate_digest: String,
    },
    /// A column that is asked for by name is there more than once.
    #[error("{table} has two columns `{column}`: rename one of them")]
    ColumnTwice {
        /// Which table, in words; names the file.
        table: String,
        /// The column.
        column: String,
    },
    /// A table from elsewhere holds a value that cannot be used.
    #[error("cannot use `{path}`, {unit} {number}, column `{column}`: found {found}, expected {expected}")]
    Cell {
        /// The file.
        path: PathBuf,
        /// `line` (of a CSV file, from 1, with the header) or `row` (of a parquet file, from 1).
        unit: &'static str,
        /// Its number.
        number: u64,
        /// The column.
        column: String,
        /// What is there.
        found: String,
        /// What should be.
        expected: String,
    },
    /// What a file holds cannot be used.
    #[error("cannot use `{path}`")]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<EvalError>,
    },
    /// A CSV file is not one.
    #[error("cannot read `{path}` as CSV, line {line}: {found}")]
    NotCsv {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        found: String,
    },
    /// A table from elsewhere has no rows.
    #[error("`{path}` has a header and no rows")]
    NoRows {
        /// The file.
        path: PathBuf,
    },
    /// A setting that makes no sense.
    #[error("the {setting} is {found}, expected {expected}")]
    Setting {
        /// Which one, in words.
        setting: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// Two groups of sources share a name, or one is called as an aggregate is.
    #[error(
        "group of sources `{name}`: the name is taken; give each group its own, other than `unseen`, `seen` and `all`"
    )]
    GroupName {
        /// The name.
        name: String,
    },
    /// polars refused an operation on a frame.
    #[error("cannot build the table of {table}")]
    Frame {
        /// Which table, in words.
        table: &'static str,
        /// What polars said.
        source: PolarsError,
    },
}
