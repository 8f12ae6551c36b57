//! The `process` runner: a local program, never through a shell.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, Command};

use super::exchange::link_of;
use super::inspection::Inspector;
use super::place::Place;
use super::size::Size;
use super::{Attempt, Inspection, Outcome, Tools};
use crate::clock::Span;
use crate::error::{Result, UserError};
use crate::message::{Data, Escape, Template};

mod group;
mod lines;

use group::{End, Group, alongside, signal_name};
use lines::Lines;

/// The program name that stands for this very program.
const OURSELVES: &str = "stationmaster";
/// "Temporary failure, try again later", by sysexits.h.
const EX_TEMPFAIL: i32 = 75;

/// `[command.step.process]`
///
/// The program reads JSON on its standard input and may write JSON lines on its standard output:
/// `{"progress": 40, "label": "…"}`, `{"output": {"key": "value"}}`, `{"link": "https://…"}`, `{"log": "…"}` and
/// `{"error": "words for people"}`, or `{"declined": "words for people"}` where whoever asked can mend it: a name is taken, a
/// thing is not there; then nobody else is asked for help. Every other line, and all of its standard error, is its log. It is
/// done with exit status 0, and may be tried again after 75 (EX_TEMPFAIL of sysexits.h).
///
/// It leads a process group of its own. When it ends, is cancelled or takes too long, the whole group is ended. If
/// Stationmaster itself is killed, the program loses its pipes and nothing else: the step is then uncertain.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// A file relative to the folder of the capability files (`bin/deploy`), an absolute one, a name that is looked up
    /// in the PATH, or `stationmaster` for this very program.
    pub program: String,
    /// Its arguments, each of which reaches the program as one, whatever is in it. Write `--` before values where the
    /// program takes options: a value may begin with `-`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<Template>,
    /// Its environment, beyond PATH, HOME, LANG, IDEMPOTENCY_KEY and STATIONMASTER_URL, our own address; it sees nothing
    /// else of ours. This or `input` is the place for secrets: everybody on the machine can read arguments.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Template>,
    /// Where it runs, relative to the data folder; made if it is not there. The data folder itself if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<Template>,
    /// What it reads; all values but `env` and `secret` if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Data>,
    /// The outputs that it promises; it has failed if it ends without one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// How much it may take.
    #[serde(default)]
    pub limits: ProcessLimits,
}

/// `limits = { output = "1MiB", memory = "512MiB" }`; the time is the step's `timeout`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessLimits {
    /// How much of its log, and how much of outputs, is kept; of more log the last lines are kept and the rest counted.
    pub output: Size,
    /// The address space of the program and of each program that it starts; as much as it wants if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Size>,
}

impl Default for ProcessLimits {
    fn default() -> Self {
        Self { output: Size::mebibytes(1), memory: None }
    }
}

impl Process {
    /// One attempt: from the program's start to its end.
    pub async fn run(&self, tools: &Tools, attempt: &Attempt) -> Result<Outcome> {
        let Some(program) = self.find(tools) else {
            return Ok(Outcome::refused(format!("there is no program `{}`", self.program)));
        };
        let (command, input) = (self.command(&program, tools, attempt)?, self.input(&attempt.values)?);
        let limit = usize::try_from(self.limits.output.bytes())?;
        let (mut said, mut log) = (Lines::new(attempt, true, limit), Lines::new(attempt, false, limit));
        let time = Span::from_millis(attempt.deadline - tools.clock.now()).duration();
        let mut group = match Group::start(command, self.limits.memory) {
            Ok(group) => group,
            Err(error) => return Ok(self.not_started(&error)),
        };
        let (stdin, stdout, stderr) = group.pipes();
        let talk = async { tokio::join!(feed(stdin, input), said.read(stdout), log.read(stderr)) };
        let end = alongside(group.end(time, &attempt.cancel), talk).await?;
        said.close();
        log.close();
        Ok(self.judge(attempt, end, (said, log)))
    }

    fn not_started(&self, error: &io::Error) -> Outcome {
        let why = match error.kind() {
            io::ErrorKind::ArgumentListTooLong => "its arguments are too long; `input` can carry more",
            io::ErrorKind::NotFound => "the program that its first line names is not there",
            io::ErrorKind::PermissionDenied => "we may not run it",
            // Too many processes, too little memory: that passes.
            _ => return Outcome::untouched(format!("`{}` cannot be started now: {error}", self.program)),
        };
        Outcome::refused(format!("`{}` cannot be started: {why}", self.program))
    }

    /// What the program's end means.
    fn judge(&self, attempt: &Attempt, end: End, (said, log): (Lines<'_>, Lines<'_>)) -> Outcome {
        let words = said.error.clone().or(log.last).or_else(|| said.last.clone());
        let told = |what: String| match &words {
            Some(words) => format!("{what}: {words}"),
            None => what,
        };
        // A program that has words for people has said all that they need.
        let ended = |status: i32| said.error.clone().unwrap_or_else(|| told(format!("it ended with status {status}")));
        let link = said.link.clone().or_else(|| link_of(&said.outputs));
        let missing = self.outputs.iter().find(|name| !said.outputs.contains_key(*name));
        let outcome = match end {
            End::TimeOver => Outcome::failed(told("it was not done in time, and was ended".into())),
            End::Cancelled => Outcome::failed(told("it was stopped".into())),
            End::Exit(0) if said.overflown => {
                Outcome::failed(format!("its outputs are larger than {}", String::from(self.limits.output)))
            }
            End::Exit(0) => match missing {
                Some(name) => Outcome::failed(told(format!("it ended well, but without the output `{name}`"))),
                None => Outcome::done("it ended well", Map::new()),
            },
            End::Exit(_) if said.declined.is_some() => Outcome::declined(said.declined.clone().unwrap_or_default()),
            End::Exit(EX_TEMPFAIL) => Outcome::transient(ended(EX_TEMPFAIL)),
            End::Exit(status) => Outcome::failed(ended(status)),
            End::Signal(signal) => Outcome::failed(told(format!("it was killed by {}", signal_name(signal)))),
        };
        Outcome { summary: attempt.mask.text(&outcome.summary), ..outcome }.link(link).outputs(said.outputs)
    }

    fn command(&self, program: &Path, tools: &Tools, attempt: &Attempt) -> Result<Command> {
        let mut command = Command::new(program);
        command.env_clear().env("IDEMPOTENCY_KEY", &attempt.key).env("STATIONMASTER_URL", &tools.public_url);
        for name in ["PATH", "HOME", "LANG"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        for (index, template) in self.args.iter().enumerate() {
            command.arg(whole(&format!("argument {}", index + 1), template.render(&attempt.values, Escape::Plain)?)?);
        }
        for (name, template) in &self.env {
            command.env(name, whole(&format!("variable {name}"), template.render(&attempt.values, Escape::Plain)?)?);
        }
        let directory = match &self.directory {
            Some(directory) => Place::of(tools, attempt, directory)?.path,
            None => std::path::absolute(&tools.data)?,
        };
        std::fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
        command.current_dir(directory);
        Ok(command)
    }

    fn input(&self, values: &Value) -> Result<Vec<u8>> {
        let input = match &self.input {
            Some(input) => input.render(values)?,
            None => {
                let mut all = values.as_object().cloned().unwrap_or_default();
                all.retain(|name, _| name != "env" && name != "secret");
                Value::Object(all)
            }
        };
        Ok(format!("{input}\n").into_bytes())
    }

    /// The program's file, if there is one that can be run.
    fn find(&self, tools: &Tools) -> Option<PathBuf> {
        if self.program == OURSELVES {
            return Some(tools.program.clone());
        }
        let candidates: Vec<PathBuf> = if self.program.contains('/') {
            vec![std::path::absolute(tools.commands.join(&self.program)).ok()?]
        } else {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).map(|folder| folder.join(&self.program)).collect()
        };
        candidates.into_iter().find(|file| is_program(file))
    }

    /// `run bin/deploy "orders" "prod"`
    pub fn plan(&self, values: &Value) -> Result<String> {
        let mut line = format!("run {}", self.program);
        for template in &self.args {
            line.push_str(&format!(" {:?}", template.render(values, Escape::Plain)?));
        }
        Ok(line)
    }

    /// What the check looks at.
    pub fn inspect(&self, tools: &Tools) -> Inspection {
        let mut inspector = Inspector::default();
        if self.find(tools).is_none() {
            let hint = if self.program.contains('/') {
                "it is looked for in the folder of the capability files, and must be executable"
            } else {
                "it is looked for in the PATH; write ./NAME for a file beside the capability files"
            };
            inspector.mistake("program", format!("there is no program `{}`", self.program), Some(hint));
        }
        for name in self.env.keys().filter(|name| name.is_empty() || name.contains(['=', '\0'])) {
            inspector.mistake("env", format!("`{name}` is not the name of a variable"), None);
        }
        for (index, template) in self.args.iter().enumerate() {
            inspector.template(format!("args.{index}"), template);
        }
        inspector.templates("env", &self.env);
        if let Some(directory) = &self.directory {
            inspector.template("directory", directory);
        }
        if let Some(input) = &self.input {
            inspector.data("input", input);
        }
        if self.outputs.is_empty() { inspector.any_outputs() } else { inspector.outputs(&self.outputs) }
    }
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

/// The text, if the system can hand it over whole: it ends at the first NUL there.
fn whole(what: &str, text: String) -> Result<String> {
    if text.contains('\0') {
        return Err(UserError::invalid(format!("the {what} has a NUL character, which no program can be given")).into());
    }
    Ok(text)
}

/// Hands the input over. A program that does not read it is free not to.
async fn feed(stdin: Option<ChildStdin>, input: Vec<u8>) {
    if let Some(mut stdin) = stdin {
        stdin.write_all(&input).await.ok();
    }
}
