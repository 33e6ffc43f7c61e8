//! What an experiment file says of a drawn data set.

use std::borrow::Cow;
use std::fmt;

use cyborg_phantom::PHANTOMS;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::part::fields;

/// A drawn data set as a file names it: `faces: {image_px: 64}`.
#[derive(Clone, Debug, PartialEq)]
pub struct PhantomFile {
    /// The domain, one of [`PHANTOMS`].
    pub domain: String,
    /// The domain's own settings, as they are written.
    pub settings: Map<String, Value>,
}

impl Serialize for PhantomFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(&self.domain, &self.settings)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for PhantomFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PhantomVisitor;
        impl<'de> Visitor<'de> for PhantomVisitor {
            type Value = PhantomFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let names = cyborg_settings::names(PHANTOMS).join("`, `");
                write!(f, "a mapping with one domain (`{names}`) and its settings")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PhantomFile, A::Error> {
                let mut domains = fields(map)?.into_iter();
                match (domains.next(), domains.next()) {
                    (Some((domain, Value::Object(settings))), None) => Ok(PhantomFile { domain, settings }),
                    (Some((domain, Value::Null)), None) => Ok(PhantomFile { domain, settings: Map::new() }),
                    (Some((domain, other)), None) => Err(A::Error::custom(format!(
                        "`{domain}` must be a mapping of settings, found {other}"
                    ))),
                    (first, second) => {
                        let found =
                            usize::from(first.is_some()) + usize::from(second.is_some()) + domains.count();
                        Err(A::Error::custom(format!("expected exactly one domain, found {found}")))
                    }
                }
            }
        }
        deserializer.deserialize_map(PhantomVisitor)
    }
}

impl JsonSchema for PhantomFile {
    fn schema_name() -> Cow<'static, str> {
        "PhantomFile".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let alternatives: Vec<Value> = PHANTOMS
            .iter()
            .map(|choice| {
                let mut properties = Map::new();
                properties.insert(choice.name.to_owned(), (choice.schema)(generator).to_value());
                json!({
                    "type": "object",
                    "properties": properties,
                    "required": [choice.name],
                    "additionalProperties": false,
                })
            })
            .collect();
        let mut schema = Schema::default();
        schema.insert("description".to_owned(), "A drawn data set, by domain.".into());
        schema.insert("oneOf".to_owned(), alternatives.into());
        schema
    }
}
