//! Absences: who is not there, until when, and who decides for them meanwhile.

use sqlx::{AssertSqlSafe, FromRow};

use super::audit::Act;
use super::{Store, Tx};
use crate::clock::Millis;
use crate::error::Result;

/// An absence as stored.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Absence {
    /// `abs_…`
    pub id: String,
    /// Who is away.
    pub person: String,
    /// Who decides for them meanwhile.
    pub delegate: Option<String>,
    /// Why, in their own words; may be empty.
    pub reason: String,
    /// From when.
    pub from_at: Millis,
    /// Until when; then it ends by itself.
    pub until_at: Millis,
}

impl Absence {
    /// Whether somebody is away then.
    pub fn covers(&self, at: Millis) -> bool {
        (self.from_at..self.until_at).contains(&at)
    }
}

/// The columns of an [`Absence`].
const COLUMNS: &str = "id, person, delegate, reason, from_at, until_at";

impl Tx {
    /// Keeps an absence, whose id is made here, in place of all of the same person that it overlaps; gives its id.
    pub async fn insert_absence(&mut self, absence: &Absence) -> Result<String> {
        let sql = "update absence set ended_at = $2 where person = $1 and ended_at is null and from_at < $4 and until_at > $3";
        let query = sqlx::query(sql).bind(&absence.person).bind(self.now).bind(absence.from_at).bind(absence.until_at);
        query.execute(&mut self.connection).await?;
        let id = crate::job::new_id("abs");
        let sql = "insert into absence (id, person, delegate, reason, from_at, until_at, created_at) \
                   values ($1, $2, $3, $4, $5, $6, $7)";
        let query = sqlx::query(sql).bind(&id).bind(&absence.person).bind(&absence.delegate).bind(&absence.reason);
        let query = query.bind(absence.from_at).bind(absence.until_at).bind(self.now);
        query.execute(&mut self.connection).await?;
        let detail = match &absence.delegate {
            Some(delegate) => format!("until {}; {delegate} decides meanwhile", absence.until_at),
            None => format!("until {}", absence.until_at),
        };
        self.audit(Act { subject: &id, actor: &absence.person, action: "away", detail: &detail }).await?;
        Ok(id)
    }

    /// Ends an absence of this person early; whether there was one to end.
    pub async fn end_absence(&mut self, id: &str, person: &str) -> Result<bool> {
        let sql =
            "update absence set ended_at = $3 where id = $1 and person = $2 and ended_at is null and until_at > $3";
        let query = sqlx::query(sql).bind(id).bind(person).bind(self.now);
        let is_ended = query.execute(&mut self.connection).await?.rows_affected() > 0;
        if is_ended {
            self.audit(Act { subject: id, actor: person, action: "back", detail: "" }).await?;
        }
        Ok(is_ended)
    }
}

impl Store {
    /// The absences that are not over at an instant, those that have not begun too.
    pub async fn absences(&self, at: Millis) -> Result<Vec<Absence>> {
        let sql =
            format!("select {COLUMNS} from absence where ended_at is null and until_at > $1 order by from_at, id");
        Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(at).fetch_all(self.reader()).await?)
    }

    /// The same of one person.
    pub async fn absences_of(&self, person: &str, at: Millis) -> Result<Vec<Absence>> {
        let sql = format!(
            "select {COLUMNS} from absence where person = $1 and ended_at is null and until_at > $2 order by from_at, id"
        );
        Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(person).bind(at).fetch_all(self.reader()).await?)
    }
}
