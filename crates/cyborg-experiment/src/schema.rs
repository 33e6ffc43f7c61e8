//! The JSON schema of experiment files: what editors complete from, and what error messages quote.

use std::sync::OnceLock;

use cyborg_settings::Step;
use serde_json::Value;

use crate::file::ExperimentFile;

/// JSON schema (draft 2020-12) of an experiment file, generated from the types.
pub fn experiment_schema() -> Value {
    schemars::schema_for!(ExperimentFile).to_value()
}

/// The documentation of the field at `path`, from the schema.
pub(crate) fn description_of(path: &[Step]) -> Option<String> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    let root = SCHEMA.get_or_init(experiment_schema);
    let mut node = root;
    let mut description = None;
    for step in path {
        node = resolve(root, node);
        node = match step {
            Step::Field(name) => node.get("properties").and_then(|p| p.get(name)).or_else(|| {
                // A choice: one of the alternatives has the field.
                let choices = ["oneOf", "anyOf"].iter().filter_map(|kind| node.get(*kind)?.as_array());
                choices.flatten().find_map(|o| resolve(root, o).get("properties")?.get(name))
            })?,
            Step::Index(_) => node.get("items")?,
        };
        if let Some(text) = node.get("description").and_then(Value::as_str) {
            description = Some(text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    description
}

/// Follows `$ref` and the `anyOf` that an optional field becomes.
fn resolve<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    let mut node = node;
    for _ in 0..4 {
        if let Some(target) = node.get("$ref").and_then(Value::as_str) {
            match root.pointer(target.trim_start_matches('#')) {
                Some(found) => node = found,
                None => return node,
            }
        } else if let Some(first) = node.get("anyOf").and_then(|a| a.get(0)) {
            node = first;
        } else {
            return node;
        }
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(fields: &[&str]) -> Vec<Step> {
        fields.iter().map(|f| f.parse().map_or_else(|_| Step::Field((*f).to_owned()), Step::Index)).collect()
    }

    #[test]
    fn fields_are_described_however_deep() {
        let alpha = description_of(&path(&["methods", "1", "alpha"])).expect("alpha is documented");
        assert!(alpha.starts_with("Weight of cross-entropy, in [0, 1]"), "{alpha}");
        let decay = description_of(&path(&["training", "optimiser", "weight_decay"])).expect("documented");
        assert!(decay.starts_with("The "), "{decay}");
        let px = description_of(&path(&["data", "0", "phantom", "faces", "image_px"]))
            .expect("image_px is documented");
        assert!(px.contains("pixels"), "{px}");
        let epochs =
            description_of(&path(&["with_phantom", "training", "epochs"])).expect("epochs is documented");
        assert!(epochs.starts_with("Passes"), "{epochs}");
        assert_eq!(description_of(&path(&["no", "such"])), None);
    }
}
