//! Calendars: which time counts where somebody works, and what an instant is called there.
//!
//! Invariant: everything is counted between instants, never between the readings of a clock on the wall; so an hour that is
//! skipped in spring is nobody's working time, and one that comes twice in autumn is worked once or through, as it stands in
//! the middle of the hours or at their edge.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};
use serde::Serialize;

use crate::clock::{Millis, Span};

mod cron;
mod hours;
mod local;
mod moment;
mod zone;

pub use cron::Schedule;
pub use hours::Hours;
pub use local::Local;
pub use zone::Zone;

/// How many days ahead hours are looked at. What lies beyond is so far that it does not matter whether it is open.
const HORIZON: usize = 3660;

/// Where somebody is, and when they work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    /// The zone that the hours are meant in.
    pub zone: Zone,
    /// The working hours; without any it is always open.
    pub hours: Option<Hours>,
}

/// What a clock and a calendar on the wall show, for conditions and for words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Civil {
    /// The date: `2026-11-26`.
    pub date: String,
    /// The hour, 0 to 23.
    pub hour: i64,
    /// The minute, 0 to 59.
    pub minute: i64,
    /// The day of the week as hours are written: `Mon` to `Sun`.
    pub weekday: &'static str,
}

impl Calendar {
    /// The same zone, where all time counts.
    #[must_use]
    pub fn always(&self) -> Self {
        Self { zone: self.zone.clone(), hours: None }
    }

    /// Whether it is open then.
    pub fn is_open(&self, at: Millis) -> bool {
        self.next_open(at) == at
    }

    /// When it opens next: `at` itself if it is open then.
    pub fn next_open(&self, at: Millis) -> Millis {
        self.stretches(at).next().map_or(at, |(start, _)| start.max(at))
    }

    /// When so much open time has passed after `at`: the first such instant, so that an hour from one before closing ends
    /// at closing. With no time to pass, or a negative one, it is `at`.
    pub fn after(&self, at: Millis, open: Span) -> Millis {
        let mut left = open.millis();
        let mut reached = at;
        if left <= 0 {
            return at;
        }
        for (start, end) in self.stretches(at) {
            let start = start.max(at);
            if end.saturating_sub(start) >= left {
                return start.saturating_add(left);
            }
            left -= end - start;
            reached = end;
        }
        reached.saturating_add(left)
    }

    /// The open time between two instants; none if `to` comes before `from`.
    pub fn open_between(&self, from: Millis, to: Millis) -> Span {
        let within = self.stretches(from).take_while(|(start, _)| *start < to);
        Span::from_millis(within.map(|(start, end)| end.min(to) - start.max(from)).filter(|open| *open > 0).sum())
    }

    /// What clock and calendar show there.
    pub fn civil(&self, at: Millis) -> Civil {
        let Local(local) = self.zone.local(at);
        Civil {
            date: local.date().to_string(),
            hour: local.hour().into(),
            minute: local.minute().into(),
            weekday: hours::day_name(local.date()),
        }
    }

    /// The instant in words: `Thu 26 Nov, 14:05 CET`.
    pub fn words(&self, at: Millis) -> String {
        self.zone.zoned(at).strftime("%a %-d %b, %H:%M %Z").to_string()
    }

    /// The open stretches that end after `at`, in order. Two that touch may come as two.
    fn stretches(&self, at: Millis) -> Box<dyn Iterator<Item = (Millis, Millis)> + '_> {
        let Some(hours) = &self.hours else { return Box::new(std::iter::once((Millis::MIN, Millis::MAX))) };
        // A clock that is set back over midnight shows yesterday again, so it begins a day early.
        let first = self.zone.local(at).0.date().saturating_sub(1.day());
        let days = std::iter::successors(Some(first), |date| date.tomorrow().ok()).take(HORIZON);
        let instants =
            move |date: Date| hours.on(date).map(move |(from, to)| (self.instant(date, from), self.instant(date, to)));
        // Hours that the clock skips have no length.
        Box::new(days.flat_map(instants).filter(move |(start, end)| start < end && *end > at))
    }

    /// The instant at so many minutes of a day, which may be all of them.
    fn instant(&self, date: Date, minutes: i64) -> Millis {
        self.zone.instant(Local(DateTime::from(date).saturating_add(minutes.minutes())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000;

    fn calendar(zone: &str, hours: &str) -> Calendar {
        Calendar { zone: zone.parse().expect("a zone"), hours: Some(hours.parse().expect("hours")) }
    }

    fn at(text: &str) -> Millis {
        text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond()
    }

    #[test]
    fn a_week_opens_and_closes() {
        let office = calendar("UTC", "Mon-Fri 09:00-17:00");
        let friday = at("2026-11-27T16:30:00Z");
        assert!(office.is_open(friday));
        assert!(!office.is_open(at("2026-11-27T17:00:00Z")), "it is closed at the hour of closing");
        assert!(office.is_open(at("2026-11-30T09:00:00Z")), "and open at that of opening");
        assert_eq!(office.next_open(at("2026-11-28T12:00:00Z")), at("2026-11-30T09:00:00Z"));
        assert_eq!(office.after(friday, Span::from_millis(HOUR / 2)), at("2026-11-27T17:00:00Z"));
        assert_eq!(office.after(friday, Span::from_millis(HOUR)), at("2026-11-30T09:30:00Z"));
        assert_eq!(office.after(friday, Span::from_millis(0)), friday);
        assert_eq!(office.open_between(friday, at("2026-12-04T16:30:00Z")).millis(), 40 * HOUR);
        assert_eq!(office.open_between(friday, friday - HOUR).millis(), 0);
        assert_eq!(office.always().after(friday, Span::from_millis(HOUR)), friday + HOUR);
    }

    #[test]
    fn the_clock_goes_ahead_and_back() {
        let night = calendar("Europe/Berlin", "Mon-Sun 00:00-08:00");
        let length = |from: &str, to: &str| night.open_between(at(from), at(to)).millis() / HOUR;
        assert_eq!(length("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"), 7, "the hour from 02:00 is skipped");
        assert_eq!(length("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"), 9, "the hour from 02:00 comes twice");
        let office = calendar("Europe/Berlin", "Mon-Fri 09:00-17:00");
        assert_eq!(office.after(at("2026-03-27T15:00:00Z"), Span::from_millis(2 * HOUR)), at("2026-03-30T08:00:00Z"));
        assert_eq!(office.after(at("2026-10-23T14:00:00Z"), Span::from_millis(2 * HOUR)), at("2026-10-26T09:00:00Z"));
    }

    #[test]
    fn hours_that_the_clock_skips_are_no_hours() {
        let skipped = calendar("Europe/Berlin", "Sun 02:00-03:00");
        assert_eq!(skipped.next_open(at("2026-03-28T12:00:00Z")), at("2026-04-05T00:00:00Z"));
        assert_eq!(skipped.open_between(at("2026-03-28T12:00:00Z"), at("2026-03-30T00:00:00Z")).millis(), 0);
        let half = calendar("Europe/Berlin", "Sun 02:30-04:00");
        assert_eq!(half.next_open(at("2026-03-28T12:00:00Z")), at("2026-03-29T01:00:00Z"), "what is left of them");
        let ends = calendar("Europe/Berlin", "Sun 01:00-02:30");
        let open = ends.open_between(at("2026-10-24T12:00:00Z"), at("2026-10-26T00:00:00Z"));
        assert_eq!(open.millis(), 3 * HOUR / 2, "02:30 is over when it comes for the first time");
    }

    #[test]
    fn midnight_may_be_skipped_and_so_may_a_day() {
        let cairo = calendar("Africa/Cairo", "Fri 00:00-02:00");
        assert_eq!(cairo.next_open(at("2026-04-23T12:00:00Z")), at("2026-04-23T22:00:00Z"));
        assert_eq!(cairo.open_between(at("2026-04-23T12:00:00Z"), at("2026-04-25T00:00:00Z")).millis(), HOUR);
        let apia = calendar("Pacific/Apia", "Mon-Sun 09:00-17:00");
        let open = apia.open_between(at("2011-12-29T10:00:00Z"), at("2012-01-01T09:00:00Z")).millis();
        assert_eq!(open, 3 * 8 * HOUR, "the 29th, the 31st and the 1st: there was no 30 December");
        let nuuk = calendar("America/Nuuk", "Sat 00:00-24:00");
        let open = nuuk.open_between(at("2026-10-23T00:00:00Z"), at("2026-10-27T00:00:00Z"));
        assert_eq!(open.millis(), 25 * HOUR, "Saturday's last hour comes twice");
    }

    #[test]
    fn zones_shift_by_half_an_hour_too() {
        let howe = calendar("Australia/Lord_Howe", "Mon-Sun 00:00-04:00");
        let length = |from: &str, to: &str| howe.open_between(at(from), at(to)).millis();
        assert_eq!(length("2026-10-03T06:00:00Z", "2026-10-04T06:00:00Z"), 7 * HOUR / 2);
        assert_eq!(length("2026-04-04T06:00:00Z", "2026-04-05T06:00:00Z"), 9 * HOUR / 2);
        let nepal = calendar("Asia/Kathmandu", "Mon-Fri 09:00-17:00");
        assert_eq!(nepal.next_open(at("2026-11-26T00:00:00Z")), at("2026-11-26T03:15:00Z"));
    }

    #[test]
    fn a_leap_day_is_a_day() {
        let office = calendar("Europe/Berlin", "Mon-Fri 09:00-17:00");
        assert_eq!(office.after(at("2028-02-28T15:30:00Z"), Span::from_millis(HOUR)), at("2028-02-29T08:30:00Z"));
        assert_eq!(office.civil(at("2028-02-29T08:30:00Z")).date, "2028-02-29");
    }

    #[test]
    fn instants_have_words() {
        let berlin = calendar("Europe/Berlin", "Mon-Fri 09:00-17:00");
        assert_eq!(berlin.words(at("2026-11-26T13:05:00Z")), "Thu 26 Nov, 14:05 CET");
        assert_eq!(berlin.words(at("2026-07-01T13:05:00Z")), "Wed 1 Jul, 15:05 CEST");
        assert_eq!(Calendar::default().words(0), "Thu 1 Jan, 00:00 UTC");
        let civil = Civil { date: "2026-11-26".into(), hour: 14, minute: 5, weekday: "Thu" };
        assert_eq!(berlin.civil(at("2026-11-26T13:05:00Z")), civil);
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        let office = calendar("Europe/Berlin", "Mon-Fri 09:00-17:00");
        for at in [Millis::MIN, Millis::MAX] {
            assert!(office.next_open(at) >= at);
            assert!(office.after(at, Span::from_millis(Millis::MAX)) >= at);
            assert_eq!(office.open_between(at, at).millis(), 0);
            assert!(!office.words(at).is_empty());
        }
        assert!(office.after(0, Span::from_millis(Millis::MAX)) > 0);
    }

    proptest! {
        /// Time that passes in a calendar is the time that is counted in it; and it never runs backwards.
        #[test]
        fn passing_and_counting_are_inverse(
            (zone, hours) in (
                prop::sample::select(vec!["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Nuuk", "Africa/Cairo"]),
                prop::sample::select(vec![
                    "Mon-Fri 09:00-17:00",
                    "Mon-Sun 00:00-24:00",
                    "Sun 01:30-02:30",
                    "Fri 22:00-06:00",
                    "Mon, Sat 00:00-00:45 23:30-24:00",
                ]),
            ),
            // 2026 and 2027, in steps of 7 minutes.
            from in (0i64..150_000).prop_map(|step| 1_767_225_600_000 + step * 420_000),
            open in (1i64..100 * 3600).prop_map(|seconds| seconds * 1000),
            gap in (0i64..14 * 24 * 60).prop_map(|minutes| minutes * 60_000),
        ) {
            let calendar = calendar(zone, hours);
            let passed = calendar.after(from, Span::from_millis(open));
            prop_assert_eq!(calendar.open_between(from, passed).millis(), open);
            prop_assert!(calendar.is_open(passed - 1), "the first instant at which it has passed");
            prop_assert!(calendar.after(from + gap, Span::from_millis(open)) >= passed);
            prop_assert!(calendar.after(from, Span::from_millis(open + 1)) > passed);
            let opens = calendar.next_open(from);
            prop_assert!(opens >= from && calendar.is_open(opens));
            prop_assert_eq!(calendar.open_between(from, opens).millis(), 0);
            let to = from + gap;
            let counted = calendar.open_between(from, to);
            prop_assert!(calendar.after(from, counted) <= to);
            let middle = from + gap / 2;
            prop_assert_eq!(
                counted.millis(),
                calendar.open_between(from, middle).millis() + calendar.open_between(middle, to).millis()
            );
        }
    }
}
