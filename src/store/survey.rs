//! Surveys between their waves, and waves from plan to "you said, we did".

use sqlx::FromRow;

use super::{Store, Tx};
use crate::clock::Millis;
use crate::error::Result;

/// What becomes of a wave, in this order.
pub mod state {
    /// It is due, and waits until the last one is finished.
    pub const PLANNED: &str = "planned";
    /// People are asked, and answer.
    pub const OPEN: &str = "open";
    /// No more answers are taken; those that wait are stored.
    pub const CLOSING: &str = "closing";
    /// All answers are stored.
    pub const CLOSED: &str = "closed";
    /// The results are out.
    pub const PUBLISHED: &str = "published";
    /// It was said what became of it.
    pub const LOOPED: &str = "looped";
    /// There were too few people to ask.
    pub const VOID: &str = "void";
}

/// What the ids of waves begin with.
pub const PREFIX: &str = "wav_";

/// A survey between its waves.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Scheduled {
    /// Its name.
    pub name: String,
    /// The schedule that `next_at` comes from.
    pub schedule: String,
    /// When its next wave is due.
    pub next_at: Millis,
}

/// A wave. The key by which participation is known is not in it, so that it is never shown.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Wave {
    /// `wav_…`
    pub id: String,
    /// The survey's name.
    pub survey: String,
    /// Counted from 0 within the survey.
    pub number: i64,
    /// The survey as it was when the wave was planned, as JSON.
    pub definition: String,
    /// One of [`state`].
    pub state: String,
    /// The fewest people behind a figure.
    pub minimum: i64,
    /// Which groups are published, as JSON, once it is open.
    pub plan: Option<String>,
    /// When it was due.
    pub planned_at: Millis,
    /// When it was opened.
    pub opened_at: Option<Millis>,
    /// When it closes.
    pub closes_at: Option<Millis>,
    /// When it was closed.
    pub closed_at: Option<Millis>,
    /// How many of those that are stored answered all.
    pub complete: i64,
    /// How many of those that are stored answered some.
    pub partial: i64,
    /// What had been counted when the first reminder was due, as JSON.
    pub early: Option<String>,
    /// What was counted when it closed, as JSON.
    pub results: Option<String>,
    /// What is published of that, as JSON.
    pub report: Option<String>,
    /// When the results came out.
    pub published_at: Option<Millis>,
    /// "You said, we did", as JSON.
    pub said: Option<String>,
    /// When that was said.
    pub looped_at: Option<Millis>,
    /// Why it was opened before that was said of the last one.
    pub override_reason: Option<String>,
}

impl Wave {
    /// Whether nothing more is to be done about it.
    pub fn is_finished(&self) -> bool {
        matches!(self.state.as_str(), state::LOOPED | state::VOID)
    }
}

/// The columns of a [`Wave`].
const COLUMNS: &str = "id, survey, number, definition, state, minimum, plan, planned_at, opened_at, closes_at, closed_at, \
                       complete, partial, early, results, report, published_at, said, looped_at, override_reason";

fn select(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("select {COLUMNS} from wave {rest}"))
}

/// A secret of 256 random bits.
fn new_key() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

impl Tx {
    /// A wave.
    pub async fn wave(&mut self, id: &str) -> Result<Option<Wave>> {
        Ok(sqlx::query_as(select("where id = $1")).bind(id).fetch_optional(&mut self.connection).await?)
    }

    /// The wave of a survey before the one with this number.
    pub async fn wave_before(&mut self, survey: &str, number: i64) -> Result<Option<Wave>> {
        let query = sqlx::query_as(select("where survey = $1 and number < $2 order by number desc limit 1"));
        Ok(query.bind(survey).bind(number).fetch_optional(&mut self.connection).await?)
    }

    /// The wave of a survey that is due and waits.
    pub async fn planned_wave(&mut self, survey: &str) -> Result<Option<Wave>> {
        let query = sqlx::query_as(select("where survey = $1 and state = 'planned' order by number limit 1"));
        Ok(query.bind(survey).fetch_optional(&mut self.connection).await?)
    }

    /// Moves the time of a survey's next wave, if it still is `from`: of several processes one does.
    pub async fn move_schedule(&mut self, survey: &str, from: Millis, next_at: Millis) -> Result<bool> {
        let sql = "update survey set next_at = $3 where name = $1 and next_at = $2";
        let query = sqlx::query(sql).bind(survey).bind(from).bind(next_at);
        Ok(query.execute(&mut self.connection).await?.rows_affected() == 1)
    }

    /// Plans a wave; gives its id, or that of the one that waits already.
    pub async fn insert_wave(&mut self, survey: &str, definition: &str, minimum: i64) -> Result<String> {
        if let Some(waiting) = self.planned_wave(survey).await? {
            return Ok(waiting.id);
        }
        let id = crate::job::new_id("wav");
        let sql = "insert into wave (id, survey, number, definition, state, minimum, planned_at, complete, partial) \
                   select $1, $2, coalesce(max(number) + 1, 0), $3, 'planned', $4, $5, 0, 0 from wave where survey = $2";
        let query = sqlx::query(sql).bind(&id).bind(survey).bind(definition).bind(minimum).bind(self.now);
        query.execute(&mut self.connection).await?;
        Ok(id)
    }

    /// Fixes which groups a wave publishes, unless that is fixed; gives what holds.
    pub async fn fix_plan(&mut self, wave: &str, plan: &str) -> Result<String> {
        let sql = "update wave set plan = coalesce(plan, $2) where id = $1 returning plan";
        Ok(sqlx::query_scalar(sql).bind(wave).bind(plan).fetch_one(&mut self.connection).await?)
    }

    /// Opens a wave, with a key of its own.
    pub async fn open_wave(&mut self, wave: &str, closes_at: Millis) -> Result<()> {
        let sql = "update wave set state = 'open', opened_at = $2, closes_at = $3, wave_key = $4 \
                   where id = $1 and state = 'planned'";
        let query = sqlx::query(sql).bind(wave).bind(self.now).bind(closes_at).bind(new_key());
        query.execute(&mut self.connection).await?;
        Ok(())
    }

    /// A wave asks nobody.
    pub async fn void_wave(&mut self, wave: &str) -> Result<()> {
        let sql = "update wave set state = 'void' where id = $1 and state = 'planned'";
        sqlx::query(sql).bind(wave).execute(&mut self.connection).await?;
        Ok(())
    }

    /// No more answers are taken.
    pub async fn begin_closing(&mut self, wave: &str) -> Result<()> {
        let sql = "update wave set state = 'closing' where id = $1 and state = 'open'";
        sqlx::query(sql).bind(wave).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Closes a wave: its key, and with it who has answered, is gone, and so is who was reminded because they had not.
    pub async fn close_wave(&mut self, wave: &str) -> Result<()> {
        self.delete_participation(wave).await?;
        self.delete_reminders(wave).await?;
        let sql =
            "update wave set state = 'closed', closed_at = $2, wave_key = null where id = $1 and state = 'closing'";
        sqlx::query(sql).bind(wave).bind(self.now).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Keeps what was counted of a wave, and what is published of that.
    pub async fn publish_wave(&mut self, wave: &str, (results, report): (&str, &str)) -> Result<()> {
        let sql = "update wave set state = 'published', published_at = $2, results = $3, report = $4, early = null \
                   where id = $1 and state = 'closed'";
        let query = sqlx::query(sql).bind(wave).bind(self.now).bind(results).bind(report);
        query.execute(&mut self.connection).await?;
        Ok(())
    }

    /// Keeps what had been counted of an open wave when the first reminder was due.
    pub async fn set_early(&mut self, wave: &str, early: &str) -> Result<()> {
        let sql = "update wave set early = coalesce(early, $2) where id = $1 and state = 'open'";
        sqlx::query(sql).bind(wave).bind(early).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Keeps what became of a wave; `false` if that was said before.
    pub async fn finish_wave(&mut self, wave: &str, said: &str) -> Result<bool> {
        let sql = "update wave set state = 'looped', looped_at = $2, said = $3 where id = $1 and state = 'published'";
        let query = sqlx::query(sql).bind(wave).bind(self.now).bind(said);
        Ok(query.execute(&mut self.connection).await?.rows_affected() == 1)
    }

    /// Lets a wave open although the last one is not finished; `false` if it waits no more.
    pub async fn override_wave(&mut self, wave: &str, person: &str, reason: &str) -> Result<bool> {
        let sql = "update wave set override_reason = $2, override_by = $3 where id = $1 and state = 'planned'";
        let query = sqlx::query(sql).bind(wave).bind(reason).bind(person);
        Ok(query.execute(&mut self.connection).await?.rows_affected() == 1)
    }

    /// The key of a wave that is in this state.
    pub(super) async fn wave_key(&mut self, wave: &str, state: &str) -> Result<Option<String>> {
        let sql = "select wave_key from wave where id = $1 and state = $2 and wave_key is not null";
        Ok(sqlx::query_scalar(sql).bind(wave).bind(state).fetch_optional(&mut self.connection).await?)
    }
}

impl Store {
    /// A wave.
    pub async fn wave(&self, id: &str) -> Result<Option<Wave>> {
        Ok(sqlx::query_as(select("where id = $1")).bind(id).fetch_optional(self.reader()).await?)
    }

    /// The waves of a survey, the latest first.
    pub async fn waves(&self, survey: &str, most: i64) -> Result<Vec<Wave>> {
        let query = sqlx::query_as(select("where survey = $1 order by number desc limit $2"));
        Ok(query.bind(survey).bind(most).fetch_all(self.reader()).await?)
    }

    /// The waves in which people are asked now.
    pub async fn open_waves(&self) -> Result<Vec<Wave>> {
        Ok(sqlx::query_as(select("where state = 'open' order by id")).fetch_all(self.reader()).await?)
    }

    /// The key of an open wave. It says of everybody whether they have answered, so it is nobody's to see.
    pub async fn wave_key(&self, wave: &str) -> Result<Option<String>> {
        let sql = "select wave_key from wave where id = $1 and state = 'open' and wave_key is not null";
        Ok(sqlx::query_scalar(sql).bind(wave).fetch_optional(self.reader()).await?)
    }

    /// The surveys that have a schedule.
    pub async fn scheduled_surveys(&self) -> Result<Vec<Scheduled>> {
        let sql = "select name, schedule, next_at from survey order by name";
        Ok(sqlx::query_as(sql).fetch_all(self.reader()).await?)
    }

    /// Makes a survey known by its schedule. Where the schedule is the same as before, the time of the next wave stays.
    pub async fn schedule_survey(&self, survey: Scheduled) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let sql = "insert into survey (name, rotation_key, schedule, next_at) values ($1, $2, $3, $4) \
                           on conflict (name) do update set schedule = excluded.schedule, next_at = \
                           case when survey.schedule = excluded.schedule then survey.next_at else excluded.next_at end";
                let query = sqlx::query(sql).bind(survey.name).bind(new_key()).bind(survey.schedule);
                query.bind(survey.next_at).execute(&mut tx.connection).await?;
                Ok(())
            })
        })
        .await
    }

    /// The secret by which a survey draws its cohorts.
    pub async fn rotation_key(&self, survey: &str) -> Result<String> {
        let sql = "select rotation_key from survey where name = $1";
        Ok(sqlx::query_scalar(sql).bind(survey).fetch_optional(self.reader()).await?.unwrap_or_default())
    }

    /// Since when each person is known who was ever seen.
    pub async fn known_since(&self) -> Result<std::collections::HashMap<String, Millis>> {
        let rows: Vec<(String, Millis)> =
            sqlx::query_as("select id, created_at from person").fetch_all(self.reader()).await?;
        Ok(rows.into_iter().collect())
    }

    /// Who has used a command since then.
    pub async fn users_of(&self, command: &str, since: Millis) -> Result<std::collections::HashSet<String>> {
        let sql = "select distinct person from request where command = $1 and created_at >= $2";
        let people: Vec<String> = sqlx::query_scalar(sql).bind(command).bind(since).fetch_all(self.reader()).await?;
        Ok(people.into_iter().collect())
    }

    /// How many requests of a person for a command ended well.
    pub async fn count_successes(&self, person: &str, command: &str) -> Result<i64> {
        let sql = "select count(*) from request where person = $1 and command = $2 and state = 'succeeded'";
        Ok(sqlx::query_scalar(sql).bind(person).bind(command).fetch_one(self.reader()).await?)
    }
}
