//! What has changed between two waves, or differs between two teams.
//!
//! Anonymous answers cannot be paired: that somebody answered both times is not known, and the two groups are taken as
//! independent. Where many answer twice, a real change is therefore found later than it could be, never sooner.

use serde::Serialize;

use crate::survey::interval::{Interval, Z, critical_t, probability_of_t, probability_of_z, wilson};
use crate::survey::promoter::Promoters;
use crate::survey::question::Rating;
use crate::survey::score::Score;
use crate::survey::tally::{Moments, Tally};

/// Below this probability a difference may be called a change.
const SIGNIFICANCE: f64 = 0.05;

/// The second group against the first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Comparison {
    /// The second score less the first, in the unit of the score; absent where one of them is.
    pub difference: Option<f64>,
    /// The lower end of the interval of 95 % around it; around the adjusted difference for eNPS.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// How probable so large a difference is if nothing has changed; absent where that cannot be computed.
    pub p: Option<f64>,
    /// Whether there is a change: p < .05, and the interval excludes nought.
    pub changed: bool,
    /// The same in words.
    pub words: Words,
    /// What was computed.
    pub method: Method,
}

/// What may be said of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Words {
    /// The second score is higher.
    #[serde(rename = "higher")]
    Higher,
    /// The second score is lower.
    #[serde(rename = "lower")]
    Lower,
    /// The difference may be chance.
    #[serde(rename = "no clear change")]
    NoClearChange,
    /// Too few have answered, or there is nothing to tell chance by, or not the same was asked.
    #[serde(rename = "cannot be compared")]
    CannotBeCompared,
}

/// How a difference was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Scores of promoters, both adjusted.
    AdjustedWald,
    /// Shares: Newcombe's hybrid score interval, and the score test.
    NewcombeHybridScore,
    /// Means of unequal variance.
    Welch,
}

/// What was computed of a difference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// The interval around the difference.
    pub interval: Interval,
    /// The probability of so large a difference by chance, if there is one.
    pub p: Option<f64>,
}

impl Comparison {
    /// Compares the tallies of two groups that were asked the same.
    pub fn of(first: &Tally, second: &Tally) -> Self {
        let (method, evidence) = match first.rating() {
            Rating::Enps => (Method::AdjustedWald, promoters(&Promoters::of(first), &Promoters::of(second))),
            Rating::Csat(points) => {
                let count = |tally: &Tally| (tally.within(points.top()), tally.n());
                (Method::NewcombeHybridScore, shares(count(first), count(second)))
            }
            Rating::UmuxLite | Rating::Sus | Rating::Scale(_) => {
                let both = first.moments().zip(second.moments());
                (Method::Welch, both.and_then(|(first, second)| means(&first, &second)))
            }
        };
        // Where the question has changed, a trend has a break.
        if first.rating() != second.rating() {
            return Self::judge(method, None, None);
        }
        let score = |tally: &Tally| Score::of(tally, None).score;
        let difference = score(second).zip(score(first)).map(|(second, first)| second - first);
        Self::judge(method, difference, evidence)
    }

    /// Compares those who answered late, such as after a reminder, with those who answered early. Those who never answer are
    /// rather like the late ones (Armstrong and Overton, Journal of Marketing Research 14, 1977), so a difference says which
    /// way the score of a wave is likely to be off.
    pub fn of_late_answers(early: &Tally, late: &Tally) -> Self {
        Self::of(early, late)
    }

    fn judge(method: Method, difference: Option<f64>, evidence: Option<Evidence>) -> Self {
        let interval = evidence.map(|evidence| evidence.interval);
        let p = evidence.and_then(|evidence| evidence.p);
        let is_clear = |found: Interval| p.is_some_and(|p| p < SIGNIFICANCE) && found.excludes_nought();
        let words = match interval {
            None => Words::CannotBeCompared,
            Some(found) if !is_clear(found) => Words::NoClearChange,
            Some(found) if found.low > 0.0 => Words::Higher,
            Some(_) => Words::Lower,
        };
        Self {
            difference,
            low: interval.map(|found| found.low),
            high: interval.map(|found| found.high),
            p,
            changed: matches!(words, Words::Higher | Words::Lower),
            words,
            method,
        }
    }
}

/// Two scores of promoters, in points: z = |s₁′ − s₂′|/√(v₁′/(n₁ + 3) + v₂′/(n₂ + 3)), and the interval of the same parts,
/// clipped to ±200; nothing where one of them has no answers (Lewis and Sauro, MeasuringU, "How to Statistically Compare
/// Two Net Promoter Scores", 2021).
pub fn promoters(first: &Promoters, second: &Promoters) -> Option<Evidence> {
    let (first, second) = (first.adjusted()?, second.adjusted()?);
    let (difference, error) = (second.score - first.score, (first.squared_error() + second.squared_error()).sqrt());
    let interval = Interval::around(difference, Z * error).scaled(100.0).clipped(-200.0, 200.0);
    Some(Evidence { interval, p: Some(probability_of_z(difference / error)) })
}

/// Two shares, each a count of a number, in percentage points; nothing where one of them has no answers. The interval is
/// Newcombe's hybrid score, his method 10 (Statistics in Medicine 17, 1998, 873–890). The probability is that of the score
/// test, which is Pearson's χ² without correction: (p₂ − p₁)/√(p (1 − p)(1/n₁ + 1/n₂)) with the pooled share p. Both come
/// from the score of the same model, so that they hardly ever disagree. Where all or none of both groups are counted
/// there is no probability.
pub fn shares((count, n): (u64, u64), (second_count, second_n): (u64, u64)) -> Option<Evidence> {
    let (first, second) = (wilson(count, n)?, wilson(second_count, second_n)?);
    let (share, second_share) = (count as f64 / n as f64, second_count as f64 / second_n as f64);
    let difference = second_share - share;
    let interval = Interval {
        low: difference - (second_share - second.low).hypot(first.high - share),
        high: difference + (second.high - second_share).hypot(share - first.low),
    };
    let pooled = (count + second_count) as f64 / (n + second_n) as f64;
    let error = (pooled * (1.0 - pooled) * (1.0 / n as f64 + 1.0 / second_n as f64)).sqrt();
    let p = (error > 0.0).then(|| probability_of_z(difference / error));
    Some(Evidence { interval: interval.clipped(-1.0, 1.0).scaled(100.0), p })
}

/// Two means; nothing where one of them has fewer than two answers, or where neither varies. The degrees of freedom are
/// those of Welch and Satterthwaite (Welch, Biometrika 34, 1947).
pub fn means(first: &Moments, second: &Moments) -> Option<Evidence> {
    let squared_error = |moments: &Moments| Some(moments.variance? / moments.n as f64);
    let (a, b) = (squared_error(first)?, squared_error(second)?);
    let error = (a + b).sqrt();
    if error == 0.0 {
        return None;
    }
    let freedom = (a + b).powi(2) / (a * a / (first.n as f64 - 1.0) + b * b / (second.n as f64 - 1.0));
    let difference = second.mean - first.mean;
    let interval = Interval::around(difference, critical_t(freedom) * error);
    Some(Evidence { interval, p: Some(probability_of_t(difference / error, freedom)) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::survey::question::tests::{any_rating, say};
    use crate::survey::tally::tests::tally;

    fn close(left: f64, right: f64, within: f64) {
        assert!((left - right).abs() <= within, "{left} is not {right}");
    }

    fn moments(values: &[f64]) -> Moments {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Moments { n: values.len() as u64, mean, variance: Some(variance) }
    }

    #[test]
    fn shares_are_as_newcombe_published_them() {
        // Newcombe, Interval estimation for the difference between independent proportions, Statistics in Medicine 17
        // (1998), table II, method 10: first less second.
        for (first, second, low, high) in [
            ((56, 70), (48, 80), 5.24, 33.39),
            ((9, 10), (3, 10), 17.05, 80.90),
            ((6, 7), (2, 7), 5.82, 80.62),
            ((5, 56), (0, 29), -3.81, 19.26),
            ((0, 10), (0, 20), -16.11, 27.75),
            ((0, 10), (0, 10), -27.75, 27.75),
            ((10, 10), (0, 20), 67.91, 100.0),
            ((10, 10), (0, 10), 60.75, 100.0),
        ] {
            let found = shares(second, first).expect("answers");
            close(found.interval.low, low, 5e-3);
            close(found.interval.high, high, 5e-3);
        }
        // The R package contingencytables, tests/testthat: 7 of 34 and 1 of 34 (Perondi 2004).
        let found = shares((1, 34), (7, 34)).expect("answers");
        close(found.interval.low, 1.89, 5e-3);
        close(found.interval.high, 34.04, 5e-3);
    }

    #[test]
    fn their_probability_is_as_published() {
        // The same package: tea, 3 of 4 and 1 of 4, Pearson's χ² = 2.000, P = 0.15730.
        let found = shares((1, 4), (3, 4)).expect("answers");
        close(found.p.expect("a probability"), 0.15730, 5e-6);
        let none = shares((0, 5), (0, 9)).expect("answers");
        assert_eq!(none.p, None, "nobody in either group: nothing to tell chance by");
        assert!(!none.interval.excludes_nought());
        assert_eq!(shares((0, 0), (1, 2)), None);
    }

    #[test]
    fn means_are_as_in_the_handbook_of_nist() {
        // NIST/SEMATECH e-Handbook, section 1.3.5.3, AUTO83B with unequal variances: T = −12.94627 on 136.8750 degrees of
        // freedom.
        let american = Moments { n: 249, mean: 20.14458, variance: Some(6.414700_f64.powi(2)) };
        let japanese = Moments { n: 79, mean: 30.48101, variance: Some(6.107710_f64.powi(2)) };
        let Evidence { interval, p } = means(&american, &japanese).expect("answers");
        let margin = (interval.high - interval.low) / 2.0;
        let difference = 30.48101 - 20.14458;
        close(difference / (margin / critical_t(136.8750)), 12.94627, 1e-5);
        assert!(p.expect("a probability") < 1e-20);
    }

    #[test]
    fn means_are_as_in_the_help_of_r() {
        // R, help(t.test), the data "sleep" (Student 1908): t = −1.8608, df = 17.776, p = 0.07939, −3.3654832 to 0.2054832.
        let first = moments(&[0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]);
        let second = moments(&[1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]);
        let Evidence { interval, p } = means(&second, &first).expect("answers");
        close(interval.low, -3.3654832, 5e-8);
        close(interval.high, 0.2054832, 5e-8);
        close(p.expect("a probability"), 0.07939, 5e-6);
    }

    #[test]
    fn promoters_are_as_worked_out_by_hand() {
        // 22, 10, 4: s′ = 18/39, v′/39 = 0.0126182. 9, 15, 12: s′ = −3/39, v′ = 22.5/39 − 9/1521 = 0.571006, v′/39 =
        // 0.0146412. The difference is −21/39 = −0.538462, its error √0.0272594 = 0.165104, z = 3.26134.
        let before = Promoters { promoters: 22, passives: 10, detractors: 4 };
        let after = Promoters { promoters: 9, passives: 15, detractors: 12 };
        let Evidence { interval, p } = promoters(&before, &after).expect("answers");
        close(interval.low, 100.0 * (-0.538462 - Z * 0.165104), 1e-3);
        close(interval.high, 100.0 * (-0.538462 + Z * 0.165104), 1e-3);
        close(p.expect("a probability"), probability_of_z(3.26134), 1e-7);
        close(p.expect("a probability"), 0.00111, 5e-6);
    }

    #[test]
    fn a_change_needs_both_the_probability_and_the_interval() {
        let found = |low: f64, high: f64, p: Option<f64>| {
            let evidence = Evidence { interval: Interval { low, high }, p };
            Comparison::judge(Method::Welch, Some(1.0), Some(evidence)).words
        };
        assert_eq!(found(0.1, 2.0, Some(0.049)), Words::Higher);
        assert_eq!(found(-2.0, -0.1, Some(0.049)), Words::Lower);
        for (low, high, p) in
            [(-0.1, 2.0, Some(0.01)), (0.1, 2.0, Some(0.05)), (0.1, 2.0, None), (0.0, 2.0, Some(0.01))]
        {
            assert_eq!(found(low, high, p), Words::NoClearChange);
        }
    }

    #[test]
    fn what_cannot_be_compared_is_not_called_unchanged() {
        for (word, first, second) in [
            ("enps", &["9"][..], &[][..]),
            ("csat5", &[""], &["5"]),
            ("scale5", &["5", "4"], &["1"]),
            ("sus", &["5,1,5,1,5,1,5,1,5,"], &[]),
            ("umux-lite", &["7,7", "7,7"], &["1,1", "1,1"]),
        ] {
            let found = Comparison::of(&tally(word, first), &tally(word, second));
            assert_eq!((found.words, found.changed), (Words::CannotBeCompared, false), "{word}: {found:?}");
            assert_eq!((found.low, found.high, found.p), (None, None, None));
        }
        let other = Comparison::of(&tally("csat5", &["5", "1"]), &tally("csat7", &["7", "1"]));
        assert_eq!((other.words, other.difference), (Words::CannotBeCompared, None), "not the same question");
    }

    #[test]
    fn one_wave_without_variance_is_enough_to_compare() {
        let found = Comparison::of(&tally("scale5", &["3", "3", "3"]), &tally("scale5", &["4", "5", "5", "4", "5"]));
        assert_eq!((found.words, found.changed), (Words::Higher, true), "{found:?}");
    }

    #[test]
    fn late_answers_are_held_against_early_ones() {
        let (early, late) = (tally("csat5", &["5"; 30]), tally("csat5", &["1"; 30]));
        assert_eq!(Comparison::of_late_answers(&early, &late).words, Words::Lower);
    }

    /// Two groups that were asked the same.
    fn groups() -> impl Strategy<Value = (Tally, Tally)> {
        let seeds = || proptest::collection::vec(any::<[u8; 10]>(), 0..40);
        (any_rating(), seeds(), seeds()).prop_map(|(rating, first, second)| {
            let tally = |seeds: Vec<[u8; 10]>| {
                let answers: Vec<String> = seeds.iter().map(|seed| say(rating, seed)).collect();
                Tally::of(rating, answers.iter().map(String::as_str)).expect("answers")
            };
            (tally(first), tally(second))
        })
    }

    fn is_opposite(left: Option<f64>, right: Option<f64>) -> bool {
        match (left, right) {
            (Some(left), Some(right)) => (left + right).abs() < 1e-9,
            (left, right) => left.is_none() && right.is_none(),
        }
    }

    proptest! {
        #[test]
        fn the_other_way_round_is_the_opposite((first, second) in groups()) {
            let (there, back) = (Comparison::of(&first, &second), Comparison::of(&second, &first));
            prop_assert!(is_opposite(there.difference, back.difference));
            prop_assert!(is_opposite(there.low, back.high) && is_opposite(there.high, back.low));
            prop_assert!(is_opposite(there.p, back.p.map(|p| -p)));
            let expected = match there.words {
                Words::Higher => Words::Lower,
                Words::Lower => Words::Higher,
                same => same,
            };
            prop_assert_eq!(back.words, expected);
        }

        #[test]
        fn there_is_never_a_number_that_is_none((first, second) in groups()) {
            let found = Comparison::of(&first, &second);
            for number in [found.difference, found.low, found.high, found.p].into_iter().flatten() {
                prop_assert!(number.is_finite());
            }
            prop_assert!(found.p.is_none_or(|p| (0.0..=1.0).contains(&p)));
            prop_assert!(found.low <= found.high);
            prop_assert_eq!(found.changed, matches!(found.words, Words::Higher | Words::Lower));
            // What is judged of eNPS are the adjusted scores, what is shown the raw ones; they do not contradict each other.
            prop_assert!(found.words != Words::Higher || found.difference > Some(0.0), "{found:?}");
            prop_assert!(found.words != Words::Lower || found.difference < Some(0.0), "{found:?}");
        }

        #[test]
        fn nothing_differs_from_itself((first, _) in groups()) {
            let same = Comparison::of(&first, &first);
            prop_assert!(!same.changed && same.difference.is_none_or(|difference| difference == 0.0));
        }
    }
}
