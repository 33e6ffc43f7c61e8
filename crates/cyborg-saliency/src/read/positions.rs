//! Where a click or a gaze sample is, and samples that have no place.
//!
//! Eye trackers write a row also while they see no eye: empty, `NaN`, a dot, or a number that no screen has. Some programs
//! write (0, 0), which is a place, and so is only doubted.

use std::path::Path;

use super::table::{coordinate, in_range};
use crate::{AnnotationError, Place};

/// EyeLink's and `edf2mat`'s number for "no data".
const MISSING: [f64; 2] = [-32768.0, 1e8];

/// What a row says of a position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Position {
    /// It has one.
    At(f64, f64),
    /// The eye was not seen.
    Lost,
}

/// The positions of one file, counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Positions {
    n: u64,
    n_lost: u64,
    first_lost: Option<Place>,
    n_zero: u64,
}

/// Text that stands for no number.
pub(super) fn is_no_number(text: &str) -> bool {
    let text = text.trim();
    text.is_empty()
        || matches!(text, "." | "-" | "null" | "None" | "NA" | "N/A" | "#N/A")
        || text.parse::<f64>().is_ok_and(f64::is_nan)
}

impl Positions {
    /// The position that two fields of a table say.
    ///
    /// # Errors
    /// What is wrong, without the place.
    pub(super) fn of_text(&mut self, x: &str, y: &str, place: Place) -> Result<Position, String> {
        if is_no_number(x) || is_no_number(y) {
            return Ok(self.lost(place));
        }
        let is_missing = |text: &str| text.parse().is_ok_and(|number| MISSING.contains(&number));
        if is_missing(x) || is_missing(y) {
            return Ok(self.lost(place));
        }
        let (x, y) = (coordinate(x, "x")?, coordinate(y, "y")?);
        Ok(self.at(x, y))
    }

    /// As [`Positions::of_text`], of numbers.
    pub(super) fn of_numbers(&mut self, x: f64, y: f64, place: Place) -> Result<Position, String> {
        if x.is_nan() || y.is_nan() || MISSING.contains(&x) || MISSING.contains(&y) {
            return Ok(self.lost(place));
        }
        let (x, y) = (in_range(x, "x")?, in_range(y, "y")?);
        Ok(self.at(x, y))
    }

    fn at(&mut self, x: f64, y: f64) -> Position {
        self.n += 1;
        if x == 0.0 && y == 0.0 {
            self.n_zero += 1;
        }
        Position::At(x, y)
    }

    fn lost(&mut self, place: Place) -> Position {
        self.n += 1;
        self.n_lost += 1;
        self.first_lost.get_or_insert(place);
        Position::Lost
    }

    /// What a person should be told, a line each.
    pub(super) fn doubts(&self, path: &Path) -> Vec<AnnotationError> {
        let Self { n, n_lost, n_zero, .. } = *self;
        let mut doubts = Vec::new();
        if let Some(first) = &self.first_lost {
            let reason = format!(
                "{n_lost} of {n} samples have no position (empty, NaN or a tracker's number for lost data) and are \
                 left out; this is the first"
            );
            doubts.push(AnnotationError::doubtful(path, first.clone(), reason));
        }
        // One or two may be clicks into the corner.
        if n_zero > 2 && n_zero * 1000 >= n {
            let reason = format!(
                "{n_zero} of {n} points lie at exactly (0, 0), which trackers write for lost samples: they count as \
                 looks at the corner; remove these rows if they are none"
            );
            doubts.push(AnnotationError::doubtful(path, Place::File, reason));
        }
        doubts
    }
}
