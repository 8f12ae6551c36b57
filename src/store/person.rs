//! Persons and the platform identities that are theirs, and what they looked for in vain.

use sqlx::FromRow;

use super::{Store, Tx};
use crate::error::Result;

/// A person as stored; teams and roles are the configuration's.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Known {
    /// `per_…`, or the name of the configuration.
    pub id: String,
    /// The name to show.
    pub name: String,
}

impl Tx {
    /// Makes sure that the person is known; an id that is known keeps its name.
    pub async fn know_person(&mut self, id: &str, name: &str) -> Result<()> {
        let sql = "insert into person (id, name, created_at) values ($1, $2, $3) on conflict (id) do nothing";
        sqlx::query(sql).bind(id).bind(name).bind(self.now).execute(&mut self.connection).await?;
        Ok(())
    }
}

impl Store {
    /// The person behind a platform's identity.
    pub async fn person_of(&self, platform: &str, identity: &str) -> Result<Option<Known>> {
        let sql =
            "select p.id, p.name from identity i join person p on p.id = i.person where i.platform = $1 and i.id = $2";
        let query = sqlx::query_as(sql).bind(platform).bind(identity);
        Ok(query.fetch_optional(self.reader()).await?)
    }

    /// The name of a person.
    pub async fn person_name(&self, id: &str) -> Result<Option<String>> {
        let sql = "select name from person where id = $1";
        Ok(sqlx::query_scalar(sql).bind(id).fetch_optional(self.reader()).await?)
    }

    /// Makes the identity that person's, unless it is somebody's already, and keeps the name up to date.
    pub async fn remember_person(&self, platform: &str, identity: &str, person: &Known) -> Result<Known> {
        let (platform, identity, person) = (platform.to_owned(), identity.to_owned(), person.clone());
        self.write(move |tx| {
            Box::pin(async move {
                tx.know_person(&person.id, &person.name).await?;
                let sql = "insert into identity (platform, id, person) values ($1, $2, $3) \
                           on conflict (platform, id) do update set id = excluded.id returning person";
                let query = sqlx::query_scalar(sql).bind(&platform).bind(&identity).bind(&person.id);
                let id: String = query.fetch_one(&mut tx.connection).await?;
                let sql = "update person set name = $2 where id = $1 and name <> $2";
                sqlx::query(sql).bind(&id).bind(&person.name).execute(&mut tx.connection).await?;
                Ok(Known { id, name: person.name })
            })
        })
        .await
    }

    /// Keeps what somebody looked for and did not find.
    pub async fn record_gap(&self, words: &str, person: &str, place: &str) -> Result<()> {
        let (words, person, place) = (words.to_owned(), person.to_owned(), place.to_owned());
        self.write(move |tx| {
            Box::pin(async move {
                let sql = "insert into gap (id, words, person, place, at) values ($1, $2, $3, $4, $5)";
                let query = sqlx::query(sql).bind(crate::job::new_id("gap")).bind(words).bind(person).bind(place);
                query.bind(tx.now).execute(&mut tx.connection).await?;
                Ok(())
            })
        })
        .await
    }

    /// What was looked for in vain, newest first.
    pub async fn gaps(&self, most: i64) -> Result<Vec<String>> {
        let sql = "select words from gap order by at desc limit $1";
        Ok(sqlx::query_scalar(sql).bind(most).fetch_all(self.reader()).await?)
    }
}
