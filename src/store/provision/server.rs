//! Databases on a PostgreSQL server. What a database says of itself is its comment.

use anyhow::Context as _;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};

use super::{About, checked, draft, taken};
use crate::error::{Reason, Result, UserError};

/// PostgreSQL's code for a database that is there already.
const DUPLICATE_DATABASE: &str = "42P04";
/// PostgreSQL's code for a thing that somebody is using.
const OBJECT_IN_USE: &str = "55006";

/// Makes the database `name` on the PostgreSQL server at `server` and gives its URL. The name must be of lower case
/// letters, digits and `_`.
pub async fn create_database(server: &str, name: &str) -> Result<String> {
    let name = checked(name)?;
    let mut connection = connect(server).await?;
    match run(&mut connection, format!("create database {name}")).await {
        Err(error) if has_code(&error, DUPLICATE_DATABASE) => Err(taken(name).into()),
        made => made.context("create the database").and_then(|()| Ok(url_of(server, name)?.to_string())),
    }
}

pub(super) async fn create(server: &str, name: &str, about: &About) -> Result<String> {
    let mut connection = connect(server).await?;
    let mut url = url_of(server, name)?;
    // Whoever reads of it connects with an account of their own. Only a URL without a host could not lose its password.
    url.set_password(None).ok();
    if let Some(made) = comment(&mut connection, name).await? {
        return if made.request == about.request { Ok(url.to_string()) } else { Err(taken(name).into()) };
    }
    let draft = draft(about)?;
    run(&mut connection, format!("drop database if exists {draft}")).await?;
    run(&mut connection, format!("create database {draft} connection limit {}", about.size.connections()))
        .await
        .context("create the database")?;
    let sql = "select format('comment on database %I is %L', $1, $2)";
    let stored = serde_json::to_string(about)?;
    let statement: String = sqlx::query_scalar(sql).bind(&draft).bind(stored).fetch_one(&mut connection).await?;
    run(&mut connection, statement).await.context("describe the database")?;
    let placed = run(&mut connection, format!("alter database {draft} rename to {name}")).await;
    match placed {
        Err(error) if has_code(&error, DUPLICATE_DATABASE) => {
            run(&mut connection, format!("drop database if exists {draft}")).await?;
            Err(taken(name).into())
        }
        placed => placed.map(|()| url.to_string()).context("put the database into place"),
    }
}

pub(super) async fn about(server: &str, name: &str) -> Result<Option<About>> {
    comment(&mut connect(server).await?, name).await
}

pub(super) async fn remove(server: &str, name: &str) -> Result<()> {
    let mut connection = connect(server).await?;
    match run(&mut connection, format!("drop database if exists {name}")).await {
        Err(error) if has_code(&error, OBJECT_IN_USE) => {
            let message = format!("Somebody is connected to {name}, so it was not dropped.");
            Err(UserError::new(Reason::Conflict, message).hint("end these connections, then try again").into())
        }
        removed => removed.context("drop the database"),
    }
}

pub(super) async fn list(server: &str) -> Result<Vec<(String, About)>> {
    let mut connection = connect(server).await?;
    let sql = "select cast(datname as text), shobj_description(oid, 'pg_database') from pg_database \
               where shobj_description(oid, 'pg_database') is not null and datname not like 'new\\_%' order by datname";
    let found: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(&mut connection).await?;
    Ok(found.into_iter().filter_map(|(name, stored)| Some((name, serde_json::from_str(&stored).ok()?))).collect())
}

async fn comment(connection: &mut AnyConnection, name: &str) -> Result<Option<About>> {
    let sql = "select coalesce(shobj_description(oid, 'pg_database'), '') from pg_database where datname = $1";
    let stored: Option<String> = sqlx::query_scalar(sql).bind(name).fetch_optional(connection).await?;
    Ok(stored.and_then(|stored| serde_json::from_str(&stored).ok()))
}

async fn connect(server: &str) -> Result<AnyConnection> {
    sqlx::any::install_default_drivers();
    AnyConnection::connect(server).await.context("connect to the PostgreSQL server")
}

/// Runs a statement of words that were checked or quoted.
async fn run(connection: &mut AnyConnection, statement: String) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.map(|_| ())
}

fn has_code(error: &sqlx::Error, code: &str) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|found| found == code)
}

fn url_of(server: &str, name: &str) -> Result<url::Url> {
    let mut url = url::Url::parse(server).context("the PostgreSQL server's URL")?;
    url.set_path(name);
    Ok(url)
}
