//! The calls of GitHub's REST API that following a run takes.

use std::ops::ControlFlow;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::GithubWorkflow;
use crate::clock::{Millis, Span};
use crate::error::{Result, UserError};
use crate::message::Escape;
use crate::runner::exchange::{answer_words, header, is_web_address, judge, retry_after};
use crate::runner::http::Method;
use crate::runner::web_client::{Answer, Call, Trouble};
use crate::runner::{Attempt, Outcome, Status, Tools};

/// How long one call may take.
const CALL: Duration = Duration::from_secs(30);
/// The version of the API that this is written for.
const VERSION: &str = "2022-11-28";

/// The API of one repository and workflow, with a token.
pub(super) struct Api {
    /// `https://api.github.com/repos/OWNER/NAME/actions`
    base: String,
    workflow: String,
    headers: HeaderMap,
    cancel: CancellationToken,
}

/// A run, as the API tells it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Run {
    pub(super) id: u64,
    pub(super) status: String,
    pub(super) conclusion: Option<String>,
    #[serde(rename = "html_url")]
    pub(super) link: Option<String>,
    display_title: Option<String>,
    name: Option<String>,
    created_at: Option<String>,
}

/// What one look at a run saw.
pub(super) enum Seen {
    Run(Box<Run>),
    /// Nothing this time; that may pass.
    NotNow(String),
    /// Nothing, and it will stay so.
    Never(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Work {
    name: String,
    status: String,
    conclusion: Option<String>,
    steps: Vec<Work>,
}

impl Api {
    pub(super) fn of(workflow: &GithubWorkflow, attempt: &Attempt, cancel: CancellationToken) -> Result<Self> {
        let text = |template: &crate::message::Template| template.render(&attempt.values, Escape::Plain);
        let (repository, file, token) =
            (text(&workflow.repository)?, text(&workflow.workflow)?, text(&workflow.token)?);
        let names: Vec<&str> = repository.split('/').collect();
        if names.len() != 2 || !names.iter().chain([&file.as_str()]).all(|name| is_name(name)) {
            let message =
                format!("{repository:?} with {file:?} is not a repository `owner/name` and a workflow's file");
            return Err(UserError::invalid(attempt.mask.text(&message)).into());
        }
        let base = workflow.api_url.render(&attempt.values, Escape::Url)?;
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, header("Authorization", &format!("Bearer {token}"))?);
        headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.github+json"));
        headers.insert(HeaderName::from_static("x-github-api-version"), HeaderValue::from_static(VERSION));
        let base = format!("{}/repos/{repository}/actions", base.trim_end_matches('/'));
        Ok(Self { base, workflow: file, headers, cancel })
    }

    /// Starts the workflow; the run, if this GitHub tells which it is. It does since February 2026, when asked to; one
    /// that is older refuses the question, having started nothing, and is asked without it.
    pub(super) async fn dispatch(&self, tools: &Tools, mut body: Value) -> ControlFlow<Outcome, Option<Run>> {
        let path = format!("/workflows/{}/dispatches", self.workflow);
        body["return_run_details"] = json!(true);
        let mut answer = self.call(tools, Method::Post, (&path, Some(&body))).await;
        if answer.as_ref().is_ok_and(does_not_know_the_question) {
            body.as_object_mut().map(|body| body.remove("return_run_details"));
            answer = self.call(tools, Method::Post, (&path, Some(&body))).await;
        }
        let now = tools.clock.now();
        if let Ok(answer) = &answer
            && let Some(wait) = limited(answer, now)
        {
            let status = Status::Failed { transient: true, untouched: true, retry_after: Some(wait) };
            return ControlFlow::Break(Outcome { status, ..Outcome::failed(answer_words(answer)) });
        }
        judge((Method::Post, &[]), answer, now).map_continue(|answer| {
            let details = answer.json()?;
            let link = details["html_url"].as_str().filter(|link| is_web_address(link)).map(str::to_owned);
            Some(Run { id: details["workflow_run_id"].as_u64()?, link, ..Run::default() })
        })
    }

    /// The newest run since a time that shows `key` in its title.
    pub(super) async fn find(&self, tools: &Tools, (key, since): (&str, Millis)) -> Result<Option<Run>, String> {
        let path = format!("/workflows/{}/runs?event=workflow_dispatch&per_page=100", self.workflow);
        let answer = self.call(tools, Method::Get, (&path, None)).await.map_err(|trouble| trouble.to_string())?;
        if !answer.status.is_success() {
            return Err(answer_words(&answer));
        }
        let runs = answer.json().and_then(|mut body| serde_json::from_value(body["workflow_runs"].take()).ok());
        let runs: Vec<Run> = runs.ok_or("the list of runs cannot be read")?;
        Ok(runs.into_iter().find(|run| {
            let titles = [&run.display_title, &run.name];
            run.created().is_none_or(|created| created >= since)
                && titles.into_iter().flatten().any(|title| shows(title, key))
        }))
    }

    pub(super) async fn look(&self, tools: &Tools, run: u64) -> Seen {
        let answer = match self.call(tools, Method::Get, (&format!("/runs/{run}"), None)).await {
            Ok(answer) => answer,
            Err(Trouble::Refused(why)) => return Seen::Never(why),
            Err(trouble) => return Seen::NotNow(trouble.to_string()),
        };
        let words = answer_words(&answer);
        let passes = matches!(answer.status.as_u16(), 404 | 408 | 429 | 500..);
        if passes || limited(&answer, tools.clock.now()).is_some() {
            return Seen::NotNow(words);
        }
        if !answer.status.is_success() {
            return Seen::Never(words);
        }
        match answer.json().and_then(|body| serde_json::from_value::<Run>(body).ok()) {
            Some(run) => Seen::Run(Box::new(Run { link: run.link.filter(|link| is_web_address(link)), ..run })),
            None => Seen::NotNow("the answer cannot be read".into()),
        }
    }

    /// How many percent of the steps are done, and the name of the one under way.
    pub(super) async fn progress(&self, tools: &Tools, run: u64) -> (Option<u8>, String) {
        let jobs = self.jobs(tools, run).await;
        let steps: Vec<&Work> = jobs.iter().flat_map(|job| &job.steps).collect();
        let done = steps.iter().filter(|step| step.status == "completed").count();
        let percent = (done * 100).checked_div(steps.len()).and_then(|percent| u8::try_from(percent).ok());
        let current = steps.iter().find(|step| step.status == "in_progress");
        (percent, current.map(|step| step.name.clone()).unwrap_or_default())
    }

    /// The job and step that failed: `build, step Test`.
    pub(super) async fn failure(&self, tools: &Tools, run: u64) -> Option<String> {
        let jobs = self.jobs(tools, run).await;
        let failed = |work: &&Work| matches!(work.conclusion.as_deref(), Some("failure" | "timed_out"));
        let job = jobs.iter().find(failed)?;
        Some(match job.steps.iter().find(failed) {
            Some(step) => format!("{}, step {}", job.name, step.name),
            None => job.name.clone(),
        })
    }

    /// Asks for the run's end; an error says why it goes on.
    pub(super) async fn cancel(&self, tools: &Tools, run: u64) -> Result<(), String> {
        match self.call(tools, Method::Post, (&format!("/runs/{run}/cancel"), None)).await {
            Ok(answer) if answer.status.is_success() => Ok(()),
            Ok(answer) => Err(answer_words(&answer)),
            Err(trouble) => Err(trouble.to_string()),
        }
    }

    async fn jobs(&self, tools: &Tools, run: u64) -> Vec<Work> {
        let answer = self.call(tools, Method::Get, (&format!("/runs/{run}/jobs?per_page=100"), None)).await;
        let body = answer.ok().filter(|answer| answer.status.is_success()).and_then(|answer| answer.json());
        body.and_then(|mut body| serde_json::from_value(body["jobs"].take()).ok()).unwrap_or_default()
    }

    async fn call(
        &self,
        tools: &Tools,
        method: Method,
        (path, body): (&str, Option<&Value>),
    ) -> Result<Answer, Trouble> {
        let mut headers = self.headers.clone();
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let (url, body) = (format!("{}{path}", self.base), body.map(|body| body.to_string().into_bytes()));
        tools.web.send(Call { method: method.into(), url, headers, body, deadline: CALL }, &self.cancel).await
    }
}

impl Run {
    fn created(&self) -> Option<Millis> {
        Some(self.created_at.as_ref()?.parse::<jiff::Timestamp>().ok()?.as_millisecond())
    }
}

/// Whether a refusal is about the one key that older servers do not know.
fn does_not_know_the_question(answer: &Answer) -> bool {
    let about = String::from_utf8_lossy(&answer.body).contains("return_run_details");
    matches!(answer.status.as_u16(), 400 | 422) && about
}

/// How long to wait, if GitHub says that we have asked too much: with 429, or with 403 and headers that tell.
fn limited(answer: &Answer, now: Millis) -> Option<Span> {
    let used_up = answer.headers.get("x-ratelimit-remaining").is_some_and(|left| left == "0");
    let asked = retry_after(&answer.headers, now);
    match answer.status.as_u16() {
        429 => Some(asked.unwrap_or(Span::from_secs(60))),
        403 if used_up || asked.is_some() => Some(asked.unwrap_or(Span::from_secs(60))),
        _ => None,
    }
}

/// Whether a run's title has the key in it as a word of its own: `req_1/a` is not shown by `req_1/ab`.
fn shows(title: &str, key: &str) -> bool {
    let within = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/');
    title.match_indices(key).any(|(at, _)| {
        let (before, after) = (title[..at].chars().next_back(), title[at + key.len()..].chars().next());
        !before.is_some_and(within) && !after.is_some_and(within)
    })
}

/// A name of an owner, a repository or a workflow file, which stays one segment of a path.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    name.chars().all(plain) && !matches!(name, "" | "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_as_a_word() {
        assert!(shows("Deploy orders (req_1/deploy)", "req_1/deploy"));
        assert!(shows("req_1/deploy", "req_1/deploy"));
        for not in ["Deploy req_1/deploy2", "xreq_1/deploy", "req_1/deploy/x", "req_2/deploy", ""] {
            assert!(!shows(not, "req_1/deploy"), "{not}");
        }
    }

    #[test]
    fn c5_names_stay_one_segment() {
        assert!(is_name("deploy.yml") && is_name(".github"));
        for not in ["", ".", "..", "a/b", "a?b", "a%2Fb", "a b", "a\n", "größe"] {
            assert!(!is_name(not), "{not:?}");
        }
    }
}
