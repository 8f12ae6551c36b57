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

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::survey::privacy::{Audience, View};

    fn plan(comments: &[&str]) -> Plan {
        let people = [("ash", 20), ("birch", 20)].into_iter().flat_map(|(group, count)| vec![vec![group]; count]);
        let comments = comments.iter().map(|group| (*group).to_owned()).collect();
        Plan::open(5, &Audience { comments, ..Audience::of(&["ash", "birch"], people) }).expect("a plan")
    }

    /// What each group shows of so many comments, numbered, of ash and birch.
    fn shown(plan: &Plan, ash: usize, birch: usize) -> Vec<(String, Option<Vec<String>>)> {
        let of = |group: &'static str, count: usize| {
            let cell = plan.cell([group]).expect("a cell");
            (0..count).map(move |at| (cell, format!(" {group} {at:02}\n")))
        };
        let comments: Vec<_> = of("ash", ash).chain(of("birch", birch)).collect();
        let published = plan.publish_comments(&comments, &mut StdRng::seed_from_u64(7));
        let read = |figure: &Published<Vec<String>>| match figure.view() {
            View::Value(comments) => Some(comments.clone()),
            _ => None,
        };
        published.iter().map(|figure| (figure.group().to_owned(), read(figure))).collect()
    }

    #[test]
    fn comments_are_shown_of_everyone_and_in_no_order() {
        let plan = plan(&[]);
        assert_eq!(shown(&plan, 5, 4), [("everyone".to_owned(), None)]);
        let mut comments = shown(&plan, 6, 6).remove(0).1.expect("comments");
        assert!(!comments.is_sorted());
        comments.sort();
        assert_eq!((comments.len(), comments[0].as_str(), comments[11].as_str()), (12, "ash 00", "birch 05"));
    }

    #[test]
    fn groups_of_comments_keep_the_rules_of_groups() {
        let plan = plan(&["everyone", "ash", "birch"]);
        let counts = |ash, birch| {
            let shown = shown(&plan, ash, birch).into_iter();
            shown.map(|(_, comments)| comments.map(|comments| comments.len())).collect::<Vec<_>>()
        };
        assert_eq!(counts(10, 12), [Some(22), Some(10), Some(12)]);
        assert_eq!(counts(15, 9), [Some(24), None, None], "ash would leave the nine of birch");
        assert_eq!(counts(15, 0), [Some(15), Some(15), None]);
    }

    #[test]
    fn blanks_are_no_comments() {
        let plan = plan(&[]);
        let blanks = vec![(plan.cell(["ash"]).expect("a cell"), " \n".to_owned()); 12];
        let published = plan.publish_comments(&blanks, &mut StdRng::seed_from_u64(7));
        assert_eq!(published.iter().map(Published::view).collect::<Vec<_>>(), [View::Nobody]);
    }
}
