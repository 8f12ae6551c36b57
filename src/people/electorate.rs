//! Who decides about an approval: the people of its approver sets, those who stand in for them, and never who asks.
//!
//! Invariant: what cannot be established gives nobody a right.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Person;
use super::roster::{Roster, Spot};
use crate::calendar::Calendar;
use crate::catalogue::command::{BreakGlass, Standing};
use crate::clock::Millis;
use crate::store::approval::Open;

/// The rules of an approval as they were when it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The approver sets, one level after the other: `team:NAME`, `person:NAME`, `lead-of-requester`.
    pub levels: Vec<String>,
    /// How many must approve.
    pub quorum: usize,
    /// The team that owns the capability.
    pub owner: String,
    /// Who may break the glass.
    pub break_glass: Option<BreakGlass>,
    /// How far an approval may be given ahead.
    pub standing: Option<Standing>,
}

impl Terms {
    /// The sets that are asked when the level counted from 0 has been reached.
    pub fn asked(&self, level: i64) -> &[String] {
        let count = usize::try_from(level).unwrap_or(0) + 1;
        &self.levels[..count.min(self.levels.len())]
    }
}

/// What lets somebody decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Right {
    /// They are of a set that is asked.
    Own,
    /// They stand in for these people of it, who are away.
    For(Vec<String>),
}

/// The people who decide about one approval at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Electorate<'r> {
    roster: &'r Roster<'r>,
    sets: &'r [String],
    requester: &'r Person,
    at: Millis,
}

impl<'r> Electorate<'r> {
    /// Those of the sets, for what `requester` asked.
    pub fn new(roster: &'r Roster<'r>, (sets, requester): (&'r [String], &'r Person), at: Millis) -> Self {
        Self { roster, sets, requester, at }
    }

    /// What lets a person decide; `None` if nothing does.
    pub fn right(&self, person: &Person) -> Option<Right> {
        if person.id == self.requester.id {
            return None;
        }
        if self.sets.iter().any(|set| self.has(set, person)) {
            return Some(Right::Own);
        }
        let away = self.away().filter(|(_, stand_ins)| stand_ins.contains(&person.id.as_str()));
        let people: Vec<String> = away.map(|(id, _)| id.to_owned()).collect();
        (!people.is_empty()).then_some(Right::For(people))
    }

    /// How many could decide now: those who are here, and one for everybody who is away and has somebody to stand in.
    pub fn count_able(&self) -> usize {
        let here: BTreeSet<&str> = self.members().into_keys().filter(|id| !self.roster.is_away(id, self.at)).collect();
        let away: Vec<_> = self.away().filter(|(_, stand_ins)| !stand_ins.is_empty()).collect();
        let others: BTreeSet<&str> =
            away.iter().flat_map(|(_, stand_ins)| stand_ins).copied().filter(|id| !here.contains(id)).collect();
        here.len() + others.len().min(away.len())
    }

    /// Where those of one set are asked, with those who stand in for them.
    pub fn spots(&self, set: &str) -> BTreeSet<Spot> {
        let of = |id: &str| self.roster.reach(id);
        let mut spots: BTreeSet<Spot> = match set.split_once(':') {
            Some(("team", team)) => self.roster.reach_team(team).into_iter().collect(),
            _ => self.members_of(set).iter().flat_map(|person| of(&person.id)).collect(),
        };
        let members: BTreeSet<&str> = self.members_of(set).iter().map(|person| person.id.as_str()).collect();
        // Who asks is told by the request's own card, and who is away has somebody who is asked instead.
        let mut others: BTreeSet<Spot> = of(&self.requester.id).into_iter().collect();
        for (id, stand_ins) in self.away().filter(|(id, _)| members.contains(id)) {
            others.extend(of(id).into_iter().filter(|_| !stand_ins.is_empty()));
            spots.extend(stand_ins.into_iter().flat_map(of));
        }
        &spots - &others
    }

    /// When those of one set work.
    pub fn calendar(&self, set: &str) -> Calendar {
        match set.split_once(':') {
            Some(("team", team)) => self.roster.calendar_of_team(team),
            _ => self.members_of(set).first().map(|p| self.roster.calendar_of(&p.id)).unwrap_or_default(),
        }
    }

    /// The people of all sets, by id, the requester left out.
    fn members(&self) -> BTreeMap<&'r str, &'r Person> {
        let all = self.sets.iter().flat_map(|set| self.members_of(set));
        all.map(|person| (person.id.as_str(), person)).collect()
    }

    fn members_of(&self, set: &str) -> Vec<&'r Person> {
        let mut found = match set.split_once(':') {
            Some(("team", team)) => self.roster.members(team),
            Some(("person", id)) => self.roster.person(id).into_iter().collect(),
            None if set == "lead-of-requester" => self.roster.leads_of(self.requester),
            _ => Vec::new(),
        };
        found.retain(|person| person.id != self.requester.id);
        found
    }

    /// Whether a person is of a set, by what is known of the person now and not by what the roster remembers.
    fn has(&self, set: &str, person: &Person) -> bool {
        match set.split_once(':') {
            Some(("team", team)) => person.teams.iter().any(|name| name == team),
            Some(("person", id)) => person.id == id,
            None if set == "lead-of-requester" => self.members_of(set).iter().any(|lead| lead.id == person.id),
            _ => false,
        }
    }

    /// Those who are away, each with who stands in. A delegation to the requester, or on from them, gives nothing.
    fn away(&self) -> impl Iterator<Item = (&'r str, Vec<&'r str>)> {
        let (roster, at, requester) = (self.roster, self.at, self.requester);
        let barred = roster.stand_ins(&requester.id, at);
        self.members().into_keys().filter(move |id| roster.is_away(id, at)).map(move |id| {
            let mut stand_ins = roster.stand_ins(id, at);
            stand_ins.retain(|stand_in| *stand_in != requester.id && !barred.contains(stand_in));
            (id, stand_ins)
        })
    }
}

/// Those of the open approvals that wait for a person's vote.
pub fn waiting<'o>(roster: &Roster<'_>, open: &'o [Open], (person, at): (&Person, Millis)) -> Vec<&'o Open> {
    let waits = |open: &&Open| {
        let Ok(terms) = serde_json::from_str::<Terms>(&open.policy) else { return false };
        let Some(requester) = roster.person(&open.requester) else { return false };
        Electorate::new(roster, (terms.asked(open.level), requester), at).right(person).is_some()
    };
    open.iter().filter(waits).collect()
}
