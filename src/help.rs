//! Finding one's way: help, home, one's own requests, who one is, and completion as one types.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::chat::{Card, Reply, Token, Tone};
use crate::error::{Result, UserError};

/// How many commands an answer shows.
const SHOWN: usize = 8;

/// What Stationmaster answers by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// What can be done here.
    Home,
    /// Commands for what somebody means.
    Help(String),
    /// One's own requests.
    Requests,
    /// Who one is to Stationmaster.
    Whoami,
}

/// The topic of a line, if it is none of the catalogue's.
pub fn read(words: &str) -> Option<Topic> {
    let line = words.trim().trim_start_matches("@stationmaster").trim_start();
    let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match first.trim_start_matches('/').to_lowercase().as_str() {
        "" | "home" => Some(Topic::Home),
        "help" | "?" => Some(Topic::Help(rest.trim().to_owned())),
        "requests" => Some(Topic::Requests),
        "whoami" => Some(Topic::Whoami),
        _ => None,
    }
}

/// The answer to a topic.
pub async fn answer(app: &App, topic: &Topic, asker: &Asker) -> Result<Reply> {
    let (name, values) = match topic {
        Topic::Home => ("home_opened", home(app, asker).await?),
        Topic::Help(words) if words.is_empty() => ("help_opened", json!({"commands": commands(app, asker)})),
        Topic::Help(words) => search(app, words, asker).await?,
        Topic::Requests => ("requests_listed", json!({"requests": requests(app, asker, 15).await?})),
        Topic::Whoami => ("person_shown", json!({"person": asker.person})),
    };
    Ok(Reply::Card(Card::read(&app.messages.load().render(name, &values)?, Tone::Neutral)))
}

/// Proposals while somebody types.
pub async fn suggest(
    app: &App,
    token: &Token,
    (typed, values): (&str, &BTreeMap<String, Value>),
    asker: &Asker,
) -> Result<Reply> {
    let catalogue = app.catalogue.load_full();
    let choices = match token.parts() {
        ("say", _) => catalogue.complete(typed, asker, &app.choices).await,
        ("field", field) => match field.rsplit_once(':') {
            Some((command, param)) => {
                catalogue.suggest_field((command, param), (typed, values), asker, &app.choices).await
            }
            None => Vec::new(),
        },
        _ => Vec::new(),
    };
    Ok(Reply::Choices(choices))
}

async fn home(app: &App, asker: &Asker) -> Result<Value> {
    Ok(json!({
        "person": asker.person,
        "requests": requests(app, asker, 5).await?,
        "commands": commands(app, asker).into_iter().take(SHOWN).collect::<Vec<_>>(),
    }))
}

/// The commands that the asker may run here, by name.
fn commands(app: &App, asker: &Asker) -> Vec<Value> {
    let catalogue = app.catalogue.load();
    let may = |command: &&std::sync::Arc<crate::catalogue::command::Command>| {
        asker.person.may(&command.file.allow, &asker.place).is_ok()
    };
    catalogue.commands.values().filter(may).take(50).map(|command| row(command)).collect()
}

fn row(command: &crate::catalogue::command::Command) -> Value {
    let line = format!("/{}", command.file.name);
    json!({
        "name": command.file.name,
        "summary": command.file.summary,
        "capability": command.capability.title,
        "fill": percent_encoding::utf8_percent_encode(&line, percent_encoding::NON_ALPHANUMERIC).to_string(),
    })
}

async fn search(app: &App, words: &str, asker: &Asker) -> Result<(&'static str, Value)> {
    if words.chars().count() > 200 {
        return Err(UserError::invalid("That is too long to look for.").hint("use a few words").into());
    }
    let hits = app.catalogue.load().search(words, asker);
    if hits.is_empty() {
        app.store.record_gap(words, &asker.person.id, &asker.place).await?;
        return Ok(("help_missed", json!({"words": words})));
    }
    let commands: Vec<Value> = hits.iter().take(SHOWN).map(|hit| row(&hit.command)).collect();
    Ok(("help_found", json!({"words": words, "commands": commands})))
}

async fn requests(app: &App, asker: &Asker, most: i64) -> Result<Vec<Value>> {
    let requests = app.store.requests_of(&asker.person.id, most).await?;
    let row = |request: &crate::store::request::Request| {
        let began = crate::clock::Span::from_millis(app.clock.now() - request.created_at);
        json!({
            "id": request.id,
            "command": request.command,
            "state": request.state.name().replace('_', " "),
            "ago": began.to_string(),
        })
    };
    Ok(requests.iter().map(row).collect())
}
