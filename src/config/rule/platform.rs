//! What Slack and Discord need: with secrets that are none, or no way for events to come, nothing starts.

use secrecy::{ExposeSecret, SecretString};

use super::identity::is_snowflake;
use super::{Breach, breach, is_base};
use crate::config::{Config, Discord, Slack};

/// What samples in documentation have in them, and by chance hardly any secret.
const SAMPLES: [&str; 11] =
    ["…", "...", "your-", "your_", "your.", "example", "changeme", "change-me", "placeholder", "<", "xxxxxx"];
/// What a token of Slack says that it is.
const KINDS: [(&str, &str); 4] = [
    ("xoxb-", "this is a bot token of Slack, which does not belong here"),
    ("xoxp-", "this is a user token of Slack, which does not belong here"),
    ("xapp-", "this is an app-level token of Slack, which does not belong here"),
    ("xoxe-", "this is a refresh token of Slack, which does not belong here"),
];
/// Where secrets are to be had.
const SLACK_PAGES: &str = "copy it from the app's page at api.slack.com/apps";
const DISCORD_PAGES: &str = "copy it from the application's page at discord.com/developers/applications";

pub(super) fn check(config: &Config, breaches: &mut Vec<Breach>) {
    slack_secrets(&config.slack, breaches);
    slack_ways(&config.slack, breaches);
    breaches.extend(address("slack.api_url", config.slack.api_url.as_deref(), "https://slack.com/api"));
    discord_secrets(&config.discord, breaches);
    discord_ways(&config.discord, breaches);
    breaches.extend(address("discord.api_url", config.discord.api_url.as_deref(), "https://discord.com"));
}

fn slack_secrets(slack: &Slack, breaches: &mut Vec<Breach>) {
    let mut examine = |key: &str, secret: &Option<SecretString>, shape: &str, fits: &dyn Fn(&str) -> bool| {
        if let Some(message) = secret.as_ref().and_then(|secret| fault(secret.expose_secret(), fits)) {
            let hint = format!("{shape}; {SLACK_PAGES}");
            breaches.push(Breach { hidden: true, ..breach(format!("slack.{key}"), message, hint) });
        }
    };
    // A token that is rotated has another prefix before it.
    let bare = |text: &str| text.strip_prefix("xoxe.").unwrap_or(text).to_owned();
    let bot = |text: &str| bare(text).strip_prefix("xoxb-").is_some_and(|rest| !rest.is_empty());
    let app = |text: &str| text.strip_prefix("xapp-").is_some_and(|rest| !rest.is_empty());
    let signing = |text: &str| is_hex(text, 32);
    examine("bot_token", &slack.bot_token, "a bot token begins with xoxb-", &bot);
    examine("app_token", &slack.app_token, "an app-level token begins with xapp-", &app);
    examine("signing_secret", &slack.signing_secret, "it has 32 hexadecimal digits", &signing);
    examine("previous_signing_secret", &slack.previous_signing_secret, "it has 32 hexadecimal digits", &signing);
}

fn slack_ways(slack: &Slack, breaches: &mut Vec<Breach>) {
    let way = match (&slack.app_token, &slack.signing_secret) {
        (Some(_), _) => Some("slack.app_token"),
        (None, Some(_)) => Some("slack.signing_secret"),
        (None, None) => None,
    };
    match (&slack.bot_token, way) {
        (Some(_), None) => breaches.push(breach(
            "slack.bot_token",
            "events have no way to come from Slack",
            "give slack.app_token for Socket Mode, or slack.signing_secret for signed deliveries",
        )),
        (None, Some(key)) => {
            let message = "nothing can be answered on Slack without a bot token";
            breaches.push(breach(key, message, "give slack.bot_token"));
        }
        _ => {}
    }
    if slack.previous_signing_secret.is_some() && slack.signing_secret.is_none() {
        let message = "there is no signing secret that came after it";
        let hint = "give slack.signing_secret, or leave this out";
        breaches.push(breach("slack.previous_signing_secret", message, hint));
    }
}

fn discord_secrets(discord: &Discord, breaches: &mut Vec<Breach>) {
    let token = |text: &str| !text.starts_with("Bot") && !KINDS.iter().any(|(prefix, _)| text.starts_with(prefix));
    let fault_of_token = discord.bot_token.as_ref().and_then(|secret| fault(secret.expose_secret(), &token));
    if let Some(message) = fault_of_token {
        let hint = format!("it is the token alone, without Bot before it; {DISCORD_PAGES}");
        breaches.push(Breach { hidden: true, ..breach("discord.bot_token", message, hint) });
    }
    if let Some(message) = discord.public_key.as_ref().and_then(|key| fault(key, &|text| is_hex(text, 64))) {
        let hint = format!("it has 64 hexadecimal digits; {DISCORD_PAGES}");
        breaches.push(breach("discord.public_key", message, hint));
    }
    if let Some(guild) = discord.guild.as_ref().filter(|guild| !is_snowflake(guild)) {
        let hint = "switch on Discord's developer mode, and copy the server's id from its menu";
        breaches.push(breach("discord.guild", format!("`{guild}` is not the id of a server"), hint));
    }
}

fn discord_ways(discord: &Discord, breaches: &mut Vec<Breach>) {
    let way = match (&discord.public_key, discord.gateway) {
        (Some(_), _) => Some("discord.public_key"),
        (None, Some(true)) => Some("discord.gateway"),
        (None, _) => None,
    };
    match (&discord.bot_token, way) {
        (Some(_), None) if discord.gateway == Some(false) => breaches.push(breach(
            "discord.gateway",
            "events have no way to come from Discord",
            "leave it out to connect to the gateway, or give discord.public_key for signed deliveries",
        )),
        (None, Some(key)) => {
            let message = "nothing can be answered on Discord without a bot token";
            breaches.push(breach(key, message, "give discord.bot_token"));
        }
        _ => {}
    }
}

/// Why a text is not the secret that it should be. The text itself is never shown.
pub(super) fn fault(text: &str, fits: &dyn Fn(&str) -> bool) -> Option<&'static str> {
    let small = text.to_lowercase();
    if text.trim().is_empty() {
        Some("this secret is empty")
    } else if SAMPLES.iter().any(|sample| small.contains(sample)) || is_one_letter(&small) {
        Some("this is a sample, not a secret")
    } else if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        Some("this secret has white space in it")
    } else if !fits(text) {
        let kind = KINDS.iter().find(|(prefix, _)| text.starts_with(prefix));
        Some(kind.map_or("this cannot be the secret that belongs here", |(_, kind)| kind))
    } else {
        None
    }
}

/// `000000…` passes for hexadecimal digits and is nobody's secret.
fn is_one_letter(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| letters.all(|letter| letter == first))
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(super) fn address(key: &str, address: Option<&str>, usual: &str) -> Option<Breach> {
    let address = address?;
    if address.ends_with('/') {
        let hint = format!("leave out the slash at its end: {}", address.trim_end_matches('/'));
        return Some(breach(key, "paths are put behind this address, so it has no slash at its end", hint));
    }
    if url::Url::parse(address).is_ok_and(|url| is_base(&url)) {
        return None;
    }
    Some(breach(key, "this is not the address of an API", format!("write for example {usual}")))
}
