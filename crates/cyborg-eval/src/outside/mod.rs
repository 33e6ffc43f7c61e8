//! Scores that another program wrote, as CSV or parquet, into the frames of this crate.

mod builder;
mod cell;
mod csv;
mod parquet;

use crate::error::EvalError;
use crate::files::{MAX_FILE_BYTES, check_file};
use crate::runs::RunKey;
use builder::Builder;
use fs_err as fs;
use polars::prelude::DataFrame;
use std::io::Read as _;
use std::path::Path;

/// Where a value comes from: a column of the file, or the same for every row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// A column, by name.
    Column(String),
    /// The same for all rows.
    Constant(String),
}

/// What the numbers in the score column are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScoreScale {
    /// Probabilities of the positive class, 0 to 1; others are refused.
    #[default]
    Probability,
    /// Log-odds (a single logit): images are ranked by them, and probabilities follow from the logistic function.
    LogOdds,
    /// Anything of which more means more positive. Metrics that need probabilities are then null, and so are those at a
    /// threshold unless one is given.
    Any,
}

/// Which columns of the file are what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoreColumns {
    /// The image's id; `None` takes the number of the row within its run, from 1.
    pub image: Option<String>,
    /// The true class: a number, or a name of `classes`.
    pub label: String,
    /// Generator, or authentic data set.
    pub source: Field,
    /// Score of the positive class; `None` to take the softmax of the logits.
    pub score: Option<String>,
    /// One column a class, in the order of the classes; may be empty where there is a score. A single one is the log-odds
    /// of the positive class.
    pub logits: Vec<String>,
    /// The class that was chosen, where neither logits nor a score of 0.5 tell it (more than two classes).
    pub predicted: Option<String>,
    /// Subject, for clustered intervals.
    pub subject: Option<String>,
    /// Name of the data set.
    pub data: Field,
    /// Name of the method.
    pub method: Field,
    /// Name of the network.
    pub backbone: Field,
    /// Seed, a whole number.
    pub seed: Field,
    /// What the scores are.
    pub scale: ScoreScale,
    /// Class names in the order of labels; empty where labels are numbers.
    pub classes: Vec<String>,
    /// The positive class.
    pub positive: u32,
    /// The score column is low for the positive class, as that of a detector which scores how genuine an image is. Logits
    /// are never turned round: their classes are known.
    pub low_is_positive: bool,
}

impl Default for ScoreColumns {
    /// The names that this crate writes; one run of data `scores`, method and backbone `model`, seed 0.
    fn default() -> Self {
        let constant = |value: &str| Field::Constant(value.to_owned());
        Self {
            image: Some("image".to_owned()),
            label: "label".to_owned(),
            source: Field::Column("source".to_owned()),
            score: Some("score".to_owned()),
            logits: Vec::new(),
            predicted: None,
            subject: None,
            data: constant("scores"),
            method: constant("model"),
            backbone: constant("model"),
            seed: constant("0"),
            scale: ScoreScale::Probability,
            classes: Vec::new(),
            positive: 1,
            low_is_positive: false,
        }
    }
}

/// Reads a CSV or parquet file (told apart by its first bytes; `-` is CSV from standard input) and takes it apart by run, runs in order of first
/// appearance, rows in the order of the file.
///
/// Each frame has the columns of `scores.parquet`: image, source, label, predicted, score, logit_0 .., `ranking` (f64, what
/// images are ranked by, where `score` cannot hold it: log-odds in 64 bits), and `subject` (str) if there is one. `predicted` is left out where nothing tells it: a score on a scale of its own, no logits.
///
/// A CSV file has a header, and commas, semicolons or tabs between its cells. A score or logit that is missing or `nan`
/// becomes NaN: metrics then are null, and say so. Everything else that is missing is an error. The file is read piece
/// by piece; what is kept is what the frames hold.
///
/// # Errors
/// Names the file, the line (CSV) or row (parquet), the column and what was found. An image that stands twice in a run
/// is refused.
///
/// # Examples
/// ```
/// use cyborg_eval::outside::{Field, ScoreColumns, read_score_table};
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("predictions.csv");
/// fs_err::write(&path, "file,truth,generator,p_fake,net\na.png,real,FFHQ,0.1,r50\nb.png,fake,ProGAN,0.7,r50\n")?;
/// let columns = ScoreColumns {
///     image: Some("file".into()),
///     label: "truth".into(),
///     source: Field::Column("generator".into()),
///     score: Some("p_fake".into()),
///     backbone: Field::Column("net".into()),
///     classes: vec!["real".into(), "fake".into()],
///     ..ScoreColumns::default()
/// };
/// let runs = read_score_table(&path, &columns)?;
/// assert_eq!((runs[0].0.backbone.as_str(), runs[0].1.height()), ("r50", 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_score_table(path: &Path, columns: &ScoreColumns) -> Result<Vec<(RunKey, DataFrame)>, EvalError> {
    let read_error = |source| EvalError::Read { path: path.to_owned(), source };
    let mut builder = Builder::new(path, columns)?;
    if path.as_os_str() == "-" {
        csv::read(path, std::io::stdin().lock().take(MAX_FILE_BYTES), columns, &mut builder)?;
        return builder.finish();
    }
    check_file(path)?;
    let mut file = fs::File::open(path).map_err(read_error)?;
    let mut start = Vec::new();
    file.by_ref().take(4).read_to_end(&mut start).map_err(read_error)?;
    if start == b"PAR1" {
        parquet::read(path, file, columns, &mut builder)?;
    } else {
        csv::read(path, std::io::Cursor::new(start).chain(file), columns, &mut builder)?;
    }
    builder.finish()
}

/// No table may have more rows: their frames take some 100 bytes each.
const MAX_ROWS: u64 = 100_000_000;

fn check_rows(path: &Path, n_rows: u64) -> Result<(), EvalError> {
    if n_rows <= MAX_ROWS {
        return Ok(());
    }
    let found = format!("more than {MAX_ROWS} rows");
    Err(EvalError::TooLarge { path: path.to_owned(), found, most: "can be held at once".to_owned() })
}

impl ScoreColumns {
    /// The columns that are read, in the order in which a row's cells are handed on.
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for field in [&self.data, &self.method, &self.backbone, &self.seed, &self.source] {
            if let Field::Column(name) = field {
                names.push(name);
            }
        }
        names.push(&self.label);
        names.extend(self.image.as_deref());
        names.extend(self.score.as_deref());
        names.extend(self.predicted.as_deref());
        names.extend(self.subject.as_deref());
        names.extend(self.logits.iter().map(String::as_str));
        names
    }
}

fn in_words(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() { "no column at all".to_owned() } else { quoted.join(", ") }
}

/// The position of each of these columns among those of a file.
fn locate(path: &Path, names: &[&str], known: &[String]) -> Result<Vec<usize>, EvalError> {
    let table = || format!("`{}`", path.display());
    names
        .iter()
        .map(|name| {
            let mut found = known.iter().enumerate().filter(|(_, known)| *known == name).map(|(i, _)| i);
            match (found.next(), found.next()) {
                (Some(at), None) => Ok(at),
                (Some(_), Some(_)) => {
                    Err(EvalError::ColumnTwice { table: table(), column: (*name).to_owned() })
                }
                (None, _) => Err(EvalError::MissingColumn {
                    table: table(),
                    column: (*name).to_owned(),
                    found: in_words(known),
                }),
            }
        })
        .collect()
}
