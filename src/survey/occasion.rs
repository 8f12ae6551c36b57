//! Asking after an event: now and then, at once, and within the budget of whoever it is.

use rand::Rng as _;

use super::budget::{self, Turn};
use super::{asking, audience, closing, frame, hour, told, wave};
use crate::app::App;
use crate::catalogue::survey::{Occasion, Survey};
use crate::clock::Span;
use crate::error::Result;
use crate::job::Claim;
use crate::store::survey::Wave;

/// What happened, and to whom.
struct Event {
    occasion: Occasion,
    person: String,
    command: Option<String>,
}

/// Asks whoever it happened to, if a survey wants to know and may ask; then the job is done.
pub async fn perform(app: &App, claim: &Claim, subject: &str) -> Result<()> {
    if let Some(event) = event(app, subject).await? {
        for survey in app.catalogue.load_full().surveys.values() {
            if wants(app, survey, &event).await? && ask(app, claim, (survey, &event)).await? {
                return Ok(());
            }
        }
    }
    let claim = claim.clone();
    app.store.write(move |tx| Box::pin(async move { tx.finish_job(&claim).await })).await
}

async fn event(app: &App, subject: &str) -> Result<Option<Event>> {
    if subject.starts_with("req_") {
        let request = app.store.request(subject).await?;
        let of = |request: crate::store::request::Request| Event {
            occasion: Occasion::Request,
            person: request.person,
            command: Some(request.command),
        };
        return Ok(request.map(of));
    }
    let escalation = app.store.resolved_escalation(subject).await?;
    let of = |(person, command)| Event { occasion: Occasion::Escalation, person, command };
    Ok(escalation.map(of))
}

/// Whether a survey wants to know about an event.
async fn wants(app: &App, survey: &Survey, event: &Event) -> Result<bool> {
    let Some(trigger) = survey.event.as_ref().filter(|trigger| trigger.after == event.occasion) else {
        return Ok(false);
    };
    if trigger.command.is_some() && trigger.command != event.command {
        return Ok(false);
    }
    if let (Some(nth), Some(command)) = (trigger.nth, &event.command)
        && app.store.count_successes(&event.person, command).await? != i64::from(nth)
    {
        return Ok(false);
    }
    Ok(rand::rng().random_bool(trigger.probability.clamp(0.0, 1.0)))
}

/// Asks now; `false` if that is not possible.
async fn ask(app: &App, claim: &Claim, (survey, event): (&Survey, &Event)) -> Result<bool> {
    let open = app.store.open_waves().await?.into_iter().find(|wave| wave.survey == survey.name);
    let Some(wave) = open else { return Ok(false) };
    let roster = app.roster().await?;
    let facts = audience::Facts::gather(app, survey).await?;
    let Some(person) = roster.person(&event.person).filter(|person| facts.admits(survey, person)) else {
        return Ok(false);
    };
    let now = app.clock.now();
    let is_their_hour = hour::of(&roster, &person.id, now) == Some(now);
    let Some(spot) = asking::spot(app, &roster, &person.id).filter(|_| is_their_hour) else { return Ok(false) };
    let labels = frame::labels(survey, person, event.command.as_deref());
    let Some(cell) = frame::cell(&closing::plan(&wave)?, &labels) else { return Ok(false) };
    let coming = asking::turns(app, survey).await?;
    let others = asking::turns_of(&coming, person);
    let turn = turn(survey, &wave);
    let since = now - budget::AFTER_NO.millis() - budget::BETWEEN_EVENTS.millis();
    let (id, who) = (wave.id.clone(), person.id.clone());
    let past = app.store.asked_since(std::slice::from_ref(&who), since).await?;
    let past = asking::by_person(past).remove(&who).unwrap_or_default();
    if budget::ask_at(&turn, &past, &others, now) != Some(now) {
        return Ok(false);
    }
    let claim = claim.clone();
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            tx.hold(&claim).await?;
            if let Some(invitation) = tx.invite_now(&id, &who, &cell).await? {
                told::show(tx, &invitation, &spot).await?;
            }
            tx.finish_job(&claim).await?;
            Ok(true)
        })
    });
    write.await
}

fn turn<'s>(survey: &'s Survey, wave: &Wave) -> Turn<'s> {
    let (opens_at, closes_at) = (wave.opened_at.unwrap_or_default(), wave.closes_at.unwrap_or_default());
    let open = Span::from_millis(closes_at - opens_at);
    Turn { survey: &survey.name, period: wave::period(survey, opens_at), opens_at, open, by_event: true }
}
