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
//! person's name is the index in the list, from 0. Where each image has a file of its own and the pattern says so
//! (`gaze/{image}.mat`), the variable is that image's, an element a person. Matrices that are maps are read as map files are ([`super::read_map`]).

use std::path::Path;

use std::sync::Arc;

use super::mat5::{self, Value};
use super::positions::{Position, Positions};
use super::table::FirstPixel;
use super::table_settings::TimeUnit;
use super::{Annotations, FoundFile, Reader, Watch, bytes, many};
use schemars::JsonSchema;
use serde::Deserialize;

use super::formats::Settings;
use crate::{Annotation, AnnotationError, Mark, Place};

/// Where a MATLAB file has points.
#[derive(Clone, Debug, PartialEq)]
pub struct MatlabOptions {
    /// The variable, an element an image.
    pub variable: String,
    /// Field of an image's element: its name. `None`: the pattern's `{image}` says it if there is one; else `img`.
    pub image: Option<String>,
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
            image: None,
            annotators: "subjects".into(),
            points: MatlabPoints::Two { x: "fix_x".into(), y: "fix_y".into() },
            duration: Some("fix_duration".into()),
            seconds_per_unit: 0.001,
            first_pixel: FirstPixel::Edge,
            frame_px: None,
        }
    }
}

/// Field of an image's element that is its name, where nothing else is said.
const IMAGE_FIELD: &str = "img";

/// MATLAB files.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatlabSettings {
    /// Such as `fixations.mat`.
    pub files: String,
    /// The variable, an element an image; default: `fixations`.
    pub variable: Option<String>,
    /// Field of an image's element: its name; default: `img`. If `files` has `{image}`: not needed, the variable is then one
    /// image's, with an element a person.
    pub image: Option<String>,
    /// Field of an image's element: the list of persons; empty: the element is one person's; default: `subjects`.
    pub annotators: Option<String>,
    /// Field of a person's element: a list of x; default: `fix_x`. With `y`.
    pub x: Option<String>,
    /// Field of a person's element: a list of y; default: `fix_y`. With `x`.
    pub y: Option<String>,
    /// Field of a person's element: a matrix with a row `[x y]` a point, in place of `x` and `y`.
    pub points: Option<String>,
    /// Field of a person's element: how long the gaze rested at each point; default: `fix_duration` with the other
    /// defaults, none if `points` is named.
    pub duration: Option<String>,
    /// Unit of `duration`; default: `ms`.
    #[serde(default)]
    pub duration_unit: TimeUnit,
    /// Where pixel coordinates begin; default: `edge`.
    pub first_pixel: Option<FirstPixel>,
}
impl Settings for MatlabSettings {
    type Options = MatlabOptions;

    fn files(&self) -> &str {
        &self.files
    }

    fn checked(&self) -> Result<MatlabOptions, String> {
        let default = MatlabOptions::default();
        let points = match (&self.points, &self.x, &self.y) {
            (Some(rows), None, None) => MatlabPoints::Rows(rows.clone()),
            (None, None, None) => default.points,
            (None, Some(x), Some(y)) => MatlabPoints::Two { x: x.clone(), y: y.clone() },
            _ => return Err("name both `x` and `y`, or `points`".into()),
        };
        let duration = if self.points.is_none() && self.x.is_none() { default.duration } else { None };
        Ok(MatlabOptions {
            variable: self.variable.clone().unwrap_or(default.variable),
            image: self.image.clone(),
            annotators: self.annotators.clone().unwrap_or(default.annotators),
            points,
            duration: self.duration.clone().or(duration),
            seconds_per_unit: self.duration_unit.seconds(),
            first_pixel: self.first_pixel.unwrap_or(default.first_pixel),
            frame_px: None,
        })
    }
}

impl Reader for MatlabOptions {
    fn read(&self, file: &FoundFile, _watch: &Arc<Watch>) -> Result<Annotations, AnnotationError> {
        let path = &file.path;
        let fault = |reason: String| AnnotationError::fault(path, Place::File, reason);
        let contents = mat5::read(&bytes(path)?).map_err(fault)?;
        let variable = &self.variable;
        let value = contents.variable(variable).map_err(fault)?.clone();
        let mut found = Vec::new();
        let mut positions = Positions::default();
        if let (Some(image), None) = (&file.image, &self.image) {
            let persons = if self.annotators.is_empty() {
                persons_of(value)
            } else {
                value.below(&self.annotators).cloned().and_then(persons_of)
            };
            let persons =
                persons.map_err(|reason| AnnotationError::element(path, format!("`{variable}`"), reason))?;
            self.take_persons(&persons, image, variable, true, path, &mut positions, &mut found);
        } else {
            let images = value.elements();
            let images =
                images.map_err(|reason| AnnotationError::element(path, format!("`{variable}`"), reason))?;
            for (index, element) in images.into_iter().enumerate() {
                let place = format!("{variable}({})", index + 1);
                if let Err(reason) = self.take_image(element, &place, path, &mut positions, &mut found) {
                    found.push(Err(AnnotationError::element(path, place, reason)));
                }
            }
        }
        found.extend(positions.doubts(path).into_iter().map(Err));
        Ok(many(found))
    }
}

/// A list of persons; of one person, whose cell has been opened, that one.
fn persons_of(value: Value) -> Result<Vec<Value>, String> {
    match value {
        Value::Structs { .. } | Value::Cells(_) => value.elements(),
        other => Ok(vec![other]),
    }
}

type Items = Vec<Result<Annotation, AnnotationError>>;

impl MatlabOptions {
    fn take_image(
        &self,
        element: Value,
        place: &str,
        path: &Path,
        positions: &mut Positions,
        found: &mut Items,
    ) -> Result<(), String> {
        let field = self.image.as_deref().unwrap_or(IMAGE_FIELD);
        let image = element.below(field).and_then(Value::text).map(str::to_owned);
        let image = image.map_err(|reason| format!("`{field}`: {reason}"))?;
        let listed = !self.annotators.is_empty();
        let (persons, place) = if listed {
            let persons = element.below(&self.annotators).cloned().and_then(persons_of);
            let persons = persons.map_err(|reason| format!("`{}`: {reason}", self.annotators))?;
            (persons, format!("{place}.{}", self.annotators))
        } else {
            (vec![element], place.to_owned())
        };
        self.take_persons(&persons, &image, &place, listed, path, positions, found);
        Ok(())
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "what all persons of an image share, and three things that grow"
    )]
    fn take_persons(
        &self,
        persons: &[Value],
        image: &str,
        place: &str,
        listed: bool,
        path: &Path,
        positions: &mut Positions,
        found: &mut Items,
    ) {
        for (person, value) in persons.iter().enumerate() {
            let place = if listed { format!("{place}({})", person + 1) } else { place.to_owned() };
            found.push(match marks(value, self, &place, positions) {
                Ok(marks) => Ok(Annotation {
                    annotator: listed.then(|| person.to_string()),
                    frame_px: self.frame_px,
                    marks,
                    ..Annotation::new(image, format!("`{}`, {place}", path.display()))
                }),
                Err(reason) => Err(AnnotationError::element(path, place, reason)),
            });
        }
    }
}

fn marks(
    person: &Value,
    options: &MatlabOptions,
    place: &str,
    positions: &mut Positions,
) -> Result<Vec<Mark>, String> {
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
    let mut marks = Vec::with_capacity(points.len());
    for (at, &(x, y)) in points.iter().enumerate() {
        let Position::At(x, y) = positions.of_numbers(x, y, Place::Element(place.to_owned()))? else {
            continue;
        };
        let duration_s = durations
            .map(|durations| durations[at] * options.seconds_per_unit)
            .filter(|seconds| !seconds.is_nan());
        if duration_s.is_some_and(|seconds| !(0.0..=1e9).contains(&seconds)) {
            return Err(format!("the duration of point {} is negative or too large", at + 1));
        }
        marks.push(Mark::Point { x: first.continuous(x), y: first.continuous(y), duration_s });
    }
    Ok(marks)
}
