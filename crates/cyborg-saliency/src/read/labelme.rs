//! LabelMe JSON: one file an image.
//!
//! ```json
//! {"imagePath": "../images/0001.png", "imageWidth": 640, "imageHeight": 480,
//!  "shapes": [{"label": "eye", "shape_type": "polygon", "points": [[10, 10], [60, 10], [60, 40]]}]}
//! ```
//!
//! Kinds of shapes: `polygon`, `rectangle` (two opposite corners, or all four), `rotation` and `quadrilateral` (four corners,
//! as X-AnyLabeling writes), `circle` (its centre and a point on it), `line` and
//! `linestrip` (strokes without a width), `point`, `points`, `mask` (a Base64 PNG over the box of its two points, both
//! pixels included). A shape without `shape_type` is a polygon. The image is what the pattern's `{image}` stands for, or else
//! the file name in `imagePath`.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::boxes::rectangle;
use super::json::{another_tool, below, kind, name, picture, points, side, value};
use super::map_file::{MapOptions, Scale};
use super::stored::{MapData, StoredMap};
use super::{Annotations, FoundFile, Reader, Watch, many};
use schemars::JsonSchema;
use serde::Deserialize;

use super::formats::Settings;
use crate::{Annotation, AnnotationError, Fill, Mark, Place};

/// How LabelMe files are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelMeOptions {
    /// Only shapes with these labels; `None`: all.
    pub labels: Option<Vec<String>>,
    /// The key at the top of the file that says who, below nested keys with dots (`flags.annotator`), if there is one; else
    /// the file's name may say it.
    pub annotator: String,
}

impl Default for LabelMeOptions {
    /// All shapes; `annotator` says who.
    fn default() -> Self {
        Self { labels: None, annotator: "annotator".into() }
    }
}

/// LabelMe JSON.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelMeSettings {
    /// Such as `labels/{annotator}/{image}.json`.
    pub files: String,
    /// Only shapes with these labels.
    pub labels: Option<Vec<String>>,
    /// The key that says who; default: `annotator`.
    pub annotator: Option<String>,
}
impl Settings for LabelMeSettings {
    type Options = LabelMeOptions;

    fn files(&self) -> &str {
        &self.files
    }

    fn checked(&self) -> Result<LabelMeOptions, String> {
        let annotator = self.annotator.clone().unwrap_or(LabelMeOptions::default().annotator);
        Ok(LabelMeOptions { labels: self.labels.clone(), annotator })
    }
}

impl Reader for LabelMeOptions {
    fn read(&self, file: &FoundFile, watch: &Arc<Watch>) -> Result<Annotations, AnnotationError> {
        read(file, self, watch)
    }
}

fn read(file: &FoundFile, options: &LabelMeOptions, watch: &Watch) -> Result<Annotations, AnnotationError> {
    let path = &file.path;
    let document = value(path)?;
    watch.expect("labels", "label", options.labels.as_ref());
    let fault = |element: &str, reason: String| AnnotationError::element(path, element, reason);
    let Some(shapes) = document.get("shapes").and_then(Value::as_array) else {
        return Err(another_tool(path, "`shapes`", &document));
    };
    let size = (document.get("imageWidth"), document.get("imageHeight"));
    let frame_px = match size {
        (Some(width), Some(height)) if !width.is_null() && !height.is_null() => {
            let side = |value, key| side(value, key).map_err(|reason| fault(key, reason));
            Some((side(width, "`imageWidth`")?, side(height, "`imageHeight`")?))
        }
        _ => None,
    };
    let mut found = Vec::new();
    let mut marks = Vec::new();
    for (index, shape) in shapes.iter().enumerate() {
        let label = shape.get("label").and_then(name).unwrap_or_default();
        watch.filter("labels", "label", options.labels.as_ref(), &label);
        if options.labels.as_ref().is_some_and(|wanted| !wanted.contains(&label)) {
            continue;
        }
        let place = format!("shapes[{index}]");
        match mark(shape, path, &place) {
            Ok(mark) => marks.extend(mark),
            Err(reason) => found.push(Err(fault(&place, reason))),
        }
    }
    let n_lost = found.len();
    let annotator = below(&document, &options.annotator);
    if options.annotator != LabelMeOptions::default().annotator {
        watch.look("annotator", format!("the key `{}`", options.annotator), annotator.is_some());
        for key in document.as_object().into_iter().flat_map(serde_json::Map::keys) {
            watch.knows("annotator", key);
        }
    }
    let stated = document.get("imagePath").and_then(Value::as_str);
    let base = stated.map(|path| path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned());
    let image = file.image.clone().or(base).unwrap_or_else(|| file.image_or_stem());
    found.push(Ok(Annotation {
        annotator: annotator.and_then(name),
        frame_px,
        marks,
        n_lost,
        ..Annotation::new(image, format!("`{}`", path.display()))
    }));
    Ok(many(found))
}

fn mark(shape: &Value, path: &Path, place: &str) -> Result<Vec<Mark>, String> {
    let found = shape.get("points").ok_or("it has no `points`")?;
    let points = points(found, "`points`")?;
    let shape_type = match shape.get("shape_type") {
        None | Some(Value::Null) => "polygon",
        Some(Value::String(text)) => text,
        Some(other) => return Err(format!("`shape_type` is {}: it must be text", kind(other))),
    };
    let n_points = points.len();
    let expected = |count: &str| format!("a {shape_type} of {n_points} points: it must have {count}");
    Ok(match (shape_type, &points[..]) {
        ("polygon", [_, _, _, ..]) | ("rectangle" | "rotation" | "quadrilateral", [_, _, _, _]) => {
            vec![Mark::Polygon { rings: vec![points], fill: Fill::EvenOdd }]
        }
        ("polygon", _) => return Err(expected("at least 3")),
        ("rectangle", &[(x0, y0), (x1, y1)]) => {
            vec![rectangle(x0.min(x1), y0.min(y1), x0.max(x1), y0.max(y1))?]
        }
        ("circle", &[(x, y), (rim_x, rim_y)]) => {
            let width_px = Some(2.0 * (rim_x - x).hypot(rim_y - y)).filter(|&width| width > 0.0);
            vec![Mark::Stroke {
                points: vec![(x, y)],
                width_px: Some(width_px.ok_or("a circle without radius")?),
            }]
        }
        ("line", [_, _]) | ("linestrip", [_, _, ..]) => vec![Mark::Stroke { points, width_px: None }],
        ("point", [_]) | ("points", [_, ..]) => {
            points.iter().map(|&(x, y)| Mark::Point { x, y, duration_s: None }).collect()
        }
        ("mask", &[(left, top), (right, bottom)]) => {
            let text = shape.get("mask").and_then(Value::as_str).ok_or("a mask without `mask`")?;
            // The tool writes 0 and 1, at one bit or at eight.
            let options = MapOptions { scale: Scale::Binary, ..MapOptions::default() };
            let rectangle = rectangle(left, top, right + 1.0, bottom + 1.0)?;
            let Mark::Rectangle { left, top, right, bottom } = rectangle else { return Ok(Vec::new()) };
            vec![Mark::Stored(StoredMap {
                data: MapData::Bytes(Arc::from(picture(text)?)),
                options,
                area: Some((left, top, right, bottom)),
                path: path.into(),
                place: Place::Element(place.to_owned()),
            })]
        }
        ("rectangle", _) => return Err(expected("2 or 4")),
        ("rotation" | "quadrilateral", _) => return Err(expected("4")),
        ("circle" | "line" | "mask", _) => return Err(expected("2")),
        ("linestrip", _) => return Err(expected("at least 2")),
        ("point" | "points", _) => return Err(expected("1 or more")),
        (other, _) => {
            return Err(format!(
                "a shape of type `{}`: polygon, rectangle, rotation, quadrilateral, circle, line, linestrip, point, points and \
                 mask are known",
                super::table::shortened(other)
            ));
        }
    })
}
