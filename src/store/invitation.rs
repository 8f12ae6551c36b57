//! Invitations: who is asked by a wave, when, and who does not want to be.
//!
//! Invariant: nothing here depends on whether somebody has answered; whoever has is counted as reminded like anybody else.

use sqlx::{AssertSqlSafe, FromRow};

use super::job::{places, portions};
use super::message::Priority;
use super::{Store, Tx};
use crate::clock::Millis;
use crate::error::Result;

/// What the ids of invitations begin with.
pub const PREFIX: &str = "inv_";
/// What the subject of a reminder begins with, before the invitation's id.
pub const REMINDER: &str = "again:";

/// Somebody who is asked by a wave.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Invitation {
    /// `inv_…`
    pub id: String,
    /// The wave.
    pub wave: String,
    /// Who is asked.
    pub person: String,
    /// The cell of the plan that they are in, as a number.
    pub cell: String,
    /// When they are to be asked or reminded.
    pub due_at: Option<Millis>,
    /// When they were asked.
    pub asked_at: Option<Millis>,
    /// How often they were due to be reminded.
    pub reminders: i64,
    /// When they said "not now".
    pub declined_at: Option<Millis>,
}

/// Somebody who is to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Who.
    pub person: String,
    /// The cell of the plan that they are in, as a number.
    pub cell: String,
    /// When.
    pub due_at: Millis,
}

/// What somebody was asked before.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Asked {
    /// Who.
    pub person: String,
    /// The survey.
    pub survey: String,
    /// When.
    pub asked_at: Millis,
    /// When they said "not now".
    pub declined_at: Option<Millis>,
}

/// How many people a wave asks and has asked; and how many said "not now".
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Reached {
    /// How many it asks.
    pub invited: i64,
    /// How many it has asked.
    pub asked: i64,
    /// How many of them could be told.
    pub told: i64,
    /// How many said "not now".
    pub declined: i64,
}

/// Whether a message is a reminder of the wave `$1`.
const IS_REMINDER: &str =
    "subject like 'again:%' and substr(subject, 7, 36) in (select id from invitation where wave = $1)";

const COLUMNS: &str = "id, wave, person, cell, due_at, asked_at, reminders, declined_at";

impl Tx {
    /// Plans invitations; who is invited by the wave already stays as they are.
    pub async fn insert_invitations(&mut self, wave: &str, planned: &[Planned]) -> Result<()> {
        for portion in portions(planned) {
            let sql = format!(
                "insert into invitation (id, wave, person, cell, due_at, reminders) values {} \
                 on conflict (person, wave) do nothing",
                places(portion.len(), 6)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for planned in portion {
                query = query.bind(crate::job::new_id("inv")).bind(wave).bind(&planned.person);
                query = query.bind(&planned.cell).bind(planned.due_at).bind(0i64);
            }
            query.execute(&mut self.connection).await?;
        }
        Ok(())
    }

    /// Asks somebody now, without a reminder; gives the invitation, or nothing if the wave has asked them before.
    pub async fn invite_now(&mut self, wave: &str, person: &str, cell: &str) -> Result<Option<String>> {
        let sql = "insert into invitation (id, wave, person, cell, asked_at, reminders) \
                   select $1, $2, $3, $4, $5, 0 from wave where id = $2 and state = 'open' \
                   on conflict (person, wave) do nothing returning id";
        let query = sqlx::query_scalar(sql).bind(crate::job::new_id("inv")).bind(wave).bind(person).bind(cell);
        Ok(query.bind(self.now).fetch_optional(&mut self.connection).await?)
    }

    /// When the next invitation of a wave is due.
    pub async fn next_invitation_at(&mut self, wave: &str) -> Result<Option<Millis>> {
        let sql = "select min(due_at) from invitation where wave = $1 and due_at is not null";
        Ok(sqlx::query_scalar(sql).bind(wave).fetch_one(&mut self.connection).await?)
    }

    /// Somebody is asked now, and reminded at `due_at`; `false` if they do not want to be, or were asked already.
    pub async fn set_asked(&mut self, invitation: &str, due_at: Option<Millis>) -> Result<bool> {
        let sql = "update invitation set asked_at = $2, due_at = $3 \
                   where id = $1 and asked_at is null and declined_at is null";
        let query = sqlx::query(sql).bind(invitation).bind(self.now).bind(due_at);
        Ok(query.execute(&mut self.connection).await?.rows_affected() == 1)
    }

    /// The next reminder is behind, and the one after it is at `due_at`; `false` if they do not want to be reminded.
    pub async fn set_reminded(&mut self, invitation: &str, due_at: Option<Millis>) -> Result<bool> {
        let sql = "update invitation set reminders = reminders + 1, due_at = $2 where id = $1 and declined_at is null";
        let query = sqlx::query(sql).bind(invitation).bind(due_at);
        Ok(query.execute(&mut self.connection).await?.rows_affected() == 1)
    }

    /// What is due comes at another time, or never.
    pub async fn put_off(&mut self, invitation: &str, due_at: Option<Millis>) -> Result<()> {
        let sql = "update invitation set due_at = $2 where id = $1 and declined_at is null";
        sqlx::query(sql).bind(invitation).bind(due_at).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Somebody said "not now": nothing more comes of this invitation by itself.
    pub async fn decline(&mut self, invitation: &str) -> Result<()> {
        let sql = "update invitation set declined_at = coalesce(declined_at, $2), due_at = null where id = $1";
        sqlx::query(sql).bind(invitation).bind(self.now).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Somebody never wants to be asked by a survey again.
    pub async fn refuse_survey(&mut self, person: &str, survey: &str) -> Result<()> {
        let sql =
            "insert into never_asked (person, survey, at) values ($1, $2, $3) on conflict (person, survey) do nothing";
        sqlx::query(sql).bind(person).bind(survey).bind(self.now).execute(&mut self.connection).await?;
        let sql = "update invitation set declined_at = coalesce(declined_at, $3), due_at = null where person = $1 \
                   and wave in (select id from wave where survey = $2 and state in ('planned', 'open'))";
        sqlx::query(sql).bind(person).bind(survey).bind(self.now).execute(&mut self.connection).await?;
        Ok(())
    }

    /// The cards of all invitations and reminders of a wave change.
    pub async fn touch_invitations(&mut self, wave: &str) -> Result<()> {
        let condition = format!("(subject in (select id from invitation where wave = $1) or {IS_REMINDER})");
        self.touch_where(&condition, wave, Priority::Detail).await
    }

    /// Forgets who was reminded by a wave; what they were sent stays with them as it is.
    pub async fn delete_reminders(&mut self, wave: &str) -> Result<()> {
        let sql = format!("delete from message where {IS_REMINDER}");
        sqlx::query(AssertSqlSafe(sql)).bind(wave).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Shows `subject` to everybody whom a wave has asked, where they were asked, unless `other` is shown there.
    pub async fn tell_invited(&mut self, wave: &str, (subject, other): (&str, &str)) -> Result<()> {
        let (kind, _) = subject.split_once(':').unwrap_or((subject, ""));
        // The invitation's message has an id of its own, so that the two ids together are new, and the same if this is repeated.
        let sql = "insert into message (id, platform, place, channel, subject, recipient, priority, wanted, sent, due_at, \
                   failures, behind_since) \
                   select m.id || '-' || $2, m.platform, m.place, m.channel, $3, m.recipient, $4, 1, 0, $5, 0, $5 \
                   from invitation i join message m on m.subject = i.id where i.wave = $1 \
                   and not exists (select 1 from message o where o.subject = $6 and o.platform = m.platform \
                   and o.place = m.place) on conflict (subject, platform, place) do nothing";
        let query = sqlx::query(sql).bind(wave).bind(kind).bind(subject).bind(Priority::Detail as i64).bind(self.now);
        let query = query.bind(other);
        query.execute(&mut self.connection).await?;
        self.messages_changed = true;
        Ok(())
    }
}

impl Store {
    /// The invitations of a wave that are due, those that wait longest first.
    pub async fn due_invitations(&self, wave: &str, (now, most): (Millis, i64)) -> Result<Vec<Invitation>> {
        let sql =
            format!("select {COLUMNS} from invitation where wave = $1 and due_at <= $2 order by due_at, id limit $3");
        let query = sqlx::query_as(AssertSqlSafe(sql)).bind(wave).bind(now).bind(most);
        Ok(query.fetch_all(self.reader()).await?)
    }

    /// What these people were asked since then.
    pub async fn asked_since(&self, people: &[String], since: Millis) -> Result<Vec<Asked>> {
        let mut all = Vec::new();
        for portion in portions(people) {
            let sql = format!(
                "select i.person, w.survey, i.asked_at, i.declined_at from invitation i join wave w on w.id = i.wave \
                 where i.person in {} and i.asked_at >= ${}",
                places(1, portion.len()),
                portion.len() + 1
            );
            let query = portion.iter().fold(sqlx::query_as(AssertSqlSafe(sql)), |query, person| query.bind(person));
            all.extend(query.bind(since).fetch_all(self.reader()).await?);
        }
        Ok(all)
    }

    /// An invitation.
    pub async fn invitation(&self, id: &str) -> Result<Option<Invitation>> {
        let sql = format!("select {COLUMNS} from invitation where id = $1");
        Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(id).fetch_optional(self.reader()).await?)
    }

    /// What a person is asked in waves that are open, the latest first.
    pub async fn open_invitations(&self, person: &str) -> Result<Vec<Invitation>> {
        let sql = "select i.id, i.wave, i.person, i.cell, i.due_at, i.asked_at, i.reminders, i.declined_at \
                   from invitation i join wave w on w.id = i.wave \
                   where i.person = $1 and w.state = 'open' and i.asked_at is not null order by i.asked_at desc";
        Ok(sqlx::query_as(sql).bind(person).fetch_all(self.reader()).await?)
    }

    /// Whether a wave has asked a person.
    pub async fn is_invited(&self, wave: &str, person: &str) -> Result<bool> {
        let sql = "select count(*) from invitation where wave = $1 and person = $2 and asked_at is not null";
        let found: i64 = sqlx::query_scalar(sql).bind(wave).bind(person).fetch_one(self.reader()).await?;
        Ok(found > 0)
    }

    /// How many people a wave reaches.
    pub async fn reached(&self, wave: &str) -> Result<Reached> {
        let sql = "select count(*) as invited, count(asked_at) as asked, count(declined_at) as declined, \
                   (select count(distinct m.subject) from message m join invitation o on o.id = m.subject \
                   where o.wave = $1 and m.posted is not null) as told from invitation where wave = $1";
        Ok(sqlx::query_as(sql).bind(wave).fetch_one(self.reader()).await?)
    }

    /// Of a resolved escalation, who needed help, and with which command.
    pub async fn resolved_escalation(&self, id: &str) -> Result<Option<(String, Option<String>)>> {
        let sql = "select e.requester, r.command from escalation e left join request r on r.id = e.request \
                   where e.id = $1 and e.resolved_at is not null and e.requester is not null";
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(self.reader()).await?)
    }

    /// The number of the last wave of a survey that asked each person.
    pub async fn last_asked(&self, survey: &str) -> Result<std::collections::HashMap<String, i64>> {
        let sql = "select i.person, max(w.number) from invitation i join wave w on w.id = i.wave \
                   where w.survey = $1 group by i.person";
        let rows: Vec<(String, i64)> = sqlx::query_as(sql).bind(survey).fetch_all(self.reader()).await?;
        Ok(rows.into_iter().collect())
    }

    /// Who never wants to be asked by a survey.
    pub async fn never_asked(&self, survey: &str) -> Result<std::collections::HashSet<String>> {
        let sql = "select person from never_asked where survey = $1";
        let people: Vec<String> = sqlx::query_scalar(sql).bind(survey).fetch_all(self.reader()).await?;
        Ok(people.into_iter().collect())
    }

    /// The surveys that a person never wants to be asked by.
    pub async fn refused_surveys(&self, person: &str) -> Result<Vec<String>> {
        let sql = "select survey from never_asked where person = $1 order by survey";
        Ok(sqlx::query_scalar(sql).bind(person).fetch_all(self.reader()).await?)
    }

    /// A person may be asked by a survey again.
    pub async fn allow_survey(&self, person: &str, survey: &str) -> Result<bool> {
        let (person, survey) = (person.to_owned(), survey.to_owned());
        self.write(move |tx| {
            Box::pin(async move {
                let sql = "delete from never_asked where person = $1 and survey = $2";
                let gone = sqlx::query(sql).bind(person).bind(survey).execute(&mut tx.connection).await?;
                Ok(gone.rows_affected() == 1)
            })
        })
        .await
    }
}
