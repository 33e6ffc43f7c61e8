//! COCO JSON: all images and annotations in one file.
//!
//! ```json
//! {"images": [{"id": 1, "file_name": "0001.png", "width": 640, "height": 480}],
//!  "categories": [{"id": 3, "name": "artefact"}],
//!  "annotations": [
//!   {"id": 7, "image_id": 1, "category_id": 3, "annotator": "ann", "segmentation": [[10, 10, 60, 10, 60, 40]]},
//!   {"id": 8, "image_id": 1, "annotator": "bob", "segmentation": {"size": [480, 640], "counts": [96000, 480, 210720]}},
//!   {"id": 9, "image_id": 1, "annotator": "bob", "bbox": [100, 100, 20, 30]}]}
//! ```
//!
//! `segmentation` is a list of polygons (their union is meant, each `[x, y, x, y, ...]`), or run lengths down the columns,
//! as numbers or as COCO's compressed text. Parts of fewer than three points are left out; if no part is left, the box is
//! taken. All annotations of one image and annotator become one. Images that nothing
//! refers to give nothing. If the pattern has `{image}`, the file is about the one image that it stands for. The format keeps images apart from annotations, so the file's marks are in memory at once.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use std::sync::Arc;

use super::boxes::rectangle;
use super::json::{below, document, elements, kind, name, number, numbers, side};
use super::map_file::MapOptions;
use super::rle::Runs;
use super::stored::{MapData, StoredMap};
use super::uploads::uploaded_name;
use super::{Annotations, FoundFile, Reader, Watch, many};
use schemars::JsonSchema;
use serde::Deserialize;

use super::formats::Settings;
use crate::{Annotation, AnnotationError, Fill, Mark, Place};

/// How a COCO file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CocoOptions {
    /// What is drawn.
    pub marks: CocoMarks,
    /// Only annotations of these categories, by name; `None`: all.
    pub categories: Option<Vec<String>>,
    /// The key of an annotation that says who, below nested keys with dots (`attributes.annotator`). Not every
    /// annotation needs it.
    pub annotator: String,
    /// The key of an annotation that says whether the person's decision was right (true or false, 1 or 0).
    pub correct: String,
    /// Names of files are what Label Studio makes of uploads, `upload/4/cb0618f6-b.png`: `b.png` is meant.
    pub uploads: bool,
}

/// What of a COCO annotation is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CocoMarks {
    /// The segmentation, or the box where there is none.
    #[default]
    Segmentation,
    /// The box.
    Boxes,
    /// The key points that are labelled (visibility above 0), as clicks.
    KeyPoints,
}

impl Default for CocoOptions {
    /// Segmentations, or else boxes, of all categories; `annotator` and `correct` say who and whether right.
    fn default() -> Self {
        Self {
            marks: CocoMarks::Segmentation,
            categories: None,
            annotator: "annotator".into(),
            correct: "correct".into(),
            uploads: false,
        }
    }
}

struct Image {
    file: String,
    frame_px: Option<(u32, u32)>,
}

struct Item {
    image: i64,
    category: Option<i64>,
    annotator: Option<String>,
    correct: Option<bool>,
    place: String,
    /// None if they could not be read.
    marks: Option<Vec<Mark>>,
}

/// COCO JSON.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CocoSettings {
    /// Such as `annotations.json` or `annotations/{annotator}.json`.
    pub files: String,
    /// What is drawn; default: `segmentation`.
    #[serde(default)]
    pub marks: CocoMarks,
    /// Only these categories, by name.
    pub categories: Option<Vec<String>>,
    /// The key that says who; default: `annotator`.
    pub annotator: Option<String>,
    /// The key that says whether the decision was right; default: `correct`.
    pub correct: Option<String>,
    /// Names of files are what Label Studio makes of uploads (`cb0618f6-b.png`): `b.png` is meant; default: false.
    #[serde(default)]
    pub uploads: bool,
}
impl Settings for CocoSettings {
    type Options = CocoOptions;

    fn files(&self) -> &str {
        &self.files
    }

    fn checked(&self) -> Result<CocoOptions, String> {
        let default = CocoOptions::default();
        Ok(CocoOptions {
            marks: self.marks,
            categories: self.categories.clone(),
            annotator: self.annotator.clone().unwrap_or(default.annotator),
            correct: self.correct.clone().unwrap_or(default.correct),
            uploads: self.uploads,
        })
    }
}

impl Reader for CocoOptions {
    fn read(&self, file: &FoundFile, watch: &Arc<Watch>) -> Result<Annotations, AnnotationError> {
        let document = document(&file.path)?;
        watch.expect("categories", "category", self.categories.as_ref());
        let mut contents = Contents::default();
        let path = &file.path;
        let mut take = |array: &str, index: usize, value: Value| {
            if let Err(reason) = contents.take(array, index, &value, self, path, watch) {
                let place = place(array, index, &value);
                contents.reports.push(Err(AnnotationError::element(path, place, reason)));
            }
        };
        let whole = elements(&document, path, &["images", "categories", "annotations"], &mut take);
        if let Err(error) = whole {
            if contents.is_empty() {
                return Err(error);
            }
            contents.reports.push(Err(error));
        }
        Ok(many(contents.annotations(file, self)))
    }
}

/// What is in a file.
#[derive(Default)]
struct Contents {
    images: BTreeMap<i64, Image>,
    categories: BTreeMap<i64, String>,
    items: Vec<Item>,
    /// Faults and doubts, before the annotations.
    reports: Vec<Result<Annotation, AnnotationError>>,
}

impl Contents {
    fn is_empty(&self) -> bool {
        self.images.is_empty()
            && self.categories.is_empty()
            && self.items.is_empty()
            && self.reports.is_empty()
    }

    fn take(
        &mut self,
        array: &str,
        index: usize,
        value: &Value,
        options: &CocoOptions,
        path: &Path,
        watch: &Watch,
    ) -> Result<(), String> {
        match array {
            "images" => {
                let (id, image) = image(value, options)?;
                if self.images.insert(id, image).is_some() {
                    return Err(format!("the id {id} belongs to another image, too"));
                }
            }
            "categories" => {
                let (id, name) = category(value)?;
                watch.filter("categories", "category", options.categories.as_ref(), &name);
                self.categories.insert(id, name);
            }
            _ => {
                options.look_for_keys(value, watch);
                let place = place(array, index, value);
                let (marks, crumbs) = match marks(value, &place, options, path) {
                    Ok((marks, crumbs)) => (Ok(marks), crumbs),
                    Err(reason) => (Err(reason), None),
                };
                if let Some(crumbs) = crumbs {
                    let place = Place::Element(place.clone());
                    self.reports.push(Err(AnnotationError::doubtful(path, place, crumbs)));
                }
                let correct = correct(value, options);
                let image = id(value, "image_id")?;
                let reason = marks.as_ref().err().cloned().or_else(|| correct.clone().err());
                self.items.push(Item {
                    image,
                    category: value.get("category_id").and_then(Value::as_i64),
                    annotator: below(value, &options.annotator).and_then(name),
                    correct: correct.unwrap_or_default(),
                    place,
                    marks: if reason.is_some() { None } else { marks.ok() },
                });
                return reason.map_or(Ok(()), Err);
            }
        }
        Ok(())
    }

    /// All marks of one image and person as one annotation, after faults and doubts.
    fn annotations(
        mut self,
        file: &FoundFile,
        options: &CocoOptions,
    ) -> Vec<Result<Annotation, AnnotationError>> {
        let path = &file.path;
        if let Some(wanted) = &options.categories {
            let categories = &self.categories;
            let is_wanted = |id: i64| categories.get(&id).is_some_and(|name| wanted.contains(name));
            self.items.retain(|item| item.category.is_some_and(is_wanted));
        }
        if let Some(named) = &file.image {
            if self.images.len() > 1 {
                let reason = format!(
                    "the pattern's `{{image}}` says that it is about image `{named}`, but it lists {} images: leave \
                     `{{image}}` out of the pattern",
                    self.images.len()
                );
                return vec![Err(AnnotationError::fault(path, Place::File, reason))];
            }
            self.images.values_mut().for_each(|image| image.file.clone_from(named));
        }
        let mut found: BTreeMap<(i64, Option<String>), Annotation> = BTreeMap::new();
        for item in self.items {
            let Some(image) = self.images.get(&item.image) else {
                let reason = format!("`image_id` is {}, but no element of `images` has that id", item.image);
                self.reports.push(Err(AnnotationError::element(path, item.place, reason)));
                continue;
            };
            let annotation =
                found.entry((item.image, item.annotator.clone())).or_insert_with(|| Annotation {
                    annotator: item.annotator,
                    frame_px: image.frame_px,
                    correct: item.correct,
                    ..Annotation::new(&*image.file, format!("`{}`, {}", path.display(), item.place))
                });
            let differs =
                annotation.correct.is_some() && item.correct.is_some_and(|it| annotation.correct != Some(it));
            if differs {
                let reason =
                    "whether the decision was right differs between marks of one image and annotator";
                annotation.n_lost += 1;
                self.reports.push(Err(AnnotationError::element(path, item.place, reason)));
                continue;
            }
            annotation.correct = annotation.correct.or(item.correct);
            match item.marks {
                Some(marks) => annotation.marks.extend(marks),
                None => annotation.n_lost += 1,
            }
        }
        self.reports.extend(found.into_values().map(Ok));
        self.reports
    }
}

impl CocoOptions {
    /// Notes which of the keys that the settings name an annotation has.
    fn look_for_keys(&self, value: &Value, watch: &Watch) {
        let default = Self::default();
        let settings = [
            ("annotator", &self.annotator, &default.annotator),
            ("correct", &self.correct, &default.correct),
        ];
        for (setting, key, default) in settings {
            if key != default {
                watch.look(setting, format!("the key `{key}`"), below(value, key).is_some());
                for known in value.as_object().into_iter().flat_map(serde_json::Map::keys) {
                    watch.knows(setting, known);
                }
            }
        }
    }
}

fn place(array: &str, index: usize, value: &Value) -> String {
    match value.get("id").and_then(name) {
        Some(id) => format!("{array}[{index}] (id {id})"),
        None => format!("{array}[{index}]"),
    }
}

fn id(value: &Value, key: &str) -> Result<i64, String> {
    let id = value.get(key).ok_or_else(|| format!("it has no `{key}`"))?;
    let text = id.as_str().and_then(|text| text.parse().ok());
    id.as_i64().or(text).ok_or_else(|| format!("`{key}` is {}: it must be a whole number", kind(id)))
}

fn image(value: &Value, options: &CocoOptions) -> Result<(i64, Image), String> {
    let file = value.get("file_name").and_then(Value::as_str).ok_or("it has no `file_name`")?;
    let known = |key: &str| value.get(key).filter(|side| !side.is_null());
    let frame_px = match (known("width"), known("height")) {
        (Some(width), Some(height)) => Some((side(width, "`width`")?, side(height, "`height`")?)),
        _ => None,
    };
    let file = if options.uploads { uploaded_name(file).unwrap_or(file) } else { file };
    Ok((id(value, "id")?, Image { file: file.to_owned(), frame_px }))
}

fn category(value: &Value) -> Result<(i64, String), String> {
    let name = value.get("name").and_then(Value::as_str).ok_or("it has no `name`")?;
    Ok((id(value, "id")?, name.to_owned()))
}

fn correct(value: &Value, options: &CocoOptions) -> Result<Option<bool>, String> {
    match below(value, &options.correct) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(correct)) => Ok(Some(*correct)),
        Some(number) if number.as_i64() == Some(0) => Ok(Some(false)),
        Some(number) if number.as_i64() == Some(1) => Ok(Some(true)),
        Some(other) => Err(format!("`{}` is {other}: it must be true or false", options.correct)),
    }
}

/// The marks, and what of them was too little to draw.
fn marks(
    value: &Value,
    place: &str,
    options: &CocoOptions,
    path: &Path,
) -> Result<(Vec<Mark>, Option<String>), String> {
    let segmentation = value.get("segmentation").filter(|found| !found.is_null());
    let box_of = || -> Result<Mark, String> {
        let sides = value.get("bbox").ok_or("it has neither a `segmentation` nor a `bbox`")?;
        let [left, top, width, height] = numbers(sides, "`bbox`")?[..] else {
            return Err("`bbox` must be [left, top, width, height]".into());
        };
        rectangle(left, top, left + width, top + height)
    };
    Ok(match (options.marks, segmentation) {
        (CocoMarks::KeyPoints, _) => {
            (key_points(value.get("keypoints").ok_or("it has no `keypoints`")?)?, None)
        }
        (CocoMarks::Segmentation, Some(Value::Array(parts))) if !parts.is_empty() => {
            let polygons = parts.iter().map(polygon).collect::<Result<Vec<_>, String>>()?;
            let (n_parts, mut marks) = (polygons.len(), polygons.into_iter().flatten().collect::<Vec<_>>());
            let n_crumbs = n_parts - marks.len();
            if marks.is_empty() {
                let no_box = |reason| {
                    format!(
                        "none of its {n_parts} polygons has 3 points, and its box cannot be taken: {reason}"
                    )
                };
                marks.push(box_of().map_err(no_box)?);
                let crumbs = format!("none of its {n_parts} polygons has 3 points: its box is taken");
                (marks, Some(crumbs))
            } else {
                let crumbs =
                    format!("{n_crumbs} of its {n_parts} polygons have fewer than 3 points and are left out");
                (marks, (n_crumbs > 0).then_some(crumbs))
            }
        }
        (CocoMarks::Segmentation, Some(Value::Object(_))) => {
            let runs = runs(segmentation.unwrap_or(&Value::Null))?;
            let mark = Mark::Stored(StoredMap {
                data: MapData::Runs(runs),
                options: MapOptions::default(),
                area: None,
                path: path.into(),
                place: Place::Element(place.to_owned()),
            });
            (vec![mark], None)
        }
        (CocoMarks::Segmentation, Some(other)) if !other.is_array() => {
            return Err(format!("`segmentation` is {}: it must be polygons or run lengths", kind(other)));
        }
        _ => (vec![box_of()?], None),
    })
}

/// Nothing for a crumb of fewer than three points.
fn polygon(value: &Value) -> Result<Option<Mark>, String> {
    let numbers = numbers(value, "a polygon")?;
    let (points, rest) = numbers.as_chunks::<2>();
    if !rest.is_empty() && points.len() >= 3 {
        return Err(format!("a polygon has {} numbers: it must have two a point", numbers.len()));
    }
    Ok((points.len() >= 3).then(|| Mark::Polygon {
        rings: vec![points.iter().map(|&[x, y]| (x, y)).collect()],
        fill: Fill::EvenOdd,
    }))
}

fn runs(value: &Value) -> Result<Runs, String> {
    let size = value.get("size").ok_or("the run lengths have no `size`")?;
    let [height, width] = &size.as_array().map_or(&[][..], Vec::as_slice) else {
        return Err("`size` must be [height, width]".into());
    };
    let size = [side(height, "the mask's height")?, side(width, "the mask's width")?];
    match value.get("counts") {
        Some(Value::String(text)) => Runs::from_text(size, text),
        Some(Value::Array(counts)) => {
            let whole = |count: &Value| count.as_u64().and_then(|count| u32::try_from(count).ok());
            let counts = counts
                .iter()
                .map(|count| {
                    whole(count)
                        .ok_or_else(|| format!("a run length is {count}: it must be whole, at least 0"))
                })
                .collect::<Result<_, _>>()?;
            Runs::new(size, counts)
        }
        _ => Err("the run lengths have no `counts`".into()),
    }
}

fn key_points(value: &Value) -> Result<Vec<Mark>, String> {
    let list = value.as_array().ok_or("`keypoints` must be an array")?;
    let (points, rest) = list.as_chunks::<3>();
    if !rest.is_empty() {
        return Err("`keypoints` must be [x, y, visibility, ...]".into());
    }
    let mut marks = Vec::new();
    for [x, y, visibility] in points {
        if number(visibility, "a key point's visibility")? > 0.0 {
            let (x, y) = (number(x, "a key point")?, number(y, "a key point")?);
            marks.push(Mark::Point { x, y, duration_s: None });
        }
    }
    Ok(marks)
}
