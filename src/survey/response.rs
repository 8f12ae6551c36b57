//! How many of those who were asked have answered.

use serde::{Deserialize, Serialize};

/// What became of the invitations of a wave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Response {
    /// How many were to be asked.
    pub invited: u64,
    /// To how many the platform delivered it.
    pub delivered: u64,
    /// How many opened it.
    pub opened: u64,
    /// What came of it.
    pub outcomes: Outcomes,
}

/// Every invitation by its end, in the terms of AAPOR.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Outcomes {
    /// I: answered all that had to be answered.
    pub complete: u64,
    /// P: answered some of it.
    pub partial: u64,
    /// R: said no, or opened it and left.
    pub refused: u64,
    /// NC: was asked and never opened it.
    pub not_contacted: u64,
    /// O: could not answer for another reason, such as being away for the whole wave.
    pub other: u64,
    /// UH + UO: nobody knows, such as where the platform could not deliver.
    pub unknown: u64,
}

impl Outcomes {
    /// RR1, the strictest response rate: I/((I + P) + (R + NC + O) + (UH + UO)), from 0 to 1; nothing where nobody was
    /// asked (AAPOR, Standard Definitions, "Response rates").
    pub fn rate(&self) -> Option<f64> {
        let Self { complete, partial, refused, not_contacted, other, unknown } = self;
        let all = complete + partial + refused + not_contacted + other + unknown;
        (all > 0).then(|| *complete as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_complete_answers_count_and_everybody_is_in_the_denominator() {
        // The README of the R package outcomerate (rOpenSci): I 4, P 2, R 1, NC 1, O 1, UH 1, UO 1 give RR1 0.364.
        let outcomes = Outcomes { complete: 4, partial: 2, refused: 1, not_contacted: 1, other: 1, unknown: 1 + 1 };
        assert_eq!(outcomes.rate(), Some(4.0 / 11.0));
        // The README of the R package responserates: I 100, NC 20 give RR1 83.3 %.
        let outcomes = Outcomes { complete: 100, not_contacted: 20, ..Outcomes::default() };
        assert_eq!(outcomes.rate().map(|rate| (rate * 1000.0).round()), Some(833.0));
    }

    #[test]
    fn without_complete_answers_it_is_nought_and_without_invitations_it_is_absent() {
        assert_eq!(Outcomes { partial: 3, ..Outcomes::default() }.rate(), Some(0.0));
        assert_eq!(Outcomes::default().rate(), None);
    }
}
