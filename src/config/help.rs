//! What the configuration says of help: how soon somebody should claim it, whom it reaches last, and the paging services.

use secrecy::SecretString;
use serde::Deserialize;

use crate::clock::Span;

/// `[escalation]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Escalation {
    /// The team that is asked when nobody else answers.
    pub team: Option<String>,
    /// How soon somebody should take it.
    pub claim: Claim,
}

/// `[escalation.claim]`: how long the team that is asked has, by the support tier of what it is about.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Claim {
    /// Working time.
    pub best_effort: Span,
    /// Working time.
    pub business_hours: Span,
    /// Any time.
    pub around_the_clock: Span,
}

impl Default for Claim {
    fn default() -> Self {
        Self {
            best_effort: Span::from_secs(24 * 3600),
            business_hours: Span::from_secs(3600),
            around_the_clock: Span::from_secs(15 * 60),
        }
    }
}

/// `[pagerduty]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pagerduty {
    /// A key of the REST API, for reading who is on call.
    pub token: Option<SecretString>,
    /// Where the REST API is, without a slash at its end; for the European service region, proxies and tests.
    pub api_url: Option<String>,
    /// Where the Events API is, without a slash at its end.
    pub events_url: Option<String>,
}

/// `[opsgenie]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Opsgenie {
    /// A key of the API, for reading who is on call.
    pub key: Option<SecretString>,
    /// Where the API is, without a slash at its end; for the European instance, proxies and tests.
    pub api_url: Option<String>,
}
