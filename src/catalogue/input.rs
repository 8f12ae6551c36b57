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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// A parameter of a capability file.
    fn parameter(keys: &str) -> Parameter {
        toml::from_str(&format!("name = \"it\"\n{keys}")).expect(keys)
    }

    /// The typed value as JSON, or the error.
    fn read(keys: &str, given: Value) -> String {
        let parameter = parameter(keys);
        let known = (parameter.kind == Kind::Choice).then_some(parameter.choices.as_slice());
        parameter.read(&given, known).map_or_else(|error| error, |value| value.to_string())
    }

    #[test]
    fn numbers() {
        for (keys, given, read_as) in [
            ("type = 'integer'", json!("42"), "42"),
            ("type = 'integer'", json!(" +7 "), "7"),
            ("type = 'integer'", json!("9223372036854775807"), "9223372036854775807"),
            ("type = 'integer'", json!(9_007_199_254_740_993_i64), "9007199254740993"),
            ("type = 'integer'", json!(5.0), "5"),
            ("type = 'integer'", json!(1e300), "`1e+300` is not a whole number."),
            ("type = 'integer'", json!("9223372036854775808"), "`9223372036854775808` is not a whole number."),
            ("type = 'integer'", json!(u64::MAX), "`18446744073709551615` is not a whole number."),
            ("type = 'integer'", json!("1.5"), "`1.5` is not a whole number."),
            ("type = 'integer'", json!([1]), "`[1]` is not a whole number."),
            ("type = 'integer'\nmin = 1\nmax = 9", json!("10"), "`10` is not a whole number between 1 and 9."),
            (
                "type = 'integer'\nmax = 9007199254740992",
                json!(9_007_199_254_740_993_i64),
                "`9007199254740993` is not a whole number of at most 9007199254740992.",
            ),
            ("type = 'number'", json!("0.5"), "0.5"),
            ("type = 'number'", json!("-1e3"), "-1000.0"),
            ("type = 'number'", json!("3"), "3"),
            ("type = 'number'", json!("nan"), "`nan` is not a number."),
            ("type = 'number'", json!("-inf"), "`-inf` is not a number."),
            ("type = 'number'", json!("1e999"), "`1e999` is not a number."),
            ("type = 'number'\nmin = 0.5", json!("0.25"), "`0.25` is not a number of at least 0.5."),
        ] {
            assert_eq!(read(keys, given.clone()), read_as, "{keys} {given}");
        }
    }

    #[test]
    fn truths_and_choices() {
        for yes in [json!(true), json!("yes"), json!("TRUE"), json!(" on "), json!("1")] {
            assert_eq!(read("type = 'boolean'", yes), "true");
        }
        for no in [json!(false), json!("no"), json!("False"), json!("off"), json!("0")] {
            assert_eq!(read("type = 'boolean'", no), "false");
        }
        assert_eq!(read("type = 'boolean'", json!("maybe")), "`maybe` is not yes or no.");
        assert_eq!(read("type = 'boolean'", json!(1)), "`1` is not yes or no.");
        let sizes = "type = 'choice'\nchoices = ['Small', 'large', 'LARGE', '3']";
        for (given, read_as) in [
            (json!("small"), "\"Small\""),
            (json!(" large "), "\"large\""),
            (json!("LARGE"), "\"LARGE\""),
            (json!(3), "\"3\""),
            (json!("Large"), "`Large` is not one of Small, large, LARGE, 3. Did you mean `large`?"),
            (json!("smal"), "`smal` is not one of Small, large, LARGE, 3. Did you mean `Small`?"),
            (json!({"a": 1}), "`{\"a\":1}` is not text."),
        ] {
            assert_eq!(read(sizes, given.clone()), read_as, "{given}");
        }
    }

    #[test]
    fn texts() {
        for (keys, given, read_as) in [
            ("type = 'string'", json!("  kept as it is "), "\"  kept as it is \""),
            ("type = 'string'", json!("{{env.HOME}} <@U1> $(id)"), "\"{{env.HOME}} <@U1> $(id)\""),
            ("type = 'string'", json!("a\nb"), "It has several lines; one line of text is wanted."),
            ("type = 'string'", json!("a\u{0}b"), "It has a control character (\\u{0}); plain text is wanted."),
            ("type = 'string'", json!("ü".repeat(1001)), "It has 1001 characters; 1000 are the most."),
            ("type = 'string'", json!(5), "`5` is not text."),
            ("type = 'string'\npattern = 'a|ab'", json!("ab"), "\"ab\""),
            ("type = 'string'\npattern = '[a-z]+'", json!("abC"), "`abC` does not match `[a-z]+`."),
            ("type = 'string'\nmin = 3", json!("ab"), "It has 2 characters; it takes a length of at least 3."),
            ("type = 'string'\nmin = 3\nmax = 4", json!("äöüß"), "\"äöüß\""),
            ("type = 'text'", json!("a\r\nb\tc"), "\"a\\nb\\tc\""),
            ("type = 'text'", json!("a\u{1b}[0m"), "It has a control character (\\u{1b}); plain text is wanted."),
            ("type = 'text'", json!("x".repeat(10_001)), "It has 10001 characters; 10000 are the most."),
            ("type = 'secret'", json!("-----BEGIN\nkey"), "\"-----BEGIN\\nkey\""),
            ("type = 'secret'\npattern = '[a-z]+'", json!("hunter2"), "It does not match `[a-z]+`."),
            ("type = 'secret'", json!(1234), "It is not text."),
        ] {
            assert_eq!(read(keys, given.clone()), read_as, "{keys} {given}");
        }
    }

    #[test]
    fn dates_durations_and_addresses() {
        for (kind, given, read_as) in [
            ("date", "2028-02-29", "\"2028-02-29\""),
            ("date", "2026-02-29", "`2026-02-29` is not a date such as 2026-12-01."),
            ("date", "2026-12-01T09:00", "`2026-12-01T09:00` is not a date such as 2026-12-01."),
            ("date", "20261201", "`20261201` is not a date such as 2026-12-01."),
            ("duration", "90m", "\"1h30m\""),
            ("duration", "1H 30M", "\"1h30m\""),
            ("duration", "soon", "`soon` is not a duration such as 30m, 2h or 1d."),
            ("duration", "99999999999999w", "`99999999999999w` is not a duration such as 30m, 2h or 1d."),
            ("url", "https://example.org/a?b=c#d", "\"https://example.org/a?b=c#d\""),
            ("url", " http://localhost:8080 ", "\"http://localhost:8080\""),
        ] {
            assert_eq!(read(&format!("type = '{kind}'"), json!(given)), read_as, "{kind} {given}");
        }
        for wrong in [
            "example.org",
            "ftp://example.org",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https://",
            "https://user@example.org",
            "https://user:pass@example.org",
            "https://example.org@evil.example",
            "https:\\\\example.org",
            "https://exa mple.org",
        ] {
            let error = read("type = 'url'", json!(wrong));
            assert!(error.starts_with(&format!("`{wrong}` is not an address")), "{error}");
        }
    }

    #[test]
    fn names_of_the_house() {
        let teams = ["data".to_owned(), "Web".to_owned()];
        let team = parameter("type = 'team'");
        assert_eq!(team.read(&json!("@web"), Some(&teams)), Ok(json!("Web")));
        assert_eq!(team.read(&json!("anything"), None), Ok(json!("anything")));
        assert_eq!(
            team.read(&json!("dta"), Some(&teams)),
            Err("`dta` is not one of data, Web. Did you mean `data`?".into())
        );
        let people = ["ada".to_owned(), "ben".to_owned()];
        let person = parameter("type = 'person'");
        for (given, read_as) in [("@Ada", "ada"), ("slack:U012", "slack:U012"), ("per_01k", "per_01k")] {
            assert_eq!(person.read(&json!(given), Some(&people)), Ok(json!(read_as)));
        }
        assert_eq!(
            person.read(&json!("bem"), Some(&people)),
            Err("`bem` is not the name of a person. Did you mean `ben`?".into())
        );
        assert_eq!(read("type = 'channel'", json!("#general")), "\"general\"");
        assert_eq!(read("type = 'channel'", json!("two words")), "`two words` is not the name of a conversation.");
    }

    #[test]
    fn c6_a_pattern_matches_the_whole_in_linear_time_and_is_bounded() {
        for wrong in ["(", "a)", &"a".repeat(1001), r"(\w{500}){500}"] {
            let keys = format!("name = 'it'\ntype = 'string'\npattern = '{wrong}'");
            assert!(toml::from_str::<Parameter>(&keys).is_err(), "{wrong}");
        }
        assert_eq!(read("type = 'string'\npattern = 'a)|(b'", json!("a")), "\"a\"");
        assert!(read("type = 'string'\npattern = 'a)|(b'", json!("ab")).contains("does not match"));
        // A pattern that takes exponential time in a backtracking engine.
        let long = "a".repeat(1000);
        assert!(read("type = 'string'\npattern = '(a+)+'", json!(long)).starts_with("\"aaa"));
        assert!(read("type = 'string'\npattern = '(a*)*b'", json!(long)).ends_with("does not match `(a*)*b`."));
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_is_stable(
            kind in prop::sample::select(vec!["string", "text", "integer", "number", "boolean", "choice", "person", "team", "channel", "date", "duration", "url", "secret"]),
            given in prop_oneof![".{0,40}".prop_map(Value::from), any::<i64>().prop_map(Value::from), any::<f64>().prop_map(Value::from), "[0-9a-zA-Z:/. -]{0,20}".prop_map(Value::from)],
        ) {
            let parameter = parameter(&format!("type = '{kind}'\nchoices = ['a', 'b']"));
            let known = parameter.choices.clone();
            if let Ok(value) = parameter.read(&given, Some(&known)) {
                prop_assert_eq!(parameter.read(&value, Some(&known)), Ok(value));
            }
        }
    }
}
