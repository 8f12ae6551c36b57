//! Why a call of Slack's Web API gave nothing, and what follows from it.

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use slack_morphism::errors::SlackClientError;

use crate::chat::Undelivered;
use crate::clock::Span;

/// The longest that Slack is believed to want silence.
const LONGEST_WAIT: Span = Span::from_secs(600);
/// What Slack says to a token that may not, or may no longer.
const REFUSALS: [&str; 11] = [
    "access_denied",
    "account_inactive",
    "invalid_auth",
    "no_permission",
    "not_allowed_token_type",
    "not_authed",
    "org_login_required",
    "team_access_not_granted",
    "token_expired",
    "token_revoked",
    "two_factor_setup_required",
];
/// Slack's word for a right that the token lacks.
const NO_RIGHT: &str = "missing_scope";
/// What is called without a token, so that its refusal says nothing about the token.
const BARE: [&str; 2] = ["response_url", "upload_url"];
/// What Slack says of a message that cannot be edited.
const GONE: [&str; 4] = ["cant_update_message", "edit_window_closed", "message_not_found", "is_inactive"];
/// What Slack says of a conversation that cannot be written to.
const CLOSED: [&str; 19] = [
    "cannot_dm_bot",
    "cannot_reply_to_message",
    "channel_is_limited_access",
    "channel_not_found",
    "is_archived",
    "is_bot",
    "method_not_supported_for_channel_type",
    "messages_tab_disabled",
    NO_RIGHT,
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

impl Fault {
    /// What a failure of the client means; `method` is Slack's, or `response_url` or `upload_url`.
    pub fn of(method: &str, error: SlackClientError) -> Self {
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
                status @ (401 | 403) if !BARE.contains(&method) => {
                    Self::Refused(format!("{method} is answered with the status {status}"))
                }
                status if status < 500 => Self::Code { code: format!("status_{status}"), detail: String::new() },
                status => Self::Lost(format!("{method} is answered with the status {status}")),
            },
            other => Self::Lost(format!("{method}: {}", words_of(&other))),
        }
    }

    fn of_code(method: &str, code: String, detail: String) -> Self {
        // Without the right to write at all nothing can be done; without another one, all else still can.
        let is_mute = code == NO_RIGHT && matches!(method, "chat.postMessage" | "chat.update");
        if (is_mute || REFUSALS.contains(&code.as_str())) && !BARE.contains(&method) {
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

    /// Whether a file that was to be shown was the matter.
    pub fn is_about_file(&self) -> bool {
        matches!(self, Self::Code { code, detail } if code.starts_with("invalid_blocks") && detail.contains("slack_file"))
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

/// An error and what is behind it, in one line. The client's own words go on with the whole body, which may say what is
/// nobody's business, and with types.
fn words_of(error: &SlackClientError) -> String {
    let cause = match error {
        SlackClientError::HttpProtocolError(error) => error.cause.as_deref(),
        SlackClientError::SystemError(error) => error.cause.as_deref(),
        SlackClientError::ProtocolError(_) => return "the answer cannot be read".into(),
        _ => None,
    };
    let Some(cause) = cause else { return "the connection ended".into() };
    let mut words = vec![cause.to_string()];
    let mut behind = cause.source();
    while let Some(error) = behind {
        words.push(error.to_string());
        behind = error.source();
    }
    words.dedup();
    words.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_file_that_is_not_ready_is_told_from_other_blocks() {
        let code = |detail: &str| Fault::Code { code: "invalid_blocks".into(), detail: detail.into() };
        assert!(code(": [ERROR] invalid slack file [json-pointer:/blocks/0/slack_file]").is_about_file());
        assert!(!code(": [ERROR] must be less than 151 characters [json-pointer:/blocks/0/text]").is_about_file());
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
