//! The outbox: cards that are kept up to date, each once per conversation.

use sqlx::{AssertSqlSafe, FromRow};

use super::pace::Pace;
use super::{Store, Tx};
use crate::clock::{Millis, Span};
use crate::error::Result;
use crate::job::Job;

/// How long whoever sends a message has for it, before another process tries.
const HOLD: Span = Span::from_secs(30);

/// How many of the messages that may go next are looked at: enough for as many conversations as are served at a time.
const LOOKED_AT: i64 = 512;

/// What the subject of a request's details begins with, before the request's id.
pub const DETAILS: &str = "details:";

/// What goes first when a platform takes less than there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Somebody waits for it: a new card.
    Answer = 0,
    /// A card's state has changed.
    State = 1,
    /// A card's progress has changed; only the latest matters.
    Progress = 2,
    /// Nobody waits for it: the details of what has ended.
    Detail = 3,
}

/// A card in a conversation whose subject has changed since it was last sent.
#[derive(Debug, Clone, FromRow)]
pub struct Message {
    /// Its id, `msg_…`; the same for every revision.
    pub id: String,
    /// The platform's name.
    pub platform: String,
    /// The conversation, as [`crate::store`]'s callers said it; without the thread of a parent.
    pub place: String,
    /// What it is about: a request's id.
    pub subject: String,
    /// The revision to be sent.
    pub wanted: i64,
    /// The platform's id of the message, if it was posted already.
    pub posted: Option<String>,
    /// How often sending failed since it last went well, this attempt included.
    pub failures: i64,
    /// When it was first tried to be posted.
    pub tried_at: Option<Millis>,
    /// The platform's id of the message in whose thread this one is.
    pub thread: Option<String>,
    /// The platform's id of the person whom it is for.
    pub recipient: Option<String>,
    /// The digest of the card that it shows.
    pub shown: Option<String>,
}

/// What a platform has taken of a message.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The platform's id of the message.
    pub posted: String,
    /// The digest of the card.
    pub shown: String,
}

/// Where a subject is shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The platform's name.
    pub platform: &'a str,
    /// The conversation by the platform's id, or `CONVERSATION/THREAD`.
    pub place: &'a str,
    /// The platform's id of the person whom it is for.
    pub recipient: &'a str,
}

/// The conversation of a place, without its thread.
pub fn channel(place: &str) -> &str {
    place.split('/').next().unwrap_or(place)
}

impl Message {
    /// The place as a platform is told it: a reply to a message of a thread goes to that thread.
    pub fn address(&self) -> String {
        match &self.thread {
            Some(thread) if !self.place.contains('/') => format!("{}/{thread}", self.place),
            _ => self.place.clone(),
        }
    }
}

impl Tx {
    /// Shows the subject in a conversation from now on.
    pub async fn show(&mut self, subject: &str, shown: Shown<'_>) -> Result<()> {
        let sql = "insert into message (id, platform, place, channel, subject, recipient, wanted, sent, due_at, failures, \
                   behind_since) values ($1, $2, $3, $4, $5, $6, 1, 0, $7, 0, $7) on conflict (subject, platform, place) do nothing";
        let query = sqlx::query(sql).bind(crate::job::new_id("msg")).bind(shown.platform).bind(shown.place);
        let query = query.bind(channel(shown.place)).bind(subject).bind(shown.recipient).bind(self.now);
        query.execute(&mut self.connection).await?;
        self.messages_changed = true;
        Ok(())
    }

    /// The subject has changed: its cards are to be sent again. What already waits keeps the greater urgency.
    pub async fn touch(&mut self, subject: &str, priority: Priority) -> Result<()> {
        self.touch_where("subject = $1", subject, priority).await
    }

    /// The same for all cards of which a condition on `$1` is true.
    pub(super) async fn touch_where(&mut self, condition: &str, value: &str, priority: Priority) -> Result<()> {
        let sql = format!(
            "update message set wanted = wanted + 1, \
             behind_since = case when wanted > sent then behind_since else $3 end, \
             priority = case when wanted > sent and priority < $2 then priority else $2 end where {condition}"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(value).bind(priority as i64).bind(self.now);
        query.execute(&mut self.connection).await?;
        self.messages_changed = true;
        Ok(())
    }

    /// Shows `details` in the thread of every card of `subject`, or shows them anew.
    pub async fn show_in_threads(&mut self, subject: &str, details: &str) -> Result<()> {
        self.touch(details, Priority::Detail).await?;
        let sql = "select id from message where subject = $1 and undeliverable is null";
        let parents: Vec<String> = sqlx::query_scalar(sql).bind(subject).fetch_all(&mut self.connection).await?;
        for parent in parents {
            let sql = "insert into message (id, platform, place, channel, subject, recipient, parent, priority, wanted, \
                       sent, due_at, failures, behind_since) \
                       select $1, platform, place, channel, $2, recipient, id, $3, 1, 0, $4, 0, $4 from message where id = $5 \
                       on conflict (subject, platform, place) do nothing";
            let query = sqlx::query(sql).bind(crate::job::new_id("msg")).bind(details);
            let query = query.bind(Priority::Detail as i64).bind(self.now).bind(parent);
            query.execute(&mut self.connection).await?;
        }
        Ok(())
    }
}

impl Tx {
    /// Moves a message to the direct conversation with its person; `false` if there is none, or it is there already.
    async fn tell_directly(&mut self, message: &Message) -> Result<bool> {
        let direct = message.recipient.as_ref().map(|recipient| format!("@{recipient}"));
        let Some(direct) = direct.filter(|direct| *direct != channel(&message.place)) else { return Ok(false) };
        let sql = "update message set place = $2, channel = $2, posted = null, parent = null, tried_at = null, \
                   failures = 0, due_at = $3 where id = $1 and not exists (select 1 from message other \
                   where other.subject = message.subject and other.platform = message.platform and other.place = $2)";
        let query = sqlx::query(sql).bind(&message.id).bind(direct).bind(self.now);
        self.messages_changed = true;
        Ok(query.execute(&mut self.connection).await?.rows_affected() == 1)
    }
}

impl Store {
    /// Takes messages of a platform that lag behind, one per conversation, as far as `pace` lets them go; the urgent
    /// first, and of those the ones that wait longest.
    pub async fn claim_messages(&self, platform: &str, pace: Pace, most: usize) -> Result<Vec<Message>> {
        let platform = platform.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let (posts, edits) = tx.open_lanes(&platform).await?;
                if !posts && !edits {
                    return Ok(Vec::new());
                }
                let sql = "update message set due_at = $1, failures = failures + 1, tried_at = coalesce(tried_at, $2) \
                           where id in (select id from (select id, priority, due_at, \
                           row_number() over (partition by channel order by priority, due_at, id) as nth from ( \
                           select m.id, m.channel, m.priority, m.due_at from message m \
                           where m.platform = $3 and m.wanted > m.sent and m.due_at <= $2 and m.undeliverable is null \
                           and (m.posted is null and $4 = 1 or m.posted is not null and $5 = 1) \
                           and m.channel not in (select lane from pace where platform = $3 and free_at > $2 + 3 * gap) \
                           and (m.parent is null or exists (select 1 from message p where p.id = m.parent \
                           and p.posted is not null)) \
                           order by m.priority, m.due_at, m.id limit $6) near) ready \
                           where nth = 1 order by priority, due_at limit $7) \
                           returning id, platform, place, subject, wanted, posted, failures, tried_at, recipient, shown, \
                           (select posted from message parent where parent.id = message.parent) as thread";
                let query = sqlx::query_as(sql).bind(tx.now + HOLD.millis()).bind(tx.now).bind(&platform);
                let query = query.bind(i64::from(posts)).bind(i64::from(edits)).bind(LOOKED_AT).bind(most as i64);
                let messages: Vec<Message> = query.fetch_all(&mut tx.connection).await?;
                for message in &messages {
                    tx.take_pace(&platform, message, pace).await?;
                }
                Ok(messages)
            })
        })
        .await
    }

    /// The revision was sent, or what is shown already was just that.
    pub async fn message_sent(&self, message: &Message, sent: Sent, pace: Pace) -> Result<()> {
        let message = message.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let sql = "update message set sent = $2, posted = $3, shown = $4, failures = 0, due_at = $5 \
                           where id = $1 and sent < $2";
                let query = sqlx::query(sql).bind(&message.id).bind(message.wanted).bind(sent.posted).bind(sent.shown);
                query.bind(tx.now).execute(&mut tx.connection).await?;
                tx.messages_changed = true;
                tx.quicken(&message, pace).await
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

    /// Its conversation cannot be written to: it is told directly to the person whom it is for, or given up if that was
    /// tried, and then `lost` is enqueued with that. Whether there is another way.
    pub async fn move_message(&self, message: &Message, why: String, lost: &Job) -> Result<bool> {
        let (message, lost) = (message.clone(), lost.clone());
        self.write(move |tx| {
            Box::pin(async move {
                if tx.tell_directly(&message).await? {
                    return Ok(true);
                }
                // What hangs in its thread has no place either.
                let sql = "update message set undeliverable = $2 where id = $1 or parent = $1";
                sqlx::query(sql).bind(&message.id).bind(why).execute(&mut tx.connection).await?;
                tx.enqueue(&lost, tx.now)?;
                Ok(false)
            })
        })
        .await
    }

    /// At the start of the only process of an SQLite file: whatever was on its way is free at once. Whether it arrived is
    /// looked at by who sends it again.
    pub async fn take_back_messages(&self) -> Result<u64> {
        self.write(|tx| {
            Box::pin(async move {
                let sql = "update message set due_at = $1 where wanted > sent and due_at > $1";
                Ok(sqlx::query(sql).bind(tx.now).execute(&mut tx.connection).await?.rows_affected())
            })
        })
        .await
    }

    /// When the next message of these platforms can be tried; `None` if none lags behind.
    pub async fn next_message_at(&self) -> Result<Option<Millis>> {
        let sql = "select min(due_at) from message where wanted > sent and undeliverable is null";
        Ok(sqlx::query_scalar(sql).fetch_one(self.reader()).await?)
    }

    /// How many messages of each platform lag behind, and since when the one that does so longest.
    pub async fn count_waiting(&self) -> Result<Vec<(String, i64, Millis)>> {
        let sql = "select platform, count(*), min(coalesce(behind_since, due_at)) from message \
                   where wanted > sent and undeliverable is null group by platform";
        Ok(sqlx::query_as(sql).fetch_all(self.reader()).await?)
    }

    /// The messages about a subject, with the platform's ids of those that were posted.
    pub async fn messages_about(&self, subject: &str) -> Result<Vec<Message>> {
        let sql = "select id, platform, place, subject, wanted, posted, failures, tried_at, recipient, shown, \
                   (select posted from message parent where parent.id = message.parent) as thread \
                   from message where subject = $1 order by id";
        Ok(sqlx::query_as(sql).bind(subject).fetch_all(self.reader()).await?)
    }
}
