//! Masks as run lengths in a table, one a row, as Kaggle's competitions give them: CSV.
//!
//! ```text
//! ImageId,EncodedPixels,Height,Width
//! 0001.png,5 2 9 2,4,6
//! 0002.png,-1,4,6
//! ```
//!
//! Pairs of a start and a length, down the columns. A start is a pixel counted from 1 ([`Start::Absolute`], as most
//! competitions have it), or the number of pixels since the end of the run before ([`Start::Relative`], as SIIM-ACR). An empty
//! field or `-1` is a person who marked nothing. The mask's size is said by two columns or by `size_px`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::formats::{Reader, Settings};
use super::map_file::MapOptions;
use super::rle::Runs;
use super::stored::{MapData, StoredMap};
use super::table::{Columns, Found, Row, RowReader, Rows, Table, grouped, shortened};
use super::{Annotations, FoundFile, Watch};
use crate::{AnnotationError, Mark, Place};

/// How a table of run lengths is read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunLengthOptions {
    /// Such as `train-rle.csv`.
    pub files: String,
    /// The column of the image; default: `ImageId`.
    #[serde(default = "image_id")]
    pub image: String,
    /// The column of who, if there is one.
    pub annotator: Option<String>,
    /// The column of the run lengths; default: `EncodedPixels`.
    #[serde(default = "encoded_pixels")]
    pub runs: String,
    /// What a start is: `absolute` (default) or `relative`.
    #[serde(default)]
    pub start: Start,
    /// The columns of the mask's height and width in pixels; with each other.
    pub height: Option<String>,
    /// The column of the mask's width.
    pub width: Option<String>,
    /// The masks' width and height in pixels, in place of columns.
    pub size_px: Option<[u32; 2]>,
    /// Runs go along the rows in place of down the columns; default: false.
    #[serde(default)]
    pub row_first: bool,
}

/// What the first number of a pair is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// The first pixel of the run, counted from 1.
    #[default]
    Absolute,
    /// Pixels since the end of the run before, or since the beginning.
    Relative,
}

fn image_id() -> String {
    "ImageId".into()
}

fn encoded_pixels() -> String {
    "EncodedPixels".into()
}

impl Settings for RunLengthOptions {
    type Options = Self;

    fn files(&self) -> &str {
        &self.files
    }

    fn checked(&self) -> Result<Self, String> {
        match (&self.height, &self.width, self.size_px) {
            (Some(_), Some(_), None) => Ok(self.clone()),
            (None, None, Some(size)) if !size.contains(&0) => Ok(self.clone()),
            _ => {
                Err("say the masks' size: `size_px: [WIDTH, HEIGHT]`, or the columns `height` and `width`"
                    .into())
            }
        }
    }
}

impl Reader for RunLengthOptions {
    fn read(&self, file: &FoundFile, watch: &Arc<Watch>) -> Result<Annotations, AnnotationError> {
        let columns = Columns {
            image: Some(self.image.clone()),
            annotator: self.annotator.clone(),
            ..Columns::default()
        };
        let mut wanted = vec![self.runs.as_str()];
        wanted.extend(self.height.as_deref());
        wanted.extend(self.width.as_deref());
        let rows = Rows::open(file, &Table { columns, ..Table::default() }, &wanted, watch)?;
        Ok(grouped(rows, RunRow(self.clone())))
    }
}

struct RunRow(RunLengthOptions);

impl RowReader for RunRow {
    fn found(&mut self, row: &Row) -> Result<Found, String> {
        let text = row.fields[0].as_str();
        if matches!(text, "" | "-1" | "nan" | "NaN") {
            return Ok(Found::NoMark);
        }
        let [width, height] = match self.0.size_px {
            Some(size) => size,
            None => [side(&row.fields[2], "width")?, side(&row.fields[1], "height")?],
        };
        let runs = if self.0.row_first {
            // The mask of rows is the one of columns on its side.
            transposed(&self.runs(text, [width, height])?)?
        } else {
            self.runs(text, [height, width])?
        };
        Ok(Found::Mark(Mark::Stored(StoredMap {
            data: MapData::Runs(runs),
            options: MapOptions::default(),
            area: None,
            path: row.path.clone(),
            place: Place::Line(row.line),
        })))
    }
}

impl RunRow {
    /// `size` is the length of a column and how many there are.
    fn runs(&self, text: &str, size: [u32; 2]) -> Result<Runs, String> {
        let pixels = u64::from(size[0]) * u64::from(size[1]);
        let numbers: Vec<u64> = text
            .split_ascii_whitespace()
            .map(|word| {
                word.parse().map_err(|_| format!("a run length is `{}`: it must be whole", shortened(word)))
            })
            .collect::<Result<_, String>>()?;
        let (pairs, rest) = numbers.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(format!(
                "it has {} numbers: they must be pairs of a start and a length",
                numbers.len()
            ));
        }
        let (mut counts, mut at) = (Vec::with_capacity(numbers.len() + 1), 0u64);
        for (pair, &[start, length]) in pairs.iter().enumerate() {
            let start = match self.0.start {
                Start::Relative => at.saturating_add(start),
                Start::Absolute => start.checked_sub(1).ok_or("a run starts at 0: pixels count from 1")?,
            };
            let end = start.saturating_add(length);
            if start < at {
                return Err(format!(
                    "run {} starts at pixel {start} before the one before it ends: are starts `relative`?",
                    pair + 1
                ));
            }
            if end > pixels {
                return Err(format!(
                    "run {} ends at pixel {end}, but the mask has {pixels}: its size is wrong, or what `start` is",
                    pair + 1
                ));
            }
            counts.extend([(start - at) as u32, length as u32]);
            at = end;
        }
        counts.push((pixels - at) as u32);
        Runs::new(size, counts)
    }
}

/// The mask with rows for columns: what runs along the rows runs down the columns.
pub(super) fn transposed(runs: &Runs) -> Result<Runs, String> {
    // Down the columns of the mask on its side is along the rows of it: what is a row there is a column of the other.
    let map = runs.to_map();
    let (mut counts, mut value) = (vec![0u32], 0.0);
    for &pixel in &map.values {
        if pixel != value {
            value = pixel;
            counts.push(0);
        }
        if let Some(count) = counts.last_mut() {
            *count += 1;
        }
    }
    Runs::new([runs.width_px, runs.height_px], counts)
}

fn side(text: &str, what: &str) -> Result<u32, String> {
    let side = text.parse().ok().filter(|side| (1..=1_000_000).contains(side));
    side.ok_or_else(|| {
        format!("the mask's {what} is `{}`: it must be whole, from 1 to 1000000", shortened(text))
    })
}
