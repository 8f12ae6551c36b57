//! Working hours as people write them: `Mon-Thu 08:00-16:30, Fri 08:00-12:00`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The days as hours are written, and in full.
const DAYS: [(&str, &str); 7] = [
    ("Mon", "monday"),
    ("Tue", "tuesday"),
    ("Wed", "wednesday"),
    ("Thu", "thursday"),
    ("Fri", "friday"),
    ("Sat", "saturday"),
    ("Sun", "sunday"),
];
/// The minutes of a day.
const DAY: i64 = 24 * 60;

/// Working hours of a week. Hours that end when they begin or before end on the day after: `Fri 22:00-06:00`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hours {
    text: String,
    /// From Monday on: from which minute to which, in order, none touching the next one of the same day.
    days: [Vec<(i64, i64)>; 7],
}

impl Hours {
    /// The hours of a day, in minutes after its beginning.
    pub(super) fn on(&self, date: Date) -> impl Iterator<Item = (i64, i64)> {
        self.days[day_of(date)].iter().copied()
    }
}

/// What a day is called: `Mon`.
pub(super) fn day_name(date: Date) -> &'static str {
    DAYS[day_of(date)].0
}

/// Its day of the week, counted from Monday as 0.
pub(super) fn day_of(date: Date) -> usize {
    usize::try_from(date.weekday().to_monday_zero_offset()).expect("a day of the week is 0 to 6")
}

impl Default for Hours {
    fn default() -> Self {
        "Mon-Fri 09:00-17:00".parse().expect("the usual hours are hours")
    }
}

impl FromStr for Hours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.replace('–', "-");
        let mut days: [Vec<(i64, i64)>; 7] = Default::default();
        let mut meant: Vec<usize> = Vec::new();
        let mut is_timed = false;
        for word in plain.split([' ', ',']).filter(|word| !word.is_empty()) {
            if word.starts_with(|c: char| c.is_ascii_digit()) {
                let times = read_times(word).ok_or_else(|| wrong(text, word, "not a time from 00:00-24:00"))?;
                meant.iter().for_each(|day| put(&mut days, *day, times));
                is_timed = !meant.is_empty();
            } else {
                // Days after a time begin anew: `Mon-Thu 08:00-16:30, Fri 08:00-12:00`.
                if is_timed {
                    meant.clear();
                }
                is_timed = false;
                meant.extend(read_days(word).ok_or_else(|| wrong(text, word, "not a day"))?);
            }
            if meant.is_empty() {
                return Err(wrong(text, word, "a time without days"));
            }
        }
        if !is_timed {
            let message = format!("`{text}` does not say from when to when");
            return Err(format!("{message}; write for example Mon-Fri 09:00-17:00"));
        }
        days.iter_mut().for_each(join);
        Ok(Self { text: text.trim().to_owned(), days })
    }
}

fn wrong(text: &str, word: &str, what: &str) -> String {
    let place = if word == text { String::new() } else { format!(" in `{text}`") };
    format!("`{word}`{place} is {what}; write for example Mon-Fri 09:00-17:00")
}

/// `Mon` or `Mon-Fri`, which may go over the end of the week.
fn read_days(word: &str) -> Option<Vec<usize>> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last) = (weekday(first)?, weekday(last)?);
    Some((0..=(last + 7 - first) % 7).map(|step| (first + step) % 7).collect())
}

/// The day of a name in small letters or large ones, in full or cut to three letters, counted from Monday as 0.
pub(super) fn weekday(word: &str) -> Option<usize> {
    let word = word.to_lowercase();
    DAYS.iter().position(|(_, name)| word.len() >= 3 && name.starts_with(word.as_str()))
}

/// `09:00-17:00` in minutes; the end is after the beginning, and may be on the next day.
fn read_times(word: &str) -> Option<(i64, i64)> {
    let minutes = |time: &str| {
        let (hour, minute) = time.split_once(':')?;
        let number = |part: &str, digits: std::ops::RangeInclusive<usize>| {
            (digits.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| part.parse::<i64>().ok())?
        };
        let (hour, minute) = (number(hour, 1..=2)?, number(minute, 2..=2)?);
        (minute < 60 && hour * 60 + minute <= DAY).then_some(hour * 60 + minute)
    };
    let (from, to) = word.split_once('-')?;
    let (from, to) = (minutes(from)?, minutes(to)?);
    (from < DAY).then_some((from, if to <= from { to + DAY } else { to }))
}

/// Puts times on a day, and what is left of them on the next.
fn put(days: &mut [Vec<(i64, i64)>; 7], day: usize, (from, to): (i64, i64)) {
    days[day].push((from, to.min(DAY)));
    if to > DAY {
        days[(day + 1) % 7].push((0, to - DAY));
    }
}

/// Makes one of times that overlap or touch.
fn join(times: &mut Vec<(i64, i64)>) {
    times.sort_unstable();
    times.dedup_by(|next, kept| {
        let touches = next.0 <= kept.1;
        if touches {
            kept.1 = kept.1.max(next.1);
        }
        touches
    });
}

impl TryFrom<String> for Hours {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        hours.text
    }
}

impl fmt::Display for Hours {
    /// As they were written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The days that have hours, each with them in hours and minutes.
    fn read(text: &str) -> String {
        let hours: Hours = text.parse().unwrap_or_else(|error| panic!("{error}"));
        let time = |minutes: i64| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let of = |(day, times): (usize, &Vec<(i64, i64)>)| {
            let times: Vec<String> = times.iter().map(|(from, to)| format!("{}-{}", time(*from), time(*to))).collect();
            (!times.is_empty()).then(|| format!("{} {}", DAYS[day].0, times.join(" ")))
        };
        hours.days.iter().enumerate().filter_map(of).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn hours_read_as_people_write_them() {
        assert_eq!(read("Mon-Tue 09:00-17:00"), "Mon 09:00-17:00, Tue 09:00-17:00");
        assert_eq!(read("Thu 08:00-16:30, Fri 8:00-12:00"), "Thu 08:00-16:30, Fri 08:00-12:00");
        assert_eq!(
            read("Mon, Wed 09:00-12:00 13:00-17:00"),
            "Mon 09:00-12:00 13:00-17:00, Wed 09:00-12:00 13:00-17:00"
        );
        assert_eq!(read("monday 09:00–17:00"), "Mon 09:00-17:00", "as a phone writes it");
        assert_eq!(read("Sat-Mon 10:00-12:00"), "Mon 10:00-12:00, Sat 10:00-12:00, Sun 10:00-12:00");
        assert_eq!(read("Sun 22:00-06:00"), "Mon 00:00-06:00, Sun 22:00-24:00", "over midnight and the week's end");
        assert_eq!(read("Wed 00:00-24:00"), "Wed 00:00-24:00");
        assert_eq!(read("Wed 09:00-09:00"), "Wed 09:00-24:00, Thu 00:00-09:00");
        assert_eq!(read("Mon 09:00-12:00 11:00-13:00 13:00-14:00"), "Mon 09:00-14:00", "what overlaps counts once");
        assert_eq!(Hours::default().to_string(), "Mon-Fri 09:00-17:00");
    }

    #[test]
    fn what_is_no_hours_is_said() {
        for (text, message) in [
            ("", "`` does not say from when to when"),
            ("Mon-Fri", "`Mon-Fri` does not say from when to when"),
            ("Mon 09:00-17:00, Tue", "`Mon 09:00-17:00, Tue` does not say from when to when"),
            ("09:00-17:00", "`09:00-17:00` is a time without days"),
            ("Mon-Fir 09:00-17:00", "`Mon-Fir` in `Mon-Fir 09:00-17:00` is not a day"),
            ("Mo 09:00-17:00", "`Mo` in `Mo 09:00-17:00` is not a day"),
            ("Mon 9-17", "`9-17` in `Mon 9-17` is not a time from 00:00-24:00"),
            ("Mon 09:00-24:01", "`09:00-24:01` in `Mon 09:00-24:01` is not a time from 00:00-24:00"),
            ("Mon 24:00-24:00", "`24:00-24:00` in `Mon 24:00-24:00` is not a time from 00:00-24:00"),
            ("Mon 09:60-10:00", "`09:60-10:00` in `Mon 09:60-10:00` is not a time from 00:00-24:00"),
            ("Mon 09:00", "`09:00` in `Mon 09:00` is not a time from 00:00-24:00"),
        ] {
            let error = text.parse::<Hours>().expect_err(text);
            assert_eq!(error, format!("{message}; write for example Mon-Fri 09:00-17:00"));
        }
    }
}
