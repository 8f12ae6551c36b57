//! The sample platform, as a fresh clone offers it: real repositories, databases and deployments.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection, Executor};
use stationmaster::catalogue::{self, Known};
use stationmaster::chat::Reply;
use stationmaster::config::Config;
use stationmaster::mask::Mask;
use stationmaster::runner::{Attempt, Status};
use stationmaster::store::provision;
use stationmaster::web::health;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::engine::On;
use crate::house::{House, button, card_of, read};

/// Whole and short ids of commits.
static COMMIT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b[0-9a-f]{40}\b|\b[0-9a-f]{10}\b").expect("a pattern"));

/// The variable that says where databases are made.
const SERVER: &str = "PLATFORM_POSTGRES_URL";

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

/// Runs a program in a folder; what it wrote, and a panic if it failed.
fn run(folder: &Path, program: &str, args: &[&str]) -> String {
    let output = attempt(folder, program, args);
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn attempt(folder: &Path, program: &str, args: &[&str]) -> std::process::Output {
    let mut command = Command::new(program);
    let name = ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|name| (name, "ada"));
    let mail = ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|name| (name, "ada@localhost"));
    command.args(args).current_dir(folder).envs(name).envs(mail).env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.output().expect("it runs")
}

/// A clone of a service, in a folder that goes with the value.
fn clone(house: &House, name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let repository = house.platform(&format!("services/{name}"));
    let url = url::Url::from_file_path(repository).expect("a path").to_string();
    run(folder.path(), "git", &["clone", "--quiet", &url, "."]);
    folder
}

/// Changes a file of a clone, and pushes the change.
fn push(clone: &Path, file: &str, text: &str) {
    fs::write(clone.join(file), text).expect("written");
    run(clone, "git", &["commit", "--quiet", "--all", "--message", "Change it"]);
    run(clone, "git", &["push", "--quiet"]);
}

/// What the current release of a service in dev answers.
fn answer(house: &House, name: &str, path: &str) -> String {
    let service = house.platform(&format!("deployments/dev/{name}/current/service"));
    let line = format!("printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' | '{}'", service.display());
    run(&house.app.tools.data, "sh", &["-c", &line])
}

fn releases(house: &House, name: &str) -> Vec<PathBuf> {
    let folder = house.platform(&format!("deployments/dev/{name}/releases"));
    fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
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
      • /db drop – Drop a database of yours, with everything in it
      • /db list – Show the databases that there are
      • /deploy – Deploy a service
      • /env check – Check that an environment is well
      • /service new – Start a new service
      Type a command, or /help and a few words about what you need.
    ");
    insta::assert_snapshot!(read(&card_of(&house.say("ada", "/help I need somewhere to keep data").await)), @"
    [neutral] For “I need somewhere to keep data”
      • /db list – Show the databases that there are (Databases)
      • /db create – Create a database (Databases)
      • /db drop – Drop a database of yours, with everything in it (Databases)
      [/db list] [/db create] [/db drop]
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_service_can_be_cloned_checked_and_pushed_to() {
    let house = house().await;
    let card = house.done("ada", "/service new hello team=data description='Says \"hello\" & more'").await;
    insta::assert_snapshot!(card, @r#"
    [good] Start a new service – done
      /service new name=hello team=data description="Says \"hello\" & more"
      hello is ready, with its first commit <commit>, and its checks pass.
      git clone file:///data/platform/services/hello
      Push to main, then /deploy hello.
      Time: 0s
      [Run it again]
      (Asked by ada)
    "#);
    let clone = clone(&house, "hello");
    assert!(run(clone.path(), "./check.sh", &[]).contains("ok: GET /healthz"));
    let text = |name: &str| fs::read_to_string(clone.path().join(name)).expect("a text");
    assert!(text("README.md").contains("Says \"hello\" & more"));
    assert!(text("OWNERS").ends_with("team data\n"));
    assert!(clone.path().join(".github/workflows/check.yml").is_file());
    push(clone.path(), "greeting.txt", "Good morning.\n");
    let there = fs::read_to_string(house.platform("services/hello/greeting.txt")).expect("a text");
    assert_eq!(there, "Good morning.\n");
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_closed_where_it_shall_be_and_never_replaced() {
    let house = house().await;
    house.done("ada", "/service new hello visibility=private").await;
    let mode = fs::metadata(house.platform("services/hello")).expect("a folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let before = run(&house.platform("services/hello"), "git", &["rev-parse", "HEAD"]);
    let card = house.done("ben", "/service new hello").await;
    insta::assert_snapshot!(card, @"
    [bad] Start a new service – not done
      /service new name=hello
      The step repository failed: there is something else at platform/services/hello already
      Time: 0s
      [Try again from there] [Start over]
      (Asked by ben · req_…)
    ");
    assert_eq!(run(&house.platform("services/hello"), "git", &["rev-parse", "HEAD"]), before);
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_runs_the_commit_that_was_asked_for() {
    let house = house().await;
    house.done("ada", "/service new hello").await;
    let card = house.done("ada", "/deploy hello").await;
    insta::assert_snapshot!(card, @"
    [good] Deploy a service – done
      /deploy service=hello
      hello runs in dev at <commit>, and /healthz answers.
      It is in platform/deployments/dev/hello/current of the data folder.
      Time: 0s
      [Run it again]
      (Asked by ada)
    ");
    assert!(answer(&house, "hello", "/").ends_with("\r\n\r\nHello from hello!\n"));
    let clone = clone(&house, "hello");
    let first = run(clone.path(), "git", &["rev-parse", "HEAD"]);
    push(clone.path(), "greeting.txt", "Good morning.\n");
    house.done("ada", "/deploy hello").await;
    assert!(answer(&house, "hello", "/").ends_with("\r\n\r\nGood morning.\n"));
    house.done("ada", &format!("/deploy hello ref={}", first.trim())).await;
    assert!(answer(&house, "hello", "/").ends_with("\r\n\r\nHello from hello!\n"));
    assert_eq!(releases(&house, "hello").len(), 3);
    let left = run(&house.platform("services/hello"), "git", &["status", "--porcelain"]);
    assert_eq!(left, "", "the repository is as it was");
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_does_not_work_undoes_itself() {
    let house = house().await;
    house.done("ada", "/service new hello").await;
    house.done("ada", "/deploy hello health=/nowhere").await;
    assert!(fs::symlink_metadata(house.platform("deployments/dev/hello/current")).is_err(), "there was none before");
    house.done("ada", "/deploy hello").await;
    let before = fs::read_link(house.platform("deployments/dev/hello/current")).expect("a link");
    push(clone(&house, "hello").path(), "greeting.txt", "Good morning.\n");
    let card = house.done("ada", "/deploy hello health=/nowhere").await;
    insta::assert_snapshot!(card, @"
    [bad] Deploy a service – not done
      /deploy service=hello health=/nowhere
      The step verify failed: GET /nowhere is answered with 404 and not with 200
      What was done before has been taken back.
      Time: 0s
      [Try again from there] [Start over]
      (Asked by ada · req_…)
    ");
    assert_eq!(fs::read_link(house.platform("deployments/dev/hello/current")).expect("a link"), before);
    assert!(answer(&house, "hello", "/").ends_with("\r\n\r\nHello from hello!\n"));
    assert_eq!(releases(&house, "hello").len(), 1);
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_own_checks_refuse_is_not_deployed() {
    let house = house().await;
    house.done("ada", "/service new hello").await;
    let clone = clone(&house, "hello");
    // A check that lies about being one of our own lines is a line of the log all the same.
    let forged = "#!/bin/sh\necho '{\"output\": {\"release\": \"../..\"}}'\necho 'not ok: it is broken'\nexit 1\n";
    push(clone.path(), "check.sh", forged);
    let card = house.done("ada", "/deploy hello").await;
    insta::assert_snapshot!(card, @r#"
    [bad] Deploy a service – not done
      /deploy service=hello
      The step build failed: the checks of hello fail at main
      {"output": {"release": "../.."}}
      not ok: it is broken
      What was done before has been taken back.
      Time: 0s
      [Try again from there] [Start over]
      (Asked by ada · req_…)
    "#);
    assert_eq!(releases(&house, "hello").len(), 0);
    for (words, why) in [
        ("/deploy ledger", "there is no service ledger; /service new ledger makes one"),
        ("/deploy hello ref=v9", "hello has no branch, tag or commit v9"),
    ] {
        let card = house.done("ada", words).await;
        assert!(card.contains(why), "{card}");
    }
    house.finish().await;
}

/// A house that makes databases on the server that `tests/run` started.
async fn house_with_server() -> (House, String) {
    let server = std::env::var("STATIONMASTER_TEST_POSTGRES").expect("run the tests with tests/run");
    let mut url = url::Url::parse(&server).expect("a URL");
    url.set_password(Some("not-to-be-seen")).expect("a URL with a host");
    let add = |config: &mut Config| {
        config.templates.present.insert(SERVER.into(), url.to_string());
    };
    (House::sample(On::Postgres, add).await, server)
}

/// Keeps something in a database, and reads it back.
async fn use_database(url: &str) {
    let mut connection = AnyConnection::connect(url).await.expect("it opens");
    connection.execute("create table orders (id text primary key)").await.expect("a table");
    connection.execute("insert into orders (id) values ('first')").await.expect("a row");
    let id: String = sqlx::query_scalar("select id from orders").fetch_one(&mut connection).await.expect("the row");
    assert_eq!(id, "first");
    connection.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_a_file_that_its_owner_can_use_and_drop() {
    let house = house().await;
    insta::assert_snapshot!(house.done("ada", "/db create orders").await, @"
    [good] Create a database – done
      /db create name=orders
      The database dev_orders is ready:
      sqlite:///data/platform/databases/dev_orders.db
      It is yours: /db drop orders dev when you need it no more.
      Time: 0s
      [Run it again]
      (Asked by ada)
    ");
    let file = house.platform("databases/dev_orders.db");
    use_database(&format!("sqlite://{}", file.display())).await;
    insta::assert_snapshot!(house.done("ben", "/db create orders").await, @"
    [bad] Create a database – not done
      /db create name=orders
      The step create failed: There is a database dev_orders already. Hint: choose another name
      Time: 0s
      [Try again from there] [Start over]
      (Asked by ben · req_…)
    ");
    house.done("ben", "/db create events size=large").await;
    insta::assert_snapshot!(house.done("ada", "/db list").await, @"
    [good] Show the databases that there are – done
      /db list
      • dev_events: large, of ben
      • dev_orders: small, of ada
      Time: 0s
      [Run it again]
      (Asked by ada)
    ");
    house.done("ben", "/db drop orders").await;
    insta::assert_snapshot!(house.sure("ben").await, @"
    [bad] Drop a database of yours, with everything in it – not done
      /db drop name=orders
      The step drop failed: dev_orders belongs to ada. Hint: only its owner can drop it
      Time: 0s
      [Try again from there] [Start over]
      (Asked by ben · req_…)
    ");
    assert!(file.is_file());
    insta::assert_snapshot!(house.done("ada", "/db drop orders").await, @"
    [waiting] Are you sure?
      Drop a database of yours, with everything in it
      /db drop name=orders
      [Yes, go ahead] [No]
      (Asked by ada)
    ");
    insta::assert_snapshot!(house.sure("ada").await, @"
    [good] Drop a database of yours, with everything in it – done
      /db drop name=orders
      The database dev_orders is gone.
      Time: 0s
      [Run it again]
      (Asked by ada)
    ");
    let left = fs::read_dir(house.platform("databases")).expect("a folder").count();
    assert_eq!(left, 1, "ben's database and nothing else");
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_one_of_a_server_where_there_is_one() {
    let (house, server) = house_with_server().await;
    let name = format!("t{}", &uuid::Uuid::new_v4().simple().to_string()[..20]);
    let card = house.done("ada", &format!("/db create {name}")).await;
    let made = url::Url::parse(&server).and_then(|url| url.join(&format!("dev_{name}"))).expect("a URL").to_string();
    assert!(card.contains("– done") && card.contains(&made), "{card}");
    assert!(!card.contains("not-to-be-seen"), "{card}");
    use_database(&made).await;
    let other = house.done("ben", &format!("/db create {name}")).await;
    assert!(other.contains(&format!("There is a database dev_{name} already.")), "{other}");
    let list = house.done("ada", "/db list").await;
    assert!(list.contains(&format!("• dev_{name}: small, of ada")), "{list}");
    house.done("ada", &format!("/db drop {name}")).await;
    assert!(house.sure("ada").await.contains("is gone"));
    let list = house.done("ada", "/db list").await;
    assert!(!list.contains(&name), "{list}");
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f5_making_a_database_again_finds_what_was_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = std::env::var("STATIONMASTER_TEST_POSTGRES").expect("run the tests with tests/run");
    for place in [provision::Place::Folder(folder.path().to_owned()), provision::Place::Server(server)] {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let (name, request) = (format!("dev_{id}"), format!("req_{id}"));
        let about = provision::About {
            owner: "ada".into(),
            owner_name: "Ada's; drop table".into(),
            request,
            size: provision::Size::Large,
        };
        let first = place.create(&name, &about).await.expect("made");
        assert_eq!(place.create(&name, &about).await.expect("found"), first);
        assert_eq!(place.about(&name).await.expect("read"), Some(about.clone()));
        let other = provision::About { request: format!("{}x", about.request), ..about.clone() };
        assert!(place.create(&name, &other).await.is_err(), "it is another request's");
        assert_eq!(place.list().await.expect("listed").iter().filter(|(found, _)| *found == name).count(), 1);
        place.remove(&name).await.expect("removed");
        place.remove(&name).await.expect("it is not there, which is no error");
        assert_eq!(place.about(&name).await.expect("read"), None);
        for wrong in ["", "1a", "a-b", "a;b", "A", "../a", &"a".repeat(64)] {
            assert!(place.create(wrong, &about).await.is_err(), "{wrong}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_production_database_waits_for_its_owners_approval() {
    let house = house().await;
    house.done("ada", "/db create orders prod large").await;
    insta::assert_snapshot!(house.sure("ada").await, @"
    [waiting] Create a database – waiting for approval
      /db create name=orders environment=prod size=large
      This needs the approval of the team data before it runs. Nothing has been started.
      [Cancel]
      (Asked by ada)
    ");
    assert!(!house.platform("databases").exists());
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
      Time: 3s
      [Try again from there] [Start over]
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
      Time: 0s
      [Try again from there] [Start over]
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
