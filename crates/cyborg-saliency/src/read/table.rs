//! What all CSV formats share: who marked which image, and what numbers mean.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Annotations, FoundFile, Watch};
use crate::{Annotation, AnnotationError, FRACTIONS, Mark};

/// Coordinates farther out than this are taken for damage.
pub(crate) const MAX_COORDINATE: f64 = 1e7;

/// Names of the columns that every table may have. A column that is named must be there; columns without a name here are
/// ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The image; `None` if the file's name says it. Text with columns in braces, `{Split}/{Image}.png`, makes the name of
    /// several columns.
    pub image: Option<String>,
    /// Who.
    pub annotator: Option<String>,
    /// Seconds that the person took for the image.
    pub seconds: Option<String>,
    /// Whether the person's decision was right: `1`/`0`, `true`/`false`, `yes`/`no`, or empty if unknown.
    pub correct: Option<String>,
    /// Width and height in pixels of the frame that coordinates refer to.
    pub frame: Option<(String, String)>,
}

impl Default for Columns {
    fn default() -> Self {
        Self { image: Some("image".into()), annotator: None, seconds: None, correct: None, frame: None }
    }
}

/// What the coordinates of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Pixels of the frame.
    #[default]
    Pixels,
    /// Fractions of the image's sides: 0 is the left or top edge, 1 the right or bottom one.
    Fractions,
}

/// Where pixel coordinates begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FirstPixel {
    /// 0 is the left edge of the first pixel: continuous coordinates.
    #[default]
    Edge,
    /// 0 is the middle of the first pixel: indices from 0, as most programs count.
    Zero,
    /// 1 is the middle of the first pixel: indices from 1, as MATLAB counts.
    One,
}

impl FirstPixel {
    /// From the file's coordinate to a continuous one.
    pub(crate) fn continuous(self, coordinate: f64) -> f64 {
        match self {
            Self::Edge => coordinate,
            Self::Zero => coordinate + 0.5,
            Self::One => coordinate - 0.5,
        }
    }
}

/// How a CSV table is read. It MUST be in UTF-8; fields may be quoted with `"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Names of the columns.
    pub columns: Columns,
    /// Between fields: `b','`, `b'\t'`, `b';'`.
    pub delimiter: u8,
    /// Of coordinates and lengths.
    pub unit: Unit,
    /// Where pixel coordinates begin.
    pub first_pixel: FirstPixel,
    /// The frame that coordinates refer to, where no column states it; `None`: the image itself.
    pub frame_px: Option<(u32, u32)>,
    /// Only rows that have one of these values in each of these columns.
    pub only: Vec<(String, Vec<String>)>,
    /// There is no header line: columns are named by their numbers, from `1`.
    pub headerless: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            columns: Columns::default(),
            delimiter: b',',
            unit: Unit::Pixels,
            first_pixel: FirstPixel::Edge,
            frame_px: None,
            only: Vec::new(),
            headerless: false,
        }
    }
}

/// One row.
pub(crate) struct Row {
    pub(crate) path: PathBuf,
    pub(crate) line: u64,
    /// The image and who, with no marks yet.
    pub(crate) annotation: Annotation,
    /// The values of the wanted columns, trimmed.
    pub(crate) fields: Vec<String>,
}

/// A piece of an image's name.
enum NamePart {
    Text(String),
    Column(usize),
}

/// `{Split}/{Image}.png` apart; a name without braces is a column's.
fn name_parts<E>(text: &str, mut find: impl FnMut(&str) -> Result<usize, E>) -> Result<Vec<NamePart>, E> {
    if !text.contains('{') {
        return Ok(vec![NamePart::Column(find(text)?)]);
    }
    let mut parts = Vec::new();
    for (at, piece) in text.split('{').enumerate() {
        match piece.split_once('}').filter(|_| at > 0) {
            Some((column, text)) => {
                parts.push(NamePart::Column(find(column)?));
                parts.push(NamePart::Text(text.to_owned()));
            }
            None => parts.push(NamePart::Text(piece.to_owned())),
        }
    }
    Ok(parts)
}

/// The rows of a table, one after the other.
pub(crate) struct Rows {
    path: PathBuf,
    reader: csv::Reader<fs_err::File>,
    record: csv::StringRecord,
    image: Vec<NamePart>,
    only: Vec<(String, usize, Vec<String>)>,
    watch: Arc<Watch>,
    annotator: Option<usize>,
    seconds: Option<usize>,
    correct: Option<usize>,
    frame: Option<(usize, usize)>,
    wanted: Vec<usize>,
    fixed_frame: Option<(u32, u32)>,
    ended: bool,
}

impl Rows {
    /// Opens the table and finds its columns; `wanted` are the format's own.
    pub(crate) fn open(
        file: &FoundFile,
        table: &Table,
        wanted: &[&str],
        watch: &Arc<Watch>,
    ) -> Result<Self, AnnotationError> {
        let path = file.path.clone();
        let opened = fs_err::File::open(&path).map_err(|source| AnnotationError::open(&path, source))?;
        let mut builder = csv::ReaderBuilder::new();
        builder.delimiter(table.delimiter).has_headers(!table.headerless);
        let mut reader = builder.from_reader(opened);
        let header = match reader.headers() {
            Ok(first) if table.headerless => (1..=first.len()).map(|number| number.to_string()).collect(),
            Ok(header) => header.clone(),
            Err(error) => return Err(csv_fault(&path, &error)),
        };
        let find = |name: &str| {
            let is = |head: &str| head.trim_start_matches('\u{feff}').trim() == name;
            let places: Vec<usize> = (0..header.len()).filter(|&at| is(&header[at])).collect();
            let reason = match places[..] {
                [at] => return Ok(at),
                [] => {
                    let columns: Vec<String> =
                        header.iter().map(|head| format!("`{}`", head.trim())).collect();
                    format!("it has no column `{name}`: name the right one of {}", columns.join(", "))
                }
                [first, second, ..] => format!(
                    "the column `{name}` stands in it twice, as field {} and as field {}: rename one of them",
                    first + 1,
                    second + 1
                ),
            };
            Err(AnnotationError::line(&path, 1, reason))
        };
        let optional = |name: &Option<String>| name.as_deref().map(find).transpose();
        let columns = &table.columns;
        if columns.image.is_none() && file.image.is_none() {
            let reason = "neither a column nor the file's name says which image: name the column";
            return Err(AnnotationError::line(&path, 1, reason));
        }
        let image = columns.image.as_deref().map_or(Ok(vec![]), |image| name_parts(image, find))?;
        let annotator = optional(&columns.annotator)?;
        let mut only = Vec::with_capacity(table.only.len());
        for (column, values) in &table.only {
            for value in values {
                watch.look("where", format!("the value `{value}` in the column `{column}`"), false);
            }
            only.push((column.clone(), find(column)?, values.clone()));
        }
        let (seconds, correct) = (optional(&columns.seconds)?, optional(&columns.correct)?);
        let frame = match &columns.frame {
            Some((width, height)) => Some((find(width)?, find(height)?)),
            None => None,
        };
        let wanted = wanted.iter().map(|name| find(name)).collect::<Result<_, _>>()?;
        let fixed_frame = if table.unit == Unit::Fractions { Some(FRACTIONS) } else { table.frame_px };
        let record = csv::StringRecord::new();
        Ok(Self {
            path,
            reader,
            record,
            image,
            only,
            watch: Arc::clone(watch),
            annotator,
            seconds,
            correct,
            frame,
            wanted,
            fixed_frame,
            ended: false,
        })
    }

    /// True if the filter lets the row through.
    fn is_wanted(&self, record: &csv::StringRecord) -> bool {
        self.only.iter().all(|(column, index, values)| {
            let found = record.get(*index).unwrap_or("").trim();
            let wanted = values.iter().any(|value| value == found);
            if wanted {
                self.watch.look("where", format!("the value `{found}` in the column `{column}`"), true);
            } else {
                self.watch.knows("where", found);
            }
            wanted
        })
    }

    fn row(&self, line: u64) -> Result<Row, AnnotationError> {
        let fault = |reason: String| AnnotationError::line(&self.path, line, reason);
        let field = |index: usize| self.record.get(index).unwrap_or("").trim();
        let parts = self.image.iter().map(|part| match part {
            NamePart::Text(text) => text.as_str(),
            NamePart::Column(index) => field(*index),
        });
        let image: String = parts.collect();
        let is_nameless =
            self.image.iter().any(|part| matches!(part, NamePart::Column(index) if field(*index).is_empty()));
        if is_nameless {
            return Err(fault("it names no image".into()));
        }
        let annotator = self.annotator.map(field).filter(|name| !name.is_empty()).map(str::to_owned);
        let seconds = self.seconds.map(field).filter(|text| !text.is_empty());
        let duration_s = seconds.map(|text| seconds_of(text, 1.0)).transpose().map_err(fault)?;
        let correct = match self.correct.map(field) {
            None => None,
            Some(text) => truth(text).map_err(fault)?,
        };
        let frame_px = match self.frame {
            Some((width, height)) if self.fixed_frame != Some(FRACTIONS) => {
                Some((side(field(width)).map_err(fault)?, side(field(height)).map_err(fault)?))
            }
            _ => self.fixed_frame,
        };
        let origin = format!("`{}`, line {line}", self.path.display());
        let annotation =
            Annotation { annotator, frame_px, duration_s, correct, ..Annotation::new(image, origin) };
        let fields = self.wanted.iter().map(|&index| field(index).to_owned()).collect();
        Ok(Row { path: self.path.clone(), line, annotation, fields })
    }
}

impl Iterator for Rows {
    type Item = Result<Row, AnnotationError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let mut record = std::mem::take(&mut self.record);
        let read = loop {
            let read = self.reader.read_record(&mut record);
            if !matches!(read, Ok(true)) || self.is_wanted(&record) {
                break read;
            }
        };
        self.record = record;
        match read {
            Ok(true) => {
                let line = self.record.position().map_or(0, csv::Position::line);
                Some(self.row(line))
            }
            Ok(false) => None,
            Err(error) => {
                self.ended = matches!(error.kind(), csv::ErrorKind::Io(_));
                Some(Err(csv_fault(&self.path, &error)))
            }
        }
    }
}

impl Row {
    pub(crate) fn fault(&self, reason: String) -> AnnotationError {
        AnnotationError::line(&self.path, self.line, reason)
    }
}

/// What a row gives.
pub(crate) enum Found {
    /// A mark.
    Mark(Mark),
    /// The person looked at the image and marked nothing.
    NoMark,
    /// The row is no annotation: a lost sample, or one that a filter leaves out.
    Skip,
}

/// How a format takes a row's fields.
pub(crate) trait RowReader {
    /// What the row gives.
    ///
    /// # Errors
    /// What is wrong, without the place.
    fn found(&mut self, row: &Row) -> Result<Found, String>;

    /// What a person should be told at the end of the file.
    fn doubts(&self, _path: &Path) -> Vec<AnnotationError> {
        Vec::new()
    }
}

/// Rows to annotations: marks of consecutive rows of one image and person belong to one annotation. So no more than one
/// annotation is in memory; a person who comes back to an image later in the file gives a second annotation of it. A faulty
/// row is an error, and its annotation says that a mark is lost.
pub(crate) fn grouped(rows: Rows, reader: impl RowReader + Send + 'static) -> Annotations {
    let path = rows.path.clone();
    let (mut rows, mut reader) = (Some(rows), reader);
    let mut open: Option<Annotation> = None;
    let mut ready: VecDeque<Result<Annotation, AnnotationError>> = VecDeque::new();
    Box::new(std::iter::from_fn(move || {
        loop {
            if let Some(next) = ready.pop_front() {
                return Some(next);
            }
            let row = match rows.as_mut()?.next() {
                None => {
                    rows = None;
                    ready.extend(open.take().map(Ok));
                    ready.extend(reader.doubts(&path).into_iter().map(Err));
                    continue;
                }
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(row)) => row,
            };
            let found = match reader.found(&row) {
                Ok(Found::Skip) => continue,
                Ok(Found::Mark(mark)) => Some(mark),
                Ok(Found::NoMark) => None,
                Err(reason) => {
                    ready.push_back(Err(row.fault(reason)));
                    let mut next = row.annotation;
                    next.n_lost = 1;
                    join(&mut open, next, &mut ready);
                    continue;
                }
            };
            let mut next = row.annotation;
            next.marks.extend(found);
            join(&mut open, next, &mut ready);
        }
    }))
}

/// Adds to the open annotation what continues it; else that one is ready and the next one is open.
fn join(
    open: &mut Option<Annotation>,
    next: Annotation,
    ready: &mut VecDeque<Result<Annotation, AnnotationError>>,
) {
    match open {
        Some(open) if continues(open, &next) => {
            open.marks.extend(next.marks);
            open.n_lost += next.n_lost;
        }
        _ => ready.extend(open.replace(next).map(Ok)),
    }
}

fn continues(open: &Annotation, next: &Annotation) -> bool {
    open.image == next.image
        && open.annotator == next.annotator
        && open.frame_px == next.frame_px
        && open.correct == next.correct
        && open.duration_s == next.duration_s
}

fn csv_fault(path: &Path, error: &csv::Error) -> AnnotationError {
    let line = error.position().map_or(1, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => AnnotationError::line(
            path,
            line,
            format!("it has {len} fields, but the header has {expected_len}"),
        ),
        csv::ErrorKind::Utf8 { .. } => AnnotationError::line(path, line, "it is not UTF-8: save it as UTF-8"),
        _ => AnnotationError::line(path, line, error.to_string()),
    }
}

/// A finite number no farther out than [`MAX_COORDINATE`].
pub(crate) fn coordinate(text: &str, what: &str) -> Result<f64, String> {
    let number: f64 =
        text.trim().parse().map_err(|_| format!("{what} is `{}`: it must be a number", shortened(text)))?;
    in_range(number, what)
}

/// As [`coordinate`], of a number.
pub(crate) fn in_range(number: f64, what: &str) -> Result<f64, String> {
    if number.abs() <= MAX_COORDINATE {
        Ok(number)
    } else {
        Err(format!("{what} is {number}: it must lie between -10000000 and 10000000"))
    }
}

/// A duration of at least 0, in seconds.
pub(crate) fn seconds_of(text: &str, seconds_per_unit: f64) -> Result<f64, String> {
    let number: f64 = text
        .trim()
        .parse()
        .map_err(|_| format!("a duration is `{}`: it must be a number", shortened(text)))?;
    let seconds = number * seconds_per_unit;
    if (0.0..=1e9).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(format!("a duration is {number}: it must be at least 0"))
    }
}

/// A side of a frame.
fn side(text: &str) -> Result<u32, String> {
    let side: f64 = text.parse().map_err(|_| format!("a side of the frame is `{}`", shortened(text)))?;
    if (1.0..=1e6).contains(&side) && side.fract() == 0.0 {
        Ok(side as u32)
    } else {
        Err(format!("a side of the frame is {side}: it must be whole, from 1 to 1000000"))
    }
}

fn truth(text: &str) -> Result<Option<bool>, String> {
    match text.to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "1" | "1.0" | "true" | "yes" | "t" | "y" => Ok(Some(true)),
        "0" | "0.0" | "false" | "no" | "f" | "n" => Ok(Some(false)),
        _ => Err(format!("whether the decision was right is `{}`: it must be 1 or 0", shortened(text))),
    }
}

/// The first characters of what a file holds, for messages.
pub(crate) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
