//! Intervals of 95 % around shares and means, and the probabilities that go with them.

use statrs::distribution::{Continuous, ContinuousCDF, StudentsT};
use statrs::function::erf::erfc;

use crate::survey::tally::Moments;

/// The quantile of the normal distribution that leaves 2.5 % above it.
pub const Z: f64 = 1.959964;

/// A range that the truth lies in, in 95 of 100 surveys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Those who were asked are a random cohort of a population, and cohorts rotate. Only then may an interval be narrowed:
/// whoever is asked every time, or answers by choice, is no random sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cohort {
    /// How many there are in all.
    pub population: u64,
}

impl Cohort {
    /// The finite population correction √((N − n)/(N − 1)) for `n` answers; 0 where everybody answered (Cochran, Sampling
    /// Techniques, 1977).
    pub fn correction(self, n: u64) -> f64 {
        match self.population.checked_sub(n) {
            None | Some(0) => 0.0,
            Some(others) => (others as f64 / (self.population as f64 - 1.0)).sqrt().min(1.0),
        }
    }
}

impl Interval {
    /// As far to both sides of a centre.
    pub fn around(centre: f64, margin: f64) -> Self {
        Self { low: centre - margin, high: centre + margin }
    }

    /// The interval in a unit of which `factor` make one of the present unit: 100 for percent.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self { low: self.low * factor, high: self.high * factor }
    }

    /// What of it lies between `low` and `high`.
    #[must_use]
    pub fn clipped(self, low: f64, high: f64) -> Self {
        Self { low: self.low.clamp(low, high), high: self.high.clamp(low, high) }
    }

    /// The interval with both its arms drawn towards `score` by the finite population correction, so that it is the score
    /// itself where the whole population has answered. Without a cohort it stays as it is.
    #[must_use]
    pub fn narrowed(self, score: f64, n: u64, cohort: Option<Cohort>) -> Self {
        let Some(cohort) = cohort else { return self };
        let correction = cohort.correction(n);
        Self { low: score - correction * (score - self.low), high: score + correction * (self.high - score) }
    }

    /// Whether it lies wholly on one side of nought.
    pub fn excludes_nought(self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// Wilson's score interval of the share `count` of `n`, from 0 to 1; nothing where nobody answered (Wilson, JASA 22, 1927;
/// method 3 of Newcombe, Statistics in Medicine 17, 1998, 857–872).
pub fn wilson(count: u64, n: u64) -> Option<Interval> {
    if n == 0 {
        return None;
    }
    let (all, share) = (n as f64, count as f64 / n as f64);
    let square = Z * Z;
    let centre = share + square / (2.0 * all);
    let margin = Z * (share * (1.0 - share) / all + square / (4.0 * all * all)).sqrt();
    let around = Interval::around(centre, margin).scaled(1.0 / (1.0 + square / all)).clipped(0.0, 1.0);
    // At the ends one arm has no length; rounding must not give it one.
    let low = if count == 0 { 0.0 } else { around.low };
    Some(Interval { low, high: if count == n { 1.0 } else { around.high } })
}

/// Student's t interval of a mean; nothing for fewer than two answers. It is not clipped to the scale, so that its width
/// tells what was measured.
pub fn student(moments: &Moments) -> Option<Interval> {
    let variance = moments.variance?;
    let error = (variance / moments.n as f64).sqrt();
    Some(Interval::around(moments.mean, critical_t(moments.n as f64 - 1.0) * error))
}

/// The quantile of Student's t distribution that leaves 2.5 % above it, for so many degrees of freedom, which need be no
/// whole number.
///
/// # Panics
/// If `freedom` is not above nought.
pub fn critical_t(freedom: f64) -> f64 {
    let distribution = distribution(freedom);
    // The inverse of the crate is good to some 1e-5 only where there are many degrees of freedom; the distribution itself is
    // exact there, so two steps of Newton's method give the digits back.
    let nearer = |t: f64| t + (distribution.sf(t) - 0.025) / distribution.pdf(t);
    nearer(nearer(distribution.inverse_cdf(0.975)))
}

/// How probable a t so far from nought is, to either side, if there is nothing to find.
///
/// # Panics
/// If `freedom` is not above nought.
pub fn probability_of_t(t: f64, freedom: f64) -> f64 {
    2.0 * distribution(freedom).sf(t.abs())
}

/// How probable a standard normal value so far from nought is, to either side, if there is nothing to find.
pub fn probability_of_z(z: f64) -> f64 {
    erfc(z.abs() / std::f64::consts::SQRT_2)
}

fn distribution(freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, freedom).expect("the degrees of freedom are above nought")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(left: f64, right: f64, within: f64) {
        assert!((left - right).abs() <= within, "{left} is not {right}");
    }

    #[test]
    fn wilson_is_as_newcombe_published_it() {
        // Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998), table I,
        // method 3.
        for (count, n, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let interval = wilson(count, n).expect("answers");
            close(interval.low, low, 5e-5);
            close(interval.high, high, 5e-5);
        }
        // The R package contingencytables, tests/testthat: 13 of 16 (Ligarden 2010).
        let interval = wilson(13, 16).expect("answers");
        close(interval.low, 0.5699, 5e-5);
        close(interval.high, 0.9341, 5e-5);
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn t_is_as_in_the_tables() {
        // NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.6.7.2, column 0.975.
        for (freedom, t) in [
            (1.0, 12.706),
            (2.0, 4.303),
            (3.0, 3.182),
            (4.0, 2.776),
            (5.0, 2.571),
            (9.0, 2.262),
            (10.0, 2.228),
            (17.0, 2.110),
            (20.0, 2.086),
            (29.0, 2.045),
            (30.0, 2.042),
            (60.0, 2.000),
            (100.0, 1.984),
        ] {
            close(critical_t(freedom), t, 5e-4);
        }
    }

    #[test]
    fn t_has_all_the_digits_where_there_is_a_closed_form() {
        // One degree of freedom is Cauchy's distribution: tan(0.475 π). Two: (2p − 1) √(2/(4p (1 − p))) …
        close(critical_t(1.0), (0.475 * std::f64::consts::PI).tan(), 1e-10);
        let p: f64 = 0.975;
        close(critical_t(2.0), (2.0 * p - 1.0) * (2.0 / (4.0 * p * (1.0 - p))).sqrt(), 1e-10);
        // … and four, by its cosine.
        let product = 4.0 * p * (1.0 - p);
        let angle = (product.sqrt().acos() / 3.0).cos() / product.sqrt();
        close(critical_t(4.0), 2.0 * (angle - 1.0).sqrt(), 1e-10);
    }

    #[test]
    fn t_becomes_normal() {
        // The first terms of Cornish and Fisher's expansion; what follows is smaller than 1e-11 here.
        for freedom in [1e3, 1e4, 1e5, 1e6] {
            let z: f64 = 1.959963984540054;
            let first = (z.powi(3) + z) / (4.0 * freedom);
            let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * freedom * freedom);
            close(critical_t(freedom), z + first + second, 1e-8);
        }
    }

    #[test]
    fn probabilities_are_as_in_the_tables() {
        close(probability_of_z(1.959963984540054), 0.05, 1e-11);
        close(probability_of_z(-2.5758293035489), 0.01, 1e-11);
        close(probability_of_z(0.0), 1.0, 0.0);
        for freedom in [1.0, 2.5, 17.776, 1000.0] {
            close(probability_of_t(critical_t(freedom), freedom), 0.05, 1e-9);
            close(probability_of_t(0.0, freedom), 1.0, 1e-12);
        }
    }

    #[test]
    fn the_t_interval_of_published_data() {
        // NIST/SEMATECH e-Handbook, section 1.3.5.2, the data set ZARR13: 195 values.
        let zarr13 = Moments { n: 195, mean: 9.261460, variance: Some(0.022789_f64.powi(2)) };
        let interval = student(&zarr13).expect("two answers at least");
        close(interval.low, 9.258242, 1e-6);
        close(interval.high, 9.264679, 1e-6);
        assert_eq!(student(&Moments { n: 1, mean: 3.0, variance: None }), None);
    }

    #[test]
    fn only_a_part_of_a_population_narrows() {
        // By hand: √(400/499).
        close(Cohort { population: 500 }.correction(100), 0.8953, 5e-5);
        let interval = Interval { low: 10.0, high: 40.0 };
        assert_eq!(interval.narrowed(20.0, 7, None), interval);
        assert_eq!(interval.narrowed(20.0, 7, Some(Cohort { population: 7 })), Interval { low: 20.0, high: 20.0 });
        assert_eq!(interval.narrowed(20.0, 1, Some(Cohort { population: 1 })), Interval { low: 20.0, high: 20.0 });
        assert_eq!(interval.narrowed(20.0, 1, Some(Cohort { population: 9 })), interval, "one of nine tells no more");
    }

    proptest! {
        #[test]
        fn wilson_holds_the_share_and_stays_a_share(n in 1..100_000_u64, part in 0.0..=1.0) {
            let count = (part * n as f64) as u64;
            let Interval { low, high } = wilson(count, n).expect("answers");
            let share = count as f64 / n as f64;
            prop_assert!(0.0 <= low && low <= share && share <= high && high <= 1.0);
            let mirrored = wilson(n - count, n).expect("answers");
            prop_assert!((mirrored.low - (1.0 - high)).abs() < 1e-12);
            let more = wilson(count * 4, n * 4).expect("answers");
            prop_assert!(more.high - more.low < high - low, "more answers narrow it");
        }

        #[test]
        fn a_cohort_only_narrows(n in 1..1000_u64, more in 0..1000_u64, score in -50.0..50.0, arms in (0.0..9.0, 0.0..9.0)) {
            let interval = Interval { low: score - arms.0, high: score + arms.1 };
            let narrowed = interval.narrowed(score, n, Some(Cohort { population: n + more }));
            prop_assert!(interval.low <= narrowed.low + 1e-12 && narrowed.high <= interval.high + 1e-12);
            prop_assert!(narrowed.low <= score && score <= narrowed.high);
        }

        #[test]
        fn t_falls_with_its_freedom(freedom in 1.0..1e5, more in 0.01..1e3) {
            prop_assert!(critical_t(freedom + more) <= critical_t(freedom) + 1e-9);
            prop_assert!(critical_t(freedom) > Z - 1e-6);
        }
    }
}
