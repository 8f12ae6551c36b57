//! The audience of a survey: who is in it, and who of them may be asked now.

use std::collections::{HashMap, HashSet};

use crate::app::App;
use crate::catalogue::survey::Survey;
use crate::clock::Millis;
use crate::error::Result;
use crate::people::Person;
use crate::people::roster::Roster;
use crate::survey::budget::NEWCOMER;

/// What is known of people beyond who they are, when a survey looks for whom to ask.
pub struct Facts {
    /// Since when each is known.
    since: HashMap<String, Millis>,
    /// Since when the first of all is known.
    founded: Millis,
    /// Who never wants to be asked.
    never: HashSet<String>,
    /// Who has used the command that the audience has used.
    users: Option<HashSet<String>>,
    now: Millis,
}

impl Facts {
    /// What is known now.
    pub async fn gather(app: &App, survey: &Survey) -> Result<Self> {
        let now = app.clock.now();
        let since = app.store.known_since().await?;
        let users = match &survey.audience.used {
            Some(used) => Some(app.store.users_of(&used.command, now - used.within.millis()).await?),
            None => None,
        };
        let founded = since.values().copied().min().unwrap_or(now);
        Ok(Self { since, founded, never: app.store.never_asked(&survey.name).await?, users, now })
    }

    /// Whether somebody may be asked by the survey at all: they want to, they are in its audience, and they are no newcomer.
    pub fn admits(&self, survey: &Survey, person: &Person) -> bool {
        let has_used = self.users.as_ref().is_none_or(|users| users.contains(&person.id));
        has_used && !self.never.contains(&person.id) && !self.is_new(&person.id) && includes(survey, person)
    }

    /// Whether somebody came in the last month. Those who were there in the first month of all are no newcomers: it is
    /// Stationmaster that was new then.
    fn is_new(&self, person: &str) -> bool {
        let since = self.since.get(person).copied().unwrap_or(self.founded);
        self.now - since < NEWCOMER.millis() && since - self.founded >= NEWCOMER.millis()
    }
}

/// Whether a person is in the audience of a survey, whatever they have used.
pub fn includes(survey: &Survey, person: &Person) -> bool {
    let audience = &survey.audience;
    let is = |name: &String| person.id == *name || person.teams.contains(name) || person.roles.contains(name);
    let named = audience.teams.iter().any(|team| team == "*" || person.teams.contains(team))
        || audience.roles.iter().any(|role| person.roles.contains(role))
        || audience.people.contains(&person.id);
    named && !audience.except.iter().any(is)
}

/// Everybody whom a survey may ask now.
pub fn members<'r>(survey: &Survey, roster: &'r Roster<'_>, facts: &Facts) -> Vec<&'r Person> {
    let can_be_told = |person: &&Person| !roster.reach(&person.id).is_empty();
    roster.people().filter(|person| facts.admits(survey, person)).filter(can_be_told).collect()
}
