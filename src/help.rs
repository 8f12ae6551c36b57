//! Finding one's way: help, home, one's own requests, who one is, and completion as one types.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::app::App;
use crate::catalogue::command::Command;
use crate::catalogue::menu;
use crate::catalogue::resolve::Asker;
use crate::chat::{Card, Choice, Form, Input, Reply, Token, Tone};
use crate::error::{Result, UserError};

mod home;
mod whoami;

/// How many commands an answer shows.
const SHOWN: usize = 8;
/// How many proposals a line has.
const PROPOSED: usize = 8;

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
    let (first, rest) = menu::first_word(words);
    match first.as_str() {
        "" | "home" => Some(Topic::Home),
        "help" | "?" => Some(Topic::Help(rest.to_owned())),
        "requests" => Some(Topic::Requests),
        "whoami" => Some(Topic::Whoami),
        _ => None,
    }
}

/// The answer to a topic.
pub async fn answer(app: &App, topic: &Topic, asker: &Asker) -> Result<Reply> {
    let (name, values) = match topic {
        Topic::Home => ("home_opened", home::values(app, asker).await?),
        Topic::Help(words) if words.is_empty() => ("help_opened", json!({"commands": commands(app, asker)})),
        Topic::Help(words) => search(app, words, asker).await?,
        Topic::Requests => ("requests_listed", json!({"requests": home::requests(app, asker, 15).await?})),
        Topic::Whoami => ("person_shown", whoami::values(app, asker).await?),
    };
    Ok(Reply::Card(Card::read(&app.messages.load().render(name, &values)?, Tone::Neutral)))
}

/// A form with one field, in which any command can be typed and is proposed. Its words are those of a message: the title,
/// the field's label and help as a fact, and the button.
pub fn start(app: &App) -> Result<Reply> {
    let text = app.messages.load().render("start_opened", &json!({}))?;
    let line = ("line", Input::Lookup(Token::received("say")), true);
    Ok(Reply::Form(Form::read(&text, Token::received("say"), vec![line])))
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
        ("say", _) => {
            let mut choices: Vec<Choice> = catalogue.complete(typed, asker, &app.choices).await;
            choices.extend(menu::complete(typed));
            choices.truncate(PROPOSED);
            choices
        }
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

/// The commands that the asker may run here, by name.
fn commands(app: &App, asker: &Asker) -> Vec<Value> {
    let catalogue = app.catalogue.load();
    let may = |command: &&std::sync::Arc<Command>| asker.may(&command.file.allow).is_ok();
    catalogue.commands.values().filter(may).take(50).map(|command| row(command)).collect()
}

fn row(command: &Command) -> Value {
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
        let gap = app.store.record_gap(words, &asker.person.id, &asker.place).await?;
        return Ok(("help_missed", json!({"words": words, "gap": gap})));
    }
    let commands: Vec<Value> = hits.iter().take(SHOWN).map(|hit| row(&hit.command)).collect();
    Ok(("help_found", json!({"words": words, "commands": commands})))
}
