//! Boxes: CSV, one a row.
//!
//! ```text
//! image,annotator,left,top,right,bottom
//! 0001.png,ann,12,30,50.5,71
//! ```
//!
//! or with `width` and `height` in place of the right and bottom edge. Which columns mean what is a setting. A
//! row whose four fields are empty (or `NaN`) is a person who marked nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::positions::is_no_number;
use super::table::{FirstPixel, Found, Row, RowReader, Rows, Table, Unit, coordinate, grouped};
use super::table_settings::{Delimiter, OneOrMore, table_of};
use super::{Annotations, FoundFile, Reader, Watch};
use schemars::JsonSchema;
use serde::Deserialize;

use super::formats::Settings;
use crate::{AnnotationError, Fill, Mark};

/// How a table of boxes is read.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxOptions {
    /// Which image and who; unit and frame. Edges are continuous: with [`FirstPixel::Zero`] or [`FirstPixel::One`] they
    /// are taken for the middles of pixels.
    pub table: Table,
    /// The columns of the box.
    pub sides: Sides,
    /// What of the box is marked.
    pub shape: BoxShape,
}

/// What of a box is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BoxShape {
    /// All of it.
    #[default]
    Rectangle,
    /// The ellipse that touches its four sides.
    Ellipse,
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
        Self { table: Table::default(), sides, shape: BoxShape::Rectangle }
    }
}

/// Boxes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BoxesSettings {
    /// Such as `boxes.csv`.
    pub files: String,
    /// Names of the columns.
    #[serde(default)]
    pub columns: BoxColumnsSettings,
    /// What coordinates are; default: `pixels`.
    #[serde(default)]
    pub unit: Unit,
    /// Where pixel coordinates begin; default: `edge`.
    pub first_pixel: Option<FirstPixel>,
    /// Between fields; default: `comma`.
    #[serde(default)]
    pub delimiter: Delimiter,
    /// What is marked: `rectangle` (default), or the `ellipse` within it.
    #[serde(default)]
    pub shape: BoxShape,
    /// Only rows whose column has this value, or one of these values.
    #[serde(default, rename = "where")]
    pub only: BTreeMap<String, OneOrMore>,
    /// The table has no header line; columns are then named by their numbers, from `"1"`; default: false.
    #[serde(default)]
    pub headerless: bool,
}

/// Columns of a table of boxes: edges, or with `width` and `height` left and top edge and size.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BoxColumnsSettings {
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
    /// Default: `left`.
    pub left: Option<String>,
    /// Default: `top`.
    pub top: Option<String>,
    /// Default: `right`.
    pub right: Option<String>,
    /// Default: `bottom`.
    pub bottom: Option<String>,
    /// In place of `right`; with `height`.
    pub width: Option<String>,
    /// In place of `bottom`; with `width`.
    pub height: Option<String>,
}
impl Settings for BoxesSettings {
    type Options = BoxOptions;

    fn files(&self) -> &str {
        &self.files
    }

    fn checked(&self) -> Result<BoxOptions, String> {
        let columns = &self.columns;
        let name =
            |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
        let (left, top) = (name(&columns.left, "left"), name(&columns.top, "top"));
        let sides = match (&columns.width, &columns.height) {
            (Some(_), Some(_)) if columns.right.is_some() || columns.bottom.is_some() => {
                return Err("name `width` and `height`, or `right` and `bottom`, not both".into());
            }
            (Some(width), Some(height)) => Sides::Size([left, top, width.clone(), height.clone()]),
            (None, None) => {
                Sides::Edges([left, top, name(&columns.right, "right"), name(&columns.bottom, "bottom")])
            }
            _ => return Err("name both `width` and `height`, or neither".into()),
        };
        Ok(BoxOptions { table: table_of!(self, Table::default())?, sides, shape: self.shape })
    }
}

impl Reader for BoxOptions {
    fn read(&self, file: &FoundFile, watch: &Arc<Watch>) -> Result<Annotations, AnnotationError> {
        let (Sides::Edges(names) | Sides::Size(names)) = &self.sides;
        let rows = Rows::open(file, &self.table, &names.each_ref().map(String::as_str), watch)?;
        let first = if self.table.unit == Unit::Pixels { self.table.first_pixel } else { FirstPixel::Edge };
        Ok(grouped(rows, BoxRow { first, by_size: matches!(self.sides, Sides::Size(_)), shape: self.shape }))
    }
}

struct BoxRow {
    first: FirstPixel,
    by_size: bool,
    shape: BoxShape,
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
        let mark = rectangle(left, top, right, bottom)?;
        Ok(Found::Mark(if self.shape == BoxShape::Ellipse {
            ellipse_within(left, top, right, bottom)
        } else {
            mark
        }))
    }
}

/// The ellipse that touches the sides of a box: a polygon of 128 corners, whose area is 0.04 % less.
pub(super) fn ellipse_within(left: f64, top: f64, right: f64, bottom: f64) -> Mark {
    const CORNERS: u32 = 128;
    let corner = |at: u32| {
        let (sin, cos) = (f64::from(at) / f64::from(CORNERS) * std::f64::consts::TAU).sin_cos();
        let (x, y) = (f64::midpoint(left, right), f64::midpoint(top, bottom));
        (x + (right - left) / 2.0 * cos, y + (bottom - top) / 2.0 * sin)
    };
    Mark::Polygon { rings: vec![(0..CORNERS).map(corner).collect()], fill: Fill::EvenOdd }
}

/// A rectangle with an area.
pub(super) fn rectangle(left: f64, top: f64, right: f64, bottom: f64) -> Result<Mark, String> {
    if right > left && bottom > top {
        Ok(Mark::Rectangle { left, top, right, bottom })
    } else {
        Err(format!("the box from ({left}, {top}) to ({right}, {bottom}) has no area"))
    }
}
