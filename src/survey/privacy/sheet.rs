//! A plan as it is stored, and what must be true of it before it is one.

use std::collections::BTreeSet;

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use super::classes::{Class, Demand};
use super::judgement::Verdict;
use super::selection::Problem;
use super::set::Set;
use super::{EVERYONE, LEAST_COMMENTS, LEAST_K};
use crate::error::Result;

/// A group, and whether it can ever be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) verdict: Verdict,
}

/// People who are in the same groups of those that may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cell {
    pub(super) groups: BTreeSet<usize>,
    pub(super) asked: u32,
}

/// A plan that nobody has checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sheet {
    pub(super) k: u32,
    pub(super) groups: Vec<Group>,
    pub(super) cells: Vec<Cell>,
    pub(super) comments: BTreeSet<usize>,
    pub(super) is_best: bool,
}

impl Sheet {
    /// The groups that may be shown.
    pub(super) fn shown(&self) -> Set {
        let is_shown = |at: &usize| self.groups[*at].verdict == Verdict::Shown;
        Set::of(self.groups.len(), (0..self.groups.len()).filter(is_shown))
    }

    /// How many comments of a group it takes to show them.
    pub(super) fn least_comments(&self) -> u32 {
        LEAST_COMMENTS.max(self.k)
    }

    /// Decides whose comments may be read; an error if a group is wanted that is none.
    pub(super) fn plan_comments(&mut self, wanted: &[String]) -> Result<()> {
        let unknown = wanted.iter().find(|name| self.groups.iter().all(|group| group.name != **name));
        ensure!(
            unknown.is_none(),
            "comments are wanted of `{}`, which is no group",
            unknown.map_or("", String::as_str)
        );
        let is_wanted = |at: &usize| match wanted {
            [] => !self.is_inside_another(*at),
            _ => wanted.contains(&self.groups[*at].name),
        };
        let candidates = Set::of(self.groups.len(), self.shown().iter().filter(is_wanted));
        self.comments = self.problem(self.least_comments()).choose(&candidates).kept.iter().collect();
        Ok(())
    }

    fn problem(&self, least: u32) -> Problem {
        let cells = self.cells.iter().map(|cell| (&cell.groups, vec![u64::from(cell.asked)]));
        let size = self.groups.len();
        Problem::new(Demand::Many(least), classes(size, cells), size)
    }

    /// Whether a shown group is a part of a larger one that is shown.
    fn is_inside_another(&self, group: usize) -> bool {
        let cells = |group: usize| {
            let within = self.cells.iter().enumerate().filter(move |(_, cell)| cell.groups.contains(&group));
            within.map(|(at, _)| at).collect::<BTreeSet<_>>()
        };
        let own = cells(group);
        self.shown().iter().map(cells).any(|other| own.len() < other.len() && own.is_subset(&other))
    }

    /// Whether this is a plan; an error says what is wrong.
    pub(super) fn check(&self) -> Result<()> {
        ensure!(self.k >= LEAST_K, "the plan's k is below {LEAST_K}");
        self.check_shape()?;
        let comments = Set::of(self.groups.len(), self.comments.iter().copied());
        for (least, groups) in [(self.k, self.shown()), (self.least_comments(), comments)] {
            let problem = self.problem(least);
            let holds = groups.iter().all(|group| problem.holds_alone(group)) && problem.holds(&groups);
            ensure!(holds, "the plan would tell fewer than {least} people apart");
        }
        Ok(())
    }

    fn check_shape(&self) -> Result<()> {
        let names: BTreeSet<&str> = self.groups.iter().map(|group| group.name.as_str()).collect();
        ensure!(names.len() == self.groups.len(), "the plan names a group twice");
        ensure!(
            self.groups.first().is_some_and(|group| group.name == EVERYONE),
            "the plan's first group is not {EVERYONE}"
        );
        let cells: BTreeSet<&BTreeSet<usize>> = self.cells.iter().map(|cell| &cell.groups).collect();
        ensure!(cells.len() == self.cells.len(), "two cells of the plan are in the same groups");
        let is_shown = |at: &usize| self.groups.get(*at).is_some_and(|group| group.verdict == Verdict::Shown);
        let named = self.cells.iter().flat_map(|cell| &cell.groups).chain(&self.comments);
        ensure!(named.clone().all(is_shown), "the plan uses a group that may not be shown");
        let counts_all = |cell: &Cell| cell.groups.contains(&0) || !is_shown(&0);
        ensure!(self.cells.iter().all(counts_all), "the plan has people outside {EVERYONE}");
        Ok(())
    }
}

/// Cells as classes, with a load for each.
pub(super) fn classes<'a>(size: usize, cells: impl Iterator<Item = (&'a BTreeSet<usize>, Vec<u64>)>) -> Vec<Class> {
    cells.map(|(groups, load)| Class { groups: Set::of(size, groups.iter().copied()), load }).collect()
}
