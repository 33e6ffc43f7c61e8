//! Clicks and fixations in MATLAB's structures (MAT-files of versions 5 to 7).
//!
//! A variable is a cell or structure array with an element an image; below it lies a list with an element a person; below
//! that lie the coordinates. Names of fields are settings, with dots between nested ones. As OSIE has it:
//!
//! ```text
//! fixations{17}.img                       '1017.jpg'
//! fixations{17}.subjects{3}.fix_x         [395.5 390.6 370.8]
//! fixations{17}.subjects{3}.fix_y         [265.7 326.4 404.2]
//! fixations{17}.subjects{3}.fix_duration  [246 136 179]
//! ```
//!
//! and as MASSVIS has it, `bubble(17).filename` and `bubble(17).userdata(3).fixations.enc`, a matrix of `[x y]` rows. A
//! person's name is the index in the list, from 0. Matrices that are maps are read as map files are ([`super::read_map`]).

use super::mat5::{self, Value};
use super::table::{FirstPixel, in_range};
use super::{Annotations, FoundFile, bytes, many};
use crate::{Annotation, AnnotationError, Mark, Place};

/// Where a MATLAB file has points.
#[derive(Clone, Debug, PartialEq)]
pub struct MatlabOptions {
    /// The variable, an element an image.
    pub variable: String,
    /// Field of an image's element: its name.
    pub image: String,
    /// Field of an image's element: the list of persons; empty: the element is one person's.
    pub annotators: String,
    /// Fields of a person's element.
    pub points: MatlabPoints,
    /// Field of a person's element: how long the gaze rested at each point.
    pub duration: Option<String>,
    /// 0.001 for milliseconds.
    pub seconds_per_unit: f64,
    /// Where pixel coordinates begin.
    pub first_pixel: FirstPixel,
    /// The frame that coordinates refer to; `None`: the image itself.
    pub frame_px: Option<(u32, u32)>,
}

/// Fields of a person's element that hold coordinates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MatlabPoints {
    /// A list of x and a list of y.
    Two {
        /// The field of x.
        x: String,
        /// The field of y.
        y: String,
    },
    /// A matrix with a row `[x y]` a point.
    Rows(String),
}

impl Default for MatlabOptions {
    /// As OSIE's `fixations.mat`.
    fn default() -> Self {
        Self {
            variable: "fixations".into(),
            image: "img".into(),
            annotators: "subjects".into(),
            points: MatlabPoints::Two { x: "fix_x".into(), y: "fix_y".into() },
            duration: Some("fix_duration".into()),
            seconds_per_unit: 0.001,
            first_pixel: FirstPixel::Edge,
            frame_px: None,
        }
    }
}

pub(super) fn read(file: &FoundFile, options: &MatlabOptions) -> Result<Annotations, AnnotationError> {
    let path = &file.path;
    let fault = |reason: String| AnnotationError::fault(path, Place::File, reason);
    let contents = mat5::read(&bytes(path)?).map_err(fault)?;
    let variable = &options.variable;
    let images = contents.variable(variable).map_err(fault)?.clone().elements();
    let images = images.map_err(|reason| AnnotationError::element(path, format!("`{variable}`"), reason))?;
    let mut found = Vec::new();
    for (index, element) in images.into_iter().enumerate() {
        let place = format!("{variable}({})", index + 1);
        let fault = |place: &str, reason: String| Err(AnnotationError::element(path, place, reason));
        let image = element.below(&options.image).and_then(Value::text).map(str::to_owned);
        let image = match image {
            Ok(image) => image,
            Err(reason) => {
                found.push(fault(&place, format!("`{}`: {reason}", options.image)));
                continue;
            }
        };
        let persons = if options.annotators.is_empty() {
            Ok(vec![element])
        } else {
            element.below(&options.annotators).cloned().and_then(|persons| match persons {
                // A list of one person, whose cell has been opened.
                Value::Structs { .. } | Value::Cells(_) => persons.elements(),
                other => Ok(vec![other]),
            })
        };
        let persons = match persons {
            Ok(persons) => persons,
            Err(reason) => {
                found.push(fault(&place, format!("`{}`: {reason}", options.annotators)));
                continue;
            }
        };
        let listed = !options.annotators.is_empty();
        for (person, value) in persons.iter().enumerate() {
            let place = if listed {
                format!("{place}.{}({})", options.annotators, person + 1)
            } else {
                place.clone()
            };
            found.push(match marks(value, options) {
                Ok(marks) => Ok(Annotation {
                    image: image.clone(),
                    annotator: listed.then(|| person.to_string()),
                    frame_px: options.frame_px,
                    marks,
                    duration_s: None,
                    correct: None,
                    origin: format!("`{}`, {place}", path.display()),
                }),
                Err(reason) => fault(&place, reason),
            });
        }
    }
    Ok(many(found))
}

fn marks(person: &Value, options: &MatlabOptions) -> Result<Vec<Mark>, String> {
    let list = |field: &str| {
        let value = person.below(field)?;
        value.numbers().map_err(|reason| format!("`{field}`: {reason}"))
    };
    let points: Vec<(f64, f64)> = match &options.points {
        MatlabPoints::Two { x, y } => {
            let ((_, xs), (_, ys)) = (list(x)?, list(y)?);
            if xs.len() != ys.len() {
                return Err(format!("`{x}` has {} numbers, but `{y}` has {}", xs.len(), ys.len()));
            }
            xs.iter().copied().zip(ys.iter().copied()).collect()
        }
        MatlabPoints::Rows(field) => match list(field)? {
            (_, []) => Vec::new(),
            (&[rows, 2], values) => {
                values[..rows].iter().copied().zip(values[rows..].iter().copied()).collect()
            }
            (dims, _) => {
                return Err(format!("`{field}` is a matrix of {dims:?}: it must have two columns, x and y"));
            }
        },
    };
    let durations = match &options.duration {
        None => None,
        Some(field) => {
            let (_, durations) = list(field)?;
            if durations.len() != points.len() {
                return Err(format!("`{field}` has {} numbers for {} points", durations.len(), points.len()));
            }
            Some(durations)
        }
    };
    let first = options.first_pixel;
    points
        .iter()
        .enumerate()
        .map(|(at, &(x, y))| {
            let duration_s = durations.map(|durations| durations[at] * options.seconds_per_unit);
            if duration_s.is_some_and(|seconds| !(0.0..=1e9).contains(&seconds)) {
                return Err(format!("the duration of point {} is negative or no number", at + 1));
            }
            let (x, y) = (in_range(x, "x")?, in_range(y, "y")?);
            Ok(Mark::Point { x: first.continuous(x), y: first.continuous(y), duration_s })
        })
        .collect()
}
