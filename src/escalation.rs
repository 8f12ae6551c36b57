//! Escalations: a human is asked by exception, with everything that is known, and each time shows what to automate next.
//!
//! Invariants: one escalation is open for a reason and a subject; of all that look alike one is dealt with; who is told
//! what, and when, stands in its row before anybody is told.

use serde_json::{Value, json};

use crate::app::App;
use crate::catalogue::capability::Support;
use crate::catalogue::menu;
use crate::catalogue::resolve::Asker;
use crate::chat::{Card, Reply, Tone};
use crate::clock::Span;
use crate::error::Result;
use crate::job::Verdict;
use crate::store::escalation::Escalation;

mod act;
mod call;
mod card;
mod clock;
mod evidence;
mod form;
mod heir;
mod likeness;
mod news;
mod open;
mod page;
mod question;
mod resolve;
mod right;
mod route;
mod slo;
mod snooze;
mod tier;
mod toil;
mod verdict;

pub use clock::perform as watch;
pub use open::{heal, perform};
pub use page::perform as page;

/// How many escalations a list shows.
const LISTED: usize = 15;
/// For how many of them it has a button.
const PRESSED: usize = 5;

/// What is asked about escalations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// `/escalations`: those that the asker may deal with.
    Open,
    /// `/toil 90d`: what they teach.
    Toil(String),
}

/// The topic of a line, if it is about escalations.
pub fn read(line: &str) -> Option<Topic> {
    let (word, rest) = menu::first_word(line);
    match word.as_str() {
        "escalations" => Some(Topic::Open),
        "toil" => Some(Topic::Toil(rest.to_owned())),
        _ => None,
    }
}

/// The answer to a topic.
pub async fn answer(app: &App, topic: &Topic, asker: &Asker) -> Result<Reply> {
    match topic {
        Topic::Open => list(app, asker).await,
        Topic::Toil(typed) => toil::answer(app, toil::window(typed)?, asker).await,
    }
}

/// The answer to a button; `None` if it is none of these.
pub async fn pressed(app: &App, (verb, object): (&str, &str), asker: &Asker) -> Result<Option<Reply>> {
    let reply = match verb {
        "human" => call::pressed(app, object, asker).await?,
        "escalation" => {
            let root = right::permit(app, object, asker).await?;
            Reply::Card(card::shown(app, &root.id).await?)
        }
        "claim" => {
            let root = right::permit(app, object, asker).await?;
            act::claim(app, object, asker).await?;
            reply(app, ("escalation_answered", Tone::Good), &json!({"act": done("claimed", &root)}))?
        }
        "hand-over" => heir::pressed(app, object, asker).await?,
        "snooze" => snooze::pressed(app, object, asker).await?,
        "resolve" => resolve::pressed(app, object, (asker, "")).await?,
        "question" if is_ours(object) => question::pressed(app, object, asker).await?,
        "answer" => return question::answer_pressed(app, object, asker).await,
        "idea" => toil::idea_pressed(app, object).await?,
        _ => match Verdict::named(verb) {
            Some(verdict) => verdict::pressed(app, object, (verdict, asker)).await?,
            None => return Ok(None),
        },
    };
    Ok(Some(reply))
}

/// The answer to a form; `None` if it is none of these.
pub async fn submitted(
    app: &App,
    (verb, object): (&str, &str),
    values: &form::Filled,
    asker: &Asker,
) -> Result<Option<Reply>> {
    let filled = (values, asker);
    Ok(Some(match verb {
        "human" => call::submitted(app, object, filled).await?,
        "hand-over" => heir::submitted(app, object, filled).await?,
        "snooze" => snooze::submitted(app, object, filled).await?,
        "resolve" => resolve::submitted(app, object, filled).await?,
        "question" if is_ours(object) => question::submitted(app, object, filled).await?,
        "answer" => return question::answered(app, object, filled).await,
        "idea" => toil::idea_submitted(app, object, filled).await?,
        _ => return Ok(None),
    }))
}

/// The card of a subject; `None` if it is none of an escalation.
pub async fn card(app: &App, subject: &str) -> Result<Option<Card>> {
    card::card(app, subject).await
}

/// Questions are asked about other things too.
fn is_ours(object: &str) -> bool {
    object.starts_with(crate::store::escalation::PREFIX)
}

/// The open ones that the asker may deal with: theirs first, then the oldest.
async fn list(app: &App, asker: &Asker) -> Result<Reply> {
    let roster = app.roster().await?;
    let mut open = app.store.open_escalations().await?;
    open.retain(|one| right::may(app, &roster, one, &asker.person));
    let is_other = |one: &Escalation| !one.is_claimed() || one.holder.as_ref() != Some(&asker.person.id);
    open.sort_by_key(is_other);
    let rows: Vec<Value> = open.iter().take(LISTED).map(|one| card::row(app, one, &asker.person.id)).collect();
    let first: Vec<&Value> = rows.iter().take(PRESSED).collect();
    let more = open.len().saturating_sub(LISTED);
    let values = json!({"escalations": {"rows": rows, "first": first, "more": more}});
    reply(app, ("escalations_listed", Tone::Neutral), &values)
}

/// How long it may take until somebody claims it, before others are asked; open hours, where the tier has any.
fn claim_time(app: &App, tier: Support) -> Span {
    let claim = &app.config.escalation.claim;
    match tier {
        Support::AroundTheClock => claim.around_the_clock,
        Support::BusinessHours => claim.business_hours,
        Support::BestEffort => claim.best_effort,
    }
}

/// What somebody has done with an escalation, as its message is given it.
fn done(what: &str, escalation: &Escalation) -> Value {
    let mut done = said(what);
    (done["id"], done["team"]) = (escalation.id.as_str().into(), escalation.team.as_str().into());
    done
}

/// What somebody has done, as its message is given it.
fn said(what: &str) -> Value {
    json!({"what": what, "id": "", "team": "", "who": "", "until": ""})
}

/// A card for the asker alone.
fn reply(app: &App, (name, tone): (&str, Tone), values: &Value) -> Result<Reply> {
    Ok(Reply::Card(Card::read(&app.messages.load().render(name, values)?, tone)))
}
