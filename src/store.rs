//! The only room that names sqlx: one database, two engines, one SQL.
//!
//! Every write goes through one writer, which gathers what arrives at the same time into one transaction and one
//! commit. Reads use a pool of their own. Invariant: what [`Store::write`] returned is durable.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use futures::future::BoxFuture;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Connection, Executor};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::clock::Clock;
use crate::error::{Reason, Result, UserError};

pub mod audit;
pub mod conversation;
pub mod event;
pub mod job;
pub mod message;
pub mod person;
pub mod provision;
pub mod request;
pub mod schema;
pub mod step;
pub mod token;
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
    readers: AnyPool,
    engine: Engine,
    signals: Arc<Signals>,
}

/// What others wait for.
#[derive(Default)]
struct Signals {
    jobs: Notify,
    messages: Notify,
    broken: AtomicBool,
}

impl Store {
    /// Opens the database at `url` (`sqlite://FILE` or `postgres://…`) and brings its tables up to date.
    pub async fn open(url: &str, clock: Clock) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let engine = engine_of(url)?;
        let options = options_of(url, engine)?;
        let mut connection = connect(&options, engine).await?;
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
        let (writes, queue) = mpsc::channel(QUEUE);
        let writer = writer::Writer { options, engine, clock, signals: signals.clone() };
        tokio::spawn(writer.run(connection, queue));
        Ok(Self { writes, readers, engine, signals })
    }

    /// Runs `op` in a transaction, which it may share with others that arrive at the same time, and returns once that
    /// is committed. An error of `op` undoes `op` alone.
    pub async fn write<T, F>(&self, op: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let write = writer::Op { op: Some(op), done: None, answer };
        self.writes.try_send(Box::new(write)).map_err(|_| busy())?;
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(busy().into()),
        }
    }

    /// Which database it is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Whether it answers and accepts writes; the reason if not.
    pub async fn ready(&self) -> Result<()> {
        if self.signals.broken.load(Ordering::Relaxed) {
            return Err(anyhow!("the database file reported an error while writing; see the log, then restart"));
        }
        self.write(|tx| Box::pin(async move { tx.ping().await })).await
    }

    /// Whether the file failed while it was written to. After that nothing in it can be trusted to be durable.
    pub fn is_broken(&self) -> bool {
        self.signals.broken.load(Ordering::Relaxed)
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

/// What a caller is told when the database is too slow or away: nothing was started.
fn busy() -> UserError {
    UserError::new(Reason::Unavailable, "The database is not answering in time, so nothing was started.")
        .hint("try the same again in a moment; it cannot happen twice")
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

fn options_of(url: &str, engine: Engine) -> Result<AnyConnectOptions> {
    let url = match engine {
        Engine::Sqlite if !url.contains('?') => {
            let file = url.trim_start_matches("sqlite:").trim_start_matches("//");
            if let Some(folder) = std::path::Path::new(file).parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::create_dir_all(folder).with_context(|| format!("create the folder {}", folder.display()))?;
            }
            format!("{url}?mode=rwc")
        }
        _ => url.to_owned(),
    };
    let options = AnyConnectOptions::from_str(&url).context("the database URL")?;
    Ok(options.disable_statement_logging())
}

/// A connection for the writer.
async fn connect(options: &AnyConnectOptions, engine: Engine) -> Result<AnyConnection> {
    let mut connection = AnyConnection::connect_with(options).await.context("open the database")?;
    if engine == Engine::Sqlite {
        // FULL: a commit is on the disk before anybody is told "accepted".
        let pragmas = "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; \
                       pragma busy_timeout = 5000; pragma journal_size_limit = 67108864";
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
