//! CVAT for images 1.1: all images in one XML file.
//!
//! ```xml
//! <annotations>
//!   <image id="0" name="images/0001.png" width="640" height="480">
//!     <box label="eye" source="manual" occluded="0" xtl="10.5" ytl="5" xbr="30" ybr="25"/>
//!     <polygon label="eye" points="10.5,5;30,5;30,25"/>
//!   </image>
//! </annotations>
//! ```
//!
//! Read are `box` (with `rotation` in degrees about its middle), `polygon`, `polyline` (a stroke without a width), `points`,
//! `ellipse` and `mask` (run lengths along the rows of its box). An `image` without any is a person who marked nothing. Who is
//! the image's `<attribute>` of a name that the settings say, or in the pattern.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::boxes::rectangle;
use super::formats::{Reader, Settings};
use super::map_file::MapOptions;
use super::rle::Runs;
use super::stored::{MapData, StoredMap};
use super::svg::parse_xml;
use super::table::{coordinate, shortened};
use super::via::turned_ellipse;
use super::{Annotations, FoundFile, Watch, many, text};
use crate::{Affine, Annotation, AnnotationError, Fill, Mark, Place};

/// How CVAT's files are read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CvatOptions {
    /// Such as `annotations.xml` or `cvat/{annotator}.xml`.
    pub files: String,
    /// Only shapes with these labels.
    pub labels: Option<Vec<String>>,
    /// The attribute of an image that says who, if there is one.
    pub annotator: Option<String>,
}

impl Settings for CvatOptions {
    type Options = Self;

    fn files(&self) -> &str {
        &self.files
    }

    fn checked(&self) -> Result<Self, String> {
        Ok(self.clone())
    }
}

/// Elements of an image that are shapes.
const SHAPES: [&str; 6] = ["box", "polygon", "polyline", "points", "ellipse", "mask"];

impl Reader for CvatOptions {
    fn read(&self, file: &FoundFile, watch: &Arc<Watch>) -> Result<Annotations, AnnotationError> {
        let path = &file.path;
        let text = text(path)?;
        let document = parse_xml(&text, path)?;
        let root = document.root_element();
        let images: Vec<_> = root.children().filter(|node| node.has_tag_name("image")).collect();
        if root.tag_name().name() != "annotations" || images.is_empty() {
            let reason = "it is no CVAT file for images: it must have `<image>` elements below `<annotations>` (export as \
                          \"CVAT for images 1.1\"; tracks of videos are not read)";
            return Err(AnnotationError::fault(path, Place::File, reason));
        }
        watch.expect("labels", "label", self.labels.as_ref());
        let mut found = Vec::new();
        for image in &images {
            let line = |node: &roxmltree::Node<'_, '_>| document.text_pos_at(node.range().start).row;
            let Some(name) = image.attribute("name") else {
                let place = format!("`<image>` in line {}", line(image));
                found.push(Err(AnnotationError::element(path, place, "it has no `name`")));
                continue;
            };
            let stated = if file.image.is_some() && images.len() == 1 { "" } else { name };
            let mut annotation =
                Annotation::new(stated, format!("`{}`, line {}", path.display(), line(image)));
            let side = |key: &str| image.attribute(key).and_then(|text| text.parse::<u32>().ok());
            annotation.frame_px =
                side("width").zip(side("height")).filter(|&(width, height)| width > 0 && height > 0);
            if let Some(key) = &self.annotator {
                let is = |node: &roxmltree::Node<'_, '_>| node.attribute("name") == Some(key.as_str());
                let attributes = || image.descendants().filter(|node| node.has_tag_name("attribute"));
                annotation.annotator =
                    attributes().find(is).and_then(|node| node.text()).map(|text| text.trim().to_owned());
                watch.look("annotator", format!("the attribute `{key}`"), annotation.annotator.is_some());
                attributes()
                    .filter_map(|node| node.attribute("name"))
                    .for_each(|name| watch.knows("annotator", name));
            }
            for node in image.children().filter(|node| SHAPES.contains(&node.tag_name().name())) {
                let label = node.attribute("label").unwrap_or_default();
                watch.filter("labels", "label", self.labels.as_ref(), label);
                if self.labels.as_ref().is_some_and(|labels| !labels.iter().any(|one| one == label)) {
                    continue;
                }
                let place = Place::Element(format!("`<{}>` in line {}", node.tag_name().name(), line(&node)));
                match marks(&node, path, &place) {
                    Ok(marks) => annotation.marks.extend(marks),
                    Err(reason) => {
                        annotation.n_lost += 1;
                        found.push(Err(AnnotationError::fault(path, place, reason)));
                    }
                }
            }
            found.push(Ok(annotation));
        }
        Ok(many(found))
    }
}

fn marks(node: &roxmltree::Node<'_, '_>, path: &std::path::Path, place: &Place) -> Result<Vec<Mark>, String> {
    let side = |key: &str| {
        let text = node.attribute(key).ok_or_else(|| format!("it has no `{key}`"))?;
        coordinate(text, &format!("`{key}`"))
    };
    let rotation =
        node.attribute("rotation").map_or(Ok(0.0), |text| coordinate(text, "`rotation`"))?.to_radians();
    let points = || -> Result<Vec<(f64, f64)>, String> {
        let text = node.attribute("points").ok_or("it has no `points`")?;
        let point = |pair: &str| {
            let (x, y) = pair
                .split_once(',')
                .ok_or_else(|| format!("a point is `{}`: it must be x,y", shortened(pair)))?;
            Ok((coordinate(x, "x")?, coordinate(y, "y")?))
        };
        text.split(';').map(str::trim).filter(|pair| !pair.is_empty()).map(point).collect()
    };
    let too_few = |n: usize, least: usize| format!("it has {n} points: it must have at least {least}");
    Ok(match node.tag_name().name() {
        "box" => {
            let (left, top, right, bottom) = (side("xtl")?, side("ytl")?, side("xbr")?, side("ybr")?);
            let upright = rectangle(left, top, right, bottom)?;
            if rotation == 0.0 {
                return Ok(vec![upright]);
            }
            let (x, y) = (f64::midpoint(left, right), f64::midpoint(top, bottom));
            let turn = Affine::shift(-x, -y).then(Affine::similarity(rotation, 1.0, (x, y)));
            let ring =
                [(left, top), (right, top), (right, bottom), (left, bottom)].map(|corner| turn.apply(corner));
            vec![Mark::Polygon { rings: vec![ring.to_vec()], fill: Fill::EvenOdd }]
        }
        "ellipse" => vec![turned_ellipse((side("cx")?, side("cy")?), (side("rx")?, side("ry")?), rotation)?],
        "polygon" => match points()? {
            ring if ring.len() >= 3 => vec![Mark::Polygon { rings: vec![ring], fill: Fill::EvenOdd }],
            ring => return Err(too_few(ring.len(), 3)),
        },
        "polyline" => match points()? {
            points if points.len() >= 2 => vec![Mark::Stroke { points, width_px: None }],
            points => return Err(too_few(points.len(), 2)),
        },
        "points" => points()?.into_iter().map(|(x, y)| Mark::Point { x, y, duration_s: None }).collect(),
        _ => {
            let (left, top) = (side("left")?, side("top")?);
            let whole = |key: &str| {
                let side = side(key)?;
                let is_side = (1.0..=1e6).contains(&side) && side.fract() == 0.0;
                if is_side {
                    Ok(side as u32)
                } else {
                    Err(format!("`{key}` is {side}: it must be whole, at least 1"))
                }
            };
            let (width, height) = (whole("width")?, whole("height")?);
            let counts = node.attribute("rle").ok_or("it has no `rle`")?.split(',').map(|count| {
                count.trim().parse::<u32>().map_err(|_| format!("a run length is `{}`", shortened(count)))
            });
            // Along the rows: the mask on its side, down the columns.
            let runs = super::run_lengths::transposed(&Runs::new(
                [width, height],
                counts.collect::<Result<_, _>>()?,
            )?)?;
            vec![Mark::Stored(StoredMap {
                data: MapData::Runs(runs),
                options: MapOptions::default(),
                area: Some((left, top, left + f64::from(width), top + f64::from(height))),
                path: path.into(),
                place: place.clone(),
            })]
        }
    })
}
