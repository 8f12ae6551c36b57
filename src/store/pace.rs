//! How fast a platform takes messages: a budget for each conversation, and one each for its posts and its edits,
//! learnt from the platform's answers and shared by all processes.
//!
//! The budget is a virtual schedule (the "generic cell rate algorithm"): every message moves the time at which the next
//! would be on time by one gap, and a few gaps of earliness are allowed.

use super::message::{Message, channel};
use super::{Store, Tx};
use crate::clock::{Millis, Span};
use crate::error::Result;

/// The longest gap that is learnt.
const LONGEST: Millis = 30_000;

/// What a platform is known to take before it has said anything: the time between two messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// In one conversation.
    pub conversation: Span,
    /// Everywhere, for posts and for edits each.
    pub everywhere: Span,
}

impl Pace {
    /// As fast as can be: for platforms that are part of this process.
    pub const FREE: Self = Self { conversation: Span::from_millis(0), everywhere: Span::from_millis(0) };

    fn lanes(self, message: &Message) -> [(String, i64); 2] {
        let kind = if message.posted.is_none() { "*post" } else { "*edit" };
        [(channel(&message.place).to_owned(), self.conversation.millis()), (kind.to_owned(), self.everywhere.millis())]
    }
}

impl Tx {
    /// A message is on its way: its lanes' next ones are due a gap later.
    pub(super) async fn take_pace(&mut self, platform: &str, message: &Message, pace: Pace) -> Result<()> {
        if pace == Pace::FREE {
            return Ok(());
        }
        for (lane, gap) in pace.lanes(message) {
            let sql = "insert into pace (platform, lane, free_at, gap) values ($1, $2, $3 + $4, $4) \
                       on conflict (platform, lane) do update set \
                       free_at = case when pace.free_at > $3 then pace.free_at else $3 end + pace.gap";
            let query = sqlx::query(sql).bind(platform).bind(lane).bind(self.now).bind(gap);
            query.execute(&mut self.connection).await?;
        }
        Ok(())
    }

    /// Whether the platform takes posts now, and edits.
    pub(super) async fn open_lanes(&mut self, platform: &str) -> Result<(bool, bool)> {
        let sql = "select lane from pace where platform = $1 and lane in ('*post', '*edit') and free_at > $2 + 3 * gap";
        let query = sqlx::query_scalar(sql).bind(platform).bind(self.now);
        let closed: Vec<String> = query.fetch_all(&mut self.connection).await?;
        let is_open = |lane: &str| !closed.iter().any(|closed| closed == lane);
        Ok((is_open("*post"), is_open("*edit")))
    }

    /// A message was taken: gaps that were learnt shrink again, a tenth at a time, to what is known.
    pub(super) async fn quicken(&mut self, message: &Message, pace: Pace) -> Result<()> {
        if pace == Pace::FREE {
            return Ok(());
        }
        for (lane, gap) in pace.lanes(message) {
            let sql = "update pace set gap = case when gap * 9 / 10 > $3 then gap * 9 / 10 else $3 end \
                       where platform = $1 and lane = $2 and gap > $3";
            let query = sqlx::query(sql).bind(&message.platform).bind(lane).bind(gap);
            query.execute(&mut self.connection).await?;
        }
        Ok(())
    }
}

impl Store {
    /// The platform wants `wait` of silence, in the message's conversation or everywhere for its kind: the lane is closed
    /// for that long, and its gap doubles.
    pub async fn slow_down(&self, message: &Message, (wait, everywhere): (Span, bool), pace: Pace) -> Result<()> {
        let message = message.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let [conversation, kind] = pace.lanes(&message);
                let (lane, gap) = if everywhere { kind } else { conversation };
                // The claim allows three gaps of earliness, so that the silence is counted on top of them.
                let sql = "insert into pace (platform, lane, free_at, gap) values ($1, $2, $3 + $4 + 3 * $5, $5) \
                           on conflict (platform, lane) do update set \
                           gap = case when pace.gap * 2 > $6 then $6 else pace.gap * 2 end, \
                           free_at = $3 + $4 + 3 * case when pace.gap * 2 > $6 then $6 else pace.gap * 2 end";
                let query = sqlx::query(sql).bind(&message.platform).bind(lane).bind(tx.now);
                let query = query.bind(wait.millis()).bind(gap.max(1)).bind(LONGEST);
                query.execute(&mut tx.connection).await?;
                // It was not the message's fault, so it goes on without a penalty once the lane is open.
                let sql = "update message set due_at = $2, failures = failures - 1 where id = $1";
                sqlx::query(sql).bind(&message.id).bind(tx.now).execute(&mut tx.connection).await?;
                Ok(())
            })
        })
        .await
    }
}
