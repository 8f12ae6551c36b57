//! Filling in a form step by step. What was filled in is kept after each step, so nothing is lost by a restart.

use std::sync::Arc;

use serde_json::Value;
use tokio::time::timeout_at;

use super::answer::{Asked, draft_id};
use super::control::{Act, Control};
use super::form::{self, Draft};
use super::inbound::Given;
use super::show::{First, Show};
use super::{Room, card, limits};
use crate::chat::{Intent, Reply, Tone};
use crate::error::{Reason, Result, UserError};

impl Room {
    /// Takes one step in filling in the form that is kept under an id. Nothing if the interaction says too little.
    pub async fn step(self: &Arc<Self>, asked: &Asked<'_>, (act, id): (Act, &str), given: Given) -> Option<First> {
        let stepped = {
            // Two quick choices must not overwrite each other.
            let _one_at_a_time = self.steps.lock().await;
            self.change(asked, (act, id), &given).await
        };
        let draft = match stepped {
            Ok(draft) => draft,
            Err(error) => {
                let words = card::message(&asked.inbox.words(&error));
                return Some(Show::Beside(words).first(asked.on_message()));
            }
        };
        if let Some(modal) = modal(&draft, (act, id), &given) {
            return Some(Show::Modal(modal).first(asked.on_message()));
        }
        if act != Act::Send {
            let proposals = self.look_up(asked, &draft).await;
            return Some(Show::Replace(draft.message(id, &proposals)).first(asked.on_message()));
        }
        let mut values = draft.values();
        if let Given::Typed(typed) = given {
            // Secrets come with the last step and go no further than this.
            values.extend(typed.into_iter().filter(|(_, text)| !text.is_empty()).map(|(k, v)| (k, Value::String(v))));
        }
        let intent = Intent::Submit { token: draft.form.token.clone(), values };
        self.submit(asked, intent, Some((id.to_owned(), draft))).await
    }

    /// The form with what the step brought, kept again.
    async fn change(&self, asked: &Asked<'_>, (act, id): (Act, &str), given: &Given) -> Result<Draft> {
        let kept = self.drafts.get(id).await?.and_then(|body| serde_json::from_str::<Draft>(&body).ok());
        let mut draft = kept.ok_or_else(closed)?;
        // The id cannot be guessed, but a message may be seen by others.
        if asked.interaction.person().is_none_or(|person| person.id.as_str() != draft.person) {
            return Err(somebody_elses().into());
        }
        match (act, given) {
            (_, Given::Typed(typed)) => draft.type_in(typed),
            (Act::Page(page), _) => draft.page = page.min(form::pages(&draft.form) - 1),
            (Act::Choose(index), Given::Chosen(chosen)) if !is_other(chosen) => draft.choose(index, chosen),
            _ => return Ok(draft),
        }
        self.keep(id, &draft).await?;
        Ok(draft)
    }

    /// Sends a form and shows what comes of it. `None` for a form that was one modal and is not kept.
    pub async fn submit(
        self: &Arc<Self>,
        asked: &Asked<'_>,
        intent: Intent,
        draft: Option<(String, Draft)>,
    ) -> Option<First> {
        let mut event = self.event(asked, intent)?;
        if let Some((id, _)) = &draft {
            // A form that is sent twice, by two presses, is one request.
            event.id.clone_from(id);
        }
        let (inbox, person, on_message) = (asked.inbox.clone(), event.person.id.clone(), asked.on_message());
        // It goes on when the time for a first response is over.
        let mut sent = tokio::spawn(async move { inbox.ask(event).await });
        let Ok(reply) = timeout_at(asked.deadline, &mut sent).await else {
            let interaction = asked.interaction;
            let token = (interaction.application_id.to_string(), interaction.token.clone());
            let room = self.clone();
            self.tasks.spawn(async move {
                let Ok(reply) = sent.await else { return };
                let show = room.sent((&person, None), reply, draft).await;
                if let Err(failure) = room.call_late((show, None), on_message, (&token.0, &token.1)).await {
                    tracing::warn!(%failure, "what came of a form could not be shown");
                }
            });
            return Some(First::wait(on_message));
        };
        let reply = reply.unwrap_or(Reply::Nothing);
        Some(self.sent((&person, Some(asked)), reply, draft).await.first(on_message))
    }

    /// What is shown of a form that was sent; `asked`, while there is time to look up choices.
    async fn sent(
        &self,
        (person, asked): (&str, Option<&Asked<'_>>),
        reply: Reply,
        draft: Option<(String, Draft)>,
    ) -> Show {
        let id = draft.map(|(id, _)| id);
        match reply {
            Reply::Form(form) => {
                let id = id.unwrap_or_else(draft_id);
                let draft = Draft::new(person, form);
                if let Err(error) = self.keep(&id, &draft).await {
                    tracing::warn!(error = format!("{error:#}"), "a form could not be kept");
                    return Show::Keep;
                }
                Show::Replace(match asked {
                    Some(asked) => draft.message(&id, &self.look_up(asked, &draft).await),
                    None => draft.invitation(&id),
                })
            }
            // What went wrong stands beside the form, which stays and can be opened again.
            Reply::Card(card) if card.tone == Tone::Bad => {
                let mut body = card::message(&card);
                if let (Some(id), Some(rows)) = (id, body["components"].as_array_mut()) {
                    rows.truncate(limits::ROWS - 1);
                    rows.push(form::again(&id));
                }
                Show::Beside(body)
            }
            Reply::Card(card) => {
                self.forget(id).await;
                Show::Replace(card::message(&card))
            }
            Reply::Nothing | Reply::Choices(_) => {
                self.forget(id).await;
                Show::Remove
            }
        }
    }

    async fn forget(&self, id: Option<String>) {
        if let Some(id) = id
            && let Err(error) = self.drafts.discard(&id).await
        {
            tracing::debug!(error = format!("{error:#}"), "a form that was sent is forgotten later");
        }
    }
}

/// The modal that a step opens.
fn modal(draft: &Draft, (act, id): (Act, &str), given: &Given) -> Option<Value> {
    let form = &draft.form;
    let control = |act: Act| Control::Draft(act, id.to_owned());
    match (act, given) {
        (Act::Open, Given::Nothing) if form::is_small(form) => form::whole(form, &control(Act::Send)),
        (Act::Fill(page), Given::Nothing) => form::text_fields(form, page, &control(act)),
        (Act::Choose(index), Given::Chosen(chosen)) if is_other(chosen) && index < form.fields.len() => {
            form::one_field(form, index, &control(act))
        }
        (Act::Send, Given::Nothing) => form::secrets(form, &control(Act::Send)),
        _ => None,
    }
}

fn is_other(chosen: &[String]) -> bool {
    chosen.first().is_some_and(|chosen| chosen == form::OTHER)
}

fn closed() -> UserError {
    UserError::new(Reason::NotFound, "This form is no longer open: it was sent, or it is more than a day old.")
        .hint("use the command again")
}

fn somebody_elses() -> UserError {
    UserError::new(Reason::Denied, "Somebody else is filling in this form.").hint("use the command yourself")
}
