//! Label Studio's JSON export: a task an image, an annotation a person, coordinates in percent.
//!
//! ```json
//! [{"id": 1, "data": {"image": "/data/upload/4/cb0618f6-0001.png"}, "annotations": [
//!   {"id": 7, "completed_by": 3, "result": [
//!     {"type": "rectanglelabels", "original_width": 640, "original_height": 480,
//!      "value": {"x": 10, "y": 20, "width": 25, "height": 50, "rotation": 0, "rectanglelabels": ["eye"]}}]}]}]
//! ```
//!
//! Read are rectangles (turned about their upper left corner), ellipses, polygons, key points, and brush masks
//! (`"format": "rle"`). Choices, ratings, texts and relations are passed over. Names of uploads lose what Label Studio puts
//! before them ([`super::uploaded_name`]). A cancelled (skipped) annotation is none; one without result is a person who marked
//! nothing.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::boxes::rectangle;
use super::formats::{Reader, Settings};
use super::json::{below, document, elements, kind, name, number, points, side};
use super::map_file::MapOptions;
use super::rle::Runs;
use super::stored::{MapData, StoredMap};
use super::uploads::uploaded_name;
use super::via::turned_ellipse;
use super::{Annotations, FoundFile, Watch, many};
use crate::{Affine, Annotation, AnnotationError, Fill, Mark, Place};

/// How Label Studio's exports are read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelStudioOptions {
    /// Such as `export.json`.
    pub files: String,
    /// The key of a task's `data` that names the image; default: `image`.
    #[serde(default = "image")]
    pub image: String,
    /// Only marks with one of these labels.
    pub labels: Option<Vec<String>>,
}

fn image() -> String {
    "image".into()
}

impl Settings for LabelStudioOptions {
    type Options = Self;

    fn files(&self) -> &str {
        &self.files
    }

    fn checked(&self) -> Result<Self, String> {
        Ok(self.clone())
    }
}

type Items = Vec<Result<Annotation, AnnotationError>>;

impl Reader for LabelStudioOptions {
    fn read(&self, file: &FoundFile, watch: &Arc<Watch>) -> Result<Annotations, AnnotationError> {
        let path = &file.path;
        watch.expect("labels", "label", self.labels.as_ref());
        let mut found = Vec::new();
        let mut take = |_: &str, index: usize, task: Value| {
            let place = match task.get("id").and_then(name) {
                Some(id) => format!("[{index}] (id {id})"),
                None => format!("[{index}]"),
            };
            if let Err(reason) = self.take_task(&task, &place, file, watch, &mut found) {
                found.push(Err(AnnotationError::element(path, place, reason)));
            }
        };
        if let Err(error) = elements(&document(path)?, path, &[""], &mut take) {
            // What stands before a break is delivered.
            if found.is_empty() {
                return Err(error);
            }
            found.push(Err(error));
        }
        Ok(many(found))
    }
}

impl LabelStudioOptions {
    fn take_task(
        &self,
        task: &Value,
        place: &str,
        file: &FoundFile,
        watch: &Watch,
        found: &mut Items,
    ) -> Result<(), String> {
        let data = task.get("data").ok_or("it has no `data`: it is no task of Label Studio")?;
        let image = below(data, &self.image).and_then(Value::as_str).ok_or_else(|| {
            let keys: Vec<String> =
                data.as_object().into_iter().flat_map(serde_json::Map::keys).take(5).cloned().collect();
            format!(
                "its `data` has no text `{}`: name the key of the image; it has {}",
                self.image,
                keys.join(", ")
            )
        })?;
        // What a URL asks for is no part of the name; local files are what is asked for.
        let image = image.split_once("?d=").map_or(image, |(_, local)| local);
        let image = uploaded_name(image).unwrap_or(image);
        let list = task.get("annotations").or_else(|| task.get("completions"));
        let list = list
            .and_then(Value::as_array)
            .ok_or("it has no `annotations`: export as JSON, not as JSON-MIN")?;
        for (index, one) in list.iter().enumerate() {
            if one.get("was_cancelled").and_then(Value::as_bool) == Some(true) {
                continue;
            }
            let place = format!("{place}, annotations[{index}]");
            let mut annotation = Annotation::new(image, format!("`{}`, {place}", file.path.display()));
            annotation.annotator = one.get("completed_by").and_then(|by| match by {
                Value::Object(person) => person.get("email").or_else(|| person.get("id")).and_then(name),
                by => name(by),
            });
            annotation.duration_s =
                one.get("lead_time").and_then(Value::as_f64).filter(|seconds| *seconds >= 0.0);
            for (at, result) in one.get("result").and_then(Value::as_array).into_iter().flatten().enumerate()
            {
                let place = Place::Element(format!("{place}.result[{at}]"));
                match self.mark(result, &mut annotation.frame_px, &file.path, &place, watch) {
                    Ok(mark) => annotation.marks.extend(mark),
                    Err(reason) => {
                        annotation.n_lost += 1;
                        found.push(Err(AnnotationError::fault(&file.path, place, reason)));
                    }
                }
            }
            found.push(Ok(annotation));
        }
        Ok(())
    }

    /// Nothing for what marks no place, and for labels that are not wanted.
    fn mark(
        &self,
        result: &Value,
        frame_px: &mut Option<(u32, u32)>,
        path: &std::path::Path,
        place: &Place,
        watch: &Watch,
    ) -> Result<Option<Mark>, String> {
        let what = result.get("type").and_then(Value::as_str).unwrap_or_default();
        let what = what.strip_suffix("labels").unwrap_or(what);
        if !["rectangle", "ellipse", "polygon", "keypoint", "brush"].contains(&what) {
            return Ok(None);
        }
        let value = result.get("value").ok_or("it has no `value`")?;
        if let Some(wanted) = &self.labels {
            let labels = value.get(format!("{what}labels")).and_then(Value::as_array);
            let labels: Vec<&str> = labels.into_iter().flatten().filter_map(Value::as_str).collect();
            for label in &labels {
                watch.filter("labels", "label", Some(wanted), label);
            }
            if !labels.iter().any(|label| wanted.iter().any(|one| one == label)) {
                return Ok(None);
            }
        }
        let original = |key: &str| side(result.get(key).ok_or_else(|| format!("it has no `{key}`"))?, key);
        let (width, height) = (original("original_width")?, original("original_height")?);
        if *frame_px.get_or_insert((width, height)) != (width, height) {
            return Err(format!("its image is {width}x{height}, but marks before are on another size"));
        }
        if result.get("image_rotation").and_then(Value::as_f64).is_some_and(|angle| angle != 0.0) {
            return Err(
                "the image was turned in the tool (`image_rotation`), which is not followed: turn it back"
                    .into(),
            );
        }
        let (across, down) = (f64::from(width) / 100.0, f64::from(height) / 100.0);
        let percent = |key: &str| {
            number(value.get(key).ok_or_else(|| format!("it has no `{key}`"))?, &format!("`{key}`"))
        };
        let angle = value.get("rotation").map_or(Ok(0.0), |angle| number(angle, "`rotation`"))?.to_radians();
        Ok(Some(match what {
            "rectangle" => {
                let (left, top) = (percent("x")? * across, percent("y")? * down);
                let (right, bottom) = (left + percent("width")? * across, top + percent("height")? * down);
                let upright = rectangle(left, top, right, bottom)?;
                if angle == 0.0 {
                    return Ok(Some(upright));
                }
                let turn = Affine::shift(-left, -top).then(Affine::similarity(angle, 1.0, (left, top)));
                let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
                Mark::Polygon {
                    rings: vec![corners.map(|corner| turn.apply(corner)).to_vec()],
                    fill: Fill::EvenOdd,
                }
            }
            "ellipse" => {
                let radii = (percent("radiusX")? * across, percent("radiusY")? * down);
                turned_ellipse((percent("x")? * across, percent("y")? * down), radii, angle)?
            }
            "polygon" => {
                let ring = points(value.get("points").unwrap_or(&Value::Null), "`points`")?;
                if ring.len() < 3 {
                    return Err(format!("a polygon of {} points: it must have at least 3", ring.len()));
                }
                let ring = ring.into_iter().map(|(x, y)| (x * across, y * down)).collect();
                Mark::Polygon { rings: vec![ring], fill: Fill::EvenOdd }
            }
            "keypoint" => {
                Mark::Point { x: percent("x")? * across, y: percent("y")? * down, duration_s: None }
            }
            _ => {
                let bytes = value.get("rle").and_then(Value::as_array).ok_or_else(|| {
                    format!(
                        "`rle` is {}: it must be a list of bytes",
                        value.get("rle").map_or("missing", kind)
                    )
                })?;
                let byte = |byte: &Value| byte.as_u64().and_then(|byte| u8::try_from(byte).ok());
                let bytes: Option<Vec<u8>> = bytes.iter().map(byte).collect();
                let bytes = bytes.ok_or("`rle` has numbers that are no bytes")?;
                Mark::Stored(StoredMap {
                    data: MapData::Runs(brush(&bytes, width, height)?),
                    options: MapOptions::default(),
                    area: None,
                    path: path.into(),
                    place: place.clone(),
                })
            }
        }))
    }
}

/// Bits, the highest of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, n: u32) -> Result<u32, String> {
        let mut number = 0u32;
        for _ in 0..n {
            let byte = self.bytes.get(self.at / 8).ok_or("the brush mask ends within a run")?;
            number = number << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Ok(number)
    }
}

/// A brush mask: the run-length code of `@thi.ng/rle-pack` over the bytes of an RGBA picture, of which the opacity counts.
///
/// 32 bits: the number of words; 5 bits: the size of a word less 1; four times 4 bits: sizes of run lengths less 1. Then
/// for each run: 1 bit (a run of one word, or words one by one), 2 bits (which size of length), the length less 1, and the
/// word or words.
fn brush(bytes: &[u8], width: u32, height: u32) -> Result<Runs, String> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels > super::MAX_PIXELS {
        return Err(format!("the brush mask of {width}x{height} pixels is beyond the limit"));
    }
    let mut bits = Bits { bytes, at: 0 };
    let n_words = u64::from(bits.take(32)?);
    if n_words != 4 * pixels {
        return Err(format!(
            "the brush mask has {n_words} numbers: {width}x{height} pixels of four channels have {}",
            4 * pixels
        ));
    }
    let word_bits = bits.take(5)? + 1;
    let mut length_bits = [0; 4];
    for size in &mut length_bits {
        *size = bits.take(4)? + 1;
    }
    if word_bits != 8 {
        return Err(format!("the brush mask has words of {word_bits} bits: 8 are read"));
    }
    // Along the rows, zeros first.
    let (mut counts, mut is_marked, mut at) = (vec![0u32], false, 0u64);
    let mut add = |word: u32, n: u64| {
        let end = (at + n).min(n_words);
        // Every fourth word from the fourth on is an opacity.
        let n_pixels = (end / 4 - at / 4) as u32;
        at = end;
        if n_pixels > 0 {
            if (word > 0) != is_marked {
                is_marked = !is_marked;
                counts.push(0);
            }
            if let Some(count) = counts.last_mut() {
                *count += n_pixels;
            }
        }
        at < n_words
    };
    loop {
        let is_run = bits.take(1)? == 1;
        let size = length_bits[bits.take(2)? as usize];
        let length = u64::from(bits.take(size)?) + 1;
        if is_run {
            if !add(bits.take(8)?, length) {
                break;
            }
        } else {
            let mut goes_on = true;
            for _ in 0..length {
                goes_on = add(bits.take(8)?, 1);
                if !goes_on {
                    break;
                }
            }
            if !goes_on {
                break;
            }
        }
    }
    super::run_lengths::transposed(&Runs::new([width, height], counts)?)
}
