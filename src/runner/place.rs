//! A place under the data folder that a template names.

use std::path::PathBuf;

use serde_json::Value;

use super::{Attempt, Tools};
use crate::error::{Result, UserError};
use crate::message::{Escape, Template, value_at};

/// A place under the data folder. Invariant: none of its names leads up, is hidden or is empty.
#[derive(Debug)]
pub(super) struct Place {
    /// As it was asked for: `repositories/orders`.
    pub(super) shown: String,
    pub(super) path: PathBuf,
}

impl Place {
    /// The place that `template` names for this attempt. A value may be one name in it, and never more: what is no
    /// plain name is refused, since a changed one would be another place than the person meant.
    pub(super) fn of(tools: &Tools, attempt: &Attempt, template: &Template) -> Result<Self> {
        for path in template.variables() {
            let value = value_at(&attempt.values, &path).and_then(Value::as_str);
            if let Some(value) = value.filter(|value| !is_slug(value)) {
                let message = attempt.mask.text(&format!("{value:?} cannot be part of the name of a folder"));
                let hint = "letters, digits, `.`, `_` and `-` can, the first of them a letter or digit";
                return Err(UserError::invalid(message).hint(hint).into());
            }
        }
        let shown = template.render(&attempt.values, Escape::Plain)?;
        if !shown.split('/').all(|name| is_name(name) && !name.starts_with('.')) {
            return Err(UserError::invalid(format!("{shown:?} is not a place under the data folder")).into());
        }
        let path = std::path::absolute(tools.data.join(&shown))?;
        Ok(Self { shown, path })
    }

    pub(super) fn name(&self) -> &str {
        self.shown.rsplit('/').next().unwrap_or(&self.shown)
    }
}

/// Whether this can be the name of one file or folder, and of nothing above it.
pub(super) fn is_name(name: &str) -> bool {
    let plain = !name.is_empty() && name != "." && name != ".." && name.len() <= 200;
    plain && !name.contains(['/', '\\']) && !name.contains(char::is_control)
}

/// A plain name: letters, digits, `.`, `_` and `-`, the first a letter or digit.
fn is_slug(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c5_names_lead_nowhere_else() {
        for name in ["a", "a.b", "README.md", ".gitignore", "größe", "-x", "a b"] {
            assert!(is_name(name), "{name}");
        }
        for not in ["", ".", "..", "a/b", "/", "a\\b", "a\nb", "a\0b", &"a".repeat(300)] {
            assert!(!is_name(not), "{not:?}");
        }
        for slug in ["orders", "a-b_c.d", "7up"] {
            assert!(is_slug(slug), "{slug}");
        }
        for not in ["", "..", ".git", "-rf", "a/b", "a b", "größe", "a\n"] {
            assert!(!is_slug(not), "{not:?}");
        }
    }
}
