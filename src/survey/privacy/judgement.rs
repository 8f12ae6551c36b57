//! What counts alone decide: which groups may be shown beside each other, and why another is not.

use serde::{Deserialize, Serialize};

use super::classes::{Class, Demand};
use super::selection::Problem;
use super::set::Set;

/// Among how many shown groups the reason for hiding another is sought.
const WITNESSES: usize = 64;

/// Why a group is shown or not. It depends on counts alone, never on what was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It may be shown.
    Shown,
    /// Fewer than k are asked.
    FewAsked,
    /// Fewer than k answered.
    FewAnswered,
    /// Beside the groups that are shown it would tell fewer than k people apart, such as those who are in one of two groups
    /// only, or in both of them.
    TellsApart {
        /// Shown groups that do it together with this one, and would not if one of them were hidden. Empty if so many groups
        /// are shown that these are not sought.
        beside: Vec<String>,
    },
}

/// What may be shown, as counts have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Group by group, in the order of [`super::Plan::groups`].
    pub verdicts: Vec<Verdict>,
    /// Whether it is known that no other choice hides less, by the measure of [`super`].
    pub is_best: bool,
}

/// Chooses by counts: the groups that stay, and each group's verdict. `too_few` is that of a group of fewer than k.
pub(super) fn judge(k: u32, names: &[String], classes: Vec<Class>, too_few: Verdict) -> (Set, Judgement) {
    let size = names.len();
    let problem = Problem::new(Demand::Many(k), classes, size);
    let choice = problem.choose(&Set::of(size, 0..size));
    let verdict = |group: usize| {
        if choice.kept.has(group) {
            return Verdict::Shown;
        }
        if !problem.holds_alone(group) {
            return too_few.clone();
        }
        let beside = witnesses(&problem, &choice.kept, group);
        Verdict::TellsApart { beside: beside.into_iter().map(|shown| names[shown].clone()).collect() }
    };
    let verdicts = (0..size).map(verdict).collect();
    (choice.kept, Judgement { verdicts, is_best: choice.is_best })
}

/// Kept groups beside which this one cannot be shown, and could be if one of them were hidden: a single one if that does.
fn witnesses(problem: &Problem, kept: &Set, group: usize) -> Vec<usize> {
    let size = problem.size();
    let holds = |shown: &[usize]| problem.holds(&Set::of(size, shown.iter().copied().chain([group])));
    if let Some(one) = kept.iter().find(|shown| !holds(&[*shown])) {
        return vec![one];
    }
    let mut needed: Vec<usize> = kept.iter().collect();
    if needed.len() > WITNESSES {
        return Vec::new();
    }
    // The groups declared last are tried first: those declared first are the better known.
    for shown in kept.iter().collect::<Vec<_>>().into_iter().rev() {
        let fewer: Vec<usize> = needed.iter().copied().filter(|other| *other != shown).collect();
        if !holds(&fewer) {
            needed = fewer;
        }
    }
    needed
}
