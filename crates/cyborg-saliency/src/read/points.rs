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

use std::path::Path;

use super::positions::{Position, Positions, is_no_number};
use super::table::{FirstPixel, Found, Row, RowReader, Rows, Table, Unit, grouped, seconds_of};
use super::{Annotations, FoundFile, Reader, Watch};
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
            seconds_per_unit: 0.001,
        }
    }
}

impl Reader for PointOptions {
    fn read(&self, file: &FoundFile, _watch: &Watch) -> Result<Annotations, AnnotationError> {
        let mut wanted = vec![self.x.as_str(), self.y.as_str()];
        wanted.extend(self.duration.as_deref());
        let rows = Rows::open(file, &self.table, &wanted)?;
        let first = if self.table.unit == Unit::Pixels { self.table.first_pixel } else { FirstPixel::Edge };
        let reader = PointRow {
            first,
            seconds_per_unit: self.seconds_per_unit,
            positions: Positions::default(),
        };
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
        let duration_s = duration.map(|text| seconds_of(text, self.seconds_per_unit)).transpose()?;
        Ok(Found::Mark(Mark::Point { x: self.first.continuous(x), y: self.first.continuous(y), duration_s }))
    }

    fn doubts(&self, path: &Path) -> Vec<AnnotationError> {
        self.positions.doubts(path)
    }
}
