//! Notices: what somebody is told once, kept as the name of its message and its values, and sent by the outbox.

use serde_json::Value;
use sqlx::FromRow;

use super::message::{Priority, Shown};
use super::{Store, Tx};
use crate::error::Result;

/// What the ids of notices begin with, by which the outbox knows them.
pub const PREFIX: &str = "ntc_";

/// A notice as stored.
#[derive(Debug, Clone, FromRow)]
pub struct Notice {
    /// The name of its message: `approval_reminded`.
    pub template: String,
    /// The card's tone, as JSON.
    pub tone: String,
    /// The values of the message, as JSON; no secrets.
    pub body: String,
}

impl Tx {
    /// Keeps a notice; it is told once it is shown somewhere by its id. `tone` serializes to the name of a card's tone.
    pub async fn insert_notice(
        &mut self,
        template: &str,
        tone: impl serde::Serialize + Send,
        body: &Value,
    ) -> Result<String> {
        let id = crate::job::new_id("ntc");
        let sql = "insert into notice (id, template, tone, body, at) values ($1, $2, $3, $4, $5)";
        let query = sqlx::query(sql).bind(&id).bind(template).bind(serde_json::to_string(&tone)?);
        query.bind(body.to_string()).bind(self.now).execute(&mut self.connection).await?;
        Ok(id)
    }

    /// Tells a notice in these places.
    pub async fn tell(&mut self, notice: &str, places: &[Shown<'_>]) -> Result<()> {
        for place in places {
            self.show(notice, *place).await?;
        }
        Ok(())
    }

    /// Tells a notice in the thread of every card of `subject`, where somebody waits for it.
    pub async fn tell_in_threads(&mut self, notice: &str, subject: &str) -> Result<()> {
        self.show_in_threads(subject, notice).await?;
        self.touch(notice, Priority::State).await
    }
}

impl Store {
    /// A notice.
    pub async fn notice(&self, id: &str) -> Result<Option<Notice>> {
        let sql = "select template, tone, body from notice where id = $1";
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(self.reader()).await?)
    }
}
