//! Approvals: a human decision that a policy demands, about one recorded plan, before a request runs.
//!
//! Invariant: what was approved is what runs. A plan is bound to its hash; if it would now be another one, the approval is
//! void and people are asked again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan::{Planned, Proposal};
use crate::app::App;
use crate::catalogue::command::CommandFile;
use crate::catalogue::menu;
use crate::catalogue::resolve::Asker;
use crate::chat::{Card, Reply, Tone};
use crate::clock::Span;
use crate::error::{Reason, Result, UserError};
use crate::people::Person;
use crate::people::electorate::{Electorate, Terms};
use crate::people::roster::Roster;
use crate::store::approval::{Approval, PREFIX};
use crate::store::request::Request;
use crate::store::review;

mod card;
mod decision;
mod glass;
mod list;
mod opening;
mod presence;
mod question;
mod refusal;
mod renewal;
mod review_card;
mod sheet;
mod standing;
mod tally;
pub mod timer;

pub(super) use card::of_request;
pub(super) use opening::Opening;
pub(super) use renewal::{Begun, look_again, refuse_half};

/// How long people are asked if the policy does not say.
const EXPIRES: Span = Span::from_secs(24 * 3600);

/// What is said about approvals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// `/approvals`: what waits for me.
    List,
}

/// The topic of a line, if it is about approvals.
pub fn read(line: &str) -> Option<Topic> {
    let (word, rest) = menu::first_word(line);
    (word == "approvals" && rest.is_empty()).then_some(Topic::List)
}

/// The answer to a topic.
pub async fn answer(app: &App, topic: &Topic, asker: &Asker) -> Result<Reply> {
    match topic {
        Topic::List => list::list(app, asker).await,
    }
}

/// The answer to a button; `None` if it is none of these.
pub async fn pressed(app: &App, (verb, object): (&str, &str), asker: &Asker) -> Result<Option<Reply>> {
    Ok(Some(match verb {
        "approval" => Reply::Card(card::whole(app, object).await?),
        "approve" => decision::approve(app, object, asker).await?,
        "deny" => decision::start_denial(app, object, asker).await?,
        "question" if object.starts_with(PREFIX) => question::start(app, object, asker).await?,
        "answer" if question::is_ours(app, object).await? => question::start_answer(app, object, asker).await?,
        "glass" => glass::start(app, object, asker).await?,
        "standing" => standing::start(app, object, asker).await?,
        "revoke" => standing::revoke(app, object, asker).await?,
        "review" => review_card::start(app, object, asker).await?,
        _ => return Ok(None),
    }))
}

/// The answer to a form that came back; `None` if it is none of these.
pub async fn submitted(
    app: &App,
    (verb, object): (&str, &str),
    values: &BTreeMap<String, Value>,
    asker: &Asker,
) -> Result<Option<Reply>> {
    Ok(Some(match verb {
        "deny" => decision::deny(app, object, values, asker).await?,
        "question" if object.starts_with(PREFIX) => question::ask(app, object, values, asker).await?,
        "answer" if question::is_ours(app, object).await? => question::answer(app, object, values, asker).await?,
        "glass" => glass::break_it(app, object, values, asker).await?,
        "standing" => standing::grant(app, object, values, asker).await?,
        "review" => review_card::settle(app, object, values, asker).await?,
        _ => return Ok(None),
    }))
}

/// The card of an approval or a review; `None` if the subject is neither.
pub async fn card(app: &App, subject: &str) -> Result<Option<Card>> {
    if subject.starts_with(PREFIX) {
        return card::whole(app, subject).await.map(Some);
    }
    if subject.starts_with(review::PREFIX) {
        return review_card::card(app, subject).await.map(Some);
    }
    Ok(None)
}

/// Whether a request that was confirmed must be approved, and by whom; with what is then put to people.
pub(super) async fn demanded(
    app: &App,
    command: &CommandFile,
    request: &Request,
    person: &Person,
) -> Result<Option<(String, Opening)>> {
    if command.approval.is_none() {
        return Ok(None);
    }
    let catalogue = app.catalogue.load_full();
    let capability = catalogue.capabilities.get(&request.capability).ok_or_else(|| {
        UserError::new(Reason::Conflict, format!("`/{}` is not offered any more.", request.command))
            .hint("type /help to see what there is instead")
    })?;
    let input = super::whole_input_of(request)?;
    let proposal = Proposal { command, capability, input: &input, person, place: &request.place };
    let Some(by) = proposal.demand(app)? else { return Ok(None) };
    Ok(Some((by.to_owned(), Opening::of(app, &proposal).await?)))
}

/// A plan as approvers see it, recorded when they are asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Recorded {
    /// The command's name.
    command: String,
    /// What the command does.
    summary: String,
    /// What was typed, without secrets.
    said: String,
    /// What the requester gives as the reason, if the command asks for one.
    reason: Option<String>,
    steps: Vec<Planned>,
    limits: Vec<String>,
    cost: Option<String>,
}

/// An approval with all that is decided about.
#[derive(Clone)]
pub(super) struct Case {
    approval: Approval,
    terms: Terms,
    plan: Recorded,
    request: Request,
    command: CommandFile,
    /// Who asked, by what is known of them.
    requester: Person,
}

impl Case {
    /// The case of an approval's id, which may be made up.
    async fn load(app: &App, id: &str) -> Result<Self> {
        let approval = app.store.approval(id).await?.ok_or_else(refusal::unknown)?;
        Self::of(app, approval).await
    }

    async fn of(app: &App, approval: Approval) -> Result<Self> {
        let request = app.store.request(&approval.request).await?;
        let request = request.ok_or_else(|| anyhow::anyhow!("an approval has no request"))?;
        let command = serde_json::from_str(&app.store.definition(&request.definition).await?)?;
        let (terms, plan) = (serde_json::from_str(&approval.policy)?, serde_json::from_str(&approval.plan)?);
        let requester = app.person(&request.person).await?;
        Ok(Self { approval, terms, plan, request, command, requester })
    }

    /// The people who decide, of the levels that have been reached.
    fn electorate<'r>(&'r self, app: &App, roster: &'r Roster<'r>) -> Electorate<'r> {
        Electorate::new(roster, (self.terms.asked(self.approval.level), &self.requester), app.clock.now())
    }

    /// How long the request may take from when it is approved.
    fn deadline(&self) -> Span {
        self.command.deadline.unwrap_or(super::DEADLINE)
    }

    /// What every entry of the audit trail about it says first: which plan, under which rules.
    fn trace(&self) -> String {
        trace(&self.approval)
    }
}

/// An approval in the audit trail: its id, its plan and its rules by the beginnings of their hashes.
fn trace(approval: &Approval) -> String {
    let short = |hash: &str| hash.chars().take(12).collect::<String>();
    format!("{} plan {} policy {}", approval.id, short(&approval.plan_hash), short(&approval.policy_version))
}

/// The card that a message describes, for the eyes of who asked.
fn told(app: &App, (name, tone): (&str, Tone), values: &Value) -> Result<Reply> {
    Ok(Reply::Card(Card::read(&app.messages.load().render(name, values)?, tone)))
}
