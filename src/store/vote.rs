//! Votes on approvals: one person, one vote, and on whose behalf.

use sqlx::FromRow;

use super::{Store, Tx};
use crate::clock::Millis;
use crate::error::Result;

/// What a vote says.
pub mod verdict {
    /// Yes.
    pub const APPROVE: &str = "approve";
    /// No.
    pub const DENY: &str = "deny";
    /// Yes, alone, and it is looked at later.
    pub const BREAK_GLASS: &str = "break-glass";
}

/// A vote as stored.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Vote {
    /// The approval's id.
    pub approval: String,
    /// Who voted; who that is now, only the identity tells.
    pub person: String,
    /// The platform's identity that it was given with, `slack:U1`.
    pub identity: String,
    /// One of [`verdict`].
    pub verdict: String,
    /// The person whom the voter stood in for.
    pub on_behalf_of: Option<String>,
    /// The standing approval that it came from.
    pub standing: Option<String>,
    /// Why; plain text.
    pub reason: String,
    /// When.
    pub at: Millis,
}

impl Tx {
    /// Keeps a vote; `false` if the person has voted already.
    pub async fn insert_vote(&mut self, vote: &Vote) -> Result<bool> {
        let sql = "insert into vote (approval, person, identity, verdict, on_behalf_of, standing, reason, at) \
                   values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (approval, person) do nothing";
        let query = sqlx::query(sql).bind(&vote.approval).bind(&vote.person).bind(&vote.identity);
        let query = query.bind(&vote.verdict).bind(&vote.on_behalf_of).bind(&vote.standing);
        let query = query.bind(&vote.reason).bind(self.now);
        Ok(query.execute(&mut self.connection).await?.rows_affected() == 1)
    }

    /// The votes on an approval as this transaction sees them, in the order in which they were given.
    pub async fn votes(&mut self, approval: &str) -> Result<Vec<Vote>> {
        let sql = "select * from vote where approval = $1 order by at, person";
        Ok(sqlx::query_as(sql).bind(approval).fetch_all(&mut self.connection).await?)
    }
}

impl Store {
    /// The votes on an approval, in the order in which they were given.
    pub async fn votes(&self, approval: &str) -> Result<Vec<Vote>> {
        let sql = "select * from vote where approval = $1 order by at, person";
        Ok(sqlx::query_as(sql).bind(approval).fetch_all(self.reader()).await?)
    }
}
