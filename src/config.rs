//! The configuration: `stationmaster.toml` and `STATIONMASTER_…` variables, one structure.
//!
//! Invariant: what [`Config::load`] gives has passed the checks of `config/rule.rs`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::clock::Span;

mod help;
mod load;
mod rule;
mod setting;
mod team;

pub use help::{Claim, Escalation, Opsgenie, Pagerduty};
pub use team::{Oncall, Override, Person, Role, Team, TeamOpsgenie, TeamPagerduty};

/// Everything an operator can set. `stationmaster.toml` has the same names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The only folder that is written to.
    pub data: PathBuf,
    /// The folder of the capability files.
    pub commands: PathBuf,
    /// A folder whose messages replace the built-in ones of the same name.
    pub messages: Option<PathBuf>,
    /// Where state is kept.
    pub database: Database,
    /// The page, the API and the call-backs.
    pub web: Web,
    /// What is logged.
    pub log: Log,
    /// Where runners may go.
    pub http: HttpPolicy,
    /// How work is done.
    pub jobs: Jobs,
    /// The Slack app; without a token, Slack is left alone.
    pub slack: Slack,
    /// The Discord application; without a token, Discord is left alone.
    pub discord: Discord,
    /// Who is asked for help, and how soon.
    pub escalation: Escalation,
    /// PagerDuty; without a key, nobody is asked there who is on call.
    pub pagerduty: Pagerduty,
    /// Opsgenie; without a key, nobody is asked there who is on call.
    pub opsgenie: Opsgenie,
    /// What capability files may read.
    pub templates: Templates,
    /// The teams, by name.
    pub team: BTreeMap<String, Team>,
    /// The roles beyond a developer, by name.
    pub role: BTreeMap<String, Role>,
    /// The persons, by name.
    pub person: BTreeMap<String, Person>,
}

/// `[database]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `sqlite://FILE` or `postgres://…`; an SQLite file in the data folder if not said.
    pub url: Option<SecretString>,
}

/// `[web]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Web {
    /// The address to listen on; loopback unless `page` is off, since the page has no sign-in.
    #[serde(deserialize_with = "address_and_port")]
    pub listen: SocketAddr,
    /// The address by which others reach this process; derived from `listen` if not said.
    pub public_url: Option<String>,
    /// Whether the chat page is served.
    pub page: bool,
    /// The persons as whom anybody at the page may speak, who then are `web:NAME`; for trying things out.
    pub personas: Vec<String>,
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// A filter such as `info` or `stationmaster=debug,sqlx=warn`.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// `[http]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpPolicy {
    /// Hosts with private or loopback addresses that runners may call, `HOST` or `HOST:PORT`; public ones always may
    /// be, unless `only` says otherwise.
    pub allow_private: Vec<String>,
    /// If not empty: the only hosts that runners may call.
    pub only: Vec<String>,
}

/// `[jobs]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Jobs {
    /// How many pieces of work run at the same time in this process.
    pub workers: usize,
    /// How long a piece of work is held without a sign of life, before another process takes it.
    pub lease: Span,
    /// How long a shutdown waits for running work.
    pub grace: Span,
}

/// `[slack]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Slack {
    /// `xoxb-…`: what is done is done with it.
    pub bot_token: Option<SecretString>,
    /// `xapp-…`: with it, events come by Socket Mode.
    pub app_token: Option<SecretString>,
    /// With it, signed events are taken at `POST /slack/events`.
    pub signing_secret: Option<SecretString>,
    /// The signing secret before its last rotation; taken as well until it is left out.
    pub previous_signing_secret: Option<SecretString>,
    /// Where Slack's API is, without a slash at its end; for government clouds, proxies and tests.
    pub api_url: Option<String>,
}

/// `[discord]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Discord {
    /// What is done is done with it.
    pub bot_token: Option<SecretString>,
    /// The application's public key, 64 hexadecimal digits; with it, signed interactions are taken at
    /// `POST /discord/interactions`.
    pub public_key: Option<String>,
    /// Whether to connect to the gateway; if not said, only where no public key is given.
    pub gateway: Option<bool>,
    /// The server whose roles count and where commands are registered; if not said, commands are registered everywhere
    /// and roles count nowhere.
    pub guild: Option<String>,
    /// Where Discord's API is, without a slash at its end and without `/api`; for proxies and tests.
    pub api_url: Option<String>,
}

/// `[templates]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Templates {
    /// The environment variables that `{{env.X}}` reaches.
    pub env: Vec<String>,
    /// What `{{secret.X}}` reaches.
    pub secret: BTreeMap<String, SecretString>,
    /// The variables of `env` that were set when the configuration was loaded, with their values.
    #[serde(skip)]
    pub present: BTreeMap<String, String>,
}

fn address_and_port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong =
        || D::Error::custom(format!("`{text}` is not an address with a port; write for example 127.0.0.1:7070"));
    text.parse().map_err(|_| wrong())
}

impl Config {
    /// The database: an SQLite file in the data folder if not said.
    pub fn database_url(&self) -> SecretString {
        let file = || format!("sqlite://{}", self.data.join("stationmaster.db").display()).into();
        self.database.url.clone().unwrap_or_else(file)
    }

    /// The address by which others reach this process, without a slash at its end. With port 0 it is known only once
    /// `web.listen` has been replaced by the address that was given.
    pub fn public_url(&self) -> String {
        let listen = self.web.listen;
        match &self.web.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None if listen.ip().is_unspecified() => format!("http://127.0.0.1:{}", listen.port()),
            None => format!("http://{listen}"),
        }
    }

    /// What `{{env.X}}` reaches: the listed variables that were set when the configuration was loaded.
    pub fn template_env(&self) -> Map<String, Value> {
        let value = |(name, text): (&String, &String)| (name.clone(), Value::String(text.clone()));
        self.templates.present.iter().map(value).collect()
    }

    /// The variables listed for templates that were not set when the configuration was loaded.
    pub fn missing_variables(&self) -> Vec<&str> {
        let missing = |name: &&String| !self.templates.present.contains_key(*name);
        self.templates.env.iter().filter(missing).map(String::as_str).collect()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "data".into(),
            commands: "commands".into(),
            messages: None,
            database: Database::default(),
            web: Web::default(),
            log: Log::default(),
            http: HttpPolicy::default(),
            jobs: Jobs::default(),
            slack: Slack::default(),
            discord: Discord::default(),
            escalation: Escalation::default(),
            pagerduty: Pagerduty::default(),
            opsgenie: Opsgenie::default(),
            templates: Templates::default(),
            team: BTreeMap::new(),
            role: BTreeMap::new(),
            person: BTreeMap::new(),
        }
    }
}

impl Default for Web {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 7070)), public_url: None, page: true, personas: Vec::new() }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), format: LogFormat::Text }
    }
}

impl Default for Jobs {
    fn default() -> Self {
        Self { workers: 32, lease: Span::from_secs(15), grace: Span::from_secs(20) }
    }
}
