//! Questions to who asked, and their answers, which all who decide can read.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::decision::LONGEST;
use super::sheet::{self, Sheet};
use super::{Case, refusal, tally, told};
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::chat::{Input, Reply, Tone};
use crate::error::{Reason, Result, UserError};
use crate::people::roster::Spot;
use crate::store::approval::PREFIX;
use crate::store::audit::Act;
use crate::store::message::Priority;
use crate::store::remark::{Remark, kind};

/// The fewest characters of a question.
const SHORTEST: usize = 3;

/// Whether a question was asked about an approval.
pub(super) async fn is_ours(app: &App, remark: &str) -> Result<bool> {
    Ok(app.store.remark(remark).await?.is_some_and(|remark| remark.subject.starts_with(PREFIX)))
}

/// The form for a question.
pub(super) async fn start(app: &App, id: &str, asker: &Asker) -> Result<Reply> {
    let case = admit(app, id, asker).await?;
    question(&case).open(app, &BTreeMap::new(), None)
}

fn question(case: &Case) -> Sheet {
    let values = json!({ "requester": case.requester.name, "said": case.plan.said });
    let fields = vec![("question", Input::Text, true)];
    Sheet::new(("question", &case.approval.id), "approval_question_opened", fields).with(values)
}

/// Whoever may decide may ask.
async fn admit(app: &App, id: &str, asker: &Asker) -> Result<Case> {
    let case = Case::load(app, id).await?;
    let roster = app.roster().await?;
    refusal::closed(app, &case, &roster)?;
    tally::entitle(&case, &case.electorate(app, &roster), asker)?;
    Ok(case)
}

/// Puts a question to who asked.
pub(super) async fn ask(app: &App, id: &str, values: &BTreeMap<String, Value>, asker: &Asker) -> Result<Reply> {
    let case = admit(app, id, asker).await?;
    let body = match sheet::text(values, "question", (SHORTEST, LONGEST)) {
        Ok(body) => body,
        Err(mistake) => return question(&case).open(app, values, Some(&mistake)),
    };
    let (person, name, trace) = (asker.person.id.clone(), asker.person.name.clone(), case.trace());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            let (approval, request) = (case.approval.id.as_str(), case.request.id.as_str());
            let id = tx.insert_remark((approval, kind::QUESTION), &person, &body).await?;
            let values = json!({ "approval": { "id": id, "person": name, "question": body, "said": case.plan.said } });
            let notice = tx.insert_notice("approval_questioned", Tone::Waiting, &values).await?;
            tx.tell_in_threads(&notice, request).await?;
            tx.touch(approval, Priority::State).await?;
            tx.touch(request, Priority::State).await?;
            tx.audit(Act { subject: request, actor: &person, action: "asked", detail: &format!("{trace}: {body}") })
                .await
        })
    });
    write.await?;
    told(app, ("approval_question_sent", Tone::Neutral), &json!({}))
}

/// The form for the answer.
pub(super) async fn start_answer(app: &App, id: &str, asker: &Asker) -> Result<Reply> {
    let (remark, case) = addressed(app, id, asker).await?;
    reply_to(app, &remark, &case).await?.open(app, &BTreeMap::new(), None)
}

async fn reply_to(app: &App, remark: &Remark, case: &Case) -> Result<Sheet> {
    let person = app.person(&remark.person).await?;
    let values = json!({ "person": person.name, "question": remark.body, "said": case.plan.said });
    let fields = vec![("answer", Input::Text, true)];
    Ok(Sheet::new(("answer", &remark.id), "approval_answer_opened", fields).with(values))
}

/// The question, if it is the asker's to answer and nobody has.
async fn addressed(app: &App, id: &str, asker: &Asker) -> Result<(Remark, Case)> {
    let unknown = || UserError::new(Reason::NotFound, "There is no such question.");
    let remark = app.store.remark(id).await?.filter(|remark| remark.kind == kind::QUESTION).ok_or_else(unknown)?;
    let case = Case::load(app, &remark.subject).await?;
    if case.request.person != asker.person.id {
        let message = format!("This question is for {}, who asked for it.", case.requester.name);
        return Err(UserError::new(Reason::Denied, message).into());
    }
    let answered = app.store.remarks(&remark.subject).await?;
    if answered.iter().any(|answer| answer.answers.as_ref() == Some(&remark.id)) {
        return Err(UserError::new(Reason::Conflict, "You have answered this already.").into());
    }
    refusal::closed(app, &case, &app.roster().await?)?;
    Ok((remark, case))
}

/// Takes the answer, and tells who asked the question.
pub(super) async fn answer(app: &App, id: &str, values: &BTreeMap<String, Value>, asker: &Asker) -> Result<Reply> {
    let (remark, case) = addressed(app, id, asker).await?;
    let body = match sheet::text(values, "answer", (1, LONGEST)) {
        Ok(body) => body,
        Err(mistake) => return reply_to(app, &remark, &case).await?.open(app, values, Some(&mistake)),
    };
    let spots = app.roster().await?.reach(&remark.person);
    let (person, name, trace) = (asker.person.id.clone(), asker.person.name.clone(), case.trace());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            let (approval, request) = (case.approval.id.as_str(), case.request.id.as_str());
            tx.answer_remark(&remark, &person, &body).await?;
            let said = json!({ "person": name, "question": remark.body, "answer": body, "said": case.plan.said,
                "id": approval });
            let notice = tx.insert_notice("approval_answered", Tone::Waiting, &json!({ "approval": said })).await?;
            let places: Vec<_> = spots.iter().map(Spot::shown).collect();
            tx.tell(&notice, &places).await?;
            tx.touch(approval, Priority::State).await?;
            tx.touch(request, Priority::State).await?;
            let detail = format!("{trace}: {body}");
            tx.audit(Act { subject: request, actor: &person, action: "answered", detail: &detail }).await
        })
    });
    write.await?;
    told(app, ("approval_answer_sent", Tone::Neutral), &json!({}))
}
