//! Codes by which identities become one person: shown on one platform, said on another.

use sqlx::FromRow;

use super::{Store, Tx};
use crate::clock::{Millis, Rate, Span};
use crate::error::Result;

/// How long a code that is over is remembered, to tell who says it what became of it.
const REMEMBERED: Span = Span::from_secs(24 * 3600);

/// A code, and how far it came.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Link {
    /// What is shown and said.
    pub code: String,
    /// The platform's name of who was shown it.
    pub platform: String,
    /// The platform's id of who was shown it.
    pub identity: String,
    /// Until when it is good.
    pub expires_at: Millis,
    /// The platform's name of who said it and was sure.
    pub other_platform: Option<String>,
    /// The platform's id of who said it and was sure.
    pub other_identity: Option<String>,
    /// When who was shown it said no.
    pub refused_at: Option<Millis>,
    /// When who was shown it said yes.
    pub done_at: Option<Millis>,
}

/// What came of trying a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// Somebody was shown it.
    Found(Link),
    /// Nobody was.
    Wrong,
    /// Too many were wrong; this is when the next may be tried.
    Limited(Millis),
}

impl Link {
    /// Who said it and was sure: platform and id.
    pub fn other(&self) -> Option<(&str, &str)> {
        self.other_platform.as_deref().zip(self.other_identity.as_deref())
    }
}

const SELECT: &str = "select code, platform, identity, expires_at, other_platform, other_identity, refused_at, done_at \
                      from link where code = $1";

impl Tx {
    /// The link of a code.
    pub async fn link(&mut self, code: &str) -> Result<Option<Link>> {
        Ok(sqlx::query_as(SELECT).bind(code).fetch_optional(&mut self.connection).await?)
    }

    /// Keeps a code that is shown to an identity, in place of any that it was shown before and nobody said.
    pub async fn insert_link(&mut self, code: &str, (platform, identity): (&str, &str), good: Span) -> Result<()> {
        let sql =
            "delete from link where expires_at < $1 or (platform = $2 and identity = $3 and other_platform is null)";
        let query = sqlx::query(sql).bind(self.now - REMEMBERED.millis()).bind(platform).bind(identity);
        query.execute(&mut self.connection).await?;
        let sql = "insert into link (code, platform, identity, expires_at) values ($1, $2, $3, $4)";
        let query = sqlx::query(sql).bind(code).bind(platform).bind(identity).bind(self.now + good.millis());
        query.execute(&mut self.connection).await?;
        Ok(())
    }

    /// Notes who said a code and is sure; who was shown it has this long to answer.
    pub async fn answer_link(&mut self, code: &str, (platform, identity): (&str, &str), good: Span) -> Result<()> {
        let sql = "update link set other_platform = $2, other_identity = $3, expires_at = $4 where code = $1";
        let query = sqlx::query(sql).bind(code).bind(platform).bind(identity).bind(self.now + good.millis());
        query.execute(&mut self.connection).await?;
        Ok(())
    }

    /// Notes what who was shown a code said in the end.
    pub async fn end_link(&mut self, code: &str, yes: bool) -> Result<()> {
        let sql = if yes {
            "update link set done_at = $2 where code = $1"
        } else {
            "update link set refused_at = $2 where code = $1"
        };
        sqlx::query(sql).bind(code).bind(self.now).execute(&mut self.connection).await?;
        Ok(())
    }

    async fn try_code(&mut self, code: &str, person: &str, wrong: Rate) -> Result<Tried> {
        let since = self.now - wrong.per.millis();
        sqlx::query("delete from wrong_code where at <= $1").bind(since).execute(&mut self.connection).await?;
        let sql = "select at from wrong_code where person = $1 order by at desc limit 1 offset $2";
        let query = sqlx::query_scalar(sql).bind(person).bind(i64::from(wrong.count) - 1);
        let oldest: Option<Millis> = query.fetch_optional(&mut self.connection).await?;
        if let Some(oldest) = oldest {
            return Ok(Tried::Limited(oldest + wrong.per.millis()));
        }
        if let Some(link) = self.link(code).await? {
            return Ok(Tried::Found(link));
        }
        let sql = "insert into wrong_code (person, at) values ($1, $2)";
        sqlx::query(sql).bind(person).bind(self.now).execute(&mut self.connection).await?;
        Ok(Tried::Wrong)
    }
}

impl Store {
    /// The link of a code.
    pub async fn link(&self, code: &str) -> Result<Option<Link>> {
        Ok(sqlx::query_as(SELECT).bind(code).fetch_optional(self.reader()).await?)
    }

    /// Looks up a code that a person says; a person may be wrong only so often.
    pub async fn try_code(&self, code: &str, person: &str, wrong: Rate) -> Result<Tried> {
        let (code, person) = (code.to_owned(), person.to_owned());
        self.write(move |tx| Box::pin(async move { tx.try_code(&code, &person, wrong).await })).await
    }
}
