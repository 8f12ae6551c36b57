//! The answers to a choice: how many took each option.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::error::UserError;
use crate::survey::interval::Cohort;
use crate::survey::question::{Pick, quote};
use crate::survey::score::Share;

/// How often each option was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices {
    pick: Pick,
    /// The options in the order in which they were offered; empty where they are not known beforehand.
    offered: Vec<String>,
    taken: BTreeMap<String, u64>,
    n: u64,
    skipped: u64,
}

/// An option, and how many took it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Taken {
    /// The option.
    pub option: String,
    /// Of those who answered, not of all ticks: the shares of several choices may add up to more than 100.
    #[serde(flatten)]
    pub share: Share,
}

impl Choices {
    /// No answers yet. Where no options are offered, whatever is answered is one.
    pub fn new(pick: Pick, offered: &[String]) -> Self {
        Self { pick, offered: offered.to_vec(), taken: BTreeMap::new(), n: 0, skipped: 0 }
    }

    /// Counts what one respondent took: options with commas between them.
    ///
    /// # Errors
    /// More options than may be taken, one that was not offered, and the same one twice; nothing of it is counted.
    pub fn add(&mut self, said: &str) -> Result<(), UserError> {
        let options: Vec<&str> = said.split(',').map(str::trim).filter(|option| !option.is_empty()).collect();
        if self.pick == Pick::One && options.len() > 1 {
            let message = format!("{} is more than one option.", quote(said.trim()));
            return Err(UserError::invalid(message).hint("choice takes one option; several are `choices`"));
        }
        let mut seen = BTreeSet::new();
        for option in &options {
            self.check(option)?;
            if !seen.insert(option) {
                let message = format!("{} stands there twice.", quote(option));
                return Err(UserError::invalid(message).hint("choices takes each option once for each respondent"));
            }
        }
        if options.is_empty() {
            self.skipped += 1;
        } else {
            self.n += 1;
        }
        for option in options {
            *self.taken.entry(option.to_owned()).or_default() += 1;
        }
        Ok(())
    }

    fn check(&self, option: &str) -> Result<(), UserError> {
        if self.offered.is_empty() || self.offered.iter().any(|offered| offered == option) {
            return Ok(());
        }
        let message = format!("{} is not among the options.", quote(option));
        Err(UserError::invalid(message).hint(format!("there are {}", self.offered.join(", "))))
    }

    /// How many took an option at least.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// How many took none.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Every option with its share and Wilson's interval: in the order in which they were offered, or by name.
    pub fn shares(&self, cohort: Option<Cohort>) -> Vec<Taken> {
        let offered = self.offered.iter().map(|option| (option, self.taken.get(option).copied().unwrap_or_default()));
        let found = self.taken.iter().map(|(option, &count)| (option, count)).filter(|_| self.offered.is_empty());
        let taken =
            |(option, count): (&String, u64)| Taken { option: option.clone(), share: Share::of(count, self.n, cohort) };
        offered.chain(found).map(taken).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(choices: &Choices) -> Vec<(String, u64, f64)> {
        let row = |taken: Taken| (taken.option, taken.share.count, taken.share.percent.unwrap_or_default());
        choices.shares(None).into_iter().map(row).collect()
    }

    #[test]
    fn several_choices_are_of_respondents() {
        let mut choices = Choices::new(Pick::Several, &[]);
        for said in ["tests, reviews", "reviews", "", " reviews ,", "builds,reviews,tests"] {
            choices.add(said).expect("options");
        }
        assert_eq!((choices.n(), choices.skipped()), (4, 1));
        let expected = [("builds", 1, 25.0), ("reviews", 4, 100.0), ("tests", 2, 50.0)];
        assert_eq!(counts(&choices), expected.map(|(option, count, percent)| (option.to_owned(), count, percent)));
        // Wilson, 2 of 4: (2 + z²/2)/(4 + z²) ± …; Newcombe 1998 gives the method.
        let tests = &choices.shares(None)[2].share;
        let (low, high) = (tests.low.expect("answers"), tests.high.expect("answers"));
        assert!((low - 15.0039).abs() < 1e-3 && (high - 84.9961).abs() < 1e-3, "{low} {high}");
    }

    #[test]
    fn what_was_offered_is_shown_in_its_order_even_if_nobody_took_it() {
        let mut choice = Choices::new(Pick::One, &["yes".into(), "no".into(), "later".into()]);
        for said in ["later", "yes", "later"] {
            choice.add(said).expect("an option");
        }
        let shown = counts(&choice).into_iter().map(|(option, count, _)| (option, count)).collect::<Vec<_>>();
        assert_eq!(shown, [("yes".into(), 1), ("no".into(), 0), ("later".into(), 2)]);
        let refusal = choice.add("maybe").expect_err("not offered");
        assert_eq!(refusal.to_string(), "\"maybe\" is not among the options.\nhint: there are yes, no, later");
        assert!(choice.add("yes,no").is_err());
        assert_eq!(choice.n(), 3, "nothing of a refused answer is counted");
    }

    #[test]
    fn nobody_takes_an_option_twice() {
        let mut choices = Choices::new(Pick::Several, &[]);
        assert!(choices.add("tests,tests").is_err());
        assert_eq!((choices.n(), choices.shares(None)), (0, vec![]));
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(said in "\\PC*") {
            for pick in [Pick::One, Pick::Several] {
                let mut choices = Choices::new(pick, &[]);
                let taken = choices.add(&said).is_ok();
                prop_assert_eq!(choices.n() + choices.skipped(), u64::from(taken));
            }
        }
    }
}
