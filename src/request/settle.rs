//! What becomes of a step's outcome: the next attempt, the next step, the way back, or the end.

use serde_json::{Map, Value};

use super::exception::Follow;
use super::perform::Work;
use crate::catalogue::command;
use crate::clock::{Millis, Span};
use crate::error::Result;
use crate::runner::{Attempt, Outcome, Runner, Status};
use crate::store::Tx;
use crate::store::audit::Act;
use crate::store::message::Priority;
use crate::store::request::{Change, State};
use crate::store::step::{Course, Step, state};

/// Whether the job goes on at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// On to the next move.
    Next,
    /// The job comes back later, or the request has ended.
    Paused,
}

/// What decides about another attempt.
pub(super) struct Judge<'a> {
    pub(super) file: &'a command::Step,
    pub(super) runner: &'a Runner,
    pub(super) repeatable: bool,
    pub(super) attempt: &'a Attempt,
}

/// How often a step whose file does not say is tried while it is certain that nothing happened.
const UNTOUCHED_ATTEMPTS: i64 = 3;
/// The pause before the second attempt if the file does not say.
const PAUSE: Span = Span::from_secs(2);

/// Records that an attempt begins, before it does.
pub(super) async fn begin(work: &mut Work<'_>, row: &mut Step) -> Result<()> {
    row.attempt += 1;
    row.state = state::RUNNING.into();
    row.checkpoint = "null".into();
    row.started_at = work.app.clock.now();
    let label = match row.course() {
        Course::Do => row.name.clone(),
        Course::Undo => format!("undo {}", row.name),
    };
    record(work, row, move |tx, request| Box::pin(async move { tx.set_label(&request, &label).await })).await
}

/// Notes that a step's condition did not hold.
pub(super) async fn skip(work: &mut Work<'_>, mut row: Step) -> Result<Settled> {
    row.state = state::SKIPPED.into();
    row.started_at = work.app.clock.now();
    row.ended_at = Some(row.started_at);
    record(work, &row, |_, _| Box::pin(async { Ok(()) })).await?;
    Ok(Settled::Next)
}

/// Decides what follows from an outcome, and records both together.
pub(super) async fn settle(work: &mut Work<'_>, mut row: Step, outcome: Outcome, judge: Judge<'_>) -> Result<Settled> {
    let mut outcome = outcome;
    if outcome.status == Status::Unknown && !judge.repeatable {
        outcome = judge.runner.recover(&work.app.tools, judge.attempt).await.unwrap_or(outcome);
    }
    keep(&mut row, &outcome)?;
    match outcome.status.clone() {
        Status::Done => close(work, row, state::DONE, None).await,
        Status::Waiting { checkpoint, again_at } => {
            row.state = state::WAITING.into();
            row.checkpoint = checkpoint.to_string();
            pause(work, row, again_at.min(judge.attempt.deadline.max(work.app.clock.now()))).await
        }
        Status::Declined => close(work, row, state::DECLINED, Some(State::Failed)).await,
        Status::Unknown if judge.repeatable && row.attempt < attempts(&judge, false) => {
            again(work, row, &judge, None).await
        }
        Status::Unknown if judge.repeatable => close(work, row, state::FAILED, Some(State::Failed)).await,
        Status::Unknown => close(work, row, state::UNKNOWN, Some(State::Uncertain)).await,
        Status::Failed { transient, untouched, retry_after } => {
            let cancelled = judge.attempt.cancel.is_cancelled();
            let harmless = untouched || judge.repeatable;
            if transient && harmless && !cancelled && row.attempt < attempts(&judge, untouched) {
                return again(work, row, &judge, retry_after).await;
            }
            let ending = if cancelled { State::Cancelled } else { State::Failed };
            close(work, row, state::FAILED, Some(ending)).await
        }
    }
}

/// How often the step may be tried altogether.
fn attempts(judge: &Judge<'_>, untouched: bool) -> i64 {
    let default = if untouched { UNTOUCHED_ATTEMPTS } else { 1 };
    judge.file.retry.as_ref().map_or(default, |retry| i64::from(retry.attempts))
}

/// Copies what the outcome says into the row.
fn keep(row: &mut Step, outcome: &Outcome) -> Result<()> {
    let mut outputs: Map<String, Value> = serde_json::from_str(&row.outputs)?;
    outputs.extend(outcome.outputs.clone());
    row.outputs = Value::Object(outputs).to_string();
    row.summary.clone_from(&outcome.summary);
    row.link = outcome.link.clone().or(row.link.take());
    Ok(())
}

/// The step failed and is tried again after a pause.
async fn again(work: &mut Work<'_>, mut row: Step, judge: &Judge<'_>, wait: Option<Span>) -> Result<Settled> {
    let first = judge.file.retry.as_ref().and_then(|retry| retry.pause).unwrap_or(PAUSE).millis();
    let doubled = first.saturating_mul(1 << (row.attempt - 1).clamp(0, 10)).min(300_000);
    let delay = wait.map_or(doubled, |wait| wait.millis().max(first));
    row.state = state::AGAIN.into();
    let at = work.app.clock.now() + delay;
    pause(work, row, at).await
}

/// The step waits; the job comes back at `at`, or at once if a call-back has come meanwhile.
async fn pause(work: &mut Work<'_>, row: Step, at: Millis) -> Result<Settled> {
    let (claim, name, link) = (work.claim.clone(), row.full_name(), row.link.clone());
    let waiting = row.state == state::WAITING;
    record(work, &row, move |tx, request| {
        Box::pin(async move {
            let called = waiting && tx.has_call_back(&request, &name).await?;
            tx.set_link(&request, link.as_deref()).await?;
            tx.touch(&request, Priority::State).await?;
            tx.continue_job(&claim, if called { tx.now() } else { at }).await
        })
    })
    .await?;
    Ok(Settled::Paused)
}

/// The step is over; `ending` is how the request will end because of it.
async fn close(work: &mut Work<'_>, mut row: Step, name: &'static str, ending: Option<State>) -> Result<Settled> {
    row.state = name.into();
    row.ended_at = Some(work.app.clock.now());
    // A failed undo does not change how the request ends; its row says what remains.
    let ending = ending.filter(|_| row.course() == Course::Do);
    if ending == Some(State::Uncertain) {
        return uncertain(work, row).await;
    }
    let (summary, link) = (row.summary.clone(), row.link.clone());
    record(work, &row, move |tx, request| {
        Box::pin(async move {
            tx.set_link(&request, link.as_deref()).await?;
            match ending {
                Some(ending) => tx.set_ending(&request, Some(ending), &summary).await,
                None => tx.touch(&request, Priority::State).await,
            }
        })
    })
    .await?;
    if ending.is_some() {
        work.request.ending = ending;
        work.request.summary.clone_from(&row.summary);
    }
    Ok(Settled::Next)
}

/// Nobody knows whether the step happened, so nothing is done or undone after it.
async fn uncertain(work: &mut Work<'_>, row: Step) -> Result<Settled> {
    let (claim, summary) = (work.claim.clone(), row.summary.clone());
    let follow = Follow::up(work, State::Uncertain);
    record(work, &row, move |tx, request| {
        Box::pin(async move {
            let state = State::Uncertain;
            tx.change_request(Change { request: &request, state, actor: "stationmaster", summary: &summary }).await?;
            follow.enqueue(tx, &request).await?;
            super::end::leave(tx, &claim, &request).await
        })
    })
    .await?;
    Ok(Settled::Paused)
}

/// The requester called it off: what is under way elsewhere is stopped where that can be, then all is taken back.
pub(super) async fn turn_back(work: &mut Work<'_>) -> Result<Settled> {
    let open = work.steps.iter().find(|s| matches!(s.state.as_str(), state::WAITING | state::AGAIN)).cloned();
    if let Some(mut row) = open {
        work.stop_elsewhere(&row).await;
        row.state = state::FAILED.into();
        row.ended_at = Some(work.app.clock.now());
        record(work, &row, |_, _| Box::pin(async { Ok(()) })).await?;
    }
    let expired = work.app.clock.now() >= work.request.deadline_at;
    let ending = if expired { State::Expired } else { State::Cancelled };
    let claim = work.claim.clone();
    let id = work.request.id.clone();
    let write = work.app.store.write(move |tx| {
        Box::pin(async move {
            tx.hold(&claim).await?;
            tx.set_ending(&id, Some(ending), "").await
        })
    });
    write.await?;
    work.request.ending = Some(ending);
    Ok(Settled::Next)
}

type Written<'t> = futures::future::BoxFuture<'t, Result<()>>;

/// Writes a step's row and what follows from it in one transaction, if the claim still stands.
async fn record<F>(work: &mut Work<'_>, row: &Step, follow: F) -> Result<()>
where
    F: for<'t> FnOnce(&'t mut Tx, String) -> Written<'t> + Send + 'static,
{
    let (claim, stored) = (work.claim.clone(), row.clone());
    let called = work.called.take();
    let write = work.app.store.write(move |tx| {
        Box::pin(async move {
            tx.hold(&claim).await?;
            tx.put_step(&stored).await?;
            if let Some((id, _)) = called {
                tx.drop_call_back(&id).await?;
            }
            let course = if stored.course() == Course::Undo { "undo" } else { "step" };
            let action = format!("{course} {} {}", stored.name, stored.state);
            let act =
                Act { subject: &stored.request, actor: "stationmaster", action: &action, detail: &stored.summary };
            tx.audit(act).await?;
            follow(tx, stored.request.clone()).await
        })
    });
    write.await?;
    match work.steps.iter_mut().find(|s| s.position == row.position && s.course() == row.course()) {
        Some(known) => known.clone_from(row),
        None => work.steps.push(row.clone()),
    }
    Ok(())
}
