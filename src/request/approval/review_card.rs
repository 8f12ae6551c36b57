//! Looking at a broken glass: the owning team is told at once, and says later whether it was right.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::decision::LONGEST;
use super::sheet::Sheet;
use super::{Recorded, told, trace};
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::chat::{Card, Input, Reply, Tone};
use crate::clock::Span;
use crate::error::{Reason, Result, UserError};
use crate::store::approval::Approval;
use crate::store::audit::Act;
use crate::store::request::Request;
use crate::store::review::{Finding, Review, verdict};

/// A review with what it is about.
struct Glass {
    review: Review,
    approval: Approval,
    request: Request,
}

async fn load(app: &App, id: &str) -> Result<Glass> {
    let unknown = || UserError::new(Reason::NotFound, "There is no such review.");
    let review = app.store.review(id).await?.ok_or_else(unknown)?;
    let approval = app.store.approval(&review.approval).await?.ok_or_else(unknown)?;
    let request = app.store.request(&review.request).await?.ok_or_else(unknown)?;
    Ok(Glass { review, approval, request })
}

/// The card of a review, as it is now.
pub(super) async fn card(app: &App, id: &str) -> Result<Card> {
    let Glass { review, approval, request } = load(app, id).await?;
    let roster = app.roster().await?;
    let plan: Recorded = serde_json::from_str(&approval.plan)?;
    let reviewer = review.reviewed_by.as_deref().map(|by| roster.name(by));
    let values = json!({
        "id": review.id,
        "said": plan.said,
        "person": roster.name(&review.person),
        "requester": roster.name(&request.person),
        "reason": review.reason,
        "team": review.team,
        "at": roster.calendar_of_team(&review.team).words(review.created_at),
        "reviewer": reviewer,
        "right": review.verdict.as_deref() == Some(verdict::RIGHT),
        "note": review.note.as_deref().filter(|note| !note.is_empty()),
    });
    let tone = if reviewer.is_some() { Tone::Neutral } else { Tone::Waiting };
    Ok(Card::read(&app.messages.load().render("review_asked", &json!({ "approval": values }))?, tone))
}

/// The object of a review's token: the finding and the review.
fn read(object: &str) -> Result<(&'static str, &str)> {
    let unknown = || UserError::new(Reason::NotFound, "There is no such review.");
    let (said, id) = object.split_once(':').ok_or_else(unknown)?;
    let found = [verdict::RIGHT, verdict::WRONG].into_iter().find(|verdict| *verdict == said);
    Ok((found.ok_or_else(unknown)?, id))
}

/// The form for a note.
pub(super) async fn start(app: &App, object: &str, asker: &Asker) -> Result<Reply> {
    let (said, id) = read(object)?;
    admit(app, id, asker).await?;
    form(object, said).open(app, &BTreeMap::new(), None)
}

fn form(object: &str, said: &str) -> Sheet {
    let values = json!({ "right": said == verdict::RIGHT });
    Sheet::new(("review", object), "review_opened", vec![("note", Input::Text, false)]).with(values)
}

/// The review, if the asker is of the team that looks at it and neither broke the glass nor asked for what it let pass.
async fn admit(app: &App, id: &str, asker: &Asker) -> Result<Glass> {
    let glass = load(app, id).await?;
    let denied = |message: &str| Err(UserError::new(Reason::Denied, message).into());
    let me = &asker.person;
    if me.id == glass.review.person {
        return denied("You broke this glass, so somebody else of the team looks at it.");
    }
    if me.id == glass.request.person {
        return denied("This was your own request, so somebody else looks at it.");
    }
    if !me.teams.contains(&glass.review.team) {
        return denied(&format!("The team {} looks at this, and you are not in it.", glass.review.team));
    }
    match (&glass.review.reviewed_by, glass.review.reviewed_at) {
        (Some(by), Some(at)) => {
            let (name, ago) = (app.person(by).await?.name, Span::from_millis(app.clock.now() - at));
            Err(UserError::new(Reason::Conflict, format!("{name} has looked at this {ago} ago.")).into())
        }
        _ => Ok(glass),
    }
}

/// Keeps what the team says of it.
pub(super) async fn settle(app: &App, object: &str, values: &BTreeMap<String, Value>, asker: &Asker) -> Result<Reply> {
    let (said, id) = read(object)?;
    let glass = admit(app, id, asker).await?;
    let note = values.get("note").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    if note.chars().count() > LONGEST {
        let mistake = UserError::invalid("Too long.").field("note", format!("{LONGEST} characters fit."));
        return form(object, said).open(app, values, Some(&mistake));
    }
    let (by, signature) = (asker.person.id.clone(), asker.signature());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            let finding = Finding { by: &by, verdict: said, note: &note };
            if !tx.settle_review(&glass.review.id, finding).await? {
                return Ok(false);
            }
            let detail = format!("{} {said} as {signature}: {note}", trace(&glass.approval));
            tx.audit(Act { subject: &glass.request.id, actor: &by, action: "reviewed", detail: &detail }).await?;
            Ok(true)
        })
    });
    if !write.await? {
        admit(app, id, asker).await?;
    }
    told(app, ("review_settled", Tone::Neutral), &json!({}))
}
