//! What the web page keeps, as the servers of a chat platform would: its visitors, and what was said there.

use sqlx::{AssertSqlSafe, FromRow};

use super::{Store, Tx};
use crate::clock::Millis;
use crate::error::Result;

/// The most entries that one reading gives.
const PAGE: i64 = 60;

/// Somebody with a browser.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Visitor {
    /// Random; the platform's id of the person, and of their conversation.
    pub id: String,
    /// The name to show.
    pub name: String,
    /// As whom the browser wants to speak, if not as itself; whether it may is for others to say.
    pub persona: Option<String>,
}

/// One thing in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Entry {
    /// Its id, unique in its conversation.
    pub id: String,
    /// The entry whose details it is one of; an entry of the conversation itself has none.
    pub thread: Option<String>,
    /// Its place in the conversation.
    pub born: i64,
    /// Grows with every change of anything in the conversation.
    pub seq: i64,
    /// What it is, as JSON.
    pub content: String,
    /// When it was added.
    pub at: Millis,
}

/// The tables of the page, and nothing else of the store.
#[derive(Clone)]
pub struct Conversations(Store);

impl Store {
    /// The tables of the page.
    pub fn conversations(&self) -> Conversations {
        Conversations(self.clone())
    }
}

impl Conversations {
    /// Who has the cookie of this hash.
    pub async fn visitor(&self, cookie: &str) -> Result<Option<Visitor>> {
        let query = sqlx::query_as("select id, name, persona from visitor where cookie = $1").bind(cookie);
        Ok(query.fetch_optional(self.0.reader()).await?)
    }

    /// Makes a visitor of somebody new, with a name that counts them.
    pub async fn welcome(&self, id: &str, cookie: &str) -> Result<Visitor> {
        let (id, cookie) = (id.to_owned(), cookie.to_owned());
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let count: i64 =
                        sqlx::query_scalar("select count(*) from visitor").fetch_one(&mut tx.connection).await?;
                    let name = format!("Developer {}", count + 1);
                    let sql = "insert into visitor (id, cookie, name, created_at) values ($1, $2, $3, $4)";
                    let query = sqlx::query(sql).bind(&id).bind(cookie).bind(&name).bind(tx.now);
                    query.execute(&mut tx.connection).await?;
                    Ok(Visitor { id, name, persona: None })
                })
            })
            .await
    }

    /// Gives a visitor another name.
    pub async fn rename(&self, id: &str, name: &str) -> Result<()> {
        let (id, name) = (id.to_owned(), name.to_owned());
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let query = sqlx::query("update visitor set name = $2 where id = $1").bind(id).bind(name);
                    query.execute(&mut tx.connection).await?;
                    Ok(())
                })
            })
            .await
    }

    /// From now on a visitor speaks as somebody else, or as themselves again.
    pub async fn speak_as(&self, id: &str, persona: Option<&str>) -> Result<()> {
        let (id, persona) = (id.to_owned(), persona.map(str::to_owned));
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let query = sqlx::query("update visitor set persona = $2 where id = $1").bind(id).bind(persona);
                    query.execute(&mut tx.connection).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Adds an entry; one that is there already stays as it is.
    pub async fn append(&self, place: &str, id: &str, content: String) -> Result<Entry> {
        let (place, id) = (place.to_owned(), id.to_owned());
        self.0.write(move |tx| Box::pin(async move { tx.append_entry(&place, None, (&id, content)).await })).await
    }

    /// Adds an entry to the details of another one; one that is there already stays as it is.
    pub async fn append_detail(&self, place: &str, head: &str, (id, content): (&str, String)) -> Result<Entry> {
        let (place, head, id) = (place.to_owned(), head.to_owned(), id.to_owned());
        self.0.write(move |tx| Box::pin(async move { tx.append_entry(&place, Some(head), (&id, content)).await })).await
    }

    /// Changes an entry; `None` if there is no such entry.
    pub async fn replace(&self, place: &str, id: &str, content: String) -> Result<Option<Entry>> {
        let (place, id) = (place.to_owned(), id.to_owned());
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let seq = tx.count_change(&place).await?;
                    let sql = "update entry set content = $3, seq = $4 where place = $1 and id = $2 \
                               returning id, thread, born, seq, content, at";
                    let query = sqlx::query_as(sql).bind(place).bind(id).bind(content).bind(seq);
                    Ok(query.fetch_optional(&mut tx.connection).await?)
                })
            })
            .await
    }

    /// One entry.
    pub async fn entry(&self, place: &str, id: &str) -> Result<Option<Entry>> {
        let sql = "select id, thread, born, seq, content, at from entry where place = $1 and id = $2";
        Ok(sqlx::query_as(sql).bind(place).bind(id).fetch_optional(self.0.reader()).await?)
    }

    /// The count of changes so far.
    pub async fn count(&self, place: &str) -> Result<i64> {
        let query = sqlx::query_scalar("select seq from conversation where place = $1").bind(place);
        Ok(query.fetch_optional(self.0.reader()).await?.unwrap_or(0))
    }

    /// The details of these entries, oldest first.
    pub async fn details(&self, place: &str, heads: &[String]) -> Result<Vec<Entry>> {
        if heads.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = (2..2 + heads.len()).map(|n| format!("${n}")).collect();
        let sql = format!(
            "select id, thread, born, seq, content, at from entry where place = $1 and thread in ({}) order by born",
            names.join(", ")
        );
        let query = sqlx::query_as(AssertSqlSafe(sql)).bind(place);
        let query = heads.iter().fold(query, |query, head| query.bind(head));
        Ok(query.fetch_all(self.0.reader()).await?)
    }

    /// What was added or changed after the count `seq`, details included, in that order, a page of it.
    pub async fn since(&self, place: &str, seq: i64) -> Result<Vec<Entry>> {
        let sql =
            "select id, thread, born, seq, content, at from entry where place = $1 and seq > $2 order by seq limit $3";
        let query = sqlx::query_as(sql).bind(place).bind(seq).bind(PAGE);
        Ok(query.fetch_all(self.0.reader()).await?)
    }

    /// The last page of what was added before the count `born`, without details, oldest first, and whether there is more
    /// before it.
    pub async fn before(&self, place: &str, born: i64) -> Result<(Vec<Entry>, bool)> {
        let sql = "select id, thread, born, seq, content, at from entry where place = $1 and thread is null and \
                   born < $2 order by born desc limit $3";
        let query = sqlx::query_as(sql).bind(place).bind(born).bind(PAGE + 1);
        let mut entries: Vec<Entry> = query.fetch_all(self.0.reader()).await?;
        let more = entries.len() as i64 > PAGE;
        entries.truncate(PAGE as usize);
        entries.reverse();
        Ok((entries, more))
    }
}

impl Tx {
    async fn count_change(&mut self, place: &str) -> Result<i64> {
        let sql = "insert into conversation (place, seq) values ($1, 1) \
                   on conflict (place) do update set seq = conversation.seq + 1 returning seq";
        Ok(sqlx::query_scalar(sql).bind(place).fetch_one(&mut self.connection).await?)
    }

    async fn append_entry(
        &mut self,
        place: &str,
        thread: Option<String>,
        (id, content): (&str, String),
    ) -> Result<Entry> {
        let seq = self.count_change(place).await?;
        let sql = "insert into entry (place, id, thread, born, seq, content, at) values ($1, $2, $3, $4, $4, $5, $6) \
                   on conflict (place, id) do nothing";
        let query = sqlx::query(sql).bind(place).bind(id).bind(thread).bind(seq).bind(content).bind(self.now);
        query.execute(&mut self.connection).await?;
        let sql = "select id, thread, born, seq, content, at from entry where place = $1 and id = $2";
        Ok(sqlx::query_as(sql).bind(place).bind(id).fetch_one(&mut self.connection).await?)
    }
}
