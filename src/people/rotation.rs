//! Rotations: who of a team is on call when, as the configuration declares it.
//!
//! Turns are counted by the clock on the wall of the team's zone, so that the hand-over of a weekly turn stays at its hour
//! when clocks are changed.

use crate::calendar::Zone;
use crate::clock::{Millis, Span};
use crate::config::{Oncall, Override};

/// How many changes are looked through for the end of a turn; somebody who stays on call longer stays for ever.
const CHANGES: usize = 64;

/// A declared rotation, in its team's zone.
#[derive(Debug, Clone, Copy)]
pub struct Rotation<'c> {
    /// What is declared.
    pub oncall: &'c Oncall,
    /// The zone by whose clock.
    pub zone: &'c Zone,
}

/// Somebody's time on call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn<'c> {
    /// Who is on call.
    pub person: &'c str,
    /// When somebody else is, or nobody; `None`: not in any time that matters.
    pub until: Option<Millis>,
    /// Who takes over for whom here, if it is not their own turn.
    pub instead_of: Option<&'c str>,
}

impl<'c> Rotation<'c> {
    /// Whose turn it is at an instant; nobody's before the first turn, and where nobody is declared.
    pub fn on_call(self, at: Millis) -> Option<&'c str> {
        self.overriding(at).map(|other| other.person.as_str()).or_else(|| self.regular(at).map(|(person, _)| person))
    }

    /// The turn at an instant, until somebody else takes over.
    pub fn turn(self, at: Millis) -> Option<Turn<'c>> {
        let person = self.on_call(at)?;
        let regular = self.regular(at).map(|(person, _)| person);
        let until = self.changes(at).find(|change| self.on_call(*change) != Some(person));
        Some(Turn { person, until, instead_of: regular.filter(|regular| *regular != person) })
    }

    /// Who is on call next, and from when.
    pub fn next(self, at: Millis) -> Option<(&'c str, Millis)> {
        let now = self.on_call(at);
        let mut turns = self.changes(at).filter_map(|change| Some((self.on_call(change)?, change)));
        turns.find(|(person, _)| Some(*person) != now)
    }

    /// Of several that overlap, the one that is written last holds.
    fn overriding(self, at: Millis) -> Option<&'c Override> {
        let covers = |other: &&Override| (self.zone.instant(other.from)..self.zone.instant(other.until)).contains(&at);
        self.oncall.overrides.iter().rev().find(covers)
    }

    /// Whose turn it would be without overrides, and when it ends.
    fn regular(self, at: Millis) -> Option<(&'c str, Option<Millis>)> {
        let people = &self.oncall.people;
        if self.oncall.since.is_some_and(|since| at < self.zone.instant(since)) {
            return None;
        }
        let every = self.oncall.every.filter(|every| every.millis() > 0);
        let (Some(since), Some(every)) = (self.oncall.since, every) else {
            return people.first().map(|person| (person.as_str(), None));
        };
        let begins = |turn: i64| self.zone.instant(since.plus(Span::from_millis(turn.saturating_mul(every.millis()))));
        let passed = self.zone.local(at).since(since).millis().max(0);
        let mut turn = passed / every.millis();
        // While a clock is set back it shows times again of which the turns were over.
        while begins(turn + 1) <= at {
            turn += 1;
        }
        while turn > 0 && begins(turn) > at {
            turn -= 1;
        }
        let index = usize::try_from(turn).ok()?.checked_rem(people.len())?;
        Some((people[index].as_str(), Some(begins(turn + 1))))
    }

    /// The instants after this one at which somebody else may be on call.
    fn changes(self, at: Millis) -> impl Iterator<Item = Millis> + 'c {
        std::iter::successors(self.next_change(at), move |change| self.next_change(*change)).take(CHANGES)
    }

    fn next_change(self, at: Millis) -> Option<Millis> {
        let since = self.oncall.since.map(|since| self.zone.instant(since));
        let turn = self.regular(at).and_then(|(_, until)| until);
        let edges = self.oncall.overrides.iter().flat_map(|other| [other.from, other.until]);
        let edges = edges.map(|edge| self.zone.instant(edge));
        edges.chain(turn).chain(since).filter(|change| *change > at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Millis {
        text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond()
    }

    fn berlin() -> Zone {
        "Europe/Berlin".parse().expect("a zone")
    }

    fn weekly() -> Oncall {
        toml::from_str("people = ['ada', 'ben', 'cleo']\nsince = '2026-10-12T09:00'\nevery = '1w'\n")
            .expect("a rotation")
    }

    #[test]
    fn a_hand_over_stays_at_its_hour() {
        let (oncall, zone) = (weekly(), berlin());
        let rotation = Rotation { oncall: &oncall, zone: &zone };
        assert_eq!(rotation.turn(at("2026-10-12T06:59:59Z")), None, "before the first turn");
        assert_eq!(rotation.next(at("2026-10-01T00:00:00Z")), Some(("ada", at("2026-10-12T07:00:00Z"))));
        let turn = |text: &str| rotation.turn(at(text)).map(|turn| (turn.person, turn.until));
        assert_eq!(turn("2026-10-12T07:00:00Z"), Some(("ada", Some(at("2026-10-19T07:00:00Z")))));
        // Summer time ends on 25 October: 09:00 is an hour later for everybody else.
        assert_eq!(turn("2026-10-26T07:59:59Z"), Some(("ben", Some(at("2026-10-26T08:00:00Z")))));
        assert_eq!(turn("2026-10-26T08:00:00Z"), Some(("cleo", Some(at("2026-11-02T08:00:00Z")))));
        // And begins on 28 March.
        assert_eq!(turn("2027-03-29T06:59:59Z").map(|turn| turn.1), Some(Some(at("2027-03-29T07:00:00Z"))));
        assert_eq!(rotation.next(at("2026-10-26T08:00:00Z")), Some(("ada", at("2026-11-02T08:00:00Z"))));
    }

    #[test]
    fn turns_that_clocks_skip_or_repeat_come_once() {
        let daily = "people = ['ada', 'ben']\nsince = '2026-03-27T02:30'\nevery = '1d'\n";
        let (oncall, zone) = (toml::from_str::<Oncall>(daily).expect("a rotation"), berlin());
        let rotation = Rotation { oncall: &oncall, zone: &zone };
        let turn = |text: &str| rotation.turn(at(text)).map(|turn| (turn.person, turn.until));
        assert_eq!(turn("2026-03-29T00:59:59Z"), Some(("ben", Some(at("2026-03-29T01:00:00Z")))), "02:30 is skipped");
        assert_eq!(turn("2026-03-29T01:00:00Z"), Some(("ada", Some(at("2026-03-30T00:30:00Z")))));
        let second = turn("2026-10-25T01:10:00Z");
        assert_eq!(turn("2026-10-25T00:30:00Z"), second, "02:10 comes again, and nobody takes over twice");
        assert_eq!(second.map(|turn| turn.1), Some(Some(at("2026-10-26T01:30:00Z"))));
    }

    #[test]
    fn somebody_takes_over_for_a_while() {
        let mut oncall = weekly();
        let others = "[[override]]\nperson = 'dora'\nfrom = '2026-10-13'\nuntil = '2026-10-15 12:00'\n\
                      [[override]]\nperson = 'ben'\nfrom = '2026-10-15T12:00'\nuntil = '2026-10-19T09:00'\n";
        oncall.overrides = toml::from_str::<Oncall>(others).expect("overrides").overrides;
        let zone = berlin();
        let rotation = Rotation { oncall: &oncall, zone: &zone };
        let turn = rotation.turn(at("2026-10-14T00:00:00Z")).expect("a turn");
        assert_eq!((turn.person, turn.instead_of), ("dora", Some("ada")));
        assert_eq!(turn.until, Some(at("2026-10-15T10:00:00Z")));
        let turn = rotation.turn(at("2026-10-16T00:00:00Z")).expect("a turn");
        assert_eq!(turn.until, Some(at("2026-10-26T08:00:00Z")), "ben's own turn follows");
        assert_eq!(rotation.next(at("2026-10-12T08:00:00Z")), Some(("dora", at("2026-10-12T22:00:00Z"))));
        assert_eq!(rotation.on_call(at("2026-10-12T08:00:00Z")), Some("ada"));
    }

    #[test]
    fn one_person_or_none_takes_no_turns() {
        let zone = Zone::UTC;
        let alone: Oncall = toml::from_str("people = ['ada']").expect("a rotation");
        let rotation = Rotation { oncall: &alone, zone: &zone };
        assert_eq!(rotation.turn(0), Some(Turn { person: "ada", until: None, instead_of: None }));
        assert_eq!(rotation.next(0), None);
        let nobody = Oncall::default();
        assert_eq!(Rotation { oncall: &nobody, zone: &zone }.turn(0), None);
        let same: Oncall =
            toml::from_str("people = ['ada', 'ada']\nsince = '2026-01-01'\nevery = '1d'").expect("a rotation");
        let rotation = Rotation { oncall: &same, zone: &zone };
        assert_eq!(rotation.turn(at("2026-01-01T00:00:00Z")).map(|turn| turn.until), Some(None));
    }
}
