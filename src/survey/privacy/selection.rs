//! Which groups to hide so that every class meets its demand, and no more of them than it takes.
//!
//! The measure, in this order: fewest groups hidden; fewest people in them, each group counting its own; and of what is
//! still equal, the groups that were declared first stay.
//!
//! A group may be hidden from any choice that holds and it still holds ([`Demand`]), so what holds are the subsets of a few
//! largest choices. The search begins with all groups and looks at a class that does not meet its demand. To mend it, it
//! must become one with another class, or none that is counted: so all groups in which the two differ must go, for one of
//! the other classes. Trying every such *way* reaches every choice that is not needlessly small. A branch is left when
//! what it hides, and what it must still hide at least, is no better than the best choice known.

use std::collections::HashSet;

use super::classes::{Class, Demand, divide};
use super::set::Set;

/// How many sets of groups may be compared before the search ends with the best choice it has. Eight groups over 32 cells
/// cannot need as many (256 choices, each with 32 misfits of 33 ways, each made and compared), so there it is the best.
const STEPS: usize = 8_000_000;
/// For how many misfits the least cost of mending is summed up.
const MISFITS: usize = 64;
/// How many classes the first choice divides anew to weigh the ways for one misfit: 40 ways among 250 classes.
const WEIGHED: usize = 10_000;

/// What a choice costs; compared field by field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    groups: usize,
    people: u64,
    hidden: Set,
}

/// The groups that stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) kept: Set,
    /// Whether it is known to be the best by the measure; it holds in either case, and no single group more could stay.
    pub(super) is_best: bool,
}

/// A class that does not meet the demand, and the ways to mend it, cheapest first; none contains another.
#[derive(Debug)]
struct Misfit {
    groups: Set,
    ways: Vec<Cost>,
}

/// What is to be chosen from.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    classes: Vec<Class>,
    demand: Demand,
    /// How many people hiding a group hides, for each group.
    people: Vec<u64>,
}

impl Problem {
    /// The problem of these classes, which are in the groups below `size`.
    pub(super) fn new(demand: Demand, classes: Vec<Class>, size: usize) -> Self {
        let mut people = vec![0; size];
        for class in &classes {
            let sum: u64 = class.load.iter().sum();
            class.groups.iter().for_each(|group| people[group] += sum);
        }
        Self { classes, demand, people }
    }

    /// How many groups there are.
    pub(super) fn size(&self) -> usize {
        self.people.len()
    }

    /// Chooses among the candidates; all other groups are hidden.
    pub(super) fn choose(&self, candidates: &Set) -> Choice {
        let alone = candidates.iter().filter(|group| self.holds_alone(*group));
        self.search(&Set::of(self.size(), alone))
    }

    fn search(&self, candidates: &Set) -> Choice {
        let classes = divide(&self.classes, candidates);
        let kept = self.first_choice(candidates, &classes);
        let cost = self.cost(&candidates.without(&kept));
        let mut search = Search { problem: self, candidates, best: (cost, kept), seen: HashSet::new(), steps: 0 };
        search.visit(candidates, &classes);
        Choice { is_best: search.steps < STEPS, kept: search.best.1 }
    }

    /// Whether these groups may be shown together.
    pub(super) fn holds(&self, kept: &Set) -> bool {
        self.misfits(&divide(&self.classes, kept)).next().is_none()
    }

    /// Whether a group counts anybody, and may be shown if no other is.
    pub(super) fn holds_alone(&self, group: usize) -> bool {
        self.people[group] > 0 && self.holds(&Set::of(self.size(), [group]))
    }

    /// The classes that do not meet the demand.
    fn misfits<'a>(&'a self, classes: &'a [Class]) -> impl Iterator<Item = &'a Class> {
        classes.iter().filter(|class| !self.demand.is_met(&class.load))
    }

    fn cost(&self, hidden: &Set) -> Cost {
        let people = hidden.iter().map(|group| self.people[group]).sum();
        Cost { groups: hidden.len(), people, hidden: hidden.clone() }
    }

    /// How to mend a class that does not meet the demand. Counts the comparisons.
    fn misfit(&self, class: &Class, classes: &[Class], steps: &mut usize) -> Misfit {
        let apart = classes.iter().map(|other| other.groups.differing(&class.groups)).filter(|way| !way.is_empty());
        let mut all: Vec<Cost> = apart.chain([class.groups.clone()]).map(|way| self.cost(&way)).collect();
        all.sort();
        all.dedup();
        let mut ways: Vec<Cost> = Vec::new();
        // Making and sorting a way takes as long as some comparisons.
        *steps += all.len() * 8;
        for way in all {
            *steps += ways.len();
            if !ways.iter().any(|known| known.hidden.is_within(&way.hidden)) {
                ways.push(way);
            }
        }
        Misfit { groups: class.groups.clone(), ways }
    }

    /// A good choice, found without looking back: one misfit after the other is mended, then what needed not be hidden after
    /// all comes back.
    fn first_choice(&self, candidates: &Set, classes: &[Class]) -> Set {
        let mut kept = candidates.clone();
        let mut classes = classes.to_vec();
        while let Some(way) = self.best_way(&classes) {
            kept = kept.without(&way);
            classes = divide(&classes, &kept);
        }
        self.regain(candidates, kept)
    }

    /// The way to mend the first misfit that mends most others with it for each group it hides; of equal ones the cheapest.
    fn best_way(&self, classes: &[Class]) -> Option<Set> {
        let first = self.misfits(classes).next()?;
        let before = self.misfits(classes).count();
        let mut best: Option<(f64, Set)> = None;
        let most_ways = (WEIGHED / classes.len()).clamp(1, classes.len());
        for way in self.misfit(first, classes, &mut 0).ways.into_iter().take(most_ways) {
            let after = self.misfits(&divide(classes, &self.all().without(&way.hidden))).count();
            let weight = before.saturating_sub(after) as f64 / way.groups as f64;
            if best.as_ref().is_none_or(|(most, _)| weight > *most) {
                best = Some((weight, way.hidden));
            }
        }
        best.map(|(_, way)| way)
    }

    fn all(&self) -> Set {
        Set::of(self.size(), 0..self.size())
    }

    /// Shows again what need not be hidden, the groups of most people first.
    fn regain(&self, candidates: &Set, mut kept: Set) -> Set {
        let mut hidden: Vec<usize> = candidates.without(&kept).iter().collect();
        hidden.sort_by_key(|group| std::cmp::Reverse(self.people[*group]));
        for group in hidden {
            let mut more = kept.clone();
            more.insert(group);
            if self.holds(&more) {
                kept = more;
            }
        }
        kept
    }
}

/// A search under way.
struct Search<'a> {
    problem: &'a Problem,
    candidates: &'a Set,
    best: (Cost, Set),
    seen: HashSet<Set>,
    steps: usize,
}

impl Search<'_> {
    fn visit(&mut self, kept: &Set, classes: &[Class]) {
        if self.steps >= STEPS || !self.seen.insert(kept.clone()) {
            return;
        }
        self.steps += classes.len() + 1;
        let cost = self.problem.cost(&self.candidates.without(kept));
        let mut misfits = Vec::new();
        for class in self.problem.misfits(classes).take(MISFITS) {
            misfits.push(self.problem.misfit(class, classes, &mut self.steps));
            if self.steps >= STEPS {
                return;
            }
        }
        if self.at_least(&cost, &misfits) >= self.best.0 {
            return;
        }
        // The misfit with the fewest ways makes the narrowest tree.
        let Some(misfit) = misfits.iter().min_by_key(|misfit| misfit.ways.len()) else {
            self.best = (cost, kept.clone());
            return;
        };
        for way in &misfit.ways {
            let fewer = kept.without(&way.hidden);
            let classes = divide(classes, &fewer);
            self.visit(&fewer, &classes);
        }
    }

    /// What a choice below this one costs at least: every misfit takes at least the cheapest group of a set that meets all
    /// its ways, and misfits whose sets have nothing in common take one each.
    fn at_least(&self, cost: &Cost, misfits: &[Misfit]) -> Cost {
        let size = self.problem.size();
        let mut least = cost.clone();
        let mut used = Set::new(size);
        for misfit in misfits {
            let met = self.meeting(misfit);
            let cheapest = met.iter().map(|group| self.problem.cost(&Set::of(size, [group]))).min();
            if let (false, Some(cheapest)) = (met.meets(&used), cheapest) {
                least.groups += cheapest.groups;
                least.people += cheapest.people;
                least.hidden = least.hidden.or(&cheapest.hidden);
                used = used.or(&met);
            }
        }
        least
    }

    /// A set that has a group in common with every way: of each way that it does not meet yet, the smallest group, of the
    /// misfit's own if there is one, because other misfits share those least.
    fn meeting(&self, misfit: &Misfit) -> Set {
        let mut met = Set::new(self.problem.size());
        for way in misfit.ways.iter().map(|way| &way.hidden) {
            let size = |group: &usize| (!misfit.groups.has(*group), self.problem.people[*group]);
            if !way.meets(&met) {
                met.insert(way.iter().min_by_key(size).expect("a way hides a group"));
            }
        }
        met
    }
}
