//! What somebody's home shows of their requests.

use super::Store;
use super::request::Request;
use crate::clock::Millis;
use crate::error::Result;

impl Store {
    /// A person's requests that wait for their "yes, I am sure", newest first.
    pub async fn unconfirmed_requests(&self, person: &str, most: i64) -> Result<Vec<Request>> {
        let sql = "select * from request where person = $1 and state = 'confirm' order by created_at desc limit $2";
        Ok(sqlx::query_as(sql).bind(person).bind(most).fetch_all(self.reader()).await?)
    }

    /// The names of the commands that a person used most since then, the most used first.
    pub async fn favourite_commands(&self, person: &str, since: Millis, most: i64) -> Result<Vec<String>> {
        let sql = "select command from request where person = $1 and created_at > $2 group by command \
                   order by count(*) desc, max(created_at) desc, command limit $3";
        Ok(sqlx::query_scalar(sql).bind(person).bind(since).bind(most).fetch_all(self.reader()).await?)
    }
}
