//! JSONPath (RFC 9535): where in an answer an output is found; the only file of the room that names the crate.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jsonpath_rust::parser::model::{JpQuery, Segment, Selector};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The longest path that is accepted, in bytes.
const LONGEST: usize = 500;

/// A JSONPath. Invariant: it has been parsed.
#[derive(Clone, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct JsonPath {
    source: String,
    query: Arc<JpQuery>,
}

impl JsonPath {
    /// What it finds: the value itself if the path can name only one, else the list of all it finds. `None` where it
    /// finds nothing, or only `null`.
    pub fn find(&self, body: &Value) -> Option<Value> {
        let found = jsonpath_rust::query::js_path_process(&self.query, body).ok()?;
        let mut values = found.into_iter().map(|found| found.val().clone());
        if self.names_one() {
            return values.next().filter(|value| !value.is_null());
        }
        let list: Vec<Value> = values.collect();
        (!list.is_empty()).then_some(Value::Array(list))
    }

    /// What was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it is a path of names and indexes only.
    fn names_one(&self) -> bool {
        self.query.segments.iter().all(|s| matches!(s, Segment::Selector(Selector::Name(_) | Selector::Index(_))))
    }
}

/// Adds to `outputs` what `body` has of the `wanted` ones that are not there yet: the first answer that has an output
/// decides it, so that an id stays the one that the start was answered with.
pub fn collect(wanted: &BTreeMap<String, JsonPath>, body: &Value, outputs: &mut Map<String, Value>) {
    for (name, path) in wanted {
        if !outputs.contains_key(name)
            && let Some(value) = path.find(body)
        {
            outputs.insert(name.clone(), value);
        }
    }
}

impl TryFrom<String> for JsonPath {
    type Error = String;

    fn try_from(source: String) -> Result<Self, String> {
        if source.len() > LONGEST {
            return Err(format!("a JSONPath may have {LONGEST} characters at most"));
        }
        match jsonpath_rust::parser::parse_json_path(&source) {
            Ok(query) => Ok(Self { source, query: Arc::new(query) }),
            Err(_) => Err(format!("`{source}` is not a JSONPath; write for example $.id or $.items[*].name")),
        }
    }
}

impl From<JsonPath> for String {
    fn from(path: JsonPath) -> Self {
        path.source
    }
}

impl std::fmt::Debug for JsonPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JsonPath({})", self.source)
    }
}

impl schemars::JsonSchema for JsonPath {
    fn schema_name() -> Cow<'static, str> {
        "JsonPath".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^\\$", "examples": ["$.id", "$.items[*].name"]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path(source: &str) -> JsonPath {
        JsonPath::try_from(source.to_owned()).expect("parses")
    }

    #[test]
    fn finds_one_or_all() {
        let body = json!({"id": 7, "none": null, "sizes": [{"name": "s"}, {"name": "l"}], "one": [{"name": "s"}]});
        assert_eq!(path("$.id").find(&body), Some(json!(7)));
        assert_eq!(path("$.sizes[1].name").find(&body), Some(json!("l")));
        assert_eq!(path("$.sizes[*].name").find(&body), Some(json!(["s", "l"])));
        assert_eq!(path("$.one[*].name").find(&body), Some(json!(["s"])), "a list stays a list");
        assert_eq!(path("$.sizes[?@.name == 'l'].name").find(&body), Some(json!(["l"])));
        for nothing in ["$.none", "$.missing", "$.id.deeper", "$.sizes[9].name", "$.missing[*]"] {
            assert_eq!(path(nothing).find(&body), None, "{nothing}");
        }
    }

    #[test]
    fn the_first_answer_decides() {
        let wanted = BTreeMap::from([("id".to_owned(), path("$.id")), ("url".to_owned(), path("$.url"))]);
        let mut outputs = Map::new();
        collect(&wanted, &json!({"id": 1, "url": null}), &mut outputs);
        collect(&wanted, &json!({"id": 2, "url": "u"}), &mut outputs);
        assert_eq!(Value::Object(outputs), json!({"id": 1, "url": "u"}));
    }

    #[test]
    fn refuses_what_is_no_path() {
        for wrong in ["id", "", "$.", "$[", &format!("$.{}", "a".repeat(600))] {
            assert!(JsonPath::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
