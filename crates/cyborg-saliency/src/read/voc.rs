//! Pascal VOC XML: one file an image, boxes.
//!
//! ```xml
//! <annotation>
//!   <filename>0001.png</filename>
//!   <size><width>640</width><height>480</height><depth>3</depth></size>
//!   <object><name>eye</name><bndbox><xmin>11</xmin><ymin>21</ymin><xmax>60</xmax><ymax>70</ymax></bndbox></object>
//! </annotation>
//! ```
//!
//! The image is what the pattern's `{image}` stands for, or else `<filename>`.

use std::sync::Arc;

use super::boxes::rectangle;
use super::svg::parse_xml;
use super::table::coordinate;
use super::{Annotations, FoundFile, Reader, Watch, many, text};
use schemars::JsonSchema;
use serde::Deserialize;

use super::formats::Settings;
use crate::{Annotation, AnnotationError, Mark, Place};

/// How Pascal VOC files are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VocOptions {
    /// Only objects of these names; `None`: all.
    pub names: Option<Vec<String>>,
    /// Boxes are the first and last pixel, counted from 1, as in VOC itself: 11 to 60 covers `[10, 60)`. `false`: they are
    /// edges.
    pub pixels_from_one: bool,
    /// The element below `<annotation>` that says who, if there is one; else the file's name may say it.
    pub annotator: String,
}

impl Default for VocOptions {
    /// All objects, as VOC counts; `<annotator>` says who.
    fn default() -> Self {
        Self { names: None, pixels_from_one: true, annotator: "annotator".into() }
    }
}

/// Pascal VOC XML.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VocSettings {
    /// Such as `boxes/{image}.xml`.
    pub files: String,
    /// Only objects of these names.
    pub names: Option<Vec<String>>,
    /// Boxes are first and last pixel, counted from 1, as VOC counts; default: true. `false`: they are edges.
    pub pixels_from_one: Option<bool>,
    /// The element that says who; default: `annotator`.
    pub annotator: Option<String>,
}
impl Settings for VocSettings {
    type Options = VocOptions;

    fn files(&self) -> &str {
        &self.files
    }

    fn checked(&self) -> Result<VocOptions, String> {
        let default = VocOptions::default();
        Ok(VocOptions {
            names: self.names.clone(),
            pixels_from_one: self.pixels_from_one.unwrap_or(default.pixels_from_one),
            annotator: self.annotator.clone().unwrap_or(default.annotator),
        })
    }
}

impl Reader for VocOptions {
    fn read(&self, file: &FoundFile, watch: &Arc<Watch>) -> Result<Annotations, AnnotationError> {
        read(file, self, watch)
    }
}

fn read(file: &FoundFile, options: &VocOptions, watch: &Watch) -> Result<Annotations, AnnotationError> {
    let path = &file.path;
    let text = text(path)?;
    watch.expect("names", "name", options.names.as_ref());
    let document = parse_xml(&text, path)?;
    let root = document.root_element();
    if root.tag_name().name() != "annotation" {
        let reason = "it is no Pascal VOC file: the outermost element must be `<annotation>`";
        return Err(AnnotationError::fault(path, Place::File, reason));
    }
    let size = child(&root, "size");
    let side =
        |name: &str| size.and_then(|size| value(&size, name)).and_then(|text| text.parse::<u32>().ok());
    let frame_px = side("width").zip(side("height")).filter(|&(width, height)| width > 0 && height > 0);
    let mut found = Vec::new();
    let mut marks = Vec::new();
    for (index, object) in root.children().filter(|node| node.has_tag_name("object")).enumerate() {
        let name = value(&object, "name").unwrap_or("");
        watch.filter("names", "name", options.names.as_ref(), name);
        if options.names.as_ref().is_some_and(|wanted| !wanted.iter().any(|wanted| wanted == name)) {
            continue;
        }
        match mark(&object, options.pixels_from_one) {
            Ok(mark) => marks.push(mark),
            Err(reason) => {
                let line = document.text_pos_at(object.range().start).row;
                let place = format!("object {} in line {line}", index + 1);
                found.push(Err(AnnotationError::element(path, place, reason)));
            }
        }
    }
    let n_lost = found.len();
    let annotator = value(&root, &options.annotator).filter(|name| !name.is_empty()).map(str::to_owned);
    if options.annotator != VocOptions::default().annotator {
        watch.look("annotator", format!("the element `<{}>`", options.annotator), annotator.is_some());
        for child in root.children().filter(roxmltree::Node::is_element) {
            watch.knows("annotator", child.tag_name().name());
        }
    }
    let stated = value(&root, "filename").filter(|name| !name.is_empty()).map(str::to_owned);
    let image = file.image.clone().or(stated).unwrap_or_else(|| file.image_or_stem());
    let origin = format!("`{}`", path.display());
    found.push(Ok(Annotation { annotator, frame_px, marks, n_lost, ..Annotation::new(image, origin) }));
    Ok(many(found))
}

fn mark(object: &roxmltree::Node<'_, '_>, pixels_from_one: bool) -> Result<Mark, String> {
    let sides = child(object, "bndbox").ok_or("it has no `<bndbox>`")?;
    let side = |name: &str| {
        let text = value(&sides, name).ok_or_else(|| format!("its `<bndbox>` has no `<{name}>`"))?;
        coordinate(text, &format!("`<{name}>`"))
    };
    let before = f64::from(u8::from(pixels_from_one));
    rectangle(side("xmin")? - before, side("ymin")? - before, side("xmax")?, side("ymax")?)
}

fn child<'a, 'input>(node: &roxmltree::Node<'a, 'input>, name: &str) -> Option<roxmltree::Node<'a, 'input>> {
    node.children().find(|child| child.has_tag_name(name))
}

fn value<'a>(node: &roxmltree::Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name).and_then(|child| child.text()).map(str::trim)
}
