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
    let text = "templates = { env = ['PLATFORM_API'], secret = { TOKEN = 't' } }\n[team.data-platform]\n[team.payments]\n\
                [role.oncall]\n[person.ada]\n[person.ben]";
    Known::of(&toml::from_str(text).expect("a configuration"))
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

/// Every kind of table and key in one file.
const DATABASES: &str = r#"[capability]
name = "databases"
title = "PostgreSQL databases"
need = "As a developer I want a database in minutes so that I can start on my feature today"
owner = "data-platform"
maturity = "ga"
experience = "api"
sharing = "managed-service"
docs = "https://docs.example.org/databases"
support = "business-hours"
slo = { success = 0.99, p90 = "5m" }
saves = "2h"                     # what one use saves against the manual way

[[command]]
name = "db create"               # one to three words; the first is the slash-command
summary = "Create a PostgreSQL database"
confirm = "environment == 'prod'"
cost = { amount = "size == 'large' ? 120.0 : 15.0", unit = "EUR a month" }

[[command.param]]
name = "name"
type = "string"                  # string text integer number boolean choice person team channel date duration url secret
pattern = "^[a-z][a-z0-9_]{2,30}$"
help = "Lower case, as it will appear in the connection string"
[[command.param]]
name = "environment"
type = "choice"
choices = ["dev", "staging", "prod"]
default = "dev"
[[command.param]]
name = "size"
type = "choice"
choices_from = { http = "{{env.PLATFORM_API}}/sizes?environment={{environment}}", items = "$.sizes[*].name", cache = "5m" }
default = "small"                # no default and not `optional = true`: required
[command.allow]
teams = ["*"]                    # also: roles, people, channels, except
[command.approval]
when = "environment == 'prod' && size == 'large'"    # a CEL expression; otherwise no human is involved
by = "owner"                     # owner, team:NAME, lead-of-requester, person:NAME
then = ["lead-of-requester", "team:payments", "person:ada"]    # asked as well, one after the other
quorum = 1
expires = "24h"
break_glass = { roles = ["oncall"], teams = ["payments"], people = ["ben"] }
standing = { longest = "30d", most = 50 }
[command.limits]
per_person = "5/h"
concurrent = 1
key = "{{environment}}/{{name}}" # two live requests with the same key are one: the second person is shown the first

[[command.step]]
name = "provision"
timeout = "10m"
retry = { attempts = 5, on = "safe" }   # safe: only where repeating cannot do harm (idempotency key sent)

[command.step.http]              # the runner: one table named after it
method = "POST"
url = "{{env.PLATFORM_API}}/databases"
body = { name = "{{name}}", environment = "{{environment}}" }
outputs = { id = "$.id", url = "$.connection.url" }
poll = { url = "{{env.PLATFORM_API}}/databases/{{steps.provision.id}}", until = "body.state == 'ready'", fail = "body.state == 'failed'", every = "5s", progress = "body.percent" }

[command.step.undo.http]
method = "DELETE"
url = "{{env.PLATFORM_API}}/databases/{{steps.provision.id}}"

[command.reply]
text = "Database **{{name}}** is ready: {{steps.provision.url}}"

[[command.test]]                 # run by `stationmaster check`, with no network
say = "/db create name=Orders"
error = "name"
[[command.test]]
say = "/db create name=orders environment=prod size=large"
approval = true
approver = "owner"
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
async fn a_file_with_every_kind_of_table_is_good() {
    let folder = Folder::with(&[("databases.toml", DATABASES)]);
    assert_eq!(folder.read().await, "1 file, 1 command, 2 tests: all good");
}

/// Two tests that hold, and others that do not.
const TESTS: &str = r#"
[[command.test]]
say = "/db create orders environment=prod size=large"
as = "payments"
input = { environment = "prod", size = "large" }
steps = ["provision"]
confirm = true
approval = true
[[command.test]]
say = "/db create orders"
input = { environment = "prod" }
steps = []
confirm = true
[[command.test]]
say = "/db creat orders"
[[command.test]]
say = "/db create"
[[command.test]]
say = "/db create Orders"
error = "size"
[[command.test]]
say = "/db create orders"
as = "payments"
error = "allow"
"#;

#[tokio::test]
async fn the_tests_of_commands_are_run() {
    let folder = Folder::with(&[("databases.toml", &format!("{DATABASES}{TESTS}"))]);
    insta::assert_snapshot!(folder.read().await, @r#"
    error: `environment` is "dev" here, not "prod"
      --> commands/databases.toml:86:25
       |
    86 | input = { environment = "prod" }
       |                         ^^^^^^

    error: the steps that would run are `provision`
      --> commands/databases.toml:87:9
       |
    87 | steps = []
       |         ^^

    error: `confirm` is false here
      --> commands/databases.toml:88:11
       |
    88 | confirm = true
       |           ^^^^

    error: this is refused: There is no command `/db creat`.
      --> commands/databases.toml:90:7
       |
    90 | say = "/db creat orders"
       |       ^^^^^^^^^^^^^^^^^^
       |
       = hint: did you mean `/db create`?

    error: this does nothing yet: it only opens the form
      --> commands/databases.toml:92:7
       |
    92 | say = "/db create"
       |       ^^^^^^^^^^^^

    error: `size` is not refused here, but `name`
      --> commands/databases.toml:95:9
       |
    95 | error = "size"
       |         ^^^^^^

    error: who says this should be refused, and is accepted
      --> commands/databases.toml:99:9
       |
    99 | error = "allow"
       |         ^^^^^^^

    7 mistakes in 1 of 1 file
    "#);
}

#[tokio::test]
async fn a_test_says_who_asks() {
    let closed = format!("{DATABASES}{}", &TESTS[TESTS.rfind("[[").expect("the last")..]);
    let closed = closed.replace("teams = [\"*\"]", "teams = [\"data-platform\"]");
    let folder = Folder::with(&[("databases.toml", &closed)]);
    insta::assert_snapshot!(folder.read().await, @r#"
    error: this is refused: You cannot use `/db create` here. It is for the team data-platform.
      --> commands/databases.toml:71:9
       |
    71 | error = "name"
       |         ^^^^^^
       |
       = hint: say who it is: as = "TEAM or ROLE"

    error: this is refused: You cannot use `/db create` here. It is for the team data-platform.
      --> commands/databases.toml:73:7
       |
    73 | say = "/db create name=orders environment=prod size=large"
       |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = hint: say who it is: as = "TEAM or ROLE"

    2 mistakes in 1 of 1 file
    "#);
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
    assert!(took.as_secs() < 60, "{took:?}");
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
    let files = fs::read_dir("commands").expect("the sample").map(|entry| entry.expect("a file").path());
    let samples = files.filter(|path| path.extension().is_some_and(|e| e == "toml"));
    let good: Vec<String> = samples.map(|path| fs::read_to_string(path).expect("a capability file")).collect();
    for text in good.iter().map(String::as_str).chain([SMALLEST, DATABASES]) {
        let value = value(text);
        assert!(validator.is_valid(&value), "{:?}", validator.iter_errors(&value).collect::<Vec<_>>());
    }
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

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 64, ..Default::default() })]

    /// Whatever an author does to a good file, the check ends, and every problem stands in the file.
    #[test]
    fn no_edit_confuses_the_check(cuts in proptest::collection::vec((0..DATABASES.len(), 0..80usize, "[\\[\\]{}\"'=.,# \na-zé0-9]{0,3}"), 1..4)) {
        let mut text = DATABASES.to_owned();
        for (at, length, put) in cuts {
            let at = at.min(text.len());
            let (from, to) = (text.floor_char_boundary(at), text.floor_char_boundary(at + length));
            text.replace_range(from..to, &put);
        }
        let folder = Folder::with(&[("databases.toml", &text)]);
        let problems = Catalogue::load(folder.path(), &folder.tools(), &known()).err().unwrap_or_default();
        for problem in problems {
            proptest::prop_assert!(problem.span.end <= text.len() && problem.line <= text.lines().count() + 1, "{problem}");
            proptest::prop_assert!(problem.to_string().contains(&problem.place()), "{problem}");
        }
    }
}
