//! What a request's card says of the human who was asked about it, and whether it offers one.

use serde_json::{Value, json};

use crate::app::App;
use crate::error::Result;
use crate::store::escalation::Escalation;
use crate::store::request::{Request, State};

/// What the messages of a request are given.
pub(super) async fn values(app: &App, request: &Request) -> Result<Value> {
    let open = match request.state {
        State::Succeeded | State::Confirm => None,
        _ => root(app, &request.id).await?,
    };
    let bad = matches!(request.state, State::Failed | State::Uncertain | State::Expired);
    let long = request.long_at.is_some() && !request.state.is_end();
    let mut values = json!({"state": "", "name": "", "team": "", "until": "", "outcome": "", "open": false});
    values["offer"] = (bad || long).into();
    let Some(escalation) = open else { return Ok(values) };
    if escalation.is_resolved() && !bad {
        // Whatever it was about, the request has gone on since.
        return Ok(values);
    }
    values["state"] = state(&escalation).into();
    values["open"] = (!escalation.is_resolved()).into();
    values["team"] = escalation.team.as_str().into();
    let who = escalation.resolved_by.as_ref().or(escalation.holder.as_ref());
    if let Some(who) = who {
        values["name"] = app.person(who).await?.name.into();
    }
    values["outcome"] = escalation.outcome.as_deref().unwrap_or_default().into();
    let opens = escalation.due_at.filter(|at| escalation.told_at.is_none() && *at > app.clock.now());
    if let Some(until) = escalation.snoozed_until.or(opens) {
        let roster = app.roster().await?;
        values["until"] = roster.calendar_of(&request.person).words(until).into();
    }
    Ok(values)
}

/// The escalation that is dealt with for a request: its own, or the one that it joined.
async fn root(app: &App, request: &str) -> Result<Option<Escalation>> {
    let Some(own) = app.store.escalation_of(request).await? else { return Ok(None) };
    match &own.parent {
        Some(parent) if !own.is_resolved() => app.store.escalation(parent).await,
        _ => Ok(Some(own)),
    }
}

fn state(escalation: &Escalation) -> &'static str {
    match escalation {
        Escalation { resolved_at: Some(_), .. } => "resolved",
        Escalation { snoozed_until: Some(_), .. } => "snoozed",
        Escalation { claimed_at: Some(_), .. } => "claimed",
        Escalation { told_at: Some(_), .. } => "asked",
        Escalation { due_at: Some(_), .. } => "waiting",
        _ => "unheard",
    }
}
