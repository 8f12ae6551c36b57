//! Putting something off: for how long, or until when on the clock of whoever puts it off.

use serde_json::json;

use super::form::{self, Filled};
use super::{act, news, right};
use crate::app::App;
use crate::calendar::Calendar;
use crate::catalogue::resolve::Asker;
use crate::chat::{Form, Input, Reply, Token, Tone};
use crate::clock::{Millis, Span};
use crate::error::{FieldError, Result};
use crate::store::escalation::Escalation;

/// The longest that something can be put off: 30 days. What can wait longer wants an idea, not a reminder.
const LONGEST: Span = Span::from_secs(30 * 24 * 3600);

/// "Snooze…": until when?
pub(super) async fn pressed(app: &App, id: &str, asker: &Asker) -> Result<Reply> {
    let root = right::permit(app, id, asker).await?;
    Ok(Reply::Form(blank(app, &root)?))
}

/// It is put off.
pub(super) async fn submitted(app: &App, id: &str, (values, asker): (&Filled, &Asker)) -> Result<Reply> {
    let root = right::permit(app, id, asker).await?;
    let calendar = app.roster().await?.calendar_of(&asker.person.id);
    let until = match read(&form::text(values, "until"), &calendar, app.clock.now()) {
        Ok(until) => until,
        Err(message) => {
            let errors = vec![FieldError::new("until", message)];
            return Ok(form::again(blank(app, &root)?, values, errors));
        }
    };
    let words = calendar.words(until);
    act::snooze(app, id, (asker, until), words.clone()).await?;
    let mut done = super::done("snoozed", &root);
    done["until"] = words.into();
    super::reply(app, ("escalation_answered", Tone::Good), &json!({ "act": done }))
}

fn blank(app: &App, root: &Escalation) -> Result<Form> {
    let values = json!({"escalation": news::brief(root)});
    form::form(app, ("snooze_asked", &values), Token::new("snooze", &root.id), vec![("until", Input::Line, true)])
}

/// `2h`, `14:30`, `Monday`: a day alone is when its work begins. The message says what is wrong.
fn read(text: &str, calendar: &Calendar, now: Millis) -> Result<Millis, String> {
    let said = calendar.zone.read(text, now)?;
    let is_day = !text.contains(':') && text.trim().parse::<Span>().is_err();
    let until = if is_day { calendar.next_open(said) } else { said };
    if until <= now {
        return Err("That is past already; write a time that is to come.".into());
    }
    if until - now > LONGEST.millis() {
        return Err("It can be put off for 30 days at the most.".into());
    }
    Ok(until)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(text: &str) -> Millis {
        text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond()
    }

    fn berlin() -> Calendar {
        let hours = "Mon-Fri 09:00-17:00".parse().expect("hours");
        Calendar { zone: "Europe/Berlin".parse().expect("a zone"), hours: Some(hours) }
    }

    #[test]
    fn spans_times_and_days_are_read_on_the_clock_of_who_writes_them() {
        let now = at("2026-12-01T09:00:00Z");
        let read = |text: &str| super::read(text, &berlin(), now);
        assert_eq!(read("2h"), Ok(now + 2 * HOUR));
        assert_eq!(read("14:30"), Ok(at("2026-12-01T13:30:00Z")));
        assert_eq!(read("9:30"), Ok(at("2026-12-02T08:30:00Z")), "that has been today, so it is tomorrow");
        assert_eq!(read("2026-12-03 07:00"), Ok(at("2026-12-03T06:00:00Z")));
        assert_eq!(read("tomorrow"), Ok(at("2026-12-02T08:00:00Z")), "when work begins");
        assert_eq!(read("2026-12-05"), Ok(at("2026-12-07T08:00:00Z")), "that is a Saturday");
        for wrong in ["", "soon", "25:00", "2026-13-01 09:00", "2025-01-01 09:00", "now", "0s", "31d"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn d12_a_skipped_hour_ends_when_the_clock_is_set_ahead_and_a_doubled_one_at_its_first_time() {
        let spring = super::read("2:30", &berlin(), at("2027-03-28T00:00:00Z"));
        assert_eq!(spring, Ok(at("2027-03-28T01:00:00Z")), "02:30 is skipped: 03:00 comes at 01:00 UTC");
        let autumn = super::read("2:30", &berlin(), at("2026-10-24T23:00:00Z"));
        assert_eq!(autumn, Ok(at("2026-10-25T00:30:00Z")));
    }
}
