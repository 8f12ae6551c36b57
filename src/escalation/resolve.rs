//! Resolving an escalation: what it was, whether self-service could have done it, how long it took, and what was done.

use serde_json::json;

use super::act::{self, Actor};
use super::form::{self, Filled, choice};
use super::{clock, news, open, right, tier};
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::chat::{Choice, Form, Input, Reply, Token, Tone};
use crate::error::{FieldError, Result};
use crate::store::escalation::{Escalation, Resolution};
use crate::store::toil::SELF_HEALED;

/// How many of the categories used before are offered: as many as the platform with the shortest menus shows.
const CATEGORIES: i64 = 24;
/// How long a category may be, in characters: it is carried by a button.
const CATEGORY: usize = 40;
/// How long what was done may be told, in characters.
const OUTCOME: usize = 1000;
/// The most minutes that one escalation takes: a working month.
const MINUTES: f64 = 10_000.0;

/// Asks what came of it. `outcome` is what is known of that already.
pub(super) async fn pressed(app: &App, id: &str, (asker, outcome): (&Asker, &str)) -> Result<Reply> {
    let root = right::permit(app, id, asker).await?;
    let mut values = Filled::from([("minutes".into(), json!(spent(app, &root).await?))]);
    if !outcome.is_empty() {
        values.insert("outcome".into(), outcome.into());
    }
    Ok(Reply::Form(blank(app, &root).await?.filled(&values)))
}

/// It is over, and so is all that has joined it.
pub(super) async fn submitted(app: &App, id: &str, (values, asker): (&Filled, &Asker)) -> Result<Reply> {
    let root = right::permit(app, id, asker).await?;
    let resolution = match read(values, &app.store.categories(1000).await?) {
        Ok(resolution) => Resolution { person: asker.person.id.clone(), ..resolution },
        Err(errors) => return Ok(form::again(blank(app, &root).await?, values, errors)),
    };
    let actor = Actor::of(asker);
    let barrier = act::change(app, id, move |tx, root| {
        Box::pin(async move {
            let joined = Resolution { minutes: 0, ..resolution.clone() };
            let mut change = news::change("resolved", &actor.name);
            change["text"] = resolution.outcome.as_str().into();
            news::tell(tx, &root, &change).await?;
            // Those who wait have to be found before their escalations are over.
            news::touch(tx, &root).await?;
            for child in tx.escalations_joined(&root.id).await? {
                open::end(tx, &child, &joined).await?;
            }
            open::end(tx, &root, &resolution).await?;
            actor.audit(tx, (&root.id, "said so"), "").await?;
            clock::set(tx, &Escalation { due_at: None, ..root }).await?;
            Ok(None)
        })
    });
    act::explain(app, barrier.await?).await?;
    super::reply(app, ("escalation_answered", Tone::Good), &json!({"act": super::done("resolved", &root)}))
}

async fn blank(app: &App, root: &Escalation) -> Result<Form> {
    let used = app.store.categories(CATEGORIES).await?;
    let values = json!({"escalation": news::brief(root), "has_categories": !used.is_empty(), "answers": answers()});
    let used: Vec<Choice> = used.iter().map(|name| choice(name, name)).collect();
    let mut blanks = Vec::new();
    if !used.is_empty() {
        blanks.push(("category", Input::Choice(used), false));
    }
    let words = crate::chat::Card::read(&app.messages.load().render("escalation_rated", &values)?, Tone::Neutral);
    let answers = words.facts.into_iter().map(|(value, label)| choice(value, label)).collect();
    blanks.extend([
        ("new_category", Input::Line, false),
        ("automatable", Input::Choice(answers), true),
        ("minutes", Input::Number, true),
        ("outcome", Input::Text, true),
    ]);
    form::form(app, ("resolution_asked", &values), Token::new("resolve", &root.id), blanks)
}

/// Whether self-service could have done it, as it is stored.
fn answers() -> [&'static str; 3] {
    ["yes", "partly", "no"]
}

/// The minutes since it was claimed, of the hours that count, one at least.
async fn spent(app: &App, root: &Escalation) -> Result<i64> {
    let Some(since) = root.claimed_at else { return Ok(1) };
    let roster = app.roster().await?;
    let hours = tier::hours(tier::named(&root.tier), &roster.calendar_of_team(&root.team));
    Ok((hours.open_between(since, app.clock.now()).millis() / 60_000).max(1))
}

/// What was filled in; a category that was used before keeps its spelling.
fn read(values: &Filled, used: &[String]) -> Result<Resolution, Vec<FieldError>> {
    let mut errors = Vec::new();
    let category = category(values, used).unwrap_or_else(|error| {
        errors.push(error);
        String::new()
    });
    let automatable = form::text(values, "automatable");
    if !answers().contains(&automatable.as_str()) {
        errors.push(FieldError::new("automatable", "This is needed."));
    }
    let minutes = form::text(values, "minutes").parse::<f64>().ok().filter(|count| (0.0..=MINUTES).contains(count));
    if minutes.is_none() {
        errors.push(FieldError::new("minutes", "Write a number of minutes, such as 15."));
    }
    let outcome = form::told(values, "outcome", OUTCOME).unwrap_or_else(|mut missing| {
        errors.append(&mut missing);
        String::new()
    });
    if !errors.is_empty() {
        return Err(errors);
    }
    let minutes = minutes.unwrap_or_default().ceil() as i64;
    Ok(Resolution { person: String::new(), category, automatable, minutes, outcome })
}

fn category(values: &Filled, used: &[String]) -> Result<String, FieldError> {
    let (picked, new) = (form::text(values, "category"), form::text(values, "new_category"));
    let said = if new.is_empty() { picked } else { new };
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    if said.is_empty() {
        let field = if used.is_empty() { "new_category" } else { "category" };
        return Err(FieldError::new(field, "Say in a word or two what it was."));
    }
    if said.chars().count() > CATEGORY || said.len() > 2 * CATEGORY {
        return Err(FieldError::new("new_category", format!("This is too long: {CATEGORY} characters are the most.")));
    }
    if said.eq_ignore_ascii_case(SELF_HEALED) {
        return Err(FieldError::new("new_category", "This is what Stationmaster says itself. Choose another word."));
    }
    let known = used.iter().find(|known| known.to_lowercase() == said.to_lowercase());
    Ok(known.cloned().unwrap_or(said))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn filled(fields: &[(&str, Value)]) -> Filled {
        fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    #[test]
    fn a_category_keeps_its_spelling_and_a_new_one_goes_first() {
        let used = ["Full disk".to_owned()];
        let of = |fields: &[(&str, Value)]| category(&filled(fields), &used);
        assert_eq!(of(&[("new_category", " full  DISK ".into())]).as_deref(), Ok("Full disk"));
        assert_eq!(of(&[("category", "Full disk".into()), ("new_category", "Quota".into())]).as_deref(), Ok("Quota"));
        assert_eq!(of(&[]).expect_err("needed").field, "category");
        assert_eq!(of(&[("new_category", "x".repeat(41).into())]).expect_err("too long").field, "new_category");
        assert_eq!(of(&[("new_category", "Self-Healed".into())]).expect_err("taken").field, "new_category");
    }

    #[test]
    fn every_field_has_its_own_error() {
        let errors = read(&Filled::new(), &[]).expect_err("nothing was filled in");
        let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["new_category", "automatable", "minutes", "outcome"]);
        let right = filled(&[
            ("new_category", "Quota".into()),
            ("automatable", "partly".into()),
            ("minutes", "12.5".into()),
            ("outcome", "Raised it".into()),
        ]);
        let read = read(&right, &[]).expect("it is right");
        assert_eq!((read.category.as_str(), read.automatable.as_str(), read.minutes), ("Quota", "partly", 13));
        for wrong in ["-1", "x", "10001", "NaN"] {
            let minutes: Filled = right.clone().into_iter().chain([("minutes".to_owned(), wrong.into())]).collect();
            assert_eq!(super::read(&minutes, &[]).expect_err("wrong")[0].field, "minutes", "{wrong}");
        }
    }
}
