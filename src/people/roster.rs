//! The roster: everybody who is known at a moment, who is in which team, and where each can be reached.
//!
//! It is taken from the configuration and from what platforms said last; whoever was never seen and is named nowhere is
//! not in it.

use std::collections::{BTreeMap, BTreeSet};

use super::rotation::Rotation;
use super::{Person, groups};
use crate::calendar::{Calendar, Zone};
use crate::chat::PlatformName;
use crate::clock::Millis;
use crate::config::{Config, Team};
use crate::store::absence::Absence;
use crate::store::message::Shown;
use crate::store::person::Identity;

/// Where everybody is of whom nothing else is said.
static UTC: Zone = Zone::UTC;

/// Everybody who is known.
#[derive(Debug, Clone)]
pub struct Roster<'c> {
    config: &'c Config,
    people: BTreeMap<String, Listed>,
    absences: Vec<Absence>,
    /// The platforms that cards go to from here; the others reach nobody.
    live: Vec<PlatformName>,
}

/// Somebody who is known.
#[derive(Debug, Clone)]
struct Listed {
    person: Person,
    identities: Vec<(PlatformName, String)>,
    /// What a platform says of where they are.
    zone: Option<Zone>,
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

impl Spot {
    /// Where a card is to be shown to them.
    pub fn shown(&self) -> Shown<'_> {
        Shown { platform: self.platform.name(), place: &self.place, recipient: &self.recipient }
    }
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
            let seen = identities.iter().map(|identity| (identity.platform.as_str(), identity.id.as_str()));
            // Whom the configuration names can be told something before they have ever been here.
            let said = config.person.get(&id).into_iter().flat_map(|person| &person.identities);
            let places: BTreeSet<(PlatformName, String)> = seen
                .chain(said.filter_map(|identity| identity.split_once(':')))
                .filter_map(|(platform, id)| Some((PlatformName::named(platform)?, id.to_owned())))
                .collect();
            // A name that this machine's database does not have is as good as none.
            let zone = identities.iter().find_map(|identity| identity.zone.as_deref()?.parse().ok());
            (id, Listed { person, identities: places.into_iter().collect(), zone })
        };
        let live = PlatformName::ALL.to_vec();
        Self { config, people: seen.into_iter().map(list).collect(), absences: Vec::new(), live }
    }

    /// The same roster, with these absences, which are all that matter.
    #[must_use]
    pub fn with_absences(mut self, absences: Vec<Absence>) -> Self {
        self.absences = absences;
        self
    }

    /// Everybody, by id.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values().map(|listed| &listed.person)
    }

    /// The same roster where only these platforms are connected.
    #[must_use]
    pub fn on(mut self, live: impl IntoIterator<Item = PlatformName>) -> Self {
        self.live = live.into_iter().collect();
        self
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

    /// Where a person is told something directly: on the platforms that they are on, a chat before the page.
    pub fn reach(&self, person: &str) -> Vec<Spot> {
        let direct = |(platform, id): &(PlatformName, String)| Spot {
            platform: *platform,
            place: format!("@{id}"),
            recipient: id.clone(),
        };
        let here = self.people.get(person).into_iter().flat_map(|listed| &listed.identities);
        let all: Vec<Spot> = here.filter(|(platform, _)| self.live.contains(platform)).map(direct).collect();
        let is_chat = |spot: &&Spot| matches!(spot.platform, PlatformName::Slack | PlatformName::Discord);
        let chats: Vec<Spot> = all.iter().filter(is_chat).cloned().collect();
        if chats.is_empty() { all } else { chats }
    }

    /// Where a team is told something: its conversations, or its members directly if it has none.
    pub fn reach_team(&self, team: &str) -> Vec<Spot> {
        let said = self.config.team.get(team).map(|team| team.channels.as_slice()).unwrap_or_default();
        let spot = |channel: &String| {
            let (platform, id) = channel.split_once(':')?;
            let platform = PlatformName::named(platform).filter(|platform| self.live.contains(platform))?;
            Some(Spot { platform, place: id.to_owned(), recipient: id.to_owned() })
        };
        let channels: Vec<Spot> = said.iter().filter_map(spot).collect();
        if !channels.is_empty() {
            return channels;
        }
        let direct = self.members(team).into_iter().flat_map(|person| self.reach(&person.id));
        direct.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Whether a team has a conversation to be asked in.
    pub fn has_channels(&self, team: &str) -> bool {
        self.config.team.get(team).is_some_and(|team| !team.channels.is_empty())
    }

    /// Where and when a team works.
    pub fn calendar_of_team(&self, team: &str) -> Calendar {
        let hours = self.config.team.get(team).and_then(|team| team.hours.clone()).unwrap_or_default();
        Calendar { zone: self.zone_of_team(team).clone(), hours: Some(hours) }
    }

    /// Where and when a person works: as the configuration says; else where their platform says they are.
    pub fn calendar_of(&self, person: &str) -> Calendar {
        let said = self.config.person.get(person);
        let there = || self.people.get(person).and_then(|listed| listed.zone.clone());
        let zone = said.and_then(|said| said.zone.clone()).or_else(there).unwrap_or_default();
        Calendar { zone, hours: Some(said.and_then(|said| said.hours.clone()).unwrap_or_default()) }
    }

    /// The absence that somebody has then.
    pub fn absence(&self, person: &str, at: Millis) -> Option<&Absence> {
        self.absences.iter().find(|absence| absence.person == person && absence.covers(at))
    }

    /// Whether somebody is away then.
    pub fn is_away(&self, person: &str, at: Millis) -> bool {
        self.absence(person, at).is_some()
    }

    /// Who is there and decides for somebody who is away then: their delegate, or where that one is away too, the
    /// delegate's; nobody if the last of them has named nobody, or somebody who waits for them.
    pub fn stand_ins(&self, person: &str, at: Millis) -> Vec<&str> {
        let mut passed = BTreeSet::from([person]);
        let mut absence = self.absence(person, at);
        while let Some(delegate) = absence.and_then(|absence| absence.delegate.as_deref()) {
            if !passed.insert(delegate) {
                return Vec::new();
            }
            absence = self.absence(delegate, at);
            if absence.is_none() {
                return vec![delegate];
            }
        }
        Vec::new()
    }

    /// Who of a team is on call then, by the rotation that the configuration declares.
    pub fn on_rotation(&self, team: &str, at: Millis) -> Option<&str> {
        self.rotation(team)?.on_call(at)
    }

    /// The rotation that the configuration declares for a team; one of nobody if it declares none.
    pub fn rotation(&self, team: &str) -> Option<Rotation<'_>> {
        let oncall = &self.config.team.get(team)?.oncall;
        Some(Rotation { oncall, zone: self.zone_of_team(team) })
    }

    fn zone_of_team(&self, team: &str) -> &Zone {
        self.config.team.get(team).and_then(|team: &Team| team.zone.as_ref()).unwrap_or(&UTC)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away(person: &str, delegate: Option<&str>, (from_at, until_at): (Millis, Millis)) -> Absence {
        let (person, delegate) = (person.to_owned(), delegate.map(str::to_owned));
        Absence { id: format!("abs_{person}"), person, delegate, reason: String::new(), from_at, until_at }
    }

    #[test]
    fn whoever_stands_in_is_there() {
        let config = Config::default();
        let roster = Roster::new(&config, Vec::new()).with_absences(vec![
            away("ada", Some("ben"), (10, 100)),
            away("ben", Some("cleo"), (50, 100)),
            away("dora", None, (10, 100)),
            away("emil", Some("finn"), (10, 100)),
            away("finn", Some("emil"), (10, 100)),
        ]);
        assert_eq!(roster.stand_ins("ada", 9), [""; 0], "not away yet");
        assert_eq!(roster.stand_ins("ada", 10), ["ben"]);
        assert_eq!(roster.stand_ins("ada", 50), ["cleo"], "ben is away too");
        assert_eq!(roster.stand_ins("ada", 100), [""; 0], "back");
        assert_eq!(roster.stand_ins("dora", 50), [""; 0], "nobody was named");
        assert_eq!(roster.stand_ins("emil", 50), [""; 0], "they wait for each other");
        assert!(roster.is_away("ada", 99) && !roster.is_away("ada", 100) && !roster.is_away("cleo", 50));
    }

    #[test]
    fn people_are_reached_where_they_are_and_where_something_can_be_sent() {
        let config: Config = toml::from_str(
            "[person.ada]\nidentities = ['web:ada', 'slack:U1', 'terminal:ada']\n\
             [team.data]\nmembers = ['ada']\n[team.web]\nmembers = ['ada']\nchannels = ['slack:C1']\n",
        )
        .expect("a configuration");
        let spots = |roster: &Roster<'_>, team: &str| -> Vec<String> {
            roster.reach_team(team).iter().map(|spot| format!("{} {}", spot.platform, spot.place)).collect()
        };
        let everywhere = Roster::new(&config, vec![Identity::new(("web", "ada"), "ada")]);
        assert_eq!(spots(&everywhere, "data"), ["slack @U1"], "she was never seen there, and is named");
        assert_eq!(spots(&everywhere, "web"), ["slack C1"]);
        let page = everywhere.on([PlatformName::Web]);
        assert_eq!(spots(&page, "data"), ["web @ada"]);
        assert_eq!(spots(&page, "web"), ["web @ada"], "its conversation cannot be written to from here");
    }

    #[test]
    fn calendars_are_as_the_configuration_says_else_as_the_platform_does() {
        let config: Config = toml::from_str(
            "[person.ada]\nzone = 'Asia/Tokyo'\nhours = 'Mon-Thu 08:00-16:00'\nidentities = ['slack:U1']\n\
             [team.data]\nzone = 'Europe/Berlin'\n[team.web]\nhours = 'Sat 10:00-12:00'\n",
        )
        .expect("a configuration");
        let identity = |id: &str, person: &str, zone: &str| {
            let mut identity = Identity::new(("slack", id), person);
            identity.zone = Some(zone.to_owned());
            identity
        };
        let seen = vec![
            identity("U1", "ada", "Europe/Berlin"),
            identity("U2", "per_2", "Europe/Berlin"),
            identity("U3", "per_3", "Mars/Olympus_Mons"),
        ];
        let roster = Roster::new(&config, seen);
        let words = |calendar: Calendar| format!("{} {}", calendar.zone, calendar.hours.unwrap_or_default());
        assert_eq!(words(roster.calendar_of("ada")), "Asia/Tokyo Mon-Thu 08:00-16:00");
        assert_eq!(words(roster.calendar_of("per_2")), "Europe/Berlin Mon-Fri 09:00-17:00");
        assert_eq!(words(roster.calendar_of("per_3")), "UTC Mon-Fri 09:00-17:00");
        assert_eq!(words(roster.calendar_of("nobody")), "UTC Mon-Fri 09:00-17:00");
        assert_eq!(words(roster.calendar_of_team("data")), "Europe/Berlin Mon-Fri 09:00-17:00");
        assert_eq!(words(roster.calendar_of_team("web")), "UTC Sat 10:00-12:00");
    }
}
