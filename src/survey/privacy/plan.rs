//! The plan of an opening wave: which groups its figures may be shown for.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::classes::{Class, Demand};
use super::judgement::{Judgement, Verdict, judge};
use super::selection::Problem;
use super::set::Set;
use super::sheet::{self, Cell, Group, Sheet};
use super::{EVERYONE, LEAST_K};
use crate::error::Result;

/// Who is asked, as far as the plan must know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audience {
    /// The groups to be shown, the most important first; they may overlap. [`EVERYONE`] is before them, named or not.
    pub groups: Vec<String>,
    /// How many people are in exactly these groups; each person counts once, and is in [`EVERYONE`], named or not.
    pub cells: BTreeMap<BTreeSet<String>, u32>,
    /// The groups whose comments are to be read; those that are inside no other if it is empty.
    pub comments: Vec<String>,
}

/// The publication plan of a wave: fixed before its first answer, stored with it, and never changed.
///
/// Invariant, held when it is made and when it is loaded: k is [`LEAST_K`] at least; every group that may be shown has k
/// people who are asked, and so has every cell that such a group counts; of comments the same is true of
/// [`super::LEAST_COMMENTS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Sheet")]
pub struct Plan(Sheet);

impl Plan {
    /// Plans for an audience. An error says what is wrong with it, or that `k` is below [`LEAST_K`].
    pub fn open(k: u32, audience: &Audience) -> Result<Self> {
        ensure!(k >= LEAST_K, "a group of fewer than {LEAST_K} protects nobody");
        let (names, cells) = number(audience)?;
        let loads = cells.iter().map(|(groups, asked)| (groups, vec![u64::from(*asked)]));
        let (kept, judgement) = judge(k, &names, sheet::classes(names.len(), loads), Verdict::FewAsked);
        let mut merged: BTreeMap<BTreeSet<usize>, u32> = BTreeMap::new();
        for (groups, asked) in cells.into_iter().filter(|(_, asked)| *asked > 0) {
            let shown = groups.into_iter().filter(|group| kept.has(*group)).collect();
            let sum = merged.entry(shown).or_default();
            *sum = sum.checked_add(asked).context("more people than there are")?;
        }
        let group = |(name, verdict)| Group { name, verdict };
        let mut sheet = Sheet {
            k,
            groups: names.into_iter().zip(judgement.verdicts).map(group).collect(),
            cells: merged.into_iter().map(|(groups, asked)| Cell { groups, asked }).collect(),
            comments: BTreeSet::new(),
            is_best: judgement.is_best,
        };
        sheet.plan_comments(&audience.comments)?;
        Self::try_from(sheet)
    }

    /// The smallest group of this wave.
    pub fn k(&self) -> u32 {
        self.0.k
    }

    /// All groups with what is decided for them, [`EVERYONE`] first, then in the order of declaration.
    pub fn groups(&self) -> impl Iterator<Item = (&str, &Verdict)> {
        self.0.groups.iter().map(|group| (group.name.as_str(), &group.verdict))
    }

    /// Whether it is known that no other choice hides less, by the measure of [`super`].
    pub fn is_best(&self) -> bool {
        self.0.is_best
    }

    /// The cell under which the answers of a person in these groups are kept. It names no group that cannot be shown. `None`
    /// if nobody in these groups is asked.
    pub fn cell<'a>(&self, groups: impl IntoIterator<Item = &'a str>) -> Option<usize> {
        let wanted: BTreeSet<&str> = groups.into_iter().chain([EVERYONE]).collect();
        let shown = |group: &Group| group.verdict == Verdict::Shown && wanted.contains(group.name.as_str());
        let groups: BTreeSet<usize> = (0..self.0.groups.len()).filter(|at| shown(&self.0.groups[*at])).collect();
        self.0.cells.iter().position(|cell| cell.groups == groups)
    }

    /// How many cells there are; [`Self::cell`] is below it.
    pub fn cells(&self) -> usize {
        self.0.cells.len()
    }

    /// How many are asked in a cell.
    ///
    /// # Panics
    /// If there is no such cell.
    pub fn asked(&self, cell: usize) -> u32 {
        self.0.cells[cell].asked
    }

    /// Those of a person's groups that can never be shown. The invitation says so.
    pub fn never_shown<'a>(&'a self, groups: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        let wanted: BTreeSet<&str> = groups.into_iter().chain([EVERYONE]).collect();
        let hidden = |(name, verdict): &(&str, &Verdict)| **verdict != Verdict::Shown && wanted.contains(name);
        self.groups().filter(hidden).map(|(name, _)| name).collect()
    }

    /// What may be shown if so many answered a question, by cell.
    ///
    /// # Panics
    /// If there is not one count for each cell.
    pub fn judge(&self, answered: &[u32]) -> Judgement {
        self.judge_kept(answered).1
    }

    /// The same, and the groups that stay.
    pub(super) fn judge_kept(&self, answered: &[u32]) -> (Set, Judgement) {
        let names: Vec<String> = self.groups().map(|(name, _)| name.to_owned()).collect();
        let classes = self.classes(answered.iter().map(|count| vec![u64::from(*count)]).collect());
        let (kept, mut judgement) = judge(self.0.k, &names, classes, Verdict::FewAnswered);
        for (verdict, group) in judgement.verdicts.iter_mut().zip(&self.0.groups) {
            if group.verdict != Verdict::Shown {
                *verdict = group.verdict.clone();
            }
        }
        (kept, judgement)
    }

    /// Whether a group counts a cell.
    pub(super) fn counts(&self, cell: usize, group: usize) -> bool {
        self.0.cells[cell].groups.contains(&group)
    }

    /// The cells as classes, with what was answered in them by bucket.
    pub(super) fn classes(&self, loads: Vec<Vec<u64>>) -> Vec<Class> {
        assert_eq!(loads.len(), self.cells(), "answers are counted by cell");
        sheet::classes(self.0.groups.len(), self.0.cells.iter().map(|cell| &cell.groups).zip(loads))
    }

    /// The problem of these classes.
    pub(super) fn problem(&self, demand: Demand, loads: Vec<Vec<u64>>) -> Problem {
        Problem::new(demand, self.classes(loads), self.0.groups.len())
    }

    /// The groups that may be shown.
    pub(super) fn shown(&self) -> Set {
        self.0.shown()
    }

    /// The groups whose comments may be read, and how many it takes.
    pub(super) fn comments(&self) -> (Set, u32) {
        (Set::of(self.0.groups.len(), self.0.comments.iter().copied()), self.0.least_comments())
    }
}

impl TryFrom<Sheet> for Plan {
    type Error = anyhow::Error;

    fn try_from(sheet: Sheet) -> Result<Self> {
        sheet.check()?;
        Ok(Self(sheet))
    }
}

impl Audience {
    /// The audience of people of whom each is in these groups.
    pub fn of<'a>(groups: &[&'a str], people: impl IntoIterator<Item = Vec<&'a str>>) -> Self {
        let mut cells: BTreeMap<BTreeSet<String>, u32> = BTreeMap::new();
        for person in people {
            *cells.entry(person.into_iter().map(str::to_owned).collect()).or_default() += 1;
        }
        Self { groups: groups.iter().map(|group| (*group).to_owned()).collect(), cells, comments: Vec::new() }
    }
}

type Numbered = (Vec<String>, Vec<(BTreeSet<usize>, u32)>);

/// The names of all groups, and the cells with the places of their groups among them.
fn number(audience: &Audience) -> Result<Numbered> {
    let others = audience.groups.iter().filter(|name| *name != EVERYONE).cloned();
    let names: Vec<String> = [EVERYONE.to_owned()].into_iter().chain(others).collect();
    let places: BTreeMap<&str, usize> = names.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    ensure!(places.len() == names.len(), "a group is declared twice");
    let place = |name: &String| places.get(name.as_str()).copied().with_context(|| format!("`{name}` is not declared"));
    let cell = |(groups, asked): (&BTreeSet<String>, &u32)| {
        let groups: Result<BTreeSet<usize>> = groups.iter().map(place).chain([Ok(0)]).collect();
        Ok((groups?, *asked))
    };
    let cells = audience.cells.iter().map(cell).collect::<Result<_>>()?;
    Ok((names, cells))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audience(cells: &[(&[&'static str], usize)]) -> Audience {
        let people = cells.iter().flat_map(|(groups, count)| std::iter::repeat_n(groups.to_vec(), *count));
        let mut groups: Vec<&str> = cells.iter().flat_map(|(groups, _)| *groups).copied().collect();
        groups.sort_unstable();
        groups.dedup();
        Audience::of(&groups, people)
    }

    fn shown(plan: &Plan) -> Vec<&str> {
        plan.groups().filter(|(_, verdict)| **verdict == Verdict::Shown).map(|(name, _)| name).collect()
    }

    #[test]
    fn a_person_is_told_what_can_never_be_shown() {
        let plan = Plan::open(5, &audience(&[(&["ash"], 9), (&["birch"], 3), (&["cedar"], 8)])).expect("a plan");
        assert_eq!(shown(&plan), ["everyone", "ash"], "birch is small, and cedar would give it away");
        assert_eq!(plan.never_shown(["birch"]), ["birch"]);
        assert!(plan.never_shown(["ash"]).is_empty());
        assert_eq!(plan.cell(["birch"]), plan.cell(["cedar"]), "answers are not kept apart by what is not shown");
        assert_eq!((plan.cells(), plan.asked(plan.cell(["cedar"]).expect("a cell"))), (2, 11));
        assert_eq!(plan.cell(["dogwood"]), plan.cell([]), "whoever is in other groups counts in everyone");
    }

    #[test]
    fn the_reason_names_the_groups_that_it_takes() {
        let plan =
            Plan::open(5, &audience(&[(&["ash", "north"], 9), (&["north"], 2), (&["south"], 6)])).expect("a plan");
        let reasons: Vec<(&str, &Verdict)> = plan.groups().collect();
        assert_eq!(reasons[1], ("ash", &Verdict::TellsApart { beside: vec!["north".to_owned()] }));
        assert_eq!(shown(&plan), ["everyone", "north", "south"]);
    }

    #[test]
    fn what_cannot_be_planned_is_refused() {
        let good = audience(&[(&["ash"], 9)]);
        assert!(Plan::open(2, &good).is_err());
        let undeclared = Audience { groups: vec![], ..good.clone() };
        assert!(Plan::open(5, &undeclared).expect_err("ash").to_string().contains("`ash` is not declared"));
        let twice = Audience { groups: vec!["ash".into(), "ash".into()], ..good.clone() };
        assert!(Plan::open(5, &twice).expect_err("twice").to_string().contains("declared twice"));
        let comments = Audience { comments: vec!["birch".into()], ..good };
        assert!(Plan::open(5, &comments).expect_err("birch").to_string().contains("`birch`"));
    }

    #[test]
    fn an_audience_of_nobody_has_a_plan_without_a_group() {
        let plan = Plan::open(3, &Audience::default()).expect("a plan");
        assert_eq!((shown(&plan).len(), plan.cells(), plan.cell([])), (0, 0, None));
    }

    #[test]
    fn a_stored_plan_is_checked_when_it_is_loaded() {
        let plan = Plan::open(5, &audience(&[(&["ash"], 9), (&["birch"], 3), (&["cedar"], 8)])).expect("a plan");
        let text = serde_json::to_string(&plan).expect("JSON");
        assert_eq!(serde_json::from_str::<Plan>(&text).expect("a plan"), plan);
        for (from, to) in [
            ("\"k\":5", "\"k\":2"),
            ("\"k\":5", "\"k\":10"),
            ("\"asked\":9", "\"asked\":4"),
            ("\"asked\":11", "\"asked\":4"),
            ("\"few_asked\"", "\"shown\""),
            ("\"name\":\"everyone\"", "\"name\":\"all\""),
            ("\"name\":\"birch\"", "\"name\":\"ash\""),
            ("\"groups\":[0,1]", "\"groups\":[1]"),
            ("\"groups\":[0,1]", "\"groups\":[0]"),
            ("\"groups\":[0,1]", "\"groups\":[0,2]"),
            ("\"groups\":[0,1]", "\"groups\":[0,70]"),
            ("\"comments\":[0]", "\"comments\":[2]"),
            ("\"comments\":[0]", "\"comments\":[0,1]"),
        ] {
            assert!(text.contains(from), "{text}");
            assert!(serde_json::from_str::<Plan>(&text.replacen(from, to, 1)).is_err(), "{from} became {to}");
        }
    }

    #[test]
    fn a_company_is_planned_exactly() {
        let kind = |at: usize| {
            if at < 200 {
                "team"
            } else if at < 220 {
                "unit"
            } else {
                "region"
            }
        };
        let names: Vec<String> = (0..225).map(|at| format!("{} {at}", kind(at))).collect();
        let mut cells = BTreeMap::new();
        for team in 0..200_usize {
            let unit = 200 + team / 10;
            let of = |places: &[usize]| places.iter().map(|at| names[*at].clone()).collect::<BTreeSet<_>>();
            cells.insert(of(&[team, unit, 220 + team / 40]), if team % 10 == 3 { 4 } else { 8 });
        }
        let audience = Audience { groups: names.clone(), cells, comments: Vec::new() };
        let plan = Plan::open(5, &audience).expect("a plan");
        // In each unit a team of four takes one of eight along.
        assert_eq!((shown(&plan).len(), plan.is_best()), (226 - 40, true));
        assert_eq!(plan.groups().filter(|(_, verdict)| **verdict == Verdict::FewAsked).count(), 20);
    }
}
