//! The JSON schema of manifest files, for editors.

use crate::raw::RawManifest;

/// JSON schema of a manifest file, from the types that read it.
pub fn manifest_schema() -> serde_json::Value {
    schemars::schema_for!(RawManifest).to_value()
}
