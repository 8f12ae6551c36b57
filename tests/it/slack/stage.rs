//! A real process in a folder of its own, connected to a Slack of its own.

use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::Slack;
use super::server::Call;
use crate::wire::{PATIENCE, Process, Setup, Wire};

/// Commands that leave a line each, show what they were given, or wait for a file.
const WORK: &str = r#"
[capability]
name = "work"
title = "Work"
need = "As a tester I want to see what happens"
owner = "platform"
maturity = "ga"

[[command]]
name = "count"
summary = "Leave a line"
[[command.param]]
name = "number"
type = "integer"
help = "A whole number"
[[command.param]]
name = "note"
type = "text"
optional = true
[[command.step]]
name = "leave"
[command.step.process]
program = "/bin/sh"
args = ["-c", "echo \"$1\" >> done", "sh", "{{number}}"]
[command.reply]
text = "Counted {{number}}. {{note}}"

[[command]]
name = "repeat"
summary = "Say what a program says"
[[command.step]]
name = "ask"
[command.step.process]
program = "/bin/cat"
args = ["answer"]
outputs = ["words"]
[command.reply]
text = "It says {{steps.ask.words}}"

[[command]]
name = "wait"
summary = "Wait for a file"
[[command.step]]
name = "wait"
timeout = "2m"
retry = { attempts = 3, on = "safe", pause = "100ms" }
[command.step.process]
program = "/bin/sh"
args = ["-c", "echo '{\"progress\": 40, \"label\": \"still waiting\"}'; until test -e go; do sleep 0.05; done"]
[command.reply]
text = "The wait is over."
"#;

/// A process and its Slack.
pub struct Stage {
    pub slack: Slack,
    process: Option<Process>,
    folder: TempDir,
    settings: Vec<(String, String)>,
    web: reqwest::Client,
}

impl Stage {
    /// A process that is connected.
    pub async fn open(slack: Slack) -> Self {
        Self::with(slack, &[]).await
    }

    /// The same with settings of its own: `STATIONMASTER_…` and their values.
    pub async fn with(slack: Slack, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("commands")).expect("a folder");
        std::fs::create_dir_all(folder.path().join("data")).expect("a folder");
        std::fs::write(folder.path().join("commands/work.toml"), WORK).expect("written");
        let mut all = slack.settings();
        all.push(("STATIONMASTER_LOG__LEVEL".into(), "warn".into()));
        all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let web = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        let mut stage = Self { slack, process: None, folder, settings: all, web };
        stage.start().await;
        stage
    }

    async fn start(&mut self) {
        let process = Setup { folder: self.folder.path(), settings: self.settings.clone(), log: None }.start().await;
        self.slack.connect(&process.address).await;
        self.process = Some(process);
    }

    /// The process is killed, and another one goes on.
    pub async fn restart(&mut self) {
        self.process.take().expect("it runs").kill();
        self.start().await;
    }

    /// The address of the process, without `http://`.
    pub fn host(&self) -> &str {
        self.process.as_ref().expect("it runs").address.trim_start_matches("http://")
    }

    /// Puts a file where steps run.
    pub fn put(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join("data").join(name), text).expect("written");
    }

    /// The numbers that were counted.
    pub fn done(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("data/done")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.web.get(format!("http://{}{path}", self.host())).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }

    /// Whether the process says that it is ready.
    pub async fn is_ready(&self) -> bool {
        self.get("/readyz").await.0 == 200
    }

    /// Waits until the process says this of Slack: `ready`, `waiting` or `stopped`; gives its reason.
    pub async fn until_slack_is(&self, state: &str) -> String {
        let look = async {
            loop {
                let (_, words) = self.get("/readyz").await;
                let said: Value = serde_json::from_str(&words).expect("JSON");
                let slack = &said["platforms"]["slack"];
                if slack["state"] == state {
                    return slack["reason"].as_str().unwrap_or_default().to_owned();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(|_| panic!("Slack is never {state}"))
    }

    /// How many deliveries of Slack's were ignored for a reason.
    pub async fn ignored(&self, reason: &str) -> u64 {
        let (_, metrics) = self.get("/metrics").await;
        let is_meant = |line: &&str| {
            line.starts_with("stationmaster_events_ignored_total")
                && line.contains("platform=\"slack\"")
                && line.contains(&format!("reason=\"{reason}\""))
        };
        let line = metrics.lines().find(is_meant);
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
    }

    /// Waits until a method has been called so often.
    pub async fn until_called(&self, method: &str, times: usize) -> Vec<Call> {
        let called = |_: &mut _| Some(self.slack.server.calls(method)).filter(|calls| calls.len() >= times);
        self.slack.until("ada", &format!("{times} calls of {method}"), called).await
    }

    /// Nothing may be left unread, and nothing may have been refused.
    pub fn close(self) {
        assert_eq!(self.slack.unread(), Vec::<String>::new(), "these were never read");
    }
}

/// The calls that say something to somebody.
pub fn said(calls: &[Call]) -> Vec<&Value> {
    calls.iter().filter(|call| call.status == 200).map(|call| &call.args).collect()
}
