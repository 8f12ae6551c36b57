//! Persons, and what they may: identity is by platform id only, and what cannot be established is denied.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub mod electorate;
pub mod roster;
pub mod rotation;
pub mod standing;

use crate::catalogue::command::Allow;
use crate::config::Config;
use crate::store::person::{Identity, OWN};

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

/// Why a person is in a team or has a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Membership {
    /// The team or the role.
    pub name: String,
    /// The group that makes it so, `slack:S0123`; none where the configuration names the person.
    pub group: Option<String>,
}

impl Person {
    /// The person `id`, with the teams and roles that the configuration gives them and their `groups`, which are written
    /// as [`group`] writes them.
    pub fn of(config: &Config, (id, name): (&str, &str), groups: &[String]) -> Self {
        let names = |memberships: Vec<Membership>| {
            let mut names: Vec<String> = memberships.into_iter().map(|membership| membership.name).collect();
            names.dedup();
            names
        };
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            teams: names(teams(config, id, groups)),
            roles: names(roles(config, id, groups)),
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

/// A platform's group as the configuration writes it: `slack:S0123`.
pub fn group(platform: &str, id: &str) -> String {
    format!("{platform}:{id}")
}

/// The groups that identities were in when they were last asked, as the configuration writes them.
pub fn groups(identities: &[Identity]) -> Vec<String> {
    let of = |identity: &Identity| {
        let platform = identity.platform.clone();
        identity.groups().into_iter().map(move |id| group(&platform, &id))
    };
    identities.iter().flat_map(of).collect()
}

/// Whether the configuration gives anything to groups of a platform, so that it matters who is in them.
pub fn counts(config: &Config, platform: &str) -> bool {
    !named_groups(config, platform).is_empty()
}

/// The groups of a platform that the configuration gives something to, by the platform's ids.
pub fn named_groups(config: &Config, platform: &str) -> BTreeSet<String> {
    let teams = config.team.values().flat_map(|team| &team.groups);
    let roles = config.role.values().flat_map(|role| &role.groups);
    let split = teams.chain(roles).filter_map(|group| group.split_once(':'));
    split.filter(|(of, _)| *of == platform).map(|(_, id)| id.to_owned()).collect()
}

/// The person whom the configuration names as the owner of a platform's identity.
pub fn named<'c>(config: &'c Config, platform: &str, id: &str) -> Option<&'c str> {
    let is_it = |said: &String| said.split_once(':') == Some((platform, id));
    config.person.iter().find(|(_, person)| person.identities.iter().any(is_it)).map(|(name, _)| name.as_str())
}

/// Whose an identity is: whom the configuration names; else whoever it was linked to, if that is still somebody; else a
/// person of its own, which is none if it has none yet.
pub fn owner<'a>(config: &'a Config, (platform, id): (&str, &str), known: Option<&'a Identity>) -> Option<&'a str> {
    named(config, platform, id).or_else(|| {
        let stays = |known: &&Identity| {
            // What the configuration named once and names no more is nobody's rights any more.
            known.person.starts_with(OWN) || (known.linked_at.is_some() && config.person.contains_key(&known.person))
        };
        known.filter(stays).map(|known| known.person.as_str())
    })
}

/// The teams of a person, each with every reason, by name.
pub fn teams(config: &Config, id: &str, groups: &[String]) -> Vec<Membership> {
    let of = |(name, team): (&String, &crate::config::Team)| {
        memberships(name, team.members.iter().any(|member| member == id), (&team.groups, groups))
    };
    config.team.iter().flat_map(of).collect()
}

/// The roles of a person, each with every reason, by name.
pub fn roles(config: &Config, id: &str, groups: &[String]) -> Vec<Membership> {
    let said = config.person.get(id).map(|person| person.roles.as_slice()).unwrap_or_default();
    let by_name = said.iter().flat_map(|name| memberships(name, true, (&[], &[])));
    let by_group = config.role.iter().flat_map(|(name, role)| memberships(name, false, (&role.groups, groups)));
    let mut roles: Vec<Membership> = by_name.chain(by_group).collect();
    roles.sort_by(|one, other| one.name.cmp(&other.name));
    roles
}

fn memberships(name: &str, named: bool, (wanted, groups): (&[String], &[String])) -> Vec<Membership> {
    let membership = |group: Option<&String>| Membership { name: name.to_owned(), group: group.cloned() };
    let by_name = named.then(|| membership(None));
    by_name
        .into_iter()
        .chain(wanted.iter().filter(|group| groups.contains(group)).map(|g| membership(Some(g))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        toml::from_str(
            "[team.data]\nmembers = ['ada']\ngroups = ['slack:S1', 'discord:7']\n[team.web]\ngroups = ['slack:S2']\n\
             [role.admin]\ngroups = ['slack:S1']\n[person.ada]\nroles = ['lead', 'admin']\nidentities = ['slack:U1']\n",
        )
        .expect("a configuration")
    }

    fn groups_of(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn teams_and_roles_come_by_name_and_by_group_each_once() {
        let ada = Person::of(&config(), ("ada", "ada"), &groups_of(&["slack:S1", "discord:7"]));
        assert_eq!((ada.teams, ada.roles), (groups_of(&["data"]), groups_of(&["admin", "lead"])));
        let ben = Person::of(&config(), ("per_1", "Ben"), &groups_of(&["slack:S2", "discord:S1", "slack:s1"]));
        assert_eq!((ben.teams, ben.roles), (groups_of(&["web"]), groups_of(&[])));
    }

    #[test]
    fn the_configuration_says_whose_an_identity_is() {
        let config = config();
        let known = |person: &str, linked_at| {
            let mut identity = Identity::new(("slack", "U2"), person);
            identity.linked_at = linked_at;
            identity
        };
        assert_eq!(owner(&config, ("slack", "U1"), Some(&known("per_1", None))), Some("ada"));
        assert_eq!(owner(&config, ("slack", "U2"), Some(&known("per_1", None))), Some("per_1"));
        assert_eq!(owner(&config, ("slack", "U2"), Some(&known("ada", Some(1)))), Some("ada"));
        assert_eq!(owner(&config, ("slack", "U2"), Some(&known("ada", None))), None, "it was named, and is no more");
        assert_eq!(owner(&config, ("slack", "U2"), Some(&known("ben", Some(1)))), None, "ben has left");
        assert_eq!(owner(&config, ("discord", "U1"), None), None);
    }
}
