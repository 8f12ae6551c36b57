//! Absences: who is not there says so, until when, and who decides for them meanwhile.
//!
//! Invariant: one person has one absence at a time; a new one takes the place of those that it overlaps.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::app::App;
use crate::catalogue::menu;
use crate::catalogue::resolve::Asker;
use crate::chat::{Card, Reply, Tone};
use crate::error::{Reason, Result, UserError};
use crate::people::roster::{Roster, Spot};
use crate::store::absence::Absence;

mod form;
mod given;

use given::Given;

/// What is said about being away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// `/away`: what is noted, or the form.
    Show,
    /// `/away back`: it is over.
    Back,
    /// `/away until 2026-12-01 to ben`.
    Set(BTreeMap<String, Value>),
}

/// The topic of a line, if it is about being away.
pub fn read(line: &str) -> Option<Topic> {
    let (word, rest) = menu::first_word(line);
    (word == "away").then(|| match rest.to_lowercase().as_str() {
        "" => Topic::Show,
        "back" => Topic::Back,
        _ => Topic::Set(given::typed(rest)),
    })
}

/// The answer to a topic.
pub async fn answer(app: &App, topic: &Topic, asker: &Asker) -> Result<Reply> {
    match topic {
        Topic::Show => {
            let noted = app.store.absences_of(&asker.person.id, app.clock.now()).await?;
            if noted.is_empty() { form::open(app, &Given::default()) } else { show(app, asker, "noted").await }
        }
        Topic::Back => {
            let now = app.clock.now();
            let noted = app.store.absences_of(&asker.person.id, now).await?;
            let current = noted.into_iter().find(|absence| absence.covers(now)).ok_or_else(not_away)?;
            end(app, &current.id, asker).await
        }
        Topic::Set(said) => set(app, said, asker).await,
    }
}

/// The answer to a button; `None` if it is none of these.
pub async fn pressed(app: &App, (verb, object): (&str, &str), asker: &Asker) -> Result<Option<Reply>> {
    Ok(Some(match verb {
        "away" => form::open(app, &Given::default())?,
        "back" => end(app, object, asker).await?,
        _ => return Ok(None),
    }))
}

/// The answer to a form; `None` if it is not this one.
pub async fn submitted(
    app: &App,
    (verb, _): (&str, &str),
    values: &BTreeMap<String, Value>,
    asker: &Asker,
) -> Result<Option<Reply>> {
    if verb != form::VERB {
        return Ok(None);
    }
    set(app, values, asker).await.map(Some)
}

/// Notes an absence; what is wrong comes back beside its field.
async fn set(app: &App, said: &BTreeMap<String, Value>, asker: &Asker) -> Result<Reply> {
    let roster = app.roster().await?;
    let mut given = Given::of(said);
    let Some(absence) = given.read(app, &roster, asker).await? else { return form::open(app, &given) };
    let spots = absence.delegate.as_deref().map(|delegate| roster.reach(delegate)).unwrap_or_default();
    let (values, name) = (told(&roster, &absence, asker), asker.person.name.clone());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            tx.know_person(&absence.person, &name).await?;
            tx.insert_absence(&absence).await?;
            if spots.is_empty() {
                return Ok(());
            }
            let notice = tx.insert_notice("absence_delegated", Tone::Waiting, &values).await?;
            tx.tell(&notice, &spots.iter().map(Spot::shown).collect::<Vec<_>>()).await
        })
    });
    write.await?;
    show(app, asker, "set").await
}

/// What a delegate is told, in the words of their own zone.
fn told(roster: &Roster<'_>, absence: &Absence, asker: &Asker) -> Value {
    let calendar = roster.calendar_of(absence.delegate.as_deref().unwrap_or(&absence.person));
    json!({
        "person": asker.person,
        "from": calendar.words(absence.from_at),
        "until": calendar.words(absence.until_at),
        "why": absence.reason,
    })
}

async fn end(app: &App, id: &str, asker: &Asker) -> Result<Reply> {
    let (id, person) = (id.to_owned(), asker.person.id.clone());
    let ended = app.store.write(move |tx| Box::pin(async move { tx.end_absence(&id, &person).await })).await?;
    if !ended {
        return Err(not_away().into());
    }
    show(app, asker, "ended").await
}

fn not_away() -> UserError {
    let message = "There is no absence of yours to end: it is over, or another one took its place.";
    UserError::new(Reason::Conflict, message).hint("/away shows what is noted")
}

/// What is noted for the asker, and what has just become of it.
async fn show(app: &App, asker: &Asker, done: &str) -> Result<Reply> {
    let (now, roster) = (app.clock.now(), app.roster().await?);
    let noted = app.store.absences_of(&asker.person.id, now).await?;
    let calendar = roster.calendar_of(&asker.person.id);
    let row = |absence: &Absence| {
        let delegate = absence.delegate.as_deref();
        // Asked for when it begins: somebody may be away today and be back by then.
        let at = absence.from_at.max(now);
        let their_return = delegate.and_then(|delegate| roster.absence(delegate, at));
        let stand_in = roster.stand_ins(&absence.person, at).first().map(|person| roster.name(person).to_owned());
        json!({
            "id": absence.id,
            "from": calendar.words(absence.from_at),
            "until": calendar.words(absence.until_at),
            "has_begun": absence.covers(now),
            "why": absence.reason,
            "delegate": delegate.map(|delegate| roster.name(delegate)),
            "delegate_away": their_return.map(|theirs| calendar.words(theirs.until_at)),
            "stand_in": stand_in,
        })
    };
    let rows: Vec<Value> = noted.iter().map(row).collect();
    let is_away = noted.iter().any(|absence| absence.covers(now));
    let values = json!({ "done": done, "away": is_away, "absences": rows });
    let tone = if is_away { Tone::Waiting } else { Tone::Good };
    Ok(Reply::Card(Card::read(&app.messages.load().render("absence_shown", &values)?, tone)))
}
