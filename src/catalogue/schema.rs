//! The JSON Schema of a capability file, for editors.

use serde_json::Value;

use super::capability::CapabilityFile;

/// The JSON Schema (draft 2020-12) of a capability file.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(CapabilityFile).to_value();
    schema["$id"] = "https://stationmaster.invalid/capability.schema.json".into();
    schema
}
