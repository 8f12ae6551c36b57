//! Where the values of a choice come from when they are not in the file: asked for, kept for a while, or not known.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::bail;
use async_trait::async_trait;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use super::parameter::ChoicesFrom;
use crate::clock::{Clock, Millis, Span};
use crate::config::Config;
use crate::error::Result;
use crate::mask::Mask;
use crate::message::Escape;
use crate::runner::{Tools, WebClient};

/// How long an endpoint may take: Discord shows no proposals that come after three seconds.
const DEADLINE: Duration = Duration::from_millis(2500);
/// How long an answer is used again if the file does not say.
const KEPT: Span = Span::from_secs(60);
/// How long a failure is used again, so that an endpoint that hangs does not hold up every key that is typed.
const FAILURE_KEPT: Span = Span::from_secs(5);
/// The most values of one answer; the answer itself is limited by the client.
const MOST: usize = 500;
/// The most answers that are kept.
const ANSWERS: usize = 1000;

/// Where values that are not in the file are looked up.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// The values for an input, a JSON object of the other parameters; `None` where they cannot be known at all, so that
    /// any is taken. An error if they cannot be had at the moment.
    async fn choices(&self, from: &ChoicesFrom, values: &Value) -> Result<Option<Vec<String>>>;

    /// The names of the teams; `None` if they are not known.
    fn teams(&self) -> Option<&[String]> {
        None
    }

    /// The names of the persons; `None` if they are not known.
    fn people(&self) -> Option<&[String]> {
        None
    }

    /// What stands in for a secret that was not given; `None` where it has to be asked for.
    fn secret(&self) -> Option<&str> {
        None
    }
}

/// Knows nothing and takes anything: for the check, which has no network and can fill in no secret.
#[derive(Debug, Clone, Copy)]
pub struct Offline;

#[async_trait]
impl Lookup for Offline {
    async fn choices(&self, _: &ChoicesFrom, _: &Value) -> Result<Option<Vec<String>>> {
        Ok(None)
    }

    fn secret(&self) -> Option<&str> {
        Some("a secret of the check")
    }
}

/// Asks the endpoints that capability files name, and keeps their answers for a while. It holds secrets and so has no
/// `Debug`.
pub struct Choices {
    web: WebClient,
    clock: Clock,
    /// `env` and `secret`, as templates see them.
    globals: Map<String, Value>,
    mask: Mask,
    teams: Vec<String>,
    people: Vec<String>,
    answers: Mutex<HashMap<(String, String), Answer>>,
}

/// What an endpoint said, or why it said nothing.
#[derive(Clone)]
struct Answer {
    values: Result<Arc<[String]>, String>,
    until: Millis,
}

impl Choices {
    /// A look-up by these tools; `env` is what `{{env.X}}` reaches.
    pub fn new(tools: &Tools, config: &Config, env: Map<String, Value>) -> Self {
        let secrets: Map<String, Value> = config
            .templates
            .secret
            .iter()
            .map(|(name, secret)| (name.clone(), Value::from(secret.expose_secret())))
            .collect();
        let mask = Mask::new(secrets.values().filter_map(Value::as_str).map(str::to_owned));
        let globals = Map::from_iter([("env".to_owned(), env.into()), ("secret".to_owned(), secrets.into())]);
        let teams = config.team.keys().cloned().collect();
        let people = config.person.keys().cloned().collect();
        let (web, clock) = (tools.web.clone(), tools.clock.clone());
        Self { web, clock, globals, mask, teams, people, answers: Mutex::default() }
    }

    /// An answer that still holds.
    fn kept(&self, key: &(String, String)) -> Option<Answer> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(key).filter(|answer| answer.until > self.clock.now()).cloned()
    }

    fn keep(&self, key: (String, String), answer: Answer) {
        let now = self.clock.now();
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= ANSWERS {
            answers.retain(|_, answer| answer.until > now);
        }
        if answers.len() < ANSWERS {
            answers.insert(key, answer);
        }
    }

    async fn ask(&self, url: &str, from: &ChoicesFrom) -> Result<Arc<[String]>> {
        let body = self.web.get_json(url, DEADLINE).await?;
        let values = match from.items.find(&body) {
            None => Vec::new(),
            Some(Value::Array(items)) => items.iter().filter_map(text).collect(),
            Some(item) => text(&item).into_iter().collect(),
        };
        if values.len() > MOST {
            bail!("the answer has {} values; {MOST} are the most", values.len());
        }
        Ok(values.into())
    }
}

#[async_trait]
impl Lookup for Choices {
    async fn choices(&self, from: &ChoicesFrom, values: &Value) -> Result<Option<Vec<String>>> {
        let mut all = self.globals.clone();
        all.extend(values.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
        let url = from.http.render(&Value::Object(all), Escape::Url)?;
        let key = (url.clone(), from.items.source().to_owned());
        let answer = match self.kept(&key) {
            Some(answer) => answer,
            None => {
                let values = self.ask(&url, from).await.map_err(|error| self.mask.text(&format!("{error:#}")));
                let held = if values.is_ok() { from.cache.unwrap_or(KEPT) } else { FAILURE_KEPT };
                let answer = Answer { values, until: self.clock.now().saturating_add(held.millis()) };
                self.keep(key, answer.clone());
                answer
            }
        };
        answer.values.map(|values| Some(values.to_vec())).map_err(anyhow::Error::msg)
    }

    fn teams(&self) -> Option<&[String]> {
        Some(&self.teams)
    }

    fn people(&self) -> Option<&[String]> {
        Some(&self.people)
    }
}

/// An item as a value that can be chosen; what is no plain value of one line cannot.
fn text(item: &Value) -> Option<String> {
    let text = match item {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => item.to_string(),
        _ => return None,
    };
    (!text.trim().is_empty() && !text.contains(char::is_control)).then_some(text)
}
