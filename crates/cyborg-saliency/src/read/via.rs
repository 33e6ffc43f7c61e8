//! VGG Image Annotator (VIA), versions 1 and 2: a project or an export, JSON.
//!
//! ```json
//! {"0001.png98": {"filename": "0001.png", "size": 98, "file_attributes": {"annotator": "ann"}, "regions": [
//!   {"shape_attributes": {"name": "rect", "x": 10, "y": 5, "width": 20, "height": 20}, "region_attributes": {"type": "eye"}},
//!   {"shape_attributes": {"name": "polygon", "all_points_x": [1, 9, 9], "all_points_y": [1, 1, 5]}, "region_attributes": {}}]}}
//! ```
//!
//! A project has this below `_via_img_metadata`; version 1 has an object in place of the list of regions. Shapes: `rect`,
//! `circle`, `ellipse` (its angle `theta` in radians), `polygon`, `polyline` (a stroke without a width) and `point`. Every image of the
//! file that has no region is a person who marked nothing.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::boxes::rectangle;
use super::formats::{Reader, Settings};
use super::json::{another_tool, below, name, number, numbers, value};
use super::table::shortened;
use super::{Annotations, FoundFile, Watch, many};
use crate::{Affine, Annotation, AnnotationError, Fill, Mark};

/// How files of the VGG Image Annotator are read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ViaOptions {
    /// Such as `via.json` or `via/{annotator}.json`.
    pub files: String,
    /// The file attribute that says who, if there is one.
    pub annotator: Option<String>,
    /// The region attribute that says what is marked; with `labels`.
    pub label: Option<String>,
    /// Only regions whose attribute `label` is one of these.
    pub labels: Option<Vec<String>>,
}

impl Settings for ViaOptions {
    type Options = Self;

    fn files(&self) -> &str {
        &self.files
    }

    fn checked(&self) -> Result<Self, String> {
        if self.label.is_some() == self.labels.is_some() {
            Ok(self.clone())
        } else {
            Err("name both `label` (a region attribute) and `labels` (its values), or neither".into())
        }
    }
}

impl Reader for ViaOptions {
    fn read(&self, file: &FoundFile, watch: &Arc<Watch>) -> Result<Annotations, AnnotationError> {
        let path = &file.path;
        let document = value(path)?;
        let images = document.get("_via_img_metadata").unwrap_or(&document).as_object();
        let is_via = |image: &Value| image.get("filename").is_some() && image.get("regions").is_some();
        let Some(images) = images.filter(|images| images.values().all(is_via) && !images.is_empty()) else {
            return Err(another_tool(path, "images with `filename` and `regions`", &document));
        };
        watch.expect("labels", "label", self.labels.as_ref());
        let mut found = Vec::new();
        for (key, image) in images {
            let stated = image.get("filename").and_then(Value::as_str).unwrap_or_default();
            let origin = format!("`{}`, `{}`", path.display(), shortened(key));
            let mut annotation =
                Annotation::new(if file.image.is_some() && images.len() == 1 { "" } else { stated }, origin);
            if let Some(key) = &self.annotator {
                let attributes = image.get("file_attributes");
                annotation.annotator =
                    attributes.and_then(|attributes| below(attributes, key)).and_then(name);
                watch.look(
                    "annotator",
                    format!("the file attribute `{key}`"),
                    annotation.annotator.is_some(),
                );
                for known in attributes.and_then(Value::as_object).into_iter().flat_map(serde_json::Map::keys)
                {
                    watch.knows("annotator", known);
                }
            }
            let regions: Vec<&Value> = match image.get("regions") {
                Some(Value::Array(list)) => list.iter().collect(),
                Some(Value::Object(map)) => map.values().collect(),
                _ => vec![],
            };
            for (index, region) in regions.into_iter().enumerate() {
                if !self.is_wanted(region, watch) {
                    continue;
                }
                match mark(region) {
                    Ok(mark) => annotation.marks.push(mark),
                    Err(reason) => {
                        annotation.n_lost += 1;
                        let place = format!("`{}`, regions[{index}]", shortened(key));
                        found.push(Err(AnnotationError::element(path, place, reason)));
                    }
                }
            }
            found.push(Ok(annotation));
        }
        Ok(many(found))
    }
}

impl ViaOptions {
    fn is_wanted(&self, region: &Value, watch: &Watch) -> bool {
        let (Some(key), Some(labels)) = (&self.label, &self.labels) else { return true };
        let label =
            region.get("region_attributes").and_then(|attributes| below(attributes, key)).and_then(name);
        let label = label.unwrap_or_default();
        watch.filter("labels", "label", Some(labels), &label);
        labels.contains(&label)
    }
}

fn mark(region: &Value) -> Result<Mark, String> {
    let shape = region.get("shape_attributes").ok_or("it has no `shape_attributes`")?;
    let side =
        |key: &str| number(shape.get(key).ok_or_else(|| format!("it has no `{key}`"))?, &format!("`{key}`"));
    let points = || -> Result<Vec<(f64, f64)>, String> {
        let list = |key: &str| numbers(shape.get(key).unwrap_or(&Value::Null), &format!("`{key}`"));
        let (xs, ys) = (list("all_points_x")?, list("all_points_y")?);
        if xs.len() != ys.len() {
            return Err(format!(
                "it has {} numbers in `all_points_x` and {} in `all_points_y`",
                xs.len(),
                ys.len()
            ));
        }
        Ok(xs.into_iter().zip(ys).collect())
    };
    let kind = shape.get("name").and_then(Value::as_str).ok_or("it has no `name` of its shape")?;
    Ok(match kind {
        "rect" => {
            let (x, y) = (side("x")?, side("y")?);
            rectangle(x, y, x + side("width")?, y + side("height")?)?
        }
        "circle" => {
            let radius = side("r")?;
            turned_ellipse((side("cx")?, side("cy")?), (radius, radius), 0.0)?
        }
        "ellipse" => {
            let theta = shape.get("theta").map_or(Ok(0.0), |theta| number(theta, "`theta`"))?;
            turned_ellipse((side("cx")?, side("cy")?), (side("rx")?, side("ry")?), theta)?
        }
        "point" => Mark::Point { x: side("cx")?, y: side("cy")?, duration_s: None },
        "polygon" => match points()? {
            ring if ring.len() >= 3 => Mark::Polygon { rings: vec![ring], fill: Fill::EvenOdd },
            ring => return Err(format!("a polygon of {} points: it must have at least 3", ring.len())),
        },
        "polyline" => match points()? {
            points if points.len() >= 2 => Mark::Stroke { points, width_px: None },
            points => return Err(format!("a polyline of {} points: it must have at least 2", points.len())),
        },
        other => {
            return Err(format!(
                "a shape `{}`: rect, circle, ellipse, polygon, polyline and point are known",
                shortened(other)
            ));
        }
    })
}

/// An ellipse about a centre, turned clockwise (y down) by an angle in radians.
pub(super) fn turned_ellipse(centre: (f64, f64), radii: (f64, f64), angle: f64) -> Result<Mark, String> {
    if radii.0 <= 0.0 || radii.1 <= 0.0 {
        return Err(format!("an ellipse of radii {} and {} has no area", radii.0, radii.1));
    }
    let mut mark = super::boxes::ellipse_within(-radii.0, -radii.1, radii.0, radii.1);
    let turn = Affine::similarity(angle, 1.0, centre);
    if let Mark::Polygon { rings, .. } = &mut mark {
        rings.iter_mut().flatten().for_each(|point| *point = turn.apply(*point));
    }
    Ok(mark)
}
