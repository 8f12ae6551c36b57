//! How often one person is asked, over all surveys together, and when a survey waits for another one.
//!
//! Two weeks lie between any two invitations. A survey that is asked more often leaves room for one that is asked more
//! rarely and whose turn is near, so that the rare one is never the one that finds no room.

use crate::clock::{Millis, Span};

const DAY: i64 = 86_400_000;
/// Between any two invitations of one person.
pub const BETWEEN: Span = Span::from_millis(14 * DAY);
/// Between two invitations by the same event.
pub const BETWEEN_EVENTS: Span = Span::from_millis(30 * DAY);
/// How long an event does not ask somebody who said "not now" to it.
pub const AFTER_NO: Span = Span::from_millis(90 * DAY);
/// How long somebody must have been known before they are asked.
pub const NEWCOMER: Span = Span::from_millis(30 * DAY);

/// What a person has been asked before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The survey.
    pub survey: String,
    /// When they were asked.
    pub asked_at: Millis,
    /// When they said "not now".
    pub declined_at: Option<Millis>,
}

/// A survey as the budget sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn<'s> {
    /// The survey.
    pub survey: &'s str,
    /// How much time lies between two invitations by it to the same person.
    pub period: Span,
    /// When it asks next, or could.
    pub opens_at: Millis,
    /// How long it is open then; after that it is of no use to be asked.
    pub open: Span,
    /// Whether an event asks.
    pub by_event: bool,
}

/// When a person may be asked by `turn`, at `now` or later: the earliest instant that keeps to the budget and leaves room for
/// the `others` that would ask the same person; `None` if the turn is over by then.
pub fn ask_at(turn: &Turn<'_>, past: &[Past], others: &[Turn<'_>], now: Millis) -> Option<Millis> {
    let mut at = now.max(turn.opens_at);
    let latest = |of: &dyn Fn(&&Past) -> bool| past.iter().filter(of).map(|past| past.asked_at).max();
    at = at.max(latest(&|_| true).map_or(Millis::MIN, |asked| asked + BETWEEN.millis()));
    if turn.by_event {
        let own = |past: &&Past| past.survey == turn.survey;
        at = at.max(latest(&own).map_or(Millis::MIN, |asked| asked + BETWEEN_EVENTS.millis()));
        let declined = past.iter().filter(own).filter_map(|past| past.declined_at).max();
        at = at.max(declined.map_or(Millis::MIN, |declined| declined + AFTER_NO.millis()));
        // An event asks at once or not at all: later on nobody remembers what it was about.
        return (at <= now && !others.iter().any(|other| yields(turn, other, past, at))).then_some(now);
    }
    let end = turn.opens_at + turn.open.millis();
    if others.iter().any(|other| yields(turn, other, past, at)) {
        return None;
    }
    (at < end).then_some(at)
}

/// Whether a survey that would ask at `at` leaves room for another one: that one is asked more rarely, its turn begins before
/// the budget would allow a further invitation, and it has not had its turn.
fn yields(turn: &Turn<'_>, other: &Turn<'_>, past: &[Past], at: Millis) -> bool {
    let is_rarer = (other.period, turn.survey) > (turn.period, other.survey);
    let is_near = other.opens_at < at + BETWEEN.millis() && at < other.opens_at + other.open.millis();
    let had_its_turn = past.iter().any(|past| past.survey == other.survey && past.asked_at >= other.opens_at);
    other.survey != turn.survey && is_rarer && is_near && !had_its_turn
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn turn(survey: &'static str, period: i64, opens_at: i64) -> Turn<'static> {
        let (period, open) = (Span::from_millis(period * DAY), Span::from_millis(10 * DAY));
        Turn { survey, period, opens_at: opens_at * DAY, open, by_event: survey.starts_with("event") }
    }

    fn past(survey: &str, asked_at: i64) -> Past {
        Past { survey: survey.into(), asked_at: asked_at * DAY, declined_at: None }
    }

    #[test]
    fn two_weeks_lie_between_any_two() {
        let pulse = turn("pulse", 90, 100);
        assert_eq!(ask_at(&pulse, &[], &[], 100 * DAY), Some(100 * DAY));
        assert_eq!(ask_at(&pulse, &[past("other", 90)], &[], 100 * DAY), Some(104 * DAY));
        assert_eq!(ask_at(&pulse, &[past("other", 97)], &[], 100 * DAY), None, "its turn is over by then");
    }

    #[test]
    fn an_event_asks_once_a_month_and_not_for_a_quarter_after_a_no() {
        let event = turn("event", 30, 0);
        assert_eq!(ask_at(&event, &[past("event", 70)], &[], 99 * DAY), None);
        assert_eq!(ask_at(&event, &[past("event", 70)], &[], 100 * DAY), Some(100 * DAY));
        let declined = Past { declined_at: Some(20 * DAY), ..past("event", 19) };
        assert_eq!(ask_at(&event, std::slice::from_ref(&declined), &[], 109 * DAY), None);
        assert_eq!(ask_at(&event, &[declined], &[], 110 * DAY), Some(110 * DAY));
    }

    #[test]
    fn the_frequent_one_leaves_room_for_the_rare_one() {
        let (event, pulse) = (turn("event", 30, 0), turn("pulse", 90, 100));
        assert_eq!(ask_at(&event, &[], &[pulse], 86 * DAY), Some(86 * DAY));
        assert_eq!(ask_at(&event, &[], &[pulse], 86 * DAY + 1), None, "the pulse would find no room on its first day");
        assert_eq!(ask_at(&event, &[], &[pulse], 110 * DAY), Some(110 * DAY), "its turn is over");
        assert_eq!(ask_at(&pulse, &[], &[event], 100 * DAY), Some(100 * DAY), "and not the other way round");
        let equal = turn("qulse", 90, 100);
        let both = [ask_at(&pulse, &[], &[equal], 100 * DAY), ask_at(&equal, &[], &[pulse], 100 * DAY)];
        assert_eq!(both.iter().flatten().count(), 1, "of two alike one is first");
    }

    proptest! {
        /// A quarter of one person's life, with several surveys and many events.
        #[test]
        fn no_quarter_tires_anybody_out(
            events in prop::collection::btree_set(0i64..90 * 24, 0..200), weekly in 0i64..7, quarterly in 0i64..75
        ) {
            let mut asked: Vec<Past> = Vec::new();
            let rare = turn("rare", 90, quarterly);
            for hour in 0..90 * 24 {
                let now = hour * DAY / 24;
                let week = turn("weekly", 7, (hour / 24 - weekly).div_euclid(7) * 7 + weekly);
                let event = turn("event", 30, 0);
                let mut due = vec![];
                if hour % 24 == 9 { due.extend([(week, vec![rare]), (rare, vec![week])]); }
                if events.contains(&hour) { due.push((event, vec![rare, week])); }
                for (turn, others) in due {
                    if turn.opens_at <= now && ask_at(&turn, &asked, &others, now) == Some(now)
                        && !asked.iter().any(|past| past.survey == turn.survey && past.asked_at >= turn.opens_at && !turn.by_event) {
                        asked.push(Past { survey: turn.survey.into(), asked_at: now, declined_at: None });
                    }
                }
            }
            let times: Vec<Millis> = asked.iter().map(|past| past.asked_at).collect();
            prop_assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= BETWEEN.millis()), "{:?}", asked);
            let events: Vec<Millis> = asked.iter().filter(|p| p.survey == "event").map(|p| p.asked_at).collect();
            prop_assert!(events.windows(2).all(|pair| pair[1] - pair[0] >= BETWEEN_EVENTS.millis()), "{:?}", asked);
            prop_assert!(asked.iter().any(|past| past.survey == "rare"), "the rare one found no room: {:?}", asked);
        }
    }
}
