//! Teams and persons: whether there is somebody to ask for everything that is on offer.

use std::collections::BTreeSet;

use super::{doubtful, good};
use crate::catalogue::Catalogue;
use crate::chat::Finding;
use crate::config::{Config, Team};
use crate::store::person::OWN;

/// Looks at what the configuration says of people.
pub fn examine(config: &Config, catalogue: Option<&Catalogue>) -> Vec<Finding> {
    let owners: BTreeSet<&str> =
        catalogue.into_iter().flat_map(|c| c.capabilities.values()).map(|c| c.owner.as_str()).collect();
    let mut findings: Vec<Finding> = owners.iter().filter_map(|owner| unreachable(config, owner)).collect();
    findings.extend(unknown(config));
    if findings.is_empty() && !owners.is_empty() {
        findings.push(good("teams", "each team that owns something can be asked"));
    }
    findings.extend(personas(config));
    findings
}

/// A team that owns something, and that nobody can ask.
fn unreachable(config: &Config, name: &str) -> Option<Finding> {
    let team = config.team.get(name)?;
    if !team.channels.is_empty() || !team.members.is_empty() || !team.groups.is_empty() || has_oncall(team) {
        return None;
    }
    let message = format!("the team {name} owns what is on offer, and has no member, no channel and nobody on call");
    Some(doubtful("teams", message, format!("give team.{name}.members, groups, channels or oncall")))
}

fn has_oncall(team: &Team) -> bool {
    let oncall = &team.oncall;
    !oncall.people.is_empty() || oncall.pagerduty.is_some() || oncall.opsgenie.is_some()
}

/// Persons who are named and can be nobody: no platform's identity is theirs.
fn unknown(config: &Config) -> Vec<Finding> {
    let named = config.team.iter().flat_map(|(name, team)| {
        let path = move |key: &str| format!("team.{name}.{key}");
        let lead = team.lead.iter().map(move |person| (path("lead"), person));
        let members = team.members.iter().map(move |person| (path("members"), person));
        let oncall = team.oncall.people.iter().map(move |person| (path("oncall.people"), person));
        let others = team.oncall.overrides.iter().map(move |other| (path("oncall.override"), &other.person));
        lead.chain(members).chain(oncall).chain(others)
    });
    let is_nobody = |person: &str| {
        let declared = config.person.get(person).is_some_and(|person| !person.identities.is_empty());
        !declared && !person.starts_with(OWN)
    };
    let finding = |(path, person): (String, &String)| {
        let message = format!("{path} names {person}, who is known on no platform");
        doubtful("teams", message, format!("add [person.{person}] with their identities"))
    };
    named.filter(|(_, person)| is_nobody(person)).map(finding).collect()
}

/// Anybody at the page may be a persona, which is no way to run a platform that others use.
fn personas(config: &Config) -> Option<Finding> {
    let personas = &config.web.personas;
    if personas.is_empty() || !config.web.page {
        return None;
    }
    let message = format!("anybody at the page may speak as {}", personas.join(", "));
    let is_used = config.slack.bot_token.is_some() || config.discord.bot_token.is_some();
    let hint = "leave web.personas out where people work with it";
    Some(if is_used { doubtful("personas", message, hint) } else { good("personas", message) })
}
