//! Cohorts: each wave asks one part of the audience, drawn by a keyed hash within every team.
//!
//! Invariant: nobody is asked twice in as many waves as there are cohorts; and a team with at least as many people as there
//! are cohorts is asked by every wave.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Somebody who could be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The person's id.
    pub person: String,
    /// The team by which they are counted: of several, the first by name; empty for none.
    pub team: String,
    /// The number of the last wave of the survey that asked them.
    pub asked: Option<i64>,
}

/// What a wave draws by.
#[derive(Debug, Clone, Copy)]
pub struct Draw<'k> {
    /// The survey's rotation key, a secret of the database.
    pub key: &'k str,
    /// The wave's number, counted from 0.
    pub wave: i64,
    /// How many cohorts there are; 1 asks everybody.
    pub cohorts: u32,
}

impl Draw<'_> {
    /// Whom a wave asks, by team and in the order of the hash. Of `n` people of a team it takes `n / cohorts`, and in some
    /// waves one more, so that with unchanged teams everybody is asked once in as many waves as there are cohorts.
    pub fn choose(&self, candidates: Vec<Candidate>) -> Vec<String> {
        let mut teams: BTreeMap<String, Vec<Candidate>> = BTreeMap::new();
        for candidate in candidates {
            teams.entry(candidate.team.clone()).or_default().push(candidate);
        }
        teams.into_iter().flat_map(|(team, members)| self.choose_of(&team, members)).collect()
    }

    fn choose_of(&self, team: &str, members: Vec<Candidate>) -> Vec<String> {
        let count = self.count(team, members.len());
        let cohorts = i64::from(self.cohorts);
        let is_due = |candidate: &Candidate| candidate.asked.is_none_or(|asked| self.wave - asked >= cohorts);
        // Who waits longest is first, and of those whose cohort it is; then the hash decides alone.
        let rank = |candidate: Candidate| {
            let hash = self.hash(&candidate.person);
            let turn = (i64::try_from(hash % u64::from(self.cohorts)).unwrap_or(0) - self.wave).rem_euclid(cohorts);
            ((candidate.asked.unwrap_or(-1), turn, hash), candidate.person)
        };
        let mut due: Vec<_> = members.into_iter().filter(is_due).map(rank).collect();
        due.sort();
        due.into_iter().take(count).map(|(_, person)| person).collect()
    }

    /// How many of a team's `size` people this wave asks.
    fn count(&self, team: &str, size: usize) -> usize {
        let cohorts = u64::from(self.cohorts);
        let size = size as u64;
        // Which waves take one more differs between teams, so that no wave is much larger than another.
        let wave = self.wave.rem_euclid(i64::from(self.cohorts)).unsigned_abs();
        let turn = (self.hash(team) % cohorts + wave) % cohorts;
        usize::try_from(size / cohorts + u64::from(turn < size % cohorts)).unwrap_or(usize::MAX)
    }

    /// The first 64 bits of HMAC-SHA-256 of a text under the rotation key.
    fn hash(&self, text: &str) -> u64 {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.as_bytes()).expect("HMAC takes a key of any length");
        mac.update(text.as_bytes());
        let digest = mac.finalize().into_bytes();
        digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    /// Waves one after the other over teams of these sizes; who was asked by each.
    fn waves(sizes: &[usize], cohorts: u32, waves: i64) -> Vec<BTreeSet<String>> {
        let mut asked: BTreeMap<String, i64> = BTreeMap::new();
        let mut all = Vec::new();
        for wave in 0..waves {
            let people = sizes.iter().enumerate().flat_map(|(team, size)| (0..*size).map(move |n| (team, n)));
            let candidate = |(team, n): (usize, usize)| {
                let person = format!("{team}-{n}");
                Candidate { team: team.to_string(), asked: asked.get(&person).copied(), person }
            };
            let candidates: Vec<Candidate> = people.map(candidate).collect();
            let chosen: BTreeSet<String> = Draw { key: "k", wave, cohorts }.choose(candidates).into_iter().collect();
            asked.extend(chosen.iter().map(|person| (person.clone(), wave)));
            all.push(chosen);
        }
        all
    }

    proptest! {
        #[test]
        fn everybody_is_asked_once_in_as_many_waves_as_there_are_cohorts(
            sizes in prop::collection::vec(0usize..40, 1..8), cohorts in 1u32..9
        ) {
            let all = waves(&sizes, cohorts, i64::from(cohorts) * 3);
            for round in all.windows(cohorts as usize) {
                let asked: usize = round.iter().map(BTreeSet::len).sum();
                let different: BTreeSet<&String> = round.iter().flatten().collect();
                prop_assert_eq!(asked, different.len(), "nobody twice");
                prop_assert_eq!(different.len(), sizes.iter().sum::<usize>(), "and nobody left out");
            }
        }

        #[test]
        fn every_wave_covers_every_team_that_is_large_enough(
            sizes in prop::collection::vec(0usize..40, 1..8), cohorts in 1u32..9
        ) {
            for wave in waves(&sizes, cohorts, i64::from(cohorts) * 2) {
                for (team, size) in sizes.iter().enumerate() {
                    let share = wave.iter().filter(|person| person.starts_with(&format!("{team}-"))).count();
                    prop_assert!(share >= size / cohorts as usize && share <= size.div_ceil(cohorts as usize));
                }
            }
        }

        #[test]
        fn nobody_is_asked_twice_however_teams_change(
            changes in prop::collection::vec(prop::collection::vec((0usize..30, 0usize..3), 0..30), 1..12), cohorts in 1u32..6
        ) {
            let mut asked: BTreeMap<String, i64> = BTreeMap::new();
            for (wave, people) in (0i64..).zip(changes) {
                let people: BTreeMap<String, usize> =
                    people.into_iter().map(|(person, team)| (person.to_string(), team)).collect();
                let candidate = |(person, team): (String, usize)| {
                    Candidate { team: team.to_string(), asked: asked.get(&person).copied(), person }
                };
                let candidates: Vec<Candidate> = people.into_iter().map(candidate).collect();
                for person in (Draw { key: "k", wave, cohorts }.choose(candidates)) {
                    let before = asked.insert(person, wave);
                    prop_assert!(before.is_none_or(|before| wave - before >= i64::from(cohorts)));
                }
            }
        }
    }

    #[test]
    fn the_key_decides_who_is_first() {
        let people =
            || (0..40).map(|n| Candidate { person: n.to_string(), team: String::new(), asked: None }).collect();
        let first = |key| Draw { key, wave: 0, cohorts: 4 }.choose(people());
        assert_eq!(first("a"), first("a"));
        assert_ne!(first("a"), first("b"));
    }
}
