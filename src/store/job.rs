//! The table of jobs: due times, leases and fences.

use sqlx::{AssertSqlSafe, FromRow};

use super::{Store, Tx};
use crate::clock::{Millis, Span};
use crate::error::Result;
use crate::job::{Claim, Job, Urgency};

/// A job that was enqueued in this transaction; written with the commit.
#[derive(Debug, Clone)]
pub struct Enqueued {
    id: String,
    kind: &'static str,
    payload: String,
    urgency: Urgency,
    due_at: Millis,
    name: Option<String>,
    /// Whether it takes the place of those of its name that were enqueued before.
    replaces: bool,
}

/// A claimed row.
#[derive(FromRow)]
struct Row {
    id: String,
    payload: String,
    fence: i64,
    failures: i64,
}

/// `($1, $2), ($3, $4)`: the placeholders of `rows` rows with `columns` columns.
pub(super) fn places(rows: usize, columns: usize) -> String {
    let row = |r: usize| {
        let places: Vec<String> = (1..=columns).map(|c| format!("${}", r * columns + c)).collect();
        format!("({})", places.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// The rows in few sizes, the largest first, so that the database sees few statements and has them prepared.
pub(super) fn portions<T>(mut rows: &[T]) -> Vec<&[T]> {
    let mut portions = Vec::new();
    for size in [64, 16, 4, 1] {
        let (whole, rest) = rows.split_at(rows.len() / size * size);
        portions.extend(whole.chunks(size));
        rows = rest;
    }
    portions
}

impl Tx {
    /// Enqueues a job for `due_at`; a live job of the same name stays as it is.
    pub fn enqueue(&mut self, job: &Job, due_at: Millis) -> Result<()> {
        let job = enqueued(job, due_at)?;
        self.jobs.push(job);
        self.jobs_changed = true;
        Ok(())
    }

    /// Enqueues a job for `due_at` in place of a live job of the same name. Where somebody is at work on that, it stays,
    /// and they see what has changed.
    pub async fn reschedule(&mut self, job: &Job, due_at: Millis) -> Result<()> {
        self.drop_job(&job.name().unwrap_or_default()).await?;
        let job = enqueued(job, due_at)?;
        self.jobs.push(Enqueued { replaces: true, ..job });
        self.jobs_changed = true;
        Ok(())
    }

    /// Whether there is a live job of this name.
    pub async fn has_job(&mut self, name: &str) -> Result<bool> {
        let sql = "select count(*) from job where name = $1";
        let count: i64 = sqlx::query_scalar(sql).bind(name).fetch_one(&mut self.connection).await?;
        Ok(count > 0 || self.jobs.iter().any(|job| job.name.as_deref() == Some(name)))
    }

    pub(super) async fn write_jobs(&mut self) -> Result<()> {
        let replaced = |index: usize, job: &Enqueued| {
            job.name.is_some() && self.jobs[index + 1..].iter().any(|later| later.replaces && later.name == job.name)
        };
        let kept: Vec<&Enqueued> =
            self.jobs.iter().enumerate().filter(|(index, job)| !replaced(*index, job)).map(|(_, job)| job).collect();
        for jobs in portions(&kept) {
            let sql = format!(
                "insert into job (id, kind, payload, priority, due_at, fence, failures, name, created_at) values {} \
                 on conflict (name) do nothing",
                places(jobs.len(), 9)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for job in jobs {
                query = query.bind(&job.id).bind(job.kind).bind(&job.payload).bind(job.urgency as i64);
                query = query.bind(job.due_at).bind(0i64).bind(0i64).bind(&job.name).bind(self.now);
            }
            query.execute(&mut self.connection).await?;
        }
        Ok(())
    }

    /// Makes the job of this name due now, unless somebody is at work on it; whether there is one that was woken.
    pub async fn wake_job(&mut self, name: &str) -> Result<bool> {
        let sql = "update job set due_at = $1 where name = $2 and holder is null and died_at is null";
        let woken = sqlx::query(sql).bind(self.now).bind(name).execute(&mut self.connection).await?.rows_affected();
        self.jobs_changed |= woken > 0;
        Ok(woken > 0)
    }

    /// Forgets the job of this name, if nobody is at work on it.
    pub async fn drop_job(&mut self, name: &str) -> Result<()> {
        let sql = "delete from job where name = $1 and holder is null";
        sqlx::query(sql).bind(name).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Confirms that a claim still stands, and takes the row's lock; an error if another process has taken over.
    pub async fn hold(&mut self, claim: &Claim) -> Result<()> {
        let sql = "update job set holder = holder where id = $1 and fence = $2";
        let held = sqlx::query(sql).bind(&claim.id).bind(claim.fence).execute(&mut self.connection).await?;
        if held.rows_affected() == 1 { Ok(()) } else { Err(crate::job::Fenced.into()) }
    }

    /// The job is done: its row goes.
    pub async fn finish_job(&mut self, claim: &Claim) -> Result<()> {
        let sql = "delete from job where id = $1 and fence = $2";
        let gone = sqlx::query(sql).bind(&claim.id).bind(claim.fence).execute(&mut self.connection).await?;
        if gone.rows_affected() == 1 { Ok(()) } else { Err(crate::job::Fenced.into()) }
    }

    /// The job went well so far and goes on at `due_at`.
    pub async fn continue_job(&mut self, claim: &Claim, due_at: Millis) -> Result<()> {
        let sql = "update job set due_at = $3, holder = null, failures = 0, error = null where id = $1 and fence = $2";
        let query = sqlx::query(sql).bind(&claim.id).bind(claim.fence).bind(due_at);
        let kept = query.execute(&mut self.connection).await?;
        self.jobs_changed = true;
        if kept.rows_affected() == 1 { Ok(()) } else { Err(crate::job::Fenced.into()) }
    }

    /// The job failed and is tried again at `due_at`, or is dead if that is `None`.
    pub async fn fail_job(&mut self, claim: &Claim, error: &str, due_at: Option<Millis>) -> Result<()> {
        let died_at = if due_at.is_none() { Some(self.now) } else { None };
        sqlx::query(
            "update job set due_at = $3, holder = null, error = $4, died_at = $5, \
             name = case when $6 = 1 then null else name end where id = $1 and fence = $2",
        )
        .bind(&claim.id)
        .bind(claim.fence)
        .bind(due_at.unwrap_or(self.now))
        .bind(error)
        .bind(died_at)
        .bind(i64::from(died_at.is_some()))
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }
}

impl Store {
    /// Takes up to `most` due jobs for `lease`, the most urgent first.
    pub async fn claim_jobs(&self, holder: &str, most: usize, lease: Span) -> Result<Vec<Claim>> {
        let holder = holder.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let sql = "update job set due_at = $1, holder = $2, fence = fence + 1, failures = failures + 1 where id in \
                           (select id from job where due_at <= $3 and died_at is null order by priority, due_at limit $4) \
                           returning id, payload, fence, failures";
                let query = sqlx::query_as::<_, Row>(sql).bind(tx.now + lease.millis()).bind(holder);
                let rows = query.bind(tx.now).bind(most as i64).fetch_all(&mut tx.connection).await?;
                Ok(rows.into_iter().map(claim_of).collect())
            })
        })
        .await
    }

    /// Holds a claim for another `lease`; `false` if another process has taken over.
    pub async fn renew_job(&self, claim: &Claim, lease: Span) -> Result<bool> {
        let (id, fence) = (claim.id.clone(), claim.fence);
        self.write(move |tx| {
            Box::pin(async move {
                let sql = "update job set due_at = $3 where id = $1 and fence = $2 and holder is not null";
                let query = sqlx::query(sql).bind(id).bind(fence).bind(tx.now + lease.millis());
                Ok(query.execute(&mut tx.connection).await?.rows_affected() == 1)
            })
        })
        .await
    }

    /// At the start of the only process of an SQLite file: whatever was held is free at once.
    pub async fn take_back_jobs(&self) -> Result<u64> {
        self.write(|tx| {
            Box::pin(async move {
                let sql = "update job set due_at = $1, holder = null where holder is not null";
                Ok(sqlx::query(sql).bind(tx.now).execute(&mut tx.connection).await?.rows_affected())
            })
        })
        .await
    }

    /// When the next job is due, if there is one.
    pub async fn next_job_at(&self) -> Result<Option<Millis>> {
        let sql = "select min(due_at) from job where died_at is null";
        Ok(sqlx::query_scalar(sql).fetch_one(self.reader()).await?)
    }

    /// How many jobs wait or run, and how many are dead.
    pub async fn count_jobs(&self) -> Result<(i64, i64)> {
        let sql = "select count(*) - count(died_at), count(died_at) from job";
        Ok(sqlx::query_as(sql).fetch_one(self.reader()).await?)
    }
}

/// A job as it is written with the commit.
fn enqueued(job: &Job, due_at: Millis) -> Result<Enqueued> {
    Ok(Enqueued {
        id: crate::job::new_id("job"),
        kind: job.kind(),
        payload: serde_json::to_string(job)?,
        urgency: job.urgency(),
        due_at,
        name: job.name(),
        replaces: false,
    })
}

fn claim_of(row: Row) -> Claim {
    Claim { id: row.id, fence: row.fence, failures: row.failures, payload: row.payload }
}
