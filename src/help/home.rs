//! Home: what waits for somebody, what became of what they asked for, and what they use most.

use serde_json::{Map, Value, json};

use super::{SHOWN, commands, row};
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::clock::Span;
use crate::error::Result;
use crate::people::electorate;
use crate::store::escalation::Escalation;
use crate::store::request::{Request, State};

/// How many requests that wait for an answer are shown, and how many others.
const WAITING: i64 = 3;
const LATEST: i64 = 5;
/// How many favourites are shown.
const FAVOURITES: usize = 5;
/// How far back use counts: 90 days.
const SEASON: Span = Span::from_secs(90 * 24 * 3600);
/// The most characters of a button's words that say which request it is about.
const BRIEF: usize = 36;

/// What the home's message is given.
pub(super) async fn values(app: &App, asker: &Asker) -> Result<Value> {
    let (waiting, latest, favourites, wanted) = futures::try_join!(
        app.store.unconfirmed_requests(&asker.person.id, WAITING),
        requests(app, asker, LATEST + WAITING),
        favourites(app, asker),
        wanted(app, asker)
    )?;
    let waiting: Vec<Value> = waiting.iter().map(|request| shown(app, request)).collect();
    let is_other = |request: &Value| request["act"] != "confirm";
    let mut latest: Vec<Value> = latest.into_iter().filter(is_other).take(LATEST as usize).collect();
    say_once(&mut latest);
    let first = if favourites.is_empty() { commands(app, asker) } else { Vec::new() };
    Ok(json!({
        "person": asker.person,
        "waiting": waiting,
        "requests": latest,
        "wanted": wanted,
        "deciding": deciding(app, asker).await?,
        "favourites": favourites,
        "commands": first.into_iter().take(SHOWN).collect::<Vec<_>>(),
    }))
}

/// How many escalations wait for the asker, or for somebody whom they stand in for.
async fn wanted(app: &App, asker: &Asker) -> Result<usize> {
    let open = app.store.open_escalations().await?;
    if open.is_empty() {
        return Ok(0);
    }
    let (roster, now, me) = (app.roster().await?, app.clock.now(), &asker.person);
    let stands_in =
        |other: &String| roster.is_away(other, now) && roster.stand_ins(other, now).contains(&me.id.as_str());
    let for_another =
        |one: &Escalation| one.asked().people.iter().any(|other| stands_in(other) && one.waits_for(other, &[]));
    Ok(open.iter().filter(|one| one.waits_for(&me.id, &me.teams) || for_another(one)).count())
}

/// How many approvals wait for the asker.
async fn deciding(app: &App, asker: &Asker) -> Result<usize> {
    let open = app.store.open_approvals(&asker.person.id).await?;
    if open.is_empty() {
        return Ok(0);
    }
    let roster = app.roster().await?;
    Ok(electorate::waiting(&roster, &open, (&asker.person, app.clock.now())).len())
}

/// Of several requests for the same, only the latest offers to run it again.
fn say_once(requests: &mut [Value]) {
    let mut offered = Vec::new();
    for request in requests.iter_mut().filter(|request| request["act"] == "repeat") {
        if offered.contains(&request["brief"]) {
            request["act"] = "".into();
        } else {
            offered.push(request["brief"].clone());
        }
    }
}

/// The asker's latest requests.
pub(super) async fn requests(app: &App, asker: &Asker, most: i64) -> Result<Vec<Value>> {
    let requests = app.store.requests_of(&asker.person.id, most).await?;
    Ok(requests.iter().map(|request| shown(app, request)).collect())
}

/// The commands that the asker uses most and may use here.
async fn favourites(app: &App, asker: &Asker) -> Result<Vec<Value>> {
    let since = app.clock.now() - SEASON.millis();
    // Some may be gone by now, or are not for this conversation.
    let names = app.store.favourite_commands(&asker.person.id, since, 4 * FAVOURITES as i64).await?;
    let catalogue = app.catalogue.load();
    let known = names.iter().filter_map(|name| catalogue.commands.get(name));
    let usable = known.filter(|command| asker.may(&command.file.allow).is_ok());
    Ok(usable.take(FAVOURITES).map(|command| row(command)).collect())
}

fn shown(app: &App, request: &Request) -> Value {
    let ago = Span::from_millis(app.clock.now() - request.created_at);
    json!({
        "id": request.id,
        "command": request.command,
        "brief": brief(request),
        "state": request.state.name().replace('_', " "),
        "ago": ago.to_string(),
        "act": act(app, request),
    })
}

/// What can be done about a request, as the verb of its button; empty if nothing.
fn act(app: &App, request: &Request) -> &'static str {
    let catalogue = app.catalogue.load();
    let command = catalogue.commands.get(&request.command);
    let forgets = command.is_some_and(|command| command.file.has_secrets());
    match request.state {
        State::Confirm => "confirm",
        State::AwaitingApproval | State::Queued | State::Running if request.cancel_at.is_none() => "cancel",
        State::Failed if !forgets => "retry",
        State::Succeeded | State::Cancelled | State::Expired if command.is_some() && !forgets => "repeat",
        _ => "",
    }
}

/// The command with its first value, which mostly says what it is about.
fn brief(request: &Request) -> String {
    let input: Map<String, Value> = serde_json::from_str(&request.input).unwrap_or_default();
    let first = input.values().find_map(Value::as_str).unwrap_or_default();
    let line = format!("{} {first}", request.command);
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= BRIEF {
        return line;
    }
    let cut: String = line.chars().take(BRIEF - 1).collect();
    format!("{}…", cut.trim_end())
}
