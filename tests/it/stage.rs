//! A story's stage: a platform over one of its transports, a real process that is connected to it, and what both need.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::clockwork::Clockwork;
use crate::discord::{self, Discord};
use crate::page_wire::Page;
use crate::slack::Slack;
use crate::wire::{Process, Setup, Wire};

/// A platform over a transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Page,
    SlackSocket,
    SlackHttp,
    DiscordGateway,
    DiscordHttp,
}

pub const EVERYWHERE: [On; 5] = [On::Page, On::SlackSocket, On::SlackHttp, On::DiscordGateway, On::DiscordHttp];

impl On {
    /// The platform's identity of somebody, as the configuration writes it.
    pub fn identity(self, who: &str) -> String {
        match self {
            Self::Page => format!("web:{who}"),
            Self::SlackSocket | Self::SlackHttp => format!("slack:U0{}", who.to_uppercase()),
            Self::DiscordGateway | Self::DiscordHttp => format!("discord:{}", discord::id_of(who)),
        }
    }

    /// What a configuration says of these people, whom the platform knows.
    pub fn people(self, names: &[&str]) -> String {
        let person = |who: &&str| format!("[person.{who}]\nidentities = [\"{}\"]\n", self.identity(who));
        let people: String = names.iter().map(person).collect();
        if self == Self::Page { format!("[web]\npersonas = {names:?}\n{people}") } else { people }
    }

    /// The conversation that everybody is in; the page has none.
    pub fn channel(self) -> Option<String> {
        match self {
            Self::Page => None,
            Self::SlackSocket | Self::SlackHttp => Some(format!("slack:{}", crate::slack::CHANNEL)),
            Self::DiscordGateway | Self::DiscordHttp => Some(format!("discord:{}", discord::CHANNEL)),
        }
    }
}

/// A story's stage.
pub struct Stage {
    pub on: On,
    pub wire: Box<dyn Wire>,
    process: Option<Process>,
    /// The clock of the process, where the story turns it.
    clock: Option<Clockwork>,
    folder: TempDir,
    _api: MockServer,
}

impl Stage {
    /// The sample platform with the stories beside it.
    pub async fn open(on: On) -> Self {
        Self::set(on, furnish).await
    }

    /// A stage on which `furnish` puts what there is: it is given the folder, and where the endings are told.
    pub async fn set(on: On, furnish: impl FnOnce(&Path, &str)) -> Self {
        let mut stage = Self::build(on, furnish).await;
        stage.start().await;
        stage
    }

    /// The same at an instant such as `2026-12-01T10:00:30Z`, and with a log of everything.
    pub async fn set_at(on: On, instant: &str, furnish: impl FnOnce(&Path, &str)) -> Self {
        let mut stage = Self::build(on, furnish).await;
        let clock = Clockwork::new(stage.folder.path().join("clock"));
        stage.wire.turn_clock(clock.turn_to(instant));
        stage.clock = Some(clock);
        stage.start().await;
        stage
    }

    /// These people have been there before, so that they are known and have seen what there was.
    pub async fn welcome(&self, names: &[&str]) {
        for who in names {
            self.wire.say(who, "/whoami").await;
            self.wire.read(who, "You are ").await;
        }
    }

    async fn build(on: On, furnish: impl FnOnce(&Path, &str)) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let wire: Box<dyn Wire> = match on {
            On::Page => Box::new(Page::open().await),
            On::SlackSocket => Box::new(Slack::socket().await),
            On::SlackHttp => Box::new(Slack::http().await),
            On::DiscordGateway => Box::new(Discord::gateway()),
            On::DiscordHttp => Box::new(Discord::http()),
        };
        let (folder, api) = (tempfile::tempdir().expect("a folder"), MockServer::start().await);
        let endings = ResponseTemplate::new(200).set_body_json(["happy", "sad", "open"]);
        Mock::given(path("/endings")).respond_with(endings).mount(&api).await;
        furnish(folder.path(), &api.uri());
        Self { on, wire, process: None, clock: None, folder, _api: api }
    }

    async fn start(&mut self) {
        let mut settings = self.wire.settings();
        let (log, level) = (self.folder.path().join("log"), if self.clock.is_some() { "trace" } else { "warn" });
        settings.push(("STATIONMASTER_LOG__LEVEL".into(), level.into()));
        settings.extend(self.clock.iter().flat_map(Clockwork::settings));
        let log = self.clock.is_some().then_some(log.as_path());
        let process = Setup { folder: self.folder.path(), settings, log }.start().await;
        self.wire.connect(&process.address).await;
        self.process = Some(process);
    }

    /// The process is killed between two instructions of its own, and another one goes on.
    pub async fn restart(&mut self) {
        self.process.take().expect("it runs").kill();
        self.start().await;
    }

    /// Turns the clock of the process, and of the platform.
    pub async fn turn_to(&self, instant: &str) {
        let (clock, process) = (self.clock.as_ref().expect("a clock"), self.process.as_ref().expect("it runs"));
        self.wire.turn_clock(clock.turn_to(instant));
        clock.until_seen(&process.address, instant).await;
    }

    /// Everything that the processes of this stage have logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).expect("a log")
    }

    pub fn data(&self, path: &str) -> PathBuf {
        self.folder.path().join("data").join(path)
    }

    /// Lets the first step of the story of this title end well.
    pub fn finish_step(&self, title: &str) {
        finish_step(self.folder.path(), title);
    }

    /// Nothing may be left unread.
    pub fn close(self) {
        assert_eq!(self.wire.unread(), Vec::<String>::new(), "these were never read");
    }
}

pub fn finish_step(folder: &Path, title: &str) {
    std::fs::create_dir_all(folder.join("data")).expect("a folder");
    std::fs::write(folder.join(format!("data/{title}.go")), "well").expect("written");
}

/// The sample platform, as a fresh clone has it, and the stories, whose endings are told at `api`.
pub fn furnish(folder: &Path, api: &str) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    copy(&top.join("commands"), &folder.join("commands"));
    std::fs::write(folder.join("commands/story.toml"), STORY.replace("API", api)).expect("written");
    // Nobody answers for the stories, so that whoever tells one is not asked for help about it too.
    let sample = std::fs::read_to_string(top.join("stationmaster.toml")).expect("the sample's configuration");
    let alone =
        sample.replace("[escalation]\nteam = \"platform\"", "[team.authors]\n\n[escalation]\nteam = \"authors\"");
    assert_ne!(sample, alone, "the sample names who is asked last");
    std::fs::write(folder.join("stationmaster.toml"), alone).expect("written");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// Work whose pace the story sets by the files that it makes.
const STORY: &str = r#"
[capability]
name = "story"
title = "Stories"
need = "As a reader I want to see how it goes on"
owner = "authors"
maturity = "ga"

[[command]]
name = "tell"
summary = "Tell a story"
[[command.param]]
name = "title"
type = "string"
pattern = "^[a-z]+$"
help = "Small letters"
[[command.param]]
name = "kind"
type = "choice"
choices = ["short", "long"]
default = "short"
[[command.param]]
name = "ending"
type = "choice"
choices_from = { http = "API/endings", items = "$[*]", cache = "1m" }
default = "happy"
[[command.step]]
name = "begin"
timeout = "2m"
retry = { attempts = 3, on = "safe", pause = "100ms" }
[command.step.process]
program = "/bin/sh"
args = ["-c", "echo '{\"progress\": 50, \"label\": \"half way\"}'; until test -e $1.go; do sleep 0.05; done; cat $1.go; ! grep -q bad $1.go", "sh", "{{title}}"]
[[command.step]]
name = "end"
[command.step.process]
program = "/bin/true"
[command.reply]
text = "The story **{{title}}** is {{kind}} and {{ending}}."
"#;

/// Tells a story everywhere at once.
pub async fn everywhere<F: Future<Output = ()> + Send + 'static>(story: impl Fn(Stage) -> F) {
    play(async |on| Stage::open(on).await, story).await;
}

/// Tells a story everywhere at once, on stages of its own.
pub async fn play<F: Future<Output = ()> + Send + 'static>(set: impl AsyncFn(On) -> Stage, story: impl Fn(Stage) -> F) {
    let mut told = Vec::new();
    for on in EVERYWHERE {
        eprintln!("on {on:?}");
        told.push((on, tokio::spawn(story(set(on).await))));
    }
    for (on, telling) in told {
        if let Err(error) = telling.await {
            panic!("on {on:?}: {error}");
        }
    }
}
