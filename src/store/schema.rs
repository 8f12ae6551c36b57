//! The database's tables, and which of their versions there is.

use std::str::FromStr;

use anyhow::Context as _;
use sqlx::any::AnyConnectOptions;
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, Connection};

use super::{Engine, engine_of, file_of};
use crate::error::Result;

/// Everything that brings an older database up to date.
pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// How a database stands to this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// There is none yet; the first start makes it.
    Absent,
    /// It was brought to the version `found`; this program knows versions up to `known`.
    Version {
        /// The newest migration that was applied; 0 if none was.
        found: i64,
        /// The newest migration that this program has.
        known: i64,
    },
}

/// Looks at the database at `url` without changing anything in it.
pub async fn inspect(url: &str) -> Result<Schema> {
    sqlx::any::install_default_drivers();
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    let engine = engine_of(url)?;
    let url = match file_of(url, engine) {
        Some(file) if !file.exists() => return Ok(Schema::Absent),
        Some(file) => format!("sqlite://{}?mode=ro", file.display()),
        None => url.to_owned(),
    };
    let options = AnyConnectOptions::from_str(&url).context("the database URL")?;
    let mut connection = AnyConnection::connect_with(&options).await.context("open the database")?;
    let tables = match engine {
        Engine::Sqlite => "select count(*) from sqlite_master where name = '_sqlx_migrations'",
        Engine::Postgres => "select count(*) from pg_tables where tablename = '_sqlx_migrations'",
    };
    let tables: i64 = sqlx::query_scalar(tables).fetch_one(&mut connection).await.context("read the database")?;
    let found = match tables {
        0 => None,
        _ => sqlx::query_scalar("select max(version) from _sqlx_migrations").fetch_one(&mut connection).await?,
    };
    Ok(Schema::Version { found: found.unwrap_or(0), known })
}
