//! Handing over: to somebody of the teams that are concerned, or to another team.

use std::collections::BTreeMap;

use serde_json::json;

use super::act::{self, Heir};
use super::form::{self, Filled, choice};
use super::{news, right, route};
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::chat::{Choice, Form, Input, Reply, Token, Tone};
use crate::error::{FieldError, Result};
use crate::people::roster::Roster;
use crate::store::escalation::Escalation;

/// "Hand over…": to whom?
pub(super) async fn pressed(app: &App, id: &str, asker: &Asker) -> Result<Reply> {
    let root = right::permit(app, id, asker).await?;
    let roster = app.roster().await?;
    Ok(Reply::Form(blank(app, &root, heirs(app, &roster, &root, asker))?))
}

/// It is handed over.
pub(super) async fn submitted(app: &App, id: &str, (values, asker): (&Filled, &Asker)) -> Result<Reply> {
    let root = right::permit(app, id, asker).await?;
    let roster = app.roster().await?;
    let choices = heirs(app, &roster, &root, asker);
    let to = form::text(values, "to");
    // Where a menu has no room for all, a name is typed.
    let known = choices.iter().find(|one| one.value == to || one.label.eq_ignore_ascii_case(&to));
    let heir = known.and_then(|known| known.value.split_once(':')).map(|(kind, name)| match kind {
        "team" => Heir::Team(name.to_owned()),
        _ => Heir::Person(name.to_owned(), roster.name(name).to_owned()),
    });
    let Some(heir) = heir else {
        let errors = vec![FieldError::new("to", "There is nobody of that name to hand it to.")];
        return Ok(form::again(blank(app, &root, choices)?, values, errors));
    };
    let label = known.map(|known| known.label.clone()).unwrap_or_default();
    act::hand_over(app, id, (asker, heir)).await?;
    let mut done = super::done("handed", &root);
    done["who"] = label.into();
    super::reply(app, ("escalation_answered", Tone::Good), &json!({ "act": done }))
}

fn blank(app: &App, root: &Escalation, choices: Vec<Choice>) -> Result<Form> {
    let values = json!({"escalation": news::brief(root)});
    let to = ("to", Input::Choice(choices), true);
    form::form(app, ("handover_asked", &values), Token::new("hand-over", &root.id), vec![to])
}

/// Who can be handed it: the people of the teams that are concerned and of the asker's own, then all teams.
fn heirs(app: &App, roster: &Roster<'_>, root: &Escalation, asker: &Asker) -> Vec<Choice> {
    let mut teams: Vec<&str> = vec![root.team.as_str()];
    teams.extend(route::last_team(app));
    teams.extend(asker.person.teams.iter().map(String::as_str));
    let mut people: BTreeMap<&str, &str> = BTreeMap::new();
    for person in teams.iter().flat_map(|team| roster.members(team)) {
        people.insert(&person.id, &person.name);
    }
    for lead in teams.iter().filter_map(|team| app.config.team.get(*team)?.lead.as_deref()) {
        people.insert(lead, roster.name(lead));
    }
    people.remove(asker.person.id.as_str());
    let people = people.into_iter().map(|(id, name)| choice(format!("person:{id}"), name));
    let teams =
        app.config.team.keys().map(|name| Choice { hint: "team".into(), ..choice(format!("team:{name}"), name) });
    people.chain(teams).collect()
}
