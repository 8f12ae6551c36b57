//! The inbox: events, kept before they are acknowledged.

use super::{Store, Tx};
use crate::clock::Span;
use crate::error::Result;

/// How long whoever accepted an event has to answer it, before another process does.
pub const HOLD: Span = Span::from_secs(20);

impl Tx {
    async fn insert_event(&mut self, id: &str, body: &str, hold: Span) -> Result<bool> {
        let sql =
            "insert into event (id, body, received_at, held_until) values ($1, $2, $3, $4) on conflict (id) do nothing";
        let query = sqlx::query(sql).bind(id).bind(body);
        let query = query.bind(self.now).bind(self.now + hold.millis());
        Ok(query.execute(&mut self.connection).await?.rows_affected() == 1)
    }
}

impl Store {
    /// Keeps an event, as JSON, held by the caller for as long; `false` if it was known already.
    pub async fn accept_event(&self, id: &str, body: String, hold: Span) -> Result<bool> {
        let id = id.to_owned();
        self.write_first(move |tx| Box::pin(async move { tx.insert_event(&id, &body, hold).await })).await
    }

    /// The event is not to be answered, whether or not it was kept: its sender was told that nothing was started.
    pub async fn refuse_event(&self, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.write_first(move |tx| {
            Box::pin(async move {
                let sql = "insert into event (id, body, received_at, held_until, handled_at) values ($1, '', $2, $2, $2) \
                           on conflict (id) do update set handled_at = excluded.handled_at, body = ''";
                sqlx::query(sql).bind(id).bind(tx.now).execute(&mut tx.connection).await?;
                Ok(())
            })
        })
        .await
    }

    /// The event was answered.
    pub async fn finish_event(&self, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                // What was said may hold secrets, and nobody needs it any more: only the id stays.
                let sql = "update event set handled_at = $2, body = '' where id = $1";
                sqlx::query(sql).bind(id).bind(tx.now).execute(&mut tx.connection).await?;
                Ok(())
            })
        })
        .await
    }

    /// Takes events that nobody answered in time, as JSON.
    pub async fn claim_events(&self, most: i64) -> Result<Vec<String>> {
        let sql = "update event set held_until = $1 where id in (select id from event where handled_at is null \
                   and held_until <= $2 order by held_until limit $3) returning body";
        self.write(move |tx| {
            Box::pin(async move {
                let query = sqlx::query_scalar(sql).bind(tx.now + HOLD.millis()).bind(tx.now).bind(most);
                Ok(query.fetch_all(&mut tx.connection).await?)
            })
        })
        .await
    }

    /// How many events are known.
    pub async fn count_events(&self) -> Result<i64> {
        Ok(sqlx::query_scalar("select count(*) from event").fetch_one(self.reader()).await?)
    }

    /// At the start of the only process of an SQLite file: whatever was being answered is free at once.
    pub async fn take_back_events(&self) -> Result<u64> {
        self.write(|tx| {
            Box::pin(async move {
                let sql = "update event set held_until = 0 where handled_at is null";
                Ok(sqlx::query(sql).execute(&mut tx.connection).await?.rows_affected())
            })
        })
        .await
    }
}
