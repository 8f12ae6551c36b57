//! Requests: accepted once per delivery, and their state.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use sqlx::any::AnyRow;

use super::approval::state;
use super::audit::Act;
use super::message::{DETAILS, Priority};
use super::{Store, Tx};
use crate::clock::{Millis, Rate};
use crate::error::Result;
use crate::job::Claim;

/// Where a request is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for "yes, I am sure".
    Confirm,
    /// Waits for a human decision.
    AwaitingApproval,
    /// Waits for its turn.
    Queued,
    /// Under way.
    Running,
    /// Done.
    Succeeded,
    /// Not done.
    Failed,
    /// Called off.
    Cancelled,
    /// Its deadline came first.
    Expired,
    /// Nobody knows whether a step that must not be repeated happened.
    Uncertain,
}

impl State {
    /// All states, in the order of a life.
    pub const ALL: [Self; 9] = [
        Self::Confirm,
        Self::AwaitingApproval,
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
        Self::Uncertain,
    ];

    /// Its name in the database, the audit trail and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::AwaitingApproval => "awaiting_approval",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Uncertain => "uncertain",
        }
    }

    /// Whether nothing more will happen by itself.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Expired | Self::Uncertain)
    }

    fn read(name: &str) -> Result<Self, sqlx::Error> {
        let found = Self::ALL.into_iter().find(|state| state.name() == name);
        found.ok_or_else(|| sqlx::Error::Decode(format!("there is no request state {name}").into()))
    }
}

/// One use of a command by a person.
#[derive(Debug, Clone)]
pub struct Request {
    /// `req_…`
    pub id: String,
    /// The delivery that it came from.
    pub source: String,
    /// The command's full name.
    pub command: String,
    /// The capability's name.
    pub capability: String,
    /// The hash of the command's definition that it began with.
    pub definition: String,
    /// Who asked.
    pub person: String,
    /// The platform it was asked on.
    pub platform: String,
    /// The conversation it was asked in.
    pub place: String,
    /// The typed values, as JSON; no secrets.
    pub input: String,
    /// The values of secret parameters, as JSON, until the end.
    pub secrets: Option<String>,
    /// Where it is.
    pub state: State,
    /// The state it will have once earlier steps are undone.
    pub ending: Option<State>,
    /// What became of it, or what it waits for; plain text.
    pub summary: String,
    /// What the command's author has to say at the end, in Markdown.
    pub reply: Option<String>,
    /// The key by which two live requests are one.
    pub live_key: Option<String>,
    /// How far the current step is, 0 to 100.
    pub percent: Option<i64>,
    /// What is being done, plain text.
    pub label: String,
    /// A place to look at.
    pub link: Option<String>,
    /// When it was accepted.
    pub created_at: Millis,
    /// When its work began.
    pub started_at: Option<Millis>,
    /// When somebody called it off.
    pub cancel_at: Option<Millis>,
    /// When it expires.
    pub deadline_at: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// When it was seen to wait long.
    pub long_at: Option<Millis>,
}

impl<'r> FromRow<'r, AnyRow> for Request {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        use sqlx::Row;
        let ending: Option<String> = row.try_get("ending")?;
        Ok(Self {
            id: row.try_get("id")?,
            source: row.try_get("source")?,
            command: row.try_get("command")?,
            capability: row.try_get("capability")?,
            definition: row.try_get("definition")?,
            person: row.try_get("person")?,
            platform: row.try_get("platform")?,
            place: row.try_get("place")?,
            input: row.try_get("input")?,
            secrets: row.try_get("secrets")?,
            state: State::read(row.try_get("state")?)?,
            ending: ending.as_deref().map(State::read).transpose()?,
            summary: row.try_get("summary")?,
            reply: row.try_get("reply")?,
            live_key: row.try_get("live_key")?,
            percent: row.try_get("percent")?,
            label: row.try_get("label")?,
            link: row.try_get("link")?,
            created_at: row.try_get("created_at")?,
            started_at: row.try_get("started_at")?,
            cancel_at: row.try_get("cancel_at")?,
            deadline_at: row.try_get("deadline_at")?,
            ended_at: row.try_get("ended_at")?,
            long_at: row.try_get("long_at")?,
        })
    }
}

/// Who changes a request, to which state, and why.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The request's id.
    pub request: &'a str,
    /// Its new state.
    pub state: State,
    /// The person's id, or `stationmaster`.
    pub actor: &'a str,
    /// What the card says of it; plain text without secrets.
    pub summary: &'a str,
}

impl Tx {
    /// Keeps a new request; `false` if its delivery or its live key is taken.
    pub async fn insert_request(&mut self, request: &Request) -> Result<bool> {
        let sql = "insert into request (id, source, command, capability, definition, person, platform, place, input, \
                   secrets, state, summary, live_key, label, created_at, deadline_at) values \
                   ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', $14, $15) on conflict do nothing";
        let query = sqlx::query(sql).bind(&request.id).bind(&request.source).bind(&request.command);
        let query = query.bind(&request.capability).bind(&request.definition).bind(&request.person);
        let query = query.bind(&request.platform).bind(&request.place).bind(&request.input).bind(&request.secrets);
        let query = query.bind(request.state.name()).bind(&request.summary).bind(&request.live_key);
        let query = query.bind(self.now).bind(request.deadline_at);
        Ok(query.execute(&mut self.connection).await?.rows_affected() == 1)
    }

    /// Keeps a definition, once.
    pub async fn insert_definition(&mut self, hash: &str, body: &str) -> Result<()> {
        if self.definitions.contains(hash) {
            return Ok(());
        }
        self.new_definitions.push(hash.to_owned());
        let sql = "insert into definition (hash, body) values ($1, $2) on conflict (hash) do nothing";
        sqlx::query(sql).bind(hash).bind(body).execute(&mut self.connection).await?;
        Ok(())
    }

    /// A request as this transaction sees it.
    pub async fn request(&mut self, id: &str) -> Result<Option<Request>> {
        let sql = "select * from request where id = $1";
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(&mut self.connection).await?)
    }

    /// The request that a delivery became.
    pub async fn request_from(&mut self, source: &str) -> Result<Option<Request>> {
        let sql = "select * from request where source = $1";
        Ok(sqlx::query_as(sql).bind(source).fetch_optional(&mut self.connection).await?)
    }

    /// The live request of a command with this key.
    pub async fn live_request(&mut self, command: &str, key: &str) -> Result<Option<Request>> {
        let sql = "select * from request where command = $1 and live_key = $2 and ended_at is null";
        Ok(sqlx::query_as(sql).bind(command).bind(key).fetch_optional(&mut self.connection).await?)
    }

    /// When the person's use of a command, counted back by `rate.count`, began; `Some` if the rate is used up.
    pub async fn rate_used_up(&mut self, person: &str, command: &str, rate: Rate) -> Result<Option<Millis>> {
        let sql = "select created_at from request where person = $1 and command = $2 and created_at > $3 \
                   order by created_at desc limit 1 offset $4";
        let query = sqlx::query_scalar(sql).bind(person).bind(command).bind(self.now - rate.per.millis());
        Ok(query.bind(i64::from(rate.count) - 1).fetch_optional(&mut self.connection).await?)
    }

    /// How many requests of a command are at work.
    pub async fn count_running(&mut self, command: &str) -> Result<i64> {
        let sql = "select count(*) from request where command = $1 and state = 'running'";
        Ok(sqlx::query_scalar(sql).bind(command).fetch_one(&mut self.connection).await?)
    }

    /// The request of a command that has waited longest for its turn.
    pub async fn next_queued(&mut self, command: &str) -> Result<Option<String>> {
        let sql = "select id from request where command = $1 and state = 'queued' order by created_at, id limit 1";
        Ok(sqlx::query_scalar(sql).bind(command).fetch_optional(&mut self.connection).await?)
    }

    /// Moves a request to another state, on the record; its cards follow.
    pub async fn change_request(&mut self, change: Change<'_>) -> Result<()> {
        let end = change.state.is_end();
        let sql = "update request set state = $2, summary = $3, \
                   started_at = case when $4 = 1 then coalesce(started_at, $5) else started_at end, \
                   ended_at = case when $6 = 1 then $5 else null end, \
                   secrets = case when $6 = 1 then null else secrets end where id = $1";
        let query = sqlx::query(sql).bind(change.request).bind(change.state.name()).bind(change.summary);
        let query = query.bind(i64::from(change.state == State::Running)).bind(self.now).bind(i64::from(end));
        query.execute(&mut self.connection).await?;
        self.touch(change.request, Priority::State).await?;
        if end {
            let state = if change.state == State::Expired { state::EXPIRED } else { state::WITHDRAWN };
            self.close_approval_of(change.request, (state, change.actor)).await?;
        }
        if end && self.has_details(change.request).await? {
            self.show_in_threads(change.request, &format!("{DETAILS}{}", change.request)).await?;
        }
        self.audit(Act {
            subject: change.request,
            actor: change.actor,
            action: change.state.name(),
            detail: change.summary,
        })
        .await
    }

    /// Notes how the request will end once its steps are undone, or that it goes on again.
    pub async fn set_ending(&mut self, id: &str, ending: Option<State>, summary: &str) -> Result<()> {
        let sql = "update request set ending = $2, summary = $3, percent = null where id = $1";
        let query = sqlx::query(sql).bind(id).bind(ending.map(State::name)).bind(summary);
        query.execute(&mut self.connection).await?;
        self.touch(id, Priority::State).await
    }

    /// Keeps what the command's author has to say at the end.
    pub async fn set_reply(&mut self, id: &str, reply: Option<&str>) -> Result<()> {
        let sql = "update request set reply = $2 where id = $1";
        sqlx::query(sql).bind(id).bind(reply).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Says what is being done now.
    pub async fn set_label(&mut self, id: &str, label: &str) -> Result<()> {
        let sql = "update request set label = $2, percent = null where id = $1";
        sqlx::query(sql).bind(id).bind(label).execute(&mut self.connection).await?;
        self.touch(id, Priority::State).await
    }

    /// Keeps a place to look at, if there is one.
    pub async fn set_link(&mut self, id: &str, link: Option<&str>) -> Result<()> {
        if let Some(link) = link {
            let sql = "update request set link = $2 where id = $1";
            sqlx::query(sql).bind(id).bind(link).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    /// Calls a request off, or takes that back.
    pub async fn set_cancel(&mut self, id: &str, at: Option<Millis>) -> Result<()> {
        let sql = "update request set cancel_at = $2 where id = $1";
        sqlx::query(sql).bind(id).bind(at).execute(&mut self.connection).await?;
        Ok(())
    }

    /// What it will do is what the catalogue says now: its definition, its input and its secrets.
    pub async fn renew_request(&mut self, id: &str, definition: &str, input: (&str, Option<&str>)) -> Result<()> {
        let sql = "update request set definition = $2, input = $3, secrets = $4 where id = $1";
        let query = sqlx::query(sql).bind(id).bind(definition).bind(input.0).bind(input.1);
        query.execute(&mut self.connection).await?;
        Ok(())
    }

    /// Notes which live requests were accepted before `before` and so wait long; their cards follow. How many there were.
    pub async fn note_long_requests(&mut self, before: Millis) -> Result<usize> {
        let sql = "update request set long_at = $1 where ended_at is null and long_at is null and created_at <= $2 \
                   returning id";
        let query = sqlx::query_scalar(sql).bind(self.now).bind(before);
        let ids: Vec<String> = query.fetch_all(&mut self.connection).await?;
        for id in &ids {
            self.touch(id, Priority::State).await?;
        }
        Ok(ids.len())
    }

    /// Gives a request that goes on a new time to expire.
    pub async fn set_deadline(&mut self, id: &str, at: Millis) -> Result<()> {
        let sql = "update request set deadline_at = $2 where id = $1";
        sqlx::query(sql).bind(id).bind(at).execute(&mut self.connection).await?;
        Ok(())
    }
}

/// How far a request is, for its card.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// 0 to 100.
    pub percent: Option<u8>,
    /// What is being done; empty: unchanged.
    pub label: String,
    /// A place to look at.
    pub link: Option<String>,
}

impl Store {
    /// Shows how far a request is, while the claim stands.
    pub async fn progress(&self, claim: &Claim, request: &str, progress: Progress) -> Result<()> {
        let (claim, request) = (claim.clone(), request.to_owned());
        self.write(move |tx| {
            Box::pin(async move {
                tx.hold(&claim).await?;
                let sql = "update request set percent = $2, label = case when $3 = '' then label else $3 end, \
                           link = coalesce($4, link) where id = $1";
                let query = sqlx::query(sql).bind(&request).bind(progress.percent.map(i64::from));
                let query = query.bind(progress.label).bind(progress.link);
                query.execute(&mut tx.connection).await?;
                tx.touch(&request, Priority::Progress).await
            })
        })
        .await
    }

    /// A request.
    pub async fn request(&self, id: &str) -> Result<Option<Request>> {
        let sql = "select * from request where id = $1";
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(self.reader()).await?)
    }

    /// A person's requests, newest first.
    pub async fn requests_of(&self, person: &str, most: i64) -> Result<Vec<Request>> {
        let sql = "select * from request where person = $1 order by created_at desc, id desc limit $2";
        Ok(sqlx::query_as(sql).bind(person).bind(most).fetch_all(self.reader()).await?)
    }

    /// Live requests whose deadline has come and whose work is not being taken back already.
    pub async fn overdue_requests(&self, now: Millis, most: i64) -> Result<Vec<String>> {
        let sql = "select id from request where ended_at is null and deadline_at <= $1 \
                   and (state <> 'running' or cancel_at is null) order by deadline_at limit $2";
        Ok(sqlx::query_scalar(sql).bind(now).bind(most).fetch_all(self.reader()).await?)
    }

    /// Whether a live request was accepted before `before` and is not noted to wait long.
    pub async fn has_long_requests(&self, before: Millis) -> Result<bool> {
        let sql = "select count(*) from (select id from request where ended_at is null and long_at is null \
                   and created_at <= $1 limit 1) one";
        let count: i64 = sqlx::query_scalar(sql).bind(before).fetch_one(self.reader()).await?;
        Ok(count > 0)
    }

    /// The definition that a request began with, as JSON.
    pub async fn definition(&self, hash: &str) -> Result<String> {
        let sql = "select body from definition where hash = $1";
        Ok(sqlx::query_scalar(sql).bind(hash).fetch_one(self.reader()).await?)
    }

    /// How many requests there are in each state.
    pub async fn count_requests(&self) -> Result<Vec<(String, i64)>> {
        let sql = "select state, count(*) from request group by state order by state";
        Ok(sqlx::query_as(sql).fetch_all(self.reader()).await?)
    }
}
