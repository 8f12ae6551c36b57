//! What people type and see, the same on every platform and over every transport: one story each, told on all.
//!
//! The process is real, with a folder of its own; what nobody reads fails the story.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::discord::Discord;
use crate::engine;
use crate::page_wire::Page;
use crate::slack::Slack;
use crate::wire::{Process, Setup, Typing, Wire};

/// A platform over a transport.
#[derive(Debug, Clone, Copy)]
enum On {
    Page,
    SlackSocket,
    SlackHttp,
    DiscordGateway,
    DiscordHttp,
}

const EVERYWHERE: [On; 5] = [On::Page, On::SlackSocket, On::SlackHttp, On::DiscordGateway, On::DiscordHttp];

/// A story's stage: a platform, and a process that is connected to it.
struct Stage {
    wire: Box<dyn Wire>,
    process: Option<Process>,
    folder: TempDir,
    _api: MockServer,
}

impl Stage {
    async fn open(on: On) -> Self {
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
        let mut stage = Self { wire, process: None, folder, _api: api };
        stage.start().await;
        stage
    }

    async fn start(&mut self) {
        let mut settings = self.wire.settings();
        settings.push(("STATIONMASTER_LOG__LEVEL".into(), "warn".into()));
        let process = Setup { folder: self.folder.path(), settings }.start().await;
        self.wire.connect(&process.address).await;
        self.process = Some(process);
    }

    /// The process is killed between two instructions of its own, and another one goes on.
    async fn restart(&mut self) {
        self.process.take().expect("it runs").kill();
        self.start().await;
    }

    fn data(&self, path: &str) -> PathBuf {
        self.folder.path().join("data").join(path)
    }

    /// Lets the first step of the story of this title end well.
    fn finish_step(&self, title: &str) {
        finish_step(self.folder.path(), title);
    }

    /// Nothing may be left unread.
    fn close(self) {
        assert_eq!(self.wire.unread(), Vec::<String>::new(), "these were never read");
    }
}

fn finish_step(folder: &Path, title: &str) {
    std::fs::create_dir_all(folder.join("data")).expect("a folder");
    std::fs::write(folder.join(format!("data/{title}.go")), "well").expect("written");
}

/// The sample platform, as a fresh clone has it, and the stories, whose endings are told at `api`.
fn furnish(folder: &Path, api: &str) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    copy(&top.join("commands"), &folder.join("commands"));
    std::fs::write(folder.join("commands/story.toml"), STORY.replace("API", api)).expect("written");
    std::fs::copy(top.join("stationmaster.toml"), folder.join("stationmaster.toml")).expect("copied");
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
owner = "platform"
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
async fn everywhere<F: Future<Output = ()> + Send + 'static>(story: impl Fn(Stage) -> F) {
    let mut told = Vec::new();
    for on in EVERYWHERE {
        eprintln!("on {on:?}");
        told.push((on, tokio::spawn(story(Stage::open(on).await))));
    }
    for (on, telling) in told {
        if let Err(error) = telling.await {
            panic!("on {on:?}: {error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_keeps_what_was_typed_and_says_what_is_wrong() {
    everywhere(|stage| async move {
        let wire = &stage.wire;
        wire.say("ada", "/tell").await;
        let form = wire.read("ada", "title =").await;
        assert!(form.contains("kind = short"), "{form}");
        wire.fill("ada", "title", "Tall Tale").await;
        wire.fill("ada", "kind", "long").await;
        wire.submit("ada").await;
        let form = wire.read("ada", "! ").await;
        assert!(form.contains("title = Tall Tale") && form.contains("kind = long"), "{form}");
        stage.finish_step("tale");
        wire.fill("ada", "title", "tale").await;
        wire.submit("ada").await;
        wire.read("ada", "The story tale is long and happy.").await;
        wire.read("ada", "What was done").await;
        stage.close();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_with_a_mistake_opens_the_form_where_choices_are_proposed() {
    everywhere(|stage| async move {
        let wire = &stage.wire;
        wire.say("ada", "/tell title=tale ending=weird").await;
        let form = wire.read("ada", "title = tale").await;
        assert!(form.contains("! "), "{form}");
        let typing = Typing { line: "", field: "ending", typed: "sa" };
        assert_eq!(wire.suggest("ada", typing).await, ["sad"]);
        stage.finish_step("tale");
        wire.fill("ada", "ending", "sad").await;
        wire.submit("ada").await;
        wire.read("ada", "The story tale is short and sad.").await;
        wire.read("ada", "What was done").await;
        stage.close();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_shown_while_it_goes_on_and_can_be_stopped() {
    everywhere(|stage| async move {
        let wire = &stage.wire;
        wire.say("ada", "/tell title=endless").await;
        let card = wire.read("ada", "half way").await;
        assert!(card.contains("/tell title=endless"), "{card}");
        wire.press("ada", "Cancel").await;
        wire.read("ada", "Tell a story – cancelled").await;
        stage.close();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_half_way_goes_on_with_the_same_card() {
    everywhere(|mut stage| async move {
        stage.wire.say("ada", "/tell title=tale").await;
        stage.wire.read("ada", "half way").await;
        stage.restart().await;
        stage.finish_step("tale");
        stage.wire.read("ada", "The story tale is short and happy.").await;
        stage.wire.read("ada", "What was done").await;
        // Buttons survive as well.
        stage.finish_step("tale");
        stage.wire.press("ada", "Run it again").await;
        stage.wire.read("ada", "The story tale is short and happy.").await;
        stage.wire.read("ada", "What was done").await;
        stage.close();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_says_why_and_is_tried_again_from_there() {
    everywhere(|stage| async move {
        let wire = &stage.wire;
        std::fs::write(stage.data("tale.go"), "a bad day").expect("written");
        wire.say("ada", "/tell title=tale").await;
        let card = wire.read("ada", "Tell a story – not done").await;
        assert!(card.contains("a bad day"), "{card}");
        wire.read("ada", "The log of begin").await;
        stage.finish_step("tale");
        wire.press("ada", "Try again from there").await;
        wire.read("ada", "The story tale is short and happy.").await;
        wire.read("ada", "What was done").await;
        stage.close();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_finds_ones_way() {
    everywhere(|stage| async move {
        let wire = &stage.wire;
        wire.open_home("ada").await;
        wire.read("ada", "Hello").await;
        wire.say("ada", "/help a story").await;
        let found = wire.read("ada", "For “a story”").await;
        assert!(found.contains("/tell"), "{found}");
        wire.say("ada", "/help zzyzx").await;
        wire.read("ada", "zzyzx").await;
        wire.mention("ada", "whoami").await;
        wire.read("ada", "You are ").await;
        wire.say("ada", "/tell title=tale kind=long --dry-run").await;
        let plan = wire.read("ada", "begin").await;
        assert!(plan.contains("end"), "{plan}");
        let typing = Typing { line: "/tell title=tale", field: "ending", typed: "" };
        assert_eq!(wire.suggest("ada", typing).await, ["happy", "sad", "open"]);
        stage.close();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_platform_does_what_it_says() {
    everywhere(|stage| async move {
        let wire = &stage.wire;
        wire.say("ada", "/service new name=hello team=platform").await;
        wire.read("ada", "– done").await;
        wire.read("ada", "What was done").await;
        assert!(stage.data("platform").exists());
        wire.say("ada", "/db create name=orders").await;
        wire.read("ada", "Create a database – done").await;
        wire.say("ada", "/db list").await;
        let list = wire.read("ada", "dev_orders").await;
        assert!(list.contains("– done"), "{list}");
        wire.say("ada", "/db drop name=orders").await;
        wire.read("ada", "Are you sure?").await;
        wire.press("ada", "Yes, go ahead").await;
        wire.read("ada", "Delete a database of yours, with everything in it – done").await;
        stage.close();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_deployed_and_an_environment_is_looked_at() {
    everywhere(|stage| async move {
        let wire = &stage.wire;
        wire.say("ada", "/service new name=hello team=platform").await;
        wire.read("ada", "Start a new service – done").await;
        wire.read("ada", "What was done").await;
        wire.say("ada", "/deploy service=hello").await;
        wire.read("ada", "Deploy a service – done").await;
        wire.read("ada", "What was done").await;
        wire.say("ada", "/env check depth=quick").await;
        wire.read("ada", "Check that an environment is well – done").await;
        wire.read("ada", "What was done").await;
        // A human grants access, so that this waits.
        wire.say("ada", "/access grant who=ben system=billing reason=\"to look at an invoice\"").await;
        wire.read("ada", "Give somebody access to a system – waiting").await;
        wire.press("ada", "Cancel").await;
        wire.read("ada", "Give somebody access to a system – cancelled").await;
        stage.close();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_on_slack_and_on_discord_becomes_one_person_when_both_agree() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let (slack, discord) = (Slack::http().await, Discord::http());
    let folder = tempfile::tempdir().expect("a folder");
    furnish(folder.path(), "http://127.0.0.1:1");
    let settings = [slack.settings(), discord.settings()].concat();
    let process = Setup { folder: folder.path(), settings }.start().await;
    slack.connect(&process.address).await;
    discord.connect(&process.address).await;

    slack.say("ada", "/link").await;
    let offer = slack.read("ada", "Your code is").await;
    let code = offer.split_whitespace().skip_while(|word| *word != "is").nth(1).expect("a code").to_owned();
    discord.say("ada", &format!("/link {code}")).await;
    discord.read("ada", "You are about to become the same person.").await;
    discord.press("ada", "Yes, that is me").await;
    discord.read("ada", "Now say yes on Slack").await;
    slack.read("ada", "wants to be the same person as you").await;
    // A stranger who sees the question cannot answer it, and the person can.
    slack.press("ada", "Yes, it is me").await;
    slack.read("ada", "You are one person now").await;
    discord.read("ada", "You are one person now").await;

    // What was begun there is seen here.
    discord.say("ada", "/db create name=orders").await;
    discord.read("ada", "Create a database – done").await;
    slack.say("ada", "/requests").await;
    slack.read("ada", "db create").await;
    assert_eq!([slack.unread(), discord.unread()].concat(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_the_work_and_the_sockets_and_one_of_them_dies() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let (slack, folder) = (Slack::socket().await, tempfile::tempdir().expect("a folder"));
    furnish(folder.path(), "http://127.0.0.1:1");
    let mut settings = slack.settings();
    let database = engine::database(engine::On::Postgres, folder.path()).await;
    settings.push(("STATIONMASTER_DATABASE__URL".into(), database));
    settings.push(("STATIONMASTER_JOBS__LEASE".into(), "3s".into()));
    let setup = Setup { folder: folder.path(), settings };
    let (first, second) = (setup.start().await, setup.start().await);
    slack.connect(&second.address).await;

    let tell = async |titles: &[&str]| {
        for title in titles {
            slack.say("ada", &format!("/tell title={title}")).await;
        }
        for title in titles {
            finish_step(folder.path(), title);
            slack.read("ada", &format!("The story {title} is short and happy.")).await;
            slack.read("ada", "What was done").await;
        }
    };
    tell(&["one", "two", "three", "four"]).await;
    first.kill();
    tell(&["five", "six", "seven", "eight"]).await;
    assert_eq!(slack.unread(), Vec::<String>::new(), "nothing is answered twice");
}
