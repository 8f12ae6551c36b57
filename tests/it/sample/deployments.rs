//! New services, and their way into an environment and back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use stationmaster::chat::Reply;
use stationmaster::desk;

use super::house;
use crate::house::{House, button};

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
      The team platform was asked for help.
      Time: 0s
      [Try again from there] [Start over] [Tell them more]
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
      The team platform was asked for help.
      Time: 0s
      [Try again from there] [Start over] [Tell them more]
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
      It cannot be done like this: the checks of hello fail at main
      {"output": {"release": "../.."}}
      not ok: it is broken
      What was done before has been taken back.
      Time: 0s
      [Try again from there] [Start over] [Get a human]
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

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_is_called_off_leaves_nothing_behind() {
    let house = house().await;
    house.done("ada", "/service new hello").await;
    let clone = clone(&house, "hello");
    push(clone.path(), "check.sh", "#!/bin/sh\necho $$ > ../started\nsleep 300\n");
    house.say("ada", "/deploy hello").await;
    desk::outbox::deliver_next(&house.app, 64).await.expect("sent");
    let cancel = button(house.cards("ada").last().expect("a card"), "Cancel");
    let started = house.platform("deployments/dev/hello/releases/started");
    let press = async {
        while !started.exists() {
            tokio::task::yield_now().await;
        }
        house.press("ada", &cancel).await
    };
    let ((), reply) = tokio::join!(house.settle(), press);
    assert_eq!(reply, Reply::Nothing);
    insta::assert_snapshot!(house.last("ada"), @"
    [neutral] Deploy a service – cancelled
      /deploy service=hello
      What was done before has been taken back.
      [Run it again]
      (Asked by ada)
    ");
    fs::remove_file(started).expect("the check had started");
    assert_eq!(releases(&house, "hello").len(), 0);
    house.finish().await;
}
