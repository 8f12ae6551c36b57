//! Handlebars, strict: the message files of `messages/`, and the templates inside capability files.
//!
//! Values are data: markup and `{{…}}` inside a value are never evaluated, and each template escapes for the place
//! where its text lands.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use anyhow::anyhow;
use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use handlebars::{Context, Handlebars, RenderContext, Renderable};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Result;

mod data;
mod files;
pub use data::Data;
pub use files::Messages;

/// Where a rendered text lands, and so what is escaped in the values put into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// Nothing: a JSON string, one argument of a program, one file's content.
    Plain,
    /// Markdown of a card: a value is shown as typed.
    Markdown,
    /// A URL: values are percent-encoded, so that one value stays one path segment or query value; but for an
    /// `{{env.X}}` or `{{steps.X.Y}}` at its very beginning, which is the base of the URL and taken as it is.
    Url,
}

static PLAIN: LazyLock<Handlebars<'static>> = LazyLock::new(|| engine(Escape::Plain));
static MARKDOWN: LazyLock<Handlebars<'static>> = LazyLock::new(|| engine(Escape::Markdown));
static URL: LazyLock<Handlebars<'static>> = LazyLock::new(|| engine(Escape::Url));

/// A strict engine with our escaping and no helpers beyond Handlebars' own, less `log` and `lookup`.
fn engine(escape: Escape) -> Handlebars<'static> {
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    engine.unregister_helper("log");
    match escape {
        Escape::Plain => engine.register_escape_fn(handlebars::no_escape),
        Escape::Markdown => engine.register_escape_fn(crate::markdown::escape),
        Escape::Url => engine.register_escape_fn(percent_encode),
    }
    engine
}

/// Percent-encodes all but unreserved characters (RFC 3986, section 2.3), so that no value can leave its place in a URL.
fn percent_encode(text: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    // A segment of dots alone leads up in every notation, `%2E%2E` too; the web client refuses such an address.
    utf8_percent_encode(text, KEPT).to_string()
}

/// The most blocks and branches of a template, all of which may stand one inside the other; the stack is finite.
const MOST_BLOCKS: usize = 100;

/// A template inside a capability file, such as a URL or a reply. Invariant: it compiles.
#[derive(Clone, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    source: String,
    /// `None`: the source has no tags and stands for itself.
    compiled: Option<Arc<handlebars::Template>>,
}

impl Template {
    /// Text without tags, which stands for itself.
    pub fn fixed(text: &str) -> Self {
        Self { source: text.to_owned(), compiled: None }
    }

    /// Its text for `values`, a JSON object; an error names the value that is missing.
    pub fn render(&self, values: &Value, escape: Escape) -> Result<String> {
        let Some(compiled) = &self.compiled else {
            return Ok(self.source.clone());
        };
        let engine = match escape {
            Escape::Plain => &*PLAIN,
            Escape::Markdown => &*MARKDOWN,
            Escape::Url => &*URL,
        };
        let context = Context::wraps(values)?;
        let compiled = if escape == Escape::Url { with_base(compiled) } else { Cow::Borrowed(&**compiled) };
        compiled
            .renders(engine, &context, &mut RenderContext::new(None))
            .map_err(|e| anyhow!("`{}`: {}", self.source, render_mistake(&e)))
    }

    /// The dotted paths of the values that it reads, such as `steps.provision.url`, sorted.
    pub fn variables(&self) -> Vec<String> {
        let mut found = BTreeSet::new();
        if let Some(compiled) = &self.compiled {
            variables_of(&compiled.elements, &mut found);
        }
        found.into_iter().collect()
    }

    /// What was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The one value that the template consists of, if it is nothing but `{{path}}`.
    fn sole_path(&self) -> Option<String> {
        match self.compiled.as_deref()?.elements.as_slice() {
            [TemplateElement::Expression(helper) | TemplateElement::HtmlExpression(helper)] => {
                path_of(&helper.name).filter(|_| helper.params.is_empty())
            }
            _ => None,
        }
    }
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(source: String) -> Result<Self, String> {
        if !source.contains("{{") {
            return Ok(Self { source, compiled: None });
        }
        let tags = source.split("{{").skip(1).map(|tag| tag.trim_start_matches(['{', '~', ' ']));
        if tags.filter(|tag| tag.starts_with(['#', '^']) || tag.starts_with("else")).count() > MOST_BLOCKS {
            return Err(format!("a template may have {MOST_BLOCKS} blocks and branches at most"));
        }
        let compiled = handlebars::Template::compile(&source).map_err(|e| {
            let place = e.pos().map(|(line, column)| format!(" (line {line}, column {column})")).unwrap_or_default();
            match syntax_mistake(&source) {
                Some(mistake) => format!("not a template: {mistake}"),
                None => format!("not a template: {}{place}", e.reason()),
            }
        })?;
        if has_partial(&compiled.elements) {
            return Err("a template inside a capability file cannot include another (`{{> …}}`)".into());
        }
        Ok(Self { source, compiled: Some(Arc::new(compiled)) })
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.source
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Template({:?})", self.source)
    }
}

impl schemars::JsonSchema for Template {
    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "Text with {{values}}"})
    }
}

/// The value at a dotted path of a JSON object.
pub fn value_at<'v>(values: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(values, |value, key| match value {
        Value::Array(items) => key.parse::<usize>().ok().and_then(|index| items.get(index)),
        other => other.get(key),
    })
}

/// The template of a URL with its base, if it begins with one, taken as it is. Only what the operator or another
/// system has set can be a base: a person's input would decide where secrets are sent.
fn with_base(compiled: &handlebars::Template) -> Cow<'_, handlebars::Template> {
    let base = match compiled.elements.first() {
        Some(TemplateElement::Expression(helper)) if helper.params.is_empty() => path_of(&helper.name),
        _ => None,
    };
    if !base.is_some_and(|path| path.starts_with("env.") || path.starts_with("steps.")) {
        return Cow::Borrowed(compiled);
    }
    let mut compiled = compiled.clone();
    if let Some(first) = compiled.elements.first_mut()
        && let TemplateElement::Expression(helper) = first.clone()
    {
        *first = TemplateElement::HtmlExpression(helper);
    }
    Cow::Owned(compiled)
}

/// What a person reads of a text that does not compile, if it is the usual mistake.
fn syntax_mistake(source: &str) -> Option<&'static str> {
    let count = |mark: &str| source.matches(mark).count();
    if count("{{") > count("}}") {
        return Some("a `{{` is not closed; end every value with }}");
    }
    (count("{{#") > count("{{/")).then_some("a block is not closed; end {{#if …}} with {{/if}}, and every other alike")
}

/// What a person reads of a failed rendering.
fn render_mistake(error: &handlebars::RenderError) -> String {
    match error.reason() {
        handlebars::RenderErrorReason::MissingVariable(Some(path)) => {
            format!("there is no value `{path}`")
        }
        handlebars::RenderErrorReason::HelperNotFound(name) => {
            format!("there is no helper `{name}`")
        }
        other => other.to_string(),
    }
}

fn path_of(parameter: &Parameter) -> Option<String> {
    match parameter {
        Parameter::Path(handlebars::Path::Relative((_, raw))) | Parameter::Name(raw) => Some(raw.replace('/', ".")),
        _ => None,
    }
}

fn variables_of(elements: &[TemplateElement], found: &mut BTreeSet<String>) {
    for element in elements {
        match element {
            TemplateElement::Expression(helper) | TemplateElement::HtmlExpression(helper) => {
                if helper.params.is_empty() {
                    found.extend(path_of(&helper.name));
                }
                variables_of_helper(helper, found);
            }
            TemplateElement::HelperBlock(helper) => {
                variables_of_helper(helper, found);
                // Inside `each` and `with` the names are those of the item, which only rendering can tell.
                let own_scope = matches!(path_of(&helper.name).as_deref(), Some("each" | "with"));
                let blocks = [helper.template.as_ref().filter(|_| !own_scope), helper.inverse.as_ref()];
                blocks.into_iter().flatten().for_each(|block| variables_of(&block.elements, found));
            }
            _ => {}
        }
    }
}

fn variables_of_helper(helper: &HelperTemplate, found: &mut BTreeSet<String>) {
    for parameter in helper.params.iter().chain(helper.hash.values()) {
        match parameter {
            Parameter::Subexpression(inner) => variables_of(std::slice::from_ref(&inner.element), found),
            other => found.extend(path_of(other)),
        }
    }
}

fn has_partial(elements: &[TemplateElement]) -> bool {
    elements.iter().any(|element| match element {
        TemplateElement::PartialExpression(_) | TemplateElement::PartialBlock(_) => true,
        TemplateElement::DecoratorExpression(_) | TemplateElement::DecoratorBlock(_) => true,
        TemplateElement::HelperBlock(helper) => {
            [&helper.template, &helper.inverse].into_iter().flatten().any(|block| has_partial(&block.elements))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(source: &str) -> Template {
        Template::try_from(source.to_owned()).expect("compiles")
    }

    #[test]
    fn values_are_escaped_for_their_place() {
        let values = json!({"name": "a/../b ?*x*{{env.X}}"});
        let url = template("http://h/{{name}}").render(&values, Escape::Url).expect("renders");
        assert_eq!(url, "http://h/a%2F..%2Fb%20%3F%2Ax%2A%7B%7Benv.X%7D%7D");
        let plain = template("{{name}}").render(&values, Escape::Plain).expect("renders");
        assert_eq!(plain, "a/../b ?*x*{{env.X}}");
    }

    #[test]
    fn only_the_base_of_a_url_is_taken_as_it_is() {
        let values = json!({"env": {"API": "https://api.example.org:8443/v1"}, "steps": {"a": {"url": "https://a/?b=1"}},
            "name": "https://evil.example"});
        let url = |source: &str| template(source).render(&values, Escape::Url).expect("renders");
        assert_eq!(url("{{env.API}}/x/{{name}}"), "https://api.example.org:8443/v1/x/https%3A%2F%2Fevil.example");
        assert_eq!(url("{{steps.a.url}}"), "https://a/?b=1");
        assert_eq!(url("{{name}}/x"), "https%3A%2F%2Fevil.example/x");
        assert_eq!(url("http://h/{{steps.a.url}}"), "http://h/https%3A%2F%2Fa%2F%3Fb%3D1");
    }

    #[test]
    fn variables_are_found_at_any_depth() {
        let found =
            template("{{a.b}} {{#if c}}{{d}}{{else}}{{e}}{{/if}}{{#each f}}{{g}}{{/each}} {{#if (eq h 'x')}}y{{/if}}");
        assert_eq!(found.variables(), ["a.b", "c", "d", "e", "f", "h"]);
    }

    #[test]
    fn missing_values_and_broken_templates_say_so() {
        let missing = template("x {{name}}").render(&json!({}), Escape::Plain).expect_err("strict");
        assert_eq!(missing.to_string(), "`x {{name}}`: there is no value `name`");
        assert!(Template::try_from("{{#if a}}".to_owned()).is_err());
        assert!(Template::try_from("{{> other}}".to_owned()).is_err());
        assert!(Template::try_from("{{~#if a}}".repeat(2000) + &"{{/if}}".repeat(2000)).is_err());
    }
}
