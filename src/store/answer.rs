//! Answers and who has given any, in two tables that nothing joins.
//!
//! Invariants: a person is stored only as a keyed hash, whose key is gone when the wave is closed; no row has a time; rows go
//! in by ids drawn at random and sorted, so that neither ids nor their order say what was given together; and whatever is
//! stored in one transaction with the hashes of its respondents is of at least as many of them as the wave's minimum, all in
//! the same published groups: otherwise the groups of an answer would tell which of the few that were stored with it gave it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sqlx::{AssertSqlSafe, FromRow};

use super::job::{places, portions};
use super::survey::state;
use super::waiting::{Batch, Response};
use super::{Engine, Store, Tx};
use crate::error::Result;

/// An answer as stored.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Answer {
    /// The question's name.
    pub question: String,
    /// The question's version.
    pub version: String,
    /// The answer, as JSON.
    pub value: String,
    /// The cell of the plan that who gave it is in, as a number; empty where it was left out.
    pub cell: String,
}

/// An answer that names who gave it, of a survey that says so.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct NamedAnswer {
    /// Who gave it.
    pub person: String,
    /// The question's name.
    pub question: String,
    /// The answer, as JSON.
    pub value: String,
}

/// Where answers belong: the wave, and the versions of its questions by name.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The wave's id.
    pub wave: String,
    /// The fewest respondents that are stored together.
    pub minimum: usize,
    /// The version of each question.
    pub versions: std::collections::BTreeMap<String, String>,
}

/// The hash by which it is known that a person has answered.
pub fn who(wave_key: &str, person: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(wave_key.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(person.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

impl Tx {
    /// Stores a batch of an open wave with its respondents. Those who are known to have answered, on another process, are left
    /// out; if too few remain then, nothing is stored and they come back. Also where the wave is no longer open.
    async fn insert_batch(&mut self, asked: &Asked, mut batch: Batch) -> Result<Batch> {
        let Some(key) = self.wave_key(&asked.wave, state::OPEN).await? else { return Ok(batch) };
        let mut hashes = Vec::new();
        for person in batch.keys() {
            hashes.push((who(&key, person), person.clone()));
        }
        for (hash, person) in &hashes {
            if self.has_participated(&asked.wave, hash).await? {
                batch.remove(person);
            }
        }
        if batch.len() < asked.minimum {
            return Ok(batch);
        }
        let mut hashes: Vec<String> =
            hashes.into_iter().filter(|(_, person)| batch.contains_key(person)).map(|(hash, _)| hash).collect();
        hashes.sort();
        for portion in portions(&hashes) {
            let sql = format!("insert into participation (wave, who) values {}", places(portion.len(), 2));
            let query =
                portion.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, hash| query.bind(&asked.wave).bind(hash));
            query.execute(&mut self.connection).await?;
        }
        self.insert_answers(asked, batch.values()).await?;
        Ok(Batch::new())
    }

    /// Stores what is left when a wave closes, without its respondents: who they were is needed no more.
    async fn insert_rest(&mut self, asked: &Asked, mut rest: Batch) -> Result<()> {
        let Some(key) = self.wave_key(&asked.wave, state::CLOSING).await? else { return Ok(()) };
        for person in rest.keys().cloned().collect::<Vec<_>>() {
            if self.has_participated(&asked.wave, &who(&key, &person)).await? {
                rest.remove(&person);
            }
        }
        self.insert_answers(asked, rest.values()).await
    }

    /// Inserts answers under random ids in the order of the ids, and counts their respondents.
    async fn insert_answers<'r>(&mut self, asked: &Asked, of: impl Iterator<Item = &'r Response> + Send) -> Result<()> {
        let (mut rows, mut complete, mut partial) = (Vec::new(), 0i64, 0i64);
        for response in of {
            complete += i64::from(response.is_complete);
            partial += i64::from(!response.is_complete);
            for (question, value) in &response.answers {
                let Some(version) = asked.versions.get(question) else { continue };
                rows.push((
                    uuid::Uuid::new_v4().simple().to_string(),
                    question,
                    version,
                    value.to_string(),
                    &response.cell,
                ));
            }
        }
        rows.sort();
        for portion in portions(&rows) {
            let sql = format!(
                "insert into answer (id, wave, question, version, value, cell) values {}",
                places(portion.len(), 6)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (id, question, version, value, cell) in portion {
                query = query.bind(id).bind(&asked.wave).bind(*question).bind(*version).bind(value).bind(*cell);
            }
            query.execute(&mut self.connection).await?;
        }
        let sql = "update wave set complete = complete + $2, partial = partial + $3 where id = $1";
        let query = sqlx::query(sql).bind(&asked.wave).bind(complete).bind(partial);
        query.execute(&mut self.connection).await?;
        Ok(())
    }

    /// Whether somebody, by their hash, is stored as having answered.
    pub async fn has_participated(&mut self, wave: &str, who: &str) -> Result<bool> {
        let sql = "select count(*) from participation where wave = $1 and who = $2";
        let found: i64 = sqlx::query_scalar(sql).bind(wave).bind(who).fetch_one(&mut self.connection).await?;
        Ok(found > 0)
    }

    /// Forgets who has answered a wave.
    pub(super) async fn delete_participation(&mut self, wave: &str) -> Result<()> {
        sqlx::query("delete from participation where wave = $1").bind(wave).execute(&mut self.connection).await?;
        Ok(())
    }
}

impl Store {
    /// Stores a batch of an open wave. What comes back was not stored, and is to wait further.
    pub async fn keep_answers(&self, asked: &Asked, batch: Batch) -> Result<Batch> {
        let asked = asked.clone();
        self.write(move |tx| Box::pin(async move { tx.insert_batch(&asked, batch).await })).await
    }

    /// Stores what is left of a wave that is closing. Nothing is stored of one that is closed.
    pub async fn keep_rest(&self, asked: &Asked, rest: Batch) -> Result<()> {
        let asked = asked.clone();
        self.write(move |tx| Box::pin(async move { tx.insert_rest(&asked, rest).await })).await
    }

    /// Keeps the answers of somebody to a survey that names them, in place of earlier ones.
    pub async fn keep_named_answers(&self, asked: &Asked, (person, response): (&str, Response)) -> Result<()> {
        let (asked, person) = (asked.clone(), person.to_owned());
        self.write(move |tx| {
            Box::pin(async move {
                if tx.wave_key(&asked.wave, state::OPEN).await?.is_none() {
                    return Ok(());
                }
                let sql = "delete from named_answer where wave = $1 and person = $2";
                sqlx::query(sql).bind(&asked.wave).bind(&person).execute(&mut tx.connection).await?;
                for (question, value) in &response.answers {
                    let sql = "insert into named_answer (wave, person, question, version, value, cell) \
                               values ($1, $2, $3, $4, $5, $6)";
                    let version = asked.versions.get(question).cloned().unwrap_or_default();
                    let query = sqlx::query(sql).bind(&asked.wave).bind(&person).bind(question).bind(version);
                    query.bind(value.to_string()).bind(&response.cell).execute(&mut tx.connection).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Whether somebody, by their hash, is stored as having answered.
    pub async fn has_participated(&self, wave: &str, who: &str) -> Result<bool> {
        let sql = "select count(*) from participation where wave = $1 and who = $2";
        let found: i64 = sqlx::query_scalar(sql).bind(wave).bind(who).fetch_one(self.reader()).await?;
        Ok(found > 0)
    }

    /// Empties the write-ahead log of an SQLite file, so that what was overwritten in the file is not left beside it. On
    /// PostgreSQL it is the server's vacuum and its archive that decide what is left.
    pub async fn forget_overwritten(&self) -> Result<()> {
        if self.engine() == Engine::Sqlite {
            // Whoever reads at this moment may keep it from being emptied; the next close, or the end of the process, does it.
            sqlx::query("pragma wal_checkpoint(truncate)").execute(self.reader()).await?;
        }
        Ok(())
    }

    /// Whether somebody has answered a wave that names them.
    pub async fn has_named_answer(&self, wave: &str, person: &str) -> Result<bool> {
        let sql = "select count(*) from named_answer where wave = $1 and person = $2";
        let found: i64 = sqlx::query_scalar(sql).bind(wave).bind(person).fetch_one(self.reader()).await?;
        Ok(found > 0)
    }

    /// The answers of a wave, in an order that says nothing.
    pub async fn answers(&self, wave: &str) -> Result<Vec<Answer>> {
        let sql = "select question, version, value, cell from answer where wave = $1 \
                   union all select question, version, value, cell from named_answer where wave = $1 \
                   order by question, value, cell";
        Ok(sqlx::query_as(sql).bind(wave).fetch_all(self.reader()).await?)
    }

    /// How many people have answered a wave that names them.
    pub async fn count_named(&self, wave: &str) -> Result<u64> {
        let sql = "select count(distinct person) from named_answer where wave = $1";
        let count: i64 = sqlx::query_scalar(sql).bind(wave).fetch_one(self.reader()).await?;
        Ok(count.unsigned_abs())
    }

    /// The answers of a wave that names who gave them.
    pub async fn named_answers(&self, wave: &str) -> Result<Vec<NamedAnswer>> {
        let sql = "select person, question, value from named_answer where wave = $1 order by person, question";
        Ok(sqlx::query_as(sql).bind(wave).fetch_all(self.reader()).await?)
    }
}
