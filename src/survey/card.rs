//! The cards of surveys as they are now: invitations, reminders, results, and what became of them.

use serde_json::{Value, json};

use super::chart::chart;
use super::closing::{REPORT, RESULTS};
use super::report::report;
use super::{afterword, closing, frame, wave};
use crate::app::App;
use crate::calendar::{Calendar, Zone};
use crate::catalogue::survey::Survey;
use crate::catalogue::survey::kind::Kind;
use crate::chat::{Card, Picture, SEALED, Tone};
use crate::clock::Millis;
use crate::error::Result;
use crate::store::invitation::{self, Invitation, REMINDER};
use crate::store::survey::{Wave, state};

/// The card of a subject of this room; `None` if it is none.
pub async fn card(app: &App, subject: &str) -> Result<Option<Card>> {
    if subject.starts_with(invitation::PREFIX) {
        return asked(app, subject, "survey_asked").await.map(Some);
    }
    if let Some(reminded) = subject.strip_prefix(REMINDER) {
        let id = reminded.split('/').next().unwrap_or(reminded);
        return asked(app, id, "survey_reminded").await.map(Some);
    }
    if let Some(id) = subject.strip_prefix(RESULTS) {
        return results(app, id, "survey_published").await.map(Some);
    }
    if let Some(id) = subject.strip_prefix(REPORT) {
        return results(app, id, "survey_reported").await.map(Some);
    }
    match subject.strip_prefix(afterword::LOOPED) {
        Some(id) => afterword::card(app, id).await.map(Some),
        None => Ok(None),
    }
}

/// An invitation: the questions as long as they can be answered, then that they cannot. It is the same for everybody of the
/// wave and never depends on whether somebody has answered.
async fn asked(app: &App, id: &str, message: &str) -> Result<Card> {
    let invitation = app.store.invitation(id).await?.ok_or_else(|| anyhow::anyhow!("there is no invitation {id}"))?;
    let wave = found(app, &invitation.wave).await?;
    let survey = wave::survey(&wave)?;
    if wave.state != state::OPEN {
        let out = matches!(wave.state.as_str(), state::PUBLISHED | state::LOOPED);
        let values = json!({ "title": survey.title, "out": out });
        return Ok(Card::read(&app.messages.load().render("survey_closed", &values)?, Tone::Neutral));
    }
    let values = values(app, (&invitation, &wave), &survey).await?;
    Ok(Card::read(&app.messages.load().render(message, &values)?, Tone::Waiting))
}

async fn values(app: &App, (invitation, wave): (&Invitation, &Wave), survey: &Survey) -> Result<Value> {
    let person = app.person(&invitation.person).await?;
    let hidden = frame::never_shown(&closing::plan(wave)?, &frame::labels(survey, &person, None));
    let token = |option: usize, name: &str| format!("{SEALED}:{}/{name}/{option}", invitation.id);
    let options = survey.one_tap().map(|question| {
        let of =
            |(at, (label, _)): (usize, (String, Value))| json!({ "label": label, "token": token(at, &question.name) });
        question.options().into_iter().enumerate().map(of).collect::<Vec<_>>()
    });
    Ok(json!({
        "id": invitation.id,
        "title": survey.title,
        "purpose": survey.purpose,
        "owner": survey.owner,
        "minutes": survey.minutes(),
        "questions": survey.question.len(),
        "anonymous": survey.is_anonymous(),
        "attributed": survey.attributed,
        "minimum": wave.minimum,
        "others": wave.minimum - 1,
        "closes": words(survey, wave.closes_at.unwrap_or_default()),
        "hidden": hidden,
        "texts": survey.question.iter().any(|question| question.kind == Kind::Text),
        "one": survey.one_tap().map(|question| question.text.clone()),
        "options": options,
    }))
}

/// An instant in words, where the survey is at home.
pub fn words(survey: &Survey, at: Millis) -> String {
    let zone = survey.schedule.as_ref().map_or(Zone::UTC, |schedule| schedule.zone.clone());
    Calendar { zone, hours: None }.words(at)
}

/// A wave of which a card was made.
pub async fn found(app: &App, id: &str) -> Result<Wave> {
    app.store.wave(id).await?.ok_or_else(|| anyhow::anyhow!("there is no wave {id}"))
}

/// The results of a wave; for its owner with what is to be done about them.
pub async fn results(app: &App, id: &str, message: &str) -> Result<Card> {
    let wave = found(app, id).await?;
    let survey = wave::survey(&wave)?;
    let report = report(&wave)?.ok_or_else(|| anyhow::anyhow!("the wave {id} has no results"))?;
    let mut values = report.values(&survey, &wave);
    values["page"] = app.config.web.page.then(|| format!("{}/surveys/{id}", app.config.public_url())).into();
    let mut card = Card::read(&app.messages.load().render(message, &values)?, Tone::Good);
    card.picture = chart(&report).map(|chart| Picture { chart });
    Ok(card)
}
