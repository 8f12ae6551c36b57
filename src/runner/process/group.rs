//! A program with all that it starts: one process group, ended as a whole.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::runner::size::Size;

/// How long a program has between being asked to end and being killed.
const GRACE: Duration = Duration::from_secs(2);
/// How long output is waited for after the group is gone: only what left the group can still hold the pipes.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How a program came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It ended by itself with this status.
    Exit(i32),
    /// A signal that is not ours killed it.
    Signal(i32),
    /// It took too long, and was ended.
    TimeOver,
    /// It was cancelled, and was ended.
    Cancelled,
}

/// A running program and its group, killed when dropped.
#[derive(Debug)]
pub(super) struct Group {
    child: Child,
    id: Pid,
}

impl Group {
    /// Starts the program as the leader of a new group.
    pub(super) fn start(mut command: Command, memory: Option<Size>) -> io::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
        let id = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let Some(id) = id else {
            child.start_kill().ok();
            return Err(io::Error::other("it has no process id"));
        };
        let group = Self { child, id };
        if let Some(memory) = memory {
            group.limit(memory)?;
        }
        Ok(group)
    }

    /// Limits the address space of every member. The program runs already, since a limit before its start would take
    /// unsafe code, and may have started others by now: they are limited too, until a round meets no new one. What a
    /// limited program starts has its limit.
    fn limit(&self, memory: Size) -> io::Result<()> {
        let limit = Rlimit { current: Some(memory.bytes()), maximum: Some(memory.bytes()) };
        loop {
            let mut met_new = false;
            for member in self.members()? {
                match prlimit(Some(member), Resource::As, limit) {
                    Ok(before) => met_new |= before.current != limit.current,
                    // One that has ended already needs no limit.
                    Err(Errno::SRCH) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if !met_new {
                return Ok(());
            }
        }
    }

    fn members(&self) -> io::Result<Vec<Pid>> {
        let names = std::fs::read_dir("/proc")?.map_while(io::Result::ok).map(|entry| entry.file_name());
        let pids = names.filter_map(|name| Pid::from_raw(name.to_str()?.parse().ok()?));
        Ok(pids.filter(|pid| group_of(*pid) == Some(self.id)).collect())
    }

    pub(super) fn pipes(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdin.take(), self.child.stdout.take(), self.child.stderr.take())
    }

    /// Waits for the program's end, and brings it about after `time` or when cancelled. The group is gone then.
    pub(super) async fn end(mut self, time: Duration, cancel: &CancellationToken) -> io::Result<End> {
        let end = tokio::select! {
            status = self.child.wait() => End::of(status?),
            () = cancel.cancelled() => End::Cancelled,
            () = sleep(time) => End::TimeOver,
        };
        if matches!(end, End::Cancelled | End::TimeOver) {
            kill_process_group(self.id, Signal::TERM).ok();
            timeout(GRACE, self.child.wait()).await.ok();
        }
        self.kill();
        self.child.wait().await?;
        Ok(end)
    }

    fn kill(&self) {
        // An empty group is what is wanted, so that there was none is no error.
        kill_process_group(self.id, Signal::KILL).ok();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

impl End {
    fn of(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exit(code),
            (None, signal) => Self::Signal(signal.unwrap_or(0)),
        }
    }
}

/// The group that a process is in: the third field after its name, which is in brackets and may have any letters.
fn group_of(process: Pid) -> Option<Pid> {
    let facts = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    Pid::from_raw(facts.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()?)
}

/// Waits for `end` while `talk` goes on, and a moment longer for its last words.
pub(super) async fn alongside<T>(end: impl Future<Output = T>, talk: impl Future) -> T {
    let (mut end, mut talk) = (pin!(end), pin!(talk));
    tokio::select! {
        end = &mut end => {
            timeout(LAST_WORDS, talk).await.ok();
            end
        }
        _ = &mut talk => end.await,
    }
}

/// A signal's name with what it often means.
pub(super) fn signal_name(number: i32) -> String {
    match number {
        6 => "SIGABRT (it gave up, perhaps for lack of memory)".into(),
        9 => "SIGKILL (perhaps for lack of memory)".into(),
        11 => "SIGSEGV (it broke, perhaps for lack of memory)".into(),
        15 => "SIGTERM".into(),
        other => format!("signal {other}"),
    }
}
