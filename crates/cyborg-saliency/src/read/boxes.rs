//! Boxes: CSV, one a row.
//!
//! ```text
//! image,annotator,left,top,right,bottom
//! 0001.png,ann,12,30,50.5,71
//! ```
//!
//! or with `width` and `height` in place of the right and bottom edge. Which columns mean what is a setting. A
//! row whose four fields are empty (or `NaN`) is a person who marked nothing.

use super::positions::is_no_number;
use super::table::{FirstPixel, Found, Row, RowReader, Rows, Table, Unit, coordinate, grouped};
use super::{Annotations, FoundFile, Reader, Watch};
use crate::{AnnotationError, Mark};

/// How a table of boxes is read.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxOptions {
    /// Which image and who; unit and frame. Edges are continuous: with [`FirstPixel::Zero`] or [`FirstPixel::One`] they
    /// are taken for the middles of pixels.
    pub table: Table,
    /// The columns of the box.
    pub sides: Sides,
}

/// Names of the columns of a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sides {
    /// Left, top, right and bottom edge.
    Edges([String; 4]),
    /// Left and top edge, width and height.
    Size([String; 4]),
}

impl Default for BoxOptions {
    /// Columns `image`, `left`, `top`, `right`, `bottom`.
    fn default() -> Self {
        let sides = Sides::Edges(["left", "top", "right", "bottom"].map(str::to_owned));
        Self { table: Table::default(), sides }
    }
}

impl Reader for BoxOptions {
    fn read(&self, file: &FoundFile, _watch: &Watch) -> Result<Annotations, AnnotationError> {
        let (Sides::Edges(names) | Sides::Size(names)) = &self.sides;
        let rows = Rows::open(file, &self.table, &names.each_ref().map(String::as_str))?;
        let first = if self.table.unit == Unit::Pixels { self.table.first_pixel } else { FirstPixel::Edge };
        Ok(grouped(rows, BoxRow { first, by_size: matches!(self.sides, Sides::Size(_)) }))
    }
}

struct BoxRow {
    first: FirstPixel,
    by_size: bool,
}

impl RowReader for BoxRow {
    fn found(&mut self, row: &Row) -> Result<Found, String> {
        if row.fields.iter().all(|text| is_no_number(text)) {
            return Ok(Found::NoMark);
        }
        let number = |index: usize| coordinate(&row.fields[index], "an edge");
        let first = self.first;
        let (left, top) = (first.continuous(number(0)?), first.continuous(number(1)?));
        let (right, bottom) = if self.by_size {
            (left + number(2)?, top + number(3)?)
        } else {
            (first.continuous(number(2)?), first.continuous(number(3)?))
        };
        rectangle(left, top, right, bottom).map(Found::Mark)
    }
}

/// A rectangle with an area.
pub(super) fn rectangle(left: f64, top: f64, right: f64, bottom: f64) -> Result<Mark, String> {
    if right > left && bottom > top {
        Ok(Mark::Rectangle { left, top, right, bottom })
    } else {
        Err(format!("the box from ({left}, {top}) to ({right}, {bottom}) has no area"))
    }
}
