//! Who may deal with an escalation: rights are checked at the press and again when a form comes back.

use super::route;
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::error::{Reason, Result, UserError};
use crate::people::Person;
use crate::people::roster::Roster;
use crate::store::escalation::Escalation;

/// The escalation that is dealt with, if the asker may deal with it. Whoever may not learns who does.
pub(super) async fn permit(app: &App, id: &str, asker: &Asker) -> Result<Escalation> {
    let escalation = found(app, id).await?;
    let roster = app.roster().await?;
    if may(app, &roster, &escalation, &asker.person) {
        return Ok(escalation);
    }
    let whom = match escalation.team.as_str() {
        "" => "the platform team".to_owned(),
        team => format!("the team {team}"),
    };
    Err(UserError::new(Reason::Denied, format!("This is for {whom} and those whom it was put to."))
        .hint("ask one of them, or to be handed it")
        .into())
}

/// The escalation that is dealt with where this one is shown.
pub(super) async fn found(app: &App, id: &str) -> Result<Escalation> {
    let gone = || UserError::new(Reason::NotFound, "There is no such call for help.").hint("type /escalations");
    let own = app.store.escalation(id).await?.ok_or_else(gone)?;
    match &own.parent {
        Some(parent) if !own.is_resolved() => app.store.escalation(parent).await?.ok_or_else(|| gone().into()),
        _ => Ok(own),
    }
}

/// Whether a person may deal with it: the owner team, its lead, the platform team, whom it was put to, and who stands in for
/// one of them.
pub(super) fn may(app: &App, roster: &Roster<'_>, escalation: &Escalation, person: &Person) -> bool {
    let asked = escalation.asked();
    let last = route::last_team(app);
    let is_asked =
        |team: &String| *team == escalation.team || asked.teams.contains(team) || Some(team.as_str()) == last;
    let lead = app.config.team.get(&escalation.team).and_then(|team| team.lead.as_ref());
    let people: Vec<&String> = asked.people.iter().chain(lead).chain(&escalation.holder).collect();
    let now = app.clock.now();
    let stands_in = |other: &&String| {
        roster.is_away(other, now) && roster.stand_ins(other, now).iter().any(|name| *name == person.id)
    };
    person.teams.iter().any(is_asked) || people.contains(&&person.id) || people.iter().any(stands_in)
}
