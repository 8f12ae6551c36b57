//! Secrets that must not be seen: every text on its way to a card, a log or the database passes a mask.

use serde_json::Value;

/// What stands in place of a secret.
pub const HIDDEN: &str = "••••••";

/// The secret values that one piece of work knows.
#[derive(Clone, Default)]
pub struct Mask {
    secrets: Vec<String>,
}

impl Mask {
    /// A mask over these values; those shorter than four characters would blank ordinary words and are left out.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut secrets: Vec<String> = secrets.into_iter().filter(|s| s.chars().count() >= 4).collect();
        secrets.sort_by_key(|s| std::cmp::Reverse(s.len()));
        secrets.dedup();
        Self { secrets }
    }

    /// This mask with one more value.
    #[must_use]
    pub fn with(&self, secret: String) -> Self {
        Self::new(self.secrets.iter().cloned().chain([secret]))
    }

    /// The text with every secret blanked.
    pub fn text(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), HIDDEN))
    }

    /// The JSON value with every secret blanked in its strings.
    pub fn json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.json(item)).collect(),
            Value::Object(map) => map.iter().map(|(k, v)| (self.text(k), self.json(v))).collect(),
            other => other.clone(),
        }
    }
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mask({} secrets)", self.secrets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blanks_whole_and_part() {
        let mask = Mask::new(["hunter22".to_owned(), "hunter22-long".to_owned(), "ab".to_owned()]);
        assert_eq!(mask.text("x=hunter22-long&y=hunter22 ab"), format!("x={HIDDEN}&y={HIDDEN} ab"));
        assert_eq!(mask.json(&json!({"a": ["hunter22", 1]})), json!({"a": [HIDDEN, 1]}));
    }
}
