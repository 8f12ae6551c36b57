//! The employee Net Promoter Score: promoters (9, 10) less detractors (0 to 6), and how sure that is.

use serde::Serialize;

use crate::survey::interval::{Cohort, Interval, Z};
use crate::survey::tally::Tally;

/// What is added to promoters and to detractors before the uncertainty is computed.
const ADDED: f64 = 0.75;
/// What is added to all answers together: also 1½ passives.
const ADDED_IN_ALL: f64 = 3.0;

/// Answers to eNPS by their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Promoters {
    /// 9 and 10.
    pub promoters: u64,
    /// 7 and 8.
    pub passives: u64,
    /// 0 to 6.
    pub detractors: u64,
}

/// The score after ¾, 1½ and ¾ are added to promoters, passives and detractors, which keeps small samples honest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adjusted {
    /// s′ = p′ − d′, from -1 to 1.
    pub score: f64,
    /// v′ = p′ + d′ − (p′ − d′)²: the variance of one answer.
    pub variance: f64,
    /// n + 3.
    pub n: f64,
}

impl Adjusted {
    /// The square of the standard error of the score.
    pub fn squared_error(&self) -> f64 {
        self.variance / self.n
    }
}

impl Promoters {
    /// The answers of a tally of eNPS.
    pub fn of(tally: &Tally) -> Self {
        Self { promoters: tally.within(9..=10), passives: tally.within(7..=8), detractors: tally.within(0..=6) }
    }

    /// How many answered.
    pub fn n(&self) -> u64 {
        self.promoters + self.passives + self.detractors
    }

    /// 100 (P − D)/n, from -100 to 100; nothing where nobody answered (Reichheld, Harvard Business Review, December 2003).
    pub fn score(&self) -> Option<f64> {
        let net = self.promoters as f64 - self.detractors as f64;
        (self.n() > 0).then(|| 100.0 * net / self.n() as f64)
    }

    /// What the interval and the comparison are made of; nothing where nobody answered (Rocks, The American Statistician
    /// 70, 2016, the method "adjusted Wald (3, T)", which MeasuringU recommends).
    pub fn adjusted(&self) -> Option<Adjusted> {
        let n = self.n() as f64 + ADDED_IN_ALL;
        let share = |count: u64| (count as f64 + ADDED) / n;
        let (promoters, detractors) = (share(self.promoters), share(self.detractors));
        let score = (self.promoters as f64 - self.detractors as f64) / n;
        (self.n() > 0).then_some(Adjusted { score, variance: promoters + detractors - score * score, n })
    }

    /// 100 (s′ ± z √(v′/(n + 3))), clipped to ±100. It surrounds the adjusted score: where nearly everybody is of one mind,
    /// the raw one lies outside.
    pub fn interval(&self, cohort: Option<Cohort>) -> Option<Interval> {
        let (score, adjusted) = (self.score()?, self.adjusted()?);
        let interval = Interval::around(adjusted.score, Z * adjusted.squared_error().sqrt()).scaled(100.0);
        Some(interval.narrowed(score, self.n(), cohort).clipped(-100.0, 100.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(promoters: u64, passives: u64, detractors: u64) -> Promoters {
        Promoters { promoters, passives, detractors }
    }

    fn close(left: f64, right: f64, within: f64) {
        assert!((left - right).abs() <= within, "{left} is not {right}");
    }

    #[test]
    fn the_score_is_as_in_the_package_of_rocks() {
        // The R package NPS by B. Rocks, tests/testthat/test_01_basics.R; its counts are detractors, passives, promoters,
        // and its scores are shares.
        for ((detractors, passives, promoters), score) in
            [((1, 2, 3), 100.0 / 3.0), ((1, 0, 0), -100.0), ((0, 0, 1), 100.0), ((0, 1, 0), 0.0)]
        {
            assert_eq!(of(promoters, passives, detractors).score(), Some(score));
        }
        assert_eq!((of(0, 0, 0).score(), of(0, 0, 0).adjusted(), of(0, 0, 0).interval(None)), (None, None, None));
    }

    #[test]
    fn the_interval_is_as_worked_out_by_hand() {
        // 22 promoters, 10 passives and 4 detractors: n′ = 39, p′ = 22.75/39, d′ = 4.75/39, so s′ = 18/39 = 0.461538,
        // v′ = 27.5/39 − 0.213018 = 0.492110, √(v′/39) = 0.112331, and z times that is 0.220164.
        let interval = of(22, 10, 4).interval(None).expect("answers");
        close(of(22, 10, 4).score().expect("answers"), 50.0, 1e-12);
        close(interval.low, 24.1374, 5e-4);
        close(interval.high, 68.1702, 5e-4);
    }

    #[test]
    fn a_single_promoter_promises_little() {
        // n′ = 4, p′ = 1.75/4, d′ = 0.75/4: s′ = 0.25, v′ = 0.625 − 0.0625 = 0.5625, √(v′/4) = 0.375.
        let interval = of(1, 0, 0).interval(None).expect("an answer");
        close(interval.low, 25.0 - 37.5 * Z, 1e-12);
        close(interval.high, 25.0 + 37.5 * Z, 1e-12);
        let all = of(20, 0, 0).interval(None).expect("answers");
        assert!(all.high == 100.0 && all.low > 60.0, "clipped: {all:?}");
    }

    proptest! {
        #[test]
        fn the_interval_surrounds_the_adjusted_score(p in 0..500_u64, q in 0..500_u64, d in 0..500_u64, more in 0..99_u64) {
            prop_assume!(p + q + d > 0);
            let these = of(p, q, d);
            let (score, adjusted) = (these.score().expect("answers"), these.adjusted().expect("answers"));
            let Interval { low, high } = these.interval(None).expect("answers");
            prop_assert!((-100.0..=100.0).contains(&score));
            prop_assert!(-100.0 <= low && low <= adjusted.score * 100.0 && adjusted.score * 100.0 <= high && high <= 100.0);
            prop_assert!(adjusted.variance > 0.0 && adjusted.score.abs() <= score.abs() / 100.0 + 1e-12);
            let turned = of(d, q, p).interval(None).expect("answers");
            prop_assert!((turned.low + high).abs() < 1e-9 && (turned.high + low).abs() < 1e-9);
            let narrowed = these.interval(Some(Cohort { population: these.n() + more })).expect("answers");
            prop_assert!(narrowed.high - narrowed.low <= high - low + 1e-9);
        }
    }
}
