//! Ideas: needs that somebody has written down, to be done something about later.

use super::audit::Act;
use super::{Store, Tx};
use crate::error::Result;

/// A need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idea {
    /// `idea_…`
    pub id: String,
    /// In a few words; plain text.
    pub title: String,
    /// `As a developer I want … so that …`
    pub need: String,
    /// The category of escalations that it would do away with.
    pub category: Option<String>,
    /// The capability that it is about.
    pub capability: Option<String>,
    /// Who filed it.
    pub person: String,
}

impl Tx {
    /// Keeps an idea, on the record; `false` if its category has one already.
    pub async fn insert_idea(&mut self, idea: &Idea, identity: &str) -> Result<bool> {
        let sql = "insert into idea (id, title, need, category, capability, person, created_at) \
                   values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing";
        let query = sqlx::query(sql).bind(&idea.id).bind(&idea.title).bind(&idea.need).bind(&idea.category);
        let query = query.bind(&idea.capability).bind(&idea.person).bind(self.now);
        if query.execute(&mut self.connection).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let detail = format!("{}, by {identity}", idea.title);
        self.audit(Act { subject: &idea.id, actor: &idea.person, action: "filed", detail: &detail }).await?;
        Ok(true)
    }
}

impl Store {
    /// The title of the idea that a category has, and who filed it.
    pub async fn idea_of_category(&self, category: &str) -> Result<Option<(String, String)>> {
        let sql = "select title, person from idea where category = $1";
        Ok(sqlx::query_as(sql).bind(category).fetch_optional(self.reader()).await?)
    }

    /// The categories that have an idea.
    pub async fn categories_with_idea(&self) -> Result<Vec<String>> {
        let sql = "select category from idea where category is not null order by category";
        Ok(sqlx::query_scalar(sql).fetch_all(self.reader()).await?)
    }
}
