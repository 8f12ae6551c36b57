//! The cards of an escalation: for those who help, with everything that is known, and for whoever asked and has no other.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::evidence::Evidence;
use super::{news, right};
use crate::app::App;
use crate::chat::{Card, Tone};
use crate::clock::Span;
use crate::error::Result;
use crate::pager::Provider;
use crate::store::escalation::{ASKED, Escalation, PREFIX};
use crate::store::page::Page;
use crate::store::remark::Remark;
use crate::store::request::State;

/// How many of those who wait for the same are named.
const NAMED: usize = 5;
/// How many remarks are shown, the latest.
const REMARKS: usize = 6;

/// The card of a subject; `None` if it is none of an escalation.
pub(super) async fn card(app: &App, subject: &str) -> Result<Option<Card>> {
    if let Some(id) = subject.strip_prefix(ASKED) {
        return asked(app, id).await.map(Some);
    }
    if !subject.starts_with(PREFIX) {
        return Ok(None);
    }
    shown(app, subject).await.map(Some)
}

/// Everything that is known, for those who help.
pub(super) async fn shown(app: &App, id: &str) -> Result<Card> {
    let found = app.store.escalation(id).await?;
    let escalation = found.ok_or_else(|| anyhow::anyhow!("there is no escalation {id}"))?;
    let mut values = values(app, &escalation).await?;
    values["others"] = others(app, &escalation).await?;
    values["before"] = before(app, &escalation).await?;
    values["remarks"] = remarks(app, &escalation).await?.into();
    values["pages"] = pages(app, &escalation).await?.into();
    values["uncertain"] = is_uncertain(app, &escalation).await?.into();
    let text = app.messages.load().render("escalation_shown", &json!({ "escalation": values }))?;
    Ok(Card::read(&text, tone(&escalation)))
}

/// How it goes, for whoever asked.
async fn asked(app: &App, id: &str) -> Result<Card> {
    let own = app.store.escalation(id).await?.ok_or_else(|| anyhow::anyhow!("there is no escalation {id}"))?;
    let root = right::found(app, id).await?;
    let mut values = values(app, &root).await?;
    let evidence: Evidence = serde_json::from_str(&own.context)?;
    (values["title"], values["need"]) = (own.title.into(), evidence.need.into());
    let text = app.messages.load().render("escalation_asked", &json!({ "escalation": values }))?;
    Ok(Card::read(&text, tone(&root)))
}

/// What both cards tell.
pub(super) async fn values(app: &App, escalation: &Escalation) -> Result<Value> {
    let evidence: Evidence = serde_json::from_str(&escalation.context)?;
    let mut values = serde_json::to_value(&evidence)?;
    let roster = app.roster().await?;
    let name = |id: &Option<String>| id.as_deref().map(|id| roster.name(id).to_owned()).unwrap_or_default();
    let calendar = roster.calendar_of_team(&escalation.team);
    let opens = escalation.due_at.filter(|at| escalation.told_at.is_none() && *at > app.clock.now());
    let until = escalation.snoozed_until.or(opens).map(|at| calendar.words(at)).unwrap_or_default();
    let end = escalation.resolved_at.unwrap_or_else(|| app.clock.now());
    for (key, value) in [
        ("id", json!(escalation.id)),
        ("reason", json!(escalation.reason)),
        ("title", json!(escalation.title)),
        ("state", json!(state(escalation))),
        ("team", json!(escalation.team)),
        ("level", json!(escalation.level)),
        ("asker", json!(name(&escalation.requester))),
        ("holder", json!(name(&escalation.holder))),
        ("resolver", json!(name(&escalation.resolved_by))),
        ("until", json!(until)),
        ("since", json!(calendar.words(escalation.created_at))),
        ("age", json!(Span::from_millis(end - escalation.created_at).to_string())),
        ("request", json!(escalation.request.clone().unwrap_or_default())),
        ("category", json!(escalation.category.clone().unwrap_or_default())),
        ("outcome", json!(escalation.outcome.clone().unwrap_or_default())),
    ] {
        values[key] = value;
    }
    Ok(values)
}

/// Where it is, in one word.
fn state(escalation: &Escalation) -> &'static str {
    match escalation {
        Escalation { resolved_at: Some(_), .. } => "resolved",
        Escalation { snoozed_until: Some(_), .. } => "snoozed",
        Escalation { claimed_at: Some(_), .. } => "claimed",
        Escalation { holder: Some(_), .. } => "handed",
        Escalation { told_at: Some(_), .. } => "asked",
        Escalation { due_at: Some(_), .. } => "waiting",
        _ => "unheard",
    }
}

fn tone(escalation: &Escalation) -> Tone {
    match state(escalation) {
        "resolved" => Tone::Good,
        "claimed" => Tone::Active,
        "snoozed" => Tone::Neutral,
        _ => Tone::Waiting,
    }
}

/// Those who wait for the same: how many, and the names of the first, each once.
async fn others(app: &App, escalation: &Escalation) -> Result<Value> {
    let joined = app.store.escalations_joined(&escalation.id).await?;
    let roster = app.roster().await?;
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    // The same person may have asked for a human about the very same request.
    let elsewhere = joined.iter().filter(|one| one.request.is_none() || one.request != escalation.request);
    let count = elsewhere.clone().count();
    for id in elsewhere.filter_map(|one| one.requester.as_deref()) {
        names.insert(id, roster.name(id));
    }
    let more = names.len().saturating_sub(NAMED);
    let names: Vec<&str> = names.into_values().take(NAMED).collect();
    Ok(json!({"count": count, "names": names.join(", "), "more": more}))
}

/// What was done about the same trouble before.
async fn before(app: &App, escalation: &Escalation) -> Result<Value> {
    let Some(past) = app.store.escalations_before(escalation).await? else {
        return Ok(json!({"count": 0, "category": "", "outcome": "", "ago": ""}));
    };
    let ago = Span::from_millis(app.clock.now() - past.resolved_at.unwrap_or_default());
    let (category, outcome) = (past.category.unwrap_or_default(), past.outcome.unwrap_or_default());
    Ok(json!({"count": past.count, "category": category, "outcome": outcome, "ago": ago.to_string()}))
}

async fn remarks(app: &App, escalation: &Escalation) -> Result<Vec<Value>> {
    let remarks = app.store.remarks(&escalation.id).await?;
    let roster = app.roster().await?;
    let told = |remark: &Remark| json!({"name": roster.name(&remark.person), "kind": remark.kind, "body": remark.body});
    Ok(remarks[remarks.len().saturating_sub(REMARKS)..].iter().map(told).collect())
}

/// Who was paged, and where that could not be done, why.
async fn pages(app: &App, escalation: &Escalation) -> Result<Vec<Value>> {
    let told = |page: &Page| {
        let provider = app.pager.alerted(&page.team).map_or("", Provider::title);
        json!({"team": page.team, "provider": provider, "paged": page.settled.is_some(), "error": page.error})
    };
    Ok(app.store.pages(&escalation.id).await?.iter().map(told).collect())
}

/// Whether a step waits for somebody to say what became of it.
async fn is_uncertain(app: &App, escalation: &Escalation) -> Result<bool> {
    let Some(request) = &escalation.request else { return Ok(false) };
    Ok(app.store.request(request).await?.is_some_and(|request| request.state == State::Uncertain))
}

/// An escalation in a list.
pub(super) fn row(app: &App, escalation: &Escalation, person: &str) -> Value {
    let mut row = news::brief(escalation);
    row["state"] = state(escalation).into();
    row["mine"] = (escalation.is_claimed() && escalation.holder.as_deref() == Some(person)).into();
    row["ago"] = Span::from_millis(app.clock.now() - escalation.created_at).to_string().into();
    row["team"] = escalation.team.as_str().into();
    row
}
