//! JSON, element by element.

use std::path::Path;

use base64::Engine as _;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::bytes;
use super::table::{in_range, shortened};
use crate::{AnnotationError, Place};

/// The bytes of a JSON file as JSON has them: UTF-8 without a byte order mark, and numbers that Python writes and JSON does
/// not know (`NaN`, `Infinity`) as empty texts of the same length, so that only what needs them is lost.
///
/// # Errors
/// [`AnnotationError::Fault`] that names the encoding and the way out of it.
pub(super) fn document(path: &Path) -> Result<Vec<u8>, AnnotationError> {
    let mut json = bytes(path)?;
    if json.starts_with(&[0xef, 0xbb, 0xbf]) {
        json.drain(..3);
    }
    if let Err(error) = std::str::from_utf8(&json) {
        let line = json[..error.valid_up_to()].split(|&byte| byte == b'\n').count() as u64;
        return Err(AnnotationError::line(path, line, not_utf8(&json, path)));
    }
    hide_numbers_that_are_none(&mut json);
    Ok(json)
}

/// A whole JSON file in memory.
///
/// # Errors
/// As [`document`], and what is wrong with the syntax.
pub(super) fn value(path: &Path) -> Result<Value, AnnotationError> {
    serde_json::from_slice(&document(path)?).map_err(|error| syntax(path, &error))
}

/// What encoding a file has that is not UTF-8, as far as its first bytes tell, and how to get rid of it.
pub(super) fn not_utf8(bytes: &[u8], path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return format!(
            "it is in UTF-16, not in UTF-8: save it as UTF-8, or `iconv -f UTF-16 -t UTF-8 '{name}' > utf8-{name}`"
        );
    }
    format!(
        "it is not in UTF-8 but in an encoding of its system, such as GBK, Shift-JIS or Windows-1252 (tools on Windows \
         write so): `iconv -f GBK -t UTF-8 '{name}' > utf8-{name}` with the right name of the encoding makes it UTF-8"
    )
}

fn hide_numbers_that_are_none(json: &mut [u8]) {
    let (mut at, mut in_text) = (0, false);
    while at < json.len() {
        match json[at] {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'-' | b'N' | b'I' if !in_text => {
                let length = ["-Infinity", "Infinity", "NaN"]
                    .iter()
                    .find(|word| json[at..].starts_with(word.as_bytes()))
                    .map_or(0, |word| word.len());
                if length > 0 {
                    json[at..at + length].fill(b' ');
                    json[at..at + 2].fill(b'"');
                    at += length - 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// Goes through a JSON document once, without keeping it. `each` gets the elements of the arrays named in `arrays` at the
/// top of an object (or, for a document that is itself an array, its elements under the name ``), with their index.
///
/// # Errors
/// What is wrong with the syntax, with line and column, or that none of the arrays is there and whose file it may be;
/// elements before it have been handed over.
pub(super) fn elements(
    bytes: &[u8],
    path: &Path,
    arrays: &[&str],
    each: &mut dyn FnMut(&str, usize, Value),
) -> Result<(), AnnotationError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let n_found = Top { arrays, each }
        .deserialize(&mut json)
        .and_then(|n_found| json.end().map(|()| n_found))
        .map_err(|error| syntax(path, &error))?;
    if n_found > 0 {
        return Ok(());
    }
    let wanted: Vec<String> =
        arrays.iter().filter(|name| !name.is_empty()).map(|name| format!("`{name}`")).collect();
    let wanted = if wanted.is_empty() { "list".to_owned() } else { wanted.join(" or ") };
    let document = serde_json::from_slice(bytes).unwrap_or(Value::Null);
    Err(another_tool(path, &wanted, &document))
}

/// That a document is not of the tool that its reader is for, and of which it seems to be.
pub(super) fn another_tool(path: &Path, wanted: &str, document: &Value) -> AnnotationError {
    let seems = match tool(document) {
        Some(tool) => format!("it seems to be a file of {tool}"),
        None => match document {
            Value::Object(map) if !map.is_empty() => {
                let keys: Vec<String> =
                    map.keys().take(5).map(|key| format!("`{}`", shortened(key))).collect();
                format!("it has {}", keys.join(", "))
            }
            other => format!("it is {}", kind(other)),
        },
    };
    let reason = format!("it has no {wanted} at its top; {seems}: name the right format in the source");
    AnnotationError::fault(path, Place::File, reason)
}

/// Whose file a document is, by its keys.
fn tool(document: &Value) -> Option<&'static str> {
    let has = |value: &Value, keys: &[&str]| keys.iter().all(|key| value.get(key).is_some());
    let first = match document {
        Value::Array(list) => list.first(),
        Value::Object(map) => map.values().next(),
        _ => None,
    };
    let first = first.unwrap_or(&Value::Null);
    Some(match document {
        _ if has(document, &["_via_img_metadata"]) => "VGG Image Annotator (project; `via`)",
        Value::Object(_) if has(first, &["filename", "regions"]) => "VGG Image Annotator (`via`)",
        _ if has(document, &["shapes"]) => "LabelMe (`label-me`)",
        _ if has(document, &["images", "annotations"]) => "COCO (`coco`)",
        Value::Array(_) if has(first, &["data"]) && first.get("annotations").is_some() => {
            "Label Studio (`label-studio`)"
        }
        Value::Array(_) if has(first, &["image", "annotations"]) => "CreateML",
        _ if has(document, &["objects", "size"]) => "Supervisely (`supervisely`)",
        _ if has(document, &["features"]) => "GeoJSON (`geo-json`)",
        _ => return None,
    })
}

/// Where a JSON document is broken.
pub(super) fn syntax(path: &Path, error: &serde_json::Error) -> AnnotationError {
    let text = error.to_string();
    let reason = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
    let place = Place::Column(error.line() as u64, error.column() as u64);
    AnnotationError::fault(path, place, format!("the JSON is broken: {reason}"))
}

struct Top<'a> {
    arrays: &'a [&'a str],
    each: &'a mut dyn FnMut(&str, usize, Value),
}

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = usize;

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<usize, D::Error> {
        json.deserialize_any(self)
    }
}

/// Gives the number of arrays that were there.
impl<'de> Visitor<'de> for Top<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<usize, M::Error> {
        let mut n_found = 0;
        while let Some(key) = map.next_key::<String>()? {
            if self.arrays.contains(&key.as_str()) {
                n_found += 1;
                map.next_value_seed(Elements { key: &key, each: &mut *self.each })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(n_found)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<usize, S::Error> {
        if !self.arrays.contains(&"") {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(0);
        }
        Elements { key: "", each: self.each }.visit_seq(seq).map(|()| 1)
    }
}

struct Elements<'a> {
    key: &'a str,
    each: &'a mut dyn FnMut(&str, usize, Value),
}

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an array in `{}`", self.key)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        let mut index = 0;
        while let Some(element) = seq.next_element::<Value>()? {
            (self.each)(self.key, index, element);
            index += 1;
        }
        Ok(())
    }
}

/// A finite number in range.
pub(super) fn number(value: &Value, what: &str) -> Result<f64, String> {
    if value.as_str() == Some("") {
        return Err(format!("{what} is empty or not a number (NaN): it must be a number"));
    }
    let number = value.as_f64().ok_or_else(|| format!("{what} is {}: it must be a number", kind(value)))?;
    in_range(number, what)
}

/// A list of numbers.
pub(super) fn numbers(value: &Value, what: &str) -> Result<Vec<f64>, String> {
    let list = value.as_array().ok_or_else(|| format!("{what} is {}: it must be an array", kind(value)))?;
    list.iter().map(|item| number(item, what)).collect()
}

/// A list of `[x, y]`.
pub(super) fn points(value: &Value, what: &str) -> Result<Vec<(f64, f64)>, String> {
    let list = value.as_array().ok_or_else(|| format!("{what} is {}: it must be an array", kind(value)))?;
    list.iter()
        .map(|point| match numbers(point, what)?[..] {
            [x, y] => Ok((x, y)),
            ref other => Err(format!("a point of {what} has {} numbers: it must have two", other.len())),
        })
        .collect()
}

/// A side of an image: whole and positive.
pub(super) fn side(value: &Value, what: &str) -> Result<u32, String> {
    let side = number(value, what)?;
    if (1.0..=1e6).contains(&side) && side.fract() == 0.0 {
        Ok(side as u32)
    } else {
        Err(format!("{what} is {side}: it must be whole, from 1 to 1000000"))
    }
}

/// Text, or a number or truth value as text: what tools write for ids and names.
pub(super) fn name(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// A value below nested keys, `attributes.annotator`.
pub(super) fn below<'a>(value: &'a Value, keys: &str) -> Option<&'a Value> {
    keys.split('.').try_fold(value, |value, key| value.get(key))
}

/// The bytes of a picture in Base64, with or without `data:image/png;base64,` before them.
pub(super) fn picture(text: &str) -> Result<Vec<u8>, String> {
    let data = text.trim();
    let data = if data.starts_with("data:") {
        data.split_once(',').map(|(_, data)| data).ok_or("the picture's `data:` address has no data")?
    } else {
        data
    };
    let plain: Vec<u8> = data.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    base64::engine::general_purpose::STANDARD
        .decode(plain)
        .map_err(|error| format!("the picture is no Base64: {error}"))
}

/// What a value is, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
