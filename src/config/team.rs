//! What the configuration says of people: teams, who of them is on call, roles, persons.

use secrecy::SecretString;
use serde::Deserialize;

use crate::calendar::{Hours, Local, Zone};
use crate::clock::Span;

/// `[team.NAME]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Team {
    /// Its persons, by name.
    pub members: Vec<String>,
    /// Who leads it.
    pub lead: Option<String>,
    /// Where it talks, `PLATFORM:CONVERSATION`: `slack:C012AB3CD`, `discord:80351110224678912`.
    pub channels: Vec<String>,
    /// Groups of the platforms whose members are its members too: `slack:S0123`, `discord:ROLE`.
    pub groups: Vec<String>,
    /// Where it works, `Europe/Berlin`; UTC if not said.
    pub zone: Option<Zone>,
    /// When it works, `Mon-Thu 08:00-16:30, Fri 08:00-12:00`; `Mon-Fri 09:00-17:00` if not said.
    pub hours: Option<Hours>,
    /// Who of it is on call.
    pub oncall: Oncall,
}

/// `[team.NAME.oncall]`: a rotation that is declared here, or where a paging service has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Oncall {
    /// The persons who take turns, by name, in this order.
    pub people: Vec<String>,
    /// When the first turn begins, by the clock of the team's zone.
    pub since: Option<Local>,
    /// How long a turn is, by the same clock: one of `1w` ends at the hour at which it began, whatever happens to clocks.
    pub every: Option<Span>,
    /// Who takes over for a while.
    #[serde(rename = "override")]
    pub overrides: Vec<Override>,
    /// Where PagerDuty has it.
    pub pagerduty: Option<TeamPagerduty>,
    /// Where Opsgenie has it.
    pub opsgenie: Option<TeamOpsgenie>,
}

/// `[[team.NAME.oncall.override]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Who takes over.
    pub person: String,
    /// From when, by the clock of the team's zone.
    pub from: Local,
    /// Until when, by the same clock.
    pub until: Local,
}

/// `oncall.pagerduty`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TeamPagerduty {
    /// The id of the schedule that says who is on call: `PI7DH85`.
    pub schedule: Option<String>,
    /// The integration key of the service that is paged, of the Events API v2.
    pub routing_key: Option<SecretString>,
}

/// `oncall.opsgenie`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TeamOpsgenie {
    /// The id or the name of the schedule that says who is on call.
    pub schedule: Option<String>,
    /// The key of the team's API integration, with which it is paged.
    pub key: Option<SecretString>,
}

/// `[role.NAME]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Role {
    /// Groups of the platforms whose members have it: `slack:S0123`, `discord:ROLE`.
    pub groups: Vec<String>,
}

/// `[person.NAME]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Person {
    /// What the person is beyond a developer.
    pub roles: Vec<String>,
    /// The platform identities that are this person: `terminal:ada`, `web:…`.
    pub identities: Vec<String>,
    /// Where they work, `Europe/Berlin`; what their platform says if not said, else UTC.
    pub zone: Option<Zone>,
    /// When they work; `Mon-Fri 09:00-17:00` if not said.
    pub hours: Option<Hours>,
    /// PagerDuty's id of the person: `PXPGF42`.
    pub pagerduty: Option<String>,
    /// Opsgenie's name of the person, an address: `ada@example.org`.
    pub opsgenie: Option<String>,
}
