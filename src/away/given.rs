//! What somebody said of their absence, from a line or a form, on its way to an [`Absence`].

use std::collections::BTreeMap;

use serde_json::Value;

use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::clock::{Millis, Span};
use crate::error::Result;
use crate::people;
use crate::people::roster::Roster;
use crate::spelling::nearest;
use crate::store::absence::Absence;

/// The fields of the form, in their order.
pub(super) const FIELDS: [&str; 4] = ["until", "delegate", "from", "because"];
/// What leads to a field in a line: `/away until Monday to ben because of holidays`.
const WORDS: [(&str, &str); 4] = [("until", "until"), ("to", "delegate"), ("from", "from"), ("because", "because")];
/// The longest absence: a year and a bit.
const LONGEST: Span = Span::from_secs(400 * 24 * 3600);
/// The most characters of a reason.
const REASON: usize = 300;

/// What was said, field by field, and what is wrong with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Given {
    pub values: BTreeMap<String, String>,
    pub errors: BTreeMap<String, String>,
    pub error: Option<String>,
}

/// The fields of a line. What comes before the first of the leading words is until when.
pub(super) fn typed(line: &str) -> BTreeMap<String, Value> {
    let mut fields: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut field = "until";
    for word in line.split_whitespace() {
        match WORDS.iter().find(|(lead, _)| lead.eq_ignore_ascii_case(word)) {
            // The reason is the rest of the line.
            Some((_, next)) if field != "because" => field = next,
            _ => fields.entry(field).or_default().push(word),
        }
    }
    let text = |(name, words): (&str, Vec<&str>)| {
        let said = words.join(" ");
        // `because of holidays`
        let said = said.strip_prefix("of ").filter(|_| name == "because").unwrap_or(&said).to_owned();
        (name.to_owned(), Value::String(said))
    };
    fields.into_iter().map(text).collect()
}

impl Given {
    pub fn of(said: &BTreeMap<String, Value>) -> Self {
        let text = |name: &&str| {
            let text = said.get(*name).and_then(Value::as_str)?.trim();
            (!text.is_empty()).then(|| ((*name).to_owned(), text.to_owned()))
        };
        Self { values: FIELDS.iter().filter_map(text).collect(), ..Self::default() }
    }

    /// The absence that was meant; `None` if something is wrong with it, which is noted beside its field.
    pub async fn read(&mut self, app: &App, roster: &Roster<'_>, asker: &Asker) -> Result<Option<Absence>> {
        let now = app.clock.now();
        let from_at = self.instant(roster, asker, ("from", now)).unwrap_or(Some(now));
        let until_at = self.instant(roster, asker, ("until", now)).unwrap_or_else(|| {
            self.refuse("until", "This is needed: a date, a day of the week, or how long.");
            None
        });
        if let (Some(from), Some(until)) = (from_at, until_at) {
            self.check((from.max(now), until), now);
        }
        let delegate = match self.values.get("delegate").cloned() {
            Some(said) => self.delegate(app, &said, asker).await?,
            None => None,
        };
        let reason = self.values.get("because").cloned().unwrap_or_default();
        if reason.chars().count() > REASON {
            self.refuse("because", format!("Please keep to {REASON} characters."));
        }
        let (Some(from), Some(until_at), true) = (from_at, until_at, self.errors.is_empty()) else { return Ok(None) };
        let (id, person) = (String::new(), asker.person.id.clone());
        Ok(Some(Absence { id, person, delegate, reason, from_at: from.max(now), until_at }))
    }

    /// The instant of a field in the asker's zone; `None` if nothing was said.
    fn instant(&mut self, roster: &Roster<'_>, asker: &Asker, (name, now): (&str, Millis)) -> Option<Option<Millis>> {
        let said = self.values.get(name)?.clone();
        let read = roster.calendar_of(&asker.person.id).zone.read(&said, now);
        Some(read.map_err(|error| self.refuse(name, error)).ok())
    }

    fn check(&mut self, (from, until): (Millis, Millis), now: Millis) {
        if until <= now {
            self.refuse("until", "That is over already; write a time that is to come.");
        } else if until <= from {
            self.refuse("until", "That is before it begins; write a later time.");
        } else if until - from > LONGEST.millis() {
            self.refuse("until", "That is over a year; write an earlier time, and another absence when it comes.");
        }
    }

    /// The person who is meant to decide meanwhile.
    async fn delegate(&mut self, app: &App, said: &str, asker: &Asker) -> Result<Option<String>> {
        let name = said.trim_start_matches('@');
        let found = match name.split_once(':') {
            _ if app.config.person.contains_key(name) => Some(name.to_owned()),
            Some((platform, id)) => match people::named(&app.config, platform, id) {
                Some(declared) => Some(declared.to_owned()),
                None => app.store.person_of(platform, id).await?.map(|known| known.id),
            },
            // Names that platforms show can be chosen by anybody, so they are nobody's here.
            None if app.store.person_name(name).await?.is_some() => Some(name.to_owned()),
            None => None,
        };
        match &found {
            None => {
                let near = nearest(name, app.config.person.keys().map(String::as_str));
                let hint = near.map_or_else(
                    || "ask them to say /whoami here once, and write the id that it shows.".to_owned(),
                    |near| format!("did you mean {near}?"),
                );
                self.refuse("delegate", format!("Nobody here is known as `{said}`; {hint}"));
            }
            Some(found) if *found == asker.person.id => {
                self.refuse("delegate", "That is you; name somebody else, or leave it empty.");
            }
            Some(_) => {}
        }
        Ok(found)
    }

    fn refuse(&mut self, name: &str, message: impl Into<String>) {
        self.errors.entry(name.to_owned()).or_insert(message.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_all_that_the_form_asks() {
        let read = |line: &str| {
            let fields = typed(line);
            FIELDS.map(|name| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()).join("|")
        };
        assert_eq!(read("until 2026-12-01 18:00 to ben"), "2026-12-01 18:00|ben||");
        assert_eq!(read("3d"), "3d|||");
        assert_eq!(
            read("Monday To @ben FROM tomorrow because I go to Rome until Monday"),
            "Monday|@ben|tomorrow|I go to Rome until Monday"
        );
        assert_eq!(read("to ben"), "|ben||");
    }
}
