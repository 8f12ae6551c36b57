//! The catalogue as Discord's own commands, with options, choices and proposals.
//!
//! What Discord cannot hold (a fourth word, a twenty-sixth option, the hundredth command) is left out of its menu and
//! stays within reach of the catch-all command.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::{labels, limits, markup};
use crate::chat::{Choice, Field, Input, Offer, Token};

/// All text of one command together, by Discord's count.
const COMMAND_TEXT: usize = 8000;

/// The commands as they are registered, and what their words mean.
#[derive(Debug, Default)]
pub struct Menu {
    /// What is registered, by type and name.
    pub commands: Vec<Value>,
    /// What the words of a command mean.
    pub names: Names,
}

/// What the words and options of registered commands are in the catalogue. Unknown ones are what they are called.
#[derive(Debug, Default, Clone)]
pub struct Names {
    /// The commands whose words differ: `deploy run` for `deploy`.
    commands: HashMap<String, String>,
    /// The parameters whose options are called otherwise, by command words and option.
    parameters: HashMap<(String, String), String>,
}

impl Names {
    /// The command of these words.
    pub fn command(&self, words: &str) -> String {
        self.commands.get(words).cloned().unwrap_or_else(|| words.to_owned())
    }

    /// The parameter of an option.
    pub fn parameter(&self, words: &str, option: &str) -> String {
        let key = (words.to_owned(), option.to_owned());
        self.parameters.get(&key).cloned().unwrap_or_else(|| option.to_owned())
    }
}

/// The menu of these commands.
pub fn build(offers: &[Offer]) -> Menu {
    let mut menu = Menu::default();
    let mut tops: BTreeMap<&str, Vec<(Vec<&str>, &Offer)>> = BTreeMap::new();
    for offer in offers {
        let words: Vec<&str> = offer.name.split(' ').collect();
        if words.len() <= 3 && words.iter().all(|word| is_name(word)) && words[0] != labels::SAY.0 {
            tops.entry(words[0]).or_default().push((words, offer));
        }
    }
    // The catch-all takes one of the places.
    for (name, offers) in tops.into_iter().take(limits::COMMANDS - 1) {
        let command = menu.names.command_of(name, &offers);
        menu.commands.push(command);
    }
    menu.commands.push(catch_all());
    menu.commands.push(json!({"type": 3, "name": labels::FIND}));
    menu
}

/// Whether Discord takes a name: letters, digits, `-`, `_` and `'`, none of them a capital.
fn is_name(name: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '\'');
    (1..=limits::COMMAND_NAME).contains(&name.chars().count())
        && name.chars().all(|c| is_letter(c) && c.to_lowercase().eq([c]))
}

fn catch_all() -> Value {
    let (name, description) = labels::SAY;
    let line = json!({"type": 3, "name": labels::LINE.0, "description": labels::LINE.1, "required": false,
        "autocomplete": true});
    json!({"type": 1, "name": name, "description": description, "options": [line]})
}

impl Names {
    /// A command with all that begins with its word.
    fn command_of(&mut self, name: &str, offers: &[(Vec<&str>, &Offer)]) -> Value {
        let mut command = Map::from_iter([("type".to_owned(), json!(1)), ("name".to_owned(), json!(name))]);
        let bare = offers.iter().find(|(words, _)| words.len() == 1).map(|(_, offer)| *offer);
        let longer: Vec<_> = offers.iter().filter(|(words, _)| words.len() > 1).collect();
        if let (Some(offer), true) = (bare, longer.is_empty()) {
            command.insert("description".into(), description(&offer.summary, name).into());
            command.insert("options".into(), self.options(name, offer).into());
            return fitting(command);
        }
        let mut options: Vec<Value> = bare.and_then(|offer| self.bare(name, offer, &longer)).into_iter().collect();
        let mut seconds: BTreeMap<&str, Vec<(&[&str], &Offer)>> = BTreeMap::new();
        for (words, offer) in longer {
            seconds.entry(words[1]).or_default().push((&words[2..], offer));
        }
        for (second, offers) in seconds {
            options.push(self.second(&format!("{name} {second}"), second, &offers));
        }
        options.truncate(limits::COMMAND_OPTIONS);
        let about = options.iter().filter_map(|option| option["name"].as_str()).collect::<Vec<_>>().join(", ");
        command.insert("description".into(), description(&about, name).into());
        command.insert("options".into(), options.into());
        fitting(command)
    }

    /// The sub-command that stands for the command itself; nothing if its name is taken.
    fn bare(&mut self, name: &str, offer: &Offer, longer: &[&(Vec<&str>, &Offer)]) -> Option<Value> {
        let is_taken = longer.iter().any(|(words, _)| words[1] == labels::BARE);
        (!is_taken).then(|| self.sub_command(&format!("{name} {}", labels::BARE), labels::BARE, offer))
    }

    /// A sub-command, or a group of them where there are third words.
    fn second(&mut self, path: &str, name: &str, offers: &[(&[&str], &Offer)]) -> Value {
        if let [(rest, offer)] = offers
            && rest.is_empty()
        {
            return self.sub_command(path, name, offer);
        }
        let is_taken = offers.iter().any(|(rest, _)| rest.first() == Some(&labels::BARE));
        let mut subs = Vec::new();
        for (rest, offer) in offers {
            let third = rest.first().copied().unwrap_or(labels::BARE);
            if !rest.is_empty() || !is_taken {
                subs.push(self.sub_command(&format!("{path} {third}"), third, offer));
            }
        }
        subs.truncate(limits::COMMAND_OPTIONS);
        let about = subs.iter().filter_map(|sub| sub["name"].as_str()).collect::<Vec<_>>().join(", ");
        json!({"type": 2, "name": name, "description": description(&about, name), "options": subs})
    }

    fn sub_command(&mut self, path: &str, name: &str, offer: &Offer) -> Value {
        if path != offer.name {
            self.commands.insert(path.to_owned(), offer.name.clone());
        }
        let options = self.options(path, offer);
        json!({"type": 1, "name": name, "description": description(&offer.summary, name), "options": options})
    }

    /// The options of a command, those that are needed first, as Discord wants them.
    fn options(&mut self, path: &str, offer: &Offer) -> Vec<Value> {
        let mut options: Vec<Value> = Vec::new();
        for field in &offer.fields {
            let name = field.name.to_lowercase();
            let is_known = options.iter().any(|option| option["name"] == name);
            // A secret typed into a command would stay in the person's history.
            if field.input == Input::Secret || !is_name(&name) || is_known || name == labels::DRY_RUN.0 {
                continue;
            }
            if name != field.name {
                self.parameters.insert((path.to_owned(), name.clone()), field.name.clone());
            }
            options.push(option(&name, field, &offer.name));
        }
        options.sort_by_key(|option| option["required"] != true);
        options.truncate(limits::COMMAND_OPTIONS - usize::from(offer.plans));
        if offer.plans {
            let (name, about) = labels::DRY_RUN;
            options.push(json!({"type": 5, "name": name, "description": about, "required": false}));
        }
        options
    }
}

fn option(name: &str, field: &Field, command: &str) -> Value {
    let kind = match field.input {
        Input::Toggle => 5,
        Input::Person => 6,
        Input::Channel => 7,
        Input::Number => 10,
        Input::Line | Input::Text | Input::Date | Input::Choice(_) | Input::Lookup(_) | Input::Secret => 3,
    };
    let about = if field.help.trim().is_empty() { &field.label } else { &field.help };
    // Several lines cannot be typed here, so the form asks for them.
    let required = field.required && field.value.is_none() && field.input != Input::Text;
    let mut option = json!({"type": kind, "name": name, "description": description(about, name), "required": required});
    match &field.input {
        Input::Choice(choices) if fit(choices) => option["choices"] = choices.iter().map(listed).collect(),
        // Proposals are asked for by the names of command and parameter, which must be those of its own lookup.
        Input::Lookup(token) if *token != Token::new("field", &format!("{command}:{}", field.name)) => {}
        Input::Choice(_) | Input::Lookup(_) => option["autocomplete"] = true.into(),
        _ => {}
    }
    option
}

fn fit(choices: &[Choice]) -> bool {
    let fits = |choice: &Choice| (1..=limits::OPTION).contains(&limits::length(&choice.value));
    (1..=limits::OPTIONS).contains(&choices.len()) && choices.iter().all(fits)
}

fn listed(choice: &Choice) -> Value {
    json!({"name": name_of(choice), "value": choice.value})
}

/// What a choice is shown as, in a list or while one types.
pub fn name_of(choice: &Choice) -> String {
    let label = if choice.label.trim().is_empty() { &choice.value } else { &choice.label };
    let hint = choice.hint.trim();
    let text = if hint.is_empty() { label.clone() } else { format!("{label} – {hint}") };
    limits::cut(&markup::tidy(&text).split_whitespace().collect::<Vec<_>>().join(" "), limits::OPTION)
}

fn description(text: &str, name: &str) -> String {
    let text = markup::tidy(text).split_whitespace().collect::<Vec<_>>().join(" ");
    limits::cut(if text.is_empty() { name } else { &text }, limits::COMMAND_DESCRIPTION)
}

/// A command within what Discord takes of text: its last options give way.
fn fitting(mut command: Map<String, Value>) -> Value {
    while length(&Value::Object(command.clone())) > COMMAND_TEXT {
        let Some(options) = command.get_mut("options").and_then(Value::as_array_mut) else { break };
        if options.pop().is_none() {
            break;
        }
    }
    command.into()
}

/// The names, descriptions and values of a command and all in it.
fn length(part: &Value) -> usize {
    let own = ["name", "description", "value"].iter().filter_map(|key| part[*key].as_str()).map(limits::length);
    let inner = ["options", "choices"].iter().filter_map(|key| part[*key].as_array()).flatten().map(length);
    own.sum::<usize>() + inner.sum::<usize>()
}

/// Commands without what Discord adds to them and without what goes without saying, in one order: equal if nothing needs
/// to be registered.
pub fn normalised(commands: &Value) -> Vec<Value> {
    let mut known: Vec<Value> = commands.as_array().into_iter().flatten().map(|command| normal(command, 1)).collect();
    known.sort_by_key(|command| (command["type"].as_u64(), command["name"].as_str().map(str::to_owned)));
    known
}

fn normal(part: &Value, kind: u64) -> Value {
    let list = |key: &str| -> Vec<Value> {
        part[key].as_array().into_iter().flatten().map(|inner| normal(inner, 0)).collect()
    };
    json!({
        "type": part["type"].as_u64().unwrap_or(kind),
        "name": part["name"],
        "description": part["description"].as_str().unwrap_or_default(),
        "value": part["value"],
        "required": part["required"] == true,
        "autocomplete": part["autocomplete"] == true,
        "options": list("options"),
        "choices": list("choices"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, input: Input, required: bool) -> Field {
        let (help, label) = (String::new(), name.to_owned());
        Field { name: name.into(), label, help, input, required, value: None, error: None }
    }

    fn offer(name: &str, fields: Vec<Field>) -> Offer {
        Offer { name: name.into(), summary: format!("Does {name}"), fields, plans: true }
    }

    fn choices(count: usize) -> Vec<Choice> {
        (0..count).map(|n| Choice { value: format!("c{n}"), label: String::new(), hint: String::new() }).collect()
    }

    fn menu() -> Menu {
        let lookup = Input::Lookup(Token::new("field", "db create:size"));
        let fields = vec![
            field("size", lookup, false),
            field("environment", Input::Choice(choices(2)), true),
            field("many", Input::Choice(choices(26)), false),
            field("Owner", Input::Person, false),
            field("password", Input::Secret, true),
        ];
        build(&[
            offer("db create", fields),
            offer("deploy", vec![field("service", Input::Line, true)]),
            offer("deploy status", Vec::new()),
            offer("access grant read", Vec::new()),
            offer("access grant", Vec::new()),
            offer("a b c d", Vec::new()),
            offer("Bad", Vec::new()),
        ])
    }

    #[test]
    fn commands_of_one_to_three_words() {
        insta::assert_snapshot!(format!("{:#}", Value::from(menu().commands)));
    }

    #[test]
    fn words_come_back_as_commands() {
        let names = menu().names;
        assert_eq!(names.command("deploy run"), "deploy");
        assert_eq!(names.command("deploy status"), "deploy status");
        assert_eq!(names.command("access grant run"), "access grant");
        assert_eq!(names.command("access grant read"), "access grant read");
        assert_eq!(names.parameter("db create", "owner"), "Owner");
        assert_eq!(names.parameter("db create", "size"), "size");
    }

    #[test]
    fn what_is_registered_is_compared_without_what_discord_adds() {
        let ours = Value::from(menu().commands);
        let mut theirs = ours.clone();
        for command in theirs.as_array_mut().expect("commands") {
            command["id"] = "1".into();
            command["version"] = "2".into();
            command["nsfw"] = false.into();
        }
        theirs.as_array_mut().expect("commands").reverse();
        assert_eq!(normalised(&ours), normalised(&theirs));
        theirs[2]["description"] = "Another".into();
        assert_ne!(normalised(&ours), normalised(&theirs));
    }

    #[test]
    fn a_large_catalogue_keeps_within_the_limits() {
        let wide = |n: usize| (0..n).map(|i| field(&format!("p{i}"), Input::Choice(choices(25)), i % 2 == 0)).collect();
        let mut offers: Vec<Offer> = (0..150).map(|n| offer(&format!("c{n}"), Vec::new())).collect();
        offers.extend((0..40).map(|n| offer(&format!("aa s{n}"), Vec::new())));
        offers.extend((0..40).map(|n| offer(&format!("ab g s{n}"), Vec::new())));
        offers.push(offer("ac", wide(40)));
        let menu = build(&offers);
        assert_eq!(menu.commands.iter().filter(|command| command["type"] == 1).count(), limits::COMMANDS);
        for command in &menu.commands {
            assert!(length(command) <= COMMAND_TEXT);
            let options = command["options"].as_array().map_or(0, Vec::len);
            assert!(options <= limits::COMMAND_OPTIONS, "{}", command["name"]);
        }
    }
}
