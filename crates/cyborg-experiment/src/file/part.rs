//! A part that a file chooses by name, with settings of its own.

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// A part as a file names it: `cosine`, or `{name: cosine, to: 0.01}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The name of the part.
    pub name: String,
    /// Its settings, as they are written.
    pub settings: Map<String, Value>,
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + self.settings.len()))?;
        map.serialize_entry("name", &self.name)?;
        for (name, value) in &self.settings {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PartVisitor;
        impl<'de> Visitor<'de> for PartVisitor {
            type Value = Part;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name, or a mapping with `name` and settings")
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<Part, E> {
                Ok(Part { name: name.to_owned(), settings: Map::new() })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Part, A::Error> {
                let mut settings = fields(map)?;
                let name = text(&mut settings, "name")?.ok_or_else(|| A::Error::missing_field("name"))?;
                Ok(Part { name, settings })
            }
        }
        deserializer.deserialize_any(PartVisitor)
    }
}

/// All fields of a mapping.
pub(crate) fn fields<'de, A: MapAccess<'de>>(mut map: A) -> Result<Map<String, Value>, A::Error> {
    let mut fields = Map::new();
    while let Some((name, value)) = map.next_entry::<String, Value>()? {
        fields.insert(name, value);
    }
    Ok(fields)
}

/// Takes a field that holds text out of a mapping; numbers and truth values are taken as they are written.
pub(crate) fn text<E: Error>(
    fields: &mut Map<String, Value>,
    name: &'static str,
) -> Result<Option<String>, E> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string())),
        Some(other) => Err(E::custom(format!("`{name}` must be text, found {other}"))),
    }
}
