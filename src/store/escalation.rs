//! Escalations: what a human was asked for, who was asked and who deals with it, and what came of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::{Store, Tx};
use crate::clock::Millis;
use crate::error::Result;

/// What the ids of escalations begin with, by which the outbox knows their cards.
pub const PREFIX: &str = "esc_";
/// What the subject of the card begins with that tells whoever asked how it goes, before the escalation's id.
pub const ASKED: &str = "asked:";

/// A request for human help.
#[derive(Debug, Clone, Default, PartialEq, Eq, FromRow)]
pub struct Escalation {
    /// `esc_…`
    pub id: String,
    /// The name of a [`crate::job::Exception`].
    pub reason: String,
    /// What it is about: a request's or a gap's id, a capability's or a platform's name.
    pub subject: String,
    /// The request that it is about, if it is about one.
    pub request: Option<String>,
    /// The capability that it is about, if it is about one.
    pub capability: Option<String>,
    /// The team that is asked.
    pub team: String,
    /// Who needs help, if somebody does.
    pub requester: Option<String>,
    /// What it is about, in a few words; plain text.
    pub title: String,
    /// What is known, as JSON without secrets.
    pub context: String,
    /// Equal for escalations that look alike.
    pub likeness: String,
    /// The escalation that it has joined: whoever deals with that one deals with this one.
    pub parent: Option<String>,
    /// When humans help: the name of a support tier.
    pub tier: String,
    /// How far the question has gone: 0 the team and whoever is on call, 1 its lead, 2 the platform team.
    pub level: i64,
    /// Whom it was put to so far, as JSON: [`Escalation::asked`] reads it.
    pub asked: String,
    /// When those of the present level were told; not yet where their hours have to begin first.
    pub told_at: Option<Millis>,
    /// When the clock does something next, if nobody does before.
    pub due_at: Option<Millis>,
    /// Who deals with it since `claimed_at`; without that, whose turn it is.
    pub holder: Option<String>,
    /// When somebody said that they deal with it.
    pub claimed_at: Option<Millis>,
    /// Until when its holder has put it off.
    pub snoozed_until: Option<Millis>,
    /// When it was opened.
    pub created_at: Millis,
    /// When it was resolved.
    pub resolved_at: Option<Millis>,
    /// Who resolved it.
    pub resolved_by: Option<String>,
    /// What it was, in the words of who resolved it.
    pub category: Option<String>,
    /// Whether self-service could have done it: `yes`, `partly`, `no`.
    pub automatable: Option<String>,
    /// The minutes that people spent on it.
    pub minutes: Option<i64>,
    /// What was done; plain text.
    pub outcome: Option<String>,
}

/// Whom an escalation was put to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Teams.
    pub teams: BTreeSet<String>,
    /// Persons, by id.
    pub people: BTreeSet<String>,
}

/// How it ended.
#[derive(Debug, Clone)]
pub struct Resolution {
    /// Who says so; `stationmaster` where it went well by itself.
    pub person: String,
    /// What it was.
    pub category: String,
    /// Whether self-service could have done it.
    pub automatable: String,
    /// The minutes that people spent on it.
    pub minutes: i64,
    /// What was done; plain text.
    pub outcome: String,
}

/// What was resolved before and looked the same.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Past {
    /// How many there were.
    pub count: i64,
    /// What was done about the latest.
    pub outcome: Option<String>,
    /// What that one was.
    pub category: Option<String>,
    /// When that one was resolved.
    pub resolved_at: Option<Millis>,
}

impl Escalation {
    /// Whom it was put to so far.
    pub fn asked(&self) -> Asked {
        serde_json::from_str(&self.asked).unwrap_or_default()
    }

    /// Puts it to these as well.
    pub fn ask(&mut self, teams: &[String], people: &[String]) {
        let mut asked = self.asked();
        asked.teams.extend(teams.iter().cloned());
        asked.people.extend(people.iter().cloned());
        self.asked = serde_json::to_string(&asked).unwrap_or_default();
    }

    /// Whether somebody deals with it, now or later.
    pub fn is_claimed(&self) -> bool {
        self.claimed_at.is_some()
    }

    /// Whether it is over.
    pub fn is_resolved(&self) -> bool {
        self.resolved_at.is_some()
    }

    /// Whether it waits for this person: it is theirs and not put off, or was put to them and is nobody's yet.
    pub fn waits_for(&self, person: &str, teams: &[String]) -> bool {
        if self.is_resolved() || self.snoozed_until.is_some() {
            return false;
        }
        if self.is_claimed() {
            return self.holder.as_deref() == Some(person);
        }
        let asked = self.asked();
        asked.people.contains(person) || teams.iter().any(|team| asked.teams.contains(team))
    }
}

impl Tx {
    /// Writes an escalation, whole.
    pub async fn put_escalation(&mut self, escalation: &Escalation) -> Result<()> {
        let sql = "insert into escalation (id, reason, subject, request, capability, team, requester, title, context, \
                   likeness, parent, tier, level, asked, told_at, due_at, holder, claimed_at, snoozed_until, created_at) \
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) \
                   on conflict (id) do update set team = excluded.team, context = excluded.context, \
                   parent = excluded.parent, level = excluded.level, asked = excluded.asked, told_at = excluded.told_at, \
                   due_at = excluded.due_at, holder = excluded.holder, claimed_at = excluded.claimed_at, \
                   snoozed_until = excluded.snoozed_until";
        let e = escalation;
        let query = sqlx::query(sql).bind(&e.id).bind(&e.reason).bind(&e.subject).bind(&e.request).bind(&e.capability);
        let query = query.bind(&e.team).bind(&e.requester).bind(&e.title).bind(&e.context).bind(&e.likeness);
        let query = query.bind(&e.parent).bind(&e.tier).bind(e.level).bind(&e.asked).bind(e.told_at).bind(e.due_at);
        let query = query.bind(&e.holder).bind(e.claimed_at).bind(e.snoozed_until).bind(e.created_at);
        query.execute(&mut self.connection).await?;
        Ok(())
    }

    /// An escalation as this transaction sees it.
    pub async fn escalation(&mut self, id: &str) -> Result<Option<Escalation>> {
        let sql = "select * from escalation where id = $1";
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(&mut self.connection).await?)
    }

    /// The latest escalation of this reason about a subject, open or not.
    pub async fn latest_escalation(&mut self, reason: &str, subject: &str) -> Result<Option<Escalation>> {
        let sql =
            "select * from escalation where reason = $1 and subject = $2 order by created_at desc, id desc limit 1";
        Ok(sqlx::query_as(sql).bind(reason).bind(subject).fetch_optional(&mut self.connection).await?)
    }

    /// The open escalation about a request, if there is one: the first that was opened.
    pub async fn open_escalation_of(&mut self, request: &str) -> Result<Option<Escalation>> {
        let sql = "select * from escalation where request = $1 and resolved_at is null order by created_at, id limit 1";
        Ok(sqlx::query_as(sql).bind(request).fetch_optional(&mut self.connection).await?)
    }

    /// The open escalation that looks alike and has joined no other.
    pub async fn open_escalation_like(&mut self, likeness: &str) -> Result<Option<Escalation>> {
        let sql = "select * from escalation where likeness = $1 and resolved_at is null and parent is null \
                   order by created_at, id limit 1";
        Ok(sqlx::query_as(sql).bind(likeness).fetch_optional(&mut self.connection).await?)
    }

    /// The open escalations that have joined this one, the oldest first.
    pub async fn escalations_joined(&mut self, id: &str) -> Result<Vec<Escalation>> {
        let sql = "select * from escalation where parent = $1 and resolved_at is null order by created_at, id";
        Ok(sqlx::query_as(sql).bind(id).fetch_all(&mut self.connection).await?)
    }

    /// An escalation is over; whether it was open.
    pub async fn resolve_escalation(&mut self, id: &str, resolution: &Resolution) -> Result<bool> {
        let sql = "update escalation set resolved_at = $2, resolved_by = $3, category = $4, automatable = $5, \
                   minutes = $6, outcome = $7, due_at = null where id = $1 and resolved_at is null";
        let query = sqlx::query(sql).bind(id).bind(self.now).bind(&resolution.person).bind(&resolution.category);
        let query = query.bind(&resolution.automatable).bind(resolution.minutes).bind(&resolution.outcome);
        Ok(query.execute(&mut self.connection).await?.rows_affected() == 1)
    }

    /// Whether a subject is shown in a conversation.
    pub async fn is_shown(&mut self, subject: &str, (platform, place): (&str, &str)) -> Result<bool> {
        let sql = "select count(*) from message where subject = $1 and platform = $2 and place = $3";
        let query = sqlx::query_scalar(sql).bind(subject).bind(platform).bind(place);
        let count: i64 = query.fetch_one(&mut self.connection).await?;
        Ok(count > 0)
    }
}

impl Store {
    /// An escalation.
    pub async fn escalation(&self, id: &str) -> Result<Option<Escalation>> {
        let sql = "select * from escalation where id = $1";
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(self.reader()).await?)
    }

    /// The escalation about a request that tells how it goes: an open one before those that are over, the first that was
    /// opened before those that joined it, else the latest.
    pub async fn escalation_of(&self, request: &str) -> Result<Option<Escalation>> {
        let sql = "select * from escalation where request = $1 \
                   order by case when resolved_at is null then 0 else 1 end, \
                   case when resolved_at is null then created_at else -created_at end, id limit 1";
        Ok(sqlx::query_as(sql).bind(request).fetch_optional(self.reader()).await?)
    }

    /// All that are open and have joined no other, the oldest first.
    pub async fn open_escalations(&self) -> Result<Vec<Escalation>> {
        let sql = "select * from escalation where resolved_at is null and parent is null order by created_at, id";
        Ok(sqlx::query_as(sql).fetch_all(self.reader()).await?)
    }

    /// All that have joined this one, the oldest first.
    pub async fn escalations_joined(&self, id: &str) -> Result<Vec<Escalation>> {
        let sql = "select * from escalation where parent = $1 order by created_at, id";
        Ok(sqlx::query_as(sql).bind(id).fetch_all(self.reader()).await?)
    }

    /// What was resolved and looked the same as this one.
    pub async fn escalations_before(&self, escalation: &Escalation) -> Result<Option<Past>> {
        let sql = "select (select count(*) from escalation where likeness = $1 and id <> $2 and parent is null \
                   and resolved_at is not null) as count, outcome, category, resolved_at from escalation \
                   where likeness = $1 and id <> $2 and parent is null and resolved_at is not null \
                   order by resolved_at desc, id desc limit 1";
        let query = sqlx::query_as(sql).bind(&escalation.likeness).bind(&escalation.id);
        Ok(query.fetch_optional(self.reader()).await?)
    }

    /// How many are open, by reason, and how many of those nobody has claimed.
    pub async fn count_escalations(&self) -> Result<Vec<(String, i64, i64)>> {
        let sql = "select reason, count(*), count(*) - count(claimed_at) from escalation \
                   where resolved_at is null and parent is null group by reason";
        Ok(sqlx::query_as(sql).fetch_all(self.reader()).await?)
    }
}
