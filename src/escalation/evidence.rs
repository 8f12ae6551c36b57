//! What is known when a human is asked: gathered once, without secrets, so that nobody has to look for it.

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::likeness::likeness;
use super::{route, slo, tier};
use crate::app::App;
use crate::catalogue::capability::Capability;
use crate::catalogue::command::CommandFile;
use crate::clock::Millis;
use crate::error::Result;
use crate::job::Exception;
use crate::mask::Mask;
use crate::pager::Doubt;
use crate::store::escalation::Escalation;
use crate::store::request::Request;
use crate::store::step::{Course, Step, state};

/// How many lines of the log are kept.
const LOG: usize = 15;
/// How many of what earlier steps gave is kept, and how long each may be, in characters.
const KNOWN: (usize, usize) = (8, 200);

/// What is known, as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Evidence {
    /// The command's name.
    pub command: String,
    /// What was typed.
    pub said: String,
    /// What somebody needs, in their own words.
    pub need: String,
    /// The step that failed.
    pub failed: String,
    /// What went wrong.
    pub error: String,
    /// The steps with what became of them.
    pub steps: Vec<Done>,
    /// What earlier steps gave, as far as the command would show it.
    pub known: Vec<Fact>,
    /// The end of the log.
    pub log: String,
    /// A place to look at.
    pub link: String,
    /// A promise that is not kept.
    pub promise: Option<Promise>,
    /// Cards that have no place to go to.
    pub lost: Option<Lost>,
    /// Why a paging service does not say who is on call.
    pub aside: Option<Aside>,
}

/// Why a paging service does not say who is on call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Aside {
    pub doubt: Doubt,
    /// The name of who is on call by the declared rotation, if there is one.
    pub instead: String,
}

/// What is known, with this said of who is on call.
pub(super) fn with_aside(context: &str, aside: Option<Aside>) -> Result<String> {
    let evidence: Evidence = serde_json::from_str(context)?;
    Ok(serde_json::to_string(&Evidence { aside, ..evidence })?)
}

/// What was promised, and what was kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Promise {
    pub ended: i64,
    pub succeeded: i64,
    pub share: String,
    pub promised: String,
    pub p90: String,
    pub within: String,
}

/// How many cards have no place to go to, and for the latest of them what it is about and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Lost {
    pub count: i64,
    pub cards: Vec<Fact>,
}

/// One step with what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Done {
    pub name: String,
    pub state: String,
    pub undo: bool,
    pub again: bool,
    pub attempt: i64,
    pub summary: String,
}

/// A name and what it stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Fact {
    pub name: String,
    pub value: String,
}

/// An escalation about a request as it is now; none if there is no such request. `need` is what somebody says that they
/// need.
pub(super) async fn of_request(
    app: &App,
    reason: Exception,
    (id, need): (&str, &str),
) -> Result<Option<(Escalation, Request)>> {
    let Some(request) = app.store.request(id).await? else { return Ok(None) };
    let command: CommandFile = serde_json::from_str(&app.store.definition(&request.definition).await?)?;
    let steps = app.store.steps(id).await?;
    let input: Map<String, Value> = serde_json::from_str(&request.input)?;
    let bad = steps.iter().rev().find(|step| state::is_bad(&step.state));
    let evidence = Evidence {
        command: command.name.clone(),
        said: command.said(&input),
        need: need.to_owned(),
        failed: bad.map(|step| step.name.clone()).unwrap_or_default(),
        error: bad.map_or(&request.summary, |step| &step.summary).clone(),
        known: known(&mask(app, &request), &command, &steps)?,
        log: bad.map(|step| tail(&step.log)).unwrap_or_default(),
        link: request.link.clone().filter(|link| crate::markdown::is_safe(link)).unwrap_or_default(),
        steps: steps.iter().map(done).collect(),
        ..Evidence::default()
    };
    let told = if need.is_empty() { evidence.error.as_str() } else { need };
    let parts = [reason.name(), &request.capability, &request.command, &evidence.failed];
    let likeness = likeness(parts, told);
    let draft = Draft { reason, subject: id, title: &command.summary, capability: Some(&request.capability) };
    let mut escalation = draft.escalation(app, &evidence)?;
    escalation.likeness = likeness;
    escalation.request = Some(request.id.clone());
    escalation.requester = Some(request.person.clone());
    Ok(Some((escalation, request)))
}

/// An escalation about what somebody looked for in vain; none if there is no such gap.
pub(super) async fn of_gap(app: &App, id: &str, need: &str) -> Result<Option<Escalation>> {
    let Some(gap) = app.store.gap(id).await? else { return Ok(None) };
    let evidence = Evidence { said: format!("/help {}", gap.words), need: need.to_owned(), ..Evidence::default() };
    let reason = Exception::NoSuchCommand;
    let mut escalation =
        Draft { reason, subject: id, title: &gap.words, capability: None }.escalation(app, &evidence)?;
    escalation.likeness = likeness([reason.name(), "", "", ""], &gap.words);
    escalation.requester = Some(gap.person);
    Ok(Some(escalation))
}

/// An escalation about the promise of a capability; none if it is kept.
pub(super) async fn of_capability(app: &App, name: &str) -> Result<Option<Escalation>> {
    let catalogue = app.catalogue.load_full();
    let Some(capability) = catalogue.capabilities.get(name) else { return Ok(None) };
    let Some(breach) = slo::breach(app, capability).await? else { return Ok(None) };
    let evidence = Evidence { promise: Some(breach), ..Evidence::default() };
    let reason = Exception::SloBreached;
    let draft = Draft { reason, subject: name, title: &capability.title, capability: Some(name) };
    let mut escalation = draft.escalation(app, &evidence)?;
    escalation.likeness = likeness([reason.name(), name, "", ""], "");
    Ok(Some(escalation))
}

/// An escalation about a platform on which cards have no place to go to.
pub(super) async fn of_platform(app: &App, name: &str) -> Result<Option<Escalation>> {
    let (count, latest) = app.store.undeliverable(name, 3).await?;
    let Some((_, why)) = latest.first().cloned() else { return Ok(None) };
    let cards = latest.into_iter().map(|(subject, why)| Fact { name: subject, value: why }).collect();
    let evidence = Evidence { error: why, lost: Some(Lost { count, cards }), ..Evidence::default() };
    let reason = Exception::DeliveryFailing;
    let platform = crate::chat::PlatformName::named(name);
    let title = platform.map_or_else(|| name.to_owned(), |platform| platform.title().to_owned());
    let mut escalation = Draft { reason, subject: name, title: &title, capability: None }.escalation(app, &evidence)?;
    escalation.likeness = likeness([reason.name(), name, "", ""], "");
    Ok(Some(escalation))
}

/// What an escalation is about.
struct Draft<'a> {
    reason: Exception,
    subject: &'a str,
    title: &'a str,
    capability: Option<&'a str>,
}

impl Draft<'_> {
    /// The escalation, put to the owner of its capability; what belongs to none is the platform team's.
    fn escalation(&self, app: &App, evidence: &Evidence) -> Result<Escalation> {
        let catalogue = app.catalogue.load();
        let capability: Option<&Capability> =
            self.capability.and_then(|name| catalogue.capabilities.get(name)).map(AsRef::as_ref);
        let last = || route::last_team(app).unwrap_or_default().to_owned();
        let now: Millis = app.clock.now();
        let mut escalation = Escalation {
            id: crate::job::new_id("esc"),
            reason: self.reason.name().to_owned(),
            subject: self.subject.to_owned(),
            capability: self.capability.map(str::to_owned),
            team: capability.map_or_else(last, |capability| capability.owner.clone()),
            title: self.title.to_owned(),
            context: serde_json::to_string(evidence)?,
            tier: tier::name(tier::of(capability)).to_owned(),
            created_at: now,
            due_at: Some(now),
            ..Escalation::default()
        };
        escalation.ask(&[], &[]);
        Ok(escalation)
    }
}

fn done(step: &Step) -> Done {
    Done {
        name: step.name.clone(),
        state: step.state.clone(),
        undo: step.course() == Course::Undo,
        again: step.attempt > 1,
        attempt: step.attempt,
        summary: step.summary.clone(),
    }
}

/// The last lines of a log, which was masked when it was kept.
fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG)..].join("\n")
}

/// What hides the secrets that are known now.
fn mask(app: &App, request: &Request) -> Mask {
    let configured = app.config.templates.secret.values().map(|secret| secret.expose_secret().to_owned());
    let given: Map<String, Value> =
        request.secrets.as_deref().and_then(|secrets| serde_json::from_str(secrets).ok()).unwrap_or_default();
    let given = given.into_iter().filter_map(|(_, value)| value.as_str().map(str::to_owned));
    Mask::new(configured.chain(given))
}

/// What steps gave and the command's reply would show. What else they gave may be secret, and nobody could tell.
fn known(mask: &Mask, command: &CommandFile, steps: &[Step]) -> Result<Vec<Fact>> {
    let shown = command.reply.as_ref().map(|reply| reply.text.variables()).unwrap_or_default();
    let mut facts = Vec::new();
    for step in steps.iter().filter(|step| step.course() == Course::Do) {
        let outputs: Map<String, Value> = serde_json::from_str(&step.outputs)?;
        for (name, value) in outputs {
            let path = format!("steps.{}.{name}", step.name);
            if !shown.contains(&path) {
                continue;
            }
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let text: String = mask.text(&text).chars().take(KNOWN.1).collect();
            facts.push(Fact { name: format!("{}.{name}", step.name), value: text });
        }
    }
    facts.truncate(KNOWN.0);
    Ok(facts)
}
