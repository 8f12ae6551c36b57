//! How a request ends: its last words, its jobs gone, the next in the queue woken.

use super::exception::Follow;
use super::perform::Work;
use super::values::Values;
use crate::app::App;
use crate::clock::Span;
use crate::error::Result;
use crate::job::{Claim, Exception, Job};
use crate::message::Escape;
use crate::store::Tx;
use crate::store::request::{Change, Request, State};

/// After how long a card offers a human although nothing has gone wrong.
const LONG: Span = Span::from_secs(300);

/// Ends the request.
pub(super) async fn end(work: &Work<'_>, ending: State) -> Result<()> {
    let reply = match ending {
        State::Succeeded => reply(work).await?,
        _ => None,
    };
    let summary = if ending == State::Succeeded { String::new() } else { work.request.summary.clone() };
    let (claim, id, command) = (work.claim.clone(), work.request.id.clone(), work.request.command.clone());
    let is_asked_about = ending == State::Succeeded && work.app.catalogue.load().asks_after(&command);
    let limited = work.command.limits.concurrent.is_some();
    let follow = Follow::up(work, ending);
    let write = work.app.store.write(move |tx| {
        Box::pin(async move {
            tx.hold(&claim).await?;
            tx.set_reply(&id, reply.as_deref()).await?;
            let change = Change { request: &id, state: ending, actor: "stationmaster", summary: &summary };
            tx.change_request(change).await?;
            follow.enqueue(tx, &id).await?;
            leave(tx, &claim, &id).await?;
            if is_asked_about {
                let now = tx.now();
                tx.enqueue(&Job::Pulse { subject: id }, now)?;
            }
            if limited && let Some(next) = tx.next_queued(&command).await? {
                tx.wake_job(&format!("perform:{next}")).await?;
            }
            Ok(())
        })
    });
    write.await
}

/// The ended request's job and call-backs go.
pub(super) async fn leave(tx: &mut Tx, claim: &Claim, request: &str) -> Result<()> {
    tx.finish_job(claim).await?;
    tx.drop_call_backs(request).await
}

/// What the command's author has to say, with the values of this request.
async fn reply(work: &Work<'_>) -> Result<Option<String>> {
    let Some(reply) = &work.command.reply else { return Ok(None) };
    let values = Values::of_request(work.app, &work.request, &work.command, &work.steps).await?;
    match reply.text.render(&values.all, Escape::Markdown) {
        Ok(text) => Ok(Some(values.mask.text(&text))),
        Err(mistake) => {
            // The work is done; a mistake in its last sentence must not make it look undone.
            tracing::warn!(request = work.request.id, error = format!("{mistake:#}"), "a reply could not be rendered");
            Ok(None)
        }
    }
}

/// After the last attempt of a job that always errs or crashes: nobody can tell how far the request came.
pub async fn give_up(app: &App, id: &str) {
    let request = id.to_owned();
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            let Some(found) = tx.request(&request).await?.filter(|found| !found.state.is_end()) else { return Ok(()) };
            let state = State::Uncertain;
            tx.change_request(Change { request: &found.id, state, actor: "stationmaster", summary: "" }).await?;
            Follow::only(Exception::Uncertain, &found.id).enqueue(tx, &found.id).await
        })
    });
    if let Err(error) = write.await {
        tracing::error!(request = id, error = format!("{error:#}"), "the end of a request could not be noted");
    }
}

/// Ends requests whose deadline has come, or has their work taken back first; how many there were.
pub async fn expire_next(app: &App) -> Result<usize> {
    let overdue = app.store.overdue_requests(app.clock.now(), 64).await?;
    for id in &overdue {
        let request = id.clone();
        app.store.write(move |tx| Box::pin(async move { expire(tx, request).await })).await?;
        app.running.cancel(id);
    }
    Ok(overdue.len())
}

/// Notes which requests wait long by now, so that their cards offer a human; how many there were.
pub async fn note_long_waits(app: &App) -> Result<usize> {
    let before = app.clock.now() - LONG.millis();
    if !app.store.has_long_requests(before).await? {
        return Ok(0);
    }
    app.store.write(move |tx| Box::pin(async move { tx.note_long_requests(before).await })).await
}

async fn expire(tx: &mut Tx, request: String) -> Result<()> {
    // It may have been approved since it was found, and has time again.
    let is_late = |found: &Request, now| !found.state.is_end() && found.deadline_at <= now;
    let now = tx.now();
    let Some(found) = tx.request(&request).await?.filter(|found| is_late(found, now)) else { return Ok(()) };
    if found.state == State::Running {
        tx.set_cancel(&request, Some(tx.now())).await?;
    } else {
        let (state, actor) = (State::Expired, "stationmaster");
        tx.change_request(Change { request: &request, state, actor, summary: &found.summary }).await?;
        if found.state == State::AwaitingApproval {
            Follow::only(Exception::ApprovalExpired, &request).enqueue(tx, &request).await?;
        }
    }
    tx.wake_job(&Job::Perform { request }.name().unwrap_or_default()).await?;
    Ok(())
}
