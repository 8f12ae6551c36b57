//! Time: the clock that everything asks, and durations as people write them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;

/// Where the time comes from: the machine, or a test that sets it.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    set: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: Millis) -> Self {
        Self { set: Some(Arc::new(AtomicI64::new(start))) }
    }

    /// The time now.
    pub fn now(&self) -> Millis {
        match &self.set {
            Some(set) => set.load(Ordering::SeqCst),
            None => jiff::Timestamp::now().as_millisecond(),
        }
    }

    /// Moves a manual clock ahead; the machine's clock stays as it is.
    pub fn advance(&self, by: Span) {
        if let Some(set) = &self.set {
            set.fetch_add(by.millis(), Ordering::SeqCst);
        }
    }
}

/// A length of time, written `90s`, `10m`, `2h`, `1d`, `250ms` or a sequence such as `1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(i64);

/// The units of a [`Span`], longest first, in milliseconds.
const UNITS: [(&str, i64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl Span {
    /// A span of so many milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// A span of so many seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs * 1000)
    }

    /// Its length in milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Its length for the standard library; a negative span is zero.
    pub fn duration(self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a duration; write for example 30s, 10m, 2h or 1d");
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(wrong());
        }
        let mut total = 0i64;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let number: i64 = rest[..digits].parse().map_err(|_| wrong())?;
            rest = &rest[digits..];
            let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            let (_, unit) = UNITS.iter().find(|(name, _)| *name == &rest[..letters]).ok_or_else(wrong)?;
            total = number.checked_mul(*unit).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
            rest = &rest[letters..];
        }
        Ok(Self(total))
    }
}

impl TryFrom<String> for Span {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        if span.0 == 0 {
            return "0s".into();
        }
        let mut rest = span.0;
        let mut text = String::new();
        for (name, unit) in UNITS {
            if rest >= unit {
                text.push_str(&format!("{}{name}", rest / unit));
                rest %= unit;
            }
        }
        text
    }
}

impl fmt::Display for Span {
    /// Its two largest units, as a card shows it: `1h 5m`, `40s`, `0s` below a second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.max(0);
        let mut parts = Vec::new();
        for (name, unit) in &UNITS[1..5] {
            if rest >= *unit && parts.len() < 2 {
                parts.push(format!("{}{name}", rest / unit));
            }
            rest %= unit;
        }
        f.write_str(&if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") })
    }
}

impl schemars::JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^([0-9]+(ms|s|m|h|d|w))+$", "examples": ["30s", "10m", "2h"]})
    }
}

/// So many in a span of time, written `5/h` or `10/15m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// Within how long.
    pub per: Span,
}

impl TryFrom<String> for Rate {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a rate; write for example 5/h or 10/15m");
        let (count, per) = text.split_once('/').ok_or_else(wrong)?;
        let per = per.trim();
        let per = if per.starts_with(|c: char| c.is_ascii_digit()) { per.parse() } else { format!("1{per}").parse() };
        let rate = Self { count: count.trim().parse().map_err(|_| wrong())?, per: per.map_err(|_| wrong())? };
        if rate.count == 0 || rate.per.millis() == 0 { Err(wrong()) } else { Ok(rate) }
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        format!("{}/{}", rate.count, String::from(rate.per))
    }
}

impl schemars::JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[0-9]+/[0-9]*(s|m|h|d|w)$", "examples": ["5/h", "10/15m"]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_show() {
        let span: Span = "1h30m".parse().expect("a span");
        assert_eq!(span.millis(), 5_400_000);
        assert_eq!(span.to_string(), "1h 30m");
        assert_eq!(String::from(span), "1h30m");
        assert_eq!(Span::from_millis(400).to_string(), "0s");
        for wrong in ["", "5", "m", "5 m", "-5m", "5y", "99999999999999w"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_read() {
        let rate = Rate::try_from("10/15m".to_owned()).expect("a rate");
        assert_eq!((rate.count, rate.per.millis()), (10, 900_000));
        assert_eq!(Rate::try_from("5/h".to_owned()).expect("a rate").per.millis(), 3_600_000);
        for wrong in ["5", "/h", "0/h", "5/0s", "x/h"] {
            assert!(Rate::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
