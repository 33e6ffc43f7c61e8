//! YOLO's text files: one an image, a line a mark, in fractions of the image's sides.
//!
//! ```text
//! 0 0.5 0.5 0.25 0.5
//! 1 0.1 0.1 0.6 0.1 0.6 0.4
//! ```
//!
//! A class, and the centre and the size of a box, or the corners of a polygon (at least three). Five numbers are a box; a
//! sixth is the confidence of a detector and refused, since nobody marked it. An empty file is a person who marked nothing.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::boxes::rectangle;
use super::formats::{Reader, Settings};
use super::table::{coordinate, shortened};
use super::{Annotations, FoundFile, Watch, many, text};
use crate::{Annotation, AnnotationError, FRACTIONS, Fill, Mark};

/// How YOLO's files are read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct YoloOptions {
    /// Such as `labels/{image}.txt`.
    pub files: String,
    /// Only these classes, by number.
    pub classes: Option<Vec<u32>>,
}

impl Settings for YoloOptions {
    type Options = Self;

    fn files(&self) -> &str {
        &self.files
    }

    fn must_name_image(&self) -> bool {
        true
    }

    fn checked(&self) -> Result<Self, String> {
        Ok(self.clone())
    }
}

impl Reader for YoloOptions {
    fn read(&self, file: &FoundFile, watch: &Arc<Watch>) -> Result<Annotations, AnnotationError> {
        let wanted: Option<Vec<String>> =
            self.classes.as_ref().map(|classes| classes.iter().map(u32::to_string).collect());
        watch.expect("classes", "class", wanted.as_ref());
        let mut annotation = Annotation::new(file.image_or_stem(), format!("`{}`", file.path.display()));
        annotation.frame_px = Some(FRACTIONS);
        let mut found = Vec::new();
        for (at, line) in text(&file.path)?.lines().enumerate() {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let Some((class, numbers)) = words.split_first() else { continue };
            watch.filter("classes", "class", wanted.as_ref(), class);
            if wanted.as_ref().is_some_and(|wanted| !wanted.iter().any(|one| one == class)) {
                continue;
            }
            match mark(class, numbers) {
                Ok(mark) => annotation.marks.push(mark),
                Err(reason) => {
                    annotation.n_lost += 1;
                    found.push(Err(AnnotationError::line(&file.path, at as u64 + 1, reason)));
                }
            }
        }
        found.push(Ok(annotation));
        Ok(many(found))
    }
}

fn mark(class: &str, numbers: &[&str]) -> Result<Mark, String> {
    if class.parse::<u32>().is_err() {
        return Err(format!(
            "it begins with `{}`: it must begin with the number of a class",
            shortened(class)
        ));
    }
    let numbers = numbers.iter().map(|word| fraction(word)).collect::<Result<Vec<f64>, String>>()?;
    if let &[x, y, width, height] = &numbers[..] {
        return rectangle(x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0);
    }
    let (corners, rest) = numbers.as_chunks::<2>();
    if corners.len() < 3 || !rest.is_empty() {
        return Err(format!(
            "it has {} numbers after the class: a box has 4, a polygon two a corner for at least 3 corners",
            numbers.len()
        ));
    }
    Ok(Mark::Polygon { rings: vec![corners.iter().map(|&[x, y]| (x, y)).collect()], fill: Fill::EvenOdd })
}

/// Labels a little beyond the border are common.
fn fraction(text: &str) -> Result<f64, String> {
    let number = coordinate(text, "a number")?;
    if (-1.0..=2.0).contains(&number) {
        Ok(number)
    } else {
        Err(format!("a number is {number}: YOLO's are fractions of the image's sides, from 0 to 1"))
    }
}
