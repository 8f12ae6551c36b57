//! The sample platform, as a fresh clone offers it: real repositories, databases and deployments.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};
use stationmaster::catalogue::resolve::Asker;
use stationmaster::catalogue::{self, Known};
use stationmaster::chat::{PlatformName, Reply};
use stationmaster::mask::Mask;
use stationmaster::people::Person;
use stationmaster::runner::{Attempt, Status};
use stationmaster::web::health;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::engine::On;
use crate::house::{House, button, card_of, read};

mod databases;
mod deployments;

/// Whole and short ids of commits.
static COMMIT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b[0-9a-f]{40}\b|\b[0-9a-f]{10}\b").expect("a pattern"));

async fn house() -> House {
    House::sample(On::Sqlite, |_| {}).await
}

impl House {
    /// The folder of what the sample platform made.
    fn platform(&self, place: &str) -> PathBuf {
        self.app.tools.data.join("platform").join(place)
    }

    /// Types a command, has it done, and gives the last card of the conversation as it is read.
    async fn done(&self, who: &str, words: &str) -> String {
        assert_eq!(self.say(who, words).await, Reply::Nothing, "{words}");
        self.settle().await;
        self.last(who)
    }

    fn last(&self, who: &str) -> String {
        let cards = self.cards(who);
        let text = read(cards.last().expect("a card"));
        let text = text.replace(&self.app.tools.data.display().to_string(), "/data");
        COMMIT.replace_all(&text, "<commit>").into_owned()
    }

    /// Says yes to the question that the last card asks.
    async fn sure(&self, who: &str) -> String {
        let asked = self.cards(who).last().cloned().expect("a card");
        assert_eq!(self.press(who, &button(&asked, "Yes, go ahead")).await, Reply::Nothing);
        self.settle().await;
        self.last(who)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_a_fresh_clone_check() {
    let house = house().await;
    let config = &house.app.config;
    let report = catalogue::check(&config.commands, None, &house.app.tools, &Known::of(config)).await;
    assert!(report.is_good(), "{report}");
    for command in house.app.catalogue.load().commands.values() {
        assert!(!command.file.test.is_empty(), "/{} has no test", command.file.name);
        assert!(command.file.param.iter().all(|param| !param.help.is_empty()), "/{} lacks help", command.file.name);
    }
    insta::assert_snapshot!(read(&card_of(&house.say("ada", "/help").await)), @"
    [neutral] What you can do here
      • /access grant – Give somebody access to a system
      • /db create – Create a database
      • /db drop – Delete a database of yours, with everything in it
      • /db list – Show the databases that there are
      • /deploy – Deploy a service
      • /env check – Check that an environment is well
      • /service new – Start a new service
      Type a command, or /help and a few words about what you need.
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn help_finds_the_command_that_is_meant() {
    let house = house().await;
    let catalogue = house.app.catalogue.load();
    let person = Person { id: "ada".into(), name: "ada".into(), teams: Vec::new(), roles: Vec::new() };
    let asker = Asker::member(PlatformName::Web, person, "place-ada");
    for (words, meant) in [
        ("new repository", "service new"),
        ("start a project from a template", "service new"),
        ("create a postgres", "db create"),
        ("create a place to keep my data", "db create"),
        ("delete database", "db drop"),
        ("which databases are there?", "db list"),
        ("release my code", "deploy"),
        ("roll back", "deploy"),
        ("is it down?", "env check"),
        ("monitoring", "env check"),
        ("permission to see the logs", "access grant"),
        ("access for a colleague", "access grant"),
    ] {
        let hits = catalogue.search(words, &asker);
        let found: Vec<&str> = hits.iter().map(|hit| hit.command.file.name.as_str()).collect();
        assert_eq!(found.first(), Some(&meant), "{words}: {found:?}");
    }
}

/// A house whose own address answers, until the token is cancelled, that it is ready.
async fn house_that_answers() -> (House, CancellationToken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let house = House::sample(On::Sqlite, |config| config.web.public_url = Some(url)).await;
    let stop = CancellationToken::new();
    let router = health::router(house.app.clone(), stop.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (house, stop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_the_environment_asks_it_for_its_health() {
    let (house, stop) = house_that_answers().await;
    let url = house.app.tools.public_url.clone();
    let seen = |card: String| card.replace(&url, "http://here");
    let card = house.done("ada", &format!("/env check url={url}/healthz?a=%20'b'")).await;
    insta::assert_snapshot!(seen(card), @r#"
    [good] Check that an environment is well – done
      /env check url="http://here/healthz?a=%20'b'"
      All is well:
      • http://here is alive
      • it is ready, and gives its figures
      • http://here/healthz?a=%20'b' answers
      Time: 0s
      [Run it again]
      (Asked by ada)
    "#);
    stop.cancel();
    house.say("ada", "/env check full").await;
    house.pass(stationmaster::clock::Span::from_secs(5)).await;
    insta::assert_snapshot!(seen(house.last("ada")), @"
    [bad] Check that an environment is well – not done
      /env check
      The step ready failed: GET 127.0.0.1: 503 Service Unavailable: it is stopping
      The team platform was asked for help.
      Time: 3s
      [Try again from there] [Start over] [Tell them more]
      (Asked by ada · req_…)
    ");
    insta::assert_snapshot!(seen(house.done("ada", "/env check quick").await), @"
    [good] Check that an environment is well – done
      /env check depth=quick
      All is well:
      • http://here is alive
      Time: 0s
      [Run it again]
      (Asked by ada)
    ");
    let card = house.done("ada", "/env check quick url=http://169.254.169.254/latest/meta-data").await;
    insta::assert_snapshot!(seen(card), @"
    [bad] Check that an environment is well – not done
      /env check depth=quick url=http://169.254.169.254/latest/meta-data
      The step page failed: GET 169.254.169.254: 169.254.169.254 is a private address, and `http.allow_private` of the configuration does not name it
      The team platform was asked for help.
      Time: 0s
      [Try again from there] [Start over] [Tell them more]
      (Asked by ada · req_…)
    ");
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn access_waits_for_a_human() {
    let house = house().await;
    let card = house.done("ada", "/access grant ben billing 'To see why \"orders\" are {{lost}}' time=2h").await;
    insta::assert_snapshot!(card, @r#"
    [waiting] Give somebody access to a system – waiting for approval
      /access grant who=ben system=billing reason="To see why \"orders\" are {{lost}}" time=2h
      This needs the approval of the team security before it runs. Nothing has been started.
      There is nobody at the moment who can approve it: too few people are there besides you. Ask them when they are back, or say so to the team that owns it.
      Approved: 0 of 1
      Stands until: Thu 3 Dec, 09:00 UTC
      [Cancel]
      (Asked by ada)
    "#);
    assert!(!house.platform("access").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_is_what_a_grant_says() {
    let house = house().await;
    let command = house.app.catalogue.load().commands["access grant"].clone();
    let reason = "To see why \"orders\"\nare $(lost)";
    let values = json!({"who": "ben", "system": "billing", "role": "read", "time": "2h", "reason": reason,
        "person": {"id": "ada"}, "request": {"id": "req_1"}});
    let attempt = Attempt {
        request: "req_1".into(),
        step: "grant".into(),
        key: "req_1-grant".into(),
        values,
        mask: Mask::default(),
        checkpoint: Value::Null,
        deadline: house.clock.now() + 30_000,
        cancel: CancellationToken::new(),
        progress: tokio::sync::mpsc::unbounded_channel().0,
    };
    let runner = command.file.step[0].runners().pop().expect("a runner");
    let outcome = runner.run(&house.app.tools, &attempt).await.expect("it runs");
    assert_eq!((&outcome.status, &outcome.outputs["file"]), (&Status::Done, &json!("platform/access/req_1.json")));
    let grant = fs::read_to_string(house.platform("access/req_1.json")).expect("the grant");
    let grant: Value = serde_json::from_str(&grant).expect("JSON");
    assert_eq!((&grant["who"], &grant["reason"], &grant["asked_by"]), (&json!("ben"), &json!(reason), &json!("ada")));
}
