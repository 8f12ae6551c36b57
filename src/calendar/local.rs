//! A date and a time as a clock on the wall shows them, which are an instant only in a zone.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

use crate::clock::Span;

/// A date and a time without a zone: `2026-11-02T09:00`, `2026-11-02 09:00`; a date alone is its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Local(pub(super) DateTime);

impl Local {
    /// The reading so much later, of a clock that nobody changes meanwhile.
    #[must_use]
    pub fn plus(self, by: Span) -> Self {
        Self(self.0.saturating_add(SignedDuration::from_millis(by.millis())))
    }

    /// How much later it is than `earlier`, by a clock that nobody changes meanwhile; negative if it is earlier.
    pub fn since(self, earlier: Self) -> Span {
        Span::from_millis(i64::try_from(self.0.duration_since(earlier.0).as_millis()).unwrap_or(i64::MAX))
    }
}

impl FromStr for Local {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.trim();
        // What a library would read besides (weeks, offsets, zones) is not what these words promise.
        let is_plain = plain.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'T' | b' '));
        let local = plain.parse::<DateTime>().or_else(|_| plain.parse::<Date>().map(DateTime::from));
        local
            .ok()
            .filter(|_| is_plain && plain.len() >= "2026-11-02".len())
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a date with a time; write for example 2026-11-02T09:00"))
    }
}

impl TryFrom<String> for Local {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Local> for String {
    fn from(local: Local) -> Self {
        local.to_string()
    }
}

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%dT%H:%M"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_read_as_people_write_them() {
        for (text, read) in [
            ("2026-11-02T09:00", "2026-11-02T09:00"),
            ("2026-11-02 09:00", "2026-11-02T09:00"),
            (" 2028-02-29 ", "2028-02-29T00:00"),
        ] {
            assert_eq!(text.parse::<Local>().expect(text).to_string(), read);
        }
        for wrong in [
            "",
            "9:00",
            "2026-02-29",
            "2026-11-02T25:00",
            "2026-11-02T09:00Z",
            "2026-11-02T09:00[UTC]",
            "2026-W45-1",
            "20261102",
        ] {
            assert!(wrong.parse::<Local>().is_err(), "{wrong}");
        }
    }
}
