//! The outbox: cards that are kept up to date, each once per conversation.

use sqlx::{AssertSqlSafe, FromRow};

use super::{Store, Tx};
use crate::clock::{Millis, Span};
use crate::error::Result;

/// How long whoever sends a message has for it, before another process tries.
const HOLD: Span = Span::from_secs(30);

/// A card in a conversation whose subject has changed since it was last sent.
#[derive(Debug, Clone, FromRow)]
pub struct Message {
    /// Its id, `msg_…`; the same for every revision.
    pub id: String,
    /// The platform's name.
    pub platform: String,
    /// The conversation.
    pub place: String,
    /// What it is about: a request's id.
    pub subject: String,
    /// The revision to be sent.
    pub wanted: i64,
    /// The platform's id of the message, if it was posted already.
    pub posted: Option<String>,
    /// How often sending failed since it last went well, this attempt included.
    pub failures: i64,
}

impl Tx {
    /// Shows the subject in a conversation from now on.
    pub async fn show(&mut self, subject: &str, platform: &str, place: &str) -> Result<()> {
        let sql = "insert into message (id, platform, place, subject, wanted, sent, due_at, failures) \
                   values ($1, $2, $3, $4, 1, 0, $5, 0) on conflict (subject, platform, place) do nothing";
        let query = sqlx::query(sql).bind(crate::job::new_id("msg")).bind(platform).bind(place);
        query.bind(subject).bind(self.now).execute(&mut self.connection).await?;
        self.messages_changed = true;
        Ok(())
    }

    /// The subject has changed: its cards are to be sent again.
    pub async fn touch(&mut self, subject: &str) -> Result<()> {
        let sql = "update message set wanted = wanted + 1 where subject = $1";
        sqlx::query(sql).bind(subject).execute(&mut self.connection).await?;
        self.messages_changed = true;
        Ok(())
    }
}

impl Store {
    /// Takes messages on these platforms that lag behind, those that wait longest first.
    pub async fn claim_messages(&self, platforms: Vec<String>, most: usize) -> Result<Vec<Message>> {
        self.write(move |tx| {
            Box::pin(async move {
                let names: Vec<String> = (4..4 + platforms.len()).map(|n| format!("${n}")).collect();
                let sql = format!(
                    "update message set due_at = $1, failures = failures + 1 where id in (select id from message where \
                     wanted > sent and due_at <= $2 and platform in ({}) order by due_at limit $3) \
                     returning id, platform, place, subject, wanted, posted, failures",
                    names.join(", ")
                );
                let query = sqlx::query_as(AssertSqlSafe(sql)).bind(tx.now + HOLD.millis()).bind(tx.now);
                let query = platforms.into_iter().fold(query.bind(most as i64), |query, name| query.bind(name));
                Ok(query.fetch_all(&mut tx.connection).await?)
            })
        })
        .await
    }

    /// The revision was sent, as the platform's message `posted`.
    pub async fn message_sent(&self, message: &Message, posted: String) -> Result<()> {
        let (id, wanted) = (message.id.clone(), message.wanted);
        self.write(move |tx| {
            Box::pin(async move {
                let sql =
                    "update message set sent = $2, posted = $3, failures = 0, due_at = $4 where id = $1 and sent < $2";
                let query = sqlx::query(sql).bind(id).bind(wanted).bind(posted).bind(tx.now);
                query.execute(&mut tx.connection).await?;
                tx.messages_changed = true;
                Ok(())
            })
        })
        .await
    }

    /// Sending failed: again at `due_at`.
    pub async fn message_failed(&self, message: &Message, due_at: Millis) -> Result<()> {
        let id = message.id.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let sql = "update message set due_at = $2 where id = $1";
                sqlx::query(sql).bind(id).bind(due_at).execute(&mut tx.connection).await?;
                Ok(())
            })
        })
        .await
    }

    /// The messages about a subject, with the platform's ids of those that were posted.
    pub async fn messages_about(&self, subject: &str) -> Result<Vec<Message>> {
        let sql = "select id, platform, place, subject, wanted, posted, failures from message where subject = $1";
        Ok(sqlx::query_as(sql).bind(subject).fetch_all(self.reader()).await?)
    }
}
