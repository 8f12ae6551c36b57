//! Forms that somebody is filling in where the platform cannot hold them: kept for a while, then forgotten.
//!
//! Invariant: what was kept as sealed is in the memory of this process and nowhere else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::Store;
use crate::clock::Span;
use crate::error::Result;

/// How long a form waits for the person who fills it in.
const KEPT: Span = Span::from_secs(24 * 3600);

/// How many sealed drafts are kept at a time; further ones push out those that end first.
const SEALED: usize = 10_000;

/// The drafts, and nothing else of the store. Clones share the sealed ones.
#[derive(Clone)]
pub struct Drafts {
    store: Store,
    /// The sealed drafts, each with when it is forgotten.
    sealed: Arc<Mutex<HashMap<String, (Instant, String)>>>,
}

impl Store {
    /// The drafts.
    pub fn drafts(&self) -> Drafts {
        Drafts { store: self.clone(), sealed: Arc::default() }
    }
}

impl Drafts {
    /// Keeps a draft under an id, in place of what was there, and forgets those whose time is over.
    pub async fn put(&self, id: &str, body: String) -> Result<()> {
        let id = id.to_owned();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let sql = "delete from draft where expires_at <= $1";
                    sqlx::query(sql).bind(tx.now).execute(&mut tx.connection).await?;
                    let sql = "insert into draft (id, body, expires_at) values ($1, $2, $3) \
                               on conflict (id) do update set body = excluded.body, expires_at = excluded.expires_at";
                    let query = sqlx::query(sql).bind(id).bind(body).bind(tx.now + KEPT.millis());
                    query.execute(&mut tx.connection).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Keeps a draft in memory only; it is gone when the process ends.
    pub fn put_sealed(&self, id: &str, body: String) {
        let now = Instant::now();
        let mut sealed = self.lock();
        sealed.retain(|_, (expires_at, _)| *expires_at > now);
        if sealed.len() >= SEALED
            && let Some(first) = sealed.iter().min_by_key(|(_, (at, _))| *at).map(|(id, _)| id.clone())
        {
            sealed.remove(&first);
        }
        sealed.insert(id.to_owned(), (now + KEPT.duration(), body));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Instant, String)>> {
        self.sealed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The draft of an id; one whose time is over may be gone.
    pub async fn get(&self, id: &str) -> Result<Option<String>> {
        if let Some((_, body)) = self.lock().get(id) {
            return Ok(Some(body.clone()));
        }
        let query = sqlx::query_scalar("select body from draft where id = $1").bind(id);
        Ok(query.fetch_optional(self.store.reader()).await?)
    }

    /// Forgets a draft.
    pub async fn discard(&self, id: &str) -> Result<()> {
        if self.lock().remove(id).is_some() {
            return Ok(());
        }
        let id = id.to_owned();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::query("delete from draft where id = $1").bind(id).execute(&mut tx.connection).await?;
                    Ok(())
                })
            })
            .await
    }
}
