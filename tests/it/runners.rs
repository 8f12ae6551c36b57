//! The runners against real programs, real git and servers that misbehave.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;
use stationmaster::clock::{Clock, Millis};
use stationmaster::config::HttpPolicy;
use stationmaster::mask::Mask;
use stationmaster::runner::{Attempt, Outcome, Progress, Status, Tools, WebClient};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

mod callback;
mod github_workflow;
mod http;
mod poll;
mod process;
mod scaffold;
mod web_client;

/// Any moment; the clock of these tests stands still.
const START: Millis = 1_800_000_000_000;

/// What runners need, in a temporary folder, with a way to servers on the loopback.
struct Bench {
    folder: TempDir,
    tools: Tools,
}

impl Bench {
    fn new() -> Self {
        Self::allowing(&["127.0.0.1"])
    }

    fn allowing(hosts: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (data, commands) = (folder.path().join("data"), folder.path().join("commands"));
        std::fs::create_dir_all(&commands).expect("a folder");
        let tools = Tools {
            web: client(hosts, &[]),
            clock: Clock::manual(START),
            data,
            commands,
            program: env!("CARGO_BIN_EXE_stationmaster").into(),
            public_url: "https://bot.example.org/".into(),
            callback_key: SecretString::from("a key that nobody knows"),
        };
        Self { folder, tools }
    }

    /// A file beside the capability files that can be run.
    fn program(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.tools.commands.join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.tools.data.join(path)).expect("a text")
    }
}

fn client(allow_private: &[&str], only: &[&str]) -> WebClient {
    rustls::crypto::ring::default_provider().install_default().ok();
    let own = |list: &[&str]| list.iter().map(|host| (*host).to_owned()).collect();
    WebClient::new(&HttpPolicy { allow_private: own(allow_private), only: own(only) }).expect("a client")
}

/// A runner as its TOML keys.
fn runner<R: DeserializeOwned>(keys: &str) -> R {
    toml::from_str(keys).expect("the runner's keys")
}

/// An attempt with ten minutes, and what it tells of its progress.
fn attempt(values: Value) -> (Attempt, UnboundedReceiver<Progress>) {
    let (progress, listener) = unbounded_channel();
    let attempt = Attempt {
        request: "req_1".into(),
        step: "provision".into(),
        key: "req_1-provision".into(),
        values,
        mask: Mask::new(["hunter22".to_owned()]),
        checkpoint: Value::Null,
        deadline: START + 600_000,
        cancel: CancellationToken::new(),
        progress,
    };
    (attempt, listener)
}

/// The same attempt with what an earlier call left, as it comes back from the database.
fn resumed(attempt: &Attempt, outcome: &Outcome) -> Attempt {
    let Status::Waiting { checkpoint, .. } = &outcome.status else { panic!("not waiting: {outcome:?}") };
    let stored = checkpoint.to_string();
    Attempt { checkpoint: serde_json::from_str(&stored).expect("JSON"), ..attempt.clone() }
}

fn failed(transient: bool, untouched: bool) -> Status {
    Status::Failed { transient, untouched, retry_after: None }
}

fn is_refused(outcome: &Outcome) -> bool {
    outcome.status == failed(false, true)
}

/// All that has been told so far.
fn told(listener: &mut UnboundedReceiver<Progress>) -> Vec<Progress> {
    std::iter::from_fn(|| listener.try_recv().ok()).collect()
}

fn exists(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// A server written by hand, for what no proper server does; counts its connections.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Each connection is read to the end of the request's head, then handed over.
    async fn new<F, W>(behave: F) -> Self
    where
        F: Fn(TcpStream) -> W + Send + Sync + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                read_head(&mut stream).await;
                tokio::spawn(behave(stream));
            }
        });
        Self { address, connections }
    }

    /// Answers everything with this text.
    async fn saying(answer: impl Into<String>) -> Self {
        let answer: Arc<str> = answer.into().into();
        Self::new(move |mut stream| {
            let answer = answer.clone();
            async move {
                stream.write_all(answer.as_bytes()).await.ok();
                stream.shutdown().await.ok();
            }
        })
        .await
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn count(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn read_head(stream: &mut TcpStream) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).await.is_ok_and(|count| count == 1) {
        head.push(byte[0]);
    }
}
