//! The buttons of a request: confirm, cancel, retry from the failed step, repeat.
//!
//! Rights are checked at the press: a token says what is meant, never who may.

use super::{Origin, approval, input_of};
use crate::app::App;
use crate::catalogue::command::CommandFile;
use crate::catalogue::resolve::{Asked, Asker};
use crate::error::{Reason, Result, UserError};
use crate::job::Job;
use crate::people::Person;
use crate::store::audit::Act;
use crate::store::message::Priority;
use crate::store::request::{Change, Request, State};
use crate::store::step::state;

/// The request with this id, if the person may see and change it. Whose it is not learns no more than from an id that
/// does not exist.
pub async fn own(app: &App, id: &str, person: &Person) -> Result<Request> {
    let found = app.store.request(id).await?.filter(|request| request.person == person.id);
    found.ok_or_else(|| {
        UserError::new(Reason::NotFound, "You have no such request.").hint("type /requests to see yours").into()
    })
}

/// Whether the asker may still use the command of this request of theirs, by the rules that hold now, where it was asked
/// for.
pub async fn permit(app: &App, id: &str, asker: &Asker) -> Result<()> {
    let request = own(app, id, &asker.person).await?;
    let allow = match app.catalogue.load().commands.get(&request.command) {
        Some(command) => command.file.allow.clone(),
        None => serde_json::from_str::<CommandFile>(&app.store.definition(&request.definition).await?)?.allow,
    };
    let there = Asker { place: request.place, ..asker.clone() };
    there.may(&allow).map_err(|reason| {
        UserError::new(Reason::Denied, format!("You cannot use `/{}` any more. {reason}", request.command)).into()
    })
}

/// "Yes, I am sure."
pub async fn confirm(app: &App, id: &str, person: &Person) -> Result<Request> {
    let request = own(app, id, person).await?;
    let command: CommandFile = serde_json::from_str(&app.store.definition(&request.definition).await?)?;
    let opening = approval::demanded(app, &command, &request, person).await?;
    let actor = person.id.clone();
    step_from(app, &request, State::Confirm, move |tx, id| {
        Box::pin(async move {
            let Some((by, opening)) = opening else {
                tx.change_request(Change { request: &id, state: State::Queued, actor: &actor, summary: "" }).await?;
                return tx.enqueue(&Job::Perform { request: id }, tx.now());
            };
            let state = State::AwaitingApproval;
            tx.change_request(Change { request: &id, state, actor: &actor, summary: &by }).await?;
            opening.write(tx, &id).await
        })
    })
    .await
}

/// "Stop it, and take back what was done."
pub async fn cancel(app: &App, id: &str, person: &Person) -> Result<Request> {
    let request = own(app, id, person).await?;
    let (id, actor) = (request.id.clone(), person.id.clone());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            let Some(found) = tx.request(&id).await? else { return Ok(None) };
            if found.state.is_end() {
                return Ok(Some(found));
            }
            if found.state == State::Running {
                if found.cancel_at.is_none() {
                    tx.set_cancel(&id, Some(tx.now())).await?;
                    tx.audit(Act { subject: &id, actor: &actor, action: "called off", detail: "" }).await?;
                    tx.touch(&id, Priority::State).await?;
                }
                tx.wake_job(&Job::Perform { request: id.clone() }.name().unwrap_or_default()).await?;
            } else {
                tx.change_request(Change { request: &id, state: State::Cancelled, actor: &actor, summary: "" }).await?;
                tx.wake_job(&Job::Perform { request: id.clone() }.name().unwrap_or_default()).await?;
            }
            tx.request(&id).await
        })
    });
    let found = write.await?.ok_or_else(|| anyhow::anyhow!("the request is gone"))?;
    app.running.cancel(&request.id);
    if found.state.is_end() && found.state != State::Cancelled {
        return Err(already(&found).into());
    }
    Ok(found)
}

/// Goes on with a failed request from the step that failed.
pub async fn retry(app: &App, id: &str, person: &Person) -> Result<Request> {
    let request = own(app, id, person).await?;
    let command: CommandFile = serde_json::from_str(&app.store.definition(&request.definition).await?)?;
    if command.has_secrets() {
        return Err(UserError::new(Reason::Conflict, "The secret that this needs was forgotten when it ended.")
            .hint(format!("type /{} again", command.name))
            .into());
    }
    if command.approval.is_some() && app.store.steps(id).await?.iter().any(|step| step.state == state::DONE) {
        approval::refuse_half(app, &request).await?;
    }
    let deadline = app.clock.now() + command.deadline.unwrap_or(super::DEADLINE).millis();
    let actor = person.id.clone();
    step_from(app, &request, State::Failed, move |tx, id| {
        Box::pin(async move {
            tx.forget_failed_steps(&id).await?;
            tx.set_cancel(&id, None).await?;
            tx.set_ending(&id, None, "").await?;
            tx.set_deadline(&id, deadline).await?;
            tx.change_request(Change { request: &id, state: State::Queued, actor: &actor, summary: "" }).await?;
            tx.enqueue(&Job::Perform { request: id }, tx.now())
        })
    })
    .await
}

/// The same again: a new request with the same input, checked anew.
pub async fn repeat(app: &App, id: &str, origin: &Origin) -> Result<Asked> {
    let request = own(app, id, &origin.person).await?;
    let input = input_of(&request)?.into_iter().filter(|(_, value)| !value.is_null()).collect();
    Ok(Asked::Named { command: request.command, input, dry_run: false })
}

type Follow<'t> = futures::future::BoxFuture<'t, Result<()>>;

/// Does something to a request that must be in a certain state; says what state it is in if it is not.
async fn step_from<F>(app: &App, request: &Request, from: State, follow: F) -> Result<Request>
where
    F: for<'t> FnOnce(&'t mut crate::store::Tx, String) -> Follow<'t> + Send + 'static,
{
    let id = request.id.clone();
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            let found = tx.request(&id).await?.ok_or_else(|| anyhow::anyhow!("the request is gone"))?;
            if found.state != from {
                return Err(already(&found).into());
            }
            follow(tx, id.clone()).await?;
            tx.request(&id).await?.ok_or_else(|| anyhow::anyhow!("the request is gone"))
        })
    });
    write.await
}

fn already(request: &Request) -> UserError {
    let state = request.state.name().replace('_', " ");
    UserError::new(Reason::Conflict, format!("This request is {state} already."))
}
