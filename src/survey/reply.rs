//! What people do with an invitation: answer, "not now", "never", and how it is kept that nobody knows what they said.
//!
//! Invariant: nothing of this is logged, and no error carries what was answered.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::form::{Filled, form};
use super::identifier::{Names, mask};
use super::{closing, wave};
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::catalogue::survey::answers::Answers;
use crate::catalogue::survey::kind::Kind;
use crate::catalogue::survey::{Question, Survey};
use crate::chat::{Card, Reply, Tone};
use crate::error::{Reason, Result, UserError};
use crate::store::answer::who;
use crate::store::invitation::Invitation;
use crate::store::survey::{Wave, state};
use crate::store::waiting::{Response, Taken};

/// What a form's token ends with that was shown again because a text may tell who wrote it.
const SURE: &str = "/sure";

/// An invitation that somebody may answer now.
struct Asked {
    invitation: Invitation,
    wave: Wave,
    survey: Survey,
}

/// A button of an invitation was pressed; `object` is `inv_…`, and what was meant after a slash.
pub async fn pressed(app: &App, object: &str, asker: &Asker) -> Result<Reply> {
    let (id, meant) = object.split_once('/').unwrap_or((object, ""));
    let asked = asked(app, id, asker).await?;
    match meant {
        "privacy" => privacy(app, &asked),
        _ if asked.wave.state != state::OPEN => Err(over().into()),
        "" => open(app, &asked).await,
        "later" => decline(app, &asked, false).await,
        "never" => decline(app, &asked, true).await,
        answer => {
            let values = tapped(&asked.survey, answer).ok_or_else(over)?;
            take(app, &asked, asked.survey.read(&values).given).await
        }
    }
}

/// A form of an invitation was sent.
pub async fn submitted(app: &App, object: &str, values: &BTreeMap<String, Value>, asker: &Asker) -> Result<Reply> {
    let (id, round) = object.split_at(object.find('/').unwrap_or(object.len()));
    let asked = asked(app, id, asker).await?;
    if asked.wave.state != state::OPEN {
        return Err(over().into());
    }
    let Answers { mut given, errors } = asked.survey.read_fields(values);
    let again = |errors, warning: Option<String>, round: &str| {
        let filled = Filled { values: values.clone(), errors, warning, round };
        Ok(Reply::Form(form(app, &asked.survey, (id, &filled))?))
    };
    if !errors.is_empty() {
        return again(errors, None, round);
    }
    if given.is_empty() {
        return again(errors, Some("Nothing is answered yet. Answer at least one question.".into()), round);
    }
    if asked.survey.is_anonymous() {
        let found = if round == SURE { BTreeMap::new() } else { telling(app, &asked.survey, &given).await? };
        if !found.is_empty() {
            return again(found, Some(caution()), SURE);
        }
        hide(&asked.survey, &mut given);
    }
    take(app, &asked, given).await
}

/// The invitation, if it is the asker's.
async fn asked(app: &App, id: &str, asker: &Asker) -> Result<Asked> {
    let invitation = app.store.invitation(id).await?.filter(|invitation| invitation.person == asker.person.id);
    let invitation = invitation.ok_or_else(|| {
        UserError::new(Reason::NotFound, "You have no such invitation.").hint("type /surveys to see yours")
    })?;
    let wave = app.store.wave(&invitation.wave).await?.ok_or_else(over)?;
    let survey = wave::survey(&wave)?;
    Ok(Asked { invitation, wave, survey })
}

fn over() -> UserError {
    UserError::new(Reason::Conflict, "This survey is closed.").hint("type /surveys to see what is open")
}

fn caution() -> String {
    "What is marked may tell who you are. Change it, or send it as it is: addresses and numbers are hidden, names are not.".into()
}

fn card(app: &App, (name, tone): (&str, Tone), asked: &Asked) -> Result<Reply> {
    let values = json!({
        "id": asked.invitation.id,
        "name": asked.survey.name,
        "title": asked.survey.title,
        "anonymous": asked.survey.is_anonymous(),
        "minimum": asked.wave.minimum,
        "others": asked.wave.minimum - 1,
    });
    Ok(Reply::Card(Card::read(&app.messages.load().render(name, &values)?, tone)))
}

/// How it is kept that nobody knows who said what.
fn privacy(app: &App, asked: &Asked) -> Result<Reply> {
    card(app, ("survey_privacy", Tone::Neutral), asked)
}

/// The questions, unless they are answered already.
async fn open(app: &App, asked: &Asked) -> Result<Reply> {
    if has_answered(app, asked).await? {
        return card(app, ("survey_answered", Tone::Good), asked);
    }
    Ok(Reply::Form(form(app, &asked.survey, (&asked.invitation.id, &Filled::default()))?))
}

/// Whether the answers are stored; those that wait, and those with a name, can be changed.
async fn has_answered(app: &App, asked: &Asked) -> Result<bool> {
    match app.store.wave_key(&asked.wave.id).await? {
        Some(key) => app.store.has_participated(&asked.wave.id, &who(&key, &asked.invitation.person)).await,
        None => Err(over().into()),
    }
}

/// "Not now", or "never".
async fn decline(app: &App, asked: &Asked, for_ever: bool) -> Result<Reply> {
    let Asked { invitation, survey, .. } = asked;
    let (id, person, survey) = (invitation.id.clone(), invitation.person.clone(), survey.name.clone());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            if for_ever {
                tx.refuse_survey(&person, &survey).await?;
            }
            tx.decline(&id).await
        })
    });
    write.await?;
    card(app, (if for_ever { "survey_refused" } else { "survey_declined" }, Tone::Neutral), asked)
}

/// The answer that a button stands for: `QUESTION/OPTION`, the options counted from 0.
fn tapped(survey: &Survey, answer: &str) -> Option<BTreeMap<String, Value>> {
    let (name, option) = answer.split_once('/')?;
    let (_, value) = survey.question(name)?.options().into_iter().nth(option.parse().ok()?)?;
    Some([(name.to_owned(), value)].into())
}

/// Which texts hold something that may tell who wrote them.
async fn telling(app: &App, survey: &Survey, given: &BTreeMap<String, Value>) -> Result<BTreeMap<String, String>> {
    let texts = given.iter().filter(|(name, _)| is_text(survey, name)).collect::<Vec<_>>();
    if texts.is_empty() {
        return Ok(BTreeMap::new());
    }
    let roster = app.roster().await?;
    let names = Names::new(roster.people().flat_map(|person| [person.name.as_str(), person.id.as_str()]));
    let found = texts.into_iter().filter_map(|(name, text)| {
        let found = names.find(text.as_str().unwrap_or_default());
        (!found.is_empty()).then(|| (name.clone(), format!("This may tell who you are: {}", found.join(", "))))
    });
    Ok(found.collect())
}

fn is_text(survey: &Survey, name: &str) -> bool {
    survey.question(name).is_some_and(|question| question.kind == Kind::Text)
}

/// Obvious identifiers are hidden before anything is kept.
fn hide(survey: &Survey, given: &mut BTreeMap<String, Value>) {
    for (name, value) in given {
        if let Some(text) = value.as_str().filter(|_| is_text(survey, name)) {
            *value = mask(text).into();
        }
    }
}

/// Takes answers: they wait for others, or are stored with them.
async fn take(app: &App, asked: &Asked, given: BTreeMap<String, Value>) -> Result<Reply> {
    if has_answered(app, asked).await? {
        return card(app, ("survey_answered", Tone::Good), asked);
    }
    let Asked { invitation, wave, survey } = asked;
    let must = |question: &&Question| !question.optional && question.kind != Kind::Text;
    let is_complete = survey.question.iter().filter(must).all(|question| given.contains_key(&question.name));
    let response = Response { answers: given, cell: invitation.cell.clone(), is_complete };
    let place = closing::asked(wave)?;
    if !survey.is_anonymous() {
        app.store.keep_named_answers(&place, (&invitation.person, response)).await?;
        return card(app, ("survey_thanked", Tone::Good), asked);
    }
    match app.waiting.take(&wave.id, (&invitation.person, response), place.minimum) {
        Taken::Waits => {}
        Taken::Full(batch) => {
            // If it cannot be stored now, it waits for the next one; nobody's answer is lost by that.
            let left = app.store.keep_answers(&place, batch.clone()).await.unwrap_or(batch);
            app.waiting.put_back(&wave.id, left);
        }
        Taken::NoRoom => {
            let message = "Too many answers are waiting to be stored.";
            return Err(UserError::new(Reason::Unavailable, message).hint("try again in a few minutes").into());
        }
    }
    card(app, ("survey_thanked", Tone::Good), asked)
}
