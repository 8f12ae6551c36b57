//! What escalations teach: which kinds of them take the most of people, and what needs nobody; and the idea that each is.

use serde_json::{Value, json};

use super::act::Actor;
use super::form::{self, Filled};
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::chat::{Form, Input, Reply, Token, Tone};
use crate::clock::Span;
use crate::error::{Reason, Result, UserError};
use crate::store::idea::Idea;
use crate::store::toil::{Reach, Toil};

/// How many categories are shown, and for how many of them an idea can be filed.
const SHOWN: usize = 10;
const OFFERED: usize = 3;
/// How long a title and a need may be, in characters.
const TITLE: usize = 100;
const NEED: usize = 500;

/// The windows that can be looked at, in days; the first if none is said.
const WINDOWS: [i64; 2] = [30, 90];

/// The days that somebody asks for: `30d`, `90d`, or nothing.
pub(super) fn window(typed: &str) -> Result<i64> {
    let days = if typed.is_empty() { Some(WINDOWS[0]) } else { typed.trim_end_matches('d').parse().ok() };
    days.filter(|days| WINDOWS.contains(days)).ok_or_else(|| {
        UserError::invalid(format!("`{typed}` is no window that there are figures for."))
            .hint("type /toil 30d or /toil 90d")
            .into()
    })
}

/// `/toil`
pub(super) async fn answer(app: &App, days: i64, asker: &Asker) -> Result<Reply> {
    if asker.guest {
        return Err(
            UserError::new(Reason::Denied, "You are a guest here, and these figures are not for guests.").into()
        );
    }
    let (now, whole) = (app.clock.now(), Span::from_secs(days * 24 * 3600).millis());
    let latest = app.store.toil(now - whole, now + 1).await?;
    let before = app.store.toil(now - 2 * whole, now - whole).await?;
    let reach = app.store.reach(now - whole).await?;
    let filed = app.store.categories_with_idea().await?;
    let rows: Vec<Value> = latest.iter().take(SHOWN).enumerate().map(|row| ranked(row, &before)).collect();
    let total = |toil: &[Toil]| toil.iter().map(|one| one.minutes).sum::<i64>();
    let count: i64 = latest.iter().map(|one| one.count).sum();
    let yes: i64 = latest.iter().map(|one| one.yes).sum();
    let partly: i64 = latest.iter().map(|one| one.partly).sum();
    let ideas: Vec<&str> = latest
        .iter()
        .map(|one| one.category.as_str())
        .filter(|name| !filed.iter().any(|f| f == name))
        .take(OFFERED)
        .collect();
    let values = json!({"toil": {
        "days": days,
        "other": WINDOWS.iter().find(|other| **other != days),
        "rows": rows,
        "more": latest.len().saturating_sub(SHOWN),
        "time": minutes(total(&latest)),
        "before": minutes(total(&before)),
        "trend": trend(total(&latest), total(&before)),
        "count": count,
        "yes": share(yes, count),
        "partly": share(partly, count),
        "reach": reach.iter().map(|one| reached(app, one)).collect::<Vec<_>>(),
        "ideas": ideas,
    }});
    super::reply(app, ("toil_ranked", Tone::Neutral), &values)
}

fn ranked((index, toil): (usize, &Toil), before: &[Toil]) -> Value {
    let then = before.iter().find(|one| one.category == toil.category);
    let earlier = then.map_or(0, |then| then.minutes);
    json!({
        "number": index + 1,
        "category": toil.category,
        "count": toil.count,
        "time": minutes(toil.minutes),
        "before": minutes(earlier),
        "trend": trend(toil.minutes, earlier),
        "yes": toil.yes,
        "partly": toil.partly,
    })
}

fn reached(app: &App, reach: &Reach) -> Value {
    let catalogue = app.catalogue.load();
    let title = catalogue.capabilities.get(&reach.capability).map_or(&reach.capability, |found| &found.title);
    json!({
        "title": title,
        "ended": reach.ended,
        "alone": share(reach.alone, reach.ended),
        "exceptions": share(reach.exceptions, reach.ended),
    })
}

/// A share with what it is a share of.
fn share(part: i64, whole: i64) -> Value {
    let percent = if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 };
    json!({"part": part, "whole": whole, "percent": format!("{percent:.0} %")})
}

/// In which direction it goes: a tenth more or less is the same.
fn trend(now: i64, before: i64) -> &'static str {
    match (now, before) {
        (_, 0) if now > 0 => "new",
        _ if now * 10 > before * 11 => "more",
        _ if now * 10 < before * 9 => "less",
        _ => "same",
    }
}

fn minutes(count: i64) -> String {
    if count == 0 { "0 min".into() } else { Span::from_secs(count * 60).to_string() }
}

/// "File as an idea": in which words?
pub(super) async fn idea_pressed(app: &App, category: &str) -> Result<Reply> {
    open(app, category).await?;
    Ok(Reply::Form(blank(app, category)?))
}

/// The idea is kept, once for each category.
pub(super) async fn idea_submitted(app: &App, category: &str, (values, asker): (&Filled, &Asker)) -> Result<Reply> {
    open(app, category).await?;
    let (title, need) = match (form::told(values, "title", TITLE), form::told(values, "need", NEED)) {
        (Ok(title), Ok(need)) => (title, need),
        (title, need) => {
            let errors = title.err().into_iter().chain(need.err()).flatten();
            let renamed = errors.collect();
            return Ok(form::again(blank(app, category)?, values, renamed));
        }
    };
    let idea = Idea {
        id: crate::job::new_id("idea"),
        title: title.clone(),
        need: need.clone(),
        category: Some(category.to_owned()),
        capability: None,
        person: asker.person.id.clone(),
    };
    let identity = Actor::of(asker).identity;
    let write = app.store.write(move |tx| Box::pin(async move { tx.insert_idea(&idea, &identity).await }));
    if !write.await? {
        open(app, category).await?;
    }
    super::reply(app, ("idea_filed", Tone::Good), &json!({"idea": {"title": title, "need": need}}))
}

/// Whether people were asked for it and nobody has filed it yet.
async fn open(app: &App, category: &str) -> Result<()> {
    if let Some((title, person)) = app.store.idea_of_category(category).await? {
        let name = app.person(&person).await?.name;
        return Err(UserError::new(Reason::Conflict, format!("{name} has filed this already: {title}")).into());
    }
    let known = app.store.categories(1000).await?;
    if known.iter().any(|name| name == category) {
        return Ok(());
    }
    Err(UserError::new(Reason::NotFound, "There is no such category.").hint("type /toil").into())
}

/// The form, with the words that a message proposes.
fn blank(app: &App, category: &str) -> Result<Form> {
    let values = json!({ "category": category });
    let blanks = vec![("title", Input::Line, true), ("need", Input::Text, true)];
    let form = form::form(app, ("idea_drafted", &values), Token::new("idea", category), blanks)?;
    let proposed = crate::chat::Card::read(&app.messages.load().render("idea_proposed", &values)?, Tone::Neutral);
    let proposed =
        Filled::from([("title".into(), proposed.title.into()), ("need".into(), plain(&proposed.body).into())]);
    Ok(form.filled(&proposed))
}

fn plain(markdown: &str) -> String {
    crate::markdown::plain(&crate::markdown::parse(markdown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_is_said_where_there_is_one() {
        for (now, before, said) in [
            (0, 0, "same"),
            (5, 0, "new"),
            (100, 100, "same"),
            (110, 100, "same"),
            (111, 100, "more"),
            (89, 100, "less"),
        ] {
            assert_eq!(trend(now, before), said, "{now} after {before}");
        }
    }

    #[test]
    fn a_share_of_nothing_is_none() {
        assert_eq!(share(0, 0)["percent"], "0 %");
        assert_eq!(share(1, 3)["percent"], "33 %");
    }

    #[test]
    fn the_windows_are_two() {
        assert_eq!((window("").expect("30"), window("90d").expect("90")), (30, 90));
        assert!(window("7d").is_err());
    }
}
