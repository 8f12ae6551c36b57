//! The releases of one question: what has been counted, and the figures that follow from it.

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use super::classes::{Demand, add};
use super::plan::Plan;
use super::scale::{Histogram, Scale};
use super::set::Set;
use super::{Figure, Published};
use crate::error::Result;

/// Answers by cell and bucket.
type Counts = Vec<Vec<u32>>;

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
