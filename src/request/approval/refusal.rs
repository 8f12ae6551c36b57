//! What people are told who cannot decide: each case has its own words.

use super::Case;
use crate::app::App;
use crate::clock::Span;
use crate::error::{Reason, UserError};
use crate::people::roster::Roster;
use crate::store::approval::state;

/// The token of no approval.
pub(super) fn unknown() -> UserError {
    UserError::new(Reason::NotFound, "There is no such approval.").hint("type /approvals to see what waits for you")
}

/// Why nothing can be decided any more, if that is so. A decision at the very moment of expiry comes too late.
pub(super) fn closed(app: &App, case: &Case, roster: &Roster<'_>) -> Result<(), UserError> {
    let approval = &case.approval;
    let who = approval.decided_by.as_deref().map_or("Somebody", |by| roster.name(by)).to_owned();
    let ago = |at: i64| Span::from_millis(app.clock.now() - at);
    let decided = approval.decided_at.unwrap_or_default();
    let error = match approval.state.as_str() {
        state::OPEN if app.clock.now() < approval.expires_at => return Ok(()),
        state::OPEN | state::EXPIRED => {
            let message = format!(
                "The time for this approval was over {} ago, so it cannot be decided.",
                ago(approval.expires_at)
            );
            UserError::new(Reason::Conflict, message).hint(format!("{} can ask again", case.requester.name))
        }
        state::APPROVED => UserError::new(Reason::Conflict, format!("{who} approved this {} ago.", ago(decided))),
        state::DENIED => UserError::new(Reason::Conflict, format!("{who} did not approve this, {} ago.", ago(decided))),
        state::VOID => UserError::new(Reason::Conflict, "What would be done has changed since this was asked.")
            .hint("there is a newer card for it, if it still waits: type /approvals"),
        _ => UserError::new(Reason::Conflict, format!("{who} called this off {} ago.", ago(decided))),
    };
    Err(error)
}

/// Nobody decides about what they asked for themselves.
pub(super) fn own() -> UserError {
    UserError::new(Reason::Denied, "This is your own request, so somebody else decides about it.")
        .hint("you can cancel it on its own card")
}

/// Somebody whom the policy does not name.
pub(super) fn stranger(case: &Case) -> UserError {
    let who = words(case.terms.asked(case.approval.level), &case.requester.name);
    UserError::new(Reason::Denied, format!("Only {who} can decide about this, and you are not among them."))
        .hint("type /whoami to see what you belong to")
}

/// Somebody who has said yes before.
pub(super) fn voted(missing: usize) -> UserError {
    let message = format!("You have approved this already. {}", more(missing));
    UserError::new(Reason::Conflict, message)
}

/// Those for whom somebody stands in have a vote already.
pub(super) fn represented(names: &str) -> UserError {
    let message = format!("The vote of {names}, for whom you stand in, was given already.");
    UserError::new(Reason::Conflict, message)
}

/// Several people press at the same time, again and again.
pub(super) fn busy() -> UserError {
    UserError::new(Reason::Unavailable, "Others are deciding about this at this very moment.")
        .hint("press again in a moment")
}

/// How many more must approve.
pub(super) fn more(missing: usize) -> String {
    match missing {
        1 => "One more person must.".into(),
        missing => format!("{missing} more people must."),
    }
}

/// Who decides, in words.
pub(super) fn words(sets: &[String], requester: &str) -> String {
    let word = |set: &String| match set.split_once(':') {
        Some(("team", team)) => format!("the team {team}"),
        Some((_, person)) => person.to_owned(),
        None => format!("the lead of {requester}'s team"),
    };
    sets.iter().map(word).collect::<Vec<_>>().join(" or ")
}
