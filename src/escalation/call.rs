//! Asking for a human: the button of a request's card and of a search that found nothing, and the form behind it.

use serde_json::json;

use super::act::Actor;
use super::form::{self, Filled};
use super::{evidence, open};
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::chat::{Form, Input, Reply, Token, Tone};
use crate::error::{Reason, Result, UserError};
use crate::job::Exception;
use crate::store::escalation::{ASKED, Escalation};
use crate::store::message::Shown;
use crate::store::remark::kind;
use crate::store::request::State;

/// How much somebody can say about what they need, in characters.
const NEED: usize = 1000;

/// "Get a human": asks what is needed.
pub(super) async fn pressed(app: &App, subject: &str, asker: &Asker) -> Result<Reply> {
    let draft = draft(app, (subject, ""), asker).await?;
    let mut form = blank(app, &draft)?;
    if draft.request.is_none() {
        form.fields[0].value = Some(draft.title.into());
    }
    Ok(Reply::Form(form))
}

/// The form came back: a human is asked.
pub(super) async fn submitted(app: &App, subject: &str, (values, asker): (&Filled, &Asker)) -> Result<Reply> {
    let need = match form::told(values, "need", NEED) {
        Ok(need) => need,
        Err(errors) => {
            let draft = draft(app, (subject, ""), asker).await?;
            return Ok(form::again(blank(app, &draft)?, values, errors));
        }
    };
    let draft = draft(app, (subject, &need), asker).await?;
    let (actor, id, platform) = (Actor::of(asker), draft.id.clone(), asker.platform.to_string());
    let shown = draft.request.is_none().then(|| (platform, asker.identity.clone()));
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            let known = tx.latest_escalation(&draft.reason, &draft.subject).await?;
            let is_known = known.is_some_and(|known| !known.is_resolved());
            let root = open::open(tx, draft, &actor.person).await?;
            if root.id != id || is_known {
                // Who deals with the other one reads what is needed here.
                tx.insert_remark((&root.id, kind::NOTE), &actor.person, &need).await?;
            }
            actor.audit(tx, (&root.id, "asked for"), "").await?;
            if let Some((platform, identity)) = shown.filter(|_| !is_known) {
                let place = format!("@{identity}");
                let shown = Shown { platform: &platform, place: &place, recipient: &identity };
                tx.show(&format!("{ASKED}{id}"), shown).await?;
            }
            Ok(root)
        })
    });
    let root = write.await?;
    super::reply(app, ("escalation_answered", Tone::Good), &json!({"act": super::done("called", &root)}))
}

fn blank(app: &App, draft: &Escalation) -> Result<Form> {
    let token = Token::new("human", &draft.subject);
    let values = json!({"draft": {"title": draft.title, "request": draft.request.is_some()}});
    form::form(app, ("human_wanted", &values), token, vec![("need", Input::Text, true)])
}

/// The escalation that it would be; only whoever made the request, or looked in vain, can ask.
async fn draft(app: &App, (subject, need): (&str, &str), asker: &Asker) -> Result<Escalation> {
    let none = || UserError::new(Reason::NotFound, "You have no such request.").hint("type /requests to see yours");
    let of_asker = |draft: &Escalation| draft.requester.as_ref() == Some(&asker.person.id);
    if subject.starts_with("gap_") {
        let draft = evidence::of_gap(app, subject, need).await?.filter(of_asker);
        return draft.ok_or_else(|| none().into());
    }
    let found = evidence::of_request(app, Exception::AskedForHuman, (subject, need)).await?;
    let (draft, request) = found.filter(|(draft, _)| of_asker(draft)).ok_or_else(none)?;
    if matches!(request.state, State::Succeeded | State::Cancelled | State::Confirm) {
        let state = request.state.name();
        return Err(UserError::new(Reason::Conflict, format!("This request is {state} already."))
            .hint("type /help and what you need")
            .into());
    }
    Ok(draft)
}
