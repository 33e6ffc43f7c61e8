//! Supervisely's JSON: one file an image.
//!
//! ```json
//! {"size": {"width": 640, "height": 480}, "objects": [
//!   {"classTitle": "eye", "labelerLogin": "ann", "geometryType": "polygon",
//!    "points": {"exterior": [[1, 1], [9, 1], [9, 9]], "interior": []}},
//!   {"classTitle": "eye", "labelerLogin": "bob", "geometryType": "bitmap",
//!    "bitmap": {"data": "eJzrDPBz5+WS4mJgYOD19HAJAtIgzAQiAA8uAzE=", "origin": [10, 20]}}]}
//! ```
//!
//! Read are `polygon` (with holes), `rectangle`, `line` (a stroke without a width), `point` and `bitmap` (a PNG, deflated and in
//! Base64). Who is each object's `labelerLogin`: a file gives an annotation for each person, or one of nobody's name if it has no
//! object. Points are pixels, so that 0 is the middle of the first one.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::boxes::rectangle;
use super::formats::{Reader, Settings};
use super::json::{another_tool, name, numbers, picture, points, side, value};
use super::map_file::{Channel, MapOptions, Scale};
use super::stored::{MapData, StoredMap};
use super::table::shortened;
use super::{Annotations, FoundFile, Watch, many};
use crate::{Annotation, AnnotationError, Fill, Mark, Place};

/// A picture of an object may not unpack to more.
const MAX_PICTURE_BYTES: u64 = 1 << 28;

/// How Supervisely's files are read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuperviselyOptions {
    /// Such as `ann/{image}.json`.
    pub files: String,
    /// Only objects of these classes, by title.
    pub classes: Option<Vec<String>>,
}

impl Settings for SuperviselyOptions {
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

impl Reader for SuperviselyOptions {
    fn read(&self, file: &FoundFile, watch: &Arc<Watch>) -> Result<Annotations, AnnotationError> {
        let path = &file.path;
        let document = value(path)?;
        let (Some(size), Some(objects)) =
            (document.get("size"), document.get("objects").and_then(Value::as_array))
        else {
            return Err(another_tool(path, "`size` and `objects`", &document));
        };
        let side = |key: &str| {
            let found = side(size.get(key).unwrap_or(&Value::Null), &format!("`size.{key}`"));
            found.map_err(|reason| AnnotationError::element(path, "`size`", reason))
        };
        let frame_px = Some((side("width")?, side("height")?));
        watch.expect("classes", "class", self.classes.as_ref());
        let mut people: BTreeMap<Option<String>, Annotation> = BTreeMap::new();
        let person = |annotator: Option<String>| Annotation {
            annotator,
            frame_px,
            ..Annotation::new(file.image_or_stem(), format!("`{}`", path.display()))
        };
        let mut found = Vec::new();
        for (index, object) in objects.iter().enumerate() {
            let class = object.get("classTitle").and_then(name).unwrap_or_default();
            watch.filter("classes", "class", self.classes.as_ref(), &class);
            let who = object.get("labelerLogin").and_then(name);
            // Who marked only other classes marked nothing of these.
            let annotation = people.entry(who.clone()).or_insert_with(|| person(who));
            if self.classes.as_ref().is_some_and(|wanted| !wanted.contains(&class)) {
                continue;
            }
            let place = Place::Element(format!("objects[{index}]"));
            match mark(object, path, &place) {
                Ok(mark) => annotation.marks.push(mark),
                Err(reason) => {
                    annotation.n_lost += 1;
                    found.push(Err(AnnotationError::fault(path, place, reason)));
                }
            }
        }
        if people.is_empty() {
            people.insert(None, person(None));
        }
        found.extend(people.into_values().map(Ok));
        Ok(many(found))
    }
}

fn mark(object: &Value, path: &Path, place: &Place) -> Result<Mark, String> {
    let kind = object.get("geometryType").and_then(Value::as_str).ok_or("it has no `geometryType`")?;
    let exterior = || {
        let list = object.get("points").and_then(|points| points.get("exterior")).unwrap_or(&Value::Null);
        let list = points(list, "`points.exterior`")?;
        Ok::<_, String>(list.into_iter().map(middle).collect::<Vec<_>>())
    };
    Ok(match kind {
        "polygon" => {
            let holes =
                object.get("points").and_then(|points| points.get("interior")).and_then(Value::as_array);
            let mut rings = vec![exterior()?];
            for hole in holes.into_iter().flatten() {
                rings.push(points(hole, "`points.interior`")?.into_iter().map(middle).collect());
            }
            if let Some(ring) = rings.iter().find(|ring| ring.len() < 3) {
                return Err(format!("a ring of {} points: it must have at least 3", ring.len()));
            }
            Mark::Polygon { rings, fill: Fill::EvenOdd }
        }
        "rectangle" => match exterior()?[..] {
            // First and last pixel.
            [(x0, y0), (x1, y1)] => {
                rectangle(x0.min(x1) - 0.5, y0.min(y1) - 0.5, x0.max(x1) + 0.5, y0.max(y1) + 0.5)?
            }
            ref other => return Err(format!("a rectangle of {} points: it must have 2", other.len())),
        },
        "line" => match exterior()? {
            points if points.len() >= 2 => Mark::Stroke { points, width_px: None },
            points => return Err(format!("a line of {} points: it must have at least 2", points.len())),
        },
        "point" => match exterior()?[..] {
            [(x, y)] => Mark::Point { x, y, duration_s: None },
            ref other => return Err(format!("a point of {} points: it must have 1", other.len())),
        },
        "bitmap" => {
            let bitmap = object.get("bitmap").ok_or("it has no `bitmap`")?;
            let [left, top] = numbers(bitmap.get("origin").unwrap_or(&Value::Null), "`bitmap.origin`")?[..]
            else {
                return Err("`bitmap.origin` must be [x, y]".into());
            };
            let text = bitmap.get("data").and_then(Value::as_str).ok_or("it has no `bitmap.data`")?;
            let packed = picture(text)?;
            let mut bytes = Vec::new();
            let mut unpacked = flate2::read::ZlibDecoder::new(&packed[..]).take(MAX_PICTURE_BYTES);
            unpacked
                .read_to_end(&mut bytes)
                .map_err(|error| format!("its picture cannot be unpacked: {error}"))?;
            let (width, height) = png_size(&bytes).ok_or("its picture is no PNG")?;
            // Tools write one channel, or white with the mask as opacity.
            let channel = if bytes.get(25).is_some_and(|kind| matches!(kind, 4 | 6)) {
                Channel::Alpha
            } else {
                Channel::Grey
            };
            Mark::Stored(StoredMap {
                data: MapData::Bytes(Arc::from(bytes)),
                options: MapOptions { channel, scale: Scale::Binary, ..MapOptions::default() },
                area: Some((left, top, left + f64::from(width), top + f64::from(height))),
                path: path.into(),
                place: place.clone(),
            })
        }
        other => {
            return Err(format!(
                "a geometry `{}`: polygon, rectangle, line, point and bitmap are known",
                shortened(other)
            ));
        }
    })
}

/// From a pixel's index to its middle.
fn middle((x, y): (f64, f64)) -> (f64, f64) {
    (x + 0.5, y + 0.5)
}

/// Width and height as the PNG's first chunk states them.
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    bytes.starts_with(b"\x89PNG").then_some(())?;
    Some((number(16)?, number(20)?))
}
