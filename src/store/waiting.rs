//! Answers that wait in memory until enough others can be stored with them.
//!
//! Invariants: answers of a wave leave it only together with those of at least as many respondents as the wave's minimum who
//! are in the same published groups, or without any group; and one respondent has one set of answers, however often they
//! send. What waits is lost with the process: then its respondents have not answered, and can.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// How many respondents wait at most, over all waves; each has a few kilobytes at most.
const ROOM: usize = 50_000;

/// What one person answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The answers, by question; none is empty.
    pub answers: BTreeMap<String, Value>,
    /// The cell of the plan that the person is in, as stored.
    pub cell: String,
    /// Whether they answered every question.
    pub is_complete: bool,
}

/// Answers that are stored together: by the person, with what they answered.
pub type Batch = BTreeMap<String, Response>;

/// Answers that wait.
#[derive(Debug, Default)]
pub struct Waiting {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// By wave and cell; nobody is in two cells of a wave, since an invitation has one.
    waves: BTreeMap<String, BTreeMap<String, Batch>>,
    /// How many people there are in all of them.
    count: usize,
}

/// What became of answers that were sent.
#[derive(Debug, PartialEq)]
pub enum Taken {
    /// They wait.
    Waits,
    /// These are enough, and are to be stored now.
    Full(Batch),
    /// There is no room for more people.
    NoRoom,
}

impl Waiting {
    /// Takes what a person answers in place of what they answered before. When `minimum` people of the same groups have
    /// answered, all of those are given out.
    pub fn take(&self, wave: &str, (person, response): (&str, Response), minimum: usize) -> Taken {
        let mut inner = self.lock();
        let has_room = inner.count < ROOM;
        let cells = inner.waves.entry(wave.to_owned()).or_default();
        let (cell, batch) = (response.cell.clone(), cells.entry(response.cell.clone()).or_default());
        if !has_room && !batch.contains_key(person) {
            return Taken::NoRoom;
        }
        let is_new = batch.insert(person.to_owned(), response).is_none();
        let full = if batch.len() < minimum { None } else { cells.remove(&cell) };
        inner.count += usize::from(is_new);
        inner.count -= full.as_ref().map_or(0, Batch::len);
        full.map_or(Taken::Waits, Taken::Full)
    }

    /// Puts back what could not be stored; what was sent meanwhile counts.
    pub fn put_back(&self, wave: &str, batch: Batch) {
        let mut inner = self.lock();
        for (person, response) in batch {
            let cells = inner.waves.entry(wave.to_owned()).or_default();
            let batch = cells.entry(response.cell.clone()).or_default();
            let is_new = !batch.contains_key(&person);
            batch.entry(person).or_insert(response);
            inner.count += usize::from(is_new);
        }
    }

    /// Gives out all that waits for a wave.
    pub fn drain(&self, wave: &str) -> Batch {
        let mut inner = self.lock();
        let all: Batch = inner.waves.remove(wave).unwrap_or_default().into_values().flatten().collect();
        inner.count -= all.len();
        all
    }

    /// Whether a person's answers wait.
    pub fn has(&self, wave: &str, person: &str) -> bool {
        self.lock().waves.get(wave).is_some_and(|cells| cells.values().any(|batch| batch.contains_key(person)))
    }

    /// The waves for which answers wait.
    pub fn waves(&self) -> Vec<String> {
        let inner = self.lock();
        let waits = |cells: &BTreeMap<String, Batch>| cells.values().any(|batch| !batch.is_empty());
        inner.waves.iter().filter(|(_, cells)| waits(cells)).map(|(wave, _)| wave.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn response(cell: &str, value: i64) -> Response {
        let answers = BTreeMap::from([("q".to_owned(), json!(value))]);
        Response { answers, cell: cell.into(), is_complete: true }
    }

    #[test]
    fn ten_thousand_answers_of_one_person_are_one_and_the_last_counts() {
        let waiting = Waiting::default();
        for value in 0..10_000 {
            assert_eq!(waiting.take("w", ("ada", response("[]", value)), 3), Taken::Waits);
        }
        assert_eq!(waiting.take("w", ("ben", response("[]", 1)), 3), Taken::Waits);
        assert_eq!(waiting.take("v", ("cleo", response("[]", 1)), 3), Taken::Waits, "another wave's");
        let Taken::Full(batch) = waiting.take("w", ("cleo", response("[]", 2)), 3) else { panic!("it is full") };
        assert_eq!(batch.keys().collect::<Vec<_>>(), ["ada", "ben", "cleo"]);
        assert_eq!(batch["ada"].answers["q"], json!(9999));
        assert_eq!(waiting.waves(), ["v"]);
    }

    #[test]
    fn what_was_sent_meanwhile_counts() {
        let waiting = Waiting::default();
        waiting.take("w", ("ada", response("[]", 2)), 9);
        waiting.put_back("w", [("ada".to_owned(), response("[]", 1)), ("ben".to_owned(), response("[]", 1))].into());
        let all = waiting.drain("w");
        assert_eq!((all["ada"].answers["q"].clone(), all.len()), (json!(2), 2));
    }

    #[test]
    fn there_is_an_end_to_what_waits() {
        let waiting = Waiting::default();
        for person in 0..ROOM {
            waiting.take("w", (&person.to_string(), response("[]", 1)), usize::MAX);
        }
        assert_eq!(waiting.take("w", ("one more", response("[]", 1)), usize::MAX), Taken::NoRoom);
        assert_eq!(waiting.take("w", ("0", response("[]", 2)), usize::MAX), Taken::Waits, "who is there may change");
    }

    proptest! {
        #[test]
        fn every_batch_hides_each_of_its_people(sent in prop::collection::vec((0u8..40, 0u8..4), 0..300), k in 3usize..7) {
            let waiting = Waiting::default();
            for (person, cell) in sent {
                let taken = waiting.take("w", (&person.to_string(), response(&cell.to_string(), 1)), k);
                if let Taken::Full(batch) = taken {
                    prop_assert!(batch.len() >= k);
                    prop_assert!(batch.values().all(|other| other.cell == cell.to_string()));
                }
            }
        }
    }
}
