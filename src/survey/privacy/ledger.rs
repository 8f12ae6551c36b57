//! The releases of one question: what has been counted, and the figures that follow from it.

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use super::classes::{Demand, add};
use super::plan::Plan;
use super::scale::{Histogram, Scale};
use super::set::Set;
use super::{EVERYONE, Figure, Published};
use crate::error::Result;

/// Answers by cell and bucket.
pub type Counts = Vec<Vec<u32>>;

/// When a release is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// While answers still come in.
    Running,
    /// At the end of the wave; there is no release after it.
    Close,
}

/// What the releases of one question have counted, from which its figures are computed whenever they are shown. It holds
/// answers by cell, so it is kept where the answers are.
///
/// Invariant, held whenever it is used with its [`Plan`]: if there was a running release, what each release counted of a
/// cell is nothing, or has the spread that its [`Scale`] demands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    scale: Scale,
    batches: Vec<Counts>,
    is_closed: bool,
}

impl Ledger {
    /// The ledger of a question of which nothing is released yet.
    pub fn new(scale: Scale) -> Self {
        Self { scale, batches: Vec::new(), is_closed: false }
    }

    /// Releases what may be counted of all answers until now, by cell and bucket. Gives whether there is a release: a
    /// running one waits until every planned group has enough new answers. An error says in what the answers do not fit
    /// the plan, or that the wave is closed; then nothing is released.
    pub fn release(&mut self, plan: &Plan, answers: &[Vec<u32>], moment: Moment) -> Result<bool> {
        self.check(plan)?;
        ensure!(!self.is_closed, "the last release of this wave is made");
        let new = self.unreleased(plan, answers)?;
        let is_first = self.batches.is_empty();
        if moment == Moment::Close {
            self.batches.push(if is_first { new } else { self.countable(plan, new) });
            self.is_closed = true;
            return Ok(true);
        }
        let new = self.countable(plan, new);
        let enough = |group: usize| total(&of_group(plan, &new, group)) >= u64::from(plan.k());
        let is_due = !plan.shown().is_empty() && plan.shown().iter().all(enough);
        if is_due {
            self.batches.push(new);
        }
        Ok(is_due)
    }

    /// What the last release shows, for every group in the order of [`Plan::groups`]; `None` before the first. An error
    /// says that this is not the ledger of that plan.
    pub fn figures(&self, plan: &Plan) -> Result<Option<Vec<Published<Histogram>>>> {
        self.check(plan)?;
        if self.batches.is_empty() {
            return Ok(None);
        }
        let counted = self.counted(plan);
        let (counts, values) =
            if self.is_chosen() { self.choose(plan, &counted) } else { (plan.shown(), plan.shown()) };
        let is_empty = counted.iter().all(|cell| total(cell) == 0);
        let figure = |group: usize| {
            let answers = of_group(plan, &counted, group);
            if is_empty && plan.shown().has(group) {
                Figure::Nobody
            } else if values.has(group) {
                Figure::Value(Histogram::new(answers))
            } else if counts.has(group) && !self.scale.is_spread(plan.k(), &answers) {
                self.scale.bound(plan.k(), &answers).map_or(Figure::Hidden, Figure::Bound)
            } else {
                Figure::Hidden
            }
        };
        let published = plan.groups().enumerate().map(|(group, (name, _))| Published::new(name, figure(group)));
        Ok(Some(published.collect()))
    }

    /// Of everybody, what the first release counted and what came after it; `None` unless both counted something. Either has
    /// the spread by itself, as every release of several does.
    pub fn halves(&self, plan: &Plan) -> Result<Option<[Published<Histogram>; 2]>> {
        self.check(plan)?;
        let [first, second] = self.batches.as_slice() else { return Ok(None) };
        let everyone = |batch: &Counts| of_group(plan, batch, 0);
        if total(&everyone(first)) == 0 || total(&everyone(second)) == 0 {
            return Ok(None);
        }
        let half = |batch| Published::new(EVERYONE, Figure::Value(Histogram::new(everyone(batch))));
        Ok(Some([first, second].map(half)))
    }

    /// Whether everything was counted at once, so that groups are chosen by what was counted.
    fn is_chosen(&self) -> bool {
        self.is_closed && self.batches.len() == 1
    }

    /// The groups that may be shown by their counts, and those of them that may be shown with a value.
    fn choose(&self, plan: &Plan, counted: &[Vec<u32>]) -> (Set, Set) {
        let answered: Vec<u32> = counted.iter().map(|cell| cell.iter().sum()).collect();
        let (counts, _) = plan.judge_kept(&answered);
        let spread = Demand::Spread(self.scale, plan.k());
        let values = plan.problem(spread, counted.iter().map(|cell| wide(cell)).collect()).choose(&counts).kept;
        (counts, values)
    }

    /// All that was counted.
    fn counted(&self, plan: &Plan) -> Counts {
        let mut sum = vec![vec![0; self.scale.buckets()]; plan.cells()];
        for (cell, sum) in sum.iter_mut().enumerate() {
            for batch in &self.batches {
                sum.iter_mut().zip(&batch[cell]).for_each(|(sum, count)| *sum += count);
            }
        }
        sum
    }

    /// Those answers that were not counted yet.
    fn unreleased(&self, plan: &Plan, answers: &[Vec<u32>]) -> Result<Counts> {
        self.check_shape(plan, answers)?;
        let mut new = answers.to_vec();
        for (cell, counted) in self.counted(plan).iter().enumerate() {
            for (count, counted) in new[cell].iter_mut().zip(counted) {
                ensure!(*count >= *counted, "answers that were released are gone");
                *count -= counted;
            }
        }
        Ok(new)
    }

    /// Of new answers those in cells where they have the spread by themselves.
    fn countable(&self, plan: &Plan, mut new: Counts) -> Counts {
        for cell in new.iter_mut().filter(|cell| !self.is_spread(plan, cell)) {
            cell.fill(0);
        }
        new
    }

    fn is_spread(&self, plan: &Plan, cell: &[u32]) -> bool {
        self.scale.is_spread(plan.k(), &wide(cell))
    }

    fn check(&self, plan: &Plan) -> Result<()> {
        for batch in &self.batches {
            self.check_shape(plan, batch)?;
            let is_fit = |cell: &Vec<u32>| self.is_chosen() || total(cell) == 0 || self.is_spread(plan, cell);
            ensure!(batch.iter().all(is_fit), "a release counted too few answers of a cell");
        }
        ensure!(self.batches.is_empty() <= !self.is_closed, "a wave is closed without a release");
        let mut sums = vec![0; plan.cells()];
        self.batches.iter().for_each(|batch| sums.iter_mut().zip(batch).for_each(|(sum, cell)| *sum += total(cell)));
        let fits = sums.iter().enumerate().all(|(cell, sum)| *sum <= u64::from(plan.asked(cell)));
        ensure!(fits, "more answers were released than people asked");
        Ok(())
    }

    fn check_shape(&self, plan: &Plan, answers: &[Vec<u32>]) -> Result<()> {
        ensure!(answers.len() == plan.cells(), "answers of {} cells, and not of {}", answers.len(), plan.cells());
        for (at, cell) in answers.iter().enumerate() {
            ensure!(cell.len() == self.scale.buckets(), "answers in {} buckets", cell.len());
            ensure!(total(cell) <= u64::from(plan.asked(at)), "more answers than people asked");
        }
        Ok(())
    }
}

fn wide(cell: &[u32]) -> Vec<u64> {
    cell.iter().map(|count| u64::from(*count)).collect()
}

fn total<T: Copy + Into<u64>>(cell: &[T]) -> u64 {
    cell.iter().map(|count| (*count).into()).sum()
}

/// The answers of a group, by bucket.
fn of_group(plan: &Plan, counts: &[Vec<u32>], group: usize) -> Vec<u64> {
    let mut sum = Vec::new();
    for cell in (0..counts.len()).filter(|cell| plan.counts(*cell, group)) {
        add(&mut sum, &wide(&counts[cell]));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::privacy::{Audience, View};

    /// Everyone is in ash, in birch or in neither.
    fn plan(ash: usize, birch: usize, neither: usize) -> Plan {
        let people = [(ash, vec!["ash"]), (birch, vec!["birch"]), (neither, vec![])];
        let people = people.into_iter().flat_map(|(count, groups)| std::iter::repeat_n(groups, count));
        Plan::open(5, &Audience::of(&["ash", "birch"], people)).expect("a plan")
    }

    /// Answers on five steps, of ash, birch and neither, as the plan counts them.
    fn answers(plan: &Plan, of: [[u32; 5]; 3]) -> Counts {
        let mut counts = vec![vec![0; 5]; plan.cells()];
        for (groups, of) in [vec!["ash"], vec!["birch"], vec![]].into_iter().zip(of) {
            if let Some(cell) = plan.cell(groups) {
                counts[cell].iter_mut().zip(of).for_each(|(sum, count)| *sum += count);
            }
        }
        counts
    }

    /// The figures in words: `7` for a value, `at least 3 of 7 in 2-4` for a bound.
    fn words(ledger: &Ledger, plan: &Plan) -> Vec<String> {
        let word = |figure: &Published<Histogram>| {
            let said = match figure.view() {
                View::Value(value) => format!("{:?}", value.counts()),
                View::Bound(bound) => {
                    format!("at least {} of {} in {:?}", bound.at_least, bound.of, bound.buckets)
                }
                View::Hidden => "hidden".to_owned(),
                View::Nobody => "nobody".to_owned(),
            };
            format!("{}: {said}", figure.group())
        };
        ledger.figures(plan).expect("figures").iter().flatten().map(word).collect()
    }

    fn closed(plan: &Plan, of: [[u32; 5]; 3]) -> Vec<String> {
        let mut ledger = Ledger::new(Scale::Ordered(5));
        assert!(ledger.release(plan, &answers(plan, of), Moment::Close).expect("a release"));
        words(&ledger, plan)
    }

    #[test]
    fn halves_are_those_of_two_releases_and_add_up() {
        let plan = plan(0, 0, 40);
        let (early, late) = ([3, 2, 2, 3, 2], [1, 4, 2, 1, 3]);
        let both = [0, 1, 2, 3, 4].map(|at| early[at] + late[at]);
        let mut ledger = Ledger::new(Scale::Ordered(5));
        assert!(ledger.release(&plan, &answers(&plan, [NONE, NONE, early]), Moment::Running).expect("a release"));
        assert_eq!(ledger.halves(&plan).expect("halves"), None, "nothing came after it");
        assert!(ledger.release(&plan, &answers(&plan, [NONE, NONE, both]), Moment::Close).expect("a release"));
        let halves = ledger.halves(&plan).expect("halves").expect("two");
        let counts = |half: &Published<Histogram>| match half.view() {
            View::Value(value) => value.counts().to_vec(),
            other => panic!("{other:?}"),
        };
        assert_eq!(counts(&halves[0]), early.map(u64::from));
        assert_eq!(counts(&halves[1]), late.map(u64::from));
        let mut alone = Ledger::new(Scale::Ordered(5));
        assert!(alone.release(&plan, &answers(&plan, [NONE, NONE, both]), Moment::Close).expect("a release"));
        assert_eq!(alone.halves(&plan).expect("halves"), None);
    }

    const SPREAD: [u32; 5] = [1, 1, 2, 3, 1];
    const NONE: [u32; 5] = [0; 5];

    #[test]
    fn the_close_shows_what_has_answers_enough() {
        let plan = plan(9, 9, 9);
        let expected = ["everyone: [2, 2, 4, 6, 2]", "ash: [1, 1, 2, 3, 1]", "birch: [1, 1, 2, 3, 1]"];
        assert_eq!(closed(&plan, [SPREAD, SPREAD, NONE]), expected);
        let expected = ["everyone: [2, 2, 3, 4, 2]", "ash: [1, 1, 2, 3, 1]", "birch: hidden"];
        assert_eq!(closed(&plan, [SPREAD, [0, 1, 0, 0, 0], [1, 0, 1, 1, 1]]), expected);
        let expected = ["everyone: [2, 2, 3, 4, 1]", "ash: hidden", "birch: hidden"];
        assert_eq!(closed(&plan, [SPREAD, [0, 1, 0, 0, 0], [1, 0, 1, 1, 0]]), expected, "ash would leave four");
        assert_eq!(closed(&plan, [NONE, NONE, NONE]), ["everyone: nobody", "ash: nobody", "birch: nobody"]);
    }

    #[test]
    fn what_is_unanimous_is_bounded_and_so_is_a_difference() {
        let plan = plan(9, 9, 9);
        let unanimous = closed(&plan, [[0, 0, 0, 0, 7], SPREAD, NONE]);
        let expected = ["everyone: [1, 1, 2, 3, 8]", "ash: at least 3 of 7 in 2..=4", "birch: hidden"];
        assert_eq!(unanimous, expected, "birch would leave seven who said the same");
        let difference = closed(&plan, [SPREAD, SPREAD, [9, 0, 0, 0, 0]]);
        assert_eq!(difference, ["everyone: [11, 2, 4, 6, 2]", "ash: [1, 1, 2, 3, 1]", "birch: hidden"]);
    }

    #[test]
    fn a_running_release_waits_until_every_group_has_enough_that_is_new() {
        let (plan, mut ledger) = (plan(30, 30, 0), Ledger::new(Scale::Ordered(5)));
        let mut release = |of: [[u32; 5]; 2], moment| {
            let answers = answers(&plan, [of[0], of[1], NONE]);
            let is_due = ledger.release(&plan, &answers, moment).expect("a release");
            (is_due, words(&ledger, &plan))
        };
        let (is_due, shown) = release([SPREAD, [0, 0, 1, 1, 1]], Moment::Running);
        assert_eq!((is_due, shown), (false, vec![]), "birch has three");
        let first = ["everyone: [2, 2, 4, 6, 2]", "ash: [1, 1, 2, 3, 1]", "birch: [1, 1, 2, 3, 1]"];
        assert_eq!(release([SPREAD, SPREAD], Moment::Running), (true, first.map(str::to_owned).to_vec()));
        let (is_due, shown) = release([[2, 2, 4, 6, 2], [1, 1, 2, 3, 5]], Moment::Running);
        assert_eq!((is_due, shown), (false, first.map(str::to_owned).to_vec()), "four are new in birch");
        let last = ["everyone: [3, 3, 6, 9, 3]", "ash: [2, 2, 4, 6, 2]", "birch: [1, 1, 2, 3, 1]"];
        let close = release([[2, 2, 4, 6, 2], [1, 1, 2, 3, 5]], Moment::Close);
        assert_eq!(close, (true, last.map(str::to_owned).to_vec()), "what is left of birch is dropped");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let plan = plan(30, 30, 0);
        let mut ledger = Ledger::new(Scale::Ordered(5));
        let fitting = answers(&plan, [SPREAD, SPREAD, NONE]);
        let mut refused = |answers: &[Vec<u32>], said: &str| {
            let before = ledger.clone();
            let error = ledger.release(&plan, answers, Moment::Running).expect_err(said).to_string();
            assert!(error.contains(said) && ledger == before, "{error}");
        };
        refused(&fitting[1..], "answers of 1 cells");
        refused(&[vec![1; 4], vec![1; 4]], "answers in 4 buckets");
        refused(&[vec![9; 5], vec![1; 5]], "more answers than people asked");
        assert!(ledger.release(&plan, &fitting, Moment::Running).expect("a release"));
        let error = ledger.release(&plan, &[vec![1; 5], vec![1; 5]], Moment::Close).expect_err("gone");
        assert!(error.to_string().contains("are gone"), "{error}");
        assert!(ledger.release(&plan, &fitting, Moment::Close).expect("a release"));
        let error = ledger.release(&plan, &fitting, Moment::Close).expect_err("closed");
        assert!(error.to_string().contains("the last release"), "{error}");
    }

    #[test]
    fn a_ledger_that_was_written_by_hand_is_refused() {
        let plan = plan(9, 9, 0);
        for (batches, is_closed) in [
            ("[[[1,1,1,1,1],[4,0,0,0,0]]]", false),
            ("[[[1,1,1,1,1],[1,1,1,1,1]],[[0,0,0,0,1],[0,0,0,0,0]]]", true),
            ("[[[1,1,1,1,1],[1,1,1,1,1]],[[1,1,1,1,1],[0,0,0,0,0]]]", true),
            ("[[[1,1,1,1,1]]]", true),
            ("[[[1,1,1,1],[1,1,1,1]]]", true),
            ("[]", true),
        ] {
            let text = format!("{{\"scale\":{{\"ordered\":5}},\"batches\":{batches},\"is_closed\":{is_closed}}}");
            let ledger: Ledger = serde_json::from_str(&text).expect("its shape is right");
            ledger.figures(&plan).expect_err(batches);
        }
    }
}
