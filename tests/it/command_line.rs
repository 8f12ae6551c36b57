//! The program itself, as an operator runs it.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A folder in which the program runs.
struct Folder(TempDir);

/// A program that serves, ended with the test.
struct Served {
    child: Child,
    url: String,
    log: BufReader<std::process::ChildStderr>,
}

const CAPABILITY: &str = r#"
[capability]
name = "greetings"
title = "Greetings"
need = "As a developer I want to be greeted so that I know that it works"
owner = "platform"
maturity = "ga"
[[command]]
name = "greet"
summary = "Say hello"
[[command.param]]
name = "who"
type = "string"
[[command.step]]
name = "hello"
[command.step.process]
program = "true"
[command.reply]
text = "Hello, {{who}}."
"#;

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("commands")).expect("a folder");
        let this = Self(folder);
        this.write("commands/greetings.toml", CAPABILITY);
        // Any free port: others may be at work on this machine.
        this.write("stationmaster.toml", "[web]\nlisten = \"127.0.0.1:0\"\n");
        this
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).expect("written");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stationmaster"));
        command.args(args).current_dir(self.0.path()).stdin(Stdio::null());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// Runs it to its end: whether it went well, and what it said on both streams.
    fn run(&self, args: &[&str]) -> (Option<i32>, String) {
        let Output { status, stdout, stderr } = self.command(args).output().expect("it runs");
        let said = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (status.code(), said)
    }

    fn serve(&self, env: &[(&str, &str)]) -> Served {
        let mut command = self.command(&["serve"]);
        command.env("STATIONMASTER_WEB__LISTEN", "127.0.0.1:0").env("STATIONMASTER_LOG__FORMAT", "json");
        let mut child = command.envs(env.iter().copied()).stderr(Stdio::piped()).spawn().expect("it runs");
        let mut log = BufReader::new(child.stderr.take().expect("its log"));
        let ready = line_with(&mut log, "\"message\":\"ready\"");
        let ready: serde_json::Value = serde_json::from_str(&ready).expect("JSON");
        Served { child, url: ready["url"].as_str().expect("its address").to_owned(), log }
    }
}

/// The first line that contains the words; a panic with everything before it if there is none.
fn line_with(log: &mut impl BufRead, words: &str) -> String {
    let mut before = String::new();
    loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).expect("text") > 0, "no `{words}` in the log:\n{before}");
        if line.contains(words) {
            return line;
        }
        before.push_str(&line);
    }
}

impl Served {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is there");
    }

    /// Waits for its end: its exit status, and the rest of its log.
    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).expect("text");
        (self.child.wait().expect("an end").code(), rest)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It fails if the test has waited for its end already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn call(method: reqwest::Method, url: String, token: &str, body: &str) -> (u16, serde_json::Value) {
    rustls::crypto::ring::default_provider().install_default().ok();
    let request = reqwest::Client::new().request(method, url).bearer_auth(token);
    let request = request.header("content-type", "application/json").body(body.to_owned());
    let response = request.send().await.expect("an answer");
    (response.status().as_u16(), serde_json::from_str(&response.text().await.expect("text")).unwrap_or_default())
}

#[test]
fn the_check_tells_good_from_bad_by_its_exit_status() {
    let folder = Folder::new();
    assert_eq!(folder.run(&["check"]), (Some(0), "1 file, 1 command, 0 tests: all good\n".into()));
    assert!(!folder.0.path().join("data").exists(), "a check writes nothing");
    folder.write("commands/greetings.toml", &CAPABILITY.replace("summary", "sumary"));
    let (status, said) = folder.run(&["check"]);
    assert_eq!(status, Some(1));
    assert!(said.contains("commands/greetings.toml:10:1") && said.contains("did you mean `summary`?"), "{said}");
    assert_eq!(folder.run(&["check", "elsewhere"]).0, Some(1));
    let (status, said) = folder.run(&["serve"]);
    assert!(status == Some(1) && said.contains("did you mean `summary`?"), "{said}");
}

#[test]
fn the_schema_is_one_that_the_files_keep_to() {
    let folder = Folder::new();
    let (status, said) = folder.run(&["schema"]);
    assert_eq!(status, Some(0));
    let schema = jsonschema::validator_for(&serde_json::from_str(&said).expect("JSON")).expect("a schema");
    let file: serde_json::Value = toml::from_str(CAPABILITY).expect("TOML");
    assert!(schema.is_valid(&file));
    let wrong: serde_json::Value = toml::from_str(&CAPABILITY.replace("summary", "sumary")).expect("TOML");
    assert!(!schema.is_valid(&wrong));
}

#[test]
fn mistakes_are_said_plainly() {
    let folder = Folder::new();
    assert_eq!(folder.run(&["frobnicate"]).0, Some(2));
    folder.write("stationmaster.toml", "[web]\nlisten = \"0.0.0.0:0\"\n");
    let (status, said) = folder.run(&[]);
    assert!(
        status == Some(1) && said.contains("has no sign-in") && said.contains("hint: listen on 127.0.0.1"),
        "{said}"
    );
    assert_eq!(folder.run(&["--config", "other.toml", "check"]).0, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_with_a_token_gets_a_thing_done() {
    let folder = Folder::new();
    folder.write("stationmaster.toml", "[person.ci]\n");
    let (status, said) = folder.run(&["token", "create", "--person", "cl", "--name", "pipeline"]);
    assert!(status == Some(1) && said.contains("did you mean ci?"), "{said}");
    let created =
        folder.command(&["token", "create", "--person", "ci", "--name", "pipeline"]).output().expect("it runs");
    let token = String::from_utf8(created.stdout).expect("text").trim().to_owned();
    let (_, listed) = folder.run(&["token", "list"]);
    assert!(listed.contains("pipeline") && !listed.contains(&token), "{listed}");

    let served = folder.serve(&[]);
    let order = r#"{"command": "greet", "input": {"who": "ada"}, "idempotency_key": "1"}"#;
    let (status, accepted) = call(reqwest::Method::POST, format!("{}/api/requests", served.url), &token, order).await;
    assert_eq!(status, 202, "{accepted}");
    let url = accepted["url"].as_str().expect("where it is watched").to_owned();
    let mut watched = accepted;
    while watched["ended"] == false {
        watched = call(reqwest::Method::GET, url.clone(), &token, "").await.1;
    }
    assert_eq!((&watched["state"], &watched["reply"]), (&"succeeded".into(), &"Hello, ada.".into()), "{watched:#}");

    let id = listed.split_whitespace().next().expect("an id");
    assert_eq!(folder.run(&["token", "revoke", id]).0, Some(0));
    assert_eq!(call(reqwest::Method::GET, url, &token, "").await.0, 401);
    served.signal(Signal::TERM);
    let (status, log) = served.end();
    assert_eq!(status, Some(0), "{log}");
    assert!(!log.contains(&token), "{log}");
    let (status, said) = folder.run(&["audit", "verify"]);
    assert!(status == Some(0) && said.contains("the audit trail holds"), "{said}");
}

#[test]
fn a_conversation_through_a_pipe_ends_when_all_is_done() {
    let folder = Folder::new();
    std::fs::write(folder.0.path().join("typed"), "/greet ada\n").expect("written");
    let typed = std::fs::File::open(folder.0.path().join("typed")).expect("opened");
    let output = folder.command(&["chat", "--as", "ada"]).stdin(typed).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains("Hello, ada."),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn one_process_does_the_work_of_a_file() {
    let folder = Folder::new();
    let _served = folder.serve(&[]);
    let (status, said) = folder.run(&["chat"]);
    assert!(status == Some(1) && said.contains("hint: stop it first"), "{said}");
    assert_eq!(folder.run(&["token", "create", "--person", "ada"]).0, Some(0), "but a token can be made meanwhile");
}

#[test]
fn f18_told_once_it_ends_its_work_told_twice_it_ends_at_once() {
    let folder = Folder::new();
    let served = folder.serve(&[]);
    served.signal(Signal::TERM);
    let (status, log) = served.end();
    assert!(status == Some(0) && log.contains("\"stopped\""), "{log}");

    // An answer under way holds the first stop up for the whole grace.
    let mut served = folder.serve(&[("STATIONMASTER_JOBS__GRACE", "10m")]);
    let address = served.url.trim_start_matches("http://").to_owned();
    let mut open = std::net::TcpStream::connect(&address).expect("connects");
    let page = format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n");
    std::io::Write::write_all(&mut open, page.as_bytes()).expect("sent");
    let unsent = b"POST /api/requests HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n";
    let mut slow = std::net::TcpStream::connect(&address).expect("connects");
    std::io::Write::write_all(&mut slow, unsent).expect("sent");
    served.signal(Signal::INT);
    line_with(&mut served.log, "stopping");
    served.signal(Signal::INT);
    assert_eq!(served.end().0, Some(1));
}

#[test]
fn the_doctor_says_what_is_amiss() {
    let folder = Folder::new();
    let (status, said) = folder.run(&["doctor"]);
    assert!(status == Some(0) && !said.contains("fail") && !said.contains("warn"), "{said}");
    assert!(!folder.0.path().join("data").exists(), "it changes nothing");

    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    folder.write(
        "stationmaster.toml",
        &format!(
            "messages = \"words\"\ndata = \"stationmaster.toml\"\n[web]\nlisten = \"{}\"\n[database]\nurl = \
             \"postgres://bot:hunter22@127.0.0.1:1/bot\"\n[templates]\nenv = [\"PLATFORM_API\"]\n",
            taken.local_addr().expect("bound")
        ),
    );
    std::fs::create_dir(folder.0.path().join("words")).expect("a folder");
    folder.write("words/error_logged.hbs", "{{#if}}");
    folder.write("commands/greetings.toml", "[capability]\n");
    // Whoever holds the port says nothing.
    drop(std::thread::spawn(move || taken.accept().map(drop)));
    let (status, said) = folder.run(&["doctor"]);
    assert_eq!(status, Some(1), "{said}");
    for line in ["fail  data", "fail  listen", "fail  database", "fail  commands", "fail  messages", "warn  templates"]
    {
        assert!(said.contains(line), "{line}\n{said}");
    }
    assert!(said.contains("postgres://127.0.0.1:1/bot") && !said.contains("hunter22"), "{said}");
}

#[test]
fn the_doctor_knows_a_running_process_and_a_newer_database() {
    let folder = Folder::new();
    let served = folder.serve(&[]);
    let address = served.url.trim_start_matches("http://").to_owned();
    folder.write("stationmaster.toml", &format!("[web]\nlisten = \"{address}\"\n"));
    let (status, said) = folder.run(&["doctor"]);
    assert!(status == Some(0) && said.contains("is running at") && said.contains("the newest"), "{said}");
    served.signal(Signal::TERM);
    assert_eq!(served.end().0, Some(0));
    let database = folder.0.path().join("data/stationmaster.db");
    make_newer(&database);
    let (status, said) = folder.run(&["doctor"]);
    assert!(status == Some(1) && said.contains("is of version 9999"), "{said}");
    let (status, said) = folder.run(&["serve"]);
    assert!(status == Some(1) && said.contains("made by a newer Stationmaster"), "{said}");
}

/// Notes a migration that this program does not have.
fn make_newer(database: &Path) {
    let sql = "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
               values (9999, 'later', 1, x'00', 0)";
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        use sqlx::Connection;
        sqlx::any::install_default_drivers();
        let url = format!("sqlite://{}", database.display());
        let mut connection = sqlx::AnyConnection::connect(&url).await.expect("opens");
        sqlx::query(sql).execute(&mut connection).await.expect("inserted");
    });
}

#[test]
fn two_ports_cannot_be_one() {
    let folder = Folder::new();
    let served = folder.serve(&[]);
    let address = served.url.trim_start_matches("http://").to_owned();
    let output = folder.command(&[]).env("STATIONMASTER_WEB__LISTEN", &address).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("hint: stop what listens there"), "{said}");
}
