//! Making databases: for the sample platform's `/db create`, and for tests that want one of their own.
//!
//! Invariant: a database is at its place whole or not at all. It is made under another name and then renamed, so that
//! making it again after a crash finds either nothing or what was made.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{Reason, Result, UserError};

mod file;
mod server;

pub use server::create_database;

/// A place where databases are made.
#[derive(Debug, Clone)]
pub enum Place {
    /// A folder of SQLite files.
    Folder(PathBuf),
    /// A PostgreSQL server, by the URL of an account that may create databases.
    Server(String),
}

/// What a database says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The id of the person who asked for it.
    pub owner: String,
    /// That person's name.
    pub owner_name: String,
    /// The request that made it.
    pub request: String,
    /// How much it takes.
    pub size: Size,
}

/// How much a database takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// 20 connections on a server; pages of 4 KiB in a file.
    Small,
    /// 200 connections on a server; pages of 16 KiB in a file.
    Large,
}

impl Size {
    fn connections(self) -> u32 {
        match self {
            Self::Small => 20,
            Self::Large => 200,
        }
    }

    fn page_bytes(self) -> u32 {
        match self {
            Self::Small => 4096,
            Self::Large => 16_384,
        }
    }
}

impl Place {
    /// Makes the database `name`, or finds that this very request has made it already; gives its URL, without password.
    /// The name must be of lower case letters, digits and `_`.
    pub async fn create(&self, name: &str, about: &About) -> Result<String> {
        let name = checked(name)?;
        match self {
            Self::Folder(folder) => file::create(folder, name, about).await,
            Self::Server(server) => server::create(server, name, about).await,
        }
    }

    /// What the database `name` says of itself; `None` if none was made here under that name.
    pub async fn about(&self, name: &str) -> Result<Option<About>> {
        let name = checked(name)?;
        match self {
            Self::Folder(folder) => file::about(&file::place(folder, name)).await,
            Self::Server(server) => server::about(server, name).await,
        }
    }

    /// Removes the database `name`; one that is not there is no error, one that somebody is connected to is.
    pub async fn remove(&self, name: &str) -> Result<()> {
        let name = checked(name)?;
        match self {
            Self::Folder(folder) => file::remove(&file::place(folder, name)),
            Self::Server(server) => server::remove(server, name).await,
        }
    }

    /// The databases that were made here, by name.
    pub async fn list(&self) -> Result<Vec<(String, About)>> {
        match self {
            Self::Folder(folder) => file::list(folder).await,
            Self::Server(server) => server::list(server).await,
        }
    }
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

/// The name under which a request makes a database before it is at its place.
fn draft(about: &About) -> Result<String> {
    let name = format!("new_{}", about.request);
    checked(&name)?;
    Ok(name)
}

fn taken(name: &str) -> UserError {
    UserError::new(Reason::Conflict, format!("There is a database {name} already.")).hint("choose another name")
}
