//! Percentages as people read them.

/// Divides `whole` among `counts` in their proportion, so that the parts are whole and add up to it: the method of the
/// largest remainder (Hamilton's). Of equal remainders the larger count goes first, and of equal counts the earlier one.
/// Where all counts are nought, so are all parts.
pub fn apportion(counts: &[u64], whole: u64) -> Vec<u64> {
    let total: u128 = counts.iter().map(|&count| u128::from(count)).sum();
    if total == 0 {
        return vec![0; counts.len()];
    }
    let product = |count: u64| u128::from(count) * u128::from(whole);
    let narrow = |part: u128| u64::try_from(part).expect("a part is no larger than the whole");
    let mut parts: Vec<u64> = counts.iter().map(|&count| narrow(product(count) / total)).collect();
    let missing = whole - parts.iter().sum::<u64>();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse((product(counts[at]) % total, counts[at])));
    // Fewer are missing than there are parts, as each lost less than one.
    for at in order.into_iter().zip(0..missing).map(|(at, _)| at) {
        parts[at] += 1;
    }
    parts
}

/// Percentages that are shown together: whole, and 100 in sum.
pub fn percentages(counts: &[u64]) -> Vec<u64> {
    apportion(counts, 100)
}

/// A number as it is shown, with so many decimal places; what lies halfway goes away from nought, and there is no -0. Only
/// for showing: nothing is computed from it.
pub fn rounded(value: f64, places: i32) -> f64 {
    let unit = 10_f64.powi(places);
    (value * unit).round() / unit + 0.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_remainders_are_served_first() {
        // "Largest remainder method" (Wikipedia), the example of the Hare quota: 10 seats for 100 000 votes.
        let votes = [47_000, 16_000, 15_900, 12_000, 6_000, 3_100];
        assert_eq!(apportion(&votes, 10), [5, 2, 1, 1, 1, 0]);
    }

    #[test]
    fn what_is_tied_goes_to_the_larger_and_then_to_the_earlier() {
        assert_eq!(percentages(&[1, 1, 1]), [34, 33, 33]);
        assert_eq!(percentages(&[1, 3, 1, 3]), [12, 38, 12, 38]);
        assert_eq!(percentages(&[2, 1]), [67, 33]);
        assert_eq!(percentages(&[0, 0]), [0, 0]);
        assert_eq!(percentages(&[]), [0; 0]);
        assert_eq!(percentages(&[u64::MAX, u64::MAX]), [50, 50]);
    }

    #[test]
    fn halves_are_shown_away_from_nought() {
        assert_eq!([0.5, 1.5, 2.5, -0.5, -2.5].map(|value| rounded(value, 0)), [1.0, 2.0, 3.0, -1.0, -3.0]);
        assert_eq!((rounded(0.25, 1), rounded(-0.25, 1), rounded(66.666, 1)), (0.3, -0.3, 66.7));
        assert!(rounded(-0.2, 0).is_sign_positive());
    }

    proptest! {
        #[test]
        fn they_add_up_and_are_near(counts in proptest::collection::vec(0..10_000_u64, 1..30)) {
            let total: u64 = counts.iter().sum();
            let parts = percentages(&counts);
            prop_assert_eq!(parts.iter().sum::<u64>(), if total == 0 { 0 } else { 100 });
            for (&part, &count) in parts.iter().zip(&counts) {
                prop_assert!((part as f64 * total as f64 - count as f64 * 100.0).abs() < total.max(1) as f64);
                prop_assert!(count > 0 || part == 0, "nobody is not shown as somebody");
            }
        }
    }
}
