//! What both measurements share: a command with one HTTP step, a server on a free port, a process of the program, and
//! what a load saw.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;

/// How many clients ask at the same time.
pub const CLIENTS: u64 = 64;

/// A capability file whose one step calls the server `LOCAL`.
pub const WORK: &str = r#"
[capability]
name = "bench"
title = "Bench"
need = "As an operator I want to know how fast it is so that I can plan"
owner = "platform"
maturity = "ga"
[[command]]
name = "bench"
summary = "Call a local server"
[[command.param]]
name = "name"
type = "string"
pattern = "^[a-z0-9-]+$"
[[command.step]]
name = "call"
[command.step.http]
method = "PUT"
url = "http://LOCAL/done/{{name}}"
[command.reply]
text = "Done **{{name}}**"
"#;

/// Serves on a free port; gives its address.
pub async fn listen(router: Router) -> String {
    let router = router.route("/up", get(|| async { "up" }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let service = hyper_util::service::TowerToHyperService::new(router);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let io = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service.clone()));
        }
    });
    address
}

/// A process of the program with the one command, in a folder of its own; ended with it.
pub struct Program {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub address: String,
    /// From its start to its first "ready".
    pub start: Duration,
}

impl Program {
    /// Starts it with these settings, and waits until it is ready.
    pub async fn start(folder: &Path, local: &str, settings: &[(&str, String)]) -> Self {
        let commands = folder.join("commands");
        std::fs::create_dir_all(&commands).expect("a folder");
        std::fs::write(commands.join("bench.toml"), WORK.replace("LOCAL", local)).expect("a file");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let began = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_stationmaster"))
            .current_dir(folder)
            .env("STATIONMASTER_WEB__LISTEN", format!("127.0.0.1:{port}"))
            .env("STATIONMASTER_LOG__LEVEL", "warn")
            .env("STATIONMASTER_HTTP__ALLOW_PRIVATE", "127.0.0.1")
            .envs(settings.iter().map(|(name, value)| (format!("STATIONMASTER_{name}"), value)))
            .stdout(Stdio::null())
            .spawn()
            .expect("starts");
        let mut program = Self { child, address: format!("http://127.0.0.1:{port}"), start: Duration::ZERO };
        while !program.get("/readyz").await.is_some_and(|said| said.contains("\"ready\":true")) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        program.start = began.elapsed();
        program
    }

    /// What it says at a path.
    pub async fn get(&self, path: &str) -> Option<String> {
        let web = reqwest::Client::builder().no_proxy().build().expect("a client");
        web.get(format!("{}{path}", self.address)).send().await.ok()?.text().await.ok()
    }

    /// A line of what the kernel says of it: `VmRSS`, `VmHWM`.
    pub fn memory(&self, name: &str) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or("unknown");
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The processor time that it has used, its own and the kernel's for it.
    pub fn processor(&self) -> Duration {
        // Linux counts in hundredths of a second there, whatever the kernel's own clock.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        Duration::from_millis(fields.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() * 10)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It fails where the process has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a load saw.
pub struct Seen {
    /// The times of the answers that were as they should be, in microseconds, sorted.
    pub times: Vec<u64>,
    /// How many were not.
    pub refused: u64,
    /// How long the load lasted.
    pub took: Duration,
}

impl Seen {
    /// Of a load that began then.
    pub fn new(mut times: Vec<u64>, refused: u64, began: Instant) -> Self {
        times.sort_unstable();
        Self { times, refused, took: began.elapsed() }
    }

    /// The time within which this share of the answers came, in milliseconds.
    pub fn within(&self, share: f64) -> f64 {
        let index = ((self.times.len() as f64 * share) as usize).min(self.times.len().saturating_sub(1));
        self.times.get(index).copied().unwrap_or(0) as f64 / 1000.0
    }

    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.times.len() as f64 / self.took.as_secs_f64()
    }
}
