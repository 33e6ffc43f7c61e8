//! JSON, element by element.

use std::path::Path;

use base64::Engine as _;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::table::in_range;
use crate::{AnnotationError, Place};

/// Goes through a JSON document once, without keeping it. `each` gets the elements of the arrays named in `arrays` at the
/// top of an object (or, for a document that is itself an array, its elements under the name ``), with their index.
///
/// # Errors
/// What is wrong with the syntax, with line and column; elements before it have been handed over.
pub(super) fn elements(
    bytes: &[u8],
    path: &Path,
    arrays: &[&str],
    each: &mut dyn FnMut(&str, usize, Value),
) -> Result<(), AnnotationError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    Top { arrays, each }
        .deserialize(&mut json)
        .and_then(|()| json.end())
        .map_err(|error| syntax(path, &error))
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
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if self.arrays.contains(&key.as_str()) {
                map.next_value_seed(Elements { key: &key, each: &mut *self.each })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, seq: S) -> Result<(), S::Error> {
        if !self.arrays.contains(&"") {
            return Err(S::Error::custom("it is an array, not an object"));
        }
        Elements { key: "", each: self.each }.visit_seq(seq)
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
