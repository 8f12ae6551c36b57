//! A platform's wire as people use it: what they do goes through the real protocol to a real process, and what they see
//! is read from what that process sent. The same transcripts run on every one.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use async_trait::async_trait;

/// How long anything that a person waits for may take here.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// One platform over one transport, with everybody's screens. Invariant: what nobody has read makes [`Wire::unread`] say
/// so; a message that was edited since it was read is unread again.
#[async_trait]
pub trait Wire: Send + Sync {
    /// The settings by which a process finds this platform: `STATIONMASTER_…` and their values.
    fn settings(&self) -> Vec<(String, String)>;

    /// The process can be reached at this address now, `http://127.0.0.1:PORT`; signed deliveries go there.
    async fn connect(&self, address: &str);

    /// The process's clock was turned, so that it is so many seconds ahead of the machine's; so is the platform's.
    fn turn_clock(&self, _ahead: i64) {}

    /// Somebody uses a command as one types it there: `/db create name=orders`. On Discord it goes out as a native
    /// command, its `key=value` words and positions as native options.
    async fn say(&self, who: &str, line: &str);

    /// Somebody mentions the bot in a conversation: `@stationmaster db list`.
    async fn mention(&self, who: &str, words: &str);

    /// Somebody presses the button of this label on the newest message that shows them one.
    async fn press(&self, who: &str, label: &str);

    /// Somebody fills in a field, by its name, of the form that is open before them; on whichever page it is.
    async fn fill(&self, who: &str, field: &str, value: &str);

    /// Somebody sends the form that is open before them.
    async fn submit(&self, who: &str);

    /// What is proposed to somebody who types into a field of the open form, or where `line` is not empty, into the
    /// native option of that command.
    async fn suggest(&self, who: &str, typing: Typing<'_>) -> Vec<String>;

    /// Somebody opens their home.
    async fn open_home(&self, who: &str);

    /// Waits until something that they have not read shows the person this text, an open form included; marks it read and
    /// gives all of it: title, text, `label: value` facts, `[Button]` labels, fields as `name = value` with `! error`
    /// lines, `(footnote)`. Panics after [`PATIENCE`], showing their screen.
    async fn read(&self, who: &str, text: &str) -> String;

    /// What was shown and never read, by whom; also everything that the process sent and the platform refused.
    fn unread(&self) -> Vec<String>;
}

/// What somebody types into.
#[derive(Debug, Clone, Copy)]
pub struct Typing<'a> {
    /// The command line so far, or nothing for the open form: `/db create name=orders`.
    pub line: &'a str,
    /// The field or option.
    pub field: &'a str,
    /// What is typed into it.
    pub typed: &'a str,
}

/// A real process in a folder of its own.
pub struct Process {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub address: String,
}

/// How a process is started.
pub struct Setup<'a> {
    /// Where it lives; its capability files are in `commands` there unless a setting says otherwise.
    pub folder: &'a Path,
    /// `STATIONMASTER_…` and their values.
    pub settings: Vec<(String, String)>,
    /// The file that its log is added to, where it is read afterwards.
    pub log: Option<&'a Path>,
}

impl Setup<'_> {
    /// Starts a process on a free port and waits until it is ready. Started again, it goes on with the same data.
    pub async fn start(&self) -> Process {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        drop(listener);
        let mut command = Command::new(env!("CARGO_BIN_EXE_stationmaster"));
        if let Some(log) = self.log {
            let file = std::fs::File::options().create(true).append(true).open(log).expect("a file");
            command.stdout(file.try_clone().expect("a file")).stderr(file);
        }
        let child = command
            .arg("serve")
            .current_dir(self.folder)
            .env("STATIONMASTER_WEB__LISTEN", &address)
            .env("STATIONMASTER_COMMANDS", "commands")
            .env("STATIONMASTER_DATA", "data")
            .envs(self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .stdin(Stdio::null())
            .spawn()
            .expect("starts");
        let process = Process { child, address: format!("http://{address}") };
        let web = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().expect("a client");
        let began = Instant::now();
        loop {
            let answer = web.get(format!("{}/readyz", process.address)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return process;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "it is not ready after 30 s");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Process {
    /// Ends it at once, as the kernel would.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It fails where the process has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
