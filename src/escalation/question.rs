//! Asking whoever waits: a question in their thread, and their answer on the card of those who help.

use serde_json::json;

use super::act::{self, Actor};
use super::form::{self, Filled};
use super::{news, right};
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::chat::{Form, Input, Reply, Token, Tone};
use crate::error::{Reason, Result, UserError};
use crate::people::roster::Spot;
use crate::store::escalation::{Escalation, PREFIX};
use crate::store::remark::{Remark, kind};

/// How long a question or an answer may be, in characters.
const LONGEST: usize = 1000;

/// "Ask…": what is the question?
pub(super) async fn pressed(app: &App, id: &str, asker: &Asker) -> Result<Reply> {
    let root = askable(app, id, asker).await?;
    Ok(Reply::Form(blank(app, &root)?))
}

/// The question goes to whoever waits.
pub(super) async fn submitted(app: &App, id: &str, (values, asker): (&Filled, &Asker)) -> Result<Reply> {
    let root = askable(app, id, asker).await?;
    let question = match form::told(values, "text", LONGEST) {
        Ok(question) => question,
        Err(errors) => return Ok(form::again(blank(app, &root)?, values, errors)),
    };
    let actor = Actor::of(asker);
    let barrier = act::change(app, id, move |tx, root| {
        Box::pin(async move {
            let remark = tx.insert_remark((&root.id, kind::QUESTION), &actor.person, &question).await?;
            actor.audit(tx, (&root.id, "asked"), &question).await?;
            let mut change = news::change("asked", &actor.name);
            (change["text"], change["remark"]) = (question.into(), remark.into());
            news::tell(tx, &root, &change).await?;
            news::touch(tx, &root).await?;
            Ok(None)
        })
    });
    act::explain(app, barrier.await?).await?;
    super::reply(app, ("escalation_answered", Tone::Good), &json!({"act": super::done("asked", &root)}))
}

/// "Answer…": what is the answer? `None` if the question is none of this room.
pub(super) async fn answer_pressed(app: &App, id: &str, asker: &Asker) -> Result<Option<Reply>> {
    let Some(question) = asked(app, id, asker).await? else { return Ok(None) };
    Ok(Some(Reply::Form(answer_blank(app, &question)?)))
}

/// The answer goes to whoever asked.
pub(super) async fn answered(app: &App, id: &str, (values, asker): (&Filled, &Asker)) -> Result<Option<Reply>> {
    let Some(question) = asked(app, id, asker).await? else { return Ok(None) };
    let answer = match form::told(values, "text", LONGEST) {
        Ok(answer) => answer,
        Err(errors) => return Ok(Some(form::again(answer_blank(app, &question)?, values, errors))),
    };
    let spots = app.roster().await?.reach(&question.person);
    let actor = Actor::of(asker);
    let subject = question.subject.clone();
    let barrier = act::change(app, &subject, move |tx, root| {
        Box::pin(async move {
            tx.answer_remark(&question, &actor.person, &answer).await?;
            actor.audit(tx, (&root.id, "answered"), &answer).await?;
            let call = json!({"why": "answered", "who": actor.name, "text": answer});
            let body = json!({"call": call, "escalation": news::brief(&root)});
            let notice = tx.insert_notice("escalation_called", Tone::Neutral, &body).await?;
            let places: Vec<_> = spots.iter().map(Spot::shown).collect();
            tx.tell(&notice, &places).await?;
            news::touch(tx, &root).await?;
            Ok(None)
        })
    });
    act::explain(app, barrier.await?).await?;
    super::reply(app, ("escalation_answered", Tone::Good), &json!({"act": super::said("answered")})).map(Some)
}

/// The escalation, if the asker may ask about it and there is somebody to be asked.
async fn askable(app: &App, id: &str, asker: &Asker) -> Result<Escalation> {
    let root = right::permit(app, id, asker).await?;
    if root.requester.is_none() {
        return Err(UserError::new(Reason::Conflict, "Nobody waits for this, so there is nobody to ask.").into());
    }
    Ok(root)
}

/// The question, if it is one of this room's; only whoever waits for that escalation may answer it.
async fn asked(app: &App, id: &str, asker: &Asker) -> Result<Option<Remark>> {
    let found = app.store.remark(id).await?;
    let Some(question) = found.filter(|remark| remark.subject.starts_with(PREFIX) && remark.kind == kind::QUESTION)
    else {
        return Ok(None);
    };
    let root = right::found(app, &question.subject).await?;
    let joined = app.store.escalations_joined(&root.id).await?;
    let waits = |one: &Escalation| one.requester.as_ref() == Some(&asker.person.id);
    if std::iter::once(&root).chain(&joined).any(waits) {
        return Ok(Some(question));
    }
    Err(UserError::new(Reason::Denied, "This question is for whoever needs the help.").into())
}

fn blank(app: &App, root: &Escalation) -> Result<Form> {
    let values = json!({"escalation": news::brief(root)});
    form::form(app, ("help_asked", &values), Token::new("question", &root.id), vec![("text", Input::Text, true)])
}

fn answer_blank(app: &App, question: &Remark) -> Result<Form> {
    let values = json!({"question": question.body});
    form::form(app, ("help_answered", &values), Token::new("answer", &question.id), vec![("text", Input::Text, true)])
}
