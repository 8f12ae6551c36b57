//! The publication planner against attackers that know nothing of how it works: they try out every world.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use stationmaster::survey::privacy::{
    Audience, Bound, EVERYONE, Histogram, Ledger, Moment, Plan, Published, Scale, Verdict, View,
};

/// Groups as everybody knows them, and who answers what, in which order of time.
#[derive(Debug, Clone)]
struct Town {
    k: u32,
    scale: Scale,
    /// How many groups there are besides everyone.
    groups: usize,
    /// Each person's groups, as bits; the answer, if there is one; and after how many releases it comes.
    people: Vec<(usize, Option<usize>, usize)>,
    releases: usize,
}

/// What is known of a group at a release: whose answers are counted, and what is said of them.
#[derive(Debug, Clone)]
struct Fact {
    counted: Vec<usize>,
    said: Said,
}

#[derive(Debug, Clone)]
enum Said {
    Counts(Vec<u64>),
    AtLeast(Bound<Histogram>),
}

impl Town {
    fn names(&self, bits: usize) -> Vec<&'static str> {
        const NAMES: [&str; 7] = ["ash", "birch", "cedar", "dogwood", "elm", "fir", "gorse"];
        (0..self.groups).filter(|group| bits >> group & 1 == 1).map(|group| NAMES[group]).collect()
    }

    fn is_in(&self, person: usize, group: &str) -> bool {
        group == EVERYONE || self.names(self.people[person].0).contains(&group)
    }

    fn plan(&self) -> Plan {
        let all = self.names(usize::MAX);
        let people = self.people.iter().map(|person| self.names(person.0));
        Plan::open(self.k, &Audience::of(&all, people)).expect("a plan")
    }

    fn cell(&self, plan: &Plan, person: usize) -> usize {
        plan.cell(self.names(self.people[person].0)).expect("everybody is asked")
    }

    /// The answers that are there before a release, by cell and bucket.
    fn answers(&self, plan: &Plan, release: usize) -> Vec<Vec<u32>> {
        let mut counts = vec![vec![0; self.scale.buckets()]; plan.cells()];
        for (person, (_, answer, time)) in self.people.iter().enumerate() {
            if let (Some(answer), true) = (answer, *time <= release) {
                counts[self.cell(plan, person)][*answer] += 1;
            }
        }
        counts
    }

    /// Runs the wave to its end: everything that was published of it.
    fn publish(&self) -> Vec<Fact> {
        let plan = self.plan();
        let mut ledger = Ledger::new(self.scale);
        let mut counted: BTreeSet<usize> = BTreeSet::new();
        let mut facts = Vec::new();
        for release in 0..=self.releases {
            let moment = if release == self.releases { Moment::Close } else { Moment::Running };
            if !ledger.release(&plan, &self.answers(&plan, release), moment).expect("a release") {
                continue;
            }
            // It must survive being stored.
            let stored = serde_json::to_string(&ledger).expect("JSON");
            ledger = serde_json::from_str(&stored).expect("a ledger");
            self.count(&plan, &stored, release, &mut counted);
            let figures = ledger.figures(&plan).expect("figures").expect("a release");
            facts.extend(figures.iter().filter_map(|figure| self.fact(figure, &counted)));
        }
        facts
    }

    /// Adds those whose answers this release has counted: the attacker knows even that. A cell is counted whole or not.
    fn count(&self, plan: &Plan, ledger: &str, release: usize, counted: &mut BTreeSet<usize>) {
        let ledger: serde_json::Value = serde_json::from_str(ledger).expect("JSON");
        let batch = ledger["batches"].as_array().expect("batches").last().expect("a batch");
        let is_counted = |cell: usize| batch[cell].as_array().expect("counts").iter().any(|count| count != 0);
        let new = |person: &usize| {
            let (_, answer, time) = self.people[*person];
            answer.is_some() && time <= release && is_counted(self.cell(plan, *person))
        };
        counted.extend((0..self.people.len()).filter(new));
    }

    fn fact(&self, figure: &Published<Histogram>, counted: &BTreeSet<usize>) -> Option<Fact> {
        let group = figure.group();
        let counted: Vec<usize> = counted.iter().copied().filter(|person| self.is_in(*person, group)).collect();
        match figure.view() {
            View::Value(value) => Some(Fact { counted, said: Said::Counts(value.counts().to_vec()) }),
            View::Bound(bound) => Some(Fact { counted, said: Said::AtLeast(bound.clone()) }),
            View::Hidden | View::Nobody => None,
        }
    }

    /// The answers of those who answered.
    fn truth(&self) -> BTreeMap<usize, usize> {
        let answered = |(person, (_, answer, _)): (usize, &(usize, Option<usize>, usize))| Some((person, (*answer)?));
        self.people.iter().enumerate().filter_map(answered).collect()
    }

    /// All worlds, that is assignments of answers to those who answered, in which everything that was published is true:
    /// of each, who answers there as in truth, as bits by the order of [`Self::truth`].
    fn worlds(&self, facts: &[Fact]) -> BTreeSet<u32> {
        let truth = self.truth();
        let empty = vec![vec![0; self.scale.buckets()]; facts.len()];
        let mut search = Worlds { facts, truth: truth.into_iter().collect(), counts: empty, found: BTreeSet::new() };
        search.visit(0, 0);
        search.found
    }
}

/// The worlds, tried out one after the other.
struct Worlds<'a> {
    facts: &'a [Fact],
    truth: Vec<(usize, usize)>,
    /// What would be counted for each fact, of those who have an answer in the world so far.
    counts: Vec<Vec<u64>>,
    found: BTreeSet<u32>,
}

impl Worlds<'_> {
    fn visit(&mut self, at: usize, same: u32) {
        let Some((person, answer)) = self.truth.get(at).copied() else {
            if self.facts.iter().zip(&self.counts).all(|(fact, counts)| fact.said.is_true(counts)) {
                self.found.insert(same);
            }
            return;
        };
        let concerned: Vec<usize> =
            (0..self.facts.len()).filter(|fact| self.facts[*fact].counted.contains(&person)).collect();
        let buckets = self.counts.first().map_or(0, Vec::len);
        for bucket in 0..buckets {
            concerned.iter().for_each(|fact| self.counts[*fact][bucket] += 1);
            if concerned.iter().all(|fact| self.facts[*fact].said.can_be_true(&self.counts[*fact])) {
                self.visit(at + 1, same | u32::from(bucket == answer) << at);
            }
            concerned.iter().for_each(|fact| self.counts[*fact][bucket] -= 1);
        }
    }
}

impl Said {
    fn is_true(&self, counts: &[u64]) -> bool {
        match self {
            Self::Counts(published) => published == counts,
            Self::AtLeast(bound) => {
                let within: u64 = counts[bound.buckets.clone()].iter().sum();
                bound.of == counts.iter().sum::<u64>() && within >= bound.at_least
            }
        }
    }

    /// Whether it may be true of more answers than these.
    fn can_be_true(&self, counts: &[u64]) -> bool {
        match self {
            Self::Counts(published) => published.iter().zip(counts).all(|(published, count)| count <= published),
            Self::AtLeast(_) => true,
        }
    }
}

/// The first people of whom k − 2 know what another answered, and who that is; by the order of [`Town::truth`].
fn leak(town: &Town) -> Option<(u32, u32)> {
    let facts = town.publish();
    let answered = town.truth().len();
    let worlds = town.worlds(&facts);
    // Where nothing is published, nothing is known.
    if facts.is_empty() || answered == 0 {
        return None;
    }
    assert!(worlds.contains(&((1 << answered) - 1)), "what is published is not true");
    for known in (0_u32..1 << answered).filter(|known| known.count_ones() == town.k - 2) {
        let possible = worlds.iter().filter(|same| *same & known == known);
        let fixed = possible.fold(u32::MAX, |fixed, same| fixed & same) & !known;
        if fixed != 0 {
            return Some((known, fixed));
        }
    }
    None
}

/// Towns of people in a few combinations of groups, so that some groups can be shown.
fn town(scale: impl Strategy<Value = Scale>, people: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Town> {
    (scale, 3_u32..=4, 0_usize..=4, 1_usize..=3, 0_usize..=2).prop_flat_map(
        move |(scale, k, groups, cells, releases)| {
            let answer = prop_oneof![1 => Just(None), 11 => (0..scale.buckets()).prop_map(Some)];
            let people = vec((0..cells, answer, 0..=releases), people.clone());
            (vec(0_usize..1 << groups, cells), people).prop_map(move |(cells, people)| {
                let people = people.into_iter().map(|(cell, answer, time)| (cells[cell], answer, time)).collect();
                Town { k, scale, groups, people, releases }
            })
        },
    )
}

fn small_scale() -> impl Strategy<Value = Scale> {
    prop_oneof![Just(Scale::Unordered(2)), Just(Scale::Ordered(3)), Just(Scale::Ordered(2))]
}

/// Whether groups, as lists of people, may be shown together: what they tell apart is nobody, or enough.
fn may_be_shown(groups: &[Vec<usize>], is_enough: &dyn Fn(&[usize]) -> bool) -> bool {
    let mut apart: BTreeMap<Vec<bool>, Vec<usize>> = BTreeMap::new();
    let people: BTreeSet<usize> = groups.iter().flatten().copied().collect();
    for person in people {
        apart.entry(groups.iter().map(|group| group.contains(&person)).collect()).or_default().push(person);
    }
    apart.values().all(|people| is_enough(people)) && groups.iter().all(|group| !group.is_empty())
}

/// The best of all sets of groups by the stated measure, found by trying them all: whether each group stays.
fn best(groups: &[Vec<usize>], may_stay: &[bool], is_enough: &dyn Fn(&[usize]) -> bool) -> Vec<bool> {
    let choices = (0_usize..1 << groups.len()).map(|bits| (0..groups.len()).map(|at| bits >> at & 1 == 1).collect());
    let holds = |kept: &Vec<bool>| {
        let shown: Vec<_> =
            groups.iter().zip(kept).filter(|(_, kept)| **kept).map(|(group, _)| group.clone()).collect();
        kept.iter().zip(may_stay).all(|(kept, may)| *may || !kept) && may_be_shown(&shown, is_enough)
    };
    let measure = |kept: &Vec<bool>| {
        let hidden = groups.iter().zip(kept).filter(|(_, kept)| !**kept).map(|(group, _)| group.len());
        (hidden.clone().count(), hidden.sum::<usize>(), kept.iter().map(|kept| !kept).collect::<Vec<bool>>())
    };
    choices.filter(holds).min_by_key(measure).expect("to show nothing is always possible")
}

/// How a group is shown, in one word.
fn word<T>(figure: &Published<T>) -> &'static str {
    match figure.view() {
        View::Value(_) => "value",
        View::Bound(_) => "bound",
        View::Hidden => "hidden",
        View::Nobody => "nobody",
    }
}

impl Town {
    /// The people of each group of whom this is true, everyone first.
    fn lists(&self, plan: &Plan, is_meant: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
        let list = |name: &str| (0..self.people.len()).filter(|at| self.is_in(*at, name) && is_meant(*at)).collect();
        plan.groups().map(|(name, _)| list(name)).collect()
    }

    /// Whether so many of these answers are outside each bucket.
    fn is_spread(&self, answers: &[usize]) -> bool {
        let names_bucket = !matches!(self.scale, Scale::Ordered(4..)) && answers.len() as u32 >= 4 * self.k - 7;
        let least = if names_bucket { 2 * self.k - 3 } else { self.k - 1 } as usize;
        (0..self.scale.buckets()).all(|bucket| answers.iter().filter(|answer| **answer != bucket).count() >= least)
    }

    /// Which groups are planned, and whether that is known to be the best choice.
    fn planned(&self) -> (Vec<bool>, bool) {
        let plan = self.plan();
        (plan.groups().map(|(_, verdict)| *verdict == Verdict::Shown).collect(), plan.is_best())
    }

    fn expected_plan(&self) -> (Vec<bool>, bool) {
        let lists = self.lists(&self.plan(), |_| true);
        (best(&lists, &vec![true; lists.len()], &|people| people.len() >= self.k as usize), true)
    }

    /// How each group must be shown if the only release is the close.
    fn expected(&self, plan: &Plan) -> Vec<&'static str> {
        let truth = self.truth();
        let answers = |people: &[usize]| people.iter().map(|person| truth[person]).collect::<Vec<_>>();
        let (planned, _) = self.planned();
        if truth.is_empty() {
            return planned.iter().map(|planned| if *planned { "nobody" } else { "hidden" }).collect();
        }
        let lists = self.lists(plan, |person| truth.contains_key(&person));
        let counted = best(&lists, &planned, &|people| people.len() >= self.k as usize);
        let values = best(&lists, &counted, &|people| self.is_spread(&answers(people)));
        let has_bound = |list: &Vec<usize>| {
            let says_something = matches!(self.scale, Scale::Ordered(4..)) || list.len() as u32 >= 4 * self.k - 7;
            says_something && !self.is_spread(&answers(list))
        };
        let expect = |group: usize| match (values[group], counted[group]) {
            (true, _) => "value",
            (false, true) if has_bound(&lists[group]) => "bound",
            _ => "hidden",
        };
        (0..lists.len()).map(expect).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_learns_an_answer(town in town(small_scale(), 6..=13)) {
        prop_assert_eq!(leak(&town), None);
    }

    #[test]
    fn nobody_learns_an_answer_on_a_scale_with_halves(town in town(Just(Scale::Ordered(4)), 5..=9)) {
        prop_assert_eq!(leak(&town), None);
    }

    #[test]
    fn the_plan_hides_no_more_than_it_must(town in town(small_scale(), 6..=40)) {
        prop_assert_eq!(town.planned(), town.expected_plan());
    }

    #[test]
    fn many_overlaps_hide_no_more_than_they_must(cells in vec((0_usize..1 << 7, 1_usize..7), 4..11), k in 3_u32..6) {
        let people = cells.into_iter().flat_map(|(groups, count)| vec![(groups, None, 0); count]).collect();
        let town = Town { k, scale: Scale::Unordered(2), groups: 7, people, releases: 0 };
        prop_assert_eq!(town.planned(), town.expected_plan());
    }

    #[test]
    fn the_close_hides_no_more_than_it_must(town in town(prop_oneof![small_scale(), Just(Scale::Ordered(5))], 6..=40)) {
        let plan = town.plan();
        let mut ledger = Ledger::new(town.scale);
        prop_assert!(ledger.release(&plan, &town.answers(&plan, town.releases), Moment::Close).expect("a release"));
        let figures = ledger.figures(&plan).expect("figures").expect("a release");
        prop_assert_eq!(figures.iter().map(word).collect::<Vec<_>>(), town.expected(&plan));
    }
}

/// All ways to put `n` answers into buckets.
fn histograms(n: u64, buckets: usize) -> Vec<Vec<u64>> {
    if buckets == 1 {
        return vec![vec![n]];
    }
    let with_first = |first: u64| {
        let rest = histograms(n - first, buckets - 1).into_iter();
        rest.map(move |rest| [vec![first], rest].concat())
    };
    (0..=n).flat_map(with_first).collect()
}

fn only_group(k: u32, scale: Scale, counts: &[u64]) -> Published<Histogram> {
    let n: u64 = counts.iter().sum();
    let plan = Plan::open(k, &Audience::of(&[], (0..n).map(|_| Vec::new()))).expect("a plan");
    let mut ledger = Ledger::new(scale);
    let answers = vec![counts.iter().map(|count| *count as u32).collect()];
    ledger.release(&plan, &answers, Moment::Close).expect("a release");
    ledger.figures(&plan).expect("figures").expect("a release").remove(0)
}

/// Whether `known` and everything of a kind that might be left beside it leave only one possibility for somebody.
fn is_fixed(known: &[u64], possible: &[Vec<u64>]) -> bool {
    let rest = |counts: &Vec<u64>| counts.iter().zip(known).map(|(count, known)| count.checked_sub(*known)).collect();
    let rests: Vec<Vec<u64>> = possible.iter().filter_map(rest).collect();
    let filled: BTreeSet<usize> = rests.iter().flat_map(|rest| (0..rest.len()).filter(|at| rest[*at] > 0)).collect();
    filled.len() == 1
}

#[test]
fn of_a_single_group_even_the_choice_of_the_planner_tells_nothing() {
    for (k, scale) in [(3, Scale::Ordered(4)), (3, Scale::Unordered(2)), (4, Scale::Ordered(5)), (4, Scale::Ordered(3))]
    {
        for n in u64::from(k)..=11 {
            let mut published: BTreeMap<String, Vec<Vec<u64>>> = BTreeMap::new();
            for counts in histograms(n, scale.buckets()) {
                published.entry(format!("{:?}", only_group(k, scale, &counts).view())).or_default().push(counts);
            }
            let known = (0..=u64::from(k) - 2).flat_map(|size| histograms(size, scale.buckets()));
            for known in known {
                for (view, possible) in &published {
                    assert!(!is_fixed(&known, possible), "{view} tells all to who knows {known:?}");
                }
            }
        }
    }
}

/// A company of thirty teams that cross with roles and sites, too many for the search to end.
fn crossing() -> Audience {
    let teams: Vec<String> = (0..30).map(|at| format!("team {at}")).collect();
    let others = ["lead", "developer", "tester", "north", "south", "east"];
    let names: Vec<&str> = others.into_iter().chain(teams.iter().map(String::as_str)).collect();
    // Any mixture does; this one is the same in each run.
    let mix = |at: usize, of: usize| at.wrapping_mul(2_654_435_761) / 65_536 % of;
    let people = (0..400_usize).map(|at| {
        let role = if mix(at, 9) == 0 { 0 } else { 1 + mix(at + 1000, 2) };
        vec![others[role], others[3 + mix(at / 4 + 2000, 3)], teams[mix(at / 3 + 3000, 30)].as_str()]
    });
    Audience::of(&names, people.collect::<Vec<_>>())
}

#[test]
fn where_the_search_is_cut_short_the_rules_are_kept_and_no_single_group_more_could_be_shown() {
    let audience = crossing();
    let plan = Plan::open(5, &audience).expect("a plan");
    let list = |name: &str| {
        let mut first = 0;
        let mut people = Vec::new();
        for (groups, count) in &audience.cells {
            if name == EVERYONE || groups.contains(name) {
                people.extend(first..first + *count as usize);
            }
            first += *count as usize;
        }
        people
    };
    let (shown, hidden): (Vec<_>, Vec<_>) = plan.groups().partition(|(_, verdict)| **verdict == Verdict::Shown);
    let shown: Vec<Vec<usize>> = shown.iter().map(|(name, _)| list(name)).collect();
    let is_enough = |people: &[usize]| people.len() >= 5;
    assert!(!plan.is_best() && shown.len() > 10, "{} groups", shown.len());
    assert!(may_be_shown(&shown, &is_enough));
    for (name, _) in hidden {
        let more: Vec<Vec<usize>> = shown.iter().cloned().chain([list(name)]).collect();
        assert!(!may_be_shown(&more, &is_enough), "{name} could be shown");
    }
}
