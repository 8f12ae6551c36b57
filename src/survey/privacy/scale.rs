//! The buckets into which answers fall, and what may be said of a group whose answers are too much alike.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// The buckets of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// So many steps from low to high.
    Ordered(usize),
    /// So many kinds without an order.
    Unordered(usize),
}

/// How many answers are in each bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram(Vec<u64>);

/// What is shown of a group whose answers are too much alike for a value: at least so many of its answers are in these
/// buckets. It stays true if any one answer changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound<T> {
    /// The buckets.
    pub buckets: RangeInclusive<usize>,
    /// How many answers are in them at least.
    pub at_least: u64,
    /// How many answers there are.
    pub of: u64,
    /// What it would be if every answer were as low as that allows. Of an [`Scale::Ordered`] scale, every figure that rises
    /// with the answers is at or above this.
    pub low: T,
    /// What it would be if every answer were as high as that allows.
    pub high: T,
}

impl Histogram {
    /// A histogram of these counts, one for each bucket.
    pub fn new(counts: Vec<u64>) -> Self {
        Self(counts)
    }

    /// The counts, one for each bucket.
    pub fn counts(&self) -> &[u64] {
        &self.0
    }

    /// How many answers there are.
    pub fn n(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl<T> Bound<T> {
    /// The same bound on what is computed from it.
    pub fn map<U>(self, f: fn(&T) -> U) -> Bound<U> {
        let Self { buckets, at_least, of, low, high } = self;
        Bound { buckets, at_least, of, low: f(&low), high: f(&high) }
    }
}

impl Scale {
    /// How many buckets there are.
    pub fn buckets(self) -> usize {
        match self {
            Self::Ordered(buckets) | Self::Unordered(buckets) => buckets,
        }
    }

    /// The first bucket of the upper half, if there are halves of two buckets at least: whoever is told the half is not
    /// told the bucket.
    fn middle(self) -> Option<usize> {
        match self {
            Self::Ordered(buckets) if buckets >= 4 => Some(buckets / 2),
            _ => None,
        }
    }

    /// Whether of these answers so many are outside the fullest bucket, and so outside any, that they may be shown: k − 1,
    /// one more than those k − 2 whose answers an attacker may know.
    ///
    /// Those that are not get a bound, which must not tell the attacker that there are no others: of half a scale it does
    /// not, because all others may still be in either bucket of it. Without halves it names the bucket, so it is given to
    /// all answers of which as many again may be outside. Of few answers a tie could then name another bucket: there is
    /// no bound, and no need for more.
    ///
    /// Law, which the search needs: answers that pass, taken together with answers that pass, do too.
    pub(super) fn is_spread(self, k: u32, counts: &[u64]) -> bool {
        let of: u64 = counts.iter().sum();
        of - counts.iter().max().copied().unwrap_or(0) >= self.least_outside(k, of)
    }

    fn least_outside(self, k: u32, of: u64) -> u64 {
        let known = u64::from(k) - 2;
        if self.names_buckets(k, of) { 2 * known + 1 } else { known + 1 }
    }

    /// Whether a bound of so many answers names the fullest bucket: more than half of them are in it then.
    fn names_buckets(self, k: u32, of: u64) -> bool {
        self.middle().is_none() && of > 4 * (u64::from(k) - 2)
    }

    /// The bound of answers that are not spread; `None` if there is none that keeps the attacker in doubt.
    pub(super) fn bound(self, k: u32, counts: &[u64]) -> Option<Bound<Histogram>> {
        let of: u64 = counts.iter().sum();
        if self.middle().is_none() && !self.names_buckets(k, of) {
            return None;
        }
        // One more than are outside the bucket may be, so that any one answer could be another.
        let at_least = of.checked_sub(self.least_outside(k, of)).filter(|count| *count > 0)?;
        let fullest = (0..counts.len()).rev().max_by_key(|bucket| counts[*bucket])?;
        let top = self.buckets() - 1;
        let buckets = match self.middle() {
            Some(middle) if fullest < middle => 0..=middle - 1,
            Some(middle) => middle..=top,
            None => fullest..=fullest,
        };
        let ends = |inside: usize, outside: usize| {
            let mut counts = vec![0; self.buckets()];
            counts[inside] += at_least;
            counts[outside] += of - at_least;
            Histogram(counts)
        };
        let (low, high) = (ends(*buckets.start(), 0), ends(*buckets.end(), top));
        Some(Bound { buckets, at_least, of, low, high })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn said(scale: Scale, counts: &[u64]) -> String {
        scale.bound(5, counts).map_or("nothing".to_owned(), |Bound { buckets, at_least, of, low, high }| {
            format!("{at_least} of {of} in {buckets:?}: {:?} to {:?}", low.0, high.0)
        })
    }

    #[test]
    fn answers_that_are_alike_are_bounded_by_half_a_scale() {
        let five = Scale::Ordered(5);
        assert_eq!(said(five, &[0, 0, 0, 0, 9]), "5 of 9 in 2..=4: [4, 0, 5, 0, 0] to [0, 0, 0, 0, 9]");
        assert_eq!(said(five, &[0, 9, 1, 0, 2]), "8 of 12 in 0..=1: [12, 0, 0, 0, 0] to [0, 8, 0, 0, 4]");
        assert!(five.is_spread(5, &[1, 1, 1, 1, 1]) && five.is_spread(5, &[0, 0, 4, 0, 90]));
        assert!(!five.is_spread(5, &[0, 0, 1, 2, 90]) && !five.is_spread(5, &[0, 0, 0, 0, 0]));
    }

    #[test]
    fn without_halves_the_bound_is_wider() {
        let choice = Scale::Unordered(2);
        assert!(choice.is_spread(5, &[4, 8]) && !choice.is_spread(5, &[4, 9]) && choice.is_spread(5, &[7, 90]));
        assert_eq!(said(choice, &[3, 97]), "93 of 100 in 1..=1: [7, 93] to [0, 100]");
        assert_eq!(said(choice, &[0, 13]), "6 of 13 in 1..=1: [7, 6] to [0, 13]");
        assert_eq!(said(choice, &[0, 12]), "nothing", "of twelve, six and six would be as uniform");
        assert_eq!(Scale::Ordered(3).is_spread(3, &[0, 2, 2]), Scale::Unordered(3).is_spread(3, &[0, 2, 2]));
    }

    proptest! {
        #[test]
        fn what_is_spread_is_spread_together(
            one in vec(0_u64..9, 3), two in vec(0_u64..9, 3), ordered in 2_usize..=4, k in 3_u32..8,
        ) {
            let both: Vec<u64> = one.iter().zip(&two).map(|(one, two)| one + two).collect();
            for scale in [Scale::Ordered(ordered), Scale::Unordered(3)] {
                let apart = scale.is_spread(k, &one) && scale.is_spread(k, &two);
                prop_assert!(!apart || scale.is_spread(k, &both));
                prop_assert!(!scale.is_spread(k, &one) || one.iter().sum::<u64>() >= u64::from(k));
            }
        }

        /// Whatever one answer turns into, the bound holds: that is what the proof of the planner needs of it.
        #[test]
        fn a_bound_survives_any_change_of_one_answer(
            mut counts in vec(0_u64..3, 2..8), k in 3_u32..8, ordered: bool, (fullest, many) in (0_usize..8, 0_u64..40),
        ) {
            let buckets = counts.len();
            let scale = if ordered { Scale::Ordered(buckets) } else { Scale::Unordered(buckets) };
            counts[fullest % buckets] += many;
            let Some(bound) = scale.bound(k, &counts).filter(|_| !scale.is_spread(k, &counts)) else { return Ok(()) };
            prop_assert_eq!((bound.low.n(), bound.high.n()), (bound.of, bound.of));
            for (from, to) in (0..buckets * buckets).map(|pair| (pair / buckets, pair % buckets)) {
                let Some(fewer) = counts[from].checked_sub(1) else { continue };
                let mut changed = counts.clone();
                changed[from] = fewer;
                changed[to] += 1;
                prop_assert!(changed[bound.buckets.clone()].iter().sum::<u64>() >= bound.at_least);
                // No tail of the low end is heavier, and none of the high end lighter.
                for step in 0..buckets {
                    let above = |counts: &[u64]| counts[step..].iter().sum::<u64>();
                    prop_assert!(!ordered || above(&bound.low.0) <= above(&changed));
                    prop_assert!(!ordered || above(&bound.high.0) >= above(&changed));
                }
            }
        }
    }
}
