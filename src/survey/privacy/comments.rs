//! The comments of a wave: shown in groups of ten at least, in no order.

use rand::Rng;
use rand::seq::SliceRandom;

use super::classes::Demand;
use super::plan::Plan;
use super::{Figure, Published};

impl Plan {
    /// What may be read of the comments of a closed wave, each given with the cell of its writer. Empty ones do not count.
    /// Every list is shuffled by itself, so that the order tells nothing of time. Groups whose comments are not to be read
    /// by the plan are left out.
    ///
    /// # Panics
    /// If a cell is none of the plan.
    pub fn publish_comments(&self, comments: &[(usize, String)], random: &mut impl Rng) -> Vec<Published<Vec<String>>> {
        let written: Vec<(usize, &str)> = comments.iter().map(|(cell, text)| (*cell, text.trim())).collect();
        let written: Vec<(usize, &str)> = written.into_iter().filter(|(_, text)| !text.is_empty()).collect();
        let mut counts = vec![vec![0]; self.cells()];
        written.iter().for_each(|(cell, _)| counts[*cell][0] += 1);
        let (planned, least) = self.comments();
        let kept = self.problem(Demand::Many(least), counts).choose(&planned).kept;
        let mut figure = |group: usize| {
            if written.is_empty() {
                return Figure::Nobody;
            }
            if !kept.has(group) {
                return Figure::Hidden;
            }
            let of_group = written.iter().filter(|(cell, _)| self.counts(*cell, group));
            let mut texts: Vec<String> = of_group.map(|(_, text)| (*text).to_owned()).collect();
            texts.shuffle(random);
            Figure::Value(texts)
        };
        let names: Vec<&str> = self.groups().map(|(name, _)| name).collect();
        planned.iter().map(|group| Published::new(names[group], figure(group))).collect()
    }
}
