//! What the API shows of requests and of the catalogue.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::app::App;
use crate::catalogue::Catalogue;
use crate::catalogue::command::Command;
use crate::catalogue::parameter::Parameter;
use crate::clock::Millis;
use crate::error::Result;
use crate::markdown;
use crate::people::Person;
use crate::store::request::Request;
use crate::store::step::{Course, Step};

/// A request with its steps. Outputs are left out: they may hold secrets, and what its author wants known is in `reply`.
pub(super) fn request(app: &App, request: &Request, steps: &[Step]) -> Result<Value> {
    let steps: Vec<Value> = steps.iter().map(step).collect();
    Ok(json!({
        "id": request.id,
        "url": format!("{}/api/requests/{}", app.config.public_url(), request.id),
        "command": request.command,
        "capability": request.capability,
        "person": request.person,
        "input": serde_json::from_str::<Value>(&request.input)?,
        "state": request.state.name(),
        "ended": request.state.is_end(),
        "summary": request.summary,
        "reply": request.reply.as_deref().map(|reply| markdown::plain(&markdown::parse(reply))),
        "link": request.link,
        "progress": { "percent": request.percent, "label": request.label },
        "steps": steps,
        "created_at": at(Some(request.created_at)),
        "started_at": at(request.started_at),
        "ended_at": at(request.ended_at),
        "deadline_at": at(Some(request.deadline_at)),
    }))
}

fn step(step: &Step) -> Value {
    json!({
        "name": step.name,
        "undo": step.course() == Course::Undo,
        "state": step.state,
        "attempt": step.attempt,
        "summary": step.summary,
        "link": step.link,
    })
}

/// RFC 3339, in UTC.
fn at(millis: Option<Millis>) -> Option<String> {
    millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()).map(|time| time.to_string())
}

/// The capabilities and commands that the person may use.
pub(super) fn catalogue(catalogue: &Catalogue, person: &Person, place: &str) -> Value {
    let usable = |command: &&std::sync::Arc<Command>| person.may(&command.file.allow, place).is_ok();
    let capabilities: Vec<Value> = catalogue
        .capabilities
        .values()
        .map(|capability| {
            let own = catalogue.commands.values().filter(|command| command.capability.name == capability.name);
            let commands: Vec<Value> = own.filter(usable).map(|command| self::command(command)).collect();
            json!({
                "name": capability.name,
                "title": capability.title,
                "need": capability.need,
                "owner": capability.owner,
                "maturity": capability.maturity,
                "docs": capability.docs,
                "commands": commands,
            })
        })
        .filter(|capability| capability["commands"].as_array().is_some_and(|commands| !commands.is_empty()))
        .collect();
    json!({ "capabilities": capabilities })
}

fn command(command: &Command) -> Value {
    let parameters: Vec<Value> = command.file.param.iter().map(parameter).collect();
    json!({
        "name": command.file.name,
        "summary": command.file.summary,
        "may_ask_to_confirm": command.file.confirm.is_some(),
        "may_need_approval": command.file.approval.is_some(),
        "parameters": parameters,
    })
}

fn parameter(parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "type": parameter.kind,
        "help": parameter.help,
        "required": !parameter.optional && parameter.default.is_none(),
        "default": parameter.default,
        "choices": parameter.choices,
        "pattern": parameter.pattern,
        "min": parameter.min,
        "max": parameter.max,
    })
}
