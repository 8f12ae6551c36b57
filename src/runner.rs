//! Runners: the kinds of things that perform a step. A runner's struct is its TOML keys.
//!
//! A runner does one attempt of one step and says what became of it. It never writes to the database, never sends a
//! message and never decides about repeating: that is `request/perform.rs`.

use std::path::PathBuf;

use secrecy::SecretString;
use serde_json::{Map, Value};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Millis, Span};
use crate::error::{Result, UserError};
use crate::mask::Mask;

pub mod callback;
mod exchange;
pub mod github_workflow;
pub mod http;
pub mod inspection;
pub mod json_call;
pub mod json_path;
mod place;
pub mod poll;
pub mod process;
mod reach;
pub mod scaffold;
pub mod size;
pub mod web_client;

pub use callback::Callback;
pub use github_workflow::GithubWorkflow;
pub use http::Http;
pub use inspection::Inspection;
pub use json_call::{JsonAnswer, JsonCall};
pub use process::Process;
pub use scaffold::Scaffold;
pub use web_client::WebClient;

/// What performs a step. A closed set: one file, one variant, one arm.
#[derive(Debug, Clone)]
pub enum Runner {
    /// Any API.
    Http(Http),
    /// An API that calls back.
    Callback(Callback),
    /// A local program.
    Process(Process),
    /// A new git repository.
    Scaffold(Scaffold),
    /// A GitHub Actions workflow.
    GithubWorkflow(GithubWorkflow),
}

/// What all runners need of the house; built once.
#[derive(Debug, Clone)]
pub struct Tools {
    /// The one way out to the network, with its address policy.
    pub web: WebClient,
    /// The time.
    pub clock: Clock,
    /// The folder that runners may write to; relative paths of capability files begin here.
    pub data: PathBuf,
    /// The folder of the capability files; template directories and programs are found from here.
    pub commands: PathBuf,
    /// The file of this very program, for steps that run it.
    pub program: PathBuf,
    /// The address at which others reach this process, for call-backs: `http://127.0.0.1:7070`.
    pub public_url: String,
    /// What the tokens of call-backs are made from; the same for all replicas.
    pub callback_key: SecretString,
}

/// One attempt of one step.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The request's id, `req_…`.
    pub request: String,
    /// The step's name.
    pub step: String,
    /// The same for all attempts of this step of this request; sent as `Idempotency-Key`.
    pub key: String,
    /// The values that templates see: parameters, `steps`, `env`, `secret`, `person`, `request`.
    pub values: Value,
    /// Hides the secrets among them.
    pub mask: Mask,
    /// What an earlier call of this step left with [`Status::Waiting`], or `null` at the first call.
    pub checkpoint: Value,
    /// When the step must have ended.
    pub deadline: Millis,
    /// Set when the requester cancels or the process shuts down: stop at once.
    pub cancel: CancellationToken,
    /// Progress while it runs; nobody may be listening.
    pub progress: UnboundedSender<Progress>,
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// 0 to 100, if it is known.
    pub percent: Option<u8>,
    /// What is being done, plain text, masked.
    pub label: String,
    /// A place to look at.
    pub link: Option<String>,
    /// A line of the step's log, masked.
    pub log: Option<String>,
}

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How it ended, or that it has not.
    pub status: Status,
    /// One line for people, plain text, masked.
    pub summary: String,
    /// A place to look at.
    pub link: Option<String>,
    /// What later steps can use as `{{steps.NAME.KEY}}`.
    pub outputs: Map<String, Value>,
}

/// How an attempt ended, or that it has not.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// Done.
    Done,
    /// Failed, and known to have failed.
    Failed {
        /// Whether trying again may help (a 503, a refused connection), or cannot (a 404).
        transient: bool,
        /// Whether nothing at all happened (the connection was refused, the program was not found), so that trying
        /// again is harmless even where repeating is not.
        untouched: bool,
        /// How long to wait before trying again, if the other side said so.
        retry_after: Option<Span>,
    },
    /// It cannot be done as it was asked for, which whoever asked can mend: a name is taken, a thing is not there. No
    /// failure of the platform.
    Declined,
    /// The answer was lost: it may have happened or not.
    Unknown,
    /// Under way elsewhere: call again with this checkpoint at that time, or when a call-back comes.
    Waiting {
        /// What to remember.
        checkpoint: Value,
        /// When to look again.
        again_at: Millis,
    },
}

impl Outcome {
    /// Done, with outputs.
    pub fn done(summary: impl Into<String>, outputs: Map<String, Value>) -> Self {
        Self { status: Status::Done, summary: summary.into(), link: None, outputs }
    }

    /// Failed for good: trying again cannot help.
    pub fn failed(summary: impl Into<String>) -> Self {
        Self::ended(Status::Failed { transient: false, untouched: false, retry_after: None }, summary)
    }

    /// Refused before anything happened: trying again cannot help.
    pub fn refused(summary: impl Into<String>) -> Self {
        Self::ended(Status::Failed { transient: false, untouched: true, retry_after: None }, summary)
    }

    /// It cannot be done as it was asked for.
    pub fn declined(summary: impl Into<String>) -> Self {
        Self::ended(Status::Declined, summary)
    }

    /// Failed before anything happened.
    pub fn untouched(summary: impl Into<String>) -> Self {
        Self::ended(Status::Failed { transient: true, untouched: true, retry_after: None }, summary)
    }

    /// Failed in a way that may pass.
    pub fn transient(summary: impl Into<String>) -> Self {
        Self::ended(Status::Failed { transient: true, untouched: false, retry_after: None }, summary)
    }

    /// Nobody knows whether it happened.
    pub fn unknown(summary: impl Into<String>) -> Self {
        Self::ended(Status::Unknown, summary)
    }

    /// Under way elsewhere.
    pub fn waiting(summary: impl Into<String>, checkpoint: Value, again_at: Millis) -> Self {
        Self::ended(Status::Waiting { checkpoint, again_at }, summary)
    }

    /// Adds a place to look at.
    #[must_use]
    pub fn link(mut self, link: Option<String>) -> Self {
        self.link = link;
        self
    }

    /// Adds what is known already: the way back may need it, however the step ends.
    #[must_use]
    pub fn outputs(mut self, outputs: Map<String, Value>) -> Self {
        self.outputs = outputs;
        self
    }

    fn ended(status: Status, summary: impl Into<String>) -> Self {
        Self { status, summary: summary.into(), link: None, outputs: Map::new() }
    }
}

impl Runner {
    /// One attempt, or one look at an attempt under way (`checkpoint` is not null). An error is a mistake in the
    /// capability file that shows only now (a missing value): nothing has happened then. Nor has anything where a value
    /// does not fit its place, such as a line break in a header; that is an outcome with words for people.
    pub async fn run(&self, tools: &Tools, attempt: &Attempt) -> Result<Outcome> {
        let outcome = self.perform(tools, attempt).await;
        outcome.or_else(|error| match error.downcast::<UserError>() {
            Ok(refusal) => Ok(Outcome::refused(attempt.mask.text(&refusal.to_string()))),
            Err(mistake) => Err(mistake),
        })
    }

    async fn perform(&self, tools: &Tools, attempt: &Attempt) -> Result<Outcome> {
        match self {
            Self::Http(http) => http.run(tools, attempt).await,
            Self::Callback(callback) => callback.run(tools, attempt).await,
            Self::Process(process) => process.run(tools, attempt).await,
            Self::Scaffold(scaffold) => scaffold.run(tools, attempt).await,
            Self::GithubWorkflow(workflow) => workflow.run(tools, attempt).await,
        }
    }

    /// After a crash or a lost answer: what happened to the attempt that was under way. [`Status::Unknown`] where it
    /// cannot be told; [`Outcome::untouched`] where it is certain that nothing happened.
    pub async fn recover(&self, tools: &Tools, attempt: &Attempt) -> Result<Outcome> {
        match self {
            Self::Scaffold(scaffold) => scaffold.recover(tools, attempt).await,
            Self::GithubWorkflow(workflow) => workflow.recover(tools, attempt).await,
            Self::Callback(callback) => callback.recover(tools, attempt).await,
            // Looking does no harm.
            Self::Http(http) if !attempt.checkpoint.is_null() => http.run(tools, attempt).await,
            Self::Http(_) | Self::Process(_) => {
                Ok(Outcome::unknown("Stationmaster was interrupted, and nobody can tell how far the step came"))
            }
        }
    }

    /// Ends work that is under way elsewhere (`checkpoint` is not null), where the system behind it can be asked to:
    /// [`Status::Failed`] once it is told to end, [`Status::Done`] where it came too late, and [`Status::Unknown`] where
    /// it goes on without us. It pays no attention to the attempt's own `cancel`.
    pub async fn cancel(&self, tools: &Tools, attempt: &Attempt) -> Result<Outcome> {
        match self {
            Self::GithubWorkflow(workflow) => workflow.cancel(tools, attempt).await,
            Self::Http(_) | Self::Callback(_) | Self::Process(_) | Self::Scaffold(_) => {
                Ok(Outcome::unknown("what was begun elsewhere cannot be stopped from here"))
            }
        }
    }

    /// Whether repeating it is harmless by its nature, whatever the file says: a GET, a PUT, a DELETE.
    pub fn is_repeatable(&self) -> bool {
        match self {
            Self::Http(http) => http.is_repeatable(),
            Self::Scaffold(_) => true,
            Self::Callback(_) | Self::Process(_) | Self::GithubWorkflow(_) => false,
        }
    }

    /// What it would do, in one line with values filled in, for the plan; masked.
    pub fn plan(&self, values: &Value, mask: &Mask) -> Result<String> {
        let line = match self {
            Self::Http(http) => http.plan(values)?,
            Self::Callback(callback) => callback.plan(values)?,
            Self::Process(process) => process.plan(values)?,
            Self::Scaffold(scaffold) => scaffold.plan(values)?,
            Self::GithubWorkflow(workflow) => workflow.plan(values)?,
        };
        Ok(mask.text(&line))
    }

    /// Its name in capability files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Callback(_) => "callback",
            Self::Process(_) => "process",
            Self::Scaffold(_) => "scaffold",
            Self::GithubWorkflow(_) => "github-workflow",
        }
    }

    /// What the check looks at without running anything: every template and condition of the runner, by its dotted
    /// key (`body.name`, `poll.until`), with the variables that it reads, and what is wrong with the rest (a program
    /// that is not there, a method that is none).
    pub fn inspect(&self, tools: &Tools) -> Inspection {
        match self {
            Self::Http(http) => http.inspect(),
            Self::Callback(callback) => callback.inspect(),
            Self::Process(process) => process.inspect(tools),
            Self::Scaffold(scaffold) => scaffold.inspect(tools),
            Self::GithubWorkflow(workflow) => workflow.inspect(),
        }
    }
}
