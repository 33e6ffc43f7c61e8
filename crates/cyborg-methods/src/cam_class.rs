//! How experiment files write the class of a class activation map.

use std::borrow::Cow;
use std::fmt;

use cyborg_loss::CamClass;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The class whose activation map is compared with people's: `predicted` or `true`.
///
/// YAML reads a bare `true` as a truth value, which is therefore taken for the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CamClassName(pub(crate) CamClass);

impl Default for CamClassName {
    fn default() -> Self {
        Self(CamClass::Predicted)
    }
}

impl Serialize for CamClassName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self.0 {
            CamClass::Predicted => "predicted",
            CamClass::True => "true",
        })
    }
}

impl<'de> Deserialize<'de> for CamClassName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = CamClassName;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`predicted` or `true`")
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<CamClassName, E> {
                if value {
                    Ok(CamClassName(CamClass::True))
                } else {
                    Err(E::invalid_value(Unexpected::Bool(value), &self))
                }
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<CamClassName, E> {
                match value {
                    "predicted" => Ok(CamClassName(CamClass::Predicted)),
                    "true" => Ok(CamClassName(CamClass::True)),
                    other => Err(E::invalid_value(Unexpected::Str(other), &self)),
                }
            }
        }
        deserializer.deserialize_any(Name)
    }
}

impl JsonSchema for CamClassName {
    fn schema_name() -> Cow<'static, str> {
        "CamClassName".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"enum": ["predicted", "true", true]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_true_is_the_word() {
        let read = |text: &str| serde_json::from_str::<CamClassName>(text).map(|name| name.0);
        assert_eq!(read("true").expect("read"), CamClass::True);
        assert_eq!(read("\"true\"").expect("read"), CamClass::True);
        assert_eq!(read("\"predicted\"").expect("read"), CamClass::Predicted);
        let error = read("\"fake\"").expect_err("refused").to_string();
        assert!(error.contains("expected `predicted` or `true`"), "{error}");
        assert!(read("false").is_err());
    }
}
