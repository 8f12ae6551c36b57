//! Paging services: who is on call by PagerDuty or Opsgenie, and the alerts that are opened, acknowledged and resolved
//! there.
//!
//! Invariant: an alert's key is the escalation's id, so that what is told twice is told once.

use std::collections::BTreeMap;
use std::fmt;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::Mutex;

use crate::clock::{Clock, Millis, Span};

mod api;
mod doubt;
mod fault;
mod opsgenie;
mod pagerduty;
mod setting;

pub use doubt::Doubt;
pub use fault::{Fault, Kind};

use opsgenie::Opsgenie;
use pagerduty::PagerDuty;

/// How long an answer is used again, so that a storm of escalations asks once.
const KEPT: Span = Span::from_secs(60);
/// How long a fault is used again, unless the service asks for more.
const FAULT_KEPT: Span = Span::from_secs(15);

/// A paging service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    /// pagerduty.com
    PagerDuty,
    /// opsgenie.com
    Opsgenie,
}

impl Provider {
    /// How people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::PagerDuty => "PagerDuty",
            Self::Opsgenie => "Opsgenie",
        }
    }

    /// What it calls what it knows its callers by.
    pub fn credential(self) -> &'static str {
        match self {
            Self::PagerDuty => "token",
            Self::Opsgenie => "key",
        }
    }
}

impl fmt::Display for Provider {
    /// As the configuration and the database write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PagerDuty => "pagerduty",
            Self::Opsgenie => "opsgenie",
        })
    }
}

/// Somebody who is on call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnCall {
    /// The person of the configuration with that id of the service, if there is one.
    pub person: Option<String>,
    /// The service's id of them, as `person.NAME.pagerduty` or `person.NAME.opsgenie` is to say it.
    pub id: String,
    /// Their name there.
    pub name: String,
    /// Until when, where the service says it.
    pub until: Option<Millis>,
}

/// What a service is told of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// It is there, and nobody sees to it.
    Trigger,
    /// Somebody sees to it.
    Acknowledge,
    /// It is over.
    Resolve,
}

impl Act {
    /// All, in the order of an alert's life.
    pub const ALL: [Self; 3] = [Self::Trigger, Self::Acknowledge, Self::Resolve];
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trigger => "trigger",
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        })
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Somebody waits.
    Error,
    /// Somebody has waited too long.
    Critical,
}

/// Something that a human is asked for. Plain text without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The escalation's id, by which a service knows it again.
    pub key: String,
    /// One line.
    pub title: String,
    /// What is known, or what was done.
    pub text: String,
    /// Labels and values.
    pub facts: Vec<(String, String)>,
    /// How bad it is.
    pub severity: Severity,
}

/// Somebody whom a service names.
#[derive(Debug)]
struct Recipient {
    id: String,
    name: String,
    until: Option<Millis>,
}

enum Service {
    PagerDuty(PagerDuty),
    Opsgenie(Opsgenie),
}

/// A team's service, and what it said last.
struct Line {
    service: Service,
    /// Held while the service is asked, so that whoever else wants to know waits for the same answer.
    said: Mutex<Option<Said>>,
}

/// What a service said, and until when it is used again.
#[derive(Debug, Clone)]
struct Said {
    on_call: Result<Option<OnCall>, Fault>,
    until: Millis,
}

/// The paging services of all teams. It holds secrets, which its `Debug` hides.
pub struct Pager {
    clock: Clock,
    lines: BTreeMap<String, Line>,
    /// Persons by service and their ids there, in small letters.
    people: BTreeMap<(Provider, String), String>,
}

impl fmt::Debug for Pager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pager({:?})", self.lines.keys())
    }
}

impl Pager {
    /// The teams that use a service, each with it.
    pub fn teams(&self) -> impl Iterator<Item = (&str, Provider)> {
        self.lines.iter().map(|(team, line)| (team.as_str(), line.service.provider()))
    }

    /// The service that says who is on call for a team.
    pub fn asked(&self, team: &str) -> Option<Provider> {
        let service = &self.lines.get(team)?.service;
        service.schedule().map(|_| service.provider())
    }

    /// The service that is told of a team's alerts.
    pub fn alerted(&self, team: &str) -> Option<Provider> {
        let line = self.lines.get(team)?;
        let takes = match &line.service {
            Service::PagerDuty(pagerduty) => pagerduty.routing_key.is_some(),
            Service::Opsgenie(_) => true,
        };
        takes.then(|| line.service.provider())
    }

    /// Who is on call for a team by its service; `None` where the service says that nobody is, or the team asks none.
    pub async fn on_call(&self, team: &str) -> Result<Option<OnCall>, Fault> {
        let Some(line) = self.lines.get(team) else { return Ok(None) };
        let mut said = line.said.lock().await;
        if let Some(said) = said.as_ref().filter(|said| self.clock.now() < said.until) {
            return said.on_call.clone();
        }
        let on_call = line.service.on_call().await.map(|found| self.first(line.service.provider(), found));
        let until = self.clock.now().saturating_add(kept(&on_call, self.clock.now()).millis());
        *said = Some(Said { on_call: on_call.clone(), until });
        on_call
    }

    /// Who is on call for a team by its service: a person whom the configuration knows, and until when; or what is to doubt.
    /// `None` for a team that asks no service.
    pub async fn watch(&self, team: &str) -> Option<Result<(String, Option<Millis>), Doubt>> {
        let provider = self.asked(team)?;
        let said = self.on_call(team).await;
        if let Some(doubt) = Doubt::of(provider, &said) {
            return Some(Err(doubt));
        }
        let on_call = said.ok().flatten()?;
        Some(Ok((on_call.person?, on_call.until)))
    }

    /// The name of the schedule that says who is on call for a team; `None` where the team asks none.
    pub async fn schedule(&self, team: &str) -> Result<Option<String>, Fault> {
        match self.lines.get(team) {
            Some(line) => line.service.schedule_name().await,
            None => Ok(None),
        }
    }

    /// Tells a team's service of an alert; a team without one is told nothing. May be repeated.
    pub async fn tell(&self, team: &str, act: Act, alert: &Alert) -> Result<(), Fault> {
        match self.lines.get(team).map(|line| &line.service) {
            Some(Service::PagerDuty(pagerduty)) => match &pagerduty.routing_key {
                Some(key) => pagerduty.tell(key, act, alert).await,
                None => Ok(()),
            },
            Some(Service::Opsgenie(opsgenie)) => opsgenie.tell(act, alert).await,
            None => Ok(()),
        }
    }

    /// The first whom the configuration knows, or else the first of all.
    fn first(&self, provider: Provider, found: Vec<Recipient>) -> Option<OnCall> {
        let on_call = |Recipient { id, name, until }: Recipient| {
            let person = self.people.get(&(provider, id.to_lowercase())).cloned();
            OnCall { person, id, name, until }
        };
        let mut all: Vec<OnCall> = found.into_iter().map(on_call).collect();
        let known = all.iter().position(|on_call| on_call.person.is_some()).unwrap_or(0);
        if all.is_empty() { None } else { Some(all.swap_remove(known)) }
    }
}

impl Service {
    fn provider(&self) -> Provider {
        match self {
            Self::PagerDuty(_) => Provider::PagerDuty,
            Self::Opsgenie(_) => Provider::Opsgenie,
        }
    }

    fn schedule(&self) -> Option<&str> {
        match self {
            Self::PagerDuty(of) => of.schedule.as_deref(),
            Self::Opsgenie(of) => of.schedule.as_deref(),
        }
    }

    async fn on_call(&self) -> Result<Vec<Recipient>, Fault> {
        let Some(schedule) = self.schedule() else { return Ok(Vec::new()) };
        match self {
            Self::PagerDuty(of) => of.on_call(schedule).await,
            Self::Opsgenie(of) => of.on_call(schedule).await,
        }
    }

    async fn schedule_name(&self) -> Result<Option<String>, Fault> {
        let Some(schedule) = self.schedule() else { return Ok(None) };
        match self {
            Self::PagerDuty(of) => of.schedule_name(schedule).await.map(Some),
            Self::Opsgenie(of) => of.schedule_name(schedule).await.map(Some),
        }
    }
}

/// How long what was said is used again: not beyond the next hand-over, and a fault as long as the service asks.
fn kept(said: &Result<Option<OnCall>, Fault>, now: Millis) -> Span {
    match said {
        Ok(Some(OnCall { until: Some(until), .. })) => {
            Span::from_millis(until.saturating_sub(now).clamp(1000, KEPT.millis()))
        }
        Ok(_) => KEPT,
        Err(fault) => fault.wait().map_or(FAULT_KEPT, |wait| wait.max(FAULT_KEPT)),
    }
}

/// A text as one segment of a path or one value of a query.
fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// A text with at most so many characters; one that was longer ends with an ellipsis.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_call(until: Option<Millis>) -> Result<Option<OnCall>, Fault> {
        Ok(Some(OnCall { person: None, id: "P1".into(), name: "Ada".into(), until }))
    }

    fn busy(wait: Option<i64>) -> Result<Option<OnCall>, Fault> {
        Err(Fault { provider: Provider::PagerDuty, kind: Kind::Busy { wait: wait.map(Span::from_secs) } })
    }

    #[test]
    fn an_answer_is_used_again_until_the_next_hand_over() {
        let now = 1_000_000;
        let held = |said| kept(&said, now).millis();
        assert_eq!(held(on_call(None)), 60_000);
        assert_eq!(held(on_call(Some(now + 3_600_000))), 60_000);
        assert_eq!(held(on_call(Some(now + 20_000))), 20_000);
        assert_eq!(held(on_call(Some(now - 20_000))), 1000, "its clock is behind ours");
        assert_eq!(held(on_call(Some(Millis::MIN))), 1000);
        assert_eq!(held(Ok(None)), 60_000);
        assert_eq!(held(busy(None)), 15_000);
        assert_eq!(held(busy(Some(1))), 15_000);
        assert_eq!(held(busy(Some(120))), 120_000);
    }

    #[test]
    fn texts_are_cut_by_characters() {
        assert_eq!(cut("größe", 5), "größe");
        assert_eq!(cut("größer", 5), "größ…");
    }
}
