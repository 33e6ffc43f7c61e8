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

use super::table::{FirstPixel, Rows, Table, Unit, coordinate, grouped, seconds_of};
use super::{Annotations, FoundFile};
use crate::{AnnotationError, Mark};

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

pub(super) fn read(file: &FoundFile, options: &PointOptions) -> Result<Annotations, AnnotationError> {
    let mut wanted = vec![options.x.as_str(), options.y.as_str()];
    wanted.extend(options.duration.as_deref());
    let rows = Rows::open(file, &options.table, &wanted)?;
    let (unit, first, seconds_per_unit) =
        (options.table.unit, options.table.first_pixel, options.seconds_per_unit);
    Ok(grouped(rows, move |row| {
        let first = if unit == Unit::Pixels { first } else { FirstPixel::Edge };
        let x = first.continuous(coordinate(&row.fields[0], "x")?);
        let y = first.continuous(coordinate(&row.fields[1], "y")?);
        let duration = row.fields.get(2).filter(|text| !text.is_empty());
        let duration_s = duration.map(|text| seconds_of(text, seconds_per_unit)).transpose()?;
        Ok(Mark::Point { x, y, duration_s })
    }))
}
