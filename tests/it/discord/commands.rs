//! What Discord demands of commands beyond their schema.

use std::collections::BTreeSet;

use serde_json::Value;

/// The most letters that a command may have in all its names, descriptions and values.
const LETTERS: usize = 8000;
/// The most commands that are typed.
const MOST: usize = 100;
/// The most commands in the menu of messages.
const MOST_IN_MENUS: usize = 5;

/// What is wrong with a list of commands.
pub fn check(body: &Value, found: &mut Vec<(String, String)>) {
    let commands = list(body);
    let typed = |command: &&Value| command["type"].as_u64().unwrap_or(1) == 1;
    let (typed, in_menus): (Vec<Value>, Vec<Value>) = commands.iter().cloned().partition(|command| typed(&command));
    named_once(&typed, "", found);
    if typed.len() > MOST || in_menus.len() > MOST_IN_MENUS {
        found.push((String::new(), format!("more than {MOST} commands, or {MOST_IN_MENUS} in a menu")));
    }
    for (index, command) in commands.iter().enumerate() {
        let letters = letters(command);
        if letters > LETTERS {
            found.push((index.to_string(), format!("it has {letters} letters; {LETTERS} is the most")));
        }
        options(command, &index.to_string(), found);
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn letters(value: &Value) -> usize {
    let own = |key: &str| value[key].as_str().map_or(0, |text| text.chars().count());
    let choices = list(&value["choices"]).iter().map(|choice| {
        let value = choice["value"].as_str().map_or(0, |text| text.chars().count());
        value + choice["name"].as_str().map_or(0, |text| text.chars().count())
    });
    own("name")
        + own("description")
        + choices.sum::<usize>()
        + list(&value["options"]).iter().map(letters).sum::<usize>()
}

/// Names are lower case and not used twice.
fn named_once(values: &[Value], path: &str, found: &mut Vec<(String, String)>) {
    let mut names = BTreeSet::new();
    for value in values {
        let name = value["name"].as_str().unwrap_or_default();
        if name != name.to_lowercase() {
            found.push((path.into(), format!("{name} is not in lower case")));
        }
        if !names.insert(name) {
            found.push((path.into(), format!("{name} is there twice")));
        }
    }
}

fn options(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    let all = list(&value["options"]);
    named_once(all, path, found);
    let needed: Vec<bool> = all.iter().map(|option| option["required"] == true).collect();
    if needed.windows(2).any(|pair| pair == [false, true]) {
        found.push((path.into(), "what must be given comes before what may be".into()));
    }
    for (index, option) in all.iter().enumerate() {
        let path = format!("{path}/options/{index}");
        if option["autocomplete"] == true && !list(&option["choices"]).is_empty() {
            found.push((path.clone(), "it has both choices and autocomplete".into()));
        }
        if option["autocomplete"] == true && !matches!(option["type"].as_u64(), Some(3 | 4 | 10)) {
            found.push((path.clone(), "nothing can be proposed for this type".into()));
        }
        let names: BTreeSet<_> = list(&option["choices"]).iter().map(|choice| choice["name"].as_str()).collect();
        if names.len() != list(&option["choices"]).len() {
            found.push((path.clone(), "two choices have the same name".into()));
        }
        options(option, &path, found);
    }
}
