//! Who is on call: for a team or for all of them, until when, who is next, and how that is known.

use serde_json::{Value, json};

use crate::app::App;
use crate::calendar::Calendar;
use crate::catalogue::menu;
use crate::catalogue::resolve::Asker;
use crate::chat::{Card, Reply, Tone};
use crate::clock::Millis;
use crate::error::{Reason, Result, UserError};
use crate::pager::Provider;
use crate::people::roster::Roster;
use crate::spelling::nearest;

/// The question of a line: the team that it is about, or empty for all.
pub fn read(line: &str) -> Option<String> {
    let (word, rest) = menu::first_word(line);
    (word == "oncall").then(|| rest.trim_start_matches('@').to_owned())
}

/// The answer to it, in the words of the asker's zone.
pub async fn answer(app: &App, team: &str, asker: &Asker) -> Result<Reply> {
    let teams = &app.config.team;
    if !team.is_empty() && !teams.contains_key(team) {
        let hint = match nearest(team, teams.keys().map(String::as_str)) {
            Some(meant) => format!("did you mean /oncall {meant}?"),
            None => "/oncall shows all teams".to_owned(),
        };
        return Err(UserError::new(Reason::NotFound, format!("There is no team `{team}`.")).hint(hint).into());
    }
    let (now, roster) = (app.clock.now(), app.roster().await?);
    let calendar = roster.calendar_of(&asker.person.id);
    let named = teams.keys().filter(|name| team.is_empty() || *name == team);
    let rows = futures::future::join_all(named.map(async |name| {
        let mut row = row(&roster, name, (now, &calendar));
        match app.pager.watch(name).await {
            Some(Ok((person, until))) => {
                let until = until.map(|until| calendar.words(until));
                let provider = app.pager.asked(name).map(Provider::title);
                row["service"] = json!({ "provider": provider, "person": roster.name(&person), "until": until });
            }
            Some(Err(doubt)) => row["doubt"] = json!(doubt),
            None => {}
        }
        row
    }));
    let rows: Vec<Value> = rows.await;
    let values = json!({ "team": team, "teams": rows });
    Ok(Reply::Card(Card::read(&app.messages.load().render("oncall_shown", &values)?, Tone::Neutral)))
}

/// What is known of one team.
fn row(roster: &Roster<'_>, team: &str, (now, calendar): (Millis, &Calendar)) -> Value {
    let rotation = roster.rotation(team);
    let turn = rotation.and_then(|rotation| rotation.turn(now));
    let next = rotation.and_then(|rotation| rotation.next(now));
    let person = turn.map(|turn| turn.person);
    let away = person.and_then(|person| roster.absence(person, now));
    let stand_in = person.and_then(|person| roster.stand_ins(person, now).first().copied());
    json!({
        "name": team,
        "person": person.map(|person| roster.name(person)),
        "until": turn.and_then(|turn| turn.until).map(|until| calendar.words(until)),
        "instead_of": turn.and_then(|turn| turn.instead_of).map(|person| roster.name(person)),
        "away_until": away.map(|absence| calendar.words(absence.until_at)),
        "stand_in": stand_in.map(|person| roster.name(person)),
        "next": next.map(|(person, at)| json!({ "name": roster.name(person), "at": calendar.words(at) })),
        "channels": roster.has_channels(team),
        "reached": !roster.reach_team(team).is_empty(),
        "service": null,
        "doubt": null,
    })
}
