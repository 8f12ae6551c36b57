//! Pages: what a team's paging service is to know of an escalation, and what of that is settled.

use sqlx::FromRow;

use super::{Store, Tx};
use crate::clock::Millis;
use crate::error::Result;

/// What a paging service is told, in the order of an escalation's life.
pub mod act {
    /// It is there, and nobody sees to it.
    pub const TRIGGER: &str = "trigger";
    /// Somebody sees to it.
    pub const ACKNOWLEDGE: &str = "acknowledge";
    /// It is over.
    pub const RESOLVE: &str = "resolve";
}

/// What one team's service is to know.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Page {
    /// The escalation's id.
    pub escalation: String,
    /// The team.
    pub team: String,
    /// One of [`act`].
    pub wanted: String,
    /// What of that was told, or is not to be told any more.
    pub settled: Option<String>,
    /// Since when the service may know of the escalation at all.
    pub known_at: Option<Millis>,
    /// Why the last thing could not be told, as a clause for people.
    pub error: Option<String>,
}

impl Page {
    /// Whether there is nothing to tell.
    pub fn is_settled(&self) -> bool {
        self.settled.as_ref() == Some(&self.wanted)
    }

    /// Whether it went without saying: what was never there need not be acknowledged.
    pub fn is_needless(&self) -> bool {
        self.wanted != act::TRIGGER && self.known_at.is_none()
    }
}

/// The columns of a [`Page`].
const COLUMNS: &str = "escalation, team, wanted, settled, known_at, error";

impl Tx {
    /// A team's service is to know that nobody sees to an escalation, also if it was told so before.
    pub async fn want_trigger(&mut self, escalation: &str, team: &str) -> Result<()> {
        let sql = "insert into page (escalation, team, wanted) values ($1, $2, $3) \
                   on conflict (escalation, team) do update set wanted = excluded.wanted, settled = null";
        let query = sqlx::query(sql).bind(escalation).bind(team).bind(act::TRIGGER);
        query.execute(&mut self.connection).await?;
        Ok(())
    }

    /// All services that were to know of an escalation are to know this too; whether there are any that did not.
    pub async fn want_pages(&mut self, escalation: &str, wanted: &str) -> Result<bool> {
        let sql = "update page set wanted = $2 where escalation = $1 and wanted <> $2 and wanted <> $3";
        let query = sqlx::query(sql).bind(escalation).bind(wanted).bind(act::RESOLVE);
        Ok(query.execute(&mut self.connection).await?.rows_affected() > 0)
    }

    /// All pages of an escalation, as this transaction sees them.
    pub async fn pages(&mut self, escalation: &str) -> Result<Vec<Page>> {
        let sql = format!("select {COLUMNS} from page where escalation = $1 order by team");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(escalation);
        Ok(query.fetch_all(&mut self.connection).await?)
    }

    /// Writes what became of a page. What it is to know may have changed meanwhile, and stays as it is.
    pub async fn put_page(&mut self, page: &Page) -> Result<()> {
        let sql = "update page set settled = $3, known_at = $4, error = $5 where escalation = $1 and team = $2";
        let query = sqlx::query(sql).bind(&page.escalation).bind(&page.team).bind(&page.settled);
        query.bind(page.known_at).bind(&page.error).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Holds an escalation's row, so that nobody changes what its services are to know until this transaction ends.
    pub async fn hold_escalation(&mut self, id: &str) -> Result<()> {
        let sql = "update escalation set level = level where id = $1";
        sqlx::query(sql).bind(id).execute(&mut self.connection).await?;
        Ok(())
    }
}

impl Store {
    /// All pages of an escalation.
    pub async fn pages(&self, escalation: &str) -> Result<Vec<Page>> {
        let sql = format!("select {COLUMNS} from page where escalation = $1 order by team");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(escalation).fetch_all(self.reader()).await?)
    }
}
