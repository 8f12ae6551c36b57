//! A parameter: a typed input of a command.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Span;
use crate::message::Template;
use crate::runner::json_path::JsonPath;

/// `[[command.param]]`
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its name, as it is typed: `environment`.
    pub name: String,
    /// What it takes.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What it is for.
    #[serde(default)]
    pub help: String,
    /// A regular expression that the whole text must match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Pattern>,
    /// The values of a choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Where the values of a choice are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choices_from: Option<ChoicesFrom>,
    /// The value if none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Whether it may be left out.
    #[serde(default)]
    pub optional: bool,
    /// The smallest number, or the fewest characters of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The largest number, or the most characters of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One line of text, at most 1 000 characters.
    #[default]
    String,
    /// Text of several lines, at most 10 000 characters.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// One of `choices` or `choices_from`.
    Choice,
    /// A person, by name or platform id.
    Person,
    /// A team of the configuration.
    Team,
    /// A conversation.
    Channel,
    /// A calendar date, `2026-12-01`.
    Date,
    /// A length of time, `30m`.
    Duration,
    /// An http or https address.
    Url,
    /// A secret: asked by form, masked everywhere, forgotten at the end.
    Secret,
}

/// `choices_from = { http = "…", items = "$.sizes[*].name", cache = "5m" }`
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChoicesFrom {
    /// The address that answers with JSON.
    pub http: Template,
    /// A JSONPath to the values.
    pub items: JsonPath,
    /// How long an answer is used again; 1m if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<Span>,
}

/// The longest pattern that is accepted, in characters.
const LONGEST_PATTERN: usize = 1000;
/// How much memory a compiled pattern may take, in bytes: counted repetitions multiply.
const LARGEST_PATTERN: usize = 1 << 20;

/// A regular expression that the whole of a text must match; it runs in linear time. Invariant: it compiles.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    source: String,
    /// Compiled again when it is first used: compiled expressions are large, and of many commands few are used.
    regex: OnceLock<Regex>,
}

impl Pattern {
    /// Whether the whole of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        let regex = self.regex.get_or_init(|| compile(&self.source).expect("it was compiled when it was read"));
        // An expression that closes the bracket around it (`a)|(b`) can leave the anchors, but not match a part.
        regex.find(text).is_some_and(|found| found.len() == text.len())
    }
}

fn compile(source: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&format!(r"\A(?:{source})\z")).size_limit(LARGEST_PATTERN).build()
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(source: String) -> Result<Self, String> {
        if source.chars().count() > LONGEST_PATTERN {
            return Err(format!("a pattern may have {LONGEST_PATTERN} characters at most"));
        }
        match compile(&source) {
            Ok(_) => Ok(Self { source, regex: OnceLock::new() }),
            Err(e) => {
                let last = e.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                Err(format!("`{source}` is not a regular expression: {last}"))
            }
        }
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.source
    }
}

/// What was written.
impl Deref for Pattern {
    type Target = str;

    fn deref(&self) -> &str {
        &self.source
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> Cow<'static, str> {
        "Pattern".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "regex", "maxLength": LONGEST_PATTERN})
    }
}
