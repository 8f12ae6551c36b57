//! What the doctor looks at: tokens, scopes, clocks, and the doors by which Slack is heard.

use hyper::{HeaderMap, Request};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;

use super::Workspace;
use super::api::https;
use super::fault::Fault;
use super::manifest::SCOPES;
use crate::chat::{Finding, Level};
use crate::clock::Millis;
use crate::error::Result;

/// How many seconds clocks may differ: signed deliveries are refused beyond.
const MOST_SKEW: i64 = 300;
/// How many seconds are odd.
const ODD_SKEW: i64 = 30;

impl Workspace {
    /// Looks at everything, and changes nothing.
    pub async fn examine(&self) -> Vec<Finding> {
        let token = self.bot_token().await;
        let Ok(headers) = self.headers().await else { return vec![token] };
        let mut findings = vec![token];
        findings.extend(scopes(&headers));
        findings.extend(clock(&headers, self.clock.now()));
        findings.extend(self.doors().await);
        findings
    }

    async fn bot_token(&self) -> Finding {
        if !self.api.has_bot_token() {
            let hint = "it begins with xoxb- and stands on the app's page, OAuth & Permissions";
            return bad("slack.bot_token is no bot token".into(), hint);
        }
        match self.api.check("auth.test", None).await {
            Ok(said) => {
                let text = |name: &str| said[name].as_str().unwrap_or("?").to_owned();
                good(format!("{} is known to {} ({})", text("user"), text("team"), text("team_id")))
            }
            Err(Fault::Refused(reason)) => {
                bad(format!("Slack refuses the bot token: {reason}"), "install the app again and copy its new token")
            }
            Err(fault) => bad(fault.to_string(), "look at slack.api_url and at the network"),
        }
    }

    /// How Slack is heard.
    async fn doors(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(token) = &self.app_token {
            findings.push(match self.api.check("apps.connections.open", Some(token)).await {
                _ if !token.token_value.0.starts_with("xapp-") => {
                    let hint =
                        "it begins with xapp- and is made on the app's page, Basic Information, App-Level Tokens";
                    bad("slack.app_token is no app-level token".into(), hint)
                }
                Ok(_) => good("Socket Mode is open".into()),
                Err(fault) => bad(
                    format!("Socket Mode is closed: {fault}"),
                    "give the app-level token the scope connections:write, and switch Socket Mode on",
                ),
            });
        }
        if self.secrets.is_some() {
            findings.push(good("signed events are taken at POST /slack/events".into()));
        }
        findings
    }

    /// The headers of an answer, which say what the token may, and what time it is.
    async fn headers(&self) -> Result<HeaderMap> {
        let client = legacy::Client::builder(TokioExecutor::new()).build::<_, String>(https()?);
        let request = Request::post(format!("{}/auth.test", self.api.base().as_str().trim_end_matches('/')))
            .header("authorization", self.api.authorization())
            .body(String::new())?;
        let answer = tokio::time::timeout(super::api::DEADLINE, client.request(request)).await;
        Ok(answer.map_err(|_| anyhow::anyhow!("Slack does not answer"))??.headers().clone())
    }
}

fn good(message: String) -> Finding {
    Finding { level: Level::Good, subject: "slack", message, hint: None }
}

fn bad(message: String, hint: &str) -> Finding {
    Finding { level: Level::Bad, subject: "slack", message, hint: Some(hint.to_owned()) }
}

/// Whether the token may do all that is needed, and no more.
fn scopes(headers: &HeaderMap) -> Option<Finding> {
    let given: Vec<&str> = headers.get("x-oauth-scopes")?.to_str().ok()?.split(',').map(str::trim).collect();
    let missing: Vec<&str> = SCOPES.into_iter().filter(|scope| !given.contains(scope)).collect();
    let needless: Vec<&str> = given.into_iter().filter(|scope| !scope.is_empty() && !SCOPES.contains(scope)).collect();
    Some(match (missing.is_empty(), needless.is_empty()) {
        (false, _) => bad(
            format!("the bot token lacks the scopes {}", missing.join(", ")),
            "bring the app up to date with `stationmaster slack-manifest`, and install it again",
        ),
        (true, false) => Finding {
            level: Level::Doubtful,
            hint: Some("take them away, and install the app again".into()),
            ..good(format!("the bot token has scopes that are not used: {}", needless.join(", ")))
        },
        (true, true) => good(format!("the bot token has its {} scopes", SCOPES.len())),
    })
}

/// Whether our clock and Slack's agree.
fn clock(headers: &HeaderMap, now: Millis) -> Option<Finding> {
    let date = headers.get("date")?.to_str().ok()?;
    let theirs = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    let away = now / 1000 - theirs.as_second();
    let message = format!("clock differs by {} s from Slack's", away.abs());
    let hint = "let this machine take its time from the network";
    Some(match away.abs() {
        away if away > MOST_SKEW => bad(message, hint),
        away if away > ODD_SKEW => Finding { level: Level::Doubtful, hint: Some(hint.to_owned()), ..good(message) },
        _ => good("the clock agrees with Slack's".into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().expect("a value"));
        headers
    }

    #[test]
    fn scopes_are_neither_too_few_nor_too_many() {
        let all = SCOPES.join(",");
        let look = |given: &str| scopes(&headers("x-oauth-scopes", given)).map(|found| (found.level, found.message));
        assert_eq!(look(&all), Some((Level::Good, "the bot token has its 12 scopes".into())));
        let lacks = "the bot token lacks the scopes users:read";
        assert_eq!(look(&all.replace(",users:read", "")), Some((Level::Bad, lacks.into())));
        let more = "the bot token has scopes that are not used: files:read";
        assert_eq!(look(&format!("{all}, files:read")), Some((Level::Doubtful, more.into())));
        assert_eq!(scopes(&HeaderMap::new()), None);
    }

    #[test]
    fn f19_a_wrong_clock_is_said() {
        let look = |now: i64| {
            clock(&headers("date", "Tue, 14 Nov 2023 22:13:20 GMT"), now * 1000)
                .map(|found| (found.level, found.message))
        };
        assert_eq!(look(1_700_000_001), Some((Level::Good, "the clock agrees with Slack's".into())));
        let differs = |seconds: i64| format!("clock differs by {seconds} s from Slack's");
        assert_eq!(look(1_700_000_060), Some((Level::Doubtful, differs(60))));
        assert_eq!(look(1_699_999_400), Some((Level::Bad, differs(600))));
        assert_eq!(clock(&headers("date", "yesterday"), 0), None);
    }
}
