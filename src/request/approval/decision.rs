//! Deciding: one vote after the other, and what follows from the last one, each in one transaction.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::renewal::{self, Renewal};
use super::sheet::{self, Sheet};
use super::tally::{self, Entitled, Tally};
use super::{Case, refusal, told, trace};
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::chat::{Input, Reply, Tone};
use crate::clock::Span;
use crate::error::Result;
use crate::job::Job;
use crate::people::roster::Roster;
use crate::store::Tx;
use crate::store::approval::{Approval, Close, state};
use crate::store::audit::Act;
use crate::store::message::Priority;
use crate::store::request::{Change, State};
use crate::store::vote::{Vote, verdict};

/// How often a vote is tried again when others vote at the same moment.
const TRIES: usize = 64;
/// The fewest characters of a reason for a denial.
const SHORTEST: usize = 3;
/// The most characters of anything that somebody writes about an approval.
pub(super) const LONGEST: usize = 1000;

/// What came of a vote.
pub(super) enum Outcome {
    /// Something has happened meanwhile: look again.
    Stale,
    /// So many more must approve; none if it was the last.
    Missing(usize),
}

/// "Yes": a vote, if the asker may and what would be done is still what was put to them.
pub(super) async fn approve(app: &App, id: &str, asker: &Asker) -> Result<Reply> {
    for _ in 0..TRIES {
        let case = Case::load(app, id).await?;
        let roster = app.roster().await?;
        refusal::closed(app, &case, &roster)?;
        let tally = tally::count(app, &case, &roster).await?;
        let entitled = tally.admit(&case, &roster, (&case.electorate(app, &roster), asker))?;
        if let Some(reply) = refresh(app, &case).await? {
            return Ok(reply);
        }
        match vote(app, case, tally, (entitled, asker)).await? {
            Outcome::Stale => {}
            Outcome::Missing(missing) => {
                let values = json!({ "missing": missing, "more": refusal::more(missing) });
                return told(app, ("approval_counted", Tone::Good), &json!({ "approval": values }));
            }
        }
    }
    Err(refusal::busy().into())
}

/// Looks whether it would still do what was put to people, and does what is due if not; then that is what is answered.
pub(super) async fn refresh(app: &App, case: &Case) -> Result<Option<Reply>> {
    match renewal::look(app, &case.request, &case.approval).await? {
        Renewal::Same => Ok(None),
        Renewal::Changed(changed) => {
            let changes = changed.changes(&case.plan)?;
            renewal::reopen(app, &case.approval, *changed, None).await?;
            told(app, ("approval_changed", Tone::Waiting), &json!({ "approval": { "changes": changes } })).map(Some)
        }
        Renewal::Gone(why) => {
            renewal::call_off(app, &case.approval, &why).await?;
            told(app, ("approval_ended", Tone::Neutral), &json!({ "approval": { "why": why } })).map(Some)
        }
    }
}

async fn vote(app: &App, case: Case, tally: Tally, (entitled, asker): (Entitled, &Asker)) -> Result<Outcome> {
    let on_behalf = entitled.on_behalf_of.as_deref().map(|of| format!(", for {of}")).unwrap_or_default();
    let detail = format!("{} as {}{on_behalf}", case.trace(), asker.signature());
    let vote = Vote {
        approval: case.approval.id.clone(),
        person: asker.person.id.clone(),
        identity: asker.signature(),
        verdict: verdict::APPROVE.into(),
        on_behalf_of: entitled.on_behalf_of,
        standing: None,
        reason: String::new(),
        at: 0,
    };
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            if !is_open(tx, &case.approval).await? || !tally.is_current(tx, &case.approval.id).await? {
                return Ok(Outcome::Stale);
            }
            if !tx.insert_vote(&vote).await? {
                return Ok(Outcome::Stale);
            }
            let act = Act { subject: &case.request.id, actor: &vote.person, action: "approve", detail: &detail };
            tx.audit(act).await?;
            let missing = case.terms.quorum.saturating_sub(tally.yes.len() + 1);
            if missing == 0 {
                grant(tx, &case.approval, (&vote.person, case.deadline())).await?;
            } else {
                tx.touch(&case.approval.id, Priority::State).await?;
                tx.touch(&case.request.id, Priority::State).await?;
            }
            Ok(Outcome::Missing(missing))
        })
    });
    write.await
}

impl Tally {
    /// Whether no vote has come since the count.
    async fn is_current(&self, tx: &mut Tx, approval: &str) -> Result<bool> {
        let votes = tx.votes(approval).await?;
        Ok(votes.len() == self.seen.len() && votes.iter().all(|vote| self.seen.contains(&vote.person)))
    }
}

/// Whether an approval can still be decided, as it was when it was looked at.
pub(super) async fn is_open(tx: &mut Tx, seen: &Approval) -> Result<bool> {
    let Some(found) = tx.approval(&seen.id).await? else { return Ok(false) };
    let waits = tx.request(&seen.request).await?.is_some_and(|request| request.state == State::AwaitingApproval);
    Ok(waits && found.decided_at.is_none() && found.level == seen.level && tx.now() < found.expires_at)
}

/// Enough people have said yes: the request runs, and its time begins anew.
pub(super) async fn grant(tx: &mut Tx, approval: &Approval, (by, deadline): (&str, Span)) -> Result<()> {
    tx.close_approval(Close { approval: &approval.id, state: state::APPROVED, by }).await?;
    let request = approval.request.as_str();
    tx.audit(Act { subject: request, actor: by, action: "approved", detail: &trace(approval) }).await?;
    tx.set_deadline(request, tx.now() + deadline.millis()).await?;
    tx.change_request(Change { request, state: State::Queued, actor: by, summary: "" }).await?;
    tx.enqueue(&Job::Perform { request: request.to_owned() }, tx.now())
}

/// "No": the form that asks why.
pub(super) async fn start_denial(app: &App, id: &str, asker: &Asker) -> Result<Reply> {
    let case = Case::load(app, id).await?;
    check(app, &case, asker).await?;
    denial(id).open(app, &BTreeMap::new(), None)
}

fn denial(id: &str) -> Sheet {
    Sheet::new(("deny", id), "approval_denial_opened", vec![("reason", Input::Text, true)])
}

/// Whether an asker may decide about a case now.
async fn check(app: &App, case: &Case, asker: &Asker) -> Result<()> {
    let roster: Roster<'_> = app.roster().await?;
    refusal::closed(app, case, &roster)?;
    tally::entitle(case, &case.electorate(app, &roster), asker)?;
    Ok(())
}

/// "No", with the reason: one is enough, and it ends the request.
pub(super) async fn deny(app: &App, id: &str, values: &BTreeMap<String, Value>, asker: &Asker) -> Result<Reply> {
    let reason = match sheet::text(values, "reason", (SHORTEST, LONGEST)) {
        Ok(reason) => reason,
        Err(mistake) => return denial(id).open(app, values, Some(&mistake)),
    };
    let case = Case::load(app, id).await?;
    check(app, &case, asker).await?;
    let (actor, name, signature) = (asker.person.id.clone(), asker.person.name.clone(), asker.signature());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            if !is_open(tx, &case.approval).await? {
                return Ok(false);
            }
            let detail = format!("{} as {signature}: {reason}", case.trace());
            let (approval, request) = (case.approval.id.as_str(), case.request.id.as_str());
            tx.close_approval(Close { approval, state: state::DENIED, by: &actor }).await?;
            tx.insert_vote(&no(approval, (&actor, &signature), &reason)).await?;
            tx.audit(Act { subject: request, actor: &actor, action: "denied", detail: &detail }).await?;
            let summary = format!("Not approved by {name}: {reason}");
            tx.change_request(Change { request, state: State::Cancelled, actor: &actor, summary: &summary }).await?;
            // A card that only changes calls nobody back who has waited for hours.
            let values = json!({ "approval": { "person": name, "why": reason } });
            let notice = tx.insert_notice("approval_refused", Tone::Bad, &values).await?;
            tx.tell_in_threads(&notice, request).await?;
            Ok(true)
        })
    });
    if write.await? {
        return told(app, ("approval_denied", Tone::Neutral), &json!({}));
    }
    // Somebody was faster, and what they have decided is the answer.
    let case = Case::load(app, id).await?;
    check(app, &case, asker).await?;
    Err(refusal::busy().into())
}

fn no(approval: &str, (person, identity): (&str, &str), reason: &str) -> Vote {
    Vote {
        approval: approval.into(),
        person: person.into(),
        identity: identity.into(),
        verdict: verdict::DENY.into(),
        on_behalf_of: None,
        standing: None,
        reason: reason.into(),
        at: 0,
    }
}
