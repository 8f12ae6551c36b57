//! A set of groups, by their place in the order of declaration.

/// A set of small numbers. As numbers are ordered, so are sets: of two different ones that is the greater which has the
/// first number in which they differ. So the least set of groups to hide spares those that were declared first.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Set(Vec<u64>);

impl Set {
    /// The empty set, with room for the numbers below `size`. Sets that meet must be made with the same room.
    pub(super) fn new(size: usize) -> Self {
        Self(vec![0; size.div_ceil(64)])
    }

    /// A set of these numbers, all below `size`.
    pub(super) fn of(size: usize, members: impl IntoIterator<Item = usize>) -> Self {
        let mut set = Self::new(size);
        members.into_iter().for_each(|member| set.insert(member));
        set
    }

    pub(super) fn insert(&mut self, member: usize) {
        self.0[member / 64] |= Self::bit(member);
    }

    pub(super) fn has(&self, member: usize) -> bool {
        self.0[member / 64] & Self::bit(member) != 0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The members, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        (0..self.0.len() * 64).filter(|member| self.has(*member))
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        self.zip(other, |one, two| one & two)
    }

    pub(super) fn or(&self, other: &Self) -> Self {
        self.zip(other, |one, two| one | two)
    }

    pub(super) fn without(&self, other: &Self) -> Self {
        self.zip(other, |one, two| one & !two)
    }

    /// What is in one of the two only.
    pub(super) fn differing(&self, other: &Self) -> Self {
        self.zip(other, |one, two| one ^ two)
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        self.pairs(other).any(|(one, two)| one & two != 0)
    }

    /// Whether all of this is in the other.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.pairs(other).all(|(one, two)| one & !two == 0)
    }

    fn zip(&self, other: &Self, merge: impl Fn(u64, u64) -> u64) -> Self {
        Self(self.pairs(other).map(|(one, two)| merge(one, two)).collect())
    }

    /// The words side by side. To compare only as many as the smaller set has would overlook groups, so that is no option.
    fn pairs(&self, other: &Self) -> impl Iterator<Item = (u64, u64)> {
        assert_eq!(self.0.len(), other.0.len(), "sets of different room");
        self.0.iter().copied().zip(other.0.iter().copied())
    }

    /// The first number is the highest bit: that makes the order of the words the order of the sets.
    fn bit(member: usize) -> u64 {
        1 << (63 - member % 64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_ordered_by_the_first_number_in_which_they_differ() {
        let set = |members: &[usize]| Set::of(130, members.iter().copied());
        let ascending =
            [set(&[]), set(&[129]), set(&[64, 129]), set(&[63]), set(&[1, 2, 3]), set(&[0]), set(&[0, 128])];
        assert!(ascending.is_sorted());
        assert_eq!(set(&[3, 64, 129]).iter().collect::<Vec<_>>(), [3, 64, 129]);
    }

    #[test]
    fn sets_meet_and_part() {
        let (one, two) = (Set::of(70, [1, 69]), Set::of(70, [1, 2]));
        assert_eq!(one.differing(&two), Set::of(70, [2, 69]));
        assert_eq!(one.and(&two).len(), 1);
        assert_eq!(one.or(&two).without(&one), Set::of(70, [2]));
        assert!(one.meets(&two) && !one.is_within(&two) && one.and(&two).is_within(&two));
    }
}
