//! What is probably wrong although everything could be read: a person must be told.

use cyborg_saliency::{Annotation, FRACTIONS, Mark};

use crate::image::{Image, Unnamed};
use crate::provenance::Row;

/// How many names of a kind are told.
const EXAMPLES: usize = 5;

/// Annotations of images that are not among those that maps are made for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unmatched {
    /// Of images of the set that are not asked for, such as those of another split.
    pub n_not_asked_for: usize,
    /// Of images that are not in the set at all.
    pub n_unknown: usize,
    /// Some of their names, with what comes near.
    pub examples: Vec<String>,
    /// Of these, annotations whose file name is an image's, in another folder.
    pub n_elsewhere: usize,
    /// Of these, annotations whose file name is an image's after what Label Studio puts before uploads.
    pub n_uploaded: usize,
}

impl Unmatched {
    pub(crate) fn note(&mut self, name: &str, why: &Unnamed, images: &[Image]) {
        self.n_unknown += 1;
        let near = match why {
            Unnamed::Elsewhere(image) => {
                self.n_elsewhere += 1;
                format!(" (there is `{}`)", images[*image as usize].name)
            }
            Unnamed::Uploaded(original) => {
                self.n_uploaded += 1;
                format!(" (there is `{original}`)")
            }
            _ => String::new(),
        };
        let example = format!("`{name}`{near}");
        if self.examples.len() < EXAMPLES && !self.examples.contains(&example) {
            self.examples.push(example);
        }
    }

    /// What a person should be told, a line each.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.n_not_asked_for > 0 {
            lines.push(format!("{} annotations are of images that are not asked for", self.n_not_asked_for));
        }
        if self.n_unknown > 0 {
            lines.push(format!(
                "{} annotations are of images that are not in the set, such as {}",
                self.n_unknown,
                self.examples.join(", ")
            ));
        }
        if self.n_elsewhere > 0 {
            lines.push(format!(
                "{} of these name an image's file in another folder: if that image is meant, the annotation must name \
                 its path below the root, or its end",
                self.n_elsewhere
            ));
        }
        if self.n_uploaded > 0 {
            lines.push(format!(
                "{} of these name an image's file as Label Studio names uploads (eight digits and a hyphen first): if \
                 that image is meant, say `uploads: true` in the source",
                self.n_uploaded
            ));
        }
        lines
    }
}

/// The range of the coordinates of a source that are taken for pixels.
#[derive(Default)]
pub(crate) struct CoordinateRange {
    n_marks: usize,
    all_below_one: bool,
    some_between: bool,
}

impl CoordinateRange {
    pub(crate) fn add(&mut self, annotation: &Annotation) {
        if annotation.frame_px == Some(FRACTIONS) {
            return;
        }
        for mark in &annotation.marks {
            let mut add = |(x, y): (f64, f64)| {
                let inside = (0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y);
                self.all_below_one = inside && (self.n_marks == 0 || self.all_below_one);
                self.some_between |= x.fract() != 0.0 || y.fract() != 0.0;
                self.n_marks += 1;
            };
            match mark {
                Mark::Point { x, y, .. } => add((*x, *y)),
                Mark::Stroke { points, .. } => points.iter().copied().for_each(add),
                Mark::Polygon { rings, .. } => rings.iter().flatten().copied().for_each(add),
                Mark::Rectangle { left, top, right, bottom } => {
                    add((*left, *top));
                    add((*right, *bottom));
                }
                Mark::Map(_) | Mark::Stored(_) => {}
            }
        }
    }

    /// That fractions are taken for pixels, so that all marks lie in one corner.
    pub(crate) fn doubt(&self, files: &str) -> Option<String> {
        (self.n_marks > 0 && self.all_below_one && self.some_between).then(|| {
            format!(
                "all coordinates in `{files}` lie between 0 and 1 and are taken for pixels, so that every mark is in the \
                 top left corner: if they are fractions of the image's sides, say `unit: fractions`"
            )
        })
    }
}

/// What rows of maps, or of agreement, give reason to doubt, a line each.
pub fn doubts(rows: &[Row]) -> Vec<String> {
    let mut lines = Vec::new();
    let n_lost: usize = rows.iter().map(|row| row.n_marks_lost).sum();
    if n_lost > 0 {
        let n_images = rows.iter().filter(|row| row.n_marks_lost > 0).count();
        let n_maps = rows.iter().filter(|row| row.n_marks_lost > 0 && !row.map.is_empty()).count();
        lines.push(format!(
            "{n_lost} marks of {n_images} images could not be read, and {n_maps} maps are made of the other marks of \
             these images (`n_marks_lost` in the table says which)"
        ));
    }
    let n_outside: usize = rows.iter().map(|row| row.n_marks_outside).sum();
    if n_outside > 0 {
        let n_images = rows.iter().filter(|row| row.n_marks_outside > 0).count();
        let n_marks: usize = rows.iter().map(|row| row.n_marks).sum();
        let n_swapped: usize = rows.iter().map(|row| row.n_marks_inside_if_swapped).sum();
        let cause = if n_swapped > n_marks.saturating_sub(n_outside) {
            format!("; {n_swapped} would be inside if x and y changed places: are the two columns swapped?")
        } else if 2 * n_outside > n_marks {
            ": do the coordinates refer to a picture of another size (`frame: {size_px: ...}`)?".to_owned()
        } else {
            String::new()
        };
        lines.push(format!(
            "{n_outside} of {n_marks} marks lie outside of their image ({n_images} images){cause}"
        ));
    }
    lines
}
