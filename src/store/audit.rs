//! The audit trail: append-only, each entry's hash covering the one before it.

use anyhow::bail;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, FromRow};

use super::{Store, Tx};
use crate::clock::Millis;
use crate::error::Result;

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Head {
    /// The number of the last entry; 0 before the first.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

/// One entry: who did what to which thing, when and why.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, serde::Serialize)]
pub struct Entry {
    /// Counted from 1, without gaps.
    pub seq: i64,
    /// When.
    pub at: Millis,
    /// What it is about: a request's id, a token's id.
    pub subject: String,
    /// The person's id, or `stationmaster`.
    pub actor: String,
    /// What happened: `accepted`, `running`, `failed`.
    pub action: String,
    /// Why, or with what; no secrets.
    pub detail: String,
    /// SHA-256 over the hash before it and this entry's fields, in hexadecimal.
    pub hash: String,
}

/// What is to be appended.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// What it is about.
    pub subject: &'a str,
    /// Who does it.
    pub actor: &'a str,
    /// What happens.
    pub action: &'a str,
    /// Why, or with what; no secrets.
    pub detail: &'a str,
}

impl Tx {
    /// The end of the chain; the update takes its row's lock until the commit.
    pub(super) async fn lock_head(&mut self) -> Result<Head> {
        let sql = "update audit_head set id = id where id = 1 returning seq, hash";
        Ok(sqlx::query_as(sql).fetch_one(&mut self.connection).await?)
    }

    /// Appends to the trail; written with the commit.
    pub async fn audit(&mut self, act: Act<'_>) -> Result<()> {
        let head = match self.head.take() {
            Some(head) => head,
            None => self.lock_head().await?,
        };
        let mut entry = Entry {
            seq: head.seq + 1,
            at: self.now,
            subject: act.subject.into(),
            actor: act.actor.into(),
            action: act.action.into(),
            detail: act.detail.into(),
            hash: String::new(),
        };
        entry.hash = hash(&head.hash, &entry);
        self.head = Some(Head { seq: entry.seq, hash: entry.hash.clone() });
        self.audit.push(entry);
        Ok(())
    }

    pub(super) async fn write_audit(&mut self) -> Result<()> {
        let Some(head) = self.head.clone().filter(|_| !self.audit.is_empty()) else { return Ok(()) };
        let appended = std::mem::take(&mut self.audit);
        for entries in super::job::portions(&appended) {
            let sql = format!(
                "insert into audit (seq, at, subject, actor, action, detail, hash) values {}",
                super::job::places(entries.len(), 7)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for entry in entries {
                query = query.bind(entry.seq).bind(entry.at).bind(&entry.subject).bind(&entry.actor);
                query = query.bind(&entry.action).bind(&entry.detail).bind(&entry.hash);
            }
            query.execute(&mut self.connection).await?;
        }
        sqlx::query("update audit_head set seq = $1, hash = $2 where id = 1")
            .bind(head.seq)
            .bind(head.hash)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }
}

impl Store {
    /// The trail of one subject, oldest first.
    pub async fn audit_of(&self, subject: &str) -> Result<Vec<Entry>> {
        let sql = "select seq, at, subject, actor, action, detail, hash from audit where subject = $1 order by seq";
        Ok(sqlx::query_as(sql).bind(subject).fetch_all(self.reader()).await?)
    }

    /// Walks the whole chain; gives its length, or an error that names the first entry that does not fit.
    pub async fn verify_audit(&self) -> Result<i64> {
        let mut last = Head { seq: 0, hash: String::new() };
        loop {
            let sql = "select seq, at, subject, actor, action, detail, hash from audit where seq > $1 order by seq limit 1000";
            let page: Vec<Entry> = sqlx::query_as(sql).bind(last.seq).fetch_all(self.reader()).await?;
            if page.is_empty() {
                break;
            }
            for entry in page {
                if entry.seq != last.seq + 1 {
                    bail!("the audit trail lacks entry {} (the next one is {})", last.seq + 1, entry.seq);
                }
                if hash(&last.hash, &entry) != entry.hash {
                    bail!("entry {} of the audit trail was changed after it was written", entry.seq);
                }
                last = Head { seq: entry.seq, hash: entry.hash };
            }
        }
        let head: Head =
            sqlx::query_as("select seq, hash from audit_head where id = 1").fetch_one(self.reader()).await?;
        if head.seq > last.seq {
            bail!("the audit trail was cut: it ends at entry {} and must end at {}", last.seq, head.seq);
        }
        Ok(last.seq)
    }
}

/// Lengths go before the fields, so that no two different entries have the same bytes.
fn hash(before: &str, entry: &Entry) -> String {
    let mut digest = Sha256::new();
    let (seq, at) = (entry.seq.to_string(), entry.at.to_string());
    for field in [before, &seq, &at, &entry.subject, &entry.actor, &entry.action, &entry.detail] {
        digest.update((field.len() as u64).to_be_bytes());
        digest.update(field.as_bytes());
    }
    hex::encode(digest.finalize())
}
