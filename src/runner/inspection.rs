//! What the check learns of a runner without running it.

use std::collections::BTreeMap;

use super::http::{Method, Sign};
use crate::expression::Expression;
use crate::message::{Data, Template};

/// What the check learns of a runner.
#[derive(Debug, Clone, Default)]
pub struct Inspection {
    /// The dotted key of each template and the variables that it reads.
    pub reads: Vec<(String, Vec<String>)>,
    /// The same templates by the same keys, for rendering them with sample values.
    pub templates: Vec<(String, Template)>,
    /// The names of the outputs that later steps may use; `None`: not known before it runs.
    pub outputs: Option<Vec<String>>,
    /// The dotted key, what is wrong with it, and a hint.
    pub mistakes: Vec<(String, String, Option<String>)>,
}

/// Gathers an [`Inspection`], key by key.
#[derive(Debug, Default)]
pub(super) struct Inspector(Inspection);

/// The variables that a condition over an answer has beyond the step's values.
const OF_THE_ANSWER: [&str; 2] = ["body", "status"];

/// The headers that say where a message ends; a second opinion about that is how requests are smuggled.
const FRAMING: [&str; 3] = ["Content-Length", "Transfer-Encoding", "Connection"];

impl Inspector {
    pub(super) fn template(&mut self, key: impl Into<String>, template: &Template) {
        let key = key.into();
        self.0.reads.push((key.clone(), template.variables()));
        self.0.templates.push((key, template.clone()));
    }

    pub(super) fn templates(&mut self, key: &str, map: &BTreeMap<String, Template>) {
        for (name, template) in map {
            self.template(format!("{key}.{name}"), template);
        }
    }

    /// A condition over an answer.
    pub(super) fn condition(&mut self, key: &str, condition: Option<&Expression>) {
        if let Some(condition) = condition {
            let mut names = condition.variables();
            names.retain(|name| !OF_THE_ANSWER.contains(&name.split('.').next().unwrap_or_default()));
            self.0.reads.push((key.to_owned(), names));
        }
    }

    /// Data, each of its templates under its own dotted key: `body.items.0.name`.
    pub(super) fn data(&mut self, key: &str, data: &Data) {
        match data {
            Data::Text(template) => self.template(key, template),
            Data::List(items) => {
                items.iter().enumerate().for_each(|(index, item)| self.data(&format!("{key}.{index}"), item));
            }
            Data::Table(map) => map.iter().for_each(|(name, item)| self.data(&format!("{key}.{name}"), item)),
            Data::Fixed(_) => {}
        }
    }

    pub(super) fn request(&mut self, method: Method, headers: &BTreeMap<String, Template>, body: Option<&Data>) {
        self.templates("headers", headers);
        for name in headers.keys() {
            if !is_header(name) {
                self.mistake(&format!("headers.{name}"), format!("`{name}` is not the name of a header"), None);
            } else if FRAMING.iter().any(|own| name.eq_ignore_ascii_case(own)) {
                self.mistake(&format!("headers.{name}"), format!("`{name}` is set by Stationmaster"), None);
            }
        }
        if let Some(body) = body {
            self.data("body", body);
            if matches!(method, Method::Get | Method::Head) {
                let hint = "leave the body out, or set method = \"POST\"";
                self.mistake("body", format!("a {} has no body", method.name()), Some(hint));
            }
        }
    }

    pub(super) fn expect(&mut self, statuses: &[u16]) {
        for status in statuses.iter().filter(|status| !(200..=599).contains(*status)) {
            self.mistake("expect", format!("{status} is not a status of HTTP"), Some("statuses are 200 to 599"));
        }
    }

    pub(super) fn sign(&mut self, sign: Option<&Sign>) {
        if let Some(sign) = sign {
            self.template("sign.secret", &sign.secret);
            if !is_header(&sign.header) {
                self.mistake("sign.header", format!("`{}` is not the name of a header", sign.header), None);
            }
        }
    }

    pub(super) fn mistake(&mut self, key: &str, what: impl Into<String>, hint: Option<&str>) {
        self.0.mistakes.push((key.to_owned(), what.into(), hint.map(str::to_owned)));
    }

    /// Leaves out what the runner itself provides under `root`.
    pub(super) fn without(mut self, root: &str) -> Self {
        for (_, names) in &mut self.0.reads {
            names.retain(|name| name.split('.').next() != Some(root));
        }
        self
    }

    /// The outputs are these and no others.
    pub(super) fn outputs<'n>(mut self, names: impl IntoIterator<Item = &'n String>) -> Inspection {
        self.0.outputs = Some(names.into_iter().cloned().collect());
        self.0
    }

    /// The outputs are known only when it has run.
    pub(super) fn any_outputs(self) -> Inspection {
        self.0
    }
}

fn is_header(name: &str) -> bool {
    reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_ok()
}
