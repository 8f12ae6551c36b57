//! What `doctor` says about Discord: token, key, server, commands, where interactions go, and the clock.

use hyper::HeaderMap;
use serde_json::Value;

use super::payload::Id;
use super::rest::{Call, Failure, Raw};
use super::{Room, menu};
use crate::chat::{Finding, Level, Offer};
use crate::clock::Millis;

/// What every finding is about.
const SUBJECT: &str = "discord";
/// How far the clocks may differ without anything being refused, in seconds.
const SKEW: i64 = 60;

fn good(message: impl Into<String>) -> Finding {
    Finding { level: Level::Good, subject: SUBJECT, message: message.into(), hint: None }
}

fn doubtful(message: impl Into<String>, hint: impl Into<String>) -> Finding {
    Finding { level: Level::Doubtful, subject: SUBJECT, message: message.into(), hint: Some(hint.into()) }
}

fn bad(message: impl Into<String>, hint: impl Into<String>) -> Finding {
    Finding { level: Level::Bad, subject: SUBJECT, message: message.into(), hint: Some(hint.into()) }
}

impl Room {
    /// Looks at everything on Discord's side, and changes nothing.
    pub async fn look(&self, offers: &[Offer]) -> Vec<Finding> {
        let raw = match self.rest.exchange(Call::get("/applications/@me")).await {
            Ok(raw) => raw,
            Err(failure) => return vec![unanswered(&failure)],
        };
        let application = &raw.body;
        self.introduce(&application["bot"]["id"], &application["id"]);
        let name = application["name"].as_str().unwrap_or("without a name");
        let mut findings = vec![good(format!("the token is that of the application {name}"))];
        findings.extend(skew(&raw, self.clock.now()));
        findings.extend(self.interactions(application));
        findings.extend(self.server().await);
        findings.push(self.registered(offers).await);
        findings
    }

    /// Whether interactions go where they are expected.
    fn interactions(&self, application: &Value) -> Vec<Finding> {
        let mut findings = Vec::new();
        let theirs = application["verify_key"].as_str();
        if let (Some(ours), Some(theirs)) = (&self.public_key, theirs)
            && !ours.eq_ignore_ascii_case(theirs)
        {
            let hint = "copy it from the application's General Information page";
            findings.push(bad("discord.public_key is the key of another application", hint));
        }
        let address = application["interactions_endpoint_url"].as_str().filter(|url| !url.is_empty());
        findings.push(match (address, self.key.is_some(), self.gateway) {
            (Some(url), true, _) => good(format!("interactions come to {url}")),
            (Some(url), false, _) => bad(
                format!("interactions go to {url}, and are not taken there without a public key"),
                "set discord.public_key, or clear the Interactions Endpoint URL of the application",
            ),
            (None, true, false) => bad(
                "interactions go nowhere: the application has no Interactions Endpoint URL",
                "set it to this server's address with /discord/interactions, or set discord.gateway = true",
            ),
            (None, _, true) => good("interactions come by the gateway"),
            (None, false, false) => bad("nothing is listened to", "set discord.public_key, or discord.gateway = true"),
        });
        if !self.gateway {
            let hint = "set discord.gateway = true if people should be able to mention the bot";
            findings.push(doubtful("messages that mention the bot are not heard without the gateway", hint));
        }
        findings
    }

    /// Whether the bot is on the server whose roles count.
    async fn server(&self) -> Option<Finding> {
        let Some(guild) = &self.guild else {
            let hint = "set discord.guild to the id of your server";
            return Some(doubtful("no server is named, so roles of Discord count nowhere", hint));
        };
        Some(match self.rest.call(Call::get(format!("/guilds/{guild}"))).await {
            Ok(server) => good(format!("on the server {}", server["name"].as_str().unwrap_or(guild.as_str()))),
            Err(failure) if matches!(failure.status(), 403 | 404) => bad(
                format!("not on the server {guild}"),
                "invite the application there, with the scopes bot and applications.commands",
            ),
            Err(failure) => unanswered(&failure),
        })
    }

    /// Whether the commands are registered as they are now.
    async fn registered(&self, offers: &[Offer]) -> Finding {
        let wanted = menu::normalised(&menu::build(offers).commands.into());
        let Some(path) = self.application.get().map(|application| self.commands_path(application)) else {
            return bad("its answer names no application", "try again");
        };
        match self.rest.call(Call::get(path)).await {
            Ok(known) if menu::normalised(&known) == wanted => {
                good(format!("{} commands are registered", wanted.len()))
            }
            Ok(known) => {
                let count = menu::normalised(&known).iter().filter(|command| wanted.contains(command)).count();
                doubtful(
                    format!("{count} of {} commands are registered as they are now", wanted.len()),
                    "they are registered at the next start, and when the capability files change",
                )
            }
            Err(failure) if failure.status() == 403 => {
                bad("the commands cannot be read", "invite the application again, with the scope applications.commands")
            }
            Err(failure) => unanswered(&failure),
        }
    }

    /// Where this application's commands are.
    pub fn commands_path(&self, application: &Id) -> String {
        match &self.guild {
            Some(guild) => format!("/applications/{application}/guilds/{guild}/commands"),
            None => format!("/applications/{application}/commands"),
        }
    }
}

fn unanswered(failure: &Failure) -> Finding {
    match failure {
        Failure::Refused(why) => bad(
            format!("the token is not taken: {why}"),
            "copy the token from the application's Bot page; resetting it there makes the old one invalid",
        ),
        Failure::Unreachable(_) => bad(failure.to_string(), "look at the network, the proxy and discord.api_url"),
        _ => bad(failure.to_string(), "try again; if it stays, look at Discord's status page"),
    }
}

/// Whether this machine's clock goes with Discord's: signatures older than five minutes are refused.
fn skew(raw: &Raw, now: Millis) -> Option<Finding> {
    let seconds = now / 1000 - date(&raw.headers)?;
    Some(if seconds.abs() > SKEW {
        let hint = "set the clock of this machine; with a clock that is wrong, Discord's signatures are refused";
        bad(format!("the clock differs by {seconds} s from Discord's"), hint)
    } else {
        good("the clock is right")
    })
}

/// The time of an answer, in seconds since 1970.
fn date(headers: &HeaderMap) -> Option<i64> {
    let text = headers.get("date")?.to_str().ok()?;
    jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f19_a_wrong_clock_is_said_once_and_clearly() {
        let headers = HeaderMap::from_iter([(
            "date".parse().expect("a name"),
            "Tue, 14 Nov 2023 22:13:20 GMT".parse().expect("a value"),
        )]);
        let raw = Raw { status: 200, headers, body: Value::Null };
        let finding = skew(&raw, 1_700_000_600_000).expect("a finding");
        assert_eq!(finding.message, "the clock differs by 600 s from Discord's");
        assert_eq!(skew(&raw, 1_700_000_010_000).expect("a finding").level, Level::Good);
    }
}
