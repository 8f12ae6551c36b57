//! Slack's Web API: calls with a deadline, and what their failures mean.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::Value;
use slack_morphism::errors::SlackClientError;
use slack_morphism::hyper_tokio::{SlackClientHyperHttpsConnector, SlackHyperHttpsConnector};
use slack_morphism::{
    SlackApiToken, SlackApiTokenValue, SlackClient, SlackClientApiCallContext, SlackClientHttpConnector,
};
use url::Url;

use crate::chat::Undelivered;
use crate::clock::Span;
use crate::config;
use crate::error::Result;

/// How long a call may take. What was not answered by then may have been done.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// The longest that Slack is believed to want silence.
const LONGEST_WAIT: Span = Span::from_secs(600);
/// Where Slack's API is.
const SLACK: &str = "https://slack.com/api";
/// Where Slack's answers go.
const HOOKS: [&str; 2] = ["hooks.slack.com", "hooks.slack-gov.com"];

/// What Slack says to a token that may not, or may no longer.
const REFUSALS: [&str; 12] = [
    "access_denied",
    "account_inactive",
    "invalid_auth",
    "missing_scope",
    "no_permission",
    "not_allowed_token_type",
    "not_authed",
    "org_login_required",
    "team_access_not_granted",
    "token_expired",
    "token_revoked",
    "two_factor_setup_required",
];
/// What Slack says of a message that cannot be edited.
const GONE: [&str; 4] = ["cant_update_message", "edit_window_closed", "message_not_found", "is_inactive"];
/// What Slack says of a conversation that cannot be written to.
const CLOSED: [&str; 18] = [
    "cannot_dm_bot",
    "cannot_reply_to_message",
    "channel_is_limited_access",
    "channel_not_found",
    "is_archived",
    "is_bot",
    "method_not_supported_for_channel_type",
    "messages_tab_disabled",
    "not_in_channel",
    "posting_to_general_channel_denied",
    "restricted_action",
    "team_not_found",
    "thread_not_found",
    "user_disabled",
    "user_not_found",
    "user_not_in_channel",
    "user_not_visible",
    "users_not_found",
];

/// The client with its transport.
pub type Client = SlackClient<SlackClientHyperHttpsConnector>;

/// Why a call gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Slack says no.
    Code {
        /// Slack's word for it.
        code: String,
        /// What it says beyond that.
        detail: String,
    },
    /// Too fast: again after this time.
    Limited(Span),
    /// Nothing is called any more, for this reason.
    Refused(String),
    /// No answer, or none that can be read; whether it was done is not known.
    Lost(String),
}

/// The calls of one workspace.
pub struct Api {
    client: Arc<Client>,
    bot: SlackApiToken,
    base: Url,
    /// Why Slack refuses the bot token, since it did.
    refused: Mutex<Option<String>>,
}

impl Api {
    /// The calls with the bot token.
    pub fn new(config: &config::Slack, token: &str) -> Result<Self> {
        let base = config.api_url.as_deref().unwrap_or(SLACK);
        let connector = SlackClientHyperHttpsConnector::from(https()?).with_slack_api_url(base);
        Ok(Self {
            client: Arc::new(SlackClient::new(connector)),
            bot: SlackApiToken::new(SlackApiTokenValue(token.to_owned())),
            base: base.parse()?,
            refused: Mutex::default(),
        })
    }

    /// The client, for what keeps connections of its own.
    pub fn client(&self) -> Arc<Client> {
        self.client.clone()
    }

    /// Where the API is.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Whether the bot token is of the kind that Slack gives to bots.
    pub fn has_bot_token(&self) -> bool {
        self.bot.token_value.0.starts_with("xoxb-")
    }

    /// The header by which the bot token is shown.
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.bot.token_value.0)
    }

    /// Why Slack refuses the bot token, if it does.
    pub fn refusal(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the bot token is refused, from now on.
    pub fn set_refusal(&self, reason: Option<String>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// Calls a method that takes JSON. Once Slack has refused the token, nothing is called until it was checked anew.
    pub async fn call(&self, method: &str, body: &Value) -> Result<Value, Fault> {
        if let Some(reason) = self.refusal() {
            return Err(Fault::Refused(reason));
        }
        let result = self.call_as(&self.bot, method, body).await;
        if let Err(Fault::Refused(reason)) = &result {
            tracing::error!(method, reason, "Slack refuses; nothing more is sent");
            self.set_refusal(Some(reason.clone()));
        }
        result
    }

    /// The same, whatever was refused before, and without taking a refusal to heart.
    pub async fn check(&self, method: &str, token: Option<&SlackApiToken>) -> Result<Value, Fault> {
        self.call_as(token.unwrap_or(&self.bot), method, &serde_json::json!({})).await
    }

    /// Calls a method that reads; Slack takes no JSON there. A scope that is missing for it stops nothing else.
    pub async fn read(&self, method: &str, params: &[(&str, &str)]) -> Result<Value, Fault> {
        if let Some(reason) = self.refusal() {
            return Err(Fault::Refused(reason));
        }
        let params: Vec<(&str, Option<&str>)> = params.iter().map(|(name, value)| (*name, Some(*value))).collect();
        let session = self.client.open_session(&self.bot);
        let call = session.http_session_api.http_get::<Value, _, _>(method, &params, None);
        within(method, call).await
    }

    /// Sends an answer to a response URL, without any token.
    pub async fn respond(&self, url: Url, body: &Value) -> Result<(), Fault> {
        let span = tracing::Span::none();
        let context = SlackClientApiCallContext {
            rate_control_params: None,
            token: None,
            tracing_span: &span,
            is_sensitive_url: true,
        };
        let connector = &self.client.http_api.connector;
        within("response_url", connector.http_post_uri::<_, Value>(url, body, context)).await?;
        Ok(())
    }

    /// The response URL, if it is of Slack: over https at a host of its own, or where the API was said to be.
    pub fn response_url(&self, text: &str) -> Option<Url> {
        let url: Url = text.parse().ok()?;
        let is_bare = url.username().is_empty() && url.password().is_none();
        let is_slack = url.scheme() == "https" && url.port().is_none() && HOOKS.contains(&url.host_str()?);
        let is_base = self.base.as_str().trim_end_matches('/') != SLACK && url.origin() == self.base.origin();
        (is_bare && (is_slack || is_base)).then_some(url)
    }

    async fn call_as(&self, token: &SlackApiToken, method: &str, body: &Value) -> Result<Value, Fault> {
        let session = self.client.open_session(token);
        within(method, session.http_session_api.http_post::<_, Value>(method, body, None)).await
    }
}

/// The transport to Slack; plain where a proxy or a test says so.
pub fn https() -> Result<SlackHyperHttpsConnector> {
    let builder = hyper_rustls::HttpsConnectorBuilder::new().with_native_roots()?;
    Ok(builder.https_or_http().enable_http1().enable_http2().build())
}

/// The token of a secret.
pub fn token(secret: &secrecy::SecretString) -> SlackApiToken {
    SlackApiToken::new(SlackApiTokenValue(secret.expose_secret().to_owned()))
}

async fn within(method: &str, call: impl Future<Output = Result<Value, SlackClientError>>) -> Result<Value, Fault> {
    match tokio::time::timeout(DEADLINE, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Fault::of(method, error)),
        Err(_) => Err(Fault::Lost(format!("{method} was not answered"))),
    }
}

impl Fault {
    fn of(method: &str, error: SlackClientError) -> Self {
        match error {
            SlackClientError::ApiError(error) if matches!(error.code.as_str(), "ratelimited" | "rate_limited") => {
                Self::Limited(wait(None, error.http_response_body.as_deref()))
            }
            SlackClientError::ApiError(error) => {
                let detail = detail(error.http_response_body.as_deref());
                Self::of_code(method, error.code, detail)
            }
            SlackClientError::RateLimitError(error) => {
                Self::Limited(wait(error.retry_after, error.http_response_body.as_deref()))
            }
            SlackClientError::HttpError(error) => match error.status_code.as_u16() {
                status @ (401 | 403) if method != "response_url" => {
                    Self::Refused(format!("{method} is answered with the status {status}"))
                }
                status if status < 500 => Self::Code { code: format!("status_{status}"), detail: String::new() },
                status => Self::Lost(format!("{method} is answered with the status {status}")),
            },
            other => Self::Lost(format!("{method}: {}", first_line(&other))),
        }
    }

    fn of_code(method: &str, code: String, detail: String) -> Self {
        if REFUSALS.contains(&code.as_str()) && method != "response_url" {
            return Self::Refused(format!("{code} ({method}{})", if detail.is_empty() { "" } else { &detail }));
        }
        Self::Code { code, detail }
    }

    /// Slack's word for it, if it is one.
    pub fn code(&self) -> &str {
        match self {
            Self::Code { code, .. } => code,
            _ => "",
        }
    }

    /// Whether the blocks were the matter, so that the same as plain text may go through.
    pub fn is_about_blocks(&self) -> bool {
        matches!(self.code(), "invalid_blocks" | "invalid_blocks_format" | "msg_blocks_too_long" | "msg_too_long")
    }

    /// Whether trying again may help, and after how long at least.
    pub fn pause(&self) -> Option<Span> {
        match self {
            Self::Limited(wait) => Some(*wait),
            Self::Lost(_) => Some(Span::from_millis(200)),
            Self::Code { .. } | Self::Refused(_) => None,
        }
    }

    /// What the outbox makes of it. `everywhere`: the method's limit is one of the whole workspace.
    pub fn undelivered(self, everywhere: bool) -> anyhow::Error {
        match self {
            Self::Limited(wait) => Undelivered::Limited { wait, everywhere }.into(),
            Self::Refused(reason) => Undelivered::Refused(reason).into(),
            Self::Code { code, .. } if GONE.contains(&code.as_str()) => Undelivered::Gone.into(),
            Self::Code { code, .. } if CLOSED.contains(&code.as_str()) || code.starts_with("restricted_action") => {
                Undelivered::Closed(code).into()
            }
            other => other.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { code, detail } => write!(f, "Slack says {code}{detail}"),
            Self::Limited(wait) => write!(f, "Slack wants {wait} of silence"),
            Self::Refused(reason) => write!(f, "Slack refuses: {reason}"),
            Self::Lost(why) => write!(f, "no answer of Slack: {why}"),
        }
    }
}

impl std::error::Error for Fault {}

/// The longer of what header and body say, within reason: a second at least, and no more than ten minutes.
fn wait(header: Option<Duration>, body: Option<&str>) -> Span {
    let header = header.and_then(|wait| i64::try_from(wait.as_millis()).ok());
    let body = body.and_then(|body| serde_json::from_str::<Value>(body).ok());
    let body = body.and_then(|body| body.get("retry_after")?.as_f64()).map(|seconds| (seconds * 1000.0) as i64);
    let wait = header.into_iter().chain(body).max().unwrap_or(0);
    Span::from_millis(wait.clamp(1000, LONGEST_WAIT.millis()))
}

/// What Slack says beyond its word: the blocks that are wrong, the scope that is missing.
fn detail(body: Option<&str>) -> String {
    let Some(body) = body.and_then(|body| serde_json::from_str::<Value>(body).ok()) else { return String::new() };
    let messages = body["response_metadata"]["messages"].as_array().into_iter().flatten();
    let needed = body.get("needed").into_iter();
    let parts: Vec<&str> = messages.chain(needed).filter_map(Value::as_str).collect();
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join("; ")) }
}

/// The client's errors go on with the whole body, which may say what is nobody's business.
fn first_line(error: &SlackClientError) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.split(". Body:").next().unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(url: Option<&str>) -> Api {
        rustls::crypto::ring::default_provider().install_default().ok();
        let config = config::Slack { api_url: url.map(str::to_owned), ..config::Slack::default() };
        Api::new(&config, "xoxb-1").expect("a client")
    }

    #[test]
    fn f10_answers_go_to_slack_alone() {
        let slack = api(None);
        assert!(slack.response_url("https://hooks.slack.com/commands/T1/2/x").is_some());
        for foreign in [
            "http://hooks.slack.com/x",
            "https://hooks.slack.com:8443/x",
            "https://ada@hooks.slack.com/x",
            "https://hooks.slack.com.example.org/x",
            "https://slack.com/x",
            "https://example.org/x",
            "file:///etc/passwd",
            "",
        ] {
            assert!(slack.response_url(foreign).is_none(), "{foreign}");
        }
        let fake = api(Some("http://127.0.0.1:9/api"));
        assert!(fake.response_url("http://127.0.0.1:9/response/1").is_some());
        assert!(fake.response_url("http://127.0.0.1:10/response/1").is_none());
        assert!(fake.response_url("http://ada:b@127.0.0.1:9/response/1").is_none());
    }

    #[test]
    fn f24_waits_are_sane() {
        let second = Some(Duration::from_secs(1));
        for (header, body, millis) in [
            (None, None, 1000),
            (second, Some(r#"{"retry_after": 30}"#), 30_000),
            (Some(Duration::from_secs(7)), Some(r#"{"retry_after": "abc"}"#), 7000),
            (second, Some(r#"{"retry_after": -5}"#), 1000),
            (Some(Duration::from_secs(86_400)), None, 600_000),
            (None, Some(r#"{"retry_after": 1e300}"#), 600_000),
            (None, Some("<html>"), 1000),
        ] {
            assert_eq!(wait(header, body).millis(), millis, "{header:?} {body:?}");
        }
    }

    #[test]
    fn failures_are_what_the_outbox_knows() {
        let made = |code: &str| Fault::of_code("chat.postMessage", code.into(), String::new()).undelivered(false);
        let read = |error: anyhow::Error| error.downcast::<Undelivered>().ok();
        assert_eq!(read(made("message_not_found")), Some(Undelivered::Gone));
        assert_eq!(read(made("is_archived")), Some(Undelivered::Closed("is_archived".into())));
        let closed = Undelivered::Closed("restricted_action_thread_only_channel".into());
        assert_eq!(read(made("restricted_action_thread_only_channel")), Some(closed));
        assert!(matches!(read(made("token_revoked")), Some(Undelivered::Refused(_))));
        assert_eq!(read(made("internal_error")), None);
        let limited = Fault::Limited(Span::from_secs(3)).undelivered(true);
        assert_eq!(read(limited), Some(Undelivered::Limited { wait: Span::from_secs(3), everywhere: true }));
    }
}
