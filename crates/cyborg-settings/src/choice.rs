//! Parts that a file chooses by name, each with settings of its own.

use std::fmt::Debug;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::fault::{Fault, Step};
use crate::schema::field_of;
use crate::suggest::nearest;

/// The settings of one part. The type's fields are the fields of the file, its doc comments their documentation.
///
/// A field that may be absent from a file has a default (`#[serde(default)]`); what is in force is always written out in
/// [`AnySettings::to_fields`].
pub trait Settings:
    Serialize + DeserializeOwned + JsonSchema + Clone + Debug + Send + Sync + 'static
{
    /// The name that files choose the part by.
    const NAME: &'static str;

    /// Fields that cannot change a number and therefore are no part of a run's identity.
    const NOT_IN_IDENTITY: &'static [&'static str] = &[];

    /// Rules that a single field's type cannot express, such as one field that must be below another.
    ///
    /// # Errors
    /// The fault, with the field that should be changed.
    fn check(&self) -> Result<(), Fault> {
        Ok(())
    }
}

/// What can be asked of any part's settings without knowing its type.
pub trait AnySettings: Debug + Send + Sync {
    /// The name that files choose the part by.
    fn name(&self) -> &'static str;

    /// All fields as they are in force, defaults written out.
    fn to_fields(&self) -> Map<String, Value>;

    /// Everything of the part that can change a number: its name and its fields, without those that are marked.
    fn identity(&self) -> Value;
}

impl<S: Settings> AnySettings for S {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn to_fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            // A struct with named fields always becomes an object.
            _ => Map::new(),
        }
    }

    fn identity(&self) -> Value {
        let mut identity = Map::from_iter([("name".to_owned(), Value::from(S::NAME))]);
        let fields = self.to_fields().into_iter();
        identity.extend(fields.filter(|(name, _)| !S::NOT_IN_IDENTITY.contains(&name.as_str())));
        Value::Object(identity)
    }
}

/// Reads a part from the fields of a file.
type Parse<T> = fn(&Map<String, Value>) -> Result<Box<T>, Fault>;

/// One part of a list: `T` is the trait that all parts of the list implement.
pub struct Choice<T: ?Sized> {
    /// The name that files choose it by.
    pub name: &'static str,
    /// Reads the part; see [`Choice::parse`].
    #[doc(hidden)]
    pub parse: Parse<T>,
    /// The schema of the part's fields.
    #[doc(hidden)]
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

impl<T: ?Sized> Choice<T> {
    /// Reads the part from the fields of a file, without the field that chose it.
    ///
    /// # Errors
    /// An unknown field, a missing one, a value of the wrong type or out of range, or what [`Settings::check`] refuses;
    /// the path leads to the value, and the hint says what is valid.
    pub fn parse(&self, fields: &Map<String, Value>) -> Result<Box<T>, Fault> {
        (self.parse)(fields)
    }
}

impl<T: ?Sized> Debug for Choice<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Choice({})", self.name)
    }
}

/// The list of parts of one kind: `choices![dyn Shape; Square, Circle]` is a constant `&[Choice<dyn Shape>]`.
#[macro_export]
macro_rules! choices {
    ($kind:ty; $($part:ty),+ $(,)?) => {
        &[$($crate::Choice::<$kind> {
            name: <$part as $crate::Settings>::NAME,
            parse: |fields| {
                $crate::macro_support::parse::<$part>(fields).map(|part| -> Box<$kind> { Box::new(part) })
            },
            schema: $crate::macro_support::schema_of::<$part>,
        }),+]
    };
}

/// The part of that name.
///
/// # Errors
/// A hint with the nearest name and all valid ones.
pub fn find<'a, T: ?Sized>(choices: &'a [Choice<T>], name: &str) -> Result<&'a Choice<T>, String> {
    choices.iter().find(|choice| choice.name == name).ok_or_else(|| nearest(name, &names(choices)))
}

/// The names of a list, in its order.
pub fn names<T: ?Sized>(choices: &[Choice<T>]) -> Vec<&'static str> {
    choices.iter().map(|choice| choice.name).collect()
}

/// The schema of a part's fields.
pub fn schema_of<S: Settings>(generator: &mut SchemaGenerator) -> Schema {
    S::json_schema(generator)
}

/// Reads a part of a known type; see [`Choice::parse`].
///
/// # Errors
/// As [`Choice::parse`].
pub fn parse<S: Settings>(fields: &Map<String, Value>) -> Result<S, Fault> {
    let schema = schemars::generate::SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<S>()
        .to_value();
    let properties = schema.get("properties").and_then(Value::as_object);
    let known: Vec<&String> = properties.into_iter().flat_map(Map::keys).collect();
    if let Some(unknown) = fields.keys().find(|field| !known.contains(field)) {
        let hint = match known.as_slice() {
            [] => format!("`{}` has no settings: remove the field", S::NAME),
            known => nearest(unknown, known),
        };
        return Err(Fault::of_field(unknown, format!("`{}` has no such setting", S::NAME), Some(hint)));
    }
    let value = Value::Object(fields.clone());
    let part: S = serde_path_to_error::deserialize(value).map_err(|error| {
        let path: Vec<Step> = error.path().iter().filter_map(step).collect();
        let expected = field_of(&schema, &path)
            .and_then(|field| field.get("description")?.as_str().map(ToOwned::to_owned))
            .map(|text| format!("expected: {}", text.split_whitespace().collect::<Vec<_>>().join(" ")));
        Fault { path, message: error.into_inner().to_string(), hint: expected }
    })?;
    part.check()?;
    Ok(part)
}

fn step(segment: &serde_path_to_error::Segment) -> Option<Step> {
    use serde_path_to_error::Segment;
    match segment {
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Map { key } => Some(Step::field(key)),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AtLeastOne, Fraction};
    use serde::Deserialize;
    use serde_json::json;

    trait Part: AnySettings {}

    /// A part with fields.
    #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Blur {
        /// Share of the images, from 0 to 1.
        #[serde(default = "half")]
        probability: Fraction,
        /// Sizes to draw from, in pixels.
        sizes_px: Vec<AtLeastOne>,
        /// The number of threads.
        #[serde(default)]
        threads: usize,
    }

    fn half() -> Fraction {
        Fraction::new(0.5).expect("in range")
    }

    impl Settings for Blur {
        const NAME: &'static str = "blur";
        const NOT_IN_IDENTITY: &'static [&'static str] = &["threads"];
        fn check(&self) -> Result<(), Fault> {
            if self.sizes_px.is_empty() {
                return Err(Fault::of_field("sizes_px", "there is no size to draw from", None));
            }
            Ok(())
        }
    }
    impl Part for Blur {}

    /// A part without fields.
    #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    impl Settings for Nothing {
        const NAME: &'static str = "nothing";
    }
    impl Part for Nothing {}

    const PARTS: &[Choice<dyn Part>] = choices![dyn Part; Blur, Nothing];

    fn parsed(name: &str, fields: Value) -> Result<Box<dyn Part>, Fault> {
        find(PARTS, name).expect("listed").parse(fields.as_object().expect("an object"))
    }

    #[test]
    fn a_part_writes_out_its_defaults_and_leaves_marked_fields_out_of_the_identity() {
        let blur = parsed("blur", json!({"sizes_px": [3], "threads": 7})).expect("valid");
        assert_eq!(
            Value::Object(blur.to_fields()),
            json!({"probability": 0.5, "sizes_px": [3], "threads": 7})
        );
        assert_eq!(blur.identity(), json!({"name": "blur", "probability": 0.5, "sizes_px": [3]}));
        assert_eq!(parsed("nothing", json!({})).expect("valid").identity(), json!({"name": "nothing"}));
    }

    #[test]
    fn faults_lead_to_the_value_and_say_what_is_valid() {
        let check = |name: &str, fields: Value, message: &str, hint: &str| {
            let fault = parsed(name, fields).expect_err("refused");
            assert_eq!(fault.to_string(), message);
            assert_eq!(fault.hint.unwrap_or_default(), hint);
        };
        check(
            "blur",
            json!({"sizes_px": [3], "probabilty": 0.1}),
            "`probabilty`: `blur` has no such setting",
            "did you mean `probability`? valid names: `probability`, `sizes_px`, `threads`",
        );
        check(
            "blur",
            json!({"sizes_px": [3], "probability": 1.5}),
            "`probability`: expected a number from 0 to 1, found 1.5",
            "expected: Share of the images, from 0 to 1.",
        );
        check(
            "blur",
            json!({"sizes_px": [3, 0]}),
            "`sizes_px[1]`: expected a whole number of 1 or more, found 0",
            "expected: Sizes to draw from, in pixels.",
        );
        check("blur", json!({}), "missing field `sizes_px`", "");
        check("blur", json!({"sizes_px": []}), "`sizes_px`: there is no size to draw from", "");
        check(
            "nothing",
            json!({"alpha": 1}),
            "`alpha`: `nothing` has no such setting",
            "`nothing` has no settings: remove the field",
        );
        let hint = find(PARTS, "blurr").expect_err("not listed");
        assert_eq!(hint, "did you mean `blur`? valid names: `blur`, `nothing`");
    }
}
