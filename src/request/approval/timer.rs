//! The time of an approval: reminders within working hours, and the next level. That it expires is the request's own clock.

use serde_json::json;

use super::{Case, opening, trace};
use crate::app::App;
use crate::chat::Tone;
use crate::clock::{Millis, Span};
use crate::error::Result;
use crate::job::Claim;
use crate::people::roster::{Roster, Spot};
use crate::store::Tx;
use crate::store::approval::Approval;
use crate::store::audit::Act;

/// After which parts of a level's time its people are reminded, in quarters.
const QUARTERS: [i64; 2] = [2, 3];

/// How long people have been asked before they are reminded: who has just been asked knows.
const SOONEST: Span = Span::from_secs(600);

/// What is due at an approval.
enum Due {
    /// Nothing more until then; never if `None`.
    Later(Option<Millis>),
    /// Its people are reminded; so many of the level's reminders are over then.
    Reminder(i64),
    /// The next level is asked as well.
    Level(Vec<Spot>),
}

/// Does what is due, and comes back when more is.
pub async fn perform(app: &App, claim: &Claim, id: &str) -> Result<()> {
    let Some(approval) = app.store.approval(id).await?.filter(|approval| approval.decided_at.is_none()) else {
        return finish(app, claim).await;
    };
    let case = Case::of(app, approval).await?;
    let roster = app.roster().await?;
    let due = look(app, &case, &roster);
    let values = json!({ "approval": {
        "said": case.plan.said,
        "requester": case.requester.name,
        "left": Span::from_millis(case.approval.expires_at - app.clock.now()).to_string(),
    }});
    let after = after(app, &case, &roster, &due);
    let (claim, approval) = (claim.clone(), case.approval.clone());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            tx.hold(&claim).await?;
            let found = tx.approval(&approval.id).await?;
            if found.is_none_or(|found| found.decided_at.is_some()) {
                return tx.finish_job(&claim).await;
            }
            match due {
                Due::Later(_) => {}
                Due::Reminder(over) => {
                    tx.set_level(&approval.id, (approval.level, approval.asked_at), over).await?;
                    let notice = tx.insert_notice("approval_reminded", Tone::Waiting, &values).await?;
                    tx.tell_in_threads(&notice, &approval.id).await?;
                }
                Due::Level(spots) => raise(tx, &approval, &spots).await?,
            }
            match after {
                Some(at) => tx.continue_job(&claim, at).await,
                None => tx.finish_job(&claim).await,
            }
        })
    });
    write.await
}

async fn finish(app: &App, claim: &Claim) -> Result<()> {
    let claim = claim.clone();
    app.store.write(move |tx| Box::pin(async move { tx.finish_job(&claim).await })).await
}

fn look(app: &App, case: &Case, roster: &Roster<'_>) -> Due {
    let (approval, now) = (&case.approval, app.clock.now());
    let levels = case.terms.levels.len();
    let has_next = approval.level + 1 < levels as i64;
    if has_next && now >= opening::level_ends(approval, levels) {
        let next = case.terms.asked(approval.level + 1);
        let electorate = crate::people::electorate::Electorate::new(roster, (next, &case.requester), now);
        return Due::Level(next.last().map(|set| electorate.spots(set)).into_iter().flatten().collect());
    }
    match reminder(app, case, roster) {
        Some(at) if at <= now => {
            let passed = QUARTERS.iter().filter(|quarters| reached(approval, levels, **quarters) <= now).count();
            Due::Reminder(passed as i64)
        }
        Some(at) => Due::Later(Some(at)),
        None => Due::Later(has_next.then(|| opening::level_ends(approval, levels))),
    }
}

/// When so many quarters of a level's time are over.
fn reached(approval: &Approval, levels: usize, quarters: i64) -> Millis {
    approval.asked_at + (opening::level_ends(approval, levels) - approval.asked_at) * quarters / 4
}

/// When the next reminder of the level is due: never outside the hours of those who are asked.
fn reminder(app: &App, case: &Case, roster: &Roster<'_>) -> Option<Millis> {
    let (approval, levels) = (&case.approval, case.terms.levels.len());
    let quarters = QUARTERS.get(usize::try_from(approval.reminders).ok()?)?;
    let set = case.terms.asked(approval.level).last()?;
    let reached = reached(approval, levels, *quarters);
    if reached - approval.asked_at < SOONEST.millis() {
        return None;
    }
    let earliest = reached.max(app.clock.now());
    let at = case.electorate(app, roster).calendar(set).next_open(earliest);
    (at < opening::level_ends(approval, levels)).then_some(at)
}

/// When to come back once what is due has been done.
fn after(app: &App, case: &Case, roster: &Roster<'_>, due: &Due) -> Option<Millis> {
    let mut case = case.clone();
    match due {
        Due::Later(at) => return *at,
        Due::Reminder(over) => case.approval.reminders = *over,
        Due::Level(_) => {
            let approval = &mut case.approval;
            (approval.level, approval.asked_at, approval.reminders) = (approval.level + 1, app.clock.now(), 0);
        }
    }
    match look(app, &case, roster) {
        Due::Later(at) => at,
        Due::Reminder(_) | Due::Level(_) => Some(app.clock.now()),
    }
}

/// Asks the next level as well; those before can still decide.
async fn raise(tx: &mut Tx, approval: &Approval, spots: &[Spot]) -> Result<()> {
    let level = approval.level + 1;
    tx.set_level(&approval.id, (level, tx.now()), 0).await?;
    opening::ask(tx, &approval.id, spots).await?;
    tx.touch(&approval.request, crate::store::message::Priority::State).await?;
    let detail = format!("{} level {}", trace(approval), level + 1);
    let (subject, action) = (approval.request.as_str(), "next level asked");
    tx.audit(Act { subject, actor: "stationmaster", action, detail: &detail }).await
}
