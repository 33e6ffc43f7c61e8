//! What CVRL's annotation tool (EyeTagger) stores: a row a person and image, with the drawing in one field.
//!
//! From its web interface (`/api/annotations`) as JSON, from Django's `dumpdata` as JSON, or from its database as CSV:
//!
//! ```json
//! [{"pk": 1, "annotator": 4, "image": "0001", "annotation": "data:image/png;base64,iVBORw0..."}]
//! ```
//!
//! ```text
//! id,annotator_id,image_id,annotation
//! 1,4,0001,"data:image/png;base64,iVBORw0..."
//! ```
//!
//! The released tool exports the canvas, at the image's own size, as a transparent PNG with half-transparent strokes: a
//! pixel is marked where anything was drawn. A drawing may also be an SVG document, which the tool's canvas can export: it
//! is read as SVG files are. An empty field is an annotation without marks. The image is what the
//! pattern's `{image}` stands for, or else what the row says.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::json::{document, elements, kind, name, picture};
use super::map_file::{Channel, MapOptions, Scale};
use super::stored::{MapData, StoredMap};
use super::svg::{Paint, marks};
use super::table::{Columns, Rows, Table, shortened};
use super::{Annotations, FoundFile, Reader, Watch, many};
use schemars::JsonSchema;
use serde::Deserialize;

use super::formats::Settings;
use crate::{Annotation, AnnotationError, Mark, Place};

/// How EyeTagger's tables are read.
#[derive(Clone, Debug, PartialEq)]
pub struct EyeTaggerOptions {
    /// Key or column of the image.
    pub image: String,
    /// Key or column of the person.
    pub annotator: String,
    /// Key or column of the drawing.
    pub annotation: String,
    /// How drawings that are pictures are read.
    pub picture: MapOptions,
    /// What the shapes of drawings in SVG mean.
    pub paint: Paint,
}

impl Default for EyeTaggerOptions {
    /// The keys of the tool's web interface; a pixel is marked where it is not fully transparent.
    fn default() -> Self {
        let picture = MapOptions { channel: Channel::Alpha, scale: Scale::Binary, ..MapOptions::default() };
        Self {
            image: "image".into(),
            annotator: "annotator".into(),
            annotation: "annotation".into(),
            picture,
            paint: Paint::Stated,
        }
    }
}

/// What CVRL's annotation tool stores.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EyeTaggerSettings {
    /// Such as `annotations.csv` or `annotations.json`.
    pub files: String,
    /// Key or column of the image; default: `image`.
    pub image: Option<String>,
    /// Key or column of the person; default: `annotator`.
    pub annotator: Option<String>,
    /// Key or column of the drawing; default: `annotation`.
    pub annotation: Option<String>,
    /// What shapes of drawings in SVG mean; default: `stated`.
    #[serde(default)]
    pub paint: Paint,
}
impl Settings for EyeTaggerSettings {
    type Options = EyeTaggerOptions;

    fn files(&self) -> &str {
        &self.files
    }

    fn checked(&self) -> Result<EyeTaggerOptions, String> {
        let default = EyeTaggerOptions::default();
        Ok(EyeTaggerOptions {
            image: self.image.clone().unwrap_or(default.image),
            annotator: self.annotator.clone().unwrap_or(default.annotator),
            annotation: self.annotation.clone().unwrap_or(default.annotation),
            picture: default.picture,
            paint: self.paint,
        })
    }
}

impl Reader for EyeTaggerOptions {
    fn read(&self, file: &FoundFile, watch: &Arc<Watch>) -> Result<Annotations, AnnotationError> {
        read(file, self, watch)
    }
}

fn read(
    file: &FoundFile,
    options: &EyeTaggerOptions,
    watch: &Arc<Watch>,
) -> Result<Annotations, AnnotationError> {
    let mut start = [0; 16];
    let opened =
        fs_err::File::open(&file.path).map_err(|source| AnnotationError::open(&file.path, source))?;
    let n = std::io::Read::read(&mut std::io::BufReader::new(opened), &mut start)
        .map_err(|source| AnnotationError::open(&file.path, source))?;
    let start = start[..n].strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start[..n]);
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    if matches!(first, Some(b'[' | b'{')) { read_json(file, options) } else { read_csv(file, options, watch) }
}

fn read_csv(
    file: &FoundFile,
    options: &EyeTaggerOptions,
    watch: &Arc<Watch>,
) -> Result<Annotations, AnnotationError> {
    let columns = Columns {
        image: file.image.is_none().then(|| options.image.clone()),
        annotator: Some(options.annotator.clone()),
        ..Columns::default()
    };
    let rows = Rows::open(file, &Table { columns, ..Table::default() }, &[&options.annotation], watch)?;
    let options = options.clone();
    Ok(Box::new(rows.flat_map(move |row| match row {
        Err(error) => vec![Err(error)],
        Ok(row) => drawing(&row.fields[0], row.annotation, &options, &row.path, Place::Line(row.line)),
    })))
}

fn read_json(file: &FoundFile, options: &EyeTaggerOptions) -> Result<Annotations, AnnotationError> {
    let path = &file.path;
    let mut found = Vec::new();
    let mut take = |array: &str, index: usize, value: Value| {
        let place = Place::Element(format!("{array}[{index}]"));
        // Django's dump has the row below `fields`.
        let row = value.get("fields").filter(|fields| fields.is_object()).unwrap_or(&value);
        let fault = |reason: String| Err(AnnotationError::fault(path, place.clone(), reason));
        let Some(image) = file.image.clone().or_else(|| row.get(&options.image).and_then(name)) else {
            return found.push(fault(format!("it has no `{}`: name the key of the image", options.image)));
        };
        let annotation = Annotation {
            annotator: row.get(&options.annotator).and_then(name),
            ..Annotation::new(image, format!("`{}`{place}", path.display()))
        };
        match row.get(&options.annotation) {
            Some(Value::String(text)) => found.extend(drawing(text, annotation, options, path, place)),
            Some(other) => {
                found.push(fault(format!("`{}` is {}: it must be text", options.annotation, kind(other))));
            }
            None => {
                found.push(fault(format!("it has no `{}`: name the key of the drawing", options.annotation)));
            }
        }
    };
    // Django's REST framework puts a page of results below `results`.
    if let Err(error) = elements(&document(path)?, path, &["", "results"], &mut take) {
        found.push(Err(error));
    }
    Ok(many(found))
}

/// One drawing, after errors for those of its elements that cannot be read.
fn drawing(
    text: &str,
    mut annotation: Annotation,
    options: &EyeTaggerOptions,
    path: &Path,
    place: Place,
) -> Vec<Result<Annotation, AnnotationError>> {
    let text = text.trim();
    if text.starts_with('<') {
        let within = format!("{}, ", place.to_string().trim_start_matches(", "));
        return marks(text, annotation, options.paint, path, &within)
            .unwrap_or_else(|error| vec![Err(error)]);
    }
    if !text.is_empty() {
        if !text.starts_with("data:image/") {
            let reason =
                format!("the drawing is `{}`: `data:image/...` and `<svg ...` are known", shortened(text));
            return vec![Err(AnnotationError::fault(path, place, reason))];
        }
        match picture(text) {
            Ok(bytes) => annotation.marks.push(Mark::Stored(StoredMap {
                data: MapData::Bytes(Arc::from(bytes)),
                options: options.picture.clone(),
                area: None,
                path: path.into(),
                place,
            })),
            Err(reason) => return vec![Err(AnnotationError::fault(path, place, reason))],
        }
    }
    vec![Ok(annotation)]
}
