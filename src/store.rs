//! The only room that names sqlx: one database, two engines, one SQL.
//!
//! Every write goes through one writer, which gathers what arrives at the same time into one transaction and one
//! commit. Reads use a pool of their own. Invariants: what [`Store::write`] returned is durable; write transactions follow
//! one after the other, also those of processes that share the database, so that what one reads stays true until its commit.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use futures::future::BoxFuture;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Connection, Executor};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::error::{Reason, Result, UserError};

pub mod absence;
pub mod answer;
pub mod approval;
pub mod audit;
pub mod conversation;
pub mod draft;
pub mod escalation;
pub mod event;
pub mod home;
pub mod idea;
pub mod invitation;
pub mod job;
pub mod link;
pub mod message;
pub mod notice;
pub mod pace;
pub mod page;
pub mod person;
pub mod provision;
pub mod remark;
pub mod request;
pub mod review;
pub mod schema;
pub mod standing;
pub mod step;
pub mod survey;
pub mod toil;
pub mod token;
pub mod vote;
pub mod waiting;
mod writer;

pub use writer::Tx;

/// How long a caller waits for a write before it is told to try again.
const PATIENCE: Duration = Duration::from_millis(2800);
/// How many writes may wait; more are refused at once, so that memory stays bounded.
const QUEUE: usize = 4096;

/// Which database it is. Everything that differs between the two asks here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One file; one process at a time does its work.
    Sqlite,
    /// One server; several processes share the work.
    Postgres,
}

/// The database. Cloning it shares it.
#[derive(Clone)]
pub struct Store {
    writes: mpsc::Sender<Box<dyn writer::Write>>,
    urgent: mpsc::Sender<Box<dyn writer::Write>>,
    readers: AnyPool,
    engine: Engine,
    /// The file, if it is one.
    file: Option<PathBuf>,
    signals: Arc<Signals>,
}

/// What others wait for.
#[derive(Default)]
struct Signals {
    jobs: Notify,
    messages: Notify,
    broken: CancellationToken,
}

impl Store {
    /// Opens the database at `url` (`sqlite://FILE` or `postgres://…`) and brings its tables up to date.
    pub async fn open(url: &str, clock: Clock) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let engine = engine_of(url)?;
        let options = options_of(url, engine)?;
        let mut connection = connect(&options, engine).await.map_err(|error| cannot_open(&error, engine))?;
        schema::MIGRATIONS.run(&mut connection).await.map_err(explain_migration)?;
        let readers = AnyPoolOptions::new()
            .max_connections(if engine == Engine::Sqlite { 4 } else { 8 })
            .acquire_timeout(PATIENCE)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if engine == Engine::Sqlite {
                        connection.execute("pragma busy_timeout = 5000; pragma query_only = 1").await?;
                    }
                    Ok(())
                })
            })
            .connect_with(options.clone())
            .await?;
        let signals = Arc::new(Signals::default());
        let ((writes, other), (urgent, first)) = (mpsc::channel(QUEUE), mpsc::channel(QUEUE));
        let writer = writer::Writer { options, engine, clock, signals: signals.clone() };
        tokio::spawn(writer.run(connection, writer::Queue { urgent: first, other }));
        Ok(Self { writes, urgent, readers, engine, file: file_of(url, engine), signals })
    }

    /// Runs `op` in a transaction, which it may share with others that arrive at the same time, and returns once that
    /// is committed. An error of `op` undoes `op` alone.
    pub async fn write<T, F>(&self, op: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
    {
        put(&self.writes, op).await
    }

    /// The same, before all that is not so urgent: for what a platform waits for. However much work is under way, what was
    /// delivered is kept within the next commit.
    pub async fn write_first<T, F>(&self, op: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
    {
        put(&self.urgent, op).await
    }

    /// Which database it is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Whether it answers and accepts writes; the reason if not.
    pub async fn ready(&self) -> Result<()> {
        if self.signals.broken.is_cancelled() {
            return Err(anyhow!("the database file reported an error while writing; see the log, then restart"));
        }
        self.write(|tx| Box::pin(async move { tx.ping().await })).await
    }

    /// Waits until the file fails while it is written to. After that nothing in it can be trusted to be durable, so the
    /// process must end.
    pub async fn broken(&self) {
        self.signals.broken.cancelled().await;
    }

    /// Makes sure that this process is the only one that does the work of an SQLite file, until the guard is dropped.
    pub fn hold_alone(&self) -> Result<Option<std::fs::File>> {
        let Some(file) = &self.file else { return Ok(None) };
        let path = file.with_extension("lock");
        let lock = std::fs::File::create(&path).with_context(|| format!("create {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(std::fs::TryLockError::Error(error)) => Err(error).with_context(|| format!("lock {}", path.display())),
            Err(std::fs::TryLockError::WouldBlock) => {
                let message = format!("Another Stationmaster is at work on {}.", file.display());
                let hint = "stop it first; several processes can share a PostgreSQL database";
                Err(UserError::new(Reason::Conflict, message).hint(hint).into())
            }
        }
    }

    /// Waits until a job may have become due by a write of this process.
    pub async fn job_enqueued(&self) {
        self.signals.jobs.notified().await;
    }

    /// Waits until a message may have fallen behind by a write of this process.
    pub async fn message_changed(&self) {
        self.signals.messages.notified().await;
    }

    /// What this database keeps under a name; `first` becomes that if there is nothing yet.
    pub async fn setting(&self, name: &'static str, first: &str) -> Result<String> {
        let first = first.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let sql = "insert into setting (name, value) values ($1, $2) \
                           on conflict (name) do update set name = excluded.name returning value";
                Ok(sqlx::query_scalar(sql).bind(name).bind(first).fetch_one(&mut tx.connection).await?)
            })
        })
        .await
    }

    /// A connection for reading.
    fn reader(&self) -> &AnyPool {
        &self.readers
    }
}

/// Puts a write into a queue, and waits until it is committed.
async fn put<T, F>(queue: &mpsc::Sender<Box<dyn writer::Write>>, op: F) -> Result<T>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    let write = writer::Op { op: Some(op), done: None, answer };
    queue.try_send(Box::new(write)).map_err(|_| busy())?;
    match tokio::time::timeout(PATIENCE, answered).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) | Err(_) => Err(busy().into()),
    }
}

/// What a caller is told when the database is too slow or away. Whether a write that was under way is kept cannot be
/// known then; trying again is safe, since a delivery that comes twice is taken once.
fn busy() -> UserError {
    UserError::new(Reason::Unavailable, "The database is not answering in time.")
        .hint("try the same again in a moment; it cannot happen twice")
}

/// What a caller is told of an error that only says that the database is away, or that it refused to let two writers wait
/// for each other; `None` for any other error.
pub fn away(error: &anyhow::Error) -> Option<UserError> {
    use sqlx::Error::{Database, Io, PoolClosed, PoolTimedOut, WorkerCrashed};
    let is_away = |error: &sqlx::Error| match error {
        Io(_) | PoolClosed | PoolTimedOut | WorkerCrashed => true,
        // Connection exceptions, too many connections, a shutdown, a deadlock
        // (https://www.postgresql.org/docs/current/errcodes-appendix.html).
        Database(error) => error.code().is_some_and(|code| {
            code.starts_with("08") || code.starts_with("57P") || matches!(&*code, "53300" | "40001" | "40P01")
        }),
        _ => false,
    };
    error.chain().filter_map(|cause| cause.downcast_ref()).any(is_away).then(busy)
}

/// What an operator is told when there is no use in starting.
fn cannot_open(error: &anyhow::Error, engine: Engine) -> UserError {
    let cause = error.root_cause();
    let (message, hint) = match engine {
        Engine::Sqlite => (
            format!("The database file cannot be used: {cause}."),
            "restore it from a backup, or set database.url to another file; nothing in this one was changed",
        ),
        Engine::Postgres => (
            format!("The database server cannot be used: {cause}."),
            "look at database.url, and whether the server runs and lets this user in",
        ),
    };
    UserError::new(Reason::Unavailable, message).hint(hint)
}

fn engine_of(url: &str) -> Result<Engine> {
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(Engine::Sqlite),
        Some("postgres" | "postgresql") => Ok(Engine::Postgres),
        _ => Err(UserError::invalid("The database URL begins with neither sqlite:// nor postgres://.")
            .hint("set database.url, for example sqlite://data/stationmaster.db")
            .into()),
    }
}

/// The file of an SQLite URL.
fn file_of(url: &str, engine: Engine) -> Option<PathBuf> {
    let path = url.split('?').next()?.strip_prefix("sqlite:")?.trim_start_matches("//");
    (engine == Engine::Sqlite).then(|| PathBuf::from(path))
}

fn options_of(url: &str, engine: Engine) -> Result<AnyConnectOptions> {
    let file = file_of(url, engine);
    if let Some(folder) = file.as_deref().and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("create the folder {}", folder.display()))?;
    }
    let creates = file.is_some() && !url.contains('?');
    let url = if creates { format!("{url}?mode=rwc") } else { url.to_owned() };
    let options = AnyConnectOptions::from_str(&url).context("the database URL")?;
    Ok(options.disable_statement_logging())
}

/// A connection for the writer.
async fn connect(options: &AnyConnectOptions, engine: Engine) -> Result<AnyConnection> {
    let mut connection = AnyConnection::connect_with(options).await.context("open the database")?;
    if engine == Engine::Sqlite {
        // FULL: a commit is on the disk before anybody is told "accepted". What is deleted is overwritten: keys of surveys
        // that are closed, for one.
        let pragmas = "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; \
                       pragma busy_timeout = 5000; pragma journal_size_limit = 67108864; pragma secure_delete = on";
        connection.execute(pragmas).await.context("prepare the database file")?;
    }
    Ok(connection)
}

fn explain_migration(error: sqlx::migrate::MigrateError) -> anyhow::Error {
    use sqlx::migrate::MigrateError::{VersionMismatch, VersionMissing};
    match error {
        VersionMissing(version) => UserError::new(
            Reason::Conflict,
            format!("The database was made by a newer Stationmaster (its migration {version} is not known here)."),
        )
        .hint("run that newer version, or restore the backup that was taken before the upgrade")
        .into(),
        VersionMismatch(version) => UserError::new(
            Reason::Conflict,
            format!("The database's migration {version} is not the one that this Stationmaster has."),
        )
        .hint("this file was made by another build; use that build or a new database")
        .into(),
        other => anyhow::Error::new(other).context("bring the database's tables up to date"),
    }
}
