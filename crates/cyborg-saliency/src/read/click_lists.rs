//! Clicks, one image and person a row, as ClickMe's tables: CSV.
//!
//! ```text
//! image_path,clicks,user_id
//! n01440764/0001.jpg,"{""(106,97)"",""(107,99)""}",7
//! n01440764/0002.jpg,"[(12, 30), (14, 31)]",7
//! ```
//!
//! A list is pairs of numbers; brackets of any kind, quotes, commas, semicolons and spaces only separate them. An empty
//! list (`{}`) is an annotation without marks: a person who clicked nowhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::table::{FirstPixel, Rows, Table, Unit, coordinate};
use super::table_settings::{Delimiter, OneOrMore, table_of};
use super::{Annotations, FoundFile, Reader, Watch};
use schemars::JsonSchema;
use serde::Deserialize;

use super::formats::Settings;
use crate::{AnnotationError, Mark};

/// How a table of click lists is read.
#[derive(Clone, Debug, PartialEq)]
pub struct ClickListOptions {
    /// Which image and who; unit and frame.
    pub table: Table,
    /// The column of the lists.
    pub clicks: String,
    /// Pairs are `(y, x)`.
    pub row_first: bool,
}

impl Default for ClickListOptions {
    /// As ClickMe: columns `image_path` and `clicks`, pixel indices from 0, `(x, y)`.
    fn default() -> Self {
        let mut table = Table { first_pixel: FirstPixel::Zero, ..Table::default() };
        table.columns.image = Some("image_path".into());
        Self { table, clicks: "clicks".into(), row_first: false }
    }
}

/// Clicks, one image and person a row.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClickListsSettings {
    /// Such as `clicks.csv`.
    pub files: String,
    /// Names of the columns.
    #[serde(default)]
    pub columns: ClickColumnsSettings,
    /// Pairs are (y, x).
    #[serde(default)]
    pub row_first: bool,
    /// What coordinates are; default: `pixels`.
    #[serde(default)]
    pub unit: Unit,
    /// Where pixel coordinates begin; default: `zero`.
    pub first_pixel: Option<FirstPixel>,
    /// Between fields; default: `comma`.
    #[serde(default)]
    pub delimiter: Delimiter,
    /// Only rows whose column has this value, or one of these values.
    #[serde(default, rename = "where")]
    pub only: BTreeMap<String, OneOrMore>,
    /// The table has no header line; columns are then named by their numbers, from `"1"`; default: false.
    #[serde(default)]
    pub headerless: bool,
}

/// Columns of a table of click lists.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClickColumnsSettings {
    /// The image, or a name made of columns (`"{Split}/{Image}.png"`); default: `image_path`, or none if `files` has `{image}`.
    pub image: Option<String>,
    /// Who.
    pub annotator: Option<String>,
    /// Seconds that the person took for the image.
    pub seconds: Option<String>,
    /// Whether the person's decision was right: 1/0, true/false, yes/no.
    pub correct: Option<String>,
    /// Width of the frame in pixels; with `frame_height`.
    pub frame_width: Option<String>,
    /// Height of the frame in pixels; with `frame_width`.
    pub frame_height: Option<String>,
    /// Default: `clicks`.
    pub clicks: Option<String>,
}
impl Settings for ClickListsSettings {
    type Options = ClickListOptions;

    fn files(&self) -> &str {
        &self.files
    }

    fn checked(&self) -> Result<ClickListOptions, String> {
        let default = ClickListOptions::default();
        Ok(ClickListOptions {
            table: table_of!(self, default.table)?,
            clicks: self.columns.clicks.clone().unwrap_or(default.clicks),
            row_first: self.row_first,
        })
    }
}

impl Reader for ClickListOptions {
    fn read(&self, file: &FoundFile, watch: &Arc<Watch>) -> Result<Annotations, AnnotationError> {
        let rows = Rows::open(file, &self.table, &[&self.clicks], watch)?;
        let first = if self.table.unit == Unit::Pixels { self.table.first_pixel } else { FirstPixel::Edge };
        let row_first = self.row_first;
        Ok(Box::new(rows.map(move |row| {
            let mut row = row?;
            let pairs = pairs(&row.fields[0]).map_err(|reason| row.fault(reason))?;
            row.annotation.marks = pairs
                .into_iter()
                .map(|(a, b)| {
                    let (x, y) = if row_first { (b, a) } else { (a, b) };
                    Mark::Point { x: first.continuous(x), y: first.continuous(y), duration_s: None }
                })
                .collect();
            Ok(row.annotation)
        })))
    }
}

/// The numbers of a list, two by two.
fn pairs(text: &str) -> Result<Vec<(f64, f64)>, String> {
    let separates = |c: char| "()[]{}\"',; \t\r\n".contains(c);
    let numbers = text
        .split(separates)
        .filter(|word| !word.is_empty())
        .map(|word| coordinate(word, "a click"))
        .collect::<Result<Vec<f64>, String>>()?;
    let (pairs, rest) = numbers.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(format!("the click list has {} numbers: it must have two a click", numbers.len()));
    }
    Ok(pairs.iter().map(|&[a, b]| (a, b)).collect())
}
