//! What the page sends: lines, presses, filled forms, questions for proposals, names.

use std::collections::BTreeMap;

use axum::extract::{RawForm, State};
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse as _, Response};
use serde_json::Value;
use uuid::Uuid;

use super::content::Content;
use super::filled::Filled;
use super::page::{answer, event};
use super::refusal::Refusal;
use super::{Room, reply_id, sealed, view, visit};
use crate::chat::{Event, Form, Intent, Reply, Token, Tone};
use crate::error::{Result, UserError};
use crate::store::conversation::{Entry, Visitor};

/// `POST /chat/say`: a line.
pub async fn say(State(room): State<Room>, headers: HeaderMap, body: RawForm) -> Result<Response, Refusal> {
    let (visitor, filled) = enter(&room, &headers, &body).await?;
    let (delivery, words) = (filled.delivery()?, filled.text("words")?.trim().to_owned());
    if words.is_empty() {
        return Err(Refusal::malformed());
    }
    // The line is in the conversation before its answer can be. Sent again, it is the same entry and the same event.
    let said = room.chat.append(&visitor.id, &delivery.to_string(), &Content::Said { words: words.clone() }).await?;
    let refused = accept(&room, event(&visitor, delivery, None, Intent::Say { words })).await?;
    Ok(answer(&headers, html([Some(said), refused])?))
}

/// `POST /chat/press`: a button of a card.
pub async fn press(State(room): State<Room>, headers: HeaderMap, body: RawForm) -> Result<Response, Refusal> {
    let (visitor, filled) = enter(&room, &headers, &body).await?;
    let entry = Some(filled.text("entry")?.to_owned()).filter(|entry| !entry.is_empty());
    let intent = Intent::Press { token: Token::received(filled.text("token")?) };
    let event = event(&visitor, filled.delivery()?, entry, intent);
    if event.is_sealed() {
        return sealed::press(&room, &visitor, &headers, event).await;
    }
    let refused = accept(&room, event).await?;
    Ok(answer(&headers, html([refused])?))
}

/// `POST /chat/submit`: a form that was filled in.
pub async fn submit(State(room): State<Room>, headers: HeaderMap, body: RawForm) -> Result<Response, Refusal> {
    let (visitor, filled) = enter(&room, &headers, &body).await?;
    let (entry, content) = find(&room, &visitor, &filled).await?;
    let Content::Form { form } = content else {
        // Sent twice: the first time counted.
        return Ok(answer(&headers, html([Some(entry)])?));
    };
    let values = filled.answers(&form.fields);
    let intent = Intent::Submit { token: form.token.clone(), values: values.clone() };
    let event = event(&visitor, filled.delivery()?, Some(entry.id.clone()), intent);
    if event.is_sealed() {
        let reply = room.inbox.ask(event).await;
        return sealed::sent((&room, &visitor), &headers, (entry, form, values), reply).await;
    }
    let said = reply_id(&event);
    let (form, card) = match room.inbox.ask(event).await {
        Reply::Form(again) => (Content::form(with_answers(again, &values)), None),
        // Not taken: it stays open with what was filled in, so that it can be sent again.
        Reply::Card(card) if card.tone == Tone::Bad => (Content::form(with_answers(form, &values)), Some(card)),
        Reply::Card(card) => (Content::sent(&form, &values), Some(card)),
        Reply::Nothing | Reply::Choices(_) => (Content::sent(&form, &values), None),
    };
    let mut changed = vec![room.chat.replace(&visitor.id, &entry.id, &form).await?];
    if let Some(card) = card {
        changed.push(Some(room.chat.append(&visitor.id, &said, &Content::Card { card }).await?));
    }
    Ok(answer(&headers, html(changed)?))
}

/// `POST /chat/fold`: a form is put away with what was filled in, or taken up again.
pub async fn fold(State(room): State<Room>, headers: HeaderMap, body: RawForm) -> Result<Response, Refusal> {
    let (visitor, filled) = enter(&room, &headers, &body).await?;
    let (entry, content) = find(&room, &visitor, &filled).await?;
    let content = match content {
        Content::Form { form } | Content::Aside { form } if form.is_sealed() => {
            return sealed::fold((&room, &visitor), &headers, (entry, form), filled.text("open").is_ok()).await;
        }
        Content::Form { mut form } => {
            let values = filled.answers(&form.fields);
            form.fields.iter_mut().for_each(|field| field.value = values.get(&field.name).cloned());
            Content::aside(form)
        }
        Content::Aside { form } => Content::form(form),
        _ => return Ok(answer(&headers, html([Some(entry)])?)),
    };
    let changed = room.chat.replace(&visitor.id, &entry.id, &content).await?;
    Ok(answer(&headers, html([changed])?))
}

/// `POST /chat/suggest`: what may come next where somebody types.
pub async fn suggest(State(room): State<Room>, headers: HeaderMap, body: RawForm) -> Result<Response, Refusal> {
    let (visitor, filled) = enter(&room, &headers, &body).await?;
    let token = Token::received(filled.text("token")?);
    let intent = Intent::Suggest { token, typed: filled.text("typed")?.to_owned(), values: filled.so_far() };
    match room.inbox.ask(event(&visitor, Uuid::new_v4(), None, intent)).await {
        Reply::Choices(choices) => Ok(Html(view::proposals(&choices)?).into_response()),
        _ => Ok(Html(String::new()).into_response()),
    }
}

/// `POST /chat/name`: another name to show; a persona has the one that it is configured with.
pub async fn rename(State(room): State<Room>, headers: HeaderMap, body: RawForm) -> Result<Response, Refusal> {
    let (visitor, filled) = enter(&room, &headers, &body).await?;
    let name = visit::clean_name(filled.text("name")?).filter(|_| visitor.persona.is_none());
    if let Some(name) = name {
        room.chat.conversations.rename(&visitor.id, &name).await?;
    }
    Ok(answer(&headers, String::new()))
}

/// `POST /chat/be`: the browser speaks as one of the personas from now on, or as itself again.
pub async fn be(State(room): State<Room>, headers: HeaderMap, body: RawForm) -> Result<Response, Refusal> {
    let (chat, filled) = (&room.chat, Filled::read(&body.0)?);
    let browser = visit::browser(chat, &headers).await?.ok_or_else(Refusal::unknown)?;
    let persona = Some(filled.text("person")?).filter(|person| !person.is_empty());
    if persona.is_some_and(|persona| !chat.personas.iter().any(|listed| listed == persona)) {
        return Err(Refusal::not_listed());
    }
    chat.conversations.speak_as(&browser.id, persona).await?;
    Ok(answer(&headers, String::new()))
}

async fn enter(room: &Room, headers: &HeaderMap, body: &RawForm) -> Result<(Visitor, Filled), Refusal> {
    Ok((visit::required(&room.chat, headers).await?, Filled::read(&body.0)?))
}

/// The entry of this visitor that the page means.
async fn find(room: &Room, visitor: &Visitor, filled: &Filled) -> Result<(Entry, Content), Refusal> {
    let entry = room.chat.conversations.entry(&visitor.id, filled.text("entry")?).await?;
    let entry = entry.ok_or_else(Refusal::missing)?;
    let content = serde_json::from_str(&entry.content).map_err(|_| Refusal::missing())?;
    Ok((entry, content))
}

/// Hands an event over. What is refused with words is answered in the conversation.
async fn accept(room: &Room, event: Event) -> Result<Option<Entry>> {
    let (place, reply) = (event.place.clone(), reply_id(&event));
    let Err(error) = room.inbox.accept(event).await else { return Ok(None) };
    let Some(refused) = error.downcast_ref::<UserError>() else { return Err(error) };
    Ok(Some(room.chat.append(&place, &reply, &Content::refusal(refused)).await?))
}

/// The form with what was filled in, where it does not say better.
pub fn with_answers(mut form: Form, values: &BTreeMap<String, Value>) -> Form {
    for field in form.fields.iter_mut().filter(|field| field.value.is_none()) {
        field.value = values.get(&field.name).cloned();
    }
    form
}

fn html(entries: impl IntoIterator<Item = Option<Entry>>) -> Result<String> {
    entries.into_iter().flatten().map(|entry| view::entry(&entry.into())).collect()
}
