//! "You said, we did": what the owner says became of a wave, and the reason where the next one opens without it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{board, wave};
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::chat::{Card, Form, Input, Reply, Token, Tone};
use crate::error::{FieldError, Reason, Result, UserError};
use crate::job::Job;
use crate::store::audit::Act;
use crate::store::survey::{Wave, state};

/// What the subject begins with of the card that tells those who were asked, before the wave's id.
pub const LOOPED: &str = "looped:";
/// The longest text, in characters.
const LONGEST: usize = 1500;
/// The most links.
const LINKS: usize = 10;

/// What became of a wave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Afterword {
    /// What people said.
    said: String,
    /// What is done about it.
    did: String,
    /// Where to read more.
    links: Vec<String>,
    /// Who says so.
    by: String,
}

/// The form for "you said, we did", or for the reason to go on without it.
pub async fn form(app: &App, (verb, id): (&str, &str), asker: &Asker) -> Result<Reply> {
    let wave = owned(app, id, asker).await?;
    check(&wave, verb)?;
    Ok(Reply::Form(blank(app, (verb, &wave), (&BTreeMap::new(), Vec::new()))?))
}

/// The wave, if the asker is of the team that asks.
pub async fn owned(app: &App, id: &str, asker: &Asker) -> Result<Wave> {
    let wave = app.store.wave(id).await?;
    let is_owner = |wave: &Wave| wave::survey(wave).is_ok_and(|survey| asker.person.teams.contains(&survey.owner));
    wave.filter(is_owner).ok_or_else(|| {
        UserError::new(Reason::NotFound, "Your teams have no such survey.").hint("type /surveys to see yours").into()
    })
}

fn check(wave: &Wave, verb: &str) -> Result<()> {
    match (verb, wave.state.as_str()) {
        ("said", state::PUBLISHED) | ("override", state::PLANNED) => Ok(()),
        ("said", state::LOOPED) => Err(UserError::new(Reason::Conflict, "This was said already.").into()),
        ("said", _) => Err(UserError::new(Reason::Conflict, "The results are not out yet.").into()),
        _ => Err(UserError::new(Reason::Conflict, "This wave waits for nothing.").into()),
    }
}

type Values = BTreeMap<String, Value>;

/// The form with these values and errors.
fn blank(app: &App, (verb, wave): (&str, &Wave), (values, errors): (&Values, Vec<FieldError>)) -> Result<Form> {
    let blank = |name| (name, Input::Text, name != "links");
    let (message, blanks) = match verb {
        "said" => ("survey_loop_form", ["said", "did", "links"].map(blank).into()),
        _ => ("survey_override_form", ["reason"].map(blank).into()),
    };
    let text = app.messages.load().render(message, &json!({ "title": wave::survey(wave)?.title }))?;
    let form = Form::read(&text, Token::new("survey", &format!("{verb}/{}", wave.id)), blanks);
    Ok(form.filled(values).marked(errors))
}

/// The form came back.
pub async fn submitted(app: &App, (verb, id): (&str, &str), values: &Values, asker: &Asker) -> Result<Reply> {
    let wave = owned(app, id, asker).await?;
    check(&wave, verb)?;
    let mut errors = Vec::new();
    let mut text = |name: &'static str| {
        let given = values.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        match given.chars().count() {
            0 => errors.push(FieldError::new(name, "This is needed.")),
            count if count > LONGEST => {
                errors.push(FieldError::new(name, format!("Write {LONGEST} characters at most.")));
            }
            _ => {}
        }
        given
    };
    if verb == "override" {
        let reason = text("reason");
        if errors.is_empty() {
            return go_on(app, &wave, reason, asker).await;
        }
    } else {
        let (said, did) = (text("said"), text("did"));
        let links: Vec<String> = values
            .get("links")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        if links.len() > LINKS || links.iter().any(|link| !crate::markdown::is_safe(link)) {
            let message = format!("Write up to {LINKS} addresses that begin with https://, one a line.");
            errors.push(FieldError::new("links", message));
        }
        if errors.is_empty() {
            return finish(app, &wave, Afterword { said, did, links, by: asker.person.id.clone() }).await;
        }
    }
    Ok(Reply::Form(blank(app, (verb, &wave), (values, errors))?))
}

/// What became of it is told to everybody who was asked, and the next wave may open.
async fn finish(app: &App, wave: &Wave, afterword: Afterword) -> Result<Reply> {
    let (kept, by) = (serde_json::to_string(&afterword)?, afterword.by.clone());
    let wave_id = wave.id.clone();
    let waits = wave.clone();
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            if !tx.finish_wave(&waits.id, &kept).await? {
                return Err(UserError::new(Reason::Conflict, "This was said already.").into());
            }
            tx.tell_invited(&waits.id, (&format!("{LOOPED}{}", waits.id), "")).await?;
            tx.audit(Act { subject: &waits.id, actor: &by, action: "wave-looped", detail: &waits.survey }).await?;
            if let Some(next) = tx.planned_wave(&waits.survey).await? {
                let now = tx.now();
                tx.enqueue(&Job::Wave { wave: next.id }, now)?;
            }
            Ok(())
        })
    });
    write.await?;
    card(app, &wave_id).await.map(Reply::Card)
}

/// The wave opens although it was not said what became of the last one; that and why is on record.
async fn go_on(app: &App, wave: &Wave, reason: String, asker: &Asker) -> Result<Reply> {
    let (id, person) = (wave.id.clone(), asker.person.id.clone());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            if !tx.override_wave(&id, &person, &reason).await? {
                return Err(UserError::new(Reason::Conflict, "This wave waits for nothing.").into());
            }
            tx.audit(Act { subject: &id, actor: &person, action: "wave-overridden", detail: &reason }).await?;
            let now = tx.now();
            tx.enqueue(&Job::Wave { wave: id }, now)
        })
    });
    write.await?;
    board::list(app, asker).await
}

/// What became of a wave, for those who were asked.
pub async fn card(app: &App, id: &str) -> Result<Card> {
    let wave = super::card::found(app, id).await?;
    let said = wave.said.as_deref().ok_or_else(|| anyhow::anyhow!("nothing was said of the wave {id}"))?;
    let afterword: Afterword = serde_json::from_str(said)?;
    let survey = wave::survey(&wave)?;
    let values = json!({
        "title": survey.title,
        "owner": survey.owner,
        "said": afterword.said,
        "did": afterword.did,
        "links": afterword.links,
        "by": app.person(&afterword.by).await?.name,
    });
    Ok(Card::read(&app.messages.load().render("survey_looped", &values)?, Tone::Good))
}
