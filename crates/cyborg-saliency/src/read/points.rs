//! Clicks and fixations: CSV, one a row.
//!
//! ```text
//! image,subject,x,y,duration
//! 1001.jpg,s1,395.5,265.7,246
//! 1001.jpg,s1,390.6,326.4,136
//! 1001.jpg,s2,401.0,300.2,180
//! ```
//!
//! Which columns mean what is a setting. Rows of one image and person should stand together; their order is kept.
//! A row without `x`, `y` and duration is a person who marked nothing; one that has only lost its position (empty, `NaN`, a
//! dot, -32768) is left out and counted.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::positions::{Position, Positions, is_no_number};
use super::table::{FirstPixel, Found, Row, RowReader, Rows, Table, Unit, coordinate, grouped, seconds_of};
use super::table_settings::{Delimiter, OneOrMore, TimeUnit, table_of};
use super::{Annotations, FoundFile, Reader, Watch};
use schemars::JsonSchema;
use serde::Deserialize;

use super::formats::Settings;
use crate::{AnnotationError, Mark, Place};

/// How a table of points is read.
#[derive(Clone, Debug, PartialEq)]
pub struct PointOptions {
    /// Which image and who; unit and frame.
    pub table: Table,
    /// The column.
    pub x: String,
    /// The column.
    pub y: String,
    /// The column of how long the gaze rested there; empty fields are unknown durations.
    pub duration: Option<String>,
    /// The columns of when the gaze came there and when it left, in place of `duration`.
    pub start_end: Option<(String, String)>,
    /// 0.001 for milliseconds.
    pub seconds_per_unit: f64,
}

impl Default for PointOptions {
    /// Columns `image`, `x`, `y`; durations, if a column is named, in milliseconds.
    fn default() -> Self {
        Self {
            table: Table::default(),
            x: "x".into(),
            y: "y".into(),
            duration: None,
            start_end: None,
            seconds_per_unit: 0.001,
        }
    }
}

/// Clicks or fixations.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsSettings {
    /// Such as `fixations.csv` or `eyes/{annotator}.csv`.
    pub files: String,
    /// Names of the columns.
    #[serde(default)]
    pub columns: PointColumnsSettings,
    /// Unit of the duration column; default: `ms`.
    #[serde(default)]
    pub duration_unit: TimeUnit,
    /// What coordinates are; default: `pixels`.
    #[serde(default)]
    pub unit: Unit,
    /// Where pixel coordinates begin; default: `edge`.
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

/// Columns of a table of points. Those with a default must be there; name `image` only if the file's name does not say it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointColumnsSettings {
    /// The image, or a name made of columns (`"{Split}/{Image}.png"`); default: `image`, or none if `files` has `{image}`.
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
    /// Default: `x`.
    pub x: Option<String>,
    /// Default: `y`.
    pub y: Option<String>,
    /// How long the gaze rested there.
    pub duration: Option<String>,
    /// When the gaze came there, in place of `duration`; with `end`.
    pub start: Option<String>,
    /// When it left; with `start`.
    pub end: Option<String>,
}
impl Settings for PointsSettings {
    type Options = PointOptions;

    fn files(&self) -> &str {
        &self.files
    }

    fn checked(&self) -> Result<PointOptions, String> {
        let default = PointOptions::default();
        let columns = &self.columns;
        let start_end = match (&columns.start, &columns.end) {
            (None, None) => None,
            (Some(start), Some(end)) if columns.duration.is_none() => Some((start.clone(), end.clone())),
            _ => return Err("name `duration`, or both `start` and `end`".into()),
        };
        Ok(PointOptions {
            table: table_of!(self, default.table)?,
            x: columns.x.clone().unwrap_or(default.x),
            y: columns.y.clone().unwrap_or(default.y),
            duration: columns.duration.clone(),
            start_end,
            seconds_per_unit: self.duration_unit.seconds(),
        })
    }
}

impl Reader for PointOptions {
    fn read(&self, file: &FoundFile, watch: &Arc<Watch>) -> Result<Annotations, AnnotationError> {
        let mut wanted = vec![self.x.as_str(), self.y.as_str()];
        wanted.extend(self.duration.as_deref());
        wanted.extend(self.start_end.iter().flat_map(|(start, end)| [start.as_str(), end.as_str()]));
        let rows = Rows::open(file, &self.table, &wanted, watch)?;
        let first = if self.table.unit == Unit::Pixels { self.table.first_pixel } else { FirstPixel::Edge };
        let reader =
            PointRow { first, seconds_per_unit: self.seconds_per_unit, positions: Positions::default() };
        Ok(grouped(rows, reader))
    }
}

struct PointRow {
    first: FirstPixel,
    seconds_per_unit: f64,
    positions: Positions,
}

impl RowReader for PointRow {
    fn found(&mut self, row: &Row) -> Result<Found, String> {
        let (x, y) = (row.fields[0].as_str(), row.fields[1].as_str());
        let duration = row.fields.get(2).filter(|text| !is_no_number(text));
        // A tracker that lost the eye still states how long it did.
        if x.is_empty() && y.is_empty() && duration.is_none() {
            return Ok(Found::NoMark);
        }
        let Position::At(x, y) = self.positions.of_text(x, y, Place::Line(row.line))? else {
            return Ok(Found::Skip);
        };
        let duration_s = match (duration, row.fields.get(3)) {
            (None, _) => None,
            (Some(text), None) => Some(seconds_of(text, self.seconds_per_unit)?),
            (Some(start), Some(end)) => {
                let (start, end) = (coordinate(start, "a start")?, coordinate(end, "an end")?);
                Some(seconds_of(&(end - start).to_string(), self.seconds_per_unit)?)
            }
        };
        Ok(Found::Mark(Mark::Point { x: self.first.continuous(x), y: self.first.continuous(y), duration_s }))
    }

    fn doubts(&self, path: &Path) -> Vec<AnnotationError> {
        self.positions.doubts(path)
    }
}
