//! What the author of a capability file reads: each typical mistake, and what `check` says of it.

use std::fs;
use std::path::Path;

use stationmaster::catalogue::{self, Catalogue, Known, Report, Watch};
use stationmaster::clock::Clock;
use stationmaster::config::HttpPolicy;
use stationmaster::runner::{Tools, WebClient};

/// A folder of capability files.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self::new();
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), text).expect("written");
    }

    async fn check(&self) -> Report {
        catalogue::check(self.path(), None, &self.tools(), &known()).await
    }

    /// What the author reads, with the folder as it is called in a repository.
    async fn read(&self) -> String {
        let report = self.check().await.to_string();
        report.replace(&self.path().display().to_string(), "commands")
    }

    fn tools(&self) -> Tools {
        // Whichever test is first installs it; the others find it there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Tools {
            web: WebClient::new(&HttpPolicy::default()).expect("a client"),
            clock: Clock::system(),
            data: self.path().join("data"),
            commands: self.path().to_owned(),
            program: env!("CARGO_BIN_EXE_stationmaster").into(),
            public_url: "http://127.0.0.1:7070".into(),
            callback_key: "key".to_owned().into(),
        }
    }
}

fn known() -> Known {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Known { env: names(&["PLATFORM_API"]), secrets: names(&["TOKEN"]), teams: names(&["data-platform", "payments"]) }
}

#[tokio::test]
async fn each_typical_mistake_is_explained() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("mistakes");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let files = fs::read_dir("tests/it/mistakes").expect("the fixtures").map(|entry| entry.expect("a file").path());
    let mut fixtures: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    fixtures.sort();
    assert!(fixtures.len() >= 25, "{fixtures:?}");
    for path in fixtures {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        let folder = Folder::with(&[(&format!("{name}.toml"), &fs::read_to_string(&path).expect("a fixture"))]);
        let read = folder.read().await;
        assert!(!read.contains("all good"), "{name} is accepted");
        settings.bind(|| insta::assert_snapshot!(name, read));
    }
}

/// The smallest file that gives a working command.
const SMALLEST: &str = r#"[capability]
name = "services"
title = "Services"
need = "As a developer I want a service with one line so that I can begin with the code"
owner = "data-platform"
maturity = "beta"
[[command]]
name = "service new"
summary = "Make a service"
param = [{ name = "name", type = "string" }]
step = [{ name = "make", http = { method = "POST", url = "http://127.0.0.1/services/{{name}}" } }]
"#;

/// A file of one command.
fn file(capability: &str, command: &str) -> String {
    SMALLEST.replace("\"services\"", &format!("\"{capability}\"")).replace("service new", command)
}

#[tokio::test]
async fn ten_lines_make_a_command() {
    let folder = Folder::with(&[("services.toml", SMALLEST)]);
    assert_eq!(folder.read().await, "1 file, 1 command, 0 tests: all good");
    let catalogue = Catalogue::load(folder.path(), &folder.tools(), &known()).expect("loads");
    assert_eq!(catalogue.commands["service new"].capability.title, "Services");
}

#[tokio::test]
async fn names_must_differ_across_files() {
    let folder = Folder::with(&[
        ("a.toml", &file("services", "service")),
        ("b.toml", &file("services", "db create")),
        ("c.toml", &file("others", "service new")),
        ("d.toml", &file("more", "db create")),
        ("surveys.txt", "not looked at"),
    ]);
    insta::assert_snapshot!(folder.read().await, @r#"
    error: the capability `services` is declared twice
     --> commands/b.toml:2:8
      |
    2 | name = "services"
      |        ^^^^^^^^^^
      |
      = hint: the other one is at commands/a.toml:2:8

    error: `/service new` begins like the command `/service`, so that one would read `new` as input
     --> commands/c.toml:8:8
      |
    8 | name = "service new"
      |        ^^^^^^^^^^^^^
      |
      = hint: give one of them another name; `/service` is at commands/a.toml:8:8

    error: the command `/db create` is declared twice
     --> commands/d.toml:8:8
      |
    8 | name = "db create"
      |        ^^^^^^^^^^^
      |
      = hint: the other one is at commands/b.toml:8:8

    3 mistakes in 3 of 4 files
    "#);
}

#[tokio::test]
async fn odd_files_are_told_apart_and_the_rest_is_checked() {
    let folder =
        Folder::with(&[("good.toml", SMALLEST), ("zero.toml", "[capability]\nname = \"a\0b\"\n"), ("empty.toml", "")]);
    folder.write("huge.toml", "# much\n".repeat(200_000));
    folder.write("latin.toml", b"[capability]\ntitle = \"Geb\xfchren\"\n");
    folder.write("mistake.toml", file("others", "other new").replace("owner", "onwer"));
    fs::create_dir(folder.path().join("folder.toml")).expect("made");
    std::os::unix::fs::symlink("nowhere", folder.path().join("link.toml")).expect("linked");
    insta::assert_snapshot!(folder.read().await, @r#"
    error: this file lacks the key `capability`
     --> commands/empty.toml:1:1
      |
    1 |
      | ^

    error: this is a folder, not a file
    --> commands/folder.toml

    error: this file is larger than 1 MiB
    --> commands/huge.toml

    error: from here on this file is not UTF-8 text
     --> commands/latin.toml:2:13
      |
    2 | title = "Geb
      |             ^
      |
      = hint: save it as UTF-8 in the editor

    error: this file cannot be read: No such file or directory (os error 2)
    --> commands/link.toml

    error: there is no key `onwer` in `[capability]`
     --> commands/mistake.toml:5:1
      |
    5 | onwer = "data-platform"
      | ^^^^^
      |
      = hint: did you mean `owner`?

    error: this is not a text file: it has a zero byte
     --> commands/zero.toml:2:10
      |
    2 | name = "a␀b"
      |          ^

    7 mistakes in 7 of 8 files
    "#);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_said() {
    let folder = Folder::new();
    let report = catalogue::check(&folder.path().join("missing"), None, &folder.tools(), &known()).await.to_string();
    insta::assert_snapshot!(report.replace(&folder.path().display().to_string(), "."), @r#"
    error: the folder of the capability files cannot be read: No such file or directory (os error 2)
    --> ./missing
     = hint: `commands` in stationmaster.toml says where it is

    1 mistake in 1 of 1 file
    "#);
}

#[tokio::test]
async fn messages_are_checked_too() {
    let folder = Folder::with(&[("services.toml", SMALLEST)]);
    let messages = Folder::with(&[("help_shown.hbs", "{{#if x}}"), ("loop.hbs", "{{> loop}}")]);
    let report = catalogue::check(folder.path(), Some(messages.path()), &folder.tools(), &known()).await.to_string();
    insta::assert_snapshot!(report, @r#"
    error: a block is not closed
    --> messages/help_shown.hbs:1:10
     = hint: end {{#if …}} with {{/if}}, and every other alike

    error: includes itself: loop → loop
    --> messages/loop.hbs

    2 mistakes in 2 of 3 files
    "#);
}

#[tokio::test]
async fn ten_thousand_commands_load_and_are_checked() {
    let folder = Folder::new();
    for group in 0..100 {
        let head = file(&format!("group-{group}"), "unused");
        let (head, command) = head.split_at(head.find("[[command]]").expect("a command"));
        let commands: String =
            (0..100).map(|number| command.replace("unused", &format!("group-{group} do-{number}"))).collect();
        folder.write(&format!("{group}.toml"), format!("{head}{commands}"));
    }
    let started = std::time::Instant::now();
    let catalogue = Catalogue::load(folder.path(), &folder.tools(), &known()).expect("loads");
    let took = started.elapsed();
    assert_eq!(catalogue.commands.len(), 10_000);
    // Far above what it takes, and far below what work that grows with the square would take.
    assert!(took.as_secs() < 30, "{took:?}");
}

#[tokio::test]
async fn the_last_good_catalogue_can_be_kept() {
    let folder = Folder::with(&[("services.toml", SMALLEST)]);
    let mut watch = Watch::new(folder.path());
    let load = || Catalogue::load(folder.path(), &folder.tools(), &known());
    let kept = load().expect("loads");
    folder.write("services.toml", SMALLEST.replace("beta", "betta"));
    assert!(watch.changed());
    let problems = load().expect_err("refused");
    assert_eq!(catalogue::explain(&problems).lines().next(), Some("error: `maturity` cannot be `betta`"));
    assert_eq!(kept.commands.len(), 1);
    folder.write("services.toml", SMALLEST);
    assert!(watch.changed() && load().is_ok());
}

#[test]
fn the_schema_knows_what_the_check_knows() {
    let validator = jsonschema::validator_for(&catalogue::schema()).expect("a schema");
    let value = |text: &str| -> serde_json::Value { toml::from_str(text).expect("TOML") };
    assert!(validator.is_valid(&value(SMALLEST)), "{:?}", validator.iter_errors(&value(SMALLEST)).collect::<Vec<_>>());
    for (right, wrong) in [
        ("summary", "sumary"),
        ("owner = \"data-platform\"\n", ""),
        ("\"beta\"", "\"betta\""),
        ("type = \"string\"", "type = \"string\", min = \"3\""),
        ("name = \"make\", ", ""),
        ("http = {", "process = { program = \"x\" }, http = {"),
        (", http = { method = \"POST\", url = \"http://127.0.0.1/services/{{name}}\" }", ""),
        ("param = [", "param = {} #"),
    ] {
        let text = SMALLEST.replacen(right, wrong, 1);
        assert_ne!(text, SMALLEST, "{right}");
        assert!(!validator.is_valid(&value(&text)), "{text}");
    }
}
