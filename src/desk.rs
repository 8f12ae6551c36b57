//! The spine: which feature answers this event, and which performs this job? Errors become words here and nowhere else.

use std::collections::BTreeMap;

use serde_json::json;

use crate::app::App;
use crate::catalogue::resolve::{Asked, Asker, Call, Resolved};
use crate::catalogue::{Catalogue, menu};
use crate::chat::{Card, Event, Intent, Offer, Reply, Token, Tone};
use crate::error::{Reason, Result, UserError};
use crate::job::{self, Claim, Job};
use crate::request::{self, Origin, approval, clear, plan, press};
use crate::{away, escalation, help, link, message, oncall, survey};

pub mod acquaintance;
mod asker;
pub mod outbox;

/// What was filled into a form.
type Values = BTreeMap<String, serde_json::Value>;
/// A form that came back: what it carries, and what was filled in.
type Filled<'a> = (&'a Token, &'a Values);

/// What platforms offer to everybody: the commands of the catalogue, and what Stationmaster answers itself.
pub fn offers(catalogue: &Catalogue) -> Vec<Offer> {
    let mut offers = catalogue.offers();
    offers.extend(menu::built_in());
    offers
}

/// Answers an event. Doing so twice does it once: a request knows the delivery that it came from.
pub async fn handle(app: &App, event: &Event) -> Reply {
    match answer(app, event).await {
        Ok(reply) => reply,
        Err(error) => Reply::Card(words(app, &error)),
    }
}

async fn answer(app: &App, event: &Event) -> Result<Reply> {
    let asker = asker::asker(app, event).await?;
    match &event.intent {
        Intent::Say { words } => say(app, event, &asker, words).await,
        Intent::Invoke { command, input, dry_run } => match menu::line(command, input) {
            Some(line) => say(app, event, &asker, &line).await,
            None => {
                let (command, input) = (command.clone(), input.clone());
                ask(app, event, &asker, Asked::Named { command, input, dry_run: *dry_run }).await
            }
        },
        Intent::Submit { token, values } => submitted(app, event, &asker, (token, values)).await,
        Intent::Press { token } => pressed(app, event, &asker, token).await,
        Intent::Suggest { token, typed, values } => help::suggest(app, token, (typed, values), &asker).await,
        Intent::OpenHome => help::answer(app, &help::Topic::Home, &asker).await,
    }
}

/// What was typed, or stands for it.
async fn say(app: &App, event: &Event, asker: &Asker, words: &str) -> Result<Reply> {
    if let Some(topic) = link::read(words) {
        return link::answer(app, &topic, asker).await;
    }
    if let Some(topic) = survey::read(words) {
        return survey::answer(app, topic, asker).await;
    }
    if let Some(topic) = approval::read(words) {
        return approval::answer(app, &topic, asker).await;
    }
    if let Some(topic) = escalation::read(words) {
        return escalation::answer(app, &topic, asker).await;
    }
    if let Some(topic) = away::read(words) {
        return away::answer(app, &topic, asker).await;
    }
    if let Some(team) = oncall::read(words) {
        return oncall::answer(app, &team, asker).await;
    }
    match help::read(words) {
        Some(topic) => help::answer(app, &topic, asker).await,
        None => ask(app, event, asker, Asked::Line(words.to_owned())).await,
    }
}

/// What was asked for becomes a request, a form or a refusal.
async fn ask(app: &App, event: &Event, asker: &Asker, asked: Asked) -> Result<Reply> {
    let catalogue = app.catalogue.load_full();
    match catalogue.resolve(asked, asker, &app.choices).await? {
        Resolved::Form(form) => Ok(Reply::Form(form)),
        Resolved::Call(call) => accept(app, event, asker, &call).await,
    }
}

async fn accept(app: &App, event: &Event, asker: &Asker, call: &Call) -> Result<Reply> {
    if call.is_dry_run() {
        let plan = plan::plan(app, call, &asker.person, &asker.place)?;
        return Ok(Reply::Card(plan::card(app, call, &plan)?));
    }
    request::accept(app, call, &origin(event, asker)).await?;
    Ok(Reply::Nothing)
}

/// A form of ours, or of a command, came back.
async fn submitted(app: &App, event: &Event, asker: &Asker, (token, values): Filled<'_>) -> Result<Reply> {
    match token.parts() {
        ("say", _) => {
            let line = values.get("line").and_then(serde_json::Value::as_str).unwrap_or_default();
            say(app, event, asker, line).await
        }
        (verb @ ("run" | "dry-run"), command) => {
            let (command, input, dry_run) = (command.to_owned(), values.clone(), verb == "dry-run");
            ask(app, event, asker, Asked::Named { command, input, dry_run }).await
        }
        parts => match forms(app, parts, (values, asker)).await? {
            Some(reply) => Ok(reply),
            None => Err(nothing("form")),
        },
    }
}

/// A token that nobody knows what to do with came back.
fn nothing(what: &str) -> anyhow::Error {
    let message = format!("This {what} no longer does anything.");
    UserError::new(Reason::NotFound, message).hint("type /help to see what can be done").into()
}

async fn pressed(app: &App, event: &Event, asker: &Asker, token: &Token) -> Result<Reply> {
    let person = &asker.person;
    match token.parts() {
        ("say", line) => say(app, event, asker, line).await,
        ("start", _) => help::start(app),
        ("confirm", id) => {
            press::permit(app, id, asker).await?;
            press::confirm(app, id, person).await.map(|_| Reply::Nothing)
        }
        ("cancel", id) => press::cancel(app, id, person).await.map(|_| Reply::Nothing),
        ("retry", id) => {
            press::permit(app, id, asker).await?;
            press::retry(app, id, person).await.map(|_| Reply::Nothing)
        }
        ("repeat", id) => ask(app, event, asker, press::repeat(app, id, &origin(event, asker)).await?).await,
        ("run", command) => {
            let asked = Asked::Named { command: command.to_owned(), input: BTreeMap::new(), dry_run: false };
            ask(app, event, asker, asked).await
        }
        parts => match features(app, parts, asker).await? {
            Some(reply) => Ok(reply),
            None => Err(nothing("button")),
        },
    }
}

/// The answer of the feature whose button it is.
async fn features(app: &App, parts: (&str, &str), asker: &Asker) -> Result<Option<Reply>> {
    if let Some(reply) = link::pressed(app, parts, asker).await? {
        return Ok(Some(reply));
    }
    if let Some(reply) = away::pressed(app, parts, asker).await? {
        return Ok(Some(reply));
    }
    if let Some(reply) = survey::pressed(app, parts, asker).await? {
        return Ok(Some(reply));
    }
    if let Some(reply) = approval::pressed(app, parts, asker).await? {
        return Ok(Some(reply));
    }
    escalation::pressed(app, parts, asker).await
}

/// The answer of the feature whose form it is.
async fn forms(app: &App, parts: (&str, &str), (values, asker): (&Values, &Asker)) -> Result<Option<Reply>> {
    if let Some(reply) = away::submitted(app, parts, values, asker).await? {
        return Ok(Some(reply));
    }
    if let Some(reply) = survey::submitted(app, parts, values, asker).await? {
        return Ok(Some(reply));
    }
    if let Some(reply) = approval::submitted(app, parts, values, asker).await? {
        return Ok(Some(reply));
    }
    escalation::submitted(app, parts, values, asker).await
}

fn origin(event: &Event, asker: &Asker) -> Origin {
    Origin {
        // By identity: two persons may have become one since the event was first taken up.
        source: format!("{}:{}:{}", event.platform, event.person.id, event.id),
        person: asker.person.clone(),
        platform: event.platform,
        place: event.place.clone(),
        thread: event.thread.clone(),
        identity: event.person.id.clone(),
        confirmed: false,
    }
}

/// Performs a job that this process holds.
pub async fn perform(app: &App, claim: &Claim) {
    let done = match serde_json::from_str(&claim.payload) {
        Ok(job) => perform_job(app, claim, job).await,
        Err(unknown) => Err(unknown.into()),
    };
    match done {
        Ok(()) => {}
        Err(error) if error.is::<job::Fenced>() => {
            tracing::warn!(job = claim.id, "the work was taken over by another process");
        }
        Err(error) => fail(app, claim, format!("{error:#}")).await,
    }
}

async fn perform_job(app: &App, claim: &Claim, job: Job) -> Result<()> {
    match job {
        Job::Perform { request } => request::perform::perform(app, claim, &request).await,
        Job::Clear { request, verdict, person, identity } => {
            clear::clear(app, claim, &request, clear::Said { verdict, person, identity }).await
        }
        Job::Remind { approval } => approval::timer::perform(app, claim, &approval).await,
        Job::Escalate { reason, subject } => escalation::perform(app, claim, (reason, &subject)).await,
        Job::Escalation { escalation } => escalation::watch(app, claim, &escalation).await,
        Job::Page { escalation } => escalation::page(app, claim, &escalation).await,
        Job::Heal { request } => escalation::heal(app, claim, &request).await,
        Job::Wave { wave } => survey::wave::perform(app, claim, &wave).await,
        Job::Pulse { subject } => survey::occasion::perform(app, claim, &subject).await,
    }
}

/// A job that failed is tried again later; after its last attempt its request is given up.
async fn fail(app: &App, claim: &Claim, error: String) {
    let dead = claim.failures >= job::ATTEMPTS;
    tracing::error!(job = claim.id, failures = claim.failures, dead, error, "a job failed");
    let due_at = (!dead).then(|| app.clock.now() + job::pause(claim.failures).millis());
    let held = claim.clone();
    let noted = app.store.write(move |tx| Box::pin(async move { tx.fail_job(&held, &error, due_at).await })).await;
    if let Err(error) = noted {
        // The lease ends by itself, and then the job is claimed again.
        tracing::error!(job = claim.id, error = format!("{error:#}"), "the failure could not be noted");
        return;
    }
    if let Ok(Job::Perform { request }) = serde_json::from_str(&claim.payload)
        && dead
    {
        request::end::give_up(app, &request).await;
    }
}

/// What a person reads of an error. What is not meant for people is logged under a reference that the person is given.
pub fn words(app: &App, error: &anyhow::Error) -> Card {
    let messages = app.messages.load();
    let plain = error.downcast_ref::<UserError>().cloned().or_else(|| crate::store::away(error));
    let (name, values) = match plain {
        Some(error) => ("error_explained", json!(error)),
        None => {
            let reference = crate::error::reference();
            tracing::error!(reference, error = format!("{error:#}"), "something went wrong");
            ("error_logged", json!({ "reference": reference }))
        }
    };
    render_error(&messages, name, &values)
}

fn render_error(messages: &message::Messages, name: &str, values: &serde_json::Value) -> Card {
    match messages.render(name, values) {
        Ok(text) => Card::read(&text, Tone::Bad),
        // A broken message file must not hide that something is wrong.
        Err(mistake) => Card { tone: Tone::Bad, title: format!("{mistake:#}"), ..Card::default() },
    }
}
