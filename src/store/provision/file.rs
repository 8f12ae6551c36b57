//! Databases that are SQLite files of one folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};

use super::{About, draft, taken};
use crate::error::Result;

/// What the files are called after their names.
const ENDING: &str = "db";
/// What SQLite puts beside a file.
const BESIDE: [&str; 3] = ["-journal", "-wal", "-shm"];

pub(super) fn place(folder: &Path, name: &str) -> PathBuf {
    folder.join(name).with_extension(ENDING)
}

pub(super) async fn create(folder: &Path, name: &str, about: &About) -> Result<String> {
    let (at, draft) = (place(folder, name), folder.join(draft(about)?));
    let url = format!("sqlite://{}", std::path::absolute(&at)?.display());
    if at.exists() {
        let made = self::about(&at).await?.filter(|made| made.request == about.request);
        return made.map(|_| url).ok_or_else(|| taken(name).into());
    }
    fs::create_dir_all(folder).with_context(|| format!("create the folder {}", folder.display()))?;
    remove(&draft)?;
    write(&draft, about).await?;
    // A second name for the file, since a rename would replace what another request has put there.
    let placed = fs::hard_link(&draft, &at);
    remove(&draft)?;
    match placed {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(taken(name).into()),
        placed => placed.map(|()| url).with_context(|| format!("put {} into place", at.display())),
    }
}

async fn write(file: &Path, about: &About) -> Result<()> {
    let mut connection = open(file, "rwc").await?;
    let pages = format!("pragma page_size = {}", about.size.page_bytes());
    connection.execute(sqlx::raw_sql(AssertSqlSafe(pages))).await?;
    connection.execute("create table about (key text primary key, value text not null)").await?;
    let stored = serde_json::to_string(about)?;
    let sql = "insert into about (key, value) values ('stationmaster', $1)";
    sqlx::query(sql).bind(stored).execute(&mut connection).await?;
    connection.close().await.context("close the database file")
}

pub(super) async fn about(file: &Path) -> Result<Option<About>> {
    if !file.exists() {
        return Ok(None);
    }
    let mut connection = open(file, "ro").await?;
    let sql = "select value from about where key = 'stationmaster'";
    // A file of somebody else's has no such table, and none that was made here.
    let stored: Option<String> = sqlx::query_scalar(sql).fetch_optional(&mut connection).await.unwrap_or_default();
    Ok(stored.and_then(|stored| serde_json::from_str(&stored).ok()))
}

pub(super) fn remove(file: &Path) -> Result<()> {
    for ending in BESIDE.into_iter().chain([""]) {
        let mut path = file.as_os_str().to_owned();
        path.push(ending);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("remove {}", file.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

pub(super) async fn list(folder: &Path) -> Result<Vec<(String, About)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).map(str::to_owned);
        if path.extension().is_some_and(|ending| ending == ENDING)
            && let (Some(name), Some(about)) = (name, about(&path).await?)
        {
            found.push((name, about));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

async fn open(file: &Path, mode: &str) -> Result<AnyConnection> {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}?mode={mode}", file.display());
    AnyConnection::connect(&url).await.with_context(|| format!("open {}", file.display()))
}
