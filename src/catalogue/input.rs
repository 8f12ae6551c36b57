//! Typed values: what was typed, sent by a form or by a program, read by the rules of its parameter.

use serde_json::{Number, Value};
use url::Url;

use super::parameter::{Kind, Parameter};
use crate::clock::Span;
use crate::spelling;

/// The most characters of one line.
const LONGEST_LINE: usize = 1000;
/// The most characters of a text.
const LONGEST_TEXT: usize = 10_000;
/// How many choices an error lists.
const LISTED: usize = 10;
/// How many characters of a wrong value an error shows.
const SHOWN: usize = 60;

/// Whether nothing was given: `null`, or a field that was left empty.
pub fn is_blank(given: &Value) -> bool {
    given.is_null() || given.as_str().is_some_and(|text| text.trim().is_empty())
}

impl Parameter {
    /// The typed value of what was given. `known` are the values of a choice, the teams or the persons, where they are
    /// known; without them any name is taken. The error says what would be right; it never shows a secret.
    pub fn read(&self, given: &Value, known: Option<&[String]>) -> Result<Value, String> {
        let value = match self.kind {
            Kind::Integer => integer(given).map(Value::from),
            Kind::Number => number(given).map(Value::Number),
            Kind::Boolean => boolean(given).map(Value::Bool),
            _ => return self.read_text(&self.text_of(given)?, known).map(Value::String),
        };
        let value = value.filter(|value| self.is_in_bounds(value));
        value.ok_or_else(|| self.wrong(&plain(given), known))
    }

    /// What would be right, to follow "This is needed:" and "… is not".
    pub fn expectation(&self, known: Option<&[String]>) -> String {
        let list = known.filter(|known| !known.is_empty()).map(one_of);
        match self.kind {
            Kind::String => "one line of text".into(),
            Kind::Text => "a text".into(),
            Kind::Integer => format!("a whole number{}", self.bounds()),
            Kind::Number => format!("a number{}", self.bounds()),
            Kind::Boolean => "yes or no".into(),
            Kind::Choice => list.unwrap_or_else(|| "one of its choices".into()),
            Kind::Person => "the name of a person".into(),
            Kind::Team => list.unwrap_or_else(|| "the name of a team".into()),
            Kind::Channel => "the name of a conversation".into(),
            Kind::Date => "a date such as 2026-12-01".into(),
            Kind::Duration => "a duration such as 30m, 2h or 1d".into(),
            Kind::Url => "an address such as https://example.org/page, without a user name".into(),
            Kind::Secret => "a secret".into(),
        }
    }

    /// What was given as text. A program may send a choice as the number or truth value that it looks like.
    fn text_of(&self, given: &Value) -> Result<String, String> {
        match given {
            Value::String(text) => Ok(text.clone()),
            Value::Number(_) | Value::Bool(_) if self.kind == Kind::Choice => Ok(given.to_string()),
            _ if self.kind == Kind::Secret => Err("It is not text.".into()),
            _ => Err(format!("`{}` is not text.", shown(&plain(given)))),
        }
    }

    fn read_text(&self, text: &str, known: Option<&[String]>) -> Result<String, String> {
        let is_multiline = matches!(self.kind, Kind::Text | Kind::Secret);
        let text = if self.kind == Kind::Text { text.replace("\r\n", "\n") } else { text.to_owned() };
        self.check_characters(&text, is_multiline)?;
        let trimmed = text.trim();
        let read = match self.kind {
            Kind::Choice => known.map_or_else(|| Some(trimmed.to_owned()), |known| find(trimmed, known)),
            Kind::Team => name(trimmed, '@', known),
            Kind::Person => person(trimmed, known),
            Kind::Channel => name(trimmed, '#', None),
            Kind::Date => date(trimmed),
            Kind::Duration => duration(trimmed),
            Kind::Url => is_web_address(trimmed).then(|| trimmed.to_owned()),
            _ => Some(text.clone()),
        };
        let read = read.ok_or_else(|| self.wrong(trimmed, known))?;
        self.check_length(&read, is_multiline)?;
        match &self.pattern {
            Some(pattern) if !pattern.matches(&read) => {
                Err(format!("{} does not match `{}`.", self.mention(&read), &**pattern))
            }
            _ => Ok(read),
        }
    }

    fn check_characters(&self, text: &str, is_multiline: bool) -> Result<(), String> {
        let refused = |c: &char| c.is_control() && !(is_multiline && matches!(c, '\n' | '\t' | '\r'));
        match text.chars().find(refused) {
            None => Ok(()),
            Some('\n' | '\r') => Err("It has several lines; one line of text is wanted.".into()),
            Some(c) => Err(format!("It has a control character ({}); plain text is wanted.", c.escape_unicode())),
        }
    }

    /// Bounds by the kind, and by `min` and `max`, which count the characters of free text.
    fn check_length(&self, text: &str, is_multiline: bool) -> Result<(), String> {
        let length = text.chars().count();
        let most = if is_multiline { LONGEST_TEXT } else { LONGEST_LINE };
        if length > most {
            return Err(format!("It has {length} characters; {most} are the most."));
        }
        let is_free = matches!(self.kind, Kind::String | Kind::Text | Kind::Url | Kind::Secret);
        if is_free && !self.is_in_bounds(&Value::from(length)) {
            return Err(format!("It has {length} characters; it takes a length{}.", self.bounds()));
        }
        Ok(())
    }

    fn is_in_bounds(&self, value: &Value) -> bool {
        // Whole numbers are compared as such: above 2^53 a floating-point number cannot tell neighbours apart.
        let (above, below): (bool, bool) = match value.as_i64().map(i128::from) {
            Some(whole) => (
                self.min.is_none_or(|min| whole >= min.ceil() as i128),
                self.max.is_none_or(|max| whole <= max.floor() as i128),
            ),
            None => {
                let number = value.as_f64();
                (
                    self.min.is_none_or(|min| number.is_none_or(|number| number >= min)),
                    self.max.is_none_or(|max| number.is_none_or(|number| number <= max)),
                )
            }
        };
        above && below
    }

    fn bounds(&self) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!(" between {min} and {max}"),
            (Some(min), None) => format!(" of at least {min}"),
            (None, Some(max)) => format!(" of at most {max}"),
            (None, None) => String::new(),
        }
    }

    fn wrong(&self, text: &str, known: Option<&[String]>) -> String {
        let near = known.and_then(|known| spelling::nearest(text, known.iter().map(String::as_str)));
        let near = near.map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
        format!("{} is not {}.{near}", self.mention(text), self.expectation(known))
    }

    /// A wrong value as an error shows it.
    fn mention(&self, text: &str) -> String {
        if self.kind == Kind::Secret { "It".into() } else { format!("`{}`", shown(text)) }
    }
}

/// The beginning of a text, on one line.
fn shown(text: &str) -> String {
    let mut line: String = text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        line.push('…');
    }
    line
}

/// A value as a person would type it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn one_of(known: &[String]) -> String {
    let rest = known.len().saturating_sub(LISTED);
    let list = known.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if rest == 0 { format!("one of {list}") } else { format!("one of {list} and {rest} more") }
}

fn integer(given: &Value) -> Option<i64> {
    match given {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        _ => None,
    }
}

/// A whole number that came as `5.0`, as some programs write it; beyond 2^53 it is not known which one was meant.
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}

fn number(given: &Value) -> Option<Number> {
    match given {
        Value::String(text) => {
            let text = text.trim();
            let whole: Option<i64> = text.parse().ok();
            // Words such as `inf` and `nan` are no numbers here.
            let digits =
                || text.parse().ok().filter(|_| !text.contains(|c: char| c.is_alphabetic() && !matches!(c, 'e' | 'E')));
            whole.map(Number::from).or_else(|| Number::from_f64(digits()?))
        }
        Value::Number(number) => Some(number.clone()),
        _ => None,
    }
}

pub(super) fn boolean(given: &Value) -> Option<bool> {
    let text = match given {
        Value::Bool(value) => return Some(*value),
        Value::String(text) => text.trim().to_lowercase(),
        _ => return None,
    };
    match text.as_str() {
        "true" | "yes" | "on" | "y" | "1" => Some(true),
        "false" | "no" | "off" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// The known value that was meant: exactly, or but for upper and lower case if only one is meant so.
fn find(text: &str, known: &[String]) -> Option<String> {
    if known.iter().any(|value| value == text) {
        return Some(text.to_owned());
    }
    let lower = text.to_lowercase();
    let mut alike = known.iter().filter(|value| value.to_lowercase() == lower);
    alike.next().filter(|_| alike.next().is_none()).cloned()
}

/// A name of something in the house, which may be written with its mark: `@data`, `#general`.
fn name(text: &str, mark: char, known: Option<&[String]>) -> Option<String> {
    let name = text.strip_prefix(mark).unwrap_or(text);
    match known {
        Some(known) if !known.is_empty() => find(name, known),
        _ => (!name.is_empty() && !name.contains(char::is_whitespace)).then(|| name.to_owned()),
    }
}

/// A person of the configuration, or anybody by id: `per_…`, or `PLATFORM:ID`.
fn person(text: &str, known: Option<&[String]>) -> Option<String> {
    let is_id = text.starts_with("per_") || text.contains(':');
    name(text, '@', known.filter(|_| !is_id))
}

fn date(text: &str) -> Option<String> {
    let date: jiff::civil::Date = text.parse().ok()?;
    // Other ways to write a date are refused, so that what is stored is what was typed.
    (date.to_string() == text).then(|| text.to_owned())
}

fn duration(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    text.to_lowercase().parse::<Span>().ok().map(String::from)
}

/// An http or https address with a host and without a user name, which could be a password or feign another host.
fn is_web_address(text: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c == '\\';
    let Ok(url) = Url::parse(text) else { return false };
    !text.contains(is_odd)
        && matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.username().is_empty()
        && url.password().is_none()
}
