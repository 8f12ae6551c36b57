//! Approvals: the recorded plan, whom it was put to, and what was decided, once.

use sqlx::FromRow;

use super::message::Priority;
use super::{Store, Tx};
use crate::clock::Millis;
use crate::error::Result;

/// What the ids of approvals begin with.
pub const PREFIX: &str = "apr_";

/// Where an approval is.
pub mod state {
    /// People are asked.
    pub const OPEN: &str = "open";
    /// Enough people said yes.
    pub const APPROVED: &str = "approved";
    /// Somebody said no.
    pub const DENIED: &str = "denied";
    /// Its time came first.
    pub const EXPIRED: &str = "expired";
    /// What would be done is not what was put to people any more.
    pub const VOID: &str = "void";
    /// The request ended before.
    pub const WITHDRAWN: &str = "withdrawn";
}

/// An approval as stored.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Approval {
    /// `apr_…`
    pub id: String,
    /// The request that waits for it.
    pub request: String,
    /// The recorded plan as approvers see it, as JSON without secrets.
    pub plan: String,
    /// SHA-256 over what would be done.
    pub plan_hash: String,
    /// The rules as they were, as JSON.
    pub policy: String,
    /// The hash of the definition that they stand in.
    pub policy_version: String,
    /// Which of the policy's approver sets have been reached, counted from 0.
    pub level: i64,
    /// One of [`state`].
    pub state: String,
    /// When it was asked for.
    pub created_at: Millis,
    /// When its level was reached.
    pub asked_at: Millis,
    /// When it is too late.
    pub expires_at: Millis,
    /// How many reminders of its level's time are over.
    pub reminders: i64,
    /// When it was decided, or became void.
    pub decided_at: Option<Millis>,
    /// Who decided; the person's id, or `stationmaster`.
    pub decided_by: Option<String>,
}

/// An open approval, as far as it must be known to tell for whom it waits.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Open {
    /// Its id.
    pub id: String,
    /// The request's id.
    pub request: String,
    /// Who asked.
    pub requester: String,
    /// The rules, as JSON.
    pub policy: String,
    /// Which level has been reached.
    pub level: i64,
    /// The recorded plan, as JSON.
    pub plan: String,
    /// When it is too late.
    pub expires_at: Millis,
}

/// How an approval is closed.
#[derive(Debug, Clone, Copy)]
pub struct Close<'a> {
    /// The approval's id.
    pub approval: &'a str,
    /// One of [`state`].
    pub state: &'a str,
    /// The person's id, or `stationmaster`.
    pub by: &'a str,
}

impl Tx {
    /// Keeps a new approval, which is open.
    pub async fn insert_approval(&mut self, approval: &Approval) -> Result<()> {
        let sql = "insert into approval (id, request, plan, plan_hash, policy, policy_version, level, state, created_at, \
                   asked_at, expires_at, reminders) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, 0)";
        let query = sqlx::query(sql).bind(&approval.id).bind(&approval.request).bind(&approval.plan);
        let query = query.bind(&approval.plan_hash).bind(&approval.policy).bind(&approval.policy_version);
        let query = query.bind(approval.level).bind(state::OPEN).bind(self.now).bind(approval.expires_at);
        query.execute(&mut self.connection).await?;
        Ok(())
    }

    /// An approval as this transaction sees it.
    pub async fn approval(&mut self, id: &str) -> Result<Option<Approval>> {
        let sql = "select * from approval where id = $1";
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(&mut self.connection).await?)
    }

    /// Reaches the next level, or notes how many reminders of this one are over.
    pub async fn set_level(&mut self, id: &str, (level, asked_at): (i64, Millis), reminders: i64) -> Result<()> {
        let sql = "update approval set level = $2, asked_at = $3, reminders = $4 where id = $1";
        let query = sqlx::query(sql).bind(id).bind(level).bind(asked_at).bind(reminders);
        query.execute(&mut self.connection).await?;
        self.touch(id, Priority::State).await
    }

    /// Closes an approval; its timer goes, and its cards follow. An approval that was given can still become void.
    pub async fn close_approval(&mut self, close: Close<'_>) -> Result<()> {
        let sql = "update approval set state = $2, decided_at = $3, decided_by = $4 where id = $1";
        let query = sqlx::query(sql).bind(close.approval).bind(close.state).bind(self.now).bind(close.by);
        query.execute(&mut self.connection).await?;
        self.drop_job(&timer(close.approval)).await?;
        self.touch(close.approval, Priority::State).await
    }

    /// Closes what is still open for a request that ends.
    pub(super) async fn close_approval_of(&mut self, request: &str, (state, by): (&str, &str)) -> Result<()> {
        let sql = "select id from approval where request = $1 and decided_at is null";
        let open: Option<String> = sqlx::query_scalar(sql).bind(request).fetch_optional(&mut self.connection).await?;
        match open {
            Some(approval) => self.close_approval(Close { approval: &approval, state, by }).await,
            None => Ok(()),
        }
    }
}

/// The name of the job that keeps an approval's time.
pub fn timer(approval: &str) -> String {
    format!("approval:{approval}")
}

impl Store {
    /// An approval.
    pub async fn approval(&self, id: &str) -> Result<Option<Approval>> {
        let sql = "select * from approval where id = $1";
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(self.reader()).await?)
    }

    /// The latest approval of a request.
    pub async fn approval_of(&self, request: &str) -> Result<Option<Approval>> {
        let sql = "select * from approval where request = $1 order by created_at desc, id desc limit 1";
        Ok(sqlx::query_as(sql).bind(request).fetch_optional(self.reader()).await?)
    }

    /// All that is open and that a person has not voted on, the most urgent first.
    pub async fn open_approvals(&self, voter: &str) -> Result<Vec<Open>> {
        let sql = "select a.id, a.request, r.person as requester, a.policy, a.level, a.plan, a.expires_at \
                   from approval a join request r on r.id = a.request where a.decided_at is null \
                   and not exists (select 1 from vote v where v.approval = a.id and v.person = $1) \
                   order by a.expires_at, a.id";
        Ok(sqlx::query_as(sql).bind(voter).fetch_all(self.reader()).await?)
    }
}
