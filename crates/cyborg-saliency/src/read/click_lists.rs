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

use super::table::{FirstPixel, Rows, Table, Unit, coordinate};
use super::{Annotations, FoundFile, Reader, Watch};
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

impl Reader for ClickListOptions {
    fn read(&self, file: &FoundFile, _watch: &Watch) -> Result<Annotations, AnnotationError> {
        let rows = Rows::open(file, &self.table, &[&self.clicks])?;
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
