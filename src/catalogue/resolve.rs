//! From what was asked to a [`Call`]: known, parsed and permitted, or a form that says what is missing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::command::Command;
use crate::chat::Form;
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
    },
}

/// Who asks, and where.
#[derive(Debug, Clone)]
pub struct Asker {
    /// Who.
    pub person: Person,
    /// The conversation, by its platform's id.
    pub place: String,
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
