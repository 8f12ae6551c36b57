//! The one card of a request, as it is now.

use serde_json::{Value, json};

use super::input_of;
use crate::app::App;
use crate::catalogue::command::CommandFile;
use crate::chat::{Card, Progress, Tone};
use crate::clock::Span;
use crate::error::Result;
use crate::store::request::{Request, State};
use crate::store::step::{Course, Step, state};

/// How many lines of a log the card of a failed request shows.
const SHORT_LOG: usize = 8;
/// How many lines of each log the details show.
const LONG_LOG: usize = 40;

/// The card of a request.
pub async fn card(app: &App, id: &str) -> Result<Card> {
    let request = app.store.request(id).await?.ok_or_else(|| anyhow::anyhow!("there is no request {id}"))?;
    let command: CommandFile = serde_json::from_str(&app.store.definition(&request.definition).await?)?;
    let steps = app.store.steps(id).await?;
    let person = app.person(&request.person).await?;
    let mut values = values(app, &request, &command, &steps)?;
    values["person"] = json!({"id": person.id, "name": person.name});
    values["human"] = super::human::values(app, &request).await?;
    values["approval"] = match &command.approval {
        Some(_) => super::approval::of_request(app, &request).await?,
        None => Value::Null,
    };
    values["denied"] = (values["approval"]["state"] == crate::store::approval::state::DENIED).into();
    let text = app.messages.load().render(&format!("request_{}", request.state.name()), &values)?;
    let mut card = Card::read(&text, tone(&request));
    card.progress = progress(&request, &command, &steps);
    Ok(card)
}

/// What was done for a request, step by step, with the logs: for the thread of its card.
pub async fn details(app: &App, id: &str) -> Result<Card> {
    let steps = app.store.steps(id).await?;
    let rows: Vec<Value> = steps.iter().enumerate().map(|(index, step)| detail(index, step)).collect();
    let text = app.messages.load().render("request_detailed", &json!({"id": id, "steps": rows}))?;
    Ok(Card::read(&text, Tone::Neutral))
}

fn detail(index: usize, step: &Step) -> Value {
    let took = step.ended_at.map(|end| Span::from_millis(end - step.started_at).to_string());
    json!({
        "number": index + 1,
        "name": step.name,
        "undo": step.course() == Course::Undo,
        "state": step.state,
        "took": took,
        "again": step.attempt > 1,
        "attempt": step.attempt,
        "summary": step.summary,
        "link": step.link.as_deref().filter(|link| crate::markdown::is_safe(link)),
        "log": tail(&step.log, LONG_LOG),
    })
}

fn values(app: &App, request: &Request, command: &CommandFile, steps: &[Step]) -> Result<Value> {
    let began = request.started_at.unwrap_or(request.created_at);
    let until = request.ended_at.unwrap_or_else(|| app.clock.now());
    let rows: Vec<Value> = steps.iter().map(row).collect();
    let undone = steps.iter().filter(|s| s.course() == Course::Undo && s.state == state::DONE).count();
    let remains: Vec<Value> =
        steps.iter().filter(|s| s.course() == Course::Undo && state::is_bad(&s.state)).map(row).collect();
    let failed = steps.iter().rev().find(|s| state::is_bad(&s.state));
    Ok(json!({
        "id": request.id,
        "command": command.name,
        "summary": command.summary,
        "said": command.said(&input_of(request)?),
        "state": request.state.name(),
        "why": request.summary,
        "approver": super::plan::approver(app, &request.summary, &request.capability),
        "reply": request.reply,
        "link": request.link.as_deref().filter(|link| crate::markdown::is_safe(link)),
        "steps": rows,
        "failed": failed.map(row),
        "log": failed.map(|s| tail(&s.log, SHORT_LOG)).filter(|log| !log.is_empty()),
        "undone": undone,
        "remains": remains,
        "undoing": request.ending.is_some() && !request.state.is_end(),
        "cancelling": request.cancel_at.is_some() && !request.state.is_end(),
        "took": Span::from_millis(until - began).to_string(),
        "has_secrets": command.has_secrets(),
    }))
}

fn row(step: &Step) -> Value {
    json!({
        "name": step.name,
        "state": step.state,
        "declined": step.state == state::DECLINED,
        "summary": step.summary,
        "link": step.link,
        "attempt": step.attempt,
    })
}

/// The last lines of a log, as a code block shows them.
fn tail(log: &str, most: usize) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(most)..].join("\n")
}

fn tone(request: &Request) -> Tone {
    match request.state {
        State::Confirm | State::AwaitingApproval => Tone::Waiting,
        State::Queued | State::Running => Tone::Active,
        State::Succeeded => Tone::Good,
        State::Failed | State::Expired | State::Uncertain => Tone::Bad,
        State::Cancelled => Tone::Neutral,
    }
}

/// The share of steps that are over, refined by what the current one says of itself.
fn progress(request: &Request, command: &CommandFile, steps: &[Step]) -> Option<Progress> {
    if request.state != State::Running {
        return None;
    }
    let all = command.step.len().max(1) as i64;
    let done = steps.iter().filter(|s| s.course() == Course::Do && s.ended_at.is_some()).count() as i64;
    let within = if request.ending.is_some() { 0 } else { request.percent.unwrap_or(0) };
    let percent = ((done * 100 + within) / all).clamp(0, 100);
    let label = if request.label.is_empty() { command.name.clone() } else { request.label.clone() };
    Some(Progress { percent: u8::try_from(percent).unwrap_or(100), label })
}
