//! Forms that somebody is filling in where the platform cannot hold them: kept for a while, then forgotten.

use super::Store;
use crate::clock::Span;
use crate::error::Result;

/// How long a form waits for the person who fills it in.
const KEPT: Span = Span::from_secs(24 * 3600);

/// The drafts, and nothing else of the store.
#[derive(Clone)]
pub struct Drafts(Store);

impl Store {
    /// The drafts.
    pub fn drafts(&self) -> Drafts {
        Drafts(self.clone())
    }
}

impl Drafts {
    /// Keeps a draft under an id, in place of what was there, and forgets those whose time is over.
    pub async fn put(&self, id: &str, body: String) -> Result<()> {
        let id = id.to_owned();
        self.0
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

    /// The draft of an id; one whose time is over may be gone.
    pub async fn get(&self, id: &str) -> Result<Option<String>> {
        let query = sqlx::query_scalar("select body from draft where id = $1").bind(id);
        Ok(query.fetch_optional(self.0.reader()).await?)
    }

    /// Forgets a draft.
    pub async fn discard(&self, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::query("delete from draft where id = $1").bind(id).execute(&mut tx.connection).await?;
                    Ok(())
                })
            })
            .await
    }
}
