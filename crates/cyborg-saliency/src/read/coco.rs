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
//! as numbers or as COCO's compressed text. All annotations of one image and annotator become one. Images that nothing
//! refers to give nothing. The format keeps images apart from annotations, so the file's marks are in memory at once.

use std::collections::BTreeMap;

use serde_json::Value;

use super::boxes::rectangle;
use super::json::{below, elements, kind, name, number, numbers, side};
use super::map_file::MapOptions;
use super::rle::Runs;
use super::stored::{MapData, StoredMap};
use super::{Annotations, FoundFile, bytes, many};
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
}

/// What of a COCO annotation is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
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
    marks: Vec<Mark>,
}

pub(super) fn read(file: &FoundFile, options: &CocoOptions) -> Result<Annotations, AnnotationError> {
    let path = &file.path;
    let bytes = bytes(path)?;
    let mut images: BTreeMap<i64, Image> = BTreeMap::new();
    let mut categories: BTreeMap<i64, String> = BTreeMap::new();
    let mut items = Vec::new();
    let mut faults = Vec::new();
    let mut take = |array: &str, index: usize, value: Value| {
        let place = place(array, index, &value);
        let fault = |reason: String| AnnotationError::element(path, place.clone(), reason);
        let taken = match array {
            "images" => image(&value).and_then(|(id, image)| match images.insert(id, image) {
                None => Ok(()),
                Some(_) => Err(format!("the id {id} belongs to another image, too")),
            }),
            "categories" => category(&value).map(|(id, name)| {
                categories.insert(id, name);
            }),
            _ => item(&value, &place, options, path).map(|item| items.push(item)),
        };
        if let Err(reason) = taken {
            faults.push(Err(fault(reason)));
        }
    };
    if let Err(error) = elements(&bytes, path, &["images", "categories", "annotations"], &mut take) {
        faults.push(Err(error));
    }
    if let Some(wanted) = &options.categories {
        for name in wanted.iter().filter(|name| !categories.values().any(|known| known == *name)) {
            let known: Vec<String> = categories.values().map(|name| format!("`{name}`")).collect();
            let reason = format!("no category is `{name}`: it has {}", known.join(", "));
            faults.push(Err(AnnotationError::fault(path, Place::File, reason)));
        }
        items.retain(|item| {
            item.category.and_then(|id| categories.get(&id)).is_some_and(|name| wanted.contains(name))
        });
    }
    let mut found: BTreeMap<(i64, Option<String>), Annotation> = BTreeMap::new();
    for item in items {
        let Some(image) = images.get(&item.image) else {
            let reason = format!("`image_id` is {}, but no element of `images` has that id", item.image);
            faults.push(Err(AnnotationError::element(path, item.place, reason)));
            continue;
        };
        let annotation = found.entry((item.image, item.annotator.clone())).or_insert_with(|| Annotation {
            image: image.file.clone(),
            annotator: item.annotator,
            frame_px: image.frame_px,
            marks: Vec::new(),
            duration_s: None,
            correct: item.correct,
            origin: format!("`{}`, {}", path.display(), item.place),
        });
        if annotation.correct.is_some() && item.correct.is_some() && annotation.correct != item.correct {
            let reason = "whether the decision was right differs between marks of one image and annotator";
            faults.push(Err(AnnotationError::element(path, item.place, reason)));
            continue;
        }
        annotation.correct = annotation.correct.or(item.correct);
        annotation.marks.extend(item.marks);
    }
    faults.extend(found.into_values().map(Ok));
    Ok(many(faults))
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

fn image(value: &Value) -> Result<(i64, Image), String> {
    let file = value.get("file_name").and_then(Value::as_str).ok_or("it has no `file_name`")?;
    let frame_px = match (value.get("width"), value.get("height")) {
        (Some(width), Some(height)) => Some((side(width, "`width`")?, side(height, "`height`")?)),
        _ => None,
    };
    Ok((id(value, "id")?, Image { file: file.to_owned(), frame_px }))
}

fn category(value: &Value) -> Result<(i64, String), String> {
    let name = value.get("name").and_then(Value::as_str).ok_or("it has no `name`")?;
    Ok((id(value, "id")?, name.to_owned()))
}

fn item(value: &Value, place: &str, options: &CocoOptions, path: &std::path::Path) -> Result<Item, String> {
    let correct = match below(value, &options.correct) {
        None | Some(Value::Null) => None,
        Some(Value::Bool(correct)) => Some(*correct),
        Some(number) if number.as_i64() == Some(0) => Some(false),
        Some(number) if number.as_i64() == Some(1) => Some(true),
        Some(other) => return Err(format!("`{}` is {other}: it must be true or false", options.correct)),
    };
    let segmentation = value.get("segmentation").filter(|found| !found.is_null());
    let marks = match (options.marks, segmentation) {
        (CocoMarks::KeyPoints, _) => key_points(value.get("keypoints").ok_or("it has no `keypoints`")?)?,
        (CocoMarks::Segmentation, Some(Value::Array(polygons))) if !polygons.is_empty() => {
            polygons.iter().map(polygon).collect::<Result<_, String>>()?
        }
        (CocoMarks::Segmentation, Some(Value::Object(_))) => {
            let runs = runs(segmentation.unwrap_or(&Value::Null))?;
            vec![Mark::Stored(StoredMap {
                data: MapData::Runs(runs),
                options: MapOptions::default(),
                area: None,
                path: path.into(),
                place: Place::Element(place.to_owned()),
            })]
        }
        (CocoMarks::Segmentation, Some(other)) if !other.is_array() => {
            return Err(format!("`segmentation` is {}: it must be polygons or run lengths", kind(other)));
        }
        _ => {
            let sides = value.get("bbox").ok_or("it has neither a `segmentation` nor a `bbox`")?;
            let [left, top, width, height] = numbers(sides, "`bbox`")?[..] else {
                return Err("`bbox` must be [left, top, width, height]".into());
            };
            vec![rectangle(left, top, left + width, top + height)?]
        }
    };
    Ok(Item {
        image: id(value, "image_id")?,
        category: value.get("category_id").and_then(Value::as_i64),
        annotator: below(value, &options.annotator).and_then(name),
        correct,
        place: place.to_owned(),
        marks,
    })
}

fn polygon(value: &Value) -> Result<Mark, String> {
    let numbers = numbers(value, "a polygon")?;
    let (points, rest) = numbers.as_chunks::<2>();
    if points.len() < 3 || !rest.is_empty() {
        return Err(format!(
            "a polygon has {} numbers: it must have two a point, for at least 3 points",
            numbers.len()
        ));
    }
    Ok(Mark::Polygon { rings: vec![points.iter().map(|&[x, y]| (x, y)).collect()], fill: Fill::EvenOdd })
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
