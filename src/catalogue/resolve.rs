//! From what was asked to a [`Call`]: known, parsed and permitted, or a form that says what is missing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Catalogue;
use super::choices::Lookup;
use super::command::{Allow, Command};
use super::form::form;
use super::given::Given;
use super::line;
use super::parameter::{ChoicesFrom, Kind, Parameter};
use crate::chat::{Form, PlatformName};
use crate::error::{Reason, Result, UserError};
use crate::people::Person;

/// What somebody asked for.
#[derive(Debug, Clone)]
pub enum Asked {
    /// Typed, without the leading mention: `/db create orders environment=prod --dry-run`.
    Line(String),
    /// A command with input by name: native options, a form, an API call.
    Named {
        /// The command's full name.
        command: String,
        /// Values by parameter name; text is parsed like typed text.
        input: BTreeMap<String, Value>,
        /// Whether only the plan is wanted.
        dry_run: bool,
    },
}

/// Who asks, and where.
#[derive(Debug, Clone)]
pub struct Asker {
    /// Who.
    pub person: Person,
    /// The platform that it is said on.
    pub platform: PlatformName,
    /// The platform's id of the person.
    pub identity: String,
    /// The conversation, by its platform's id.
    pub place: String,
    /// Whether the platform has them as a guest, or as somebody of another organisation.
    pub guest: bool,
}

impl Asker {
    /// A full member, where the platform's own id of the person is the person's.
    pub fn member(platform: PlatformName, person: Person, place: &str) -> Self {
        Self { platform, identity: person.id.clone(), person, place: place.to_owned(), guest: false }
    }

    /// The platform's identity, as the configuration writes it: `slack:U1`.
    pub fn signature(&self) -> String {
        format!("{}:{}", self.platform, self.identity)
    }

    /// Whether they may use something here; otherwise the reason, one plain sentence.
    pub fn may(&self, allow: &Allow) -> Result<(), String> {
        if self.guest && !allow.guests {
            return Err("You are a guest here, and it is not open to guests.".into());
        }
        self.person.may(allow, &self.place)
    }
}

/// Proof that a command is known, its input parsed and its use permitted; only [`super::Catalogue::resolve`] makes one.
#[derive(Debug, Clone)]
pub struct Call {
    command: Arc<Command>,
    input: Map<String, Value>,
    dry_run: bool,
}

/// What came of it.
#[derive(Debug, Clone)]
pub enum Resolved {
    /// It can be done.
    Call(Call),
    /// Something is missing or wrong: the form, prefilled, with the errors beside their fields.
    Form(Form),
}

impl Call {
    /// The command.
    pub fn command(&self) -> &Arc<Command> {
        &self.command
    }

    /// The typed value of every parameter; `null` for an optional one that was left out.
    pub fn input(&self) -> &Map<String, Value> {
        &self.input
    }

    /// Whether only the plan is wanted.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }
}

impl Catalogue {
    /// What an asker asked for. What is missing or wrong comes back as a form that holds everything that was given; an
    /// error is a [`UserError`] where there is no such command, the asker may not use it, the line cannot be read, or
    /// choices cannot be checked at the moment.
    pub async fn resolve(&self, asked: Asked, asker: &Asker, lookup: &dyn Lookup) -> Result<Resolved> {
        let (command, mut given) = match asked {
            Asked::Line(text) => {
                let words = line::split(&text)?;
                let (command, used) = self.find(&words, asker)?;
                (command, Given::typed(command, &words[used..]))
            }
            Asked::Named { command, input, dry_run } => {
                let command = self.named(&command, asker)?;
                let given = Given::named(command, input);
                (command, Given { dry_run: dry_run || given.dry_run, ..given })
            }
        };
        if given.form && !given.is_wrong() {
            return Ok(Resolved::Form(form(command, &given)));
        }
        let input = Reading { command, given: &mut given, lookup }.read().await?;
        if given.form || given.is_wrong() {
            return Ok(Resolved::Form(form(command, &given)));
        }
        Ok(Resolved::Call(Call { command: command.clone(), input, dry_run: given.dry_run }))
    }
}

/// What was given, on its way to typed values.
struct Reading<'a> {
    command: &'a Command,
    given: &'a mut Given,
    lookup: &'a dyn Lookup,
}

impl Reading<'_> {
    /// The typed value of every parameter; what is wrong is noted, all of it.
    async fn read(&mut self) -> Result<Map<String, Value>> {
        let parameters = &self.command.file.param;
        let mut input: Map<String, Value> =
            parameters.iter().map(|parameter| (parameter.name.clone(), Value::Null)).collect();
        for parameter in parameters.iter().filter(|parameter| parameter.choices_from.is_none()) {
            let value = self.value(parameter, parameter.known(self.lookup));
            input.insert(parameter.name.clone(), value);
        }
        // Choices that are asked for may depend on the other values, so these come last.
        let mut unavailable = None;
        for parameter in parameters {
            let Some(from) = &parameter.choices_from else { continue };
            let known = match self.ask(parameter, from, &input).await {
                Ok(known) => known,
                Err(error) => {
                    unavailable = Some(error);
                    continue;
                }
            };
            let value = self.value(parameter, known.as_deref());
            input.insert(parameter.name.clone(), value);
        }
        match unavailable {
            Some(error) if !self.given.is_wrong() => Err(error),
            _ => Ok(input),
        }
    }

    /// The values that a choice may have now; `None` if there is nothing to compare with.
    async fn ask(
        &self,
        parameter: &Parameter,
        from: &ChoicesFrom,
        input: &Map<String, Value>,
    ) -> Result<Option<Vec<String>>> {
        let is_compared = self.given.value(parameter).is_some_and(|value| Some(value) != parameter.default.as_ref());
        if !is_compared || from.http.variables().iter().any(|name| self.given.is_refused(name)) {
            return Ok(None);
        }
        self.lookup.choices(from, &Value::Object(input.clone())).await.map_err(|error| {
            tracing::warn!(parameter = parameter.name, "choices are not available: {error:#}");
            let message = format!("The choices of `{}` cannot be checked at the moment.", parameter.name);
            UserError::new(Reason::Unavailable, message).hint("try again in a minute").into()
        })
    }

    /// The typed value of one parameter, or `null` where it is wrong or was left out.
    fn value(&mut self, parameter: &Parameter, known: Option<&[String]>) -> Value {
        let name = &parameter.name;
        if self.given.is_refused(name) {
            return Value::Null;
        }
        let Some(given) = self.given.value(parameter) else { return self.absent(parameter, known) };
        match parameter.read(given, known) {
            Ok(value) => {
                // A form shows the value that was understood, so that `PROD` selects `prod`.
                self.given.values.insert(name.clone(), value.clone());
                value
            }
            Err(message) => {
                self.given.refuse(name, &message);
                Value::Null
            }
        }
    }

    /// The value of a parameter that was left out.
    fn absent(&mut self, parameter: &Parameter, known: Option<&[String]>) -> Value {
        if !parameter.is_required() {
            return parameter.default.as_ref().map_or(Value::Null, |default| parameter.read_default(default));
        }
        if let Some(secret) = self.lookup.secret().filter(|_| parameter.kind == Kind::Secret) {
            return Value::from(secret);
        }
        self.given.refuse(&parameter.name, &format!("This is needed: {}.", parameter.expectation(known)));
        Value::Null
    }
}

impl Parameter {
    /// Whether it must be given.
    pub fn is_required(&self) -> bool {
        self.default.is_none() && !self.optional
    }

    /// Its default as a typed value; it is the author's word and not compared with choices.
    fn read_default(&self, default: &Value) -> Value {
        self.read(default, None).unwrap_or_else(|_| default.clone())
    }

    /// The values that it may have, where they are known without asking.
    pub fn known<'a>(&'a self, lookup: &'a dyn Lookup) -> Option<&'a [String]> {
        match self.kind {
            Kind::Choice if self.choices_from.is_none() => Some(&self.choices),
            Kind::Team => lookup.teams(),
            Kind::Person => lookup.people(),
            _ => None,
        }
    }
}
