//! What a person reads when something cannot be done, told apart from every other error.
//!
//! A [`UserError`] rides in [`anyhow::Error`]; the desk turns it into words. Every other error is logged once, with a
//! reference that the person is given.

use serde::Serialize;

/// The result of anything that can fail; a [`UserError`] inside says what its reader can do about it.
pub type Result<T, E = anyhow::Error> = std::result::Result<T, E>;

/// A new reference under which an error is logged and a person is told of it: eight hexadecimal digits.
pub fn reference() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..8].to_owned()
}

/// Why something was refused; the HTTP API answers with the status that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// What was given is wrong or incomplete (HTTP 422).
    Invalid,
    /// There is no such thing (HTTP 404).
    NotFound,
    /// The person may not (HTTP 403).
    Denied,
    /// It does not fit the present state (HTTP 409).
    Conflict,
    /// Too much of it, for now (HTTP 429).
    Limited,
    /// It cannot be done at the moment (HTTP 503).
    Unavailable,
}

/// An error beside one field of a form, or of an API call's `input`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The parameter's name.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl FieldError {
    /// An error beside a field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// What a person reads, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserError {
    /// Why it was refused.
    pub reason: Reason,
    /// One or two sentences of plain text: what is the matter.
    pub message: String,
    /// What to do next, where there is something to do.
    pub hint: Option<String>,
    /// The errors of single fields.
    pub fields: Vec<FieldError>,
}

impl UserError {
    /// An error with a reason and a message, without hint.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), hint: None, fields: Vec::new() }
    }

    /// Wrong or incomplete input.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Reason::Invalid, message)
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds an error beside a field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.fields.push(FieldError::new(field, message));
        self
    }
}

impl std::fmt::Display for UserError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        for field in &self.fields {
            write!(f, "\n{}: {}", field.field, field.message)?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for UserError {}
