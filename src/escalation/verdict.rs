//! What became of a step that nobody could tell of: somebody who has looked says so, and the request goes on.

use serde_json::json;

use super::act::{self, Actor};
use super::{news, resolve, right};
use crate::app::App;
use crate::catalogue::command::CommandFile;
use crate::catalogue::resolve::Asker;
use crate::chat::{Reply, Tone};
use crate::error::{Reason, Result, UserError};
use crate::job::{Job, Verdict};
use crate::store::escalation::Escalation;
use crate::store::remark::kind;
use crate::store::request::State;

/// Has the request go on as the verdict says, once; then asks what it was.
pub(super) async fn pressed(app: &App, id: &str, (verdict, asker): (Verdict, &Asker)) -> Result<Reply> {
    let root = right::permit(app, id, asker).await?;
    possible(app, &root, verdict).await?;
    let actor = Actor::of(asker);
    let text = app.messages.load().render("escalation_judged", &json!({"verdict": verdict.name()}))?;
    let text = crate::markdown::plain(&crate::markdown::parse(&text));
    let outcome = text.clone();
    let barrier = act::change(app, id, move |tx, root| {
        Box::pin(async move {
            let uncertain = match &root.request {
                Some(request) => tx.request(request).await?.filter(|request| request.state == State::Uncertain),
                None => None,
            };
            let Some(request) = uncertain else { return Err(settled().into()) };
            let Actor { person, identity, .. } = actor.clone();
            let clear = Job::Clear { request: request.id.clone(), verdict, person, identity };
            if tx.has_job(&clear.name().unwrap_or_default()).await? {
                return Err(settled().into());
            }
            tx.enqueue(&clear, tx.now())?;
            actor.audit(tx, (&root.id, verdict.name()), &request.id).await?;
            tx.insert_remark((&root.id, kind::NOTE), &actor.person, &text).await?;
            news::touch(tx, &root).await?;
            Ok(None)
        })
    });
    act::explain(app, barrier.await?).await?;
    match resolve::pressed(app, id, (asker, &outcome)).await {
        Ok(form) => Ok(form),
        // What was said counts in any case.
        Err(_) => super::reply(app, ("escalation_answered", Tone::Good), &json!({"act": super::done("judged", &root)})),
    }
}

/// A secret is forgotten when a request ends, so that what needs it cannot be done again.
async fn possible(app: &App, root: &Escalation, verdict: Verdict) -> Result<()> {
    let Some(request) = &root.request else { return Err(settled().into()) };
    let request = app.store.request(request).await?.ok_or_else(settled)?;
    if request.state != State::Uncertain {
        return Err(settled().into());
    }
    let command: CommandFile = serde_json::from_str(&app.store.definition(&request.definition).await?)?;
    let last = app.store.steps(&request.id).await?.len() >= command.step.len();
    let needs_more = match verdict {
        Verdict::Again => true,
        Verdict::Happened => !last,
        Verdict::NotHappened => false,
    };
    if command.has_secrets() && needs_more {
        let message = "It cannot go on: the secret that it needs was forgotten when it ended.";
        return Err(UserError::new(Reason::Conflict, message)
            .hint("finish it by hand and resolve this, or say that it did not happen and have it typed again")
            .into());
    }
    Ok(())
}

fn settled() -> UserError {
    UserError::new(Reason::Conflict, "It is not uncertain any more: somebody has said what happened.")
}
