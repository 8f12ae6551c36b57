//! Opening an escalation: once for each reason and subject, and where one like it is open already, joined to that.

use super::{clock, evidence, news, page, slo};
use crate::app::App;
use crate::clock::Millis;
use crate::error::Result;
use crate::job::{Claim, Exception, Job};
use crate::store::Tx;
use crate::store::audit::Act;
use crate::store::escalation::{Escalation, Resolution};
use crate::store::page::act;
use crate::store::request::State;
use crate::store::toil::SELF_HEALED;

/// Asks a human, if that is still called for.
pub async fn perform(app: &App, claim: &Claim, (reason, subject): (Exception, &str)) -> Result<()> {
    let draft = match reason {
        Exception::SloBreached => evidence::of_capability(app, subject).await?,
        Exception::DeliveryFailing => evidence::of_platform(app, subject).await?,
        Exception::NoSuchCommand => evidence::of_gap(app, subject, "").await?,
        _ => evidence::of_request(app, reason, (subject, "")).await?.map(|(draft, _)| draft),
    };
    let claim = claim.clone();
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            tx.hold(&claim).await?;
            if let Some(draft) = draft
                && is_called_for(tx, reason, &draft).await?
            {
                open(tx, draft, "stationmaster").await?;
            }
            tx.finish_job(&claim).await
        })
    });
    write.await
}

/// Whether the request is still as it was, and enough time has gone by since the last of this kind.
async fn is_called_for(tx: &mut Tx, reason: Exception, draft: &Escalation) -> Result<bool> {
    if let Some(id) = &draft.request {
        let state = tx.request(id).await?.map(|request| request.state);
        return Ok(match reason {
            Exception::StepFailed => matches!(state, Some(State::Failed | State::Cancelled | State::Expired)),
            Exception::Uncertain => state == Some(State::Uncertain),
            Exception::ApprovalExpired => state == Some(State::Expired),
            _ => true,
        });
    }
    let latest = tx.latest_escalation(&draft.reason, &draft.subject).await?;
    let since: Option<Millis> = latest.and_then(|latest| match reason {
        Exception::SloBreached => latest.resolved_at,
        Exception::DeliveryFailing => Some(latest.created_at),
        _ => None,
    });
    Ok(since.is_none_or(|since| tx.now() - since >= slo::REST.millis()))
}

/// Opens it, or brings the open one of the same reason and subject up to date; gives the one that is dealt with.
pub(super) async fn open(tx: &mut Tx, draft: Escalation, actor: &str) -> Result<Escalation> {
    if let Some(latest) = tx.latest_escalation(&draft.reason, &draft.subject).await?
        && !latest.is_resolved()
    {
        let known = Escalation { context: draft.context, ..latest };
        tx.put_escalation(&known).await?;
        let root = root_of(tx, known).await?;
        news::touch(tx, &root).await?;
        return Ok(root);
    }
    let about = match &draft.request {
        Some(request) => tx.open_escalation_of(request).await?,
        None => None,
    };
    let alike = match about {
        Some(about) => Some(root_of(tx, about).await?),
        None => tx.open_escalation_like(&draft.likeness).await?,
    };
    let mut draft = Escalation { created_at: tx.now(), due_at: Some(tx.now()), ..draft };
    if let Some(root) = &alike {
        (draft.parent, draft.due_at) = (Some(root.id.clone()), None);
    }
    tx.put_escalation(&draft).await?;
    let joined = alike.as_ref().map(|root| format!(", joined to {}", root.id)).unwrap_or_default();
    let detail = format!("{} {}{joined}", draft.reason, draft.subject);
    tx.audit(Act { subject: &draft.id, actor, action: "opened", detail: &detail }).await?;
    let capability = draft.capability.clone().unwrap_or_default();
    metrics::counter!("stationmaster_escalations_total", "reason" => draft.reason.clone(), "capability" => capability)
        .increment(1);
    if alike.is_none() {
        clock::set(tx, &draft).await?;
    }
    let root = alike.unwrap_or(draft);
    news::touch(tx, &root).await?;
    Ok(root)
}

/// The escalation that is dealt with: itself, or the one that it has joined.
pub(super) async fn root_of(tx: &mut Tx, escalation: Escalation) -> Result<Escalation> {
    let Some(parent) = &escalation.parent else { return Ok(escalation) };
    let parent = tx.escalation(parent).await?;
    parent.ok_or_else(|| anyhow::anyhow!("the escalation {} has joined none", escalation.id))
}

/// A request has ended about which a human was asked: where it went well and nobody has taken that up, nobody need be.
pub async fn heal(app: &App, claim: &Claim, request: &str) -> Result<()> {
    let outcome = app.messages.load().render("escalation_healed", &serde_json::json!({}))?;
    let (claim, request) = (claim.clone(), request.to_owned());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            tx.hold(&claim).await?;
            if let Some(own) = tx.open_escalation_of(&request).await? {
                let root = root_of(tx, own).await?;
                news::touch(tx, &root).await?;
                heal_family(tx, (&root, &request), &healed(outcome)).await?;
            }
            tx.finish_job(&claim).await
        })
    });
    write.await
}

fn healed(outcome: String) -> Resolution {
    let (person, category, automatable) = ("stationmaster".into(), SELF_HEALED.into(), "yes".into());
    Resolution { person, category, automatable, minutes: 0, outcome }
}

/// All about the request that went well is over; the escalation that others have joined is once theirs are.
async fn heal_family(tx: &mut Tx, (root, request): (&Escalation, &str), how: &Resolution) -> Result<()> {
    if root.is_claimed() || !is_well(tx, request).await? {
        return Ok(());
    }
    for child in tx.escalations_joined(&root.id).await? {
        if child.request.as_deref() == Some(request) {
            end(tx, &child, how).await?;
        }
    }
    let well = match &root.request {
        Some(own) => is_well(tx, own).await?,
        None => false,
    };
    if well && tx.escalations_joined(&root.id).await?.is_empty() {
        if root.told_at.is_some() {
            news::tell(tx, root, &news::change("healed", "")).await?;
        }
        end(tx, root, how).await?;
        clock::set(tx, &Escalation { due_at: None, ..root.clone() }).await?;
    }
    Ok(())
}

async fn is_well(tx: &mut Tx, request: &str) -> Result<bool> {
    Ok(tx.request(request).await?.is_some_and(|request| request.state == State::Succeeded))
}

/// It is over, on the record.
pub(super) async fn end(tx: &mut Tx, escalation: &Escalation, how: &Resolution) -> Result<()> {
    if tx.resolve_escalation(&escalation.id, how).await? {
        let detail =
            format!("{}: {} ({} min, self-service: {})", how.category, how.outcome, how.minutes, how.automatable);
        tx.audit(Act { subject: &escalation.id, actor: &how.person, action: "resolved", detail: &detail }).await?;
        if escalation.requester.is_some() {
            // A survey may want to know how the help was.
            let now = tx.now();
            tx.enqueue(&Job::Pulse { subject: escalation.id.clone() }, now)?;
        }
        page::follow(tx, &escalation.id, act::RESOLVE).await?;
    }
    Ok(())
}
