//! Steps: what was done for a request, attempt by attempt, and what calls back.

use serde_json::Value;
use sqlx::FromRow;

use super::{Store, Tx};
use crate::clock::Millis;
use crate::error::Result;

/// How many call-backs of a step may wait to be looked at.
const CALL_BACKS: i64 = 100;

/// Whether a step is done or taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Course {
    /// The step itself.
    Do,
    /// Its undo.
    Undo,
}

impl Course {
    fn name(self) -> &'static str {
        match self {
            Self::Do => "do",
            Self::Undo => "undo",
        }
    }
}

/// How far a step is, by its name in the database.
pub mod state {
    /// An attempt is under way, or was when the process died.
    pub const RUNNING: &str = "running";
    /// Under way elsewhere; the checkpoint says where.
    pub const WAITING: &str = "waiting";
    /// Failed, and to be tried again.
    pub const AGAIN: &str = "again";
    /// Done.
    pub const DONE: &str = "done";
    /// Its condition did not hold.
    pub const SKIPPED: &str = "skipped";
    /// Failed for good.
    pub const FAILED: &str = "failed";
    /// It cannot be done as it was asked for.
    pub const DECLINED: &str = "declined";
    /// Nobody knows whether it happened.
    pub const UNKNOWN: &str = "unknown";
    /// Nobody knew whether it happened, and a human has found that it did not.
    pub const ABSENT: &str = "absent";

    /// Whether it went wrong for good.
    pub fn is_bad(name: &str) -> bool {
        matches!(name, FAILED | DECLINED | UNKNOWN | ABSENT)
    }
}

/// One step of a request.
#[derive(Debug, Clone, FromRow)]
pub struct Step {
    /// The request's id.
    pub request: String,
    /// Counted from 0.
    pub position: i64,
    course: String,
    /// Its name.
    pub name: String,
    /// How far it is; one of [`state`].
    pub state: String,
    /// Counted from 1.
    pub attempt: i64,
    /// What the runner remembers while it waits, as JSON.
    pub checkpoint: String,
    /// What later steps can use, as JSON; may hold secrets, so it is never shown whole.
    pub outputs: String,
    /// What became of it, plain text.
    pub summary: String,
    /// A place to look at.
    pub link: Option<String>,
    /// The last lines of its log, masked.
    pub log: String,
    /// When its latest attempt began.
    pub started_at: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
}

impl Step {
    /// A step that begins now.
    pub fn new(request: &str, position: i64, course: Course, name: &str) -> Self {
        Self {
            request: request.into(),
            position,
            course: course.name().into(),
            name: name.into(),
            state: state::RUNNING.into(),
            attempt: 0,
            checkpoint: "null".into(),
            outputs: "{}".into(),
            summary: String::new(),
            link: None,
            log: String::new(),
            started_at: 0,
            ended_at: None,
        }
    }

    /// Its name where it must not be taken for its undo's, or the reverse: in call-backs and idempotency keys.
    pub fn full_name(&self) -> String {
        match self.course() {
            Course::Do => self.name.clone(),
            Course::Undo => format!("{}.undo", self.name),
        }
    }

    /// Whether it is the step itself or its undo.
    pub fn course(&self) -> Course {
        if self.course == "undo" { Course::Undo } else { Course::Do }
    }
}

impl Tx {
    /// Whether there is more to tell of a request than its card does: several steps, or a log.
    pub(super) async fn has_details(&mut self, request: &str) -> Result<bool> {
        let sql =
            "select cast(count(*) + sum(case when log <> '' then 1 else 0 end) as bigint) from step where request = $1";
        let told: Option<i64> = sqlx::query_scalar(sql).bind(request).fetch_one(&mut self.connection).await?;
        Ok(told.unwrap_or(0) > 1)
    }

    /// Writes a step's row, whole.
    pub async fn put_step(&mut self, step: &Step) -> Result<()> {
        let sql = "insert into step (request, position, course, name, state, attempt, checkpoint, outputs, summary, \
                   link, log, started_at, ended_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
                   on conflict (request, position, course) do update set state = excluded.state, \
                   attempt = excluded.attempt, checkpoint = excluded.checkpoint, outputs = excluded.outputs, \
                   summary = excluded.summary, link = excluded.link, log = excluded.log, started_at = excluded.started_at, ended_at = excluded.ended_at";
        let query = sqlx::query(sql).bind(&step.request).bind(step.position).bind(&step.course).bind(&step.name);
        let query = query.bind(&step.state).bind(step.attempt).bind(&step.checkpoint).bind(&step.outputs);
        let query =
            query.bind(&step.summary).bind(&step.link).bind(&step.log).bind(step.started_at).bind(step.ended_at);
        query.execute(&mut self.connection).await?;
        Ok(())
    }

    /// Forgets the steps that did not end well, and those that were undone, so that the request can go on from there.
    pub async fn forget_failed_steps(&mut self, request: &str) -> Result<()> {
        let undone = "delete from step where request = $1 and course = 'do' and position in \
                      (select position from step where request = $1 and course = 'undo' and state = 'done')";
        sqlx::query(undone).bind(request).execute(&mut self.connection).await?;
        let failed = "delete from step where request = $1 and (course = 'undo' or state not in ('done', 'skipped'))";
        sqlx::query(failed).bind(request).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Keeps a call-back until the step has looked at it; `false` if too many wait already.
    pub async fn keep_call_back(&mut self, request: &str, step: &str, body: &str) -> Result<bool> {
        let sql = "select count(*) from call_back where request = $1 and step = $2";
        let count: i64 = sqlx::query_scalar(sql).bind(request).bind(step).fetch_one(&mut self.connection).await?;
        if count >= CALL_BACKS {
            return Ok(false);
        }
        let sql = "insert into call_back (id, request, step, body, received_at) values ($1, $2, $3, $4, $5)";
        let query = sqlx::query(sql).bind(crate::job::new_id("cal")).bind(request).bind(step);
        query.bind(body).bind(self.now).execute(&mut self.connection).await?;
        Ok(true)
    }

    /// The step has looked at this call-back.
    pub async fn drop_call_back(&mut self, id: &str) -> Result<()> {
        sqlx::query("delete from call_back where id = $1").bind(id).execute(&mut self.connection).await?;
        Ok(())
    }

    /// The request has ended: no call-back matters any more.
    pub async fn drop_call_backs(&mut self, request: &str) -> Result<()> {
        sqlx::query("delete from call_back where request = $1").bind(request).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Whether a call-back for the step waits to be looked at.
    pub async fn has_call_back(&mut self, request: &str, step: &str) -> Result<bool> {
        let sql = "select count(*) from call_back where request = $1 and step = $2";
        let count: i64 = sqlx::query_scalar(sql).bind(request).bind(step).fetch_one(&mut self.connection).await?;
        Ok(count > 0)
    }
}

impl Store {
    /// The steps of a request, in order, undo after do.
    pub async fn steps(&self, request: &str) -> Result<Vec<Step>> {
        let sql = "select * from step where request = $1 order by position, course";
        Ok(sqlx::query_as(sql).bind(request).fetch_all(self.reader()).await?)
    }

    /// The id and body of the oldest call-back of a step that was not looked at.
    pub async fn call_back(&self, request: &str, step: &str) -> Result<Option<(String, Value)>> {
        let sql = "select id, body from call_back where request = $1 and step = $2 order by id limit 1";
        let query = sqlx::query_as(sql).bind(request).bind(step);
        let found: Option<(String, String)> = query.fetch_optional(self.reader()).await?;
        Ok(found.map(|(id, body)| Ok::<_, serde_json::Error>((id, serde_json::from_str(&body)?))).transpose()?)
    }
}
