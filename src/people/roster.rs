//! The roster: everybody who is known at a moment, who is in which team, and where each can be reached.
//!
//! It is taken from the configuration and from what platforms said last; whoever was never seen and is named nowhere is
//! not in it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Person, groups};
use crate::chat::PlatformName;
use crate::config::Config;
use crate::store::person::Identity;

/// Everybody who is known.
#[derive(Debug, Clone)]
pub struct Roster<'c> {
    config: &'c Config,
    people: BTreeMap<String, Listed>,
}

/// Somebody who is known.
#[derive(Debug, Clone)]
struct Listed {
    person: Person,
    identities: Vec<(PlatformName, String)>,
}

/// Where somebody, or a team, can be told something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The platform.
    pub platform: PlatformName,
    /// The conversation by the platform's id, or `@PERSON` by the platform's id of the person.
    pub place: String,
    /// The platform's id of the person whom it is for; that of the conversation where it is for all of it.
    pub recipient: String,
}

impl<'c> Roster<'c> {
    /// The roster of these identities, which are all that were seen.
    pub fn new(config: &'c Config, identities: Vec<Identity>) -> Self {
        let mut seen: BTreeMap<String, Vec<Identity>> = BTreeMap::new();
        for identity in identities {
            seen.entry(identity.person.clone()).or_default().push(identity);
        }
        let declared = config.person.keys().chain(config.team.values().flat_map(|team| &team.members));
        for id in declared.chain(config.team.values().flat_map(|team| &team.lead)) {
            seen.entry(id.clone()).or_default();
        }
        let list = |(id, identities): (String, Vec<Identity>)| {
            let name = identities.first().map_or_else(|| id.clone(), |identity| identity.person_name.clone());
            let person = Person::of(config, (&id, &name), &groups(&identities));
            let places = identities.iter().filter_map(|i| Some((PlatformName::named(&i.platform)?, i.id.clone())));
            (id, Listed { person, identities: places.collect() })
        };
        Self { config, people: seen.into_iter().map(list).collect() }
    }

    /// Everybody, by id.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values().map(|listed| &listed.person)
    }

    /// A person.
    pub fn person(&self, id: &str) -> Option<&Person> {
        self.people.get(id).map(|listed| &listed.person)
    }

    /// The name to show for a person.
    pub fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.person(id).map_or(id, |person| &person.name)
    }

    /// The members of a team, by id.
    pub fn members(&self, team: &str) -> Vec<&Person> {
        let is_member = |person: &&Person| person.teams.iter().any(|name| name == team);
        self.people.values().map(|listed| &listed.person).filter(is_member).collect()
    }

    /// The leads of a person's teams, the person left out.
    pub fn leads_of(&self, person: &Person) -> Vec<&Person> {
        let leads = person.teams.iter().filter_map(|team| self.config.team.get(team)?.lead.as_deref());
        let others: BTreeSet<&str> = leads.filter(|lead| *lead != person.id).collect();
        others.into_iter().filter_map(|id| self.person(id)).collect()
    }

    /// Where a person is told something directly: on the platforms that they were seen on, a chat before the page.
    pub fn reach(&self, person: &str) -> Vec<Spot> {
        let direct = |(platform, id): &(PlatformName, String)| Spot {
            platform: *platform,
            place: format!("@{id}"),
            recipient: id.clone(),
        };
        let all: Vec<Spot> = self.people.get(person).into_iter().flat_map(|l| &l.identities).map(direct).collect();
        let is_chat = |spot: &&Spot| matches!(spot.platform, PlatformName::Slack | PlatformName::Discord);
        let chats: Vec<Spot> = all.iter().filter(is_chat).cloned().collect();
        if chats.is_empty() { all } else { chats }
    }

    /// Where a team is told something: its conversations, or its members directly if it has none.
    pub fn reach_team(&self, team: &str) -> Vec<Spot> {
        let said = self.config.team.get(team).map(|team| team.channels.as_slice()).unwrap_or_default();
        let spot = |channel: &String| {
            let (platform, id) = channel.split_once(':')?;
            let platform = PlatformName::named(platform)?;
            Some(Spot { platform, place: id.to_owned(), recipient: id.to_owned() })
        };
        let channels: Vec<Spot> = said.iter().filter_map(spot).collect();
        if !channels.is_empty() {
            return channels;
        }
        let direct = self.members(team).into_iter().flat_map(|person| self.reach(&person.id));
        direct.collect::<BTreeSet<_>>().into_iter().collect()
    }
}
