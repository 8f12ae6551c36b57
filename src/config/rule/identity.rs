//! Who is who: the identities of persons and the groups of teams and roles, as platforms write their ids.

use std::collections::BTreeMap;

use super::{Breach, breach};
use crate::config::Config;
use crate::spelling::nearest;

/// The fewest and the most digits of a snowflake: 2015, when Discord began, and the end of 64 bits.
/// <https://docs.discord.com/developers/reference#snowflakes>
const SNOWFLAKE: std::ops::RangeInclusive<usize> = 15..=20;

/// A kind of thing that a platform gives ids to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Identity,
    Group,
    Channel,
}

impl Kind {
    /// The platforms that have such things.
    fn platforms(self) -> &'static [&'static str] {
        match self {
            Self::Identity => &["web", "terminal", "slack", "discord"],
            Self::Group | Self::Channel => &["slack", "discord"],
        }
    }

    /// What an id should be, with an example, if it does not look so.
    fn misshape(self, platform: &str, id: &str) -> Option<(&'static str, &'static str)> {
        let (fits, what, example) = match (self, platform) {
            (Self::Identity, "slack") => (is_slack(id, &['U', 'W']), "a member of Slack", "slack:U012AB3CD"),
            (Self::Group, "slack") => (is_slack(id, &['S']), "a user group of Slack", "slack:S012AB3CD"),
            (Self::Channel, "slack") => (is_slack(id, &['C', 'G']), "a conversation of Slack", "slack:C012AB3CD"),
            (Self::Channel, "discord") => (is_snowflake(id), "a channel of Discord", "discord:81384788765712384"),
            (Self::Identity, "discord") => (is_snowflake(id), "a user of Discord", "discord:80351110224678912"),
            (Self::Group, "discord") => (is_snowflake(id), "a role of Discord", "discord:41771983423143936"),
            (_, "web") => (!id.trim().is_empty(), "a visitor of the web page", "web:5f3c0a1b"),
            _ => (!id.trim().is_empty(), "somebody at the terminal", "terminal:ada"),
        };
        (!fits).then_some((what, example))
    }
}

pub(super) fn check(config: &Config, breaches: &mut Vec<Breach>) {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, person) in &config.person {
        let path = format!("person.{name}.identities");
        for identity in &person.identities {
            if let Some((message, hint)) = mistake(Kind::Identity, identity, name) {
                breaches.push(breach(path.as_str(), message, hint));
            } else if let Some(other) = owners.insert(identity, name) {
                let message = format!("`{identity}` is {other} already");
                breaches.push(breach(path.as_str(), message, "one identity is one person; keep it with one of them"));
            }
        }
    }
    for (name, team) in &config.team {
        let mistakes = team.channels.iter().filter_map(|channel| mistake(Kind::Channel, channel, "C012AB3CD"));
        breaches.extend(mistakes.map(|(message, hint)| breach(format!("team.{name}.channels"), message, hint)));
    }
    let teams = config.team.iter().map(|(name, team)| (format!("team.{name}.groups"), &team.groups));
    let roles = config.role.iter().map(|(name, role)| (format!("role.{name}.groups"), &role.groups));
    for (path, groups) in teams.chain(roles) {
        let mistakes = groups.iter().filter_map(|group| mistake(Kind::Group, group, "S012AB3CD"));
        breaches.extend(mistakes.map(|(message, hint)| breach(path.as_str(), message, hint)));
    }
}

/// What is wrong with `PLATFORM:ID`, and what to do about it; `sample` is an id for the hint.
fn mistake(kind: Kind, said: &str, sample: &str) -> Option<(String, String)> {
    let platforms = kind.platforms();
    let parts = said.split_once(':').filter(|(platform, id)| !platform.is_empty() && !id.is_empty());
    let Some((platform, id)) = parts else {
        let of = if kind == Kind::Identity { "terminal" } else { "slack" };
        let message = format!("`{said}` does not say which platform it is of");
        return Some((message, format!("write platform and id: {of}:{sample}")));
    };
    if platforms.contains(&platform) {
        let (what, example) = kind.misshape(platform, id)?;
        return Some((format!("`{id}` is not the id of {what}"), format!("write an id, not a name: {example}")));
    }
    let message = match platform {
        "web" | "terminal" if kind == Kind::Channel => {
            format!("`{said}`: there are no conversations of several people on {platform}")
        }
        "web" | "terminal" => format!("`{said}`: there are no groups on {platform}"),
        _ => format!("`{said}`: there is no platform `{platform}`"),
    };
    let hint = match nearest(platform, platforms.iter().copied()) {
        Some(meant) => format!("did you mean {meant}:{id}?"),
        None => format!("there are {}", platforms.join(", ")),
    };
    Some((message, hint))
}

/// Slack's ids tell by their first letter what they are of.
fn is_slack(id: &str, first: &[char]) -> bool {
    let rest = id.strip_prefix(first).unwrap_or_default();
    rest.len() >= 2 && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

pub(super) fn is_snowflake(id: &str) -> bool {
    SNOWFLAKE.contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}
