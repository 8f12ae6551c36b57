//! A typed line as Discord's apps send it: a native command with native options, if there is such a command.

use serde_json::{Value, json};

use super::world::{CHANNEL, GUILD, State, id_of, user};

/// The option of the catch-all command.
const LINE: &str = "line";

/// A command and what was given to it.
pub struct Native {
    /// The `data` of the interaction.
    pub data: Value,
}

/// The words of a line; quotes keep words together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for letter in line.chars() {
        match (letter, quote) {
            (mark, Some(open)) if mark == open => quote = None,
            ('"' | '\'', None) => quote = Some(letter),
            (' ', None) => words.push(std::mem::take(&mut word)),
            (other, _) => word.push(other),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// All that is registered to be typed, the server's own first.
fn registered(state: &State) -> impl Iterator<Item = &Value> {
    let of = |scope: &str| state.commands.get(scope).map(Vec::as_slice).unwrap_or_default();
    of(GUILD).iter().chain(of("")).filter(|command| command["type"] == 1)
}

/// What is registered, as one reads it.
pub fn shown(state: &State) -> String {
    let mut lines = Vec::new();
    for command in registered(state) {
        show(command, "/", &mut lines);
    }
    lines.join("\n")
}

fn show(value: &Value, before: &str, lines: &mut Vec<String>) {
    let name = format!("{before}{}", value["name"].as_str().unwrap_or_default());
    let (subs, own): (Vec<_>, Vec<_>) = list(&value["options"]).iter().partition(|option| is_sub(option));
    for sub in &subs {
        show(sub, &format!("{name} "), lines);
    }
    if subs.is_empty() {
        let option = |option: &&Value| {
            let name = option["name"].as_str().unwrap_or_default();
            if option["required"] == true { name.to_owned() } else { format!("[{name}]") }
        };
        lines.push(format!("{name} {}", own.iter().map(option).collect::<Vec<_>>().join(" ")).trim().to_owned());
    }
}

fn is_sub(option: &Value) -> bool {
    matches!(option["type"].as_u64(), Some(1 | 2))
}

/// The registered command of a line with its path of sub-commands, and the words that follow.
fn find<'a>(state: &'a State, line: &str) -> Option<(Vec<&'a Value>, Vec<String>)> {
    let mut words = words(line.strip_prefix('/')?);
    let first = words.first()?.clone();
    let mut path = vec![registered(state).find(|command| command["name"] == first.as_str())?];
    words.remove(0);
    while list(&path.last()?["options"]).iter().any(is_sub) {
        let word = words.first()?.clone();
        path.push(list(&path.last()?["options"]).iter().find(|option| option["name"] == word.as_str())?);
        words.remove(0);
    }
    Some((path, words))
}

/// A line as a native command; `None` where Discord's app would not send it, because there is no such command, an option
/// does not fit, or a required one is missing.
pub fn native(state: &State, line: &str) -> Option<Native> {
    let (path, words) = find(state, line)?;
    let options = list(&path.last()?["options"]);
    let given = given(options, &words)?;
    let needed = |option: &&Value| option["required"] == true;
    let is_given = |option: &Value| given.iter().any(|(known, _)| known["name"] == option["name"]);
    if !options.iter().filter(needed).all(is_given) {
        return None;
    }
    let values: Option<Vec<Value>> = given.iter().map(|(option, text)| value(option, text)).collect();
    Some(Native { data: data(&path, values?) })
}

/// The catch-all with a line.
pub fn catch_all(state: &State, line: &str) -> Option<Native> {
    let command = registered(state).find(|command| {
        command["name"] == "stationmaster" && list(&command["options"]).iter().any(|option| option["name"] == LINE)
    })?;
    let given = json!({ "name": LINE, "type": 3, "value": line });
    Some(Native { data: data(&[command], vec![given]) })
}

/// A command of which one option is being typed.
pub fn half_typed(state: &State, line: &str, (field, typed): (&str, &str)) -> Option<(Native, Value)> {
    let (path, words) = find(state, line)?;
    let options = list(&path.last()?["options"]);
    let option = options.iter().find(|option| option["name"] == field)?;
    let given = given(options, &words)?;
    let others = given.iter().filter(|(known, _)| known["name"] != field);
    let mut values: Vec<Value> = others.map(|(option, text)| value(option, text)).collect::<Option<_>>()?;
    values.push(json!({ "name": field, "type": option["type"], "value": typed, "focused": true }));
    Some((Native { data: data(&path, values) }, option.clone()))
}

/// Words as options: `name=value`, `--name value`, `--flag`, and the rest in order.
fn given<'a>(options: &'a [Value], words: &[String]) -> Option<Vec<(&'a Value, String)>> {
    let named =
        |name: &str| options.iter().find(|option| option["name"] == name.replace('_', "-") || option["name"] == name);
    let mut given: Vec<(&Value, String)> = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let pair = word.trim_start_matches("--").split_once('=');
        if let Some((option, value)) = pair.and_then(|(name, value)| Some((named(name)?, value))) {
            given.push((option, value.to_owned()));
        } else if let Some(name) = word.strip_prefix("--") {
            let option = named(name)?;
            let text = if option["type"] == 5 { "true".to_owned() } else { words.next()?.clone() };
            given.push((option, text));
        } else {
            let free = options.iter().find(|option| !given.iter().any(|(known, _)| known["name"] == option["name"]));
            given.push((free.filter(|option| option["type"] != 5)?, word.clone()));
        }
    }
    Some(given)
}

/// An option with its value, if it takes it.
fn value(option: &Value, text: &str) -> Option<Value> {
    let choices = list(&option["choices"]);
    let chosen = choices.iter().find(|choice| choice["name"] == text || choice["value"] == text);
    let value = match option["type"].as_u64()? {
        _ if !choices.is_empty() => chosen?["value"].clone(),
        3 => json!(text),
        4 => json!(text.parse::<i64>().ok()?),
        5 => json!(matches!(text, "true" | "yes" | "on")),
        6 => json!(id_of(text.trim_start_matches('@'))),
        7 => json!(CHANNEL),
        10 => json!(text.parse::<f64>().ok()?),
        _ => return None,
    };
    let outside = |limit: &str, beyond: fn(f64, f64) -> bool| {
        option[limit].as_f64().zip(value.as_f64()).is_some_and(|(limit, value)| beyond(value, limit))
    };
    let length = value.as_str().map_or(0, |text| text.chars().count() as u64);
    let too_long = option["max_length"].as_u64().is_some_and(|most| length > most);
    let too_short = option["min_length"].as_u64().is_some_and(|least| length < least);
    if too_long || too_short || outside("min_value", |a, b| a < b) || outside("max_value", |a, b| a > b) {
        return None;
    }
    Some(json!({ "name": option["name"], "type": option["type"], "value": value }))
}

/// The `data` of an interaction, its options within its sub-commands, with the users that they name.
fn data(path: &[&Value], options: Vec<Value>) -> Value {
    let users = options.iter().filter(|option| option["type"] == 6).filter_map(|option| option["value"].as_str());
    let named = |id: &str| (id.to_owned(), user(id, super::world::name_of(id).unwrap_or_default(), false));
    let users: serde_json::Map<String, Value> = users.map(named).collect();
    let within =
        |inner: Vec<Value>, sub: &&Value| vec![json!({ "name": sub["name"], "type": sub["type"], "options": inner })];
    let options = path[1..].iter().rev().fold(options, within);
    let mut data = json!({ "id": path[0]["id"], "name": path[0]["name"], "type": 1 });
    if !options.is_empty() {
        data["options"] = json!(options);
    }
    if !path[0]["guild_id"].is_null() {
        data["guild_id"] = path[0]["guild_id"].clone();
    }
    if !users.is_empty() {
        data["resolved"] = json!({ "users": users });
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        let text = |name: &str, required: bool| json!({ "name": name, "type": 3, "required": required });
        let environment = json!({ "name": "environment", "type": 3, "choices": [{ "name": "dev", "value": "dev" }] });
        let dry = json!({ "name": "dry-run", "type": 5 });
        let create = json!({ "name": "create", "type": 1, "options": [text("name", true), environment, dry] });
        let db = json!({ "id": "1", "name": "db", "type": 1, "options": [create] });
        let all = json!({ "id": "2", "name": "stationmaster", "type": 1, "options": [text("line", true)] });
        let mut state = State::default();
        state.commands.insert(String::new(), vec![db, all]);
        state
    }

    #[test]
    fn a_line_becomes_options() {
        let data = native(&state(), "/db create \"or ders\" environment=dev --dry-run").expect("it fits").data;
        let given: Vec<_> =
            data["options"][0]["options"].as_array().expect("options").iter().map(|o| &o["value"]).collect();
        assert_eq!(given, [&json!("or ders"), &json!("dev"), &json!(true)]);
    }

    #[test]
    fn what_the_app_would_not_send_is_not_sent() {
        for line in ["/db", "/db create", "/db create a environment=prdo", "/db create a b c", "/nothing", "hello"] {
            assert!(native(&state(), line).is_none(), "{line}");
        }
        assert_eq!(catch_all(&state(), "/db").expect("there").data["options"][0]["value"], "/db");
    }
}
