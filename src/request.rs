//! Requests: a resolved call is accepted once, durably, and lives until its end.
//!
//! Invariant: a request, its audit entry, its first job and its card are written in one transaction.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::catalogue::command::{CommandFile, Limits};
use crate::catalogue::resolve::Call;
use crate::chat::PlatformName;
use crate::clock::{Millis, Span};
use crate::error::{Reason, Result, UserError};
use crate::job::Job;
use crate::people::Person;
use crate::store::Tx;
use crate::store::audit::Act;
use crate::store::message::Shown;
use crate::store::request::{Request, State};

pub mod approval;
mod attempt;
pub mod callback;
pub mod card;
pub mod clear;
pub mod end;
mod exception;
mod human;
pub mod perform;
pub mod plan;
pub mod press;
pub mod settle;
pub mod values;

use approval::Opening;
use plan::Proposal;

/// How long a request may take altogether if its command does not say.
const DEADLINE: Span = Span::from_secs(24 * 3600);

/// Where a request comes from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The delivery: the same again is the same request.
    pub source: String,
    /// Who asks.
    pub person: Person,
    /// On which platform.
    pub platform: PlatformName,
    /// In which conversation.
    pub place: String,
    /// In which thread of it.
    pub thread: Option<String>,
    /// The platform's id of the person.
    pub identity: String,
    /// Whether the person has said already that they are sure.
    pub confirmed: bool,
}

/// What came of asking.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The request: a new one, or the one that this delivery or this key has already.
    pub request: Request,
    /// Whether it is new.
    pub fresh: bool,
}

/// Accepts a call. When this returns, the request is on the disk.
pub async fn accept(app: &App, call: &Call, origin: &Origin) -> Result<Accepted> {
    let proposal = Proposal::of(call, &origin.person, &origin.place);
    let draft = Draft::of(app, &proposal, origin)?;
    let opening = match draft.request.state {
        State::AwaitingApproval => Some(Opening::of(app, &proposal).await?),
        _ => None,
    };
    app.store.write(move |tx| Box::pin(async move { draft.write(tx, opening).await })).await
}

/// The hash of a command's definition, and the definition as it is kept.
pub(crate) fn define(command: &CommandFile) -> Result<(String, String)> {
    let body = serde_json::to_string(command)?;
    Ok((hex::encode(Sha256::digest(body.as_bytes())), body))
}

/// A request before it is written.
struct Draft {
    request: Request,
    body: String,
    limits: Limits,
    /// The conversation, or the thread of it, that shows the card, and the platform's id of who asked; none where there
    /// is nobody to look.
    shown: Option<(String, String)>,
}

impl Draft {
    fn of(app: &App, proposal: &Proposal<'_>, origin: &Origin) -> Result<Self> {
        let command = proposal.command;
        let known = proposal.values(app).all;
        let live_key = match &command.limits.key {
            Some(key) => Some(key.render(&known, crate::message::Escape::Plain)?),
            None => None,
        };
        let (state, summary) = first_state(app, proposal, origin.confirmed)?;
        let (input, secrets) = values::split_secrets(command, proposal.input);
        let (definition, body) = define(command)?;
        let request = Request {
            id: crate::job::new_id("req"),
            source: origin.source.clone(),
            command: command.name.clone(),
            capability: proposal.capability.name.clone(),
            definition,
            person: origin.person.id.clone(),
            platform: origin.platform.to_string(),
            place: origin.place.clone(),
            input: Value::Object(input).to_string(),
            secrets: (!secrets.is_empty()).then(|| Value::Object(secrets).to_string()),
            state,
            ending: None,
            summary,
            reply: None,
            live_key,
            percent: None,
            label: String::new(),
            link: None,
            created_at: 0,
            started_at: None,
            cancel_at: None,
            deadline_at: app.clock.now() + command.deadline.unwrap_or(DEADLINE).millis(),
            ended_at: None,
            long_at: None,
        };
        let place = match &origin.thread {
            Some(thread) => format!("{}/{thread}", origin.place),
            None => origin.place.clone(),
        };
        let shown = (origin.platform != PlatformName::Api).then(|| (place, origin.identity.clone()));
        Ok(Self { request, body, limits: command.limits.clone(), shown })
    }

    async fn write(self, tx: &mut Tx, opening: Option<Opening>) -> Result<Accepted> {
        let (request, shown) = (self.request, self.shown);
        tx.insert_definition(&request.definition, &self.body).await?;
        if !tx.insert_request(&request).await? {
            return existing(tx, request, shown).await;
        }
        limit(tx, &request, &self.limits).await?;
        let detail = told(&request);
        tx.audit(Act { subject: &request.id, actor: &request.person, action: "accepted", detail: &detail }).await?;
        let (action, detail) = (request.state.name(), request.summary.as_str());
        tx.audit(Act { subject: &request.id, actor: "stationmaster", action, detail }).await?;
        if request.state == State::Queued {
            tx.enqueue(&Job::Perform { request: request.id.clone() }, tx.now())?;
        }
        show(tx, &request.id, &request.platform, shown).await?;
        if let Some(opening) = opening {
            opening.write(tx, &request.id).await?;
            let request = tx.request(&request.id).await?.ok_or_else(|| anyhow::anyhow!("the request is gone"))?;
            return Ok(Accepted { request, fresh: true });
        }
        let created_at = tx.now();
        Ok(Accepted { request: Request { created_at, ..request }, fresh: true })
    }
}

/// Refuses what one person asks for too often.
async fn limit(tx: &mut Tx, request: &Request, limits: &Limits) -> Result<()> {
    let Some(rate) = limits.per_person else { return Ok(()) };
    let before = crate::clock::Rate { count: rate.count + 1, per: rate.per };
    match tx.rate_used_up(&request.person, &request.command, before).await? {
        Some(oldest) => Err(too_often(rate, oldest + rate.per.millis() - tx.now()).into()),
        None => Ok(()),
    }
}

/// The request that stands in the way of a new one: the same delivery, or the same key.
async fn existing(tx: &mut Tx, draft: Request, shown: Option<(String, String)>) -> Result<Accepted> {
    if let Some(request) = tx.request_from(&draft.source).await? {
        if request.command != draft.command || request.input != draft.input {
            return Err(UserError::new(Reason::Conflict, "This idempotency key was used for another request.")
                .hint("use a new key for a new request")
                .into());
        }
        return Ok(Accepted { request, fresh: false });
    }
    let key = draft.live_key.as_deref().unwrap_or_default();
    let live = tx.live_request(&draft.command, key).await?;
    let request = live.ok_or_else(|| anyhow::anyhow!("a request was neither written nor found"))?;
    show(tx, &request.id, &draft.platform, shown).await?;
    tx.audit(Act { subject: &request.id, actor: &draft.person, action: "joined", detail: "asked for the same" })
        .await?;
    Ok(Accepted { request, fresh: false })
}

/// Shows the request's card where it was asked for.
async fn show(tx: &mut Tx, id: &str, platform: &str, shown: Option<(String, String)>) -> Result<()> {
    let Some((place, recipient)) = &shown else { return Ok(()) };
    tx.show(id, Shown { platform, place, recipient }).await
}

/// Where a request begins, and what is said of it.
fn first_state(app: &App, proposal: &Proposal<'_>, confirmed: bool) -> Result<(State, String)> {
    if !confirmed && proposal.command.needs_confirmation(&proposal.values(app).all)? {
        return Ok((State::Confirm, String::new()));
    }
    Ok(match proposal.demand(app)? {
        Some(by) => (State::AwaitingApproval, by.to_owned()),
        None => (State::Queued, String::new()),
    })
}

/// What the audit trail says was asked for: command and input, without secrets.
fn told(request: &Request) -> String {
    format!("{} {}", request.command, request.input)
}

fn too_often(rate: crate::clock::Rate, wait: Millis) -> UserError {
    let message = format!("This may be used {} times in {} by one person.", rate.count, rate.per);
    UserError::new(Reason::Limited, message).hint(format!("try again in {}", Span::from_millis(wait.max(1000))))
}

/// A request's input with its secrets, as long as they are kept.
pub(crate) fn whole_input_of(request: &Request) -> Result<Map<String, Value>> {
    let mut input = input_of(request)?;
    if let Some(secrets) = &request.secrets {
        input.extend(serde_json::from_str::<Map<String, Value>>(secrets)?);
    }
    Ok(input)
}

/// A request's input without its secrets, which were forgotten or never kept.
pub fn input_of(request: &Request) -> Result<Map<String, Value>> {
    Ok(serde_json::from_str(&request.input)?)
}
