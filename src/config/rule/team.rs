//! What is said of people must be something that can be: names of persons, turns that follow each other.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret, SecretString};

use super::{Breach, breach, platform};
use crate::clock::Span;
use crate::config::{Config, Oncall, Team};
use crate::spelling::nearest;

/// The shortest turn of a rotation.
const SHORTEST_TURN: Span = Span::from_secs(3600);
/// The most persons that one may speak as on the page.
const MOST_PERSONAS: usize = 12;

pub(super) fn check(config: &Config, breaches: &mut Vec<Breach>) {
    for (name, team) in &config.team {
        check_people(name, team, breaches);
        check_oncall(name, &team.oncall, breaches);
    }
    for (name, person) in &config.person {
        let said = [("pagerduty", &person.pagerduty), ("opsgenie", &person.opsgenie)];
        for (key, _) in said.into_iter().filter(|(_, id)| id.as_ref().is_some_and(|id| id.trim().is_empty())) {
            let hint = "write the id that the service has for them, or leave the key out";
            breaches.push(breach(format!("person.{name}.{key}"), "nobody is called that there", hint));
        }
    }
    check_help(config, breaches);
    check_personas(config, breaches);
}

fn check_people(name: &str, team: &Team, breaches: &mut Vec<Breach>) {
    let path = format!("team.{name}.members");
    let mut seen = BTreeSet::new();
    for member in &team.members {
        if let Some((message, hint)) = mistake(member) {
            breaches.push(breach(path.as_str(), message, hint));
        } else if !seen.insert(member) {
            breaches.push(breach(path.as_str(), format!("`{member}` is in the list twice"), "keep one of them"));
        }
    }
    if let Some((message, hint)) = team.lead.as_deref().and_then(mistake) {
        breaches.push(breach(format!("team.{name}.lead"), message, hint));
    }
}

/// What is wrong with the name of a person, and what to do about it.
fn mistake(name: &str) -> Option<(String, String)> {
    if let Some((platform, _)) = name.split_once(':') {
        let message = format!("`{name}` is an identity on {platform}, not the name of a person");
        return Some((message, format!("write a name, such as ada, and [person.ada] identities = [\"{name}\"]")));
    }
    let is_name = !name.is_empty() && !name.starts_with(['@', '#']) && !name.contains(char::is_whitespace);
    (!is_name).then(|| (format!("`{name}` is not the name of a person"), "write a name, such as ada".to_owned()))
}

fn check_oncall(team: &str, oncall: &Oncall, breaches: &mut Vec<Breach>) {
    let path = |key: &str| format!("team.{team}.oncall.{key}");
    for (message, hint) in oncall.people.iter().filter_map(|person| mistake(person)) {
        breaches.push(breach(path("people"), message, hint));
    }
    if oncall.people.len() > 1 && (oncall.since.is_none() || oncall.every.is_none()) {
        let hint = "give since = \"2026-11-02T09:00\" and every = \"1w\"";
        breaches.push(breach(path("people"), "it is not said when they take turns", hint));
    }
    if oncall.people.is_empty() && (oncall.since.is_some() || oncall.every.is_some()) {
        let key = if oncall.since.is_some() { "since" } else { "every" };
        breaches.push(breach(path(key), "it is not said who takes turns", "give people = [\"ada\", \"ben\"]"));
    }
    if let Some(every) = oncall.every.filter(|every| *every < SHORTEST_TURN) {
        let message = format!("a turn of {} is too short", String::from(every));
        breaches.push(breach(path("every"), message, "write 1h or more; 1w is usual"));
    }
    for (index, other) in oncall.overrides.iter().enumerate() {
        let path = |key: &str| format!("team.{team}.oncall.override[{index}].{key}");
        if let Some((message, hint)) = mistake(&other.person) {
            breaches.push(breach(path("person"), message, hint));
        }
        if other.until <= other.from {
            let message = format!("it ends at {}, before it begins", other.until);
            breaches.push(breach(path("until"), message, "write a time after `from`"));
        }
    }
    check_paging(team, oncall, breaches);
}

/// What paging services need of a team.
fn check_paging(team: &str, oncall: &Oncall, breaches: &mut Vec<Breach>) {
    let pagerduty =
        oncall.pagerduty.as_ref().map(|said| ("pagerduty", &said.schedule, ("routing_key", &said.routing_key)));
    let opsgenie = oncall.opsgenie.as_ref().map(|said| ("opsgenie", &said.schedule, ("key", &said.key)));
    for (service, schedule, (key, secret)) in pagerduty.into_iter().chain(opsgenie) {
        let path = format!("team.{team}.oncall.{service}");
        if schedule.as_ref().is_some_and(|schedule| schedule.trim().is_empty()) {
            breaches.push(breach(
                format!("{path}.schedule"),
                "this is no schedule",
                "write its id, or leave the key out",
            ));
        }
        breaches.extend(secret_fault(format!("{path}.{key}"), secret.as_ref()));
    }
}

fn secret_fault(path: String, secret: Option<&SecretString>) -> Option<Breach> {
    let message = platform::fault(secret?.expose_secret(), &|_| true)?;
    Some(Breach { hidden: true, ..breach(path, message, "copy it from the service's page, or leave the key out") })
}

/// Help, and what paging services need of everybody.
fn check_help(config: &Config, breaches: &mut Vec<Breach>) {
    if let Some(team) = config.escalation.team.as_ref().filter(|team| !config.team.contains_key(*team)) {
        let hint = match nearest(team, config.team.keys().map(String::as_str)) {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("add [team.{team}], or name another team"),
        };
        breaches.push(breach("escalation.team", format!("there is no team `{team}`"), hint));
    }
    let claim = &config.escalation.claim;
    let times = [
        ("best-effort", claim.best_effort),
        ("business-hours", claim.business_hours),
        ("around-the-clock", claim.around_the_clock),
    ];
    for (key, _) in times.into_iter().filter(|(_, time)| *time < Span::from_secs(60)) {
        let message = "nobody can take it so soon";
        breaches.push(breach(format!("escalation.claim.{key}"), message, "write 1m or more"));
    }
    breaches.extend(secret_fault("pagerduty.token".into(), config.pagerduty.token.as_ref()));
    breaches.extend(secret_fault("opsgenie.key".into(), config.opsgenie.key.as_ref()));
    for (key, url, usual) in [
        ("pagerduty.api_url", &config.pagerduty.api_url, "https://api.eu.pagerduty.com"),
        ("pagerduty.events_url", &config.pagerduty.events_url, "https://events.eu.pagerduty.com"),
        ("opsgenie.api_url", &config.opsgenie.api_url, "https://api.eu.opsgenie.com"),
    ] {
        breaches.extend(platform::address(key, url.as_deref(), usual));
    }
}

fn check_personas(config: &Config, breaches: &mut Vec<Breach>) {
    let web = &config.web;
    if web.personas.len() > MOST_PERSONAS {
        let message = format!("{} persons are too many to choose from", web.personas.len());
        breaches.push(breach("web.personas", message, format!("list {MOST_PERSONAS} at most")));
    }
    let is_elsewhere = |url: &String| {
        let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        host != "localhost" && !ip.is_ok_and(|ip| ip.is_loopback())
    };
    let reached = match &web.public_url {
        _ if web.personas.is_empty() => None,
        _ if !web.listen.ip().is_loopback() => Some(web.listen.to_string()),
        url => url.clone().filter(is_elsewhere),
    };
    if let Some(reached) = reached {
        let message = format!("whoever reaches {reached} could speak as somebody else");
        breaches.push(breach("web.personas", message, "leave this out where others than this machine reach the page"));
    }
    for name in &web.personas {
        let identity = format!("web:{name}");
        let person = config.person.get(name);
        if person.is_none_or(|person| !person.identities.contains(&identity)) {
            let message = format!("the page cannot tell that `{identity}` is {name}");
            let hint = format!("add [person.{name}] with identities = [\"{identity}\"]");
            breaches.push(breach("web.personas", message, hint));
        }
    }
}
