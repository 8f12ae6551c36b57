//! The `github-workflow` runner: starts a workflow of GitHub Actions, finds its run and follows it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::inspection::Inspector;
use super::{Attempt, Inspection, Outcome, Progress, Status, Tools};
use crate::clock::{Millis, Span};
use crate::error::Result;
use crate::message::{Escape, Template};

mod api;

use api::{Api, Run, Seen};

/// The pause between two looks if none is said.
const PAUSE: Span = Span::from_secs(10);
/// The shortest pause that can be asked for: GitHub allows 5000 calls an hour.
const SHORTEST_PAUSE: Span = Span::from_secs(1);
/// How long a run is looked for that should have begun.
const APPEARING: Span = Span::from_secs(120);

/// `[command.step.github-workflow]`
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GithubWorkflow {
    /// `owner/name`.
    pub repository: Template,
    /// The workflow's file name: `deploy.yml`. It must be triggered by `workflow_dispatch`.
    pub workflow: Template,
    /// The branch or tag; `main` if not said.
    #[serde(default = "main_branch", rename = "ref")]
    pub reference: Template,
    /// The workflow's inputs; GitHub takes them as text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Template>,
    /// An input that is given the step's key, so that the run is found again after a crash. The workflow must show it
    /// in its `run-name`: `run-name: Deploy ${{ inputs.key }}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_input: Option<String>,
    /// A token that may read and write actions: `{{secret.GITHUB_TOKEN}}`.
    pub token: Template,
    /// The address of the API; `https://api.github.com` if not said.
    #[serde(default = "public_api")]
    pub api_url: Template,
    /// The pause between two looks; 10s if not said, never below 1s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
}

/// What later steps can use of a run.
const OUTPUTS: [&str; 3] = ["run_id", "url", "conclusion"];

/// What is remembered between two looks.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Following {
    /// The run's id, once it is known.
    run: Option<u64>,
    link: Option<String>,
    /// When it was started, or when the search for it began.
    since: Millis,
    /// Whether runs from before `since` can be ours too: nobody knows when an interrupted start was made.
    lost: bool,
    percent: Option<u8>,
    /// What the last look saw, for the words at the deadline.
    seen: String,
}

fn main_branch() -> Template {
    Template::fixed("main")
}

fn public_api() -> Template {
    Template::fixed("https://api.github.com")
}

impl GithubWorkflow {
    /// Starts the workflow, or looks how far its run is.
    pub async fn run(&self, tools: &Tools, attempt: &Attempt) -> Result<Outcome> {
        let api = Api::of(self, attempt, attempt.cancel.clone())?;
        if attempt.checkpoint.is_null() {
            return self.start(&api, tools, attempt).await;
        }
        let mut following: Following = serde_json::from_value(attempt.checkpoint.clone())?;
        if following.run.is_none() {
            self.search(&api, tools, (attempt, &mut following)).await?;
        }
        Ok(match following.run {
            Some(run) => self.look(&api, tools, (attempt, following, run)).await?,
            None if tools.clock.now() < following.since + APPEARING.millis() => self.wait(tools, attempt, following),
            None if following.lost => Outcome::unknown("the answer to the start was lost, and no run shows its key"),
            None => Outcome::unknown("it was started, but no run of it can be found"),
        })
    }

    /// What became of an attempt that was interrupted: looks for the run that shows the step's key.
    pub async fn recover(&self, tools: &Tools, attempt: &Attempt) -> Result<Outcome> {
        if attempt.checkpoint.is_null() && self.key_input.is_none() {
            return Ok(Outcome::unknown("it may have been started; only a `key_input` would let its run be found"));
        }
        let checkpoint = match &attempt.checkpoint {
            Value::Null => json!(Following { since: tools.clock.now(), lost: true, ..Following::default() }),
            known => known.clone(),
        };
        self.run(tools, &Attempt { checkpoint, ..attempt.clone() }).await
    }

    /// Asks GitHub to cancel the run.
    pub async fn cancel(&self, tools: &Tools, attempt: &Attempt) -> Result<Outcome> {
        let api = Api::of(self, attempt, CancellationToken::new())?;
        let mut following: Following = serde_json::from_value(attempt.checkpoint.clone()).unwrap_or_default();
        if following.run.is_none() {
            self.search(&api, tools, (attempt, &mut following)).await?;
        }
        let Some(run) = following.run else {
            return Ok(Outcome::unknown("no run of it can be found, so none was cancelled"));
        };
        Ok(match api.cancel(tools, run).await {
            Ok(()) => Outcome::failed("the run was cancelled"),
            Err(why) => Outcome::unknown(attempt.mask.text(&format!("the run could not be cancelled: {why}"))),
        }
        .link(following.link))
    }

    async fn start(&self, api: &Api, tools: &Tools, attempt: &Attempt) -> Result<Outcome> {
        let mut inputs = Map::new();
        for (name, template) in &self.inputs {
            inputs.insert(name.clone(), Value::String(template.render(&attempt.values, Escape::Plain)?));
        }
        inputs.extend(self.key_input.iter().map(|name| (name.clone(), json!(attempt.key))));
        let reference = self.reference.render(&attempt.values, Escape::Plain)?;
        let mut following = Following { since: tools.clock.now(), ..Following::default() };
        match api.dispatch(tools, json!({"ref": reference, "inputs": inputs})).await {
            ControlFlow::Continue(Some(run)) => (following.run, following.link) = (Some(run.id), run.link),
            ControlFlow::Continue(None) if self.key_input.is_none() => {
                let why =
                    "it was started, but this GitHub does not say which run it is; a `key_input` lets it be found";
                return Ok(Outcome::unknown(why));
            }
            ControlFlow::Continue(None) => {}
            ControlFlow::Break(outcome) if outcome.status == Status::Unknown && self.key_input.is_some() => {
                following.lost = true;
            }
            ControlFlow::Break(outcome) => {
                return Ok(Outcome { summary: attempt.mask.text(&outcome.summary), ..outcome });
            }
        }
        Ok(self.wait(tools, attempt, following))
    }

    /// Looks for the run that shows the step's key.
    async fn search(&self, api: &Api, tools: &Tools, (attempt, following): (&Attempt, &mut Following)) -> Result<()> {
        if self.key_input.is_none() {
            return Ok(());
        }
        // An earlier attempt's run shows the same key. A minute is for clocks that differ.
        let since = if following.lost { Millis::MIN } else { following.since - 60_000 };
        match api.find(tools, (&attempt.key, since)).await {
            Ok(Some(run)) => (following.run, following.link) = (Some(run.id), run.link),
            Ok(None) => {}
            Err(why) => following.seen = why,
        }
        Ok(())
    }

    async fn look(
        &self,
        api: &Api,
        tools: &Tools,
        (attempt, mut following, run): (&Attempt, Following, u64),
    ) -> Result<Outcome> {
        match api.look(tools, run).await {
            Seen::Run(run) if run.status == "completed" => return Ok(end(api, tools, (attempt, *run)).await),
            Seen::Run(run) => {
                following.link = run.link.or(following.link);
                following.seen = run.status;
                let (percent, label) = api.progress(tools, run.id).await;
                following.percent = percent.max(following.percent);
                let (percent, link) = (following.percent, following.link.clone());
                let label = attempt.mask.text(&label);
                attempt.progress.send(Progress { percent, label, link, log: None }).ok();
            }
            Seen::NotNow(why) => following.seen = why,
            Seen::Never(why) => {
                let why = attempt.mask.text(&format!("how far the run is cannot be seen: {why}"));
                return Ok(Outcome::failed(why).link(following.link));
            }
        }
        if tools.clock.now() < attempt.deadline {
            return Ok(self.wait(tools, attempt, following));
        }
        // As good as it goes: the step is over either way.
        let cancelled = if api.cancel(tools, run).await.is_ok() { ", and was cancelled" } else { "" };
        let why = format!("the run was not done in time{cancelled}; the last look saw: {}", following.seen);
        Ok(Outcome::failed(attempt.mask.text(&why)).link(following.link))
    }

    fn wait(&self, tools: &Tools, attempt: &Attempt, following: Following) -> Outcome {
        let pause = self.every.unwrap_or(PAUSE).max(SHORTEST_PAUSE);
        let again_at = (tools.clock.now() + pause.millis()).min(attempt.deadline.max(tools.clock.now() + 1));
        let link = following.link.clone();
        Outcome::waiting("waiting for the run", json!(following), again_at).link(link)
    }

    /// `run deploy.yml of acme/orders at main with environment=prod`
    pub fn plan(&self, values: &Value) -> Result<String> {
        let text = |template: &Template| template.render(values, Escape::Plain);
        let mut line =
            format!("run {} of {} at {}", text(&self.workflow)?, text(&self.repository)?, text(&self.reference)?);
        for (index, (name, template)) in self.inputs.iter().enumerate() {
            line.push_str(&format!("{} {name}={}", if index == 0 { " with" } else { "," }, text(template)?));
        }
        Ok(line)
    }

    /// What the check looks at.
    pub fn inspect(&self) -> Inspection {
        let mut inspector = Inspector::default();
        let templates = [
            ("repository", &self.repository),
            ("workflow", &self.workflow),
            ("ref", &self.reference),
            ("token", &self.token),
            ("api_url", &self.api_url),
        ];
        for (key, template) in templates {
            inspector.template(key, template);
        }
        inspector.templates("inputs", &self.inputs);
        if let Some(name) = self.key_input.as_ref().filter(|name| self.inputs.contains_key(*name)) {
            inspector.mistake(
                "key_input",
                format!("the input `{name}` is given twice"),
                Some("leave it out of `inputs`"),
            );
        }
        let fixed = self.repository.variables().is_empty();
        if fixed && self.repository.source().split('/').filter(|part| !part.is_empty()).count() != 2 {
            inspector.mistake("repository", "a repository is written `owner/name`", None);
        }
        inspector.outputs(&OUTPUTS.map(str::to_owned))
    }
}

/// The end of a completed run.
async fn end(api: &Api, tools: &Tools, (attempt, run): (&Attempt, Run)) -> Outcome {
    let conclusion = run.conclusion.unwrap_or_default();
    let outcome = if matches!(conclusion.as_str(), "success" | "neutral") {
        Outcome::done(format!("the run ended: {conclusion}"), Map::new())
    } else {
        let place = api.failure(tools, run.id).await.map(|place| format!(" ({place})")).unwrap_or_default();
        Outcome::failed(attempt.mask.text(&format!("the run ended: {conclusion}{place}")))
    };
    let values = [json!(run.id), json!(run.link), json!(conclusion)];
    outcome.outputs(OUTPUTS.iter().map(|name| (*name).to_owned()).zip(values).collect()).link(run.link)
}
