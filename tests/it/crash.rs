//! `kill -9` at random moments while requests are in flight: a real process, on both engines.
//!
//! What was acknowledged ends; what must not be repeated happened once at the most; the audit trail holds.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::engine::{On, database};

/// Two steps that leave a line each: one that must not be repeated, one that may be.
const COUNTED: &str = r#"
[capability]
name = "counted"
title = "Counted work"
need = "As a tester I want to count what happens so that nothing happens twice"
owner = "platform"
maturity = "ga"

[[command]]
name = "count"
summary = "Leave a line for each step"
[[command.param]]
name = "number"
type = "integer"

[[command.step]]
name = "once"
[command.step.process]
program = "/bin/sh"
args = ["-c", "echo \"$1\" >> once; sleep 0.03", "sh", "{{request.id}}"]

[[command.step]]
name = "again"
retry = { attempts = 20, on = "safe", pause = "100ms" }
[command.step.process]
program = "/bin/sh"
args = ["-c", "echo \"$1\" >> again; sleep 0.03", "sh", "{{request.id}}"]
"#;

struct Server {
    child: Child,
    address: String,
    web: reqwest::Client,
}

/// How the process is configured.
struct Setup<'a> {
    folder: &'a Path,
    url: &'a str,
    port: u16,
}

impl Setup<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stationmaster"));
        command
            .current_dir(self.folder)
            .env_remove("STATIONMASTER_TEST_POSTGRES")
            .env("STATIONMASTER_DATABASE__URL", self.url)
            .env("STATIONMASTER_WEB__LISTEN", format!("127.0.0.1:{}", self.port))
            .env("STATIONMASTER_COMMANDS", "commands")
            .env("STATIONMASTER_DATA", "data")
            .env("STATIONMASTER_JOBS__LEASE", "3s")
            .env("STATIONMASTER_LOG__LEVEL", "error")
            .stdin(Stdio::null());
        command
    }

    async fn start(&self) -> Server {
        let child = self.command().arg("serve").stdout(Stdio::null()).spawn().expect("starts");
        let web = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().expect("a client");
        let server = Server { child, address: format!("http://127.0.0.1:{}", self.port), web };
        let began = Instant::now();
        while !server.is_ready().await {
            assert!(began.elapsed() < Duration::from_secs(30), "it is not ready after 30 s");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server
    }

    fn token(&self) -> String {
        let made = self.command().args(["token", "create", "--person", "ada"]).output().expect("runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).expect("text").trim().to_owned()
    }

    fn verify_audit(&self) {
        let verified = self.command().args(["audit", "verify"]).output().expect("runs");
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    }

    /// How often each request left its line.
    fn lines(&self, name: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        let mut folders = vec![self.folder.join("data")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else if entry.file_name() == name {
                    let text = std::fs::read_to_string(entry.path()).expect("reads");
                    text.lines().for_each(|line| *counts.entry(line.to_owned()).or_default() += 1);
                }
            }
        }
        counts
    }
}

impl Server {
    async fn is_ready(&self) -> bool {
        let answer = self.web.get(format!("{}/readyz", self.address)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// Asks for one piece of work; its id if that was acknowledged.
    async fn ask(&self, token: &str, number: u64) -> Option<String> {
        let order = json!({"command": "count", "input": {"number": number}, "idempotency_key": number.to_string()});
        let url = format!("{}/api/requests", self.address);
        let answer = self.web.post(url).bearer_auth(token).json(&order).send().await.ok()?;
        if answer.status() != 202 {
            return None;
        }
        let body: Value = answer.json().await.ok()?;
        Some(body["id"].as_str().expect("an id").to_owned())
    }

    async fn state(&self, token: &str, id: &str) -> String {
        let url = format!("{}/api/requests/{id}", self.address);
        let answer = self.web.get(url).bearer_auth(token).send().await.expect("answers");
        assert_eq!(answer.status(), 200, "an acknowledged request is gone");
        let body: Value = answer.json().await.expect("json");
        body["state"].as_str().expect("a state").to_owned()
    }

    fn kill(mut self) {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("ends");
    }
}

async fn free_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address").port()
}

async fn story(on: On) {
    const ROUNDS: u64 = 8;
    const IN_FLIGHT: u64 = 50;
    rustls::crypto::ring::default_provider().install_default().ok();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("commands")).expect("a folder");
    std::fs::write(folder.path().join("commands/counted.toml"), COUNTED).expect("a file");
    let url = database(on, folder.path()).await;
    let setup = Setup { folder: folder.path(), url: &url, port: free_port().await };
    let token = setup.token();
    let acknowledged = Acknowledged::default();
    for round in 0..ROUNDS {
        let server = setup.start().await;
        // From "nobody was answered" to "most is done", so that every kind of moment is met.
        let moment = Duration::from_millis(rand::random_range(0..100 * (round + 1)));
        eprintln!("{on:?}: round {round} is killed after {moment:?}");
        // The last round's numbers are asked for again: they are the same requests.
        let numbers = (round.saturating_sub(1) * IN_FLIGHT)..((round + 1) * IN_FLIGHT);
        let asked = futures::future::join_all(numbers.map(|n| acknowledged.ask(&server, &token, n)));
        let _ = tokio::time::timeout(moment, asked).await;
        server.kill();
    }
    let server = setup.start().await;
    // A database that is slow for a moment answers "try again", and then one does.
    let began = Instant::now();
    while acknowledged.count() < ROUNDS * IN_FLIGHT && began.elapsed() < Duration::from_secs(60) {
        futures::future::join_all((0..ROUNDS * IN_FLIGHT).map(|n| acknowledged.ask(&server, &token, n))).await;
    }
    let ids: Vec<String> = acknowledged.ids.into_inner().expect("lock").into_values().collect();
    assert_eq!(ids.len() as u64, ROUNDS * IN_FLIGHT, "all are acknowledged in the end");
    let states = wait_for_all(&server, &token, &ids).await;
    check(&setup, &states);
    server.kill();
    setup.verify_audit();
}

/// The id that each number was acknowledged with.
#[derive(Default)]
struct Acknowledged {
    ids: Mutex<BTreeMap<u64, String>>,
}

impl Acknowledged {
    fn count(&self) -> u64 {
        self.ids.lock().expect("lock").len() as u64
    }

    async fn ask(&self, server: &Server, token: &str, number: u64) {
        let Some(id) = server.ask(token, number).await else { return };
        let known = self.ids.lock().expect("lock").insert(number, id.clone());
        assert!(known.is_none_or(|known| known == id), "the same key is another request after a crash");
    }
}

async fn wait_for_all(server: &Server, token: &str, ids: &[String]) -> BTreeMap<String, String> {
    let mut states = BTreeMap::new();
    let began = Instant::now();
    for id in ids {
        loop {
            let state = server.state(token, id).await;
            if matches!(state.as_str(), "succeeded" | "failed" | "uncertain") {
                states.insert(id.clone(), state);
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(120), "{id} is still {state}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    states
}

fn check(setup: &Setup<'_>, states: &BTreeMap<String, String>) {
    let (once, again) = (setup.lines("once"), setup.lines("again"));
    let mut uncertain = 0;
    for (id, state) in states {
        let times = once.get(id).copied().unwrap_or(0);
        assert!(times <= 1, "{id} ran its unrepeatable step {times} times");
        match state.as_str() {
            "succeeded" => {
                assert_eq!(times, 1, "{id} is done without having been done");
                assert!(again.contains_key(id), "{id} is done without its second step");
            }
            "uncertain" => uncertain += 1,
            other => panic!("{id} is {other}"),
        }
    }
    eprintln!("{} requests ended, {uncertain} of them uncertain", states.len());
    assert!(uncertain < states.len() / 2, "most must simply be done");
}

#[tokio::test(flavor = "multi_thread")]
async fn d7_kill_nine_at_random_moments_loses_and_doubles_nothing_on_sqlite() {
    story(On::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d7_kill_nine_at_random_moments_loses_and_doubles_nothing_on_postgres() {
    story(On::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d11_two_processes_share_one_postgres_and_one_of_them_dies() {
    const REQUESTS: u64 = 100;
    rustls::crypto::ring::default_provider().install_default().ok();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("commands")).expect("a folder");
    std::fs::write(folder.path().join("commands/counted.toml"), COUNTED).expect("a file");
    let url = database(On::Postgres, folder.path()).await;
    let first = Setup { folder: folder.path(), url: &url, port: free_port().await };
    let second = Setup { folder: folder.path(), url: &url, port: free_port().await };
    let token = first.token();
    let (dies, lives) = (first.start().await, second.start().await);
    let acknowledged = Acknowledged::default();
    // Each number is asked for at both doors at the same time, and is one request.
    let began = Instant::now();
    while acknowledged.count() < REQUESTS && began.elapsed() < Duration::from_secs(60) {
        let ask = |n| [acknowledged.ask(&dies, &token, n), acknowledged.ask(&lives, &token, n)];
        futures::future::join_all((0..REQUESTS).flat_map(ask)).await;
    }
    dies.kill();
    let ids: Vec<String> = acknowledged.ids.into_inner().expect("lock").into_values().collect();
    assert_eq!(ids.len() as u64, REQUESTS);
    let states = wait_for_all(&lives, &token, &ids).await;
    check(&second, &states);
    lives.kill();
    second.verify_audit();
}
