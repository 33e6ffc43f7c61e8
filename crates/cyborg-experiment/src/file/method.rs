//! What an experiment file says of a way of training.

use std::borrow::Cow;
use std::fmt;

use cyborg_data::MAP_CONTROLS;
use cyborg_methods::METHODS;
use cyborg_settings::{SchemaOfChoice, schema_of_choices};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::part::{Part, fields, text};
use super::training::name_or_fields;

/// One way of training: its name in tables, the method, and the method's own settings.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodFile {
    /// Short name for tables.
    pub name: String,
    /// The method, one of [`METHODS`].
    pub loss: String,
    /// The tap whose features the class activation map is made of.
    pub tap: Option<String>,
    /// What replaces people's maps in training, one of [`MAP_CONTROLS`] or `people`.
    pub maps: Option<Part>,
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
        if let Some(maps) = &self.maps {
            map.serialize_entry("maps", maps)?;
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
                let maps = settings.remove("maps").map(serde_json::from_value).transpose();
                let maps = maps.map_err(|error| A::Error::custom(format!("`maps`: {error}")))?;
                Ok(MethodFile { name, loss, tap, maps, settings })
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
        let mut common = common.as_object().cloned().unwrap_or_default();
        let mut maps = name_or_fields(generator, MAP_CONTROLS, "The control.");
        maps.insert(
            "description".to_owned(),
            "What replaces people's maps in training, as a control; `people` (their own maps) if absent."
                .into(),
        );
        if let Some(alternatives) = maps.get_mut("oneOf").and_then(Value::as_array_mut) {
            alternatives.push(json!({"const": "people"}));
        }
        common.insert("maps".to_owned(), maps.to_value());
        let how = SchemaOfChoice {
            tag: "loss",
            tag_description: "What is minimised.",
            common,
            required: vec!["name"],
        };
        schema_of_choices(generator, METHODS, &how)
    }
}
