//! Everything that Slack must be told about the app, made from what is on offer.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::inbound::{ANY, FIND, START};
use super::limits;
use crate::chat::Offer;

/// What the bot token must be allowed to do; nothing else is used.
pub const SCOPES: [&str; 12] = [
    // Being mentioned.
    "app_mentions:read",
    // Finding a message again whose post was not answered, after a crash.
    "channels:history",
    "groups:history",
    "im:history",
    "mpim:history",
    // Cards, also in public channels that the app was not invited to.
    "chat:write",
    "chat:write.public",
    "commands",
    // Pictures of cards.
    "files:write",
    // Cards to one person.
    "im:write",
    // Teams, guests and names.
    "usergroups:read",
    "users:read",
];

/// What Slack is to tell the app.
pub const BOT_EVENTS: [&str; 4] = ["app_home_opened", "app_mention", "message.im", "user_change"];

/// Slack's own commands, which an app cannot have; `/stationmaster` reaches what is called like one.
const BUILT_IN: [&str; 30] = [
    "active", "apps", "archive", "away", "call", "canvas", "collapse", "dm", "dnd", "expand", "feed", "help", "huddle",
    "invite", "join", "kick", "leave", "me", "msg", "mute", "open", "prefs", "remind", "remove", "rename", "search",
    "shrug", "status", "topic", "who",
];
/// Commands of an app.
const COMMANDS: usize = 50;
/// A command's name, with its slash.
const COMMAND: usize = 32;
/// A command's description; Slack would take 2000, but shows one line.
const DESCRIPTION: usize = 150;
/// A command's usage hint.
const USAGE: usize = 1000;

/// How the app is to be reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManifestOptions {
    /// Over sockets; otherwise over HTTP.
    pub socket: bool,
    /// The address by which Slack reaches this process, without a slash at its end; needed over HTTP.
    pub url: Option<String>,
}

/// The app manifest, by version 1 of Slack's schema.
pub fn manifest(offers: &[Offer], options: &ManifestOptions) -> Value {
    let url = options.url.as_deref().filter(|_| !options.socket).map(|url| format!("{url}/slack/events"));
    let mut settings = json!({
        "event_subscriptions": {"bot_events": BOT_EVENTS},
        "interactivity": {"is_enabled": true},
        "org_deploy_enabled": false,
        "socket_mode_enabled": options.socket,
        "token_rotation_enabled": false,
    });
    if let Some(url) = &url {
        settings["event_subscriptions"]["request_url"] = url.as_str().into();
        settings["interactivity"]["request_url"] = url.as_str().into();
        settings["interactivity"]["message_menu_options_url"] = url.as_str().into();
    }
    json!({
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": "Stationmaster",
            "description": "The front door of the platform: databases, environments and access, without a ticket.",
            "background_color": "#1f3a5f",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": true,
                "messages_tab_enabled": true,
                "messages_tab_read_only_enabled": false,
            },
            "bot_user": {"display_name": "stationmaster", "always_online": true},
            "shortcuts": shortcuts(),
            "slash_commands": commands(offers, url.as_deref()),
        },
        "oauth_config": {"scopes": {"bot": SCOPES}},
        "settings": settings,
    })
}

fn shortcuts() -> Value {
    json!([
        {"name": "Get something done", "type": "global", "callback_id": START, "description": "Pick a command"},
        {
            "name": "Find a command for it",
            "type": "message",
            "callback_id": FIND,
            "description": "Look for commands that help with this message",
        },
    ])
}

/// One command for each first word, and the one that takes any line.
fn commands(offers: &[Offer], url: Option<&str>) -> Vec<Value> {
    let mut by_word: BTreeMap<&str, Vec<&Offer>> = BTreeMap::new();
    for offer in offers {
        let word = offer.name.split(' ').next().unwrap_or_default();
        by_word.entry(word).or_default().push(offer);
    }
    by_word.retain(|word, _| can_have(word));
    let any = command(ANY, "Anything that is on offer", "help what you need | home | db create orders");
    let own = by_word.iter().take(COMMANDS - 1).map(|(word, offers)| {
        let joined = |parts: Vec<String>, by: &str| parts.join(by);
        let summaries = joined(offers.iter().map(|offer| offer.summary.clone()).collect(), " · ");
        let usage = joined(offers.iter().map(|offer| usage(word, offer)).collect(), " | ");
        command(&format!("/{word}"), &summaries, &usage)
    });
    let mut all: Vec<Value> = std::iter::once(any).chain(own).collect();
    for command in &mut all {
        if let Some(url) = url {
            command["url"] = url.into();
        }
    }
    all
}

fn can_have(word: &str) -> bool {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    !word.is_empty()
        && word.len() < COMMAND
        && word.chars().all(is_name)
        && !BUILT_IN.contains(&word)
        && word != &ANY[1..]
}

/// What is typed after the first word.
fn usage(word: &str, offer: &Offer) -> String {
    let rest = offer.name[word.len()..].trim();
    format!("{rest} {}", offer.usage()).trim().to_owned()
}

fn command(name: &str, description: &str, usage: &str) -> Value {
    let description = if description.trim().is_empty() { name } else { description };
    let mut command = json!({
        "command": name,
        "description": limits::cut_line(description, DESCRIPTION),
        // Persons and channels come as ids, which nobody can make up by choosing a name.
        "should_escape": true,
    });
    let usage = limits::cut_line(usage.trim_matches([' ', '|']), USAGE);
    if !usage.is_empty() {
        command["usage_hint"] = usage.into();
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Field, Input};
    use proptest::prelude::*;

    fn offer(name: &str, summary: &str, fields: &[&str]) -> Offer {
        let field = |name: &&str| Field {
            name: (*name).into(),
            label: (*name).into(),
            help: String::new(),
            input: Input::Line,
            required: true,
            value: None,
            error: None,
        };
        let (name, summary) = (name.to_owned(), summary.to_owned());
        Offer { name, summary, fields: fields.iter().map(field).collect(), plans: true }
    }

    /// What Slack's schema says of it.
    fn complaints(manifest: &Value) -> Vec<String> {
        let schema = include_str!("../../../tests/schemas/slack_manifest.json");
        let schema: Value = serde_json::from_str(schema).expect("JSON");
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        validator.iter_errors(manifest).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    #[test]
    fn the_manifest_of_two_capabilities() {
        let offers = [
            offer("db create", "Create a PostgreSQL database", &["name"]),
            offer("db list", "List your databases", &[]),
            offer("deploy", "Bring a service to an environment", &["service", "version"]),
        ];
        let made = manifest(&offers, &ManifestOptions { socket: true, url: None });
        assert_eq!(complaints(&made), Vec::<String>::new());
        insta::assert_snapshot!(serde_json::to_string_pretty(&made).expect("JSON"));
    }

    #[test]
    fn over_http_every_door_has_its_address() {
        let options = ManifestOptions { socket: false, url: Some("https://sm.example.org".into()) };
        let made = manifest(&[offer("deploy", "", &[])], &options);
        assert_eq!(complaints(&made), Vec::<String>::new());
        let doors = made.to_string().matches("\"https://sm.example.org/slack/events\"").count();
        assert_eq!(doors, 5, "two commands, the events, the interactions, and the selects: {made:#}");
        assert_eq!(made["settings"]["socket_mode_enabled"], false);
    }

    #[test]
    fn what_slack_cannot_have_is_left_to_the_command_for_any_line() {
        let mut offers: Vec<Offer> = (0..70).map(|n| offer(&format!("c{n:02}"), "One of many", &[])).collect();
        let names = ["help", "remind", "Über", "stationmaster", "this-name-is-longer-than-slack-takes"];
        offers.extend(names.map(|name| offer(name, "Not to be had", &[])));
        let made = manifest(&offers, &ManifestOptions { socket: true, url: None });
        assert_eq!(complaints(&made), Vec::<String>::new());
        let commands = made["features"]["slash_commands"].as_array().expect("commands");
        assert_eq!((commands.len(), commands[0]["command"].as_str()), (50, Some(ANY)));
        assert!(!made.to_string().contains("Not to be had"));
    }

    #[test]
    fn the_schema_refuses_what_slack_refuses() {
        let good = manifest(&[], &ManifestOptions { socket: true, url: None });
        for (pointer, wrong) in [
            ("/display_information/name", json!("x".repeat(36))),
            ("/features/slash_commands/0/command", json!("db")),
            ("/features/shortcuts/0/name", json!("x".repeat(25))),
            ("/features/slash_commands", json!([])),
            ("/settings/interactivity", json!({"enabled": true})),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).expect("a place") = wrong;
            assert!(!complaints(&bad).is_empty(), "{pointer}");
        }
    }

    proptest! {
        #[test]
        fn any_catalogue_makes_a_valid_manifest(names in prop::collection::vec("[a-z]{1,40}( [a-z]{1,9}){0,2}", 0..80), summary in "\\PC{0,400}") {
            let offers: Vec<Offer> = names.iter().map(|name| offer(name, &summary, &["name", "size"])).collect();
            let found = complaints(&manifest(&offers, &ManifestOptions { socket: true, url: None }));
            prop_assert!(found.is_empty(), "{:?}", found);
        }
    }
}
