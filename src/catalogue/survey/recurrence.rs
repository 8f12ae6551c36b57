//! When a survey recurs: five fields of cron of which all must fit.
//!
//! Where cron is given both a day of the month and a day of the week, either counts. Here both must, since a pulse is best
//! asked on a first Tuesday, which cannot be said otherwise: `0 10 1-7 3,6,9,12 Tue`.

use serde::{Deserialize, Serialize};

use crate::calendar::{Schedule, Zone};
use crate::clock::Millis;

/// How many dates are tried until one is the right day of the week.
const TRIED: usize = 2000;

/// A recurring time of a clock on the wall.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Recurrence {
    text: String,
    /// With any day of the week.
    by_date: Schedule,
    /// With any day of the month.
    by_weekday: Schedule,
}

impl Recurrence {
    /// The first instant after `after` at which it is due in a zone; `None` if it never is.
    pub fn next(&self, after: Millis, zone: &Zone) -> Option<Millis> {
        let dates = std::iter::successors(self.by_date.next(after, zone), |at| self.by_date.next(*at, zone));
        dates.take(TRIED).find(|at| self.by_weekday.next(*at - 1, zone) == Some(*at))
    }
}

impl TryFrom<String> for Recurrence {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        // The mistakes of a schedule are told about the whole of it.
        Schedule::parse(&text)?;
        let fields: Vec<&str> = text.split_whitespace().collect();
        let with = |at: usize| {
            let fields = fields.iter().enumerate().map(|(field, word)| if field == at { "*" } else { *word });
            Schedule::parse(&fields.collect::<Vec<_>>().join(" "))
        };
        let found = Self { by_date: with(4)?, by_weekday: with(2)?, text };
        match found.next(0, &Zone::UTC) {
            Some(_) => Ok(found),
            None => Err(format!("`{}` never comes; look at the days", found.text)),
        }
    }
}

impl From<Recurrence> for String {
    fn from(recurrence: Recurrence) -> Self {
        recurrence.text
    }
}

impl schemars::JsonSchema for Recurrence {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Recurrence".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "Minute, hour, day of the month, month, day of the week; all of them must fit",
            "pattern": "^\\s*\\S+(\\s+\\S+){4}\\s*$",
            "examples": ["0 10 1-7 3,6,9,12 Tue"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(text: &str, zone: &str, after: &str) -> String {
        let recurrence = Recurrence::try_from(text.to_owned()).expect("a recurrence");
        let after = after.parse::<jiff::Timestamp>().expect("an instant").as_millisecond();
        let next = recurrence.next(after, &zone.parse().expect("a zone")).expect("it comes");
        jiff::Timestamp::from_millisecond(next).expect("an instant").to_string()
    }

    #[test]
    fn the_first_tuesday_of_a_quarters_last_month() {
        let cron = "0 10 1-7 3,6,9,12 2";
        assert_eq!(next(cron, "Europe/Berlin", "2026-11-26T12:00:00Z"), "2026-12-01T09:00:00Z");
        assert_eq!(next(cron, "Europe/Berlin", "2026-12-01T09:00:00Z"), "2027-03-02T09:00:00Z");
        assert_eq!(next("0 10 1-7 mar,jun Tue", "UTC", "2026-12-01T09:00:00Z"), "2027-03-02T10:00:00Z");
        assert_eq!(next("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z"), "2026-10-26T01:30:00Z");
    }

    #[test]
    fn what_never_comes_is_refused() {
        for wrong in ["", "* * * *", "0 0 30 2 *", "61 * * * *"] {
            assert!(Recurrence::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
        assert!(
            Recurrence::try_from("0 0 30 2 mon".to_owned()).is_err(),
            "either would do for a cron, both never come"
        );
    }
}
