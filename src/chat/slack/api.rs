//! Slack's Web API: calls with a deadline, and which addresses are its own.

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

use super::fault::Fault;
use crate::config;
use crate::error::Result;

/// How long a call may take. What was not answered by then may have been done.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// Where Slack's API is.
const SLACK: &str = "https://slack.com/api";
/// Where Slack's answers go.
const HOOKS: [&str; 2] = ["hooks.slack.com", "hooks.slack-gov.com"];
/// Where files go.
const FILES: [&str; 2] = ["files.slack.com", "files.slack-gov.com"];
/// How long it may take to send a file.
const UPLOAD: Duration = Duration::from_secs(20);

/// The client with its transport.
pub type Client = SlackClient<SlackClientHyperHttpsConnector>;

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

    /// Sends a PNG to where Slack wants a file, without any token.
    pub async fn upload(&self, url: Url, png: &[u8]) -> Result<(), Fault> {
        let span = tracing::Span::none();
        let context = SlackClientApiCallContext {
            rate_control_params: None,
            token: None,
            tracing_span: &span,
            is_sensitive_url: true,
        };
        let connector = &self.client.http_api.connector;
        let sent = connector.http_post_uri_binary::<Value>(url, "image/png".into(), png, context);
        within_time(UPLOAD, "upload_url", sent).await?;
        Ok(())
    }

    /// The response URL, if it is of Slack.
    pub fn response_url(&self, text: &str) -> Option<Url> {
        self.own_url(text, &HOOKS)
    }

    /// The address for a file, if it is of Slack.
    pub fn upload_url(&self, text: &str) -> Option<Url> {
        self.own_url(text, &FILES)
    }

    /// An address of Slack: over https at one of these hosts, or where the API was said to be.
    fn own_url(&self, text: &str, hosts: &[&str]) -> Option<Url> {
        let url: Url = text.parse().ok()?;
        let is_bare = url.username().is_empty() && url.password().is_none();
        let is_slack = url.scheme() == "https" && url.port().is_none() && hosts.contains(&url.host_str()?);
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
    within_time(DEADLINE, method, call).await
}

async fn within_time(
    time: Duration,
    method: &str,
    call: impl Future<Output = Result<Value, SlackClientError>>,
) -> Result<Value, Fault> {
    match tokio::time::timeout(time, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Fault::of(method, error)),
        Err(_) => Err(Fault::Lost(format!("{method} was not answered"))),
    }
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
        assert!(slack.upload_url("https://files.slack.com/upload/v1/x").is_some());
        assert!(slack.upload_url("https://hooks.slack.com/upload/v1/x").is_none());
        assert!(fake.upload_url("http://127.0.0.1:9/upload/1").is_some());
        assert!(fake.response_url("http://ada:b@127.0.0.1:9/response/1").is_none());
    }
}
