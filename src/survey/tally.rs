//! The answers to one rating, counted: all that its score, its picture and its comparisons are made of.

use serde::Serialize;

use crate::error::UserError;
use crate::survey::question::Rating;

/// How often each answer was given. The order of the answers is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    rating: Rating,
    /// By the steps above the lowest possible answer.
    steps: Vec<u64>,
    skipped: u64,
    incomplete: u64,
}

/// One column of the picture of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bucket {
    /// The answer; of a questionnaire of several items, its score.
    pub value: f64,
    /// How many gave it.
    pub count: u64,
}

/// Where answers lie and how far apart they are. Made from sums of whole numbers, so that nothing is lost to rounding and the
/// order of answers cannot matter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// How many answers there are.
    pub n: u64,
    /// Their mean.
    pub mean: f64,
    /// Their variance, with n - 1; absent for a single answer.
    pub variance: Option<f64>,
}

impl Tally {
    /// No answers yet.
    pub fn new(rating: Rating) -> Self {
        let (low, high) = rating.bounds().into_inner();
        let steps = usize::from(high - low) * rating.items() + 1;
        Self { rating, steps: vec![0; steps], skipped: 0, incomplete: 0 }
    }

    /// The answers of respondents, as [`Rating::parse`] reads them.
    ///
    /// # Errors
    /// What is no answer.
    pub fn of<'a>(rating: Rating, answers: impl IntoIterator<Item = &'a str>) -> Result<Self, UserError> {
        let mut tally = Self::new(rating);
        answers.into_iter().try_for_each(|said| tally.add(said))?;
        Ok(tally)
    }

    /// The answers of respondents, counted by [`Self::distribution`]'s columns.
    pub fn of_steps(rating: Rating, counts: &[u64]) -> Self {
        let mut tally = Self::new(rating);
        tally.steps.iter_mut().zip(counts).for_each(|(step, count)| *step = *count);
        tally
    }

    /// The column of [`Self::distribution`] that an answer is in; `None` if it lacks items or goes beyond their bounds.
    pub fn step_of(rating: Rating, given: &[u8]) -> Option<usize> {
        let is_whole = given.len() == rating.items() && given.iter().all(|item| rating.bounds().contains(item));
        is_whole.then(|| Self::new(rating).step(given))
    }

    /// Counts what one respondent said, as [`Rating::parse`] reads it.
    ///
    /// # Errors
    /// What is no answer; it is not counted at all.
    pub fn add(&mut self, said: &str) -> Result<(), UserError> {
        let items = self.rating.parse(said)?;
        let given: Vec<u8> = items.into_iter().flatten().collect();
        if given.is_empty() {
            self.skipped += 1;
        } else if given.len() < self.rating.items() {
            self.incomplete += 1;
        } else {
            let step = self.step(&given);
            self.steps[step] += 1;
        }
        Ok(())
    }

    /// How many steps an answer stands above the lowest one. The even items of SUS say something bad, so they count from
    /// the other end.
    fn step(&self, given: &[u8]) -> usize {
        let (low, high) = self.rating.bounds().into_inner();
        let is_turned = |at: usize| self.rating == Rating::Sus && at % 2 == 1;
        let step = |(at, &item): (usize, &u8)| usize::from(if is_turned(at) { high - item } else { item - low });
        given.iter().enumerate().map(step).sum()
    }

    /// What was asked.
    pub fn rating(&self) -> Rating {
        self.rating
    }

    /// How many answered in full: the denominator of everything.
    pub fn n(&self) -> u64 {
        self.steps.iter().sum()
    }

    /// How many answered nothing.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// How many answered only some of the items, and so have no score.
    pub fn incomplete(&self) -> u64 {
        self.incomplete
    }

    /// How many answers lie within these bounds; of a rating of one item.
    pub fn within(&self, bounds: std::ops::RangeInclusive<u8>) -> u64 {
        let low = *self.rating.bounds().start();
        bounds.filter_map(|value| self.steps.get(usize::from(value.checked_sub(low)?))).sum()
    }

    /// A column for every possible answer, also for those that nobody gave.
    pub fn distribution(&self) -> Vec<Bucket> {
        let buckets = (0_u64..).zip(&self.steps);
        buckets.map(|(step, &count)| Bucket { value: self.value(step.into(), 1), count }).collect()
    }

    /// The value of so many steps shared by so many respondents: an answer from 1 to k as it is, UMUX-LITE
    /// (q1 + q2 - 2) · 100/12, SUS 2.5 · steps, both from 0 to 100.
    fn value(&self, steps: u128, respondents: u64) -> f64 {
        let (up, down) = self.unit();
        let low = if self.rating.items() == 1 { *self.rating.bounds().start() } else { 0 };
        f64::from(low) + steps as f64 * up / (down * respondents as f64)
    }

    /// What a step is worth, as a fraction: its two parts, so that there is one rounding and not two.
    fn unit(&self) -> (f64, f64) {
        match self.rating {
            Rating::Enps | Rating::Csat(_) | Rating::Scale(_) => (1.0, 1.0),
            Rating::UmuxLite => (100.0, 12.0),
            Rating::Sus => (5.0, 2.0),
        }
    }

    /// The mean and the variance of the answers, or of the scores of a questionnaire; nothing without an answer.
    pub fn moments(&self) -> Option<Moments> {
        let n = u128::from(self.n());
        if n == 0 {
            return None;
        }
        let steps = (0_u128..).zip(&self.steps);
        let (sum, squares) = steps.fold((0, 0), |(sum, squares), (step, &count)| {
            let count = u128::from(count);
            (sum + step * count, squares + step * step * count)
        });
        let (up, down) = self.unit();
        let variance = (n > 1).then(|| {
            let spread = (n * squares - sum * sum) as f64;
            spread / (n * (n - 1)) as f64 * (up / down) * (up / down)
        });
        Some(Moments { n: self.n(), mean: self.value(sum, self.n()), variance })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::survey::question::tests::rating;

    /// The answers to the rating that a word names.
    pub fn tally(word: &str, answers: &[&str]) -> Tally {
        Tally::of(rating(word), answers.iter().copied()).expect("answers")
    }

    #[test]
    fn what_was_skipped_is_in_no_denominator() {
        let tally = tally("umux-lite", &["7,7", "1,", ",1", "", ",", "1,1"]);
        assert_eq!((tally.n(), tally.incomplete(), tally.skipped()), (2, 2, 2));
        assert_eq!(tally.moments().map(|moments| moments.mean), Some(50.0));
    }

    #[test]
    fn nought_is_an_answer() {
        let tally = tally("enps", &["0", "", "0"]);
        assert_eq!((tally.n(), tally.skipped(), tally.within(0..=6), tally.within(9..=10)), (2, 1, 2, 0));
    }

    #[test]
    fn a_refused_answer_is_not_counted() {
        let mut tally = tally("csat5", &["5"]);
        assert!(tally.add("6").is_err());
        assert_eq!((tally.n(), tally.skipped(), tally.incomplete()), (1, 0, 0));
    }

    #[test]
    fn every_possible_answer_has_a_bucket() {
        let values = |word: &str| tally(word, &[]).distribution().iter().map(|bucket| bucket.value).collect::<Vec<_>>();
        assert_eq!(values("enps").len(), 11);
        assert_eq!(values("csat3"), [1.0, 2.0, 3.0]);
        assert_eq!(values("umux-lite")[..3], [0.0, 100.0 / 12.0, 200.0 / 12.0]);
        assert_eq!(values("sus").len(), 41);
        assert_eq!(values("sus")[40], 100.0);
        assert_eq!(tally("scale5", &["2", "2"]).distribution()[1], Bucket { value: 2.0, count: 2 });
    }

    #[test]
    fn answers_that_are_all_alike_have_no_variance_at_all() {
        let all: Vec<&str> = vec!["6,5"; 997];
        assert_eq!(tally("umux-lite", &all).moments().and_then(|moments| moments.variance), Some(0.0));
        assert_eq!(tally("scale7", &["3"]).moments().and_then(|moments| moments.variance), None);
    }
}
