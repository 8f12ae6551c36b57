//! `/surveys`: what one is asked, what one never wants to be asked, and for those who ask, how their surveys stand.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::report::report;
use super::{afterword, card, wave};
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::catalogue::survey::{Question, Survey};
use crate::chat::{Card, Reply, Tone};
use crate::error::{Reason, Result, UserError};
use crate::store::survey::{Wave, state};

/// How many waves of a survey its owner sees.
const WAVES: i64 = 4;

/// The board of whoever asks for it.
pub async fn list(app: &App, asker: &Asker) -> Result<Reply> {
    let person = &asker.person;
    let mut open = Vec::new();
    for invitation in app.store.open_invitations(&person.id).await? {
        let wave = card::found(app, &invitation.wave).await?;
        let survey = wave::survey(&wave)?;
        let closes = card::words(&survey, wave.closes_at.unwrap_or_default());
        open.push(json!({ "id": invitation.id, "title": survey.title, "minutes": survey.minutes(), "closes": closes }));
    }
    let catalogue = app.catalogue.load_full();
    let title = |name: &String| catalogue.surveys.get(name).map_or_else(|| name.clone(), |survey| survey.title.clone());
    let refused = app.store.refused_surveys(&person.id).await?;
    let refused: Vec<Value> = refused.iter().map(|name| json!({ "name": name, "title": title(name) })).collect();
    let (mut owned, mut coming) = (Vec::new(), Vec::new());
    let scheduled = app.store.scheduled_surveys().await?;
    for survey in catalogue.surveys.values().filter(|survey| person.teams.contains(&survey.owner)) {
        let next = scheduled.iter().find(|next| next.name == survey.name && survey.event.is_none());
        coming.extend(next.map(|next| json!({ "title": survey.title, "at": card::words(survey, next.next_at) })));
        let waves = app.store.waves(&survey.name, WAVES).await?;
        for (at, wave) in waves.iter().enumerate() {
            owned.push(row(app, survey, (wave, waves.get(at + 1))).await?);
        }
    }
    let values = json!({ "open": open, "refused": refused, "owned": owned, "coming": coming });
    Ok(Reply::Card(Card::read(&app.messages.load().render("surveys_listed", &values)?, Tone::Neutral)))
}

/// How a wave stands after the one before it. How many have answered is told only once that tells nothing of anybody.
async fn row(app: &App, survey: &Survey, (wave, before): (&Wave, Option<&Wave>)) -> Result<Value> {
    let reached = app.store.reached(&wave.id).await?;
    let answered = wave.complete + wave.partial;
    let is_held = wave.state == state::PLANNED && !before.is_none_or(Wave::is_finished);
    Ok(json!({
        "id": wave.id,
        "title": survey.title,
        "number": wave.number + 1,
        "state": wave.state,
        "invited": reached.invited,
        "asked": reached.asked,
        "told": reached.told,
        "answered": (answered >= wave.minimum).then_some(answered),
        "minimum": wave.minimum,
        "published": matches!(wave.state.as_str(), state::PUBLISHED | state::LOOPED),
        "waits_for_word": wave.state == state::PUBLISHED,
        "held": is_held && wave.override_reason.is_none(),
        "by_event": survey.event.is_some(),
        "attributed": !survey.is_anonymous(),
    }))
}

/// A button of the board, or of results that the owner is shown: `VERB/OBJECT`.
pub async fn pressed(app: &App, object: &str, asker: &Asker) -> Result<Option<Reply>> {
    let Some((verb, id)) = object.split_once('/') else { return Ok(None) };
    Ok(Some(match verb {
        "results" => Reply::Card(card::results(app, &seen(app, id, asker).await?.id, "survey_published").await?),
        "csv" => Reply::Card(exported(app, &seen(app, id, asker).await?)?),
        "names" => Reply::Card(named(app, &afterword::owned(app, id, asker).await?).await?),
        "said" | "override" => afterword::form(app, (verb, id), asker).await?,
        "allow" => {
            app.store.allow_survey(&asker.person.id, id).await?;
            list(app, asker).await?
        }
        _ => return Ok(None),
    }))
}

/// The published figures as CSV, to be copied.
fn exported(app: &App, wave: &Wave) -> Result<Card> {
    let report = report(wave)?.ok_or_else(|| anyhow::anyhow!("the wave {} has no results", wave.id))?;
    let values = json!({ "title": report.title, "csv": report.csv() });
    Ok(Card::read(&app.messages.load().render("survey_exported", &values)?, Tone::Neutral))
}

/// Who said what, where everybody who was asked was told that it is seen.
async fn named(app: &App, wave: &Wave) -> Result<Card> {
    let survey = wave::survey(wave)?;
    let mut people: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for answer in app.store.named_answers(&wave.id).await? {
        people.entry(answer.person).or_default().insert(answer.question, serde_json::from_str(&answer.value)?);
    }
    let mut named = Vec::new();
    for (person, given) in people {
        let said = |question: &Question| {
            let answer = question.words(given.get(&question.name)?);
            Some(json!({ "question": question.text, "answer": answer }))
        };
        let said: Vec<Value> = survey.question.iter().filter_map(said).collect();
        named.push(json!({ "name": app.person(&person).await?.name, "said": said }));
    }
    let values = json!({ "title": survey.title, "owner": survey.owner, "people": named });
    Ok(Card::read(&app.messages.load().render("survey_named", &values)?, Tone::Neutral))
}

/// A wave whose results the asker may see: of those who were asked, and of the team that asks.
pub async fn seen(app: &App, id: &str, asker: &Asker) -> Result<Wave> {
    if let Some(wave) = app.store.wave(id).await?.filter(|wave| wave.results.is_some()) {
        let is_invited = app.store.is_invited(id, &asker.person.id).await?;
        if is_invited || afterword::owned(app, id, asker).await.is_ok() {
            return Ok(wave);
        }
    }
    Err(UserError::new(Reason::NotFound, "There are no such results for you.")
        .hint("type /surveys to see yours")
        .into())
}
