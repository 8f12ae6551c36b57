//! How many answers are needed.

use crate::survey::interval::Z;

/// χ² of one degree of freedom at 5 %, as Krejcie and Morgan round it.
const CHI_SQUARED: f64 = 3.841;
/// The share that needs the largest sample.
const SHARE: f64 = 0.5;
/// How far off a share may be.
const MARGIN: f64 = 0.05;

/// How many of a population must answer, so that a share is known to ±5 percentage points: χ² N p (1 − p)/(d² (N − 1) +
/// χ² p (1 − p)), rounded to the nearest (Krejcie and Morgan, Educational and Psychological Measurement 30, 1970).
pub fn for_share(population: u64) -> u64 {
    let spread = CHI_SQUARED * SHARE * (1.0 - SHARE);
    let others = population.saturating_sub(1) as f64;
    (spread * population as f64 / (MARGIN * MARGIN * others + spread)).round() as u64
}

/// How many must answer, so that an NPS is known to ± `margin`, a fraction (0.1 is ten points): s² z²/d² − 3, rounded up.
/// `variance` is that of one answer, p + d − (p − d)², from an earlier wave; 1 is the most it can be. Nothing where
/// `margin` is not above nought (the interval of [`crate::survey::promoter`], solved for n, as Lewis and Sauro of MeasuringU
/// do).
pub fn for_promoters(variance: f64, margin: f64) -> Option<u64> {
    let needed = variance * Z * Z / (margin * margin) - 3.0;
    (margin > 0.0 && needed.is_finite()).then(|| needed.max(0.0).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::survey::promoter::Promoters;

    #[test]
    fn shares_are_as_in_the_table_of_krejcie_and_morgan() {
        // Table 1 of their article, and its example: of 9 000 teachers, 368.
        for (population, sample) in [
            (10, 10),
            (15, 14),
            (20, 19),
            (25, 24),
            (30, 28),
            (35, 32),
            (40, 36),
            (45, 40),
            (50, 44),
            (55, 48),
            (60, 52),
            (65, 56),
            (70, 59),
            (75, 63),
            (80, 66),
            (85, 70),
            (90, 73),
            (95, 76),
            (100, 80),
            (110, 86),
            (120, 92),
            (130, 97),
            (140, 103),
            (220, 140),
            (230, 144),
            (240, 148),
            (250, 152),
            (500, 217),
            (1000, 278),
            (1200, 291),
            (1300, 297),
            (1400, 302),
            (1500, 306),
            (2800, 338),
            (9000, 368),
            (1_000_000, 384),
        ] {
            assert_eq!(for_share(population), sample, "of {population}");
        }
        assert_eq!((for_share(0), for_share(1)), (0, 1));
    }

    #[test]
    fn promoters_are_as_worked_out_by_hand() {
        // With the most that the variance can be, and ±10 points: 1.959964²/0.01 − 3 = 381.15.
        assert_eq!(for_promoters(1.0, 0.1), Some(382));
        assert_eq!(for_promoters(0.0, 0.1), Some(0));
        for margin in [0.0, -0.1, f64::NAN] {
            assert_eq!(for_promoters(1.0, margin), None);
        }
    }

    proptest! {
        #[test]
        fn so_many_answers_do_give_that_margin(p in 1..60_u64, q in 1..60_u64, d in 1..60_u64) {
            let these = Promoters { promoters: p, passives: q, detractors: d };
            let adjusted = these.adjusted().expect("answers");
            let margin = Z * adjusted.squared_error().sqrt();
            let needed = for_promoters(adjusted.variance, margin).expect("a margin");
            prop_assert!(needed.abs_diff(these.n()) <= 1, "{needed} for {}", these.n());
        }

        #[test]
        fn no_more_are_needed_than_there_are(population in 0..10_000_000_u64) {
            prop_assert!(for_share(population) <= population.min(384));
        }
    }
}
