//! The hour at which somebody is asked: within nine to five of their own working days, and not while they are away.

use std::sync::LazyLock;

use crate::calendar::{Calendar, Hours};
use crate::clock::Millis;
use crate::people::roster::Roster;

/// When people are asked at all, where they are.
static ASKING: LazyLock<Hours> = LazyLock::new(|| "Mon-Fri 09:00-17:00".parse().expect("hours of a week"));
/// How often the next possible hour is looked for; each step leads to a later one, and a day is no more than a few.
const STEPS: usize = 400;
const DAY: i64 = 86_400_000;

/// The first instant from `at` on at which a person may be asked: their own calendar is open, it is between nine and five of
/// a weekday there, and they are not away. `None` if there is none for a long time.
pub fn next(calendar: &Calendar, is_away: impl Fn(Millis) -> bool, at: Millis) -> Option<Millis> {
    let asking = Calendar { hours: Some(ASKING.clone()), ..calendar.clone() };
    let mut at = at;
    for _ in 0..STEPS {
        let open = calendar.next_open(asking.next_open(at));
        if open != at {
            at = open;
        } else if is_away(at) {
            at += DAY;
        } else {
            return Some(at);
        }
    }
    None
}

/// The same for somebody of the roster.
pub fn of(roster: &Roster<'_>, person: &str, at: Millis) -> Option<Millis> {
    next(&roster.calendar_of(person), |at| roster.is_away(person, at), at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Millis {
        text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond()
    }

    fn calendar(zone: &str, hours: Option<&str>) -> Calendar {
        Calendar { zone: zone.parse().expect("a zone"), hours: hours.map(|hours| hours.parse().expect("hours")) }
    }

    #[test]
    fn nine_to_five_where_they_are() {
        let (berlin, auckland) = (calendar("Europe/Berlin", None), calendar("Pacific/Auckland", None));
        let tuesday = at("2026-12-01T09:00:00Z");
        assert_eq!(next(&berlin, |_| false, tuesday), Some(tuesday));
        assert_eq!(next(&auckland, |_| false, tuesday), Some(at("2026-12-01T20:00:00Z")));
        let saturday = at("2026-12-05T09:00:00Z");
        assert_eq!(next(&berlin, |_| false, saturday), Some(at("2026-12-07T08:00:00Z")));
    }

    #[test]
    fn their_own_hours_count_and_absence_too() {
        let late = calendar("UTC", Some("Mon-Thu 12:00-20:00"));
        assert_eq!(next(&late, |_| false, at("2026-12-01T09:00:00Z")), Some(at("2026-12-01T12:00:00Z")));
        assert_eq!(next(&late, |_| false, at("2026-12-03T17:00:00Z")), Some(at("2026-12-07T12:00:00Z")));
        let back = at("2026-12-14T00:00:00Z");
        let away = |when: Millis| when < back;
        assert_eq!(next(&late, away, at("2026-12-01T09:00:00Z")), Some(at("2026-12-14T12:00:00Z")));
        let night = calendar("UTC", Some("Mon-Fri 20:00-23:00"));
        assert_eq!(next(&night, |_| false, back), None, "nobody is woken up for a survey");
    }

    proptest! {
        #[test]
        fn nobody_is_asked_at_night_or_at_the_weekend(minutes in 0i64..525_600 * 2, zone in prop::sample::select(
            vec!["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]
        )) {
            let calendar = calendar(zone, None);
            let asked = next(&calendar, |_| false, 1_767_225_600_000 + minutes * 60_000).expect("soon");
            let civil = calendar.civil(asked);
            prop_assert!((9..17).contains(&civil.hour) && !["Sat", "Sun"].contains(&civil.weekday), "{:?}", civil);
        }
    }
}
