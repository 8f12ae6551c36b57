//! Schedules in the five fields of cron: minute, hour, day of the month, month, day of the week.
//!
//! Fields are read as POSIX has them (crontab(1)), with names and steps as everybody's cron has them: Sunday is 0 and 7, and
//! where both kinds of days are given, either counts. Times are those of the clock on the wall in some zone: a time that the
//! clock skips is the first instant after, and a time that comes twice is the first one. Where every hour counts, though, it
//! is every hour that passes.

use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

use super::{Local, Zone};
use crate::clock::Millis;

/// How many days ahead are looked at: over the nine years between leap days around a century that has none.
const HORIZON: usize = 9 * 366;
/// A minute, in milliseconds.
const MINUTE: i64 = 60_000;

/// A field: what it is called, its least and its greatest number, and the names of its numbers from the least on.
struct Field {
    what: &'static str,
    range: (u32, u32),
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { what: "minute", range: (0, 59), names: &[] },
    Field { what: "hour", range: (0, 23), names: &[] },
    Field { what: "day of the month", range: (1, 31), names: &[] },
    Field {
        what: "month",
        range: (1, 12),
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Field { what: "day of the week", range: (0, 7), names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

/// When something recurs: `30 9 * * mon-fri`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Schedule {
    text: String,
    /// The numbers of each field that count, one bit each.
    fields: [u64; 5],
    /// Which fields are `*`.
    any: [bool; 5],
}

impl Schedule {
    /// Reads five fields; the error says which one is wrong, and what it takes.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let Ok(words) = <[&str; 5]>::try_from(words) else {
            return Err(format!("`{text}` does not have five fields; write for example 30 9 * * mon-fri"));
        };
        let mut fields = [0; 5];
        for ((field, word), bits) in FIELDS.iter().zip(words).zip(&mut fields) {
            *bits = field.read(word)?;
        }
        // Sunday is both.
        fields[4] |= (fields[4] >> 7) & 1;
        let schedule = Self { text: text.trim().to_owned(), fields, any: words.map(|word| word == "*") };
        if schedule.never_comes() {
            return Err(format!(
                "`{text}` never comes: none of its months has such a day; write for example 0 9 1 * *"
            ));
        }
        Ok(schedule)
    }

    /// The first instant after `after` at which it is due in a zone; `None` only at the end of time.
    pub fn next(&self, after: Millis, zone: &Zone) -> Option<Millis> {
        // A clock that is set back over midnight shows yesterday again, so it begins a day early.
        let first = zone.local(after).0.date().saturating_sub(1.day());
        let days = std::iter::successors(Some(first), |date| date.tomorrow().ok()).take(HORIZON);
        days.filter(|date| self.has_day(*date)).find_map(|date| self.next_on(date, after, zone))
    }

    fn next_on(&self, date: Date, after: Millis, zone: &Zone) -> Option<Millis> {
        let midnight = DateTime::from(date);
        if self.any[1] {
            let (begin, end) = (zone.instant(Local(midnight)), zone.instant(Local(midnight.saturating_add(1.day()))));
            // The first whole minute after, of those that the day has.
            let begin = begin.max(after.saturating_add(MINUTE).div_euclid(MINUTE) * MINUTE);
            let mut minutes = (begin..end).step_by(MINUTE as usize);
            return minutes.find(|at| *at > after && has(self.fields[0], zone.local(*at).0.minute()));
        }
        let hours = (0..24i8).filter(|hour| has(self.fields[1], *hour));
        let times = hours.flat_map(|hour| (0..60i8).map(move |minute| (hour, minute)));
        let due = times.filter(|(_, minute)| has(self.fields[0], *minute));
        due.map(|(hour, minute)| zone.instant(Local(date.at(hour, minute, 0, 0)))).find(|at| *at > after)
    }

    fn has_day(&self, date: Date) -> bool {
        let [_, _, days, months, weekdays] = self.fields;
        let by_month = has(days, date.day());
        let by_week = has(weekdays, date.weekday().to_sunday_zero_offset());
        let is_day = if self.any[2] || self.any[4] { by_month && by_week } else { by_month || by_week };
        has(months, date.month()) && is_day
    }

    /// Whether it asks for days that no month has, such as 30 February.
    fn never_comes(&self) -> bool {
        let longest = |month: i8| Date::new(2028, month, 1).map_or(31, |date| date.days_in_month());
        let has_day = |month: i8| (1..=longest(month)).any(|day| has(self.fields[2], day));
        self.any[4] && !(1..=12).filter(|month| has(self.fields[3], *month)).any(has_day)
    }
}

fn has(bits: u64, number: i8) -> bool {
    u32::try_from(number).is_ok_and(|number| (bits >> number) & 1 == 1)
}

impl Field {
    /// `*`, `5`, `1-5`, `*/15`, `mon,wed`.
    fn read(&self, word: &str) -> Result<u64, String> {
        word.split(',').try_fold(0, |bits, part| Ok(bits | self.read_part(part)?))
    }

    fn read_part(&self, part: &str) -> Result<u64, String> {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step = match step {
            None => 1,
            Some(step) => self.number(step, part, (1, self.range.1))?,
        };
        let (first, last) = match range.split_once('-') {
            // The last number of a week's days is its first one again.
            _ if range == "*" => (self.range.0, if self.range.1 == 7 { 6 } else { self.range.1 }),
            Some((first, last)) => self.range(first, last, part)?,
            None if step > 1 || part.contains('/') => return Err(self.wrong(part)),
            None => {
                let only = self.value(range, part)?;
                (only, only)
            }
        };
        if last < first {
            return Err(format!("`{part}` goes backwards; write two ranges"));
        }
        Ok((first..=last).step_by(step as usize).fold(0, |bits, number| bits | 1 << number))
    }

    /// The ends of a range, where Sunday also comes after Saturday.
    fn range(&self, first: &str, last: &str, part: &str) -> Result<(u32, u32), String> {
        let (first, last) = (self.value(first, part)?, self.value(last, part)?);
        let is_next_sunday = self.range.1 == 7 && last == 0 && first > 0;
        Ok((first, if is_next_sunday { 7 } else { last }))
    }

    fn value(&self, word: &str, part: &str) -> Result<u32, String> {
        let lower = word.to_lowercase();
        match self.names.iter().position(|name| *name == lower) {
            Some(index) => Ok(self.range.0 + u32::try_from(index).unwrap_or(0)),
            None => self.number(word, part, self.range),
        }
    }

    fn number(&self, word: &str, part: &str, (least, greatest): (u32, u32)) -> Result<u32, String> {
        let is_number = !word.is_empty() && word.len() <= 2 && word.bytes().all(|byte| byte.is_ascii_digit());
        let number = word.parse().ok().filter(|number| is_number && (least..=greatest).contains(number));
        number.ok_or_else(|| self.wrong(part))
    }

    fn wrong(&self, part: &str) -> String {
        let (least, greatest) = self.range;
        let names = match self.names {
            [first, .., last] => format!(", or {first} to {last}"),
            _ => String::new(),
        };
        format!("`{part}` is no {}; it takes numbers from {least} to {greatest}{names}, with * - , and /", self.what)
    }
}

impl FromStr for Schedule {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Schedule {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Millis {
        text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond()
    }

    fn shown(at: Millis) -> String {
        jiff::Timestamp::from_millisecond(at).expect("an instant").to_string()
    }

    /// The next times in a zone.
    fn times(schedule: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let (schedule, zone) = (Schedule::parse(schedule).expect("a schedule"), zone.parse().expect("a zone"));
        let next = std::iter::successors(schedule.next(at(after), &zone), |last| schedule.next(*last, &zone));
        next.take(count).map(shown).collect()
    }

    #[test]
    fn schedules_read_as_in_a_crontab() {
        let noon = "2026-11-26T12:00:00Z";
        for (schedule, expected) in [
            ("30 9 * * mon-fri", ["2026-11-27T09:30:00Z", "2026-11-30T09:30:00Z"]),
            ("*/20 * * * *", ["2026-11-26T12:20:00Z", "2026-11-26T12:40:00Z"]),
            ("0 0 * * 0", ["2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z"]),
            ("0 0 * * 7", ["2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z"]),
            ("0 0 * * sun-sun", ["2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z"]),
            ("0 0 * * sat-sun", ["2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"]),
            ("0 12 1,15 * *", ["2026-12-01T12:00:00Z", "2026-12-15T12:00:00Z"]),
            ("0 0 13 * FRI", ["2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z"]),
            ("0 9 29 2 *", ["2028-02-29T09:00:00Z", "2032-02-29T09:00:00Z"]),
            ("5-10/5 8-18/4 * jan,jul *", ["2027-01-01T08:05:00Z", "2027-01-01T08:10:00Z"]),
        ] {
            assert_eq!(times(schedule, "UTC", noon, 2), expected, "{schedule}");
        }
        assert_eq!(
            times("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1),
            ["2104-02-29T00:00:00Z"],
            "2100 is no leap year"
        );
    }

    #[test]
    fn fixed_times_come_once_whatever_clocks_do() {
        let spring = times("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3);
        assert_eq!(spring, ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
        let both = times("10,50 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 3);
        assert_eq!(
            both,
            ["2026-03-29T01:00:00Z", "2026-03-29T01:10:00Z", "2026-03-29T01:50:00Z"],
            "two skipped ones are one"
        );
        let autumn = times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2);
        assert_eq!(autumn, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
        let again = times("30 2 * * *", "Europe/Berlin", "2026-10-25T00:45:00Z", 1);
        assert_eq!(again, ["2026-10-26T01:30:00Z"], "asked within the doubled hour");
        let howe = times("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 2);
        assert_eq!(howe, ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"]);
    }

    #[test]
    fn every_hour_is_every_hour_that_passes() {
        let autumn = times("30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", 3);
        assert_eq!(autumn, ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"]);
        let spring = times("30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 2);
        assert_eq!(spring, ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"]);
        assert_eq!(times("0 * * * *", "Asia/Kathmandu", "2026-03-29T00:00:00Z", 1), ["2026-03-29T00:15:00Z"]);
        assert_eq!(
            times("45 * * * *", "America/Nuuk", "2026-10-25T00:00:00Z", 2),
            ["2026-10-25T00:45:00Z", "2026-10-25T01:45:00Z"]
        );
    }

    #[test]
    fn what_is_no_schedule_is_said() {
        for (text, error) in [
            ("", "`` does not have five fields; write for example 30 9 * * mon-fri"),
            ("0 9 * * * *", "`0 9 * * * *` does not have five fields; write for example 30 9 * * mon-fri"),
            ("60 9 * * *", "`60` is no minute; it takes numbers from 0 to 59, with * - , and /"),
            ("0 24 * * *", "`24` is no hour; it takes numbers from 0 to 23, with * - , and /"),
            ("0 9 0 * *", "`0` is no day of the month; it takes numbers from 1 to 31, with * - , and /"),
            ("0 9 * dez *", "`dez` is no month; it takes numbers from 1 to 12, or jan to dec, with * - , and /"),
            ("0 9 * * 8", "`8` is no day of the week; it takes numbers from 0 to 7, or sun to sat, with * - , and /"),
            ("0 9 * * fri-mon", "`fri-mon` goes backwards; write two ranges"),
            ("*/0 9 * * *", "`*/0` is no minute; it takes numbers from 0 to 59, with * - , and /"),
            ("0 9,, * * *", "`` is no hour; it takes numbers from 0 to 23, with * - , and /"),
            ("0 9/2 * * *", "`9/2` is no hour; it takes numbers from 0 to 23, with * - , and /"),
            ("0 +9 * * *", "`+9` is no hour; it takes numbers from 0 to 23, with * - , and /"),
            ("0 9 30 2 *", "`0 9 30 2 *` never comes: none of its months has such a day; write for example 0 9 1 * *"),
        ] {
            assert_eq!(Schedule::parse(text), Err(error.to_owned()), "{text}");
        }
        assert!(Schedule::parse("0 9 30 2 mon").is_ok(), "the Mondays of February");
    }

    /// A field with parts such as `5`, `1-9`, `*/4`, `2-20/3`.
    fn field(least: u32, greatest: u32) -> impl Strategy<Value = String> {
        let number = move || least..=greatest;
        let part = prop_oneof![
            number().prop_map(|number| number.to_string()),
            (number(), number()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
            (number(), number(), 1u32..9).prop_map(|(a, b, step)| format!("{}-{}/{step}", a.min(b), a.max(b))),
            (2u32..9).prop_map(|step| format!("*/{step}")),
        ];
        prop_oneof![2 => Just("*".to_owned()), 3 => prop::collection::vec(part, 1..3).prop_map(|parts| parts.join(","))]
    }

    proptest! {
        /// Without changes of clocks there is nothing to choose, and another cron says the same.
        #[test]
        fn another_cron_agrees(
            (minute, hour, day, month, weekday) in (field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6)),
            after in 1_700_000_000i64..1_900_000_000,
        ) {
            let text = format!("{minute} {hour} {day} {month} {weekday}");
            let Ok(schedule) = Schedule::parse(&text) else { return Ok(()) };
            let other: croner::Cron = text.parse().expect("a schedule for the other cron");
            let begin = jiff::Timestamp::from_second(after).expect("an instant").to_zoned(jiff::tz::TimeZone::UTC);
            let expected = other.find_next_occurrence(&begin, false).map(|found| found.timestamp().as_millisecond());
            prop_assert_eq!(schedule.next(after * 1000, &Zone::UTC), expected.ok(), "{}", text);
        }

        /// What is due later comes later, and what is due is due by the clock on the wall.
        #[test]
        fn times_go_on(
            (minute, hour) in (field(0, 59), field(0, 23)),
            zone in prop::sample::select(vec!["Europe/Berlin", "Australia/Lord_Howe", "America/Nuuk", "Africa/Cairo"]),
            after in (1_767_225_600_000i64..1_830_000_000_000),
        ) {
            let (schedule, zone) = (Schedule::parse(&format!("{minute} {hour} * * *")).expect("a schedule"), zone.parse::<Zone>().expect("a zone"));
            let next = schedule.next(after, &zone).expect("it is due");
            prop_assert!(next > after && next - after <= 26 * 3_600_000);
            prop_assert!(schedule.next(next, &zone).expect("it is due again") > next);
            prop_assert_eq!(schedule.next(next - 1, &zone), Some(next));
        }
    }
}
