//! The JSON schema of parts that a file chooses by name.

use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::choice::Choice;
use crate::fault::Step;

/// How the schema of a list of parts is put together.
#[derive(Clone, Debug, Default)]
pub struct SchemaOfChoice {
    /// The field that chooses the part.
    pub tag: &'static str,
    /// The documentation of that field.
    pub tag_description: &'static str,
    /// The schemas of fields that every part of the list has beside its own.
    pub common: Map<String, Value>,
    /// Names of those that must be there.
    pub required: Vec<&'static str>,
}

/// A schema with one alternative a part: its own fields, the field that chooses it, and the common ones.
pub fn schema_of_choices<T: ?Sized>(
    generator: &mut SchemaGenerator,
    choices: &[Choice<T>],
    how: &SchemaOfChoice,
) -> Schema {
    let alternatives: Vec<Value> = choices
        .iter()
        .map(|choice| {
            let own = (choice.schema)(generator).to_value();
            let mut properties = how.common.clone();
            properties.insert(
                how.tag.to_owned(),
                json!({"const": choice.name, "description": how.tag_description}),
            );
            properties.extend(own.get("properties").and_then(Value::as_object).cloned().unwrap_or_default());
            let mut required: Vec<Value> = how.required.iter().map(|&name| name.into()).collect();
            required.push(how.tag.into());
            required.extend(own.get("required").and_then(Value::as_array).cloned().unwrap_or_default());
            let mut alternative = Map::new();
            if let Some(text) = own.get("description") {
                alternative.insert("description".to_owned(), text.clone());
            }
            alternative.insert("type".to_owned(), "object".into());
            alternative.insert("properties".to_owned(), properties.into());
            alternative.insert("required".to_owned(), required.into());
            alternative.insert("additionalProperties".to_owned(), false.into());
            alternative.into()
        })
        .collect();
    let mut schema = Schema::default();
    schema.insert("oneOf".to_owned(), alternatives.into());
    schema
}

/// The schema of the value at `path` below `schema`, without following references.
pub(crate) fn field_of<'a>(schema: &'a Value, path: &[Step]) -> Option<&'a Value> {
    // The documentation of a list stands at the list: the elements' own schema rarely says more.
    let mut node = schema;
    let mut described = None;
    for step in path {
        node = match step {
            Step::Field(name) => node.get("properties")?.get(name)?,
            Step::Index(_) => node.get("items")?,
        };
        if node.get("description").is_some() {
            described = Some(node);
        }
    }
    described
}
