//! The message files: built into the binary, each replaceable by a file of the same name in the messages folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context as _, anyhow};
use handlebars::Handlebars;
use handlebars::template::TemplateElement;
use include_dir::{Dir, include_dir};
use serde::Serialize;
use serde_json::Value;

use super::{Escape, engine, path_of, render_mistake, syntax_mistake};
use crate::error::Result;

static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/messages");

/// Every value that any message is given, so that an unknown helper, inclusion or value shows when a file is loaded and
/// not when somebody waits for an answer.
static SAMPLE: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("sample.json")).expect("the sample values are JSON: a test reads them")
});

/// All messages, compiled and rendered once with sample values. Invariant: no message includes itself, directly or through others.
pub struct Messages {
    engine: Handlebars<'static>,
}

impl Messages {
    /// The built-in messages with those of `folder` over them; every file that does not compile is in the error.
    pub fn load(folder: Option<&Path>) -> Result<Self> {
        let mut sources: BTreeMap<String, String> = BTreeMap::new();
        for file in BUILT_IN.files() {
            if let Some(name) = name_of(file.path()) {
                sources.insert(name, file.contents_utf8().unwrap_or_default().to_owned());
            }
        }
        for entry in folder.map(std::fs::read_dir).transpose().context("the messages folder")?.into_iter().flatten() {
            let path = entry?.path();
            if let Some(name) = name_of(&path) {
                let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                sources.insert(name, text);
            }
        }
        Self::compile(&sources)
    }

    fn compile(sources: &BTreeMap<String, String>) -> Result<Self> {
        let mut engine = engine(Escape::Markdown);
        let mut mistakes = Vec::new();
        for (name, source) in sources {
            if let Err(e) = engine.register_template_string(name, source) {
                let place = e.pos().map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
                let reason = syntax_mistake(source).map_or_else(|| e.reason().to_string(), str::to_owned);
                mistakes.push(format!("messages/{name}.hbs{place}: {reason}"));
            }
        }
        for name in sources.keys() {
            if let Some(chain) = cycle(&engine, name, &mut vec![name.clone()]) {
                mistakes.push(format!("messages/{name}.hbs includes itself: {}", chain.join(" → ")));
            }
        }
        if !mistakes.is_empty() {
            return Err(anyhow!(mistakes.join("\n")));
        }
        let messages = Self { engine };
        let rendered = sources.keys().filter_map(|name| messages.render(name, &*SAMPLE).err());
        let mistakes: Vec<String> = rendered.map(|mistake| mistake.to_string()).collect();
        if mistakes.is_empty() { Ok(messages) } else { Err(anyhow!(mistakes.join("\n"))) }
    }

    /// The message `name` as Markdown, with `values` put in as plain text.
    pub fn render(&self, name: &str, values: &impl Serialize) -> Result<String> {
        let text = self
            .engine
            .render(name, values)
            .map_err(|e| anyhow!("messages/{name}.hbs:{}: {}", e.line_no.unwrap_or(0), render_mistake(&e)))?;
        Ok(text.trim_end().to_owned())
    }

    /// The names of all messages, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.engine.get_templates().keys().cloned().collect();
        names.sort();
        names
    }
}

/// The message name of a file, if it is one.
fn name_of(path: &Path) -> Option<String> {
    (path.extension()? == "hbs").then(|| path.file_stem()?.to_str().map(str::to_owned)).flatten()
}

/// The chain of inclusions that leads back to its own start; such a chain would end the process when rendered.
fn cycle(engine: &Handlebars<'_>, name: &str, chain: &mut Vec<String>) -> Option<Vec<String>> {
    let template = engine.get_template(name)?;
    let mut included = Vec::new();
    partials(&template.elements, &mut included);
    for next in included {
        let seen = chain.contains(&next);
        chain.push(next.clone());
        if seen {
            return Some(chain.clone());
        }
        if let Some(found) = cycle(engine, &next, chain) {
            return Some(found);
        }
        chain.pop();
    }
    None
}

fn partials(elements: &[TemplateElement], found: &mut Vec<String>) {
    for element in elements {
        match element {
            TemplateElement::PartialExpression(partial) | TemplateElement::PartialBlock(partial) => {
                found.extend(path_of(&partial.name));
                partial.template.iter().for_each(|inner| partials(&inner.elements, found));
            }
            TemplateElement::HelperBlock(helper) => {
                let blocks = [&helper.template, &helper.inverse];
                blocks.into_iter().flatten().for_each(|block| partials(&block.elements, found));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inclusion_cycles_are_refused() {
        let sources = BTreeMap::from([
            ("a".to_owned(), "{{#if x}}{{> b}}{{/if}}".to_owned()),
            ("b".to_owned(), "{{> a}}".to_owned()),
            ("c".to_owned(), "{{#if".to_owned()),
        ]);
        let error = Messages::compile(&sources).err().expect("refused").to_string();
        assert!(error.contains("a → b → a") && error.contains("messages/c.hbs"), "{error}");
    }

    #[test]
    fn what_shows_only_in_use_is_found_at_load() {
        for (source, word) in [
            ("{{shout command}}", "there is no helper `shout`"),
            ("{{> missing}}", "missing"),
            ("# {{sumary}}", "there is no value `sumary`"),
        ] {
            let sources = BTreeMap::from([("request_queued".to_owned(), source.to_owned())]);
            let error = Messages::compile(&sources).err().expect("refused").to_string();
            assert!(error.contains("messages/request_queued.hbs") && error.contains(word), "{error}");
        }
    }

    #[test]
    fn built_in_messages_compile() {
        Messages::load(None).expect("the built-in messages compile");
    }
}
