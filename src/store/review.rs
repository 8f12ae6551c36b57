//! Reviews: a glass that was broken is looked at by who owns the capability, once.

use sqlx::FromRow;

use super::message::Priority;
use super::{Store, Tx};
use crate::clock::Millis;
use crate::error::Result;

/// What the ids of reviews begin with.
pub const PREFIX: &str = "rev_";

/// What a review says.
pub mod verdict {
    /// It was right to break the glass.
    pub const RIGHT: &str = "right";
    /// It was not.
    pub const WRONG: &str = "wrong";
}

/// A review as stored.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Review {
    /// `rev_…`
    pub id: String,
    /// The approval that was not waited for.
    pub approval: String,
    /// The request that ran.
    pub request: String,
    /// Who broke the glass.
    pub person: String,
    /// The team that looks at it.
    pub team: String,
    /// Why it was broken; plain text.
    pub reason: String,
    /// When.
    pub created_at: Millis,
    /// When it was looked at.
    pub reviewed_at: Option<Millis>,
    /// By whom.
    pub reviewed_by: Option<String>,
    /// One of [`verdict`].
    pub verdict: Option<String>,
    /// What is to be learnt from it; plain text.
    pub note: Option<String>,
}

/// What came of looking at it.
#[derive(Debug, Clone, Copy)]
pub struct Finding<'a> {
    /// Who looked.
    pub by: &'a str,
    /// One of [`verdict`].
    pub verdict: &'a str,
    /// What is to be learnt; plain text.
    pub note: &'a str,
}

impl Tx {
    /// Keeps that a glass was broken.
    pub async fn insert_review(&mut self, review: &Review) -> Result<()> {
        let sql = "insert into review (id, approval, request, person, team, reason, created_at) \
                   values ($1, $2, $3, $4, $5, $6, $7)";
        let query = sqlx::query(sql).bind(&review.id).bind(&review.approval).bind(&review.request);
        let query = query.bind(&review.person).bind(&review.team).bind(&review.reason).bind(self.now);
        query.execute(&mut self.connection).await?;
        Ok(())
    }

    /// Keeps what came of looking at it; `false` if somebody has looked already.
    pub async fn settle_review(&mut self, id: &str, finding: Finding<'_>) -> Result<bool> {
        let sql = "update review set reviewed_at = $2, reviewed_by = $3, verdict = $4, note = $5 \
                   where id = $1 and reviewed_at is null";
        let query = sqlx::query(sql).bind(id).bind(self.now).bind(finding.by).bind(finding.verdict);
        let settled = query.bind(finding.note).execute(&mut self.connection).await?.rows_affected() == 1;
        self.touch(id, Priority::State).await?;
        Ok(settled)
    }
}

impl Store {
    /// A review.
    pub async fn review(&self, id: &str) -> Result<Option<Review>> {
        let sql = "select * from review where id = $1";
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(self.reader()).await?)
    }

    /// Those that nobody has looked at yet, the oldest first.
    pub async fn open_reviews(&self) -> Result<Vec<Review>> {
        let sql = "select * from review where reviewed_at is null order by created_at, id";
        Ok(sqlx::query_as(sql).fetch_all(self.reader()).await?)
    }
}
