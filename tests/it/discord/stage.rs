//! A real process on one of Discord's transports, with commands that a test opens the way for.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::Discord;
use crate::engine::{On, database};
use crate::wire::{Process, Setup, Wire};

/// Commands of every kind; work goes on when the file `gate` is there.
const COMMANDS: &str = r#"
[capability]
name = "brewing"
title = "Brewing tea"
need = "As a tester I want tea so that I see how work goes on"
owner = "platform"
maturity = "ga"

[[command]]
name = "tea brew"
summary = "Brew a pot of tea"
confirm = "kind == 'strong'"
[[command.param]]
name = "name"
type = "string"
pattern = "^[a-z]{2,20}$"
help = "Small letters"
[[command.param]]
name = "kind"
type = "choice"
choices = ["mild", "strong"]
default = "mild"
[[command.step]]
name = "boil"
timeout = "5m"
retry = { attempts = 3, on = "safe", pause = "100ms" }
[command.step.process]
program = "/bin/sh"
args = ["-c", "echo '{\"progress\": 40, \"label\": \"boiling\"}'; while [ ! -e GATE ]; do sleep 0.02; done"]
[command.reply]
text = "The tea **{{name}}** is ready."

[[command]]
name = "echo"
summary = "Say it again"
[[command.param]]
name = "words"
type = "text"
[[command.step]]
name = "speak"
[command.step.process]
program = "/bin/sh"
args = ["-c", "echo run >> RUNS"]
[command.reply]
text = "I heard: {{words}}"

[[command]]
name = "order"
summary = "Order everything for a party"
[[command.param]]
name = "title"
type = "string"
[[command.param]]
name = "size"
type = "choice"
choices = ["small", "large"]
default = "small"
[[command.param]]
name = "cake"
type = "boolean"
optional = true
[[command.param]]
name = "spot"
type = "choice"
choices = ["garden", "roof", "street"]
default = "garden"
[[command.param]]
name = "music"
type = "choice"
choices = ["jazz", "none"]
default = "none"
[[command.param]]
name = "light"
type = "choice"
choices = ["bright", "dim"]
default = "dim"
[[command.param]]
name = "remark"
type = "text"
optional = true
[[command.step]]
name = "order"
[command.step.process]
program = "/bin/true"
[command.reply]
text = "Ordered **{{title}}** for the {{spot}}, {{size}}."
"#;

/// A process and the Discord that it is connected to.
pub struct Stage {
    pub discord: Discord,
    folder: TempDir,
    /// Settings besides Discord's.
    pub more: Vec<(String, String)>,
    process: Option<Process>,
}

impl Stage {
    /// A process that is ready, and whose commands are registered.
    pub async fn open(discord: Discord) -> Self {
        let mut stage = Self::closed(discord);
        stage.start().await;
        stage
    }

    /// The same before it is started.
    pub fn closed(discord: Discord) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("commands")).expect("a folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let commands = COMMANDS.replace("GATE", &path("gate")).replace("RUNS", &path("runs"));
        std::fs::write(folder.path().join("commands/brewing.toml"), commands).expect("a file");
        Self { discord, folder, more: Vec::new(), process: None }
    }

    /// Another process on the same database.
    pub async fn second(&self) -> Process {
        self.setup().start().await
    }

    /// On a PostgreSQL database that several processes share.
    pub async fn share(&mut self) {
        let url = database(On::Postgres, self.folder.path()).await;
        self.more.push(("STATIONMASTER_DATABASE__URL".into(), url));
    }

    pub async fn start(&mut self) {
        let process = self.setup().start().await;
        self.discord.connect(&process.address).await;
        self.process = Some(process);
    }

    /// Ends the process at once, as the kernel would.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    fn setup(&self) -> Setup<'_> {
        let settings = self.discord.settings().into_iter().chain(self.more.iter().cloned()).collect();
        Setup { folder: self.folder.path(), settings, log: None }
    }

    /// Lets the work go on.
    pub fn open_gate(&self) {
        std::fs::write(self.path("gate"), "").expect("a file");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// How often `/echo` ran.
    pub fn runs(&self) -> usize {
        std::fs::read_to_string(self.path("runs")).map_or(0, |text| text.lines().count())
    }

    /// Status and text of one of the process's own pages.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let address = &self.process.as_ref().expect("it runs").address;
        let web = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().expect("a client");
        let answer = web.get(format!("{address}{path}")).send().await.expect("it answers");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }

    /// Waits until the process says of itself that it is not ready, for this reason.
    pub async fn until_not_ready(&self, reason: &str) {
        let waiting = async {
            loop {
                let (status, text) = self.get("/readyz").await;
                if status == 503 && text.contains(reason) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let waited = tokio::time::timeout(crate::wire::PATIENCE, waiting).await;
        assert!(waited.is_ok(), "it is ready, or not for the reason \"{reason}\": {:?}", self.get("/readyz").await);
    }

    /// How many events of Discord were ignored.
    pub async fn ignored(&self) -> u64 {
        let (_, figures) = self.get("/metrics").await;
        let counted = figures.lines().filter(|line| line.starts_with("stationmaster_events_ignored_total"));
        let discord = counted.filter(|line| line.contains("platform=\"discord\""));
        discord.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// Everything was read, and nothing was refused.
    pub fn finish(self) {
        let unread = self.discord.unread();
        assert!(unread.is_empty(), "{}", unread.join("\n"));
    }
}
