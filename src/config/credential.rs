//! What the credentials of the chat platforms must look like, so that a wrong one is seen before it is used.

use secrecy::{ExposeSecret, SecretString};

use super::rule::{Breach, breach, is_base};
use super::{Config, Discord, Slack};

/// The digits of a Slack signing secret, and of a Discord public key.
const DIGITS: (usize, usize) = (32, 64);
/// What stands in samples of documentation, and by chance in hardly any secret.
const SAMPLES: [&str; 10] =
    ["…", "...", "your-", "your_", "your.", "example", "changeme", "change-me", "placeholder", "<"];

/// The secrets of the platforms, by their keys.
pub(super) fn secrets(config: &Config) -> Vec<(&'static str, &SecretString)> {
    let (slack, discord) = (&config.slack, &config.discord);
    let all = [
        ("slack.bot_token", &slack.bot_token),
        ("slack.app_token", &slack.app_token),
        ("slack.signing_secret", &slack.signing_secret),
        ("slack.previous_signing_secret", &slack.previous_signing_secret),
        ("discord.bot_token", &discord.bot_token),
    ];
    all.into_iter().filter_map(|(key, secret)| Some((key, secret.as_ref()?))).collect()
}

/// Everything that is wrong with them. That a secret is empty is said elsewhere.
pub(super) fn check(config: &Config, breaches: &mut Vec<Breach>) {
    let found = secrets(config).into_iter().filter(|(_, secret)| !secret.expose_secret().trim().is_empty());
    let found = found.filter_map(|(key, secret)| Some((key, misfit(key, secret.expose_secret())?)));
    breaches.extend(found.map(|(key, (message, hint))| Breach { hidden: true, ..breach(key, message, hint) }));
    check_slack(&config.slack, breaches);
    check_discord(&config.discord, breaches);
    for (key, url) in [("slack.api_url", &config.slack.api_url), ("discord.api_url", &config.discord.api_url)] {
        breaches.extend(url.as_ref().and_then(|url| check_url(key, url)));
    }
}

/// What is wrong with an address that paths are put behind.
fn check_url(key: &str, address: &str) -> Option<Breach> {
    if !url::Url::parse(address).is_ok_and(|url| is_base(&url)) {
        let hint = "write the scheme and the host: https://proxy.example.org; or leave the key out";
        return Some(breach(key, "this is not the address of a server", hint));
    }
    let bare = address.trim_end_matches('/');
    let hint = format!("leave out the slash at its end: {bare}");
    (bare != address).then(|| breach(key, "a path is put behind this address, and begins with a slash itself", hint))
}

fn check_slack(slack: &Slack, breaches: &mut Vec<Breach>) {
    let ways = [("slack.app_token", &slack.app_token), ("slack.signing_secret", &slack.signing_secret)];
    let way = ways.iter().find(|(_, secret)| secret.is_some());
    match (&slack.bot_token, way) {
        (Some(_), None) => breaches.push(breach(
            "slack.bot_token",
            "with this token alone, Slack has no way to tell what people do",
            "set slack.app_token for Socket Mode, or slack.signing_secret for events over HTTP",
        )),
        (None, Some((key, _))) => breaches.push(breach(
            *key,
            "this is set, but slack.bot_token is not, so nothing could be answered",
            "set slack.bot_token, which is on the page \"OAuth & Permissions\" of the Slack app; or leave both out",
        )),
        _ => {}
    }
    if slack.previous_signing_secret.is_some() && slack.signing_secret.is_none() {
        let hint = "set slack.signing_secret as well; leave the previous one out once it is revoked";
        breaches.push(breach("slack.previous_signing_secret", "this is set, but not the secret after it", hint));
    }
}

fn check_discord(discord: &Discord, breaches: &mut Vec<Breach>) {
    if let Some(key) = &discord.public_key {
        if !is_hexadecimal(key, DIGITS.1) || is_sample(key) {
            let hint = "copy \"Public Key\" from the page \"General Information\" of the Discord application";
            breaches.push(breach("discord.public_key", "a public key is 64 hexadecimal digits", hint));
        } else if discord.bot_token.is_none() {
            let message = "this is set, but discord.bot_token is not, so nothing could be answered";
            let hint = "set discord.bot_token, which is on the page \"Bot\" of the application; or leave both out";
            breaches.push(breach("discord.public_key", message, hint));
        }
    }
    if discord.bot_token.is_some() && discord.gateway == Some(false) && discord.public_key.is_none() {
        let hint = "leave discord.gateway out, or set discord.public_key for interactions over HTTP";
        breaches.push(breach(
            "discord.gateway",
            "without the gateway, Discord has no way to tell what people do",
            hint,
        ));
    }
    let is_id = |id: &String| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    if discord.guild.as_ref().is_some_and(|id| !is_id(id)) {
        let hint = "switch on Developer Mode in Discord, then copy the server's id from its menu";
        breaches.push(breach("discord.guild", "the id of a server is a number", hint));
    }
}

/// What is wrong with a secret, and what to do about it; never a part of the secret itself.
fn misfit(key: &str, secret: &str) -> Option<(String, &'static str)> {
    let secret = secret.trim();
    let kind = kind(secret);
    let (fits, wanted, hint) = match key {
        "slack.bot_token" => (
            kind == Some("a bot token of Slack"),
            "a bot token begins with xoxb-",
            "copy \"Bot User OAuth Token\" from the page \"OAuth & Permissions\" of the Slack app",
        ),
        "slack.app_token" => (
            kind == Some("an app-level token of Slack"),
            "an app-level token begins with xapp-",
            "make one with the scope connections:write under \"App-Level Tokens\" on the page \"Basic Information\"",
        ),
        "discord.bot_token" => (
            kind.is_none() && !secret.starts_with("Bot ") && !secret.contains(char::is_whitespace),
            "a Discord bot token is one word, without `Bot` before it",
            "copy it from the page \"Bot\" of the Discord application, where \"Reset Token\" shows it once",
        ),
        _ => (
            is_hexadecimal(secret, DIGITS.0),
            "a signing secret is 32 hexadecimal digits",
            "copy \"Signing Secret\" from the page \"Basic Information\" of the Slack app",
        ),
    };
    if is_sample(secret) {
        return Some((format!("this is a sample, and no secret; {wanted}"), hint));
    }
    let said = kind.map_or(wanted.to_owned(), |kind| format!("this is {kind}; {wanted}"));
    (!fits).then_some((said, hint))
}

/// Whether it was copied from a documentation, or made up: one and the same letter throughout.
fn is_sample(secret: &str) -> bool {
    let small = secret.to_lowercase();
    let body = small.rsplit('-').next().unwrap_or_default();
    let is_made_up = body.len() > 3 && body.bytes().all(|byte| byte == body.as_bytes()[0]);
    is_made_up || SAMPLES.iter().any(|sample| small.contains(sample))
}

/// What a token says that it is. Rotated tokens of Slack have `xoxe.` before their kind.
fn kind(secret: &str) -> Option<&'static str> {
    let kinds = [
        ("xoxb-", "a bot token of Slack"),
        ("xoxp-", "a user token of Slack"),
        ("xapp-", "an app-level token of Slack"),
        ("xoxe-", "a refresh token of Slack"),
    ];
    let bare = secret.strip_prefix("xoxe.").unwrap_or(secret);
    kinds.iter().find(|(prefix, _)| bare.starts_with(prefix)).map(|(_, kind)| *kind)
}

fn is_hexadecimal(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
