//! Making a database: for the sample platform's `db create`, and for tests that want one of their own.

use std::path::Path;

use anyhow::Context as _;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};

use crate::error::{Reason, Result, UserError};

/// Makes the database `name` on the PostgreSQL server at `server` and gives its URL. The name must be of lower case
/// letters, digits and `_`.
pub async fn create_database(server: &str, name: &str) -> Result<String> {
    let name = checked(name)?;
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(server).await.context("connect to the PostgreSQL server")?;
    if let Err(error) = connection.execute(sqlx::raw_sql(AssertSqlSafe(format!("create database {name}")))).await {
        let taken = error.as_database_error().and_then(|e| e.code()).is_some_and(|code| code == "42P04");
        return Err(if taken { exists(name).into() } else { anyhow::Error::new(error).context("create the database") });
    }
    let mut url = url::Url::parse(server).context("the PostgreSQL server's URL")?;
    url.set_path(name);
    Ok(url.to_string())
}

/// Removes the database `name` from the PostgreSQL server at `server`; one that is not there is no error.
pub async fn drop_database(server: &str, name: &str) -> Result<()> {
    let name = checked(name)?;
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(server).await.context("connect to the PostgreSQL server")?;
    let statement = AssertSqlSafe(format!("drop database if exists {name}"));
    connection.execute(sqlx::raw_sql(statement)).await.context("drop the database")?;
    Ok(())
}

/// Makes an SQLite database at `file`, with a table that says who owns it, and gives its URL.
pub async fn create_file(file: &Path, owner: &str) -> Result<String> {
    sqlx::any::install_default_drivers();
    if file.exists() {
        return Err(exists(&file.display().to_string()).into());
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("create the folder {}", folder.display()))?;
    }
    let url = format!("sqlite://{}", file.display());
    let mut connection =
        AnyConnection::connect(&format!("{url}?mode=rwc")).await.context("create the database file")?;
    connection.execute("create table about (key text primary key, value text not null)").await?;
    sqlx::query("insert into about (key, value) values ('owner', $1)").bind(owner).execute(&mut connection).await?;
    connection.close().await?;
    Ok(url)
}

/// An identifier cannot be bound as a value, so only harmless ones are let through.
fn checked(name: &str) -> Result<&str> {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain && (1..=63).contains(&name.len()) && !name.as_bytes()[0].is_ascii_digit() {
        return Ok(name);
    }
    Err(UserError::invalid(format!("`{name}` cannot be a database's name."))
        .hint("use lower case letters, digits and _, at most 63")
        .into())
}

fn exists(name: &str) -> UserError {
    UserError::new(Reason::Conflict, format!("There is a database {name} already.")).hint("choose another name")
}
