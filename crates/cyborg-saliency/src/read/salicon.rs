//! SALICON's JSON: fixations of many people on COCO's images, all in one file.
//!
//! ```json
//! {"images": [{"id": 1, "file_name": "COCO_train2014_000000000001.jpg", "width": 640, "height": 480}],
//!  "annotations": [{"id": 7, "image_id": 1, "worker_id": 3, "fixations": [[240, 320], [241, 330]]}]}
//! ```
//!
//! A fixation is `[row, column]`, counted from 1. All fixations of one image and worker become one annotation. The format keeps
//! images apart from annotations, so the file's fixations are in memory at once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::formats::{Reader, Settings};
use super::json::{document, elements, name, points, side};
use super::positions::{Position, Positions};
use super::table::FirstPixel;
use super::{Annotations, FoundFile, Watch, many};
use crate::{Annotation, AnnotationError, Mark, Place};

/// How SALICON's files are read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SaliconOptions {
    /// Such as `fixations_train2014.json`.
    pub files: String,
    /// Where rows and columns begin; default: `one`.
    pub first_pixel: Option<FirstPixel>,
}

impl Settings for SaliconOptions {
    type Options = Self;

    fn files(&self) -> &str {
        &self.files
    }

    fn checked(&self) -> Result<Self, String> {
        Ok(self.clone())
    }
}

/// The image's file name, and its size in pixels where it is stated.
type Image = (String, Option<(u32, u32)>);

/// Image and worker of an annotation, with its fixations.
struct Item {
    image: String,
    worker: Option<String>,
    place: String,
    marks: Result<Vec<Mark>, String>,
}

impl Reader for SaliconOptions {
    fn read(&self, file: &FoundFile, _watch: &Arc<Watch>) -> Result<Annotations, AnnotationError> {
        let path = &file.path;
        let first = self.first_pixel.unwrap_or(FirstPixel::One);
        let mut images: BTreeMap<String, Image> = BTreeMap::new();
        let (mut items, mut reports) = (Vec::new(), Vec::new());
        let mut positions = Positions::default();
        let mut take = |array: &str, index: usize, value: Value| {
            let place = format!("{array}[{index}]");
            let taken = if array == "images" {
                image(&value).map(|(id, image)| {
                    images.insert(id, image);
                })
            } else {
                item(&value, &place, first, &mut positions).map(|item| items.push(item))
            };
            if let Err(reason) = taken {
                reports.push(Err(AnnotationError::element(path, place, reason)));
            }
        };
        let whole = elements(&document(path)?, path, &["images", "annotations"], &mut take);
        if let Err(error) = whole {
            if images.is_empty() && items.is_empty() {
                return Err(error);
            }
            reports.push(Err(error));
        }
        let found = grouped(items, &images, path, &mut reports);
        reports.extend(positions.doubts(path).into_iter().map(Err));
        reports.extend(found.into_values().map(Ok));
        Ok(many(reports))
    }
}

type Groups = BTreeMap<(String, Option<String>), Annotation>;

fn grouped(
    items: Vec<Item>,
    images: &BTreeMap<String, Image>,
    path: &Path,
    reports: &mut Vec<Result<Annotation, AnnotationError>>,
) -> Groups {
    let mut found = Groups::new();
    for item in items {
        let Some((file, frame_px)) = images.get(&item.image) else {
            let reason = format!("`image_id` is {}, but no element of `images` has that id", item.image);
            reports.push(Err(AnnotationError::element(path, item.place, reason)));
            continue;
        };
        let annotation = found.entry((item.image, item.worker.clone())).or_insert_with(|| Annotation {
            annotator: item.worker,
            frame_px: *frame_px,
            ..Annotation::new(&**file, format!("`{}`, {}", path.display(), item.place))
        });
        match item.marks {
            Ok(marks) => annotation.marks.extend(marks),
            Err(reason) => {
                annotation.n_lost += 1;
                reports.push(Err(AnnotationError::element(path, item.place, reason)));
            }
        }
    }
    found
}

/// The image's id, name and size.
fn image(value: &Value) -> Result<(String, Image), String> {
    let id = value.get("id").and_then(name).ok_or("it has no `id`")?;
    let file = value.get("file_name").and_then(Value::as_str).ok_or("it has no `file_name`")?;
    let known = |key: &str| value.get(key).filter(|side| !side.is_null());
    let frame_px = match (known("width"), known("height")) {
        (Some(width), Some(height)) => Some((side(width, "`width`")?, side(height, "`height`")?)),
        _ => None,
    };
    Ok((id, (file.to_owned(), frame_px)))
}

fn item(value: &Value, place: &str, first: FirstPixel, positions: &mut Positions) -> Result<Item, String> {
    let image = value.get("image_id").and_then(name).ok_or("it has no `image_id`")?;
    let fixations = value.get("fixations").ok_or_else(|| "it has no `fixations`".to_owned());
    let marks = fixations.and_then(|list| points(list, "`fixations`")).and_then(|list| {
        let mut marks = Vec::with_capacity(list.len());
        for (row, column) in list {
            if let Position::At(x, y) = positions.of_numbers(column, row, Place::Element(place.to_owned()))? {
                marks.push(Mark::Point { x: first.continuous(x), y: first.continuous(y), duration_s: None });
            }
        }
        Ok(marks)
    });
    Ok(Item { image, worker: value.get("worker_id").and_then(name), place: place.to_owned(), marks })
}
