//! What people did by hand, and what needed nobody: the figures that escalations and requests leave behind.

use sqlx::FromRow;

use super::Store;
use crate::clock::Millis;
use crate::error::Result;

/// The category of what went well by itself before anybody looked.
pub const SELF_HEALED: &str = "self-healed";

/// What a category of escalations took of people in a window.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Toil {
    /// The category.
    pub category: String,
    /// How many were resolved.
    pub count: i64,
    /// The minutes that people spent on them.
    pub minutes: i64,
    /// How many of them self-service could have done.
    pub yes: i64,
    /// How many of them it could have done in part.
    pub partly: i64,
}

/// What became of a capability's requests in a window. Requests that were called off count nowhere.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Reach {
    /// The capability's name.
    pub capability: String,
    /// How many requests ended.
    pub ended: i64,
    /// How many of them ended well without any human: no approval by a person, no escalation.
    pub alone: i64,
    /// For how many of them a human was asked for help.
    pub exceptions: i64,
}

/// How a capability keeps its promise in a window. Requests that were called off, that ended before their work began, or that
/// could not be done as they were asked for, count nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Kept {
    /// How many requests ended.
    pub ended: i64,
    /// How many of them succeeded.
    pub succeeded: i64,
}

/// The requests of [`Kept`].
const COUNTED: &str = "from request where capability = $1 and ended_at >= $2 and started_at is not null \
                       and state in ('succeeded', 'failed', 'uncertain', 'expired') \
                       and not exists (select 1 from step s where s.request = request.id and s.state = 'declined')";

impl Store {
    /// What each category took of people from `since` to before `until`, the most minutes first.
    pub async fn toil(&self, since: Millis, until: Millis) -> Result<Vec<Toil>> {
        let sql = "select category, count(*) as count, cast(coalesce(sum(minutes), 0) as bigint) as minutes, \
                   cast(sum(case when automatable = 'yes' then 1 else 0 end) as bigint) as yes, \
                   cast(sum(case when automatable = 'partly' then 1 else 0 end) as bigint) as partly \
                   from escalation where resolved_at >= $1 and resolved_at < $2 and category <> $3 \
                   group by category order by 3 desc, 2 desc, 1";
        Ok(sqlx::query_as(sql).bind(since).bind(until).bind(SELF_HEALED).fetch_all(self.reader()).await?)
    }

    /// The categories that people have used, the most used first.
    pub async fn categories(&self, most: i64) -> Result<Vec<String>> {
        let sql = "select category from escalation where category is not null and category <> $1 \
                   group by category order by count(*) desc, category limit $2";
        Ok(sqlx::query_scalar(sql).bind(SELF_HEALED).bind(most).fetch_all(self.reader()).await?)
    }

    /// What became of each capability's requests that ended since then, by name.
    pub async fn reach(&self, since: Millis) -> Result<Vec<Reach>> {
        let sql = "select capability, count(*) as ended, \
                   cast(sum(case when state = 'succeeded' and helped = 0 and decided = 0 then 1 else 0 end) as bigint) \
                   as alone, cast(sum(case when helped > 0 then 1 else 0 end) as bigint) as exceptions from \
                   (select r.capability, r.state, \
                   (select count(*) from escalation e where e.request = r.id) as helped, \
                   (select count(*) from approval a join vote v on v.approval = a.id \
                   where a.request = r.id and v.standing is null) as decided \
                   from request r where r.ended_at >= $1 and r.state <> 'cancelled' \
                   and not exists (select 1 from step s where s.request = r.id and s.state = 'declined')) ended \
                   group by capability order by capability";
        Ok(sqlx::query_as(sql).bind(since).fetch_all(self.reader()).await?)
    }

    /// How a capability has kept its promise since then.
    pub async fn kept(&self, capability: &str, since: Millis) -> Result<Kept> {
        let sql = format!(
            "select count(*) as ended, \
             cast(coalesce(sum(case when state = 'succeeded' then 1 else 0 end), 0) as bigint) as succeeded {COUNTED}"
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(capability).bind(since);
        Ok(query.fetch_one(self.reader()).await?)
    }

    /// The time, in milliseconds from the beginning of its work to its end, within which the `nth` fastest of a
    /// capability's requests ended, counted from 0.
    pub async fn nth_duration(&self, capability: &str, since: Millis, nth: i64) -> Result<Option<Millis>> {
        let sql = format!("select ended_at - started_at as took {COUNTED} order by 1 limit 1 offset $3");
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(capability).bind(since).bind(nth);
        Ok(query.fetch_optional(self.reader()).await?)
    }

    /// How many messages of a platform have no place to go to, and what the latest of them were about and why.
    pub async fn undeliverable(&self, platform: &str, most: i64) -> Result<(i64, Vec<(String, String)>)> {
        let sql = "select count(*) from message where platform = $1 and undeliverable is not null";
        let count = sqlx::query_scalar(sql).bind(platform).fetch_one(self.reader()).await?;
        let sql = "select subject, undeliverable from message where platform = $1 and undeliverable is not null \
                   order by id desc limit $2";
        let latest = sqlx::query_as(sql).bind(platform).bind(most).fetch_all(self.reader()).await?;
        Ok((count, latest))
    }
}
