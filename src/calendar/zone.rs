//! Time zones, by their name in the IANA database: that of the machine, or where it has none the one that is built in.

use std::fmt;
use std::str::FromStr;

use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use super::Local;
use crate::clock::Millis;
use crate::spelling::nearest;

/// A time zone: `Europe/Berlin`, `UTC`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

impl Zone {
    /// Where clocks are never changed.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// Its name: `Europe/Berlin`.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// What the clock there shows; at the ends of time it stands still.
    pub fn local(&self, at: Millis) -> Local {
        Local(self.0.to_datetime(timestamp(at)))
    }

    /// The instant at which the clock there shows `local`: the first one where it comes twice, and where it is skipped the
    /// first instant after.
    pub fn instant(&self, Local(local): Local) -> Millis {
        let ambiguous = self.0.to_ambiguous_timestamp(local);
        let is_skipped = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
        let Ok(earlier) = ambiguous.earlier() else {
            return timestamp(if local.year() < 0 { Millis::MIN } else { Millis::MAX }).as_millisecond();
        };
        if !is_skipped {
            return earlier.as_millisecond();
        }
        // What was found lies before the gap, by as much as the clock is set ahead.
        let mut changes = self.0.following(earlier).map(|change| change.timestamp());
        let after = changes.find(|change| self.0.to_datetime(*change) >= local);
        after.unwrap_or(earlier).as_millisecond()
    }

    pub(super) fn zoned(&self, at: Millis) -> Zoned {
        timestamp(at).to_zoned(self.0.clone())
    }
}

/// The nearest instant that has a date.
fn timestamp(at: Millis) -> Timestamp {
    let end = if at < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(at).unwrap_or(end)
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = TimeZone::get(text.trim()).ok().filter(|zone| zone.iana_name().is_some() && !zone.is_unknown());
        known.map(Self).ok_or_else(|| {
            let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
            let city = |name: &&String| name.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(text));
            let near = || nearest(text, names.iter().map(String::as_str));
            match names.iter().find(city).map(String::as_str).or_else(near) {
                Some(meant) => format!("`{text}` is not a time zone; did you mean {meant}?"),
                None => {
                    format!("`{text}` is not a time zone; write for example Europe/Berlin, America/New_York or UTC")
                }
            }
        })
    }
}

impl TryFrom<String> for Zone {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().to_owned()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_read_by_name() {
        assert_eq!("Europe/Berlin".parse::<Zone>().expect("a zone").name(), "Europe/Berlin");
        assert_eq!("europe/berlin".parse::<Zone>().expect("a zone").to_string(), "Europe/Berlin");
        assert_eq!("UTC".parse(), Ok(Zone::UTC));
        for (text, meant) in
            [("Berlin", "Europe/Berlin"), ("Europe/Berln", "Europe/Berlin"), ("new_york", "America/New_York")]
        {
            let error = text.parse::<Zone>().expect_err("no zone");
            assert_eq!(error, format!("`{text}` is not a time zone; did you mean {meant}?"));
        }
        for wrong in ["", "Etc/Unknown", "+02:00", "../etc/passwd", "Mars/Olympus_Mons"] {
            assert!(wrong.parse::<Zone>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_skipped_time_is_the_instant_after_and_a_doubled_one_the_first() {
        let berlin: Zone = "Europe/Berlin".parse().expect("a zone");
        let instant = |text: &str| timestamp(berlin.instant(text.parse().expect("a time"))).to_string();
        assert_eq!(instant("2026-03-29T01:59:00"), "2026-03-29T00:59:00Z");
        assert_eq!(instant("2026-03-29T02:00:00"), "2026-03-29T01:00:00Z");
        assert_eq!(instant("2026-03-29T02:59:00"), "2026-03-29T01:00:00Z");
        assert_eq!(instant("2026-10-25T02:30:00"), "2026-10-25T00:30:00Z");
        let apia: Zone = "Pacific/Apia".parse().expect("a zone");
        let skipped = apia.instant("2011-12-30T12:00:00".parse().expect("a time"));
        assert_eq!(timestamp(skipped).to_string(), "2011-12-30T10:00:00Z", "the whole day");
    }
}
