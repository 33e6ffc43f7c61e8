//! What an experiment file says of a way of training.

use std::borrow::Cow;
use std::fmt;

use cyborg_methods::METHODS;
use cyborg_settings::{SchemaOfChoice, schema_of_choices};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::part::{fields, text};

/// One way of training: its name in tables, the method, and the method's own settings.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodFile {
    /// Short name for tables.
    pub name: String,
    /// The method, one of [`METHODS`].
    pub loss: String,
    /// The tap whose features the class activation map is made of.
    pub tap: Option<String>,
    /// The method's own settings, as they are written.
    pub settings: Map<String, Value>,
}

impl Serialize for MethodFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("loss", &self.loss)?;
        for (name, value) in &self.settings {
            map.serialize_entry(name, value)?;
        }
        if let Some(tap) = &self.tap {
            map.serialize_entry("tap", tap)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for MethodFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MethodVisitor;
        impl<'de> Visitor<'de> for MethodVisitor {
            type Value = MethodFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping with `name`, `loss` and settings of the loss")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MethodFile, A::Error> {
                let mut settings = fields(map)?;
                let mut required =
                    |name| text(&mut settings, name)?.ok_or_else(|| A::Error::missing_field(name));
                let (name, loss) = (required("name")?, required("loss")?);
                let tap = text(&mut settings, "tap")?;
                Ok(MethodFile { name, loss, tap, settings })
            }
        }
        deserializer.deserialize_map(MethodVisitor)
    }
}

impl JsonSchema for MethodFile {
    fn schema_name() -> Cow<'static, str> {
        "MethodFile".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let common = json!({
            "name": {"type": "string", "description": "Short name for tables."},
            "tap": {
                "type": "string",
                "description": "The tensor that the class activation map is made of: `released` (where the released code \
                    takes it, if absent), `pooled` (the one that global average pooling sees), or another tap of the \
                    network with as many channels as its classifier takes."
            },
        });
        let how = SchemaOfChoice {
            tag: "loss",
            tag_description: "What is minimised.",
            common: common.as_object().cloned().unwrap_or_default(),
            required: vec!["name"],
        };
        schema_of_choices(generator, METHODS, &how)
    }
}
