//! API tokens: stored as hashes, bound to a person.

use std::fmt;

use jiff::Timestamp;
use sqlx::FromRow;

use super::audit::Act;
use super::person::Known;
use super::{Store, Tx};
use crate::clock::Millis;
use crate::error::Result;

/// A token as it is listed; the secret itself is never kept.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Token {
    /// `tok_…`
    pub id: String,
    /// The person that it speaks for.
    pub person: String,
    /// What it is for.
    pub label: String,
    /// When it was made.
    pub created_at: Millis,
    /// When it ceased to be valid.
    pub revoked_at: Option<Millis>,
}

impl fmt::Display for Token {
    /// One line of a list: id, person, when it was made, what it is for, and whether it is still valid.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made = Timestamp::from_millisecond(self.created_at).map_err(|_| fmt::Error)?;
        let end = if self.revoked_at.is_some() { "  (revoked)" } else { "" };
        write!(f, "{}  {:16}  {made:.0}  {}{end}", self.id, self.person, self.label)
    }
}

impl Tx {
    async fn insert_token(&mut self, token: &Token, hash: &str) -> Result<()> {
        self.know_person(&token.person, &token.person).await?;
        let sql = "insert into token (id, hash, person, label, created_at) values ($1, $2, $3, $4, $5)";
        let query = sqlx::query(sql).bind(&token.id).bind(hash).bind(&token.person).bind(&token.label);
        query.bind(self.now).execute(&mut self.connection).await?;
        let act = Act { subject: &token.id, actor: "operator", action: "token created", detail: &token.person };
        self.audit(act).await
    }
}

impl Store {
    /// Keeps a new token for a person, known by the hash of its secret; gives its id.
    pub async fn create_token(&self, person: &str, label: &str, hash: String) -> Result<String> {
        let id = crate::job::new_id("tok");
        let token =
            Token { id: id.clone(), person: person.into(), label: label.into(), created_at: 0, revoked_at: None };
        self.write(move |tx| Box::pin(async move { tx.insert_token(&token, &hash).await })).await?;
        Ok(id)
    }

    /// The person that a valid token speaks for, by the hash of its secret.
    pub async fn person_of_token(&self, hash: &str) -> Result<Option<Known>> {
        let sql = "select p.id, p.name from token t join person p on p.id = t.person \
                   where t.hash = $1 and t.revoked_at is null";
        Ok(sqlx::query_as(sql).bind(hash).fetch_optional(self.reader()).await?)
    }

    /// All tokens, oldest first.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        let sql = "select id, person, label, created_at, revoked_at from token order by created_at";
        Ok(sqlx::query_as(sql).fetch_all(self.reader()).await?)
    }

    /// Ends a token; `false` if there is no valid one of that id.
    pub async fn revoke_token(&self, id: &str) -> Result<bool> {
        let id = id.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let sql = "update token set revoked_at = $2 where id = $1 and revoked_at is null";
                let query = sqlx::query(sql).bind(&id).bind(tx.now);
                if query.execute(&mut tx.connection).await?.rows_affected() == 0 {
                    return Ok(false);
                }
                tx.audit(Act { subject: &id, actor: "operator", action: "token revoked", detail: "" }).await?;
                Ok(true)
            })
        })
        .await
    }
}
