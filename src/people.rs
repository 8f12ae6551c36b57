//! Persons, and what they may: identity is by platform id only, and what cannot be established is denied.

use serde::{Deserialize, Serialize};

use crate::catalogue::command::Allow;
use crate::config::Config;
use crate::store::person::Known;

/// A person, with what the configuration says of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// `per_…`, or the name of the configuration: `ada`.
    pub id: String,
    /// The name to show.
    pub name: String,
    /// The teams they are in.
    pub teams: Vec<String>,
    /// What they are beyond a developer.
    pub roles: Vec<String>,
}

impl Person {
    /// The person `id`, with the teams and roles that the configuration gives them.
    pub fn of(config: &Config, id: &str, name: &str) -> Self {
        let in_team = |team: &&String| config.team.get(*team).is_some_and(|team| team.members.iter().any(|m| m == id));
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            teams: config.team.keys().filter(in_team).cloned().collect(),
            roles: config.person.get(id).map(|person| person.roles.clone()).unwrap_or_default(),
        }
    }

    /// The person whom a platform's identity stands for: the one that the configuration names, or one of their own.
    pub fn behind(config: &Config, platform: &str, identity: &str, name: &str) -> Known {
        let said = format!("{platform}:{identity}");
        match config.person.iter().find(|(_, person)| person.identities.contains(&said)) {
            Some((id, _)) => Known { id: id.clone(), name: id.clone() },
            None => Known { id: crate::job::new_id("per"), name: name.to_owned() },
        }
    }

    /// Whether the person may use something in `place`; otherwise the reason, one plain sentence.
    pub fn may(&self, allow: &Allow, place: &str) -> Result<(), String> {
        let is = |names: &[String]| names.iter().any(|name| self.is_called(name));
        if is(&allow.except) {
            return Err("You are on its list of exceptions.".into());
        }
        if !allow.channels.is_empty() && !allow.channels.iter().any(|channel| channel == place) {
            return Err("It may not be used in this conversation.".into());
        }
        let open = allow.teams.is_empty() && allow.roles.is_empty() && allow.people.is_empty();
        let everybody = allow.teams.iter().any(|team| team == "*");
        let named = allow.teams.iter().any(|team| self.teams.contains(team))
            || allow.roles.iter().any(|role| self.roles.contains(role))
            || allow.people.contains(&self.id);
        if open || everybody || named {
            return Ok(());
        }
        let mut groups: Vec<String> = allow.teams.iter().map(|team| format!("the team {team}")).collect();
        groups.extend(allow.roles.iter().map(|role| format!("people with the role {role}")));
        groups.extend((!allow.people.is_empty()).then(|| "a few named people".to_owned()));
        Err(format!("It is for {}.", groups.join(" and ")))
    }

    fn is_called(&self, name: &str) -> bool {
        self.id == name || self.teams.iter().any(|team| team == name) || self.roles.iter().any(|role| role == name)
    }
}
