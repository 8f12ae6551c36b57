//! The writer: one connection, and as many writes in one commit as have arrived.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use async_trait::async_trait;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, Executor};
use tokio::sync::{mpsc, oneshot};

use super::audit::Head;
use super::job::Enqueued;
use super::{Engine, Signals, busy, connect};
use crate::clock::{Clock, Millis};
use crate::error::Result;

/// The most writes that share a commit.
const BATCH: usize = 128;
/// The most of them that may be background work where somebody waits for the commit.
const BACKGROUND: usize = 32;

/// An open transaction, in which one write after the other is done.
pub struct Tx {
    pub(super) connection: AnyConnection,
    pub(super) engine: Engine,
    pub(super) now: Millis,
    /// The end of the audit chain, once something was appended in this transaction.
    pub(super) head: Option<Head>,
    /// Gathered here and written together before the commit.
    pub(super) audit: Vec<super::audit::Entry>,
    pub(super) jobs: Vec<Enqueued>,
    /// The definitions that are known to be kept, and those of this transaction.
    pub(super) definitions: HashSet<String>,
    pub(super) new_definitions: Vec<String>,
    pub(super) jobs_changed: bool,
    pub(super) messages_changed: bool,
}

impl Tx {
    /// The time of this transaction; the same for all that it writes.
    pub fn now(&self) -> Millis {
        self.now
    }

    /// Touches the database as any write does.
    pub(super) async fn ping(&mut self) -> Result<()> {
        self.connection.execute("update audit_head set id = id where id = 1").await?;
        Ok(())
    }

    async fn begin(&mut self, now: Millis) -> Result<()> {
        let begin = if self.engine == Engine::Sqlite { "begin immediate" } else { "begin" };
        self.connection.execute(begin).await?;
        self.now = now;
        self.forget();
        if self.engine == Engine::Postgres {
            // Processes that share the database write one after the other: with locks taken in the order in which work
            // happens to arrive, two of them could wait for each other.
            self.head = Some(self.lock_head().await?);
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<()> {
        self.write_jobs().await?;
        self.write_audit().await?;
        self.connection.execute("commit").await?;
        self.definitions.extend(self.new_definitions.drain(..));
        Ok(())
    }

    fn forget(&mut self) {
        self.head = None;
        self.audit.clear();
        self.jobs.clear();
        self.new_definitions.clear();
        self.jobs_changed = false;
        self.messages_changed = false;
    }
}

/// A write that waits for its turn.
#[async_trait]
pub(super) trait Write: Send {
    /// Does it; whether it went well.
    async fn apply(&mut self, tx: &mut Tx) -> bool;
    /// Tells the caller, after the commit or after it failed.
    fn settle(self: Box<Self>, committed: Result<()>);
}

/// A write made of a closure.
pub(super) struct Op<T, F> {
    pub(super) op: Option<F>,
    pub(super) done: Option<Result<T>>,
    pub(super) answer: oneshot::Sender<Result<T>>,
}

#[async_trait]
impl<T, F> Write for Op<T, F>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
{
    async fn apply(&mut self, tx: &mut Tx) -> bool {
        // A caller who has stopped waiting was told to try again, and will.
        let Some(op) = self.op.take().filter(|_| !self.answer.is_closed()) else { return true };
        let done = std::panic::AssertUnwindSafe(op(tx)).catch_unwind().await;
        let done = done.unwrap_or_else(|_| Err(anyhow!("a write panicked; it was undone")));
        let ok = done.is_ok();
        self.done = Some(done);
        ok
    }

    fn settle(self: Box<Self>, committed: Result<()>) {
        let result = match (committed, self.done) {
            (Err(e), Some(Ok(_)) | None) => Err(e),
            (_, Some(done)) => done,
            (Ok(()), None) => Err(busy().into()),
        };
        // Nobody may be waiting any more.
        let _ = self.answer.send(result);
    }
}

/// The writes that wait for their turn.
pub(super) struct Queue {
    /// Those that a platform waits for, to acknowledge what it delivered: however much other work there is, they share the
    /// next commit.
    pub(super) urgent: mpsc::Receiver<Box<dyn Write>>,
    pub(super) other: mpsc::Receiver<Box<dyn Write>>,
}

impl Queue {
    /// The writes of the next commit; `None` once nobody can write any more.
    async fn next(&mut self) -> Option<Vec<Box<dyn Write>>> {
        let (first, background) = tokio::select! {
            biased;
            Some(write) = self.urgent.recv() => (write, BACKGROUND),
            Some(write) = self.other.recv() => (write, BATCH),
            else => return None,
        };
        let mut writes = vec![first];
        while writes.len() < BATCH - BACKGROUND
            && let Ok(write) = self.urgent.try_recv()
        {
            writes.push(write);
        }
        let most = (writes.len() + background).min(BATCH);
        while writes.len() < most
            && let Ok(write) = self.other.try_recv()
        {
            writes.push(write);
        }
        Some(writes)
    }
}

/// The loop that owns the connection.
pub(super) struct Writer {
    pub(super) options: AnyConnectOptions,
    pub(super) engine: Engine,
    pub(super) clock: Clock,
    pub(super) signals: Arc<Signals>,
}

impl Writer {
    /// Runs until the last [`super::Store`] is dropped.
    pub(super) async fn run(self, connection: AnyConnection, mut queue: Queue) {
        let mut tx = Some(self.open(connection));
        while let Some(writes) = queue.next().await {
            if self.signals.broken.is_cancelled() {
                writes.into_iter().for_each(|write| write.settle(Err(busy().into())));
                continue;
            }
            tx = match tx {
                Some(tx) => self.commit_together(tx, writes).await,
                None => self.reconnect(writes).await,
            };
        }
    }

    fn open(&self, connection: AnyConnection) -> Tx {
        Tx {
            connection,
            engine: self.engine,
            now: 0,
            head: None,
            audit: Vec::new(),
            jobs: Vec::new(),
            definitions: HashSet::new(),
            new_definitions: Vec::new(),
            jobs_changed: false,
            messages_changed: false,
        }
    }

    /// One transaction for all; gives back the connection unless it is lost.
    async fn commit_together(&self, mut tx: Tx, mut writes: Vec<Box<dyn Write>>) -> Option<Tx> {
        let result = self.apply_all(&mut tx, &mut writes).await;
        let Err(error) = result else {
            self.announce(&tx);
            writes.into_iter().for_each(|write| write.settle(Ok(())));
            return Some(tx);
        };
        tracing::error!(error = format!("{error:#}"), writes = writes.len(), "a commit failed");
        if self.engine == Engine::Sqlite && is_io_error(&error) {
            // What the kernel could not write it may since have dropped: no later success can be trusted.
            self.signals.broken.cancel();
        }
        writes.into_iter().for_each(|write| write.settle(Err(busy().into())));
        tx.connection.execute("rollback").await.is_ok().then_some(tx)
    }

    async fn apply_all(&self, tx: &mut Tx, writes: &mut [Box<dyn Write>]) -> Result<()> {
        tx.begin(self.clock.now()).await?;
        let alone = writes.len() == 1;
        for write in writes {
            let (audit, jobs, head) = (tx.audit.len(), tx.jobs.len(), tx.head.clone());
            let definitions = tx.new_definitions.len();
            if !alone {
                tx.connection.execute("savepoint one").await?;
            }
            if write.apply(tx).await {
                if !alone {
                    tx.connection.execute("release savepoint one").await?;
                }
                continue;
            }
            let undo = if alone { "rollback; begin" } else { "rollback to savepoint one; release savepoint one" };
            for statement in undo.split(';') {
                tx.connection.execute(statement_of(statement)).await?;
            }
            tx.audit.truncate(audit);
            tx.jobs.truncate(jobs);
            tx.new_definitions.truncate(definitions);
            tx.head = head;
        }
        tx.commit().await
    }

    /// Wakes who waits for what was written.
    fn announce(&self, tx: &Tx) {
        if tx.jobs_changed {
            self.signals.jobs.notify_one();
        }
        if tx.messages_changed {
            self.signals.messages.notify_one();
        }
    }

    /// The connection was lost: who waits is told at once, and a new one is tried.
    async fn reconnect(&self, writes: Vec<Box<dyn Write>>) -> Option<Tx> {
        let connected = tokio::time::timeout(Duration::from_secs(2), connect(&self.options, self.engine)).await;
        match connected {
            Ok(Ok(connection)) => self.commit_together(self.open(connection), writes).await,
            _ => {
                writes.into_iter().for_each(|write| write.settle(Err(busy().into())));
                None
            }
        }
    }
}

/// The statements of an undo, as the constants that the database layer wants.
fn statement_of(text: &str) -> &'static str {
    match text.trim() {
        "rollback" => "rollback",
        "begin" => "begin",
        "rollback to savepoint one" => "rollback to savepoint one",
        _ => "release savepoint one",
    }
}

/// SQLite's IOERR and CORRUPT families (primary codes 10 and 11; <https://www.sqlite.org/rescode.html>).
fn is_io_error(error: &anyhow::Error) -> bool {
    let code = error.chain().find_map(|cause| {
        let database = cause.downcast_ref::<sqlx::Error>()?.as_database_error()?;
        database.code()?.parse::<u32>().ok()
    });
    matches!(code.map(|code| code & 0xff), Some(10 | 11))
}
