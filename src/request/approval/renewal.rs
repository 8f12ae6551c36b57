//! Whether what was put to people is still what would be done, and what happens if it is not.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Opening, Recorded, presence, trace};
use crate::app::App;
use crate::catalogue::resolve::{Asked, Asker, Call, Resolved};
use crate::chat::{Form, PlatformName, Tone};
use crate::clock::Span;
use crate::error::{Reason, Result, UserError};
use crate::job::{Claim, Job};
use crate::people::Person;
use crate::request::plan::Proposal;
use crate::request::values::split_secrets;
use crate::request::{define, whole_input_of};
use crate::store::Tx;
use crate::store::approval::{Approval, Close, state};
use crate::store::audit::Act;
use crate::store::request::{Change, Request, State};

/// After how long somebody is asked again who could not say who may do what, or which choices there are.
const AGAIN: Span = Span::from_secs(30);

/// What a second look finds.
pub(super) enum Renewal {
    /// It would do the same.
    Same,
    /// It would do something else.
    Changed(Box<Changed>),
    /// It cannot be done any more, for this reason.
    Gone(String),
}

/// What it would do now.
pub(super) struct Changed {
    definition: (String, String),
    input: (String, Option<String>),
    /// What is put to people; nothing where nobody need be asked any more.
    opening: Option<Opening>,
    deadline: Span,
}

/// Looks at a request as if it were asked for now: by the same person, with the same input, in the catalogue as it is.
pub(super) async fn look(app: &App, request: &Request, approval: &Approval) -> Result<Renewal> {
    let platform = PlatformName::named(&request.platform).unwrap_or(PlatformName::Api);
    let (person, guest) = presence::present(app, &request.person, Some(platform)).await?;
    let place = request.place.clone();
    let asker = Asker { identity: person.id.clone(), person, platform, place, guest };
    let input: BTreeMap<String, Value> =
        whole_input_of(request)?.into_iter().filter(|(_, value)| !value.is_null()).collect();
    let asked = Asked::Named { command: request.command.clone(), input, dry_run: false };
    let catalogue = app.catalogue.load_full();
    let call = match catalogue.resolve(asked, &asker, &app.choices).await {
        Ok(Resolved::Call(call)) => call,
        Ok(Resolved::Form(form)) => return Ok(Renewal::Gone(complaint(&form))),
        Err(error) => return refused(error),
    };
    compare(app, &call, (&asker.person, &request.place), approval).await
}

async fn compare(app: &App, call: &Call, (person, place): (&Person, &str), approval: &Approval) -> Result<Renewal> {
    let proposal = Proposal::of(call, person, place);
    let plan = proposal.plan(app)?;
    if proposal.hash(app, &plan)? == approval.plan_hash {
        return Ok(Renewal::Same);
    }
    let opening = match &plan.approval {
        Some(_) => Some(Opening::of(app, &proposal).await?),
        None => None,
    };
    let (input, secrets) = split_secrets(proposal.command, proposal.input);
    let sealed = |secrets: Map<String, Value>| (!secrets.is_empty()).then(|| Value::Object(secrets).to_string());
    Ok(Renewal::Changed(Box::new(Changed {
        definition: define(proposal.command)?,
        input: (Value::Object(input).to_string(), sealed(secrets)),
        opening,
        deadline: proposal.command.deadline.unwrap_or(crate::request::DEADLINE),
    })))
}

/// What can be said only later is no reason to call anything off.
fn refused(error: anyhow::Error) -> Result<Renewal> {
    match error.downcast_ref::<UserError>() {
        Some(known) if known.reason != Reason::Unavailable => Ok(Renewal::Gone(known.message.clone())),
        _ => Err(error),
    }
}

/// Why an input does not fit any more.
fn complaint(form: &Form) -> String {
    let wrong = form.fields.iter().filter_map(|field| Some(format!("{}: {}", field.name, field.error.as_ref()?)));
    let all: Vec<String> = form.error.iter().cloned().chain(wrong).collect();
    format!("Its input does not fit any more. {}", all.join(" "))
}

impl Changed {
    /// What is different, as approvers see it, from what was recorded.
    pub(super) fn changes(&self, before: &Recorded) -> Result<Vec<Value>> {
        match &self.opening {
            Some(opening) => Ok(differences(before, &opening.plan()?)),
            None => Ok(Vec::new()),
        }
    }
}

/// What is different between two plans; nothing where only what is not shown differs.
fn differences(before: &Recorded, after: &Recorded) -> Vec<Value> {
    let mut found = Vec::new();
    let mut compare = |what: &str, before: &str, after: &str| {
        if before != after {
            found.push(json!({ "what": what, "before": before, "after": after }));
        }
    };
    let cost = |plan: &Recorded| plan.cost.clone().unwrap_or_default();
    compare("Input", &before.said, &after.said);
    compare("Cost", &cost(before), &cost(after));
    let line = |plan: &Recorded, name: &str| {
        plan.steps.iter().find(|step| step.name == name).map(|step| step.line.clone()).unwrap_or_default()
    };
    let mut names: Vec<&str> = before.steps.iter().chain(&after.steps).map(|step| step.name.as_str()).collect();
    let mut known = std::collections::BTreeSet::new();
    names.retain(|name| known.insert(*name));
    for name in names {
        compare(name, &line(before, name), &line(after, name));
    }
    found
}

/// The approval is void: the request takes over what the catalogue says now, and people are asked again if they must be.
/// `claim` is that of the job that was about to begin the work.
pub(super) async fn reopen(app: &App, approval: &Approval, changed: Changed, claim: Option<&Claim>) -> Result<()> {
    let (approval, claim) = (approval.clone(), claim.cloned());
    let before: Recorded = serde_json::from_str(&approval.plan)?;
    let changes = changed.changes(&before)?;
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            if let Some(claim) = &claim {
                tx.hold(claim).await?;
            }
            if !is_as_seen(tx, &approval).await? {
                return Ok(());
            }
            void(tx, &approval, (&before, changes)).await?;
            tx.insert_definition(&changed.definition.0, &changed.definition.1).await?;
            let input = (changed.input.0.as_str(), changed.input.1.as_deref());
            tx.renew_request(&approval.request, &changed.definition.0, input).await?;
            if let Some(claim) = &claim {
                tx.finish_job(claim).await?;
            }
            match changed.opening {
                Some(opening) => {
                    let (request, summary) = (approval.request.as_str(), opening.by());
                    let state = State::AwaitingApproval;
                    tx.change_request(Change { request, state, actor: "stationmaster", summary }).await?;
                    opening.write(tx, &approval.request).await
                }
                None => release(tx, &approval.request, changed.deadline).await,
            }
        })
    });
    write.await
}

/// Whether nobody else has seen the change, or ended the request, meanwhile.
async fn is_as_seen(tx: &mut Tx, approval: &Approval) -> Result<bool> {
    let found = tx.approval(&approval.id).await?.is_some_and(|found| found.state == approval.state);
    let state = tx.request(&approval.request).await?.map(|request| request.state);
    Ok(found && matches!(state, Some(State::AwaitingApproval | State::Queued)))
}

async fn void(tx: &mut Tx, approval: &Approval, (plan, changes): (&Recorded, Vec<Value>)) -> Result<()> {
    let close = Close { approval: &approval.id, state: state::VOID, by: "stationmaster" };
    tx.close_approval(close).await?;
    let act =
        Act { subject: &approval.request, actor: "stationmaster", action: "approval void", detail: &trace(approval) };
    tx.audit(act).await?;
    let values = json!({ "approval": { "said": plan.said, "changes": changes } });
    let notice = tx.insert_notice("approval_voided", Tone::Waiting, &values).await?;
    tx.tell_in_threads(&notice, &approval.id).await
}

/// Nobody need be asked any more.
async fn release(tx: &mut Tx, request: &str, deadline: Span) -> Result<()> {
    tx.set_deadline(request, tx.now() + deadline.millis()).await?;
    tx.change_request(Change { request, state: State::Queued, actor: "stationmaster", summary: "" }).await?;
    tx.enqueue(&Job::Perform { request: request.to_owned() }, tx.now())
}

/// What cannot be done any more is called off, with the reason.
pub(super) async fn call_off(app: &App, approval: &Approval, why: &str) -> Result<()> {
    let (approval, why) = (approval.clone(), why.to_owned());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            if !is_as_seen(tx, &approval).await? {
                return Ok(());
            }
            let change =
                Change { request: &approval.request, state: State::Cancelled, actor: "stationmaster", summary: &why };
            tx.change_request(change).await
        })
    });
    write.await
}

/// What a second look at the beginning of the work leads to.
pub(in crate::request) enum Begun {
    /// The work begins.
    Stands,
    /// It does not, and its job has been taken care of.
    Held,
    /// It ends before it begins, for this reason.
    Turned(String),
}

/// Looks once more when the work of an approved request begins, which may have waited for long.
pub(in crate::request) async fn look_again(app: &App, claim: &Claim, request: &Request) -> Result<Begun> {
    let approval = app.store.approval_of(&request.id).await?.filter(|approval| approval.state == state::APPROVED);
    let Some(approval) = approval else { return Ok(Begun::Stands) };
    let found = match look(app, request, &approval).await {
        Ok(found) => found,
        Err(error) if error.is::<UserError>() => {
            tracing::warn!(request = request.id, error = format!("{error:#}"), "an approval cannot be looked at again");
            return put_off(app, claim).await.map(|()| Begun::Held);
        }
        Err(error) => return Err(error),
    };
    match found {
        Renewal::Same => Ok(Begun::Stands),
        Renewal::Changed(changed) => reopen(app, &approval, *changed, Some(claim)).await.map(|()| Begun::Held),
        Renewal::Gone(why) => Ok(Begun::Turned(why)),
    }
}

async fn put_off(app: &App, claim: &Claim) -> Result<()> {
    let claim = claim.clone();
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            tx.hold(&claim).await?;
            tx.continue_job(&claim, tx.now() + AGAIN.millis()).await
        })
    });
    write.await
}

/// Refuses to go on with what was begun under an approval and would be something else now: half of each is what nobody
/// has approved.
pub(in crate::request) async fn refuse_half(app: &App, request: &Request) -> Result<()> {
    let approval = app.store.approval_of(&request.id).await?.filter(|approval| approval.state == state::APPROVED);
    let Some(approval) = approval else { return Ok(()) };
    match look(app, request, &approval).await? {
        Renewal::Same => Ok(()),
        Renewal::Changed(_) | Renewal::Gone(_) => {
            let message = "What it would do has changed since it was approved, and a part of it is done already.";
            Err(UserError::new(Reason::Conflict, message).hint("start over, or ask whoever owns it").into())
        }
    }
}
