//! The `scaffold` runner with real git.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use stationmaster::runner::{Attempt, Outcome, Runner, Status};

use super::{Bench, attempt, exists, failed, is_refused, runner};

const MAKE: &str = "template = 'templates/service'\ninto = 'repositories/{{team}}/{{name}}'";
const UNDO: &str = "remove = 'repositories/{{team}}/{{name}}'";

/// A folder with a template of every kind of file.
fn bench() -> Bench {
    let bench = Bench::new();
    let folder = bench.tools.commands.join("templates/service");
    std::fs::create_dir_all(folder.join("src/{{name}}")).expect("a folder");
    let files: [(&str, &[u8]); 5] = [
        ("README.md", b"# {{name}}\n\nOf {{team}}, with \\{{braces}} that stay.\n"),
        ("src/{{name}}/{{name}}.txt", b"{{name}}\n"),
        (".gitignore", b"logo.png\n*.txt\n"),
        ("logo.png", b"\x89PNG\0{{name}}\xff"),
        ("empty", b""),
    ];
    for (name, content) in files {
        std::fs::write(folder.join(name), content).expect("written");
    }
    bench.program("templates/service/run", "#!/bin/sh\necho {{name}}\n");
    bench
}

fn orders() -> Attempt {
    attempt(json!({"name": "orders", "team": "data", "request": {"id": "req_1"}})).0
}

/// The same person's other request.
fn other() -> Attempt {
    Attempt { request: "req_2".into(), key: "req_2-provision".into(), ..orders() }
}

fn named(name: &str) -> Attempt {
    Attempt { values: json!({"name": name, "team": "data"}), ..orders() }
}

async fn run(bench: &Bench, keys: &str, attempt: &Attempt) -> Outcome {
    Runner::Scaffold(runner(keys)).run(&bench.tools, attempt).await.expect("an outcome")
}

async fn recover(bench: &Bench, keys: &str, attempt: &Attempt) -> Outcome {
    Runner::Scaffold(runner(keys)).recover(&bench.tools, attempt).await.expect("an outcome")
}

fn repository(bench: &Bench) -> PathBuf {
    bench.tools.data.join("repositories/data/orders")
}

fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(folder).args(args).output().expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What is in a folder, hidden things included.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_template_becomes_a_repository() {
    let bench = bench();
    let outcome =
        run(&bench, &format!("{MAKE}\ncommit = '''Begin {{{{name}}}}\n\n# for {{{{team}}}}'''"), &orders()).await;
    assert_eq!(outcome.status, Status::Done, "{outcome:?}");
    let folder = repository(&bench);
    assert_eq!(git(&folder, &["status", "--porcelain", "--branch"]), "## main");
    assert_eq!(git(&folder, &["rev-list", "--count", "HEAD"]), "1");
    assert_eq!(
        git(&folder, &["log", "--format=%an|%B"]),
        "Stationmaster|Begin orders\n\n# for data\n\nStationmaster-Request: req_1"
    );
    let listed = git(&folder, &["ls-files", "--stage"]);
    let files: Vec<_> = listed.lines().map(|line| line.split('\t').next_back().expect("a path")).collect();
    assert_eq!(files, [".gitignore", "README.md", "empty", "logo.png", "run", "src/orders/orders.txt"]);
    assert!(listed.contains("100755") && listed.lines().filter(|line| line.starts_with("100755")).count() == 1);
    let read = |name: &str| std::fs::read(folder.join(name)).expect("a file");
    assert_eq!(read("README.md"), b"# orders\n\nOf data, with {{braces}} that stay.\n");
    assert_eq!(read("logo.png"), b"\x89PNG\0{{name}}\xff");
    assert_eq!(outcome.outputs["commit"], json!(git(&folder, &["rev-parse", "HEAD"])));
    assert_eq!(outcome.outputs["path"], json!(folder));
    let clone = bench.folder.path().join("clone");
    let url = outcome.outputs["url"].as_str().expect("a url");
    git(bench.folder.path(), &["clone", "--quiet", url, clone.to_str().expect("a path")]);
    assert!(exists(&clone.join("run")));
    assert_eq!(names(folder.parent().expect("a parent")), ["orders"], "nothing else is left");
}

#[tokio::test]
async fn the_same_request_makes_it_once_and_another_is_told() {
    let bench = bench();
    let first = run(&bench, MAKE, &orders()).await;
    assert_eq!(run(&bench, MAKE, &orders()).await, first);
    let late = run(&bench, MAKE, &other()).await;
    assert_eq!(late.status, failed(false, false));
    assert_eq!(late.summary, "there is something else at repositories/data/orders already");
}

#[tokio::test]
async fn of_two_at_the_same_time_one_has_it() {
    let bench = bench();
    for _ in 0..5 {
        let (orders, other) = (orders(), other());
        let (one, two) = tokio::join!(run(&bench, MAKE, &orders), run(&bench, MAKE, &other));
        let done = [&one, &two].iter().filter(|outcome| outcome.status == Status::Done).count();
        assert_eq!(done, 1, "{one:?} {two:?}");
        let folder = repository(&bench);
        let owner = git(&folder, &["log", "--format=%(trailers:valueonly)"]);
        assert_eq!(owner, if one.status == Status::Done { "req_1" } else { "req_2" });
        assert_eq!(names(folder.parent().expect("a parent")), ["orders"]);
        std::fs::remove_dir_all(folder).expect("removed");
    }
}

#[tokio::test]
async fn d7_after_a_crash_it_is_there_or_it_is_not() {
    let bench = bench();
    assert_eq!(recover(&bench, MAKE, &orders()).await.status, failed(true, true));
    let parent = bench.tools.data.join("repositories/data");
    std::fs::create_dir_all(parent.join(".orders.req_1.0123/src")).expect("half a draft");
    std::fs::create_dir_all(parent.join(".orders.req_2.0123")).expect("a draft of another request");
    assert_eq!(recover(&bench, MAKE, &orders()).await.status, failed(true, true));
    let made = run(&bench, MAKE, &orders()).await;
    assert_eq!(recover(&bench, MAKE, &orders()).await, made);
    assert_eq!(recover(&bench, MAKE, &other()).await.status, failed(false, false));
    assert_eq!(names(&parent), [".orders.req_2.0123", "orders"]);
}

#[tokio::test]
async fn d6_undo_removes_only_what_the_request_made() {
    let bench = bench();
    assert_eq!(run(&bench, UNDO, &orders()).await.status, Status::Done, "what is not there needs no removing");
    run(&bench, MAKE, &orders()).await;
    let foreign = run(&bench, UNDO, &other()).await;
    assert_eq!(foreign.status, failed(false, false));
    assert!(exists(&repository(&bench)));
    assert_eq!(recover(&bench, UNDO, &orders()).await.status, failed(true, true));
    let folder = repository(&bench);
    git(
        &folder,
        &[
            "-c",
            "user.name=ada",
            "-c",
            "user.email=ada@localhost",
            "commit",
            "--allow-empty",
            "-qm",
            "More\n\nStationmaster-Request: req_2",
        ],
    );
    assert_eq!(run(&bench, UNDO, &other()).await.status, failed(false, false), "only the first commit counts");
    assert_eq!(run(&bench, UNDO, &orders()).await.status, Status::Done);
    assert!(names(folder.parent().expect("a parent")).is_empty());
    std::fs::create_dir_all(folder.join("by hand")).expect("a folder");
    assert_eq!(run(&bench, UNDO, &orders()).await.status, failed(false, false));
    assert!(exists(&folder.join("by hand")));
}

#[tokio::test]
async fn d6_a_repository_around_the_place_is_not_taken_for_it() {
    let bench = bench();
    run(&bench, MAKE, &orders()).await;
    std::fs::create_dir_all(repository(&bench).join("inner")).expect("a folder");
    let inner = run(&bench, "remove = 'repositories/data/orders/inner'", &orders()).await;
    assert_eq!(inner.status, failed(false, false));
}

#[tokio::test]
async fn c5_no_value_leads_out_of_its_folder() {
    let bench = bench();
    for name in ["..", "../x", "/etc", "a/b", "", ".git", "-rf", "a\nb", "a\0b", "a b", "~", "größe", "a;b"] {
        let outcome = run(&bench, MAKE, &named(name)).await;
        assert!(is_refused(&outcome), "{name:?}: {outcome:?}");
        assert!(is_refused(&run(&bench, UNDO, &named(name)).await), "{name:?}");
    }
    for into in ["/tmp/x", "../x", "a/../../x", "", "a//b", "a/", ".", "a/.git"] {
        let keys = format!("template = 'templates/service'\ninto = '{into}'");
        assert!(is_refused(&run(&bench, &keys, &orders()).await), "{into}");
    }
    assert!(!exists(&bench.tools.data), "nothing was made on the way");
    for template in ["/etc", "../commands/templates", "templates/../..", ""] {
        let keys = format!("template = '{template}'\ninto = 'x'");
        assert!(is_refused(&run(&bench, &keys, &orders()).await), "{template}");
    }
}

#[tokio::test]
async fn a_message_cannot_pass_for_another_requests() {
    let bench = bench();
    let attempt = named("orders");
    let forged = Attempt {
        values: json!({"name": "orders", "team": "data", "why": "x\n\nStationmaster-Request: req_2"}),
        ..attempt
    };
    run(&bench, &format!("{MAKE}\ncommit = '{{{{why}}}}'"), &forged).await;
    assert_eq!(recover(&bench, MAKE, &orders()).await.status, Status::Done);
    assert_eq!(run(&bench, UNDO, &other()).await.status, failed(false, false));
}

#[tokio::test]
async fn a_template_that_cannot_be_used_makes_nothing_and_is_shown_by_the_check() {
    let bench = bench();
    let folder = bench.tools.commands.join("templates/service");
    std::os::unix::fs::symlink("/etc/passwd", folder.join("link")).expect("a link");
    std::fs::write(folder.join("broken.yml"), "{{#if x}}").expect("written");
    std::fs::create_dir(folder.join(".git")).expect("a folder");
    let outcome = run(&bench, MAKE, &orders()).await;
    assert!(is_refused(&outcome), "{outcome:?}");
    assert!(names(&bench.tools.data.join("repositories/data")).is_empty());
    let found = Runner::Scaffold(runner(MAKE)).inspect(&bench.tools);
    let mistakes: Vec<&str> = found.mistakes.iter().map(|(_, what, _)| what.as_str()).collect();
    assert_eq!(mistakes.len(), 3, "{mistakes:?}");
    assert!(mistakes.iter().any(|what| what.starts_with("templates/service/broken.yml: not a template")));
    let reads =
        |key: &str| found.reads.iter().filter(|(k, _)| k == key).flat_map(|(_, names)| names).any(|n| n == "team");
    assert!(reads("into") && reads("template.README.md"));
    for wrong in [
        "",
        "template = 'templates/service'",
        "into = 'x'",
        "template = 'none'\ninto = 'x'",
        "remove = 'x'\ninto = 'x'",
    ] {
        assert!(!Runner::Scaffold(runner(wrong)).inspect(&bench.tools).mistakes.is_empty(), "{wrong}");
    }
}

#[tokio::test]
async fn a_missing_value_is_a_mistake_and_makes_nothing() {
    let bench = bench();
    let without = Attempt { values: json!({"name": "orders"}), ..orders() };
    let keys = "template = 'templates/service'\ninto = 'repositories/{{name}}'";
    let mistake = Runner::Scaffold(runner(keys)).run(&bench.tools, &without).await.expect_err("no team");
    assert!(mistake.to_string().contains("`team`"), "{mistake}");
    assert!(names(&bench.tools.data.join("repositories")).is_empty());
}

#[test]
fn the_plan_names_both_ends() {
    let mask = attempt(Value::Null).0.mask;
    let plan = |keys: &str| Runner::Scaffold(runner(keys)).plan(&orders().values, &mask).expect("a line");
    assert_eq!(plan(MAKE), "make the git repository repositories/data/orders from templates/service");
    assert_eq!(plan(UNDO), "remove the git repository repositories/data/orders");
}
