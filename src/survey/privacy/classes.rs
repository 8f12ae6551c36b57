//! The classes into which the shown groups divide people or answers, and what a class must be.

use std::collections::BTreeMap;

use super::scale::Scale;
use super::set::Set;

/// People or answers that are in the same groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Class {
    /// The groups they are in.
    pub(super) groups: Set,
    /// How many there are, by bucket; people who are asked are in one bucket.
    pub(super) load: Vec<u64>,
}

/// What every class that a figure counts must be. Both kinds keep this law, on which the search rests: classes that meet
/// the demand meet it together. So hiding a group never breaks what held before.
#[derive(Debug, Clone, Copy)]
pub(super) enum Demand {
    /// At least so many.
    Many(u32),
    /// Answers that are spread over this scale, for this k.
    Spread(Scale, u32),
}

impl Demand {
    /// Whether a class of these answers may be told apart from the others.
    pub(super) fn is_met(self, load: &[u64]) -> bool {
        match self {
            Self::Many(least) => load.iter().sum::<u64>() >= u64::from(least),
            Self::Spread(scale, k) => scale.is_spread(k, load),
        }
    }
}

/// The classes that remain apart if only the kept groups are shown. Whom no figure counts is left out, and so are classes
/// of nobody.
pub(super) fn divide(classes: &[Class], kept: &Set) -> Vec<Class> {
    let mut divided: BTreeMap<Set, Vec<u64>> = BTreeMap::new();
    for class in classes {
        let groups = class.groups.and(kept);
        if !groups.is_empty() && class.load.iter().any(|count| *count > 0) {
            add(divided.entry(groups).or_default(), &class.load);
        }
    }
    divided.into_iter().map(|(groups, load)| Class { groups, load }).collect()
}

/// Adds counts bucket by bucket.
pub(super) fn add(sum: &mut Vec<u64>, load: &[u64]) {
    sum.resize(sum.len().max(load.len()), 0);
    sum.iter_mut().zip(load).for_each(|(sum, count)| *sum += count);
}
