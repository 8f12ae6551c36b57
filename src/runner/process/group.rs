//! A program with all that it starts: one process group, ended as a whole.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

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
            // The program runs already, but has hardly begun; a limit before its start would take unsafe code.
            let limit = Rlimit { current: Some(memory.bytes()), maximum: Some(memory.bytes()) };
            match prlimit(Some(id), Resource::As, limit) {
                // One that has ended already needs no limit.
                Ok(_) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(group)
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
