//! The route of an escalation: the owner team and whoever is on call, then its lead, then the platform team.

use std::collections::BTreeSet;

use super::evidence::Aside;
use crate::app::App;
use crate::calendar::Calendar;
use crate::clock::Millis;
use crate::error::Result;
use crate::people::roster::{Roster, Spot};
use crate::store::escalation::Escalation;

/// The last level: after the platform team there is nobody.
pub(super) const LAST: i64 = 2;

/// Who is asked at a level, where, and within which hours.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    pub level: i64,
    pub teams: Vec<String>,
    pub people: Vec<String>,
    pub spots: Vec<Spot>,
    pub calendar: Calendar,
    pub aside: Option<Aside>,
}

/// Who is on call for a team, and what has to be said of how that is known.
struct Watch {
    person: Option<String>,
    aside: Option<Aside>,
}

/// Who is on call for a team at a time: by its paging service, or where that names nobody whom we know, by its rotation.
async fn on_call(app: &App, roster: &Roster<'_>, team: &str, at: Millis) -> Watch {
    let declared = roster.on_rotation(team, at).map(str::to_owned);
    match app.pager.watch(team).await {
        None => Watch { person: declared, aside: None },
        Some(Ok((person, _))) => Watch { person: Some(person), aside: None },
        Some(Err(doubt)) => {
            let instead = declared.as_deref().map(|person| roster.name(person).to_owned()).unwrap_or_default();
            Watch { person: declared, aside: Some(Aside { doubt, instead }) }
        }
    }
}

/// Who can still be asked from the present level on, in order. Where it is somebody's turn, they come first; a level that
/// was asked already, or has nobody, is left out.
pub(super) async fn stops(app: &App, roster: &Roster<'_>, escalation: &Escalation) -> Result<Vec<Stop>> {
    let now = app.clock.now();
    let asked = escalation.told_at.is_some();
    let mut stops = Vec::new();
    let (first, level) = match escalation.holder.as_deref() {
        Some(holder) if !asked => (Some(holder), escalation.level),
        _ => (None, escalation.level),
    };
    if let Some(holder) = first {
        stops.extend(persons(roster, level, (vec![holder.to_owned()], now)));
    }
    let from = if asked || first.is_some() { level + 1 } else { level };
    for level in from..=LAST {
        stops.extend(match level {
            0 => team(app, roster, (level, &escalation.team)).await?,
            1 => {
                let lead = app.config.team.get(&escalation.team).and_then(|team| team.lead.clone());
                let known = escalation.asked().people;
                let others = lead.into_iter().filter(|lead| !known.contains(lead)).collect();
                persons(roster, level, (others, now))
            }
            _ => match last_team(app).filter(|last| *last != escalation.team) {
                Some(last) => team(app, roster, (level, last)).await?,
                None => None,
            },
        });
    }
    Ok(stops)
}

/// The team that is asked when nobody else has helped.
pub(super) fn last_team(app: &App) -> Option<&str> {
    app.config.escalation.team.as_deref()
}

/// A team in its conversations, and whoever is on call for it directly.
async fn team(app: &App, roster: &Roster<'_>, (level, name): (i64, &str)) -> Result<Option<Stop>> {
    let now = app.clock.now();
    let Watch { person, aside } = on_call(app, roster, name, now).await;
    let people = person.map(|person| present(roster, &person, now)).unwrap_or_default();
    let direct = people.iter().flat_map(|person| roster.reach(person));
    let spots: BTreeSet<Spot> = direct.chain(roster.reach_team(name)).collect();
    Ok((!spots.is_empty()).then(|| Stop {
        level,
        teams: vec![name.to_owned()],
        people,
        spots: spots.into_iter().collect(),
        calendar: roster.calendar_of_team(name),
        aside,
    }))
}

/// Persons directly, or whoever stands in for them.
fn persons(roster: &Roster<'_>, level: i64, (people, now): (Vec<String>, Millis)) -> Option<Stop> {
    let people: Vec<String> = people.iter().flat_map(|person| present(roster, person, now)).collect();
    let spots: BTreeSet<Spot> = people.iter().flat_map(|person| roster.reach(person)).collect();
    let calendar = roster.calendar_of(people.first()?);
    let spots: Vec<Spot> = spots.into_iter().collect();
    (!spots.is_empty()).then_some(Stop { level, teams: Vec::new(), people, spots, calendar, aside: None })
}

/// The person, or who stands in while they are away.
fn present(roster: &Roster<'_>, person: &str, now: Millis) -> Vec<String> {
    if !roster.is_away(person, now) {
        return vec![person.to_owned()];
    }
    roster.stand_ins(person, now).into_iter().map(str::to_owned).collect()
}
