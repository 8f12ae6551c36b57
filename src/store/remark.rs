//! Remarks: what people ask and answer about an approval or an escalation.

use sqlx::FromRow;

use super::{Store, Tx};
use crate::clock::Millis;
use crate::error::Result;

/// What is said in a remark.
pub mod kind {
    /// Somebody who decides or helps wants to know something.
    pub const QUESTION: &str = "question";
    /// What whoever was asked says to it.
    pub const ANSWER: &str = "answer";
    /// Something that others should know.
    pub const NOTE: &str = "note";
}

/// Something said about a subject.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Remark {
    /// `rem_…`
    pub id: String,
    /// An approval's or an escalation's id.
    pub subject: String,
    /// Who says it.
    pub person: String,
    /// One of [`kind`].
    pub kind: String,
    /// The question that it answers.
    pub answers: Option<String>,
    /// What is said; plain text.
    pub body: String,
    /// When.
    pub at: Millis,
}

impl Tx {
    /// Keeps a remark; gives its id.
    pub async fn insert_remark(&mut self, (subject, kind): (&str, &str), person: &str, body: &str) -> Result<String> {
        let id = crate::job::new_id("rem");
        let sql = "insert into remark (id, subject, person, kind, body, at) values ($1, $2, $3, $4, $5, $6)";
        let query = sqlx::query(sql).bind(&id).bind(subject).bind(person).bind(kind).bind(body).bind(self.now);
        query.execute(&mut self.connection).await?;
        Ok(id)
    }

    /// Keeps the answer to a question; gives its id.
    pub async fn answer_remark(&mut self, question: &Remark, person: &str, body: &str) -> Result<String> {
        let id = self.insert_remark((&question.subject, kind::ANSWER), person, body).await?;
        let sql = "update remark set answers = $2 where id = $1";
        sqlx::query(sql).bind(&id).bind(&question.id).execute(&mut self.connection).await?;
        Ok(id)
    }
}

impl Store {
    /// A remark.
    pub async fn remark(&self, id: &str) -> Result<Option<Remark>> {
        let sql = "select id, subject, person, kind, answers, body, at from remark where id = $1";
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(self.reader()).await?)
    }

    /// All that was said about a subject, the oldest first.
    pub async fn remarks(&self, subject: &str) -> Result<Vec<Remark>> {
        let sql = "select id, subject, person, kind, answers, body, at from remark where subject = $1 order by at, id";
        Ok(sqlx::query_as(sql).bind(subject).fetch_all(self.reader()).await?)
    }
}
