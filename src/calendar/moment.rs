//! Instants as people say them: `now`, `tomorrow`, `Monday`, `18:00`, `3d`, `2026-12-01`, `2026-12-01 18:00`.

use jiff::ToSpan;
use jiff::civil::{DateTime, Time};

use super::{Local, Zone, hours};
use crate::clock::{Millis, Span};

impl Zone {
    /// The instant that somebody in this zone means, where it is `now`. A day alone is its beginning; a time alone, and a
    /// weekday, is the next one; a length of time is counted from now by the clock on the wall.
    pub fn read(&self, text: &str, now: Millis) -> Result<Millis, String> {
        let plain = text.trim().to_lowercase();
        let Local(here) = self.local(now);
        if plain == "now" {
            return Ok(now);
        }
        let today = DateTime::from(here.date());
        let said = match plain.as_str() {
            "today" => Some(today),
            "tomorrow" => Some(today.saturating_add(1.day())),
            day => hours::weekday(day).map(|day| {
                let ahead = (day + 7 - hours::day_of(here.date())) % 7;
                today.saturating_add(i64::try_from(if ahead == 0 { 7 } else { ahead }).unwrap_or(7).days())
            }),
        };
        if let Some(said) = said {
            return Ok(self.instant(Local(said)));
        }
        if let Some(time) = time(&plain) {
            let said = here.date().to_datetime(time);
            let said = if said > here { said } else { said.saturating_add(1.day()) };
            return Ok(self.instant(Local(said)));
        }
        if let Ok(span) = plain.parse::<Span>() {
            let by_hours = span.millis() % (24 * 3_600_000) != 0;
            return Ok(if by_hours { now.saturating_add(span.millis()) } else { self.instant(Local(here).plus(span)) });
        }
        let local = text.trim().to_uppercase().parse::<Local>();
        local.map(|local| self.instant(local)).map_err(|_| {
            format!("`{}` is not a time; write for example 2026-12-01, 2026-12-01 18:00, Monday or 3d", text.trim())
        })
    }
}

/// `18:00`, and nothing else that a library takes for a time.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let is_short = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = (is_short(hour) && is_short(minute)).then(|| Some((hour.parse().ok()?, minute.parse().ok()?)))?;
    parts.and_then(|(hour, minute)| Time::new(hour, minute, 0, 0).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_read_as_people_say_them() {
        let berlin: Zone = "Europe/Berlin".parse().expect("a zone");
        // Thursday, 14:05 there.
        let now = at("2026-10-22T12:05:00Z");
        for (said, meant) in [
            ("now", "2026-10-22T12:05:00Z"),
            ("Today", "2026-10-21T22:00:00Z"),
            ("tomorrow", "2026-10-22T22:00:00Z"),
            ("Monday", "2026-10-25T23:00:00Z"),
            ("thu", "2026-10-28T23:00:00Z"),
            ("18:00", "2026-10-22T16:00:00Z"),
            ("9:30", "2026-10-23T07:30:00Z"),
            ("90m", "2026-10-22T13:35:00Z"),
            // Over the end of summer time: the same hour by the clock on the wall.
            ("3d", "2026-10-25T13:05:00Z"),
            ("1w", "2026-10-29T13:05:00Z"),
            ("72h30m", "2026-10-25T12:35:00Z"),
            ("2026-12-01", "2026-11-30T23:00:00Z"),
            (" 2026-12-01 18:00 ", "2026-12-01T17:00:00Z"),
            ("2026-12-01t18:00", "2026-12-01T17:00:00Z"),
        ] {
            assert_eq!(berlin.read(said, now), Ok(at(meant)), "{said}");
        }
        for wrong in ["", "later", "25:00", "9:5:1", "-3d", "2026-13-01", "mo", "+1h", "1:000"] {
            assert!(berlin.read(wrong, now).is_err(), "{wrong}");
        }
    }

    fn at(text: &str) -> Millis {
        text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond()
    }
}
