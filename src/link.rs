//! Linking: identities on several platforms become one person, once whoever is behind each of them has said so.
//!
//! Invariant: rights of another identity count only after a press on both sides; a code alone gives nothing.

use serde_json::{Value, json};

use crate::app::App;
use crate::catalogue::menu;
use crate::catalogue::resolve::Asker;
use crate::chat::{Card, PlatformName, Reply, Tone};
use crate::clock::{Rate, Span};
use crate::error::Result;
use crate::people;
use crate::store::link::{Link, Tried};
use crate::store::person::Identity;

mod code;
mod merge;
mod refusal;

/// How long a code is good, and how long who was shown it has to answer.
const GOOD: Span = Span::from_secs(600);
/// How often one person may say a code that nobody was shown.
const WRONG: Rate = Rate { count: 5, per: Span::from_secs(600) };
/// What the subject of the card begins with that asks who was shown a code, before the code.
pub const ASKED: &str = "link:";
/// What the subject of the card begins with that tells who said a code what came of it, before the code.
pub const SETTLED: &str = "linked:";

/// What is said about linking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// `/link`: a code, please.
    Offer,
    /// `/link CODE`: the code that another platform has shown.
    Code(String),
    /// `/unlink`: what is linked.
    List,
}

/// The topic of a line, if it is about linking.
pub fn read(line: &str) -> Option<Topic> {
    let (word, rest) = menu::first_word(line);
    match word.as_str() {
        "link" if rest.is_empty() => Some(Topic::Offer),
        "link" => Some(Topic::Code(rest.to_owned())),
        "unlink" => Some(Topic::List),
        _ => None,
    }
}

/// The answer to a topic.
pub async fn answer(app: &App, topic: &Topic, asker: &Asker) -> Result<Reply> {
    match topic {
        Topic::Offer => offer(app, asker).await,
        Topic::Code(said) => check(app, said, asker).await,
        Topic::List => list(app, asker, None).await,
    }
}

/// The answer to a button; `None` if it is none of these.
pub async fn pressed(app: &App, (verb, object): (&str, &str), asker: &Asker) -> Result<Option<Reply>> {
    Ok(Some(match verb {
        "link-sure" => {
            let link = merge::ask(app, object, asker).await?;
            let first = identity(app, (&link.platform, &link.identity)).await?;
            card_of(app, ("link_sent", Tone::Waiting), &json!({ "other": shown(&first), "minutes": minutes() }))?
        }
        "link-drop" => card_of(app, ("link_dropped", Tone::Neutral), &json!({}))?,
        "link-yes" => {
            merge::agree(app, object, asker).await?;
            Reply::Nothing
        }
        "link-no" => {
            merge::refuse(app, object, asker).await?;
            Reply::Nothing
        }
        "unlink" => {
            let released = merge::release(app, object, asker).await?;
            list(app, asker, Some(&released)).await?
        }
        _ => return Ok(None),
    }))
}

/// The card of a subject that begins with [`ASKED`] or [`SETTLED`]; `None` if it is none of these.
pub async fn card(app: &App, subject: &str) -> Result<Option<Card>> {
    let (code, is_first) = match (subject.strip_prefix(ASKED), subject.strip_prefix(SETTLED)) {
        (Some(code), _) => (code, true),
        (_, Some(code)) => (code, false),
        _ => return Ok(None),
    };
    // One that is over for long is forgotten.
    let link = app.store.link(code).await?;
    let (state, tone) = link.as_ref().map_or(("expired", Tone::Neutral), |link| state(app, link));
    let other = match link.as_ref().and_then(|link| Some((link, link.other()?))) {
        Some((_, other)) if is_first => identity(app, other).await?,
        Some((link, _)) => identity(app, (&link.platform, &link.identity)).await?,
        None => Identity::new(("", ""), ""),
    };
    let name = if state == "asked" { "link_asked" } else { "link_settled" };
    let values = json!({ "code": code, "other": shown(&other), "state": state, "minutes": minutes() });
    Ok(Some(Card::read(&app.messages.load().render(name, &values)?, tone)))
}

fn state(app: &App, link: &Link) -> (&'static str, Tone) {
    match link {
        Link { done_at: Some(_), .. } => ("done", Tone::Good),
        Link { refused_at: Some(_), .. } => ("refused", Tone::Neutral),
        link if link.expires_at <= app.clock.now() => ("expired", Tone::Neutral),
        _ => ("asked", Tone::Waiting),
    }
}

/// A new code, for the eyes of who asked for it.
async fn offer(app: &App, asker: &Asker) -> Result<Reply> {
    let code = code::new();
    let (kept, platform, identity) = (code.clone(), asker.platform.to_string(), asker.identity.clone());
    let write =
        app.store.write(move |tx| Box::pin(async move { tx.insert_link(&kept, (&platform, &identity), GOOD).await }));
    write.await?;
    let values = json!({ "code": code::spaced(&code), "minutes": minutes() });
    card_of(app, ("link_offered", Tone::Waiting), &values)
}

/// Who would become one person by a code, with the question whether that is meant.
async fn check(app: &App, said: &str, asker: &Asker) -> Result<Reply> {
    let link = match app.store.try_code(&code::read(said), &asker.person.id, WRONG).await? {
        Tried::Found(link) => link,
        Tried::Wrong => return Err(refusal::unknown().into()),
        Tried::Limited(until) => {
            return Err(refusal::too_often(Span::from_millis((until - app.clock.now()).max(1000))).into());
        }
    };
    let first = identity(app, (&link.platform, &link.identity)).await?;
    refusal::check(&link, &first, &merge::Side::of(app, asker), app.clock.now())?;
    let values = json!({ "code": link.code, "other": shown(&first), "minutes": minutes() });
    card_of(app, ("link_checked", Tone::Waiting), &values)
}

/// All identities of the person, with a button for each that can be a person of its own again.
async fn list(app: &App, asker: &Asker, released: Option<&Identity>) -> Result<Reply> {
    let mut identities = app.store.identities_of(&asker.person.id).await?;
    // Whoever released the identity that they speak with is another person by now.
    identities.retain(|identity| released.is_none_or(|released| !identity.is(&released.platform, &released.id)));
    let several = identities.len() > 1;
    let row = |identity: &Identity| {
        let declared = people::named(&app.config, &identity.platform, &identity.id).is_some();
        let mut row = shown(identity);
        row["declared"] = declared.into();
        row["here"] = identity.is(&asker.platform.to_string(), &asker.identity).into();
        row["free"] = (several && !declared).into();
        row["key"] = format!("{}:{}", identity.platform, identity.id).into();
        row
    };
    let rows: Vec<Value> = identities.iter().map(row).collect();
    let values = json!({ "identities": rows, "released": released.map(shown), "several": several });
    card_of(app, ("identities_listed", Tone::Neutral), &values)
}

/// An identity as stored; it was seen when the code was shown or said.
async fn identity(app: &App, (platform, id): (&str, &str)) -> Result<Identity> {
    let around = app.store.identities_around(platform, id).await?;
    let found = around.into_iter().find(|identity| identity.is(platform, id));
    found.ok_or_else(|| anyhow::anyhow!("the identity {platform}:{id} was never seen"))
}

/// An identity as messages show it.
fn shown(identity: &Identity) -> Value {
    let platform = PlatformName::named(&identity.platform).map_or("", PlatformName::title);
    let name = identity.name.as_ref().unwrap_or(&identity.person_name);
    json!({ "name": name, "platform": platform, "id": identity.id })
}

fn minutes() -> i64 {
    GOOD.millis() / 60_000
}

fn card_of(app: &App, (name, tone): (&str, Tone), values: &Value) -> Result<Reply> {
    Ok(Reply::Card(Card::read(&app.messages.load().render(name, values)?, tone)))
}
