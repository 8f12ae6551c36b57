//! Slack and Discord, as far as they are configured: their own findings, and what only the configuration tells.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::{bad, doubtful, good, is_loopback};
use crate::chat::{Finding, Offer, Platform};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::Result;
use crate::serve::door;
use crate::store::Store;

/// How long one platform may take to be looked at; it is asked several things, one after another.
const PATIENCE: Duration = Duration::from_secs(40);

/// Looks at every platform that is configured.
pub async fn examine(config: &Config, offers: &[Offer]) -> Vec<Finding> {
    let mut findings = ways(config);
    let scratch = std::env::temp_dir().join(format!("stationmaster-doctor-{}", uuid::Uuid::new_v4().simple()));
    match platforms(config, &scratch).await {
        Ok(platforms) => {
            let looked = platforms.iter().map(|platform| look(config, platform.as_ref(), offers));
            findings.extend(futures::future::join_all(looked).await.into_iter().flatten());
        }
        Err(error) => findings.push(bad("platforms", format!("{error:#}"), "mend that and look again")),
    }
    findings.sort_by_key(|finding| finding.subject == "discord");
    // It may never have been made.
    let _ = std::fs::remove_dir_all(scratch);
    findings
}

/// The platforms as a start would make them, with a database that is thrown away: the real one is not to be changed.
async fn platforms(config: &Config, scratch: &PathBuf) -> Result<Vec<Arc<dyn Platform>>> {
    if config.slack.bot_token.is_none() && config.discord.bot_token.is_none() {
        return Ok(Vec::new());
    }
    std::fs::create_dir_all(scratch)?;
    let url = format!("sqlite://{}/scratch.db", scratch.display());
    let store = Store::open(&url, Clock::system()).await?;
    door::elsewhere(config, &store, &Clock::system())
}

async fn look(config: &Config, platform: &dyn Platform, offers: &[Offer]) -> Vec<Finding> {
    let subject = subject(platform);
    let looked = async {
        let mut findings = platform.examine(offers).await;
        // What is refused altogether says nothing of groups.
        if findings.iter().all(|finding| finding.level != crate::chat::Level::Bad) {
            findings.extend(groups(config, platform).await);
        }
        findings
    };
    let slow = |_| {
        let message = format!("{} did not answer in {} s", platform.name(), PATIENCE.as_secs());
        vec![bad(subject, message, "look at the network, and at what the platform says of itself")]
    };
    timeout(PATIENCE, looked).await.unwrap_or_else(slow)
}

fn subject(platform: &dyn Platform) -> &'static str {
    match platform.name() {
        crate::chat::PlatformName::Slack => "slack",
        crate::chat::PlatformName::Discord => "discord",
        _ => "platform",
    }
}

/// Whether the groups that teams and roles are made of are there.
async fn groups(config: &Config, platform: &dyn Platform) -> Vec<Finding> {
    let (name, subject) = (platform.name().to_string(), subject(platform));
    let teams = config.team.iter().map(|(team, of)| (format!("team.{team}.groups"), &of.groups));
    let roles = config.role.iter().map(|(role, of)| (format!("role.{role}.groups"), &of.groups));
    let named: Vec<(String, &str)> = teams
        .chain(roles)
        .flat_map(|(key, groups)| groups.iter().map(move |group| (key.clone(), group.as_str())))
        .filter_map(|(key, group)| Some((key, group.split_once(':').filter(|(of, _)| *of == name)?.1)))
        .collect();
    if named.is_empty() {
        return Vec::new();
    }
    let known: BTreeSet<String> = match platform.groups().await {
        Ok(Some(groups)) => groups.into_iter().collect(),
        Ok(None) => {
            let message = format!("{name} has no groups here, so {} gives nobody anything", named[0].0);
            return vec![doubtful(subject, message, "say in which server they are, or take them out")];
        }
        Err(error) => {
            let message = format!("which groups there are cannot be established: {error:#}");
            return vec![bad(subject, message, "until then, who is in them may not do what they may")];
        }
    };
    let missing = named.iter().filter(|(_, group)| !known.contains(*group)).map(|(key, group)| {
        let hint = "copy the group's id from the platform, not its name";
        bad(subject, format!("{key} names {name}:{group}, and there is no such group"), hint)
    });
    let missing: Vec<Finding> = missing.collect();
    if !missing.is_empty() {
        return missing;
    }
    let there = good(subject, "the groups that teams and roles name are there");
    [Some(there), members(platform, named[0].1).await].into_iter().flatten().collect()
}

/// Whether the platform tells who is in a group. If it does not, it is learnt of each person when they speak.
async fn members(platform: &dyn Platform, group: &str) -> Option<Finding> {
    let (message, hint) = match platform.members(group).await {
        Ok(Some(_)) => return None,
        Ok(None) => (
            "who is in its groups is not told, so whoever never spoke here is asked for nothing".to_owned(),
            "switch on the Server Members Intent on the application's Bot page",
        ),
        Err(error) => {
            (format!("who is in its groups cannot be established: {error:#}"), "look at what it says of itself")
        }
    };
    Some(doubtful(subject(platform), message, hint))
}

/// How each platform tells what people do.
fn ways(config: &Config) -> Vec<Finding> {
    let (slack, discord) = (&config.slack, &config.discord);
    let mut findings = Vec::new();
    match (slack.bot_token.is_some(), slack.signing_secret.is_some()) {
        (false, _) => findings.push(good("slack", "left alone: slack.bot_token is not set")),
        (true, true) => findings.push(door_of(config, "slack", ("/slack/events", slack.app_token.is_some()))),
        (true, false) => {}
    }
    match (discord.bot_token.is_some(), discord.public_key.is_some()) {
        (false, _) => findings.push(good("discord", "left alone: discord.bot_token is not set")),
        (true, true) => {
            let also = discord.gateway == Some(true);
            findings.push(door_of(config, "discord", ("/discord/interactions", also)));
        }
        (true, false) => {}
    }
    findings
}

/// Whether a platform can deliver over HTTP; `also`: whether it is heard in another way as well.
fn door_of(config: &Config, subject: &'static str, (path, also): (&str, bool)) -> Finding {
    let url = format!("{}{path}", config.public_url());
    let hint = "set web.public_url to the https address that leads here from outside";
    let is_plain = !url.starts_with("https://");
    match (is_loopback(&url), is_plain) {
        (true, _) if also => {
            doubtful(subject, format!("nothing from outside reaches {url}; it is heard otherwise"), hint)
        }
        (true, _) => bad(subject, format!("nothing from outside reaches {url}, so nothing will be heard"), hint),
        (false, true) => bad(subject, format!("events are only delivered over https, not to {url}"), hint),
        (false, false) => good(subject, format!("events are to be delivered to {url}")),
    }
}
