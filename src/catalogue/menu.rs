//! What can be typed, as platforms offer it: the commands of the catalogue, and what Stationmaster answers itself.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Catalogue;
use super::form::form;
use super::given::Given;
use crate::chat::{Choice, Field, Input, Offer};

/// What Stationmaster answers itself: its word, what it does, and what may follow the word.
struct BuiltIn {
    name: &'static str,
    summary: &'static str,
    /// The name of what may follow, and a line that helps.
    input: Option<(&'static str, &'static str)>,
}

const BUILT_IN: [BuiltIn; 12] = [
    BuiltIn {
        name: "help",
        summary: "Find a command by what you mean",
        input: Some(("words", "What you want to do, in your own words")),
    },
    BuiltIn { name: "home", summary: "See what waits for you and what you asked for", input: None },
    BuiltIn { name: "requests", summary: "See your latest requests", input: None },
    BuiltIn { name: "surveys", summary: "See what you are asked, and what came of it", input: None },
    BuiltIn { name: "approvals", summary: "See what waits for you to decide", input: None },
    BuiltIn { name: "escalations", summary: "See who needs your help", input: None },
    BuiltIn {
        name: "toil",
        summary: "See what people did by hand, and what needed nobody",
        input: Some(("window", "30d or 90d")),
    },
    BuiltIn { name: "whoami", summary: "See who you are here, and what you belong to", input: None },
    BuiltIn {
        name: "link",
        summary: "Be one person on several platforms",
        input: Some(("code", "The code that /link showed you on the other platform")),
    },
    BuiltIn { name: "unlink", summary: "Make one of your identities a person of its own again", input: None },
    BuiltIn {
        name: "away",
        summary: "Say that you are away, and who decides for you",
        input: Some(("until", "Until when, and who decides: Monday to ben because of holidays; or back")),
    },
    BuiltIn {
        name: "oncall",
        summary: "See who is on call",
        input: Some(("team", "The team; all of them if left out")),
    },
];

/// Whether Stationmaster answers this first word itself, so that no command may begin with it.
pub fn is_built_in(word: &str) -> bool {
    BUILT_IN.iter().any(|built_in| built_in.name == word)
}

/// The first word of a line, in small letters and without its slash, and what follows it. A leading mention of the bot
/// is no word.
pub fn first_word(line: &str) -> (String, &str) {
    let line = line.trim().trim_start_matches("@stationmaster").trim_start();
    let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    (first.trim_start_matches('/').to_lowercase(), rest.trim())
}

/// The line that says the same as a native command, if Stationmaster answers that itself.
pub fn line(command: &str, input: &BTreeMap<String, Value>) -> Option<String> {
    let built_in = BUILT_IN.iter().find(|built_in| built_in.name == command)?;
    let given = built_in.input.and_then(|(name, _)| input.get(name)).and_then(Value::as_str);
    Some(format!("/{command} {}", given.unwrap_or_default()).trim_end().to_owned())
}

/// What Stationmaster answers itself, as platforms offer it.
pub fn built_in() -> impl Iterator<Item = Offer> {
    BUILT_IN.iter().map(|built_in| Offer {
        name: built_in.name.to_owned(),
        summary: built_in.summary.to_owned(),
        fields: built_in.input.map(field).into_iter().collect(),
        plans: false,
    })
}

/// What Stationmaster answers itself and what is being typed may become.
pub fn complete(typed: &str) -> impl Iterator<Item = Choice> {
    let prefix = typed.trim_start().trim_start_matches('/').to_lowercase();
    BUILT_IN.iter().filter(move |built_in| built_in.name.starts_with(&prefix)).map(|built_in| {
        let label = format!("/{}", built_in.name);
        let space = if built_in.input.is_some() { " " } else { "" };
        Choice { value: format!("{label}{space}"), label, hint: built_in.summary.to_owned() }
    })
}

fn field((name, help): (&str, &str)) -> Field {
    Field {
        name: name.to_owned(),
        label: name.to_owned(),
        help: help.to_owned(),
        input: Input::Line,
        required: false,
        value: None,
        error: None,
    }
}

impl Catalogue {
    /// The commands as platforms offer them, by name, to everybody: who may not use one is told so.
    pub fn offers(&self) -> Vec<Offer> {
        let offer = |command: &super::command::Command| Offer {
            name: command.file.name.clone(),
            summary: command.file.summary.clone(),
            fields: form(command, &Given::default()).fields,
            plans: true,
        };
        self.commands.values().map(|command| offer(command)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_native_command_is_the_line_that_says_the_same() {
        let input = BTreeMap::from([("words".to_owned(), Value::from("a database"))]);
        assert_eq!(line("help", &input).as_deref(), Some("/help a database"));
        assert_eq!(line("home", &input).as_deref(), Some("/home"));
        assert_eq!(line("db create", &input), None);
    }

    #[test]
    fn a_mention_is_no_word() {
        assert_eq!(first_word(" @stationmaster  /Help me "), ("help".to_owned(), "me"));
        assert_eq!(first_word("@stationmaster"), (String::new(), ""));
    }
}
