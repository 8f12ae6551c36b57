//! The JSON Schemas of a capability file and of a survey file, for editors.

use serde_json::{Value, json};

use super::capability::CapabilityFile;
use super::command::Step;
use super::survey::{FEWEST, SurveyFile};

/// The JSON Schema (draft 2020-12) of a capability file. What it refuses, the check refuses too; the check knows more.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(CapabilityFile).to_value();
    schema["title"] = "A capability file of Stationmaster".into();
    // A step and its undoing are one type, but not alike: these are the rules that the type cannot say.
    let definitions = &mut schema["$defs"];
    let runners: Vec<Value> = Step::RUNNERS.iter().map(|runner| json!({"required": [runner]})).collect();
    definitions["Step"]["oneOf"] = runners.into();
    let step = json!({"$ref": "#/$defs/Step"});
    definitions["CommandFile"]["properties"]["step"]["items"] = json!({"allOf": [step, {"required": ["name"]}]});
    let own: Vec<Value> = ["name", "when", "undo"].iter().map(|key| json!({"required": [key]})).collect();
    definitions["Step"]["properties"]["undo"] = json!({
        "description": "How to take it back when a later step fails or the request is cancelled.",
        "allOf": [step, {"not": {"anyOf": own}}],
    });
    schema
}

/// The JSON Schema (draft 2020-12) of a survey file, under the same rule.
pub fn survey_schema() -> Value {
    let mut schema = schemars::schema_for!(SurveyFile).to_value();
    schema["title"] = "A survey file of Stationmaster".into();
    let survey = &mut schema["$defs"]["Survey"];
    survey["properties"]["minimum"]["minimum"] = FEWEST.into();
    // What the type cannot say: exactly one of each pair.
    let pair = |one: &str, other: &str| json!({"oneOf": [{"required": [one]}, {"required": [other]}]});
    survey["allOf"] = json!([pair("anonymous", "attributed"), pair("schedule", "event")]);
    survey["properties"]["anonymous"]["const"] = true.into();
    schema
}
