//! Recurring times as crontab writes them: `0 10 1-7 3,6,9,12 Tue` is ten o'clock on the first Tuesday of a quarter's end.
//!
//! Unlike in crontab(5), where both a day of the month and a day of the week are said, both must fit: only so can a first
//! Tuesday be said at all.

use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

use super::{Local, Zone};
use crate::clock::Millis;

/// How many days are looked at for the next time: the 29th of February on a given weekday may be 40 years away.
const HORIZON: usize = 40 * 366;

/// A recurring time of a clock on the wall, to the minute.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    source: String,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
}

/// One of the five fields: what it is called, its lowest and highest value, and the words for its values.
type Part = (&'static str, (u32, u32), &'static [&'static str]);

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const PARTS: [Part; 5] = [
    ("minute", (0, 59), &[]),
    ("hour", (0, 23), &[]),
    ("day of the month", (1, 31), &[]),
    ("month", (1, 12), &MONTHS),
    // 7 is Sunday as well.
    ("day of the week", (0, 7), &WEEKDAYS),
];

impl Cron {
    /// The next such time after `after` where `zone` is; `None` if it never comes. A time that the clock skips is the instant
    /// after it, and one that comes twice is the first, so that each is once.
    pub fn next(&self, zone: &Zone, after: Millis) -> Option<Millis> {
        // Clocks that are set back over midnight show yesterday again.
        let Local(local) = zone.local(after);
        let first = local.date().yesterday().ok()?;
        let days = std::iter::successors(Some(first), |date| date.tomorrow().ok()).take(HORIZON);
        let mut instants = days.filter(|date| self.falls_on(*date)).flat_map(|date| self.times(date));
        instants.find_map(|time| Some(zone.instant(Local(time))).filter(|at| *at > after))
    }

    fn falls_on(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_zero_offset();
        has(self.months, date.month()) && has(self.days, date.day()) && has(self.weekdays, weekday)
    }

    /// The times of a day, in order.
    fn times(&self, date: Date) -> impl Iterator<Item = DateTime> + use<> {
        let (hours, minutes) = (self.hours, self.minutes);
        let of = move |hour: i8| (0..60).filter(move |minute| has(minutes, *minute)).map(move |m| date.at(hour, m, 0, 0));
        (0..24).filter(move |hour| has(hours, *hour)).flat_map(of)
    }
}

fn has(set: u64, value: i8) -> bool {
    set & (1 << value) != 0
}

impl FromStr for Cron {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        if fields.len() != PARTS.len() {
            return Err(format!(
                "`{text}` is no recurring time; write five fields: minute, hour, day of the month, month, day of the week"
            ));
        }
        let mut sets = [0; PARTS.len()];
        for ((set, field), part) in sets.iter_mut().zip(&fields).zip(&PARTS) {
            *set = read(field, part)?;
        }
        let [minutes, hours, days, months, weekdays] = sets;
        let weekdays = (weekdays | weekdays >> 7) & 0x7f;
        let cron = Self { source: fields.join(" "), minutes, hours, days, months, weekdays };
        // The 400 years after which the calendar repeats begin with any of them.
        match cron.next(&Zone::UTC, 946_684_800_000) {
            Some(_) => Ok(cron),
            None => Err(format!("`{text}` never comes; look at the day of the month and the month")),
        }
    }
}

/// The values of one field: `*`, `5`, `1-7`, `mon-fri`, `*/15`, `8-18/2`, and lists of them.
fn read(field: &str, part: &Part) -> Result<u64, String> {
    let (name, (least, most), _) = part;
    let wrong = || format!("`{field}` is no {name}; write numbers from {least} to {most}, such as 5, 1-7, */2 or 1,3");
    let mut set = 0;
    for piece in field.split(',') {
        let (range, step) = piece.split_once('/').unwrap_or((piece, "1"));
        let step: u32 = step.parse().ok().filter(|step| *step > 0).ok_or_else(wrong)?;
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (*least, *most),
            Some((from, to)) => (value(from, part).ok_or_else(wrong)?, value(to, part).ok_or_else(wrong)?),
            // `5/10` counts up from 5, as crontabs do.
            None => {
                let from = value(range, part).ok_or_else(wrong)?;
                (from, if piece.contains('/') { *most } else { from })
            }
        };
        if from > to {
            return Err(wrong());
        }
        (from..=to).step_by(step as usize).for_each(|value| set |= 1 << value);
    }
    Ok(set)
}

fn value(text: &str, (_, (least, most), words): &Part) -> Option<u32> {
    let word = words.iter().position(|word| text.eq_ignore_ascii_case(word)).and_then(|at| u32::try_from(at).ok());
    let value = word.map(|at| at + least).or_else(|| text.parse().ok())?;
    (*least..=*most).contains(&value).then_some(value)
}

impl TryFrom<String> for Cron {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> Self {
        cron.source
    }
}

impl schemars::JsonSchema for Cron {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Cron".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "Minute, hour, day of the month, month, day of the week; where both days are said, both must fit",
            "pattern": "^\\s*\\S+(\\s+\\S+){4}\\s*$",
            "examples": ["0 10 1-7 3,6,9,12 Tue"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Millis {
        text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond()
    }

    fn next(cron: &str, zone: &str, after: &str) -> String {
        let (cron, zone): (Cron, Zone) = (cron.parse().expect("a time"), zone.parse().expect("a zone"));
        let next = cron.next(&zone, at(after)).expect("it comes");
        jiff::Timestamp::from_millisecond(next).expect("an instant").to_string()
    }

    #[test]
    fn the_first_tuesday_of_a_quarter() {
        let cron = "0 10 1-7 3,6,9,12 2";
        assert_eq!(next(cron, "Europe/Berlin", "2026-11-26T12:00:00Z"), "2026-12-01T09:00:00Z");
        assert_eq!(next(cron, "Europe/Berlin", "2026-12-01T09:00:00Z"), "2027-03-02T09:00:00Z");
        assert_eq!(next("0 10 1-7 mar,jun Tue", "UTC", "2026-12-01T09:00:00Z"), "2027-03-02T10:00:00Z");
    }

    #[test]
    fn lists_ranges_and_steps() {
        assert_eq!(next("*/15 * * * *", "UTC", "2026-01-01T10:00:00Z"), "2026-01-01T10:15:00Z");
        assert_eq!(next("5/20 9-17/4 * * mon-fri", "UTC", "2026-01-02T17:45:00Z"), "2026-01-05T09:05:00Z");
        assert_eq!(next("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z"), "2028-02-29T00:00:00Z");
        assert_eq!(next("0 0 * * 7", "UTC", "2026-01-01T00:00:00Z"), "2026-01-04T00:00:00Z");
    }

    #[test]
    fn changes_of_the_clock_make_nothing_come_twice_or_never() {
        let cron: Cron = "30 2 * * *".parse().expect("a time");
        let berlin: Zone = "Europe/Berlin".parse().expect("a zone");
        let (mut when, end) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
        let mut days = 0;
        while let Some(next) = cron.next(&berlin, when).filter(|next| *next < end) {
            assert!(next > when);
            (when, days) = (next, days + 1);
        }
        assert_eq!(days, 365);
        assert_eq!(next("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z"), "2026-03-29T01:00:00Z");
        assert_eq!(next("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z"), "2026-10-26T01:30:00Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for wrong in ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "5-1 * * * *"] {
            assert!(wrong.parse::<Cron>().is_err(), "{wrong}");
        }
        assert!("0 0 31 2 *".parse::<Cron>().expect_err("never").contains("never comes"));
        assert!("*/0 * * * *".parse::<Cron>().is_err() && "a * * * *".parse::<Cron>().is_err());
    }
}
