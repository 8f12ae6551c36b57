//! Standing approvals: a vote given ahead, for a bounded time, scope and number of uses.

use sqlx::FromRow;

use super::{Store, Tx};
use crate::clock::Millis;
use crate::error::Result;

/// A standing approval as stored.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Standing {
    /// `sta_…`
    pub id: String,
    /// Who gave it.
    pub grantor: String,
    /// The platform's identity that it was given with, `slack:U1`.
    pub identity: String,
    /// The command's name.
    pub command: String,
    /// The values that the input must have, as a JSON object.
    pub scope: String,
    /// The one person whom it is for.
    pub person: Option<String>,
    /// The team that it is for.
    pub team: Option<String>,
    /// The approval on whose card it was given.
    pub approval: String,
    /// The hash of the definition that it holds for.
    pub policy_version: String,
    /// How often it can still be used.
    pub uses_left: i64,
    /// When it ends.
    pub expires_at: Millis,
    /// When it was given.
    pub created_at: Millis,
    /// When it was taken back.
    pub revoked_at: Option<Millis>,
    /// By whom.
    pub revoked_by: Option<String>,
}

impl Tx {
    /// Keeps a standing approval.
    pub async fn insert_standing(&mut self, standing: &Standing) -> Result<()> {
        let sql = "insert into standing_approval (id, grantor, identity, command, scope, person, team, approval, \
                   policy_version, uses_left, expires_at, created_at) \
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        let query = sqlx::query(sql).bind(&standing.id).bind(&standing.grantor).bind(&standing.identity);
        let query = query.bind(&standing.command).bind(&standing.scope).bind(&standing.person).bind(&standing.team);
        let query = query.bind(&standing.approval).bind(&standing.policy_version).bind(standing.uses_left);
        query.bind(standing.expires_at).bind(self.now).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Takes one use; `false` if it is used up, over or taken back.
    pub async fn use_standing(&mut self, id: &str) -> Result<bool> {
        let sql = "update standing_approval set uses_left = uses_left - 1 \
                   where id = $1 and uses_left > 0 and expires_at > $2 and revoked_at is null";
        let query = sqlx::query(sql).bind(id).bind(self.now);
        Ok(query.execute(&mut self.connection).await?.rows_affected() == 1)
    }

    /// Takes it back; `false` if that was done before.
    pub async fn revoke_standing(&mut self, id: &str, by: &str) -> Result<bool> {
        let sql = "update standing_approval set revoked_at = $2, revoked_by = $3 where id = $1 and revoked_at is null";
        let query = sqlx::query(sql).bind(id).bind(self.now).bind(by);
        Ok(query.execute(&mut self.connection).await?.rows_affected() == 1)
    }
}

impl Store {
    /// A standing approval.
    pub async fn standing(&self, id: &str) -> Result<Option<Standing>> {
        let sql = "select * from standing_approval where id = $1";
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(self.reader()).await?)
    }

    /// Those that can be used now, the one that ends first first.
    pub async fn live_standings(&self, now: Millis) -> Result<Vec<Standing>> {
        let sql = "select * from standing_approval where expires_at > $1 and uses_left > 0 and revoked_at is null \
                   order by expires_at, id";
        Ok(sqlx::query_as(sql).bind(now).fetch_all(self.reader()).await?)
    }

    /// Those of a command that can be used now, the one that ends first first.
    pub async fn live_standings_of(&self, command: &str, version: &str, now: Millis) -> Result<Vec<Standing>> {
        let sql = "select * from standing_approval where command = $1 and policy_version = $2 and expires_at > $3 \
                   and uses_left > 0 and revoked_at is null order by expires_at, id";
        Ok(sqlx::query_as(sql).bind(command).bind(version).bind(now).fetch_all(self.reader()).await?)
    }
}
