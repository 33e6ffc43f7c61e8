//! The JSON schema of recipe files, for editors.

use crate::raw::RawRecipe;

/// JSON schema of a recipe file, from the types that read it.
pub fn recipe_schema() -> serde_json::Value {
    schemars::schema_for!(RawRecipe).to_value()
}
