//! What waits for somebody: approvals, broken glasses to look at, and what they have approved ahead.

use serde_json::{Map, Value, json};

use super::{Recorded, standing, told};
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::chat::{Reply, Tone};
use crate::clock::Span;
use crate::error::Result;
use crate::people::electorate;
use crate::people::roster::Roster;
use crate::store::approval::Open;
use crate::store::review::Review;
use crate::store::standing::Standing;

/// How many of each kind are listed.
const LISTED: usize = 10;
/// How many of each kind have buttons.
const PRESSED: usize = 4;

/// The list, for the eyes of who asks.
pub(super) async fn list(app: &App, asker: &Asker) -> Result<Reply> {
    let now = app.clock.now();
    let roster = app.roster().await?;
    let open = app.store.open_approvals(&asker.person.id).await?;
    let waiting = electorate::waiting(&roster, &open, (&asker.person, now));
    let reviews = reviews(app, asker).await?;
    let standings = app.store.live_standings(now).await?;
    let mine = standings.iter().filter(|standing| standing::may_revoke(app, standing, &asker.person));
    let values = json!({
        "count": waiting.len(),
        "waiting": rows(waiting.into_iter().filter(|open| open.expires_at > now).map(|open| shown(open, &roster, now))),
        "reviews": rows(reviews.iter().map(|(review, said)| json!({
            "id": review.id, "said": said, "person": roster.name(&review.person),
            "ago": Span::from_millis(now - review.created_at).to_string(),
        }))),
        "standings": rows(mine.map(|standing| given(standing, &roster, asker))),
    });
    told(app, ("approvals_listed", Tone::Neutral), &json!({ "approval": values }))
}

/// The first few rows, of which the first few have buttons.
fn rows(rows: impl Iterator<Item = Value>) -> Vec<Value> {
    let mark = |(index, mut row): (usize, Value)| {
        row["pressed"] = (index < PRESSED).into();
        row
    };
    rows.take(LISTED).enumerate().map(mark).collect()
}

fn shown(open: &Open, roster: &Roster<'_>, now: i64) -> Value {
    let plan: Option<Recorded> = serde_json::from_str(&open.plan).ok();
    let (said, command) = plan.map(|plan| (plan.said, plan.command)).unwrap_or_default();
    json!({
        "id": open.id,
        "said": said,
        "command": command,
        "requester": roster.name(&open.requester),
        "left": Span::from_millis(open.expires_at - now).to_string(),
    })
}

/// The broken glasses that the asker may look at, each with what was let pass.
async fn reviews(app: &App, asker: &Asker) -> Result<Vec<(Review, String)>> {
    let person = &asker.person;
    let all = app.store.open_reviews().await?.into_iter();
    let mine = all.filter(|review| person.teams.contains(&review.team) && review.person != person.id).take(LISTED);
    let mut found = Vec::new();
    for review in mine {
        let Some(approval) = app.store.approval(&review.approval).await? else { continue };
        let plan: Recorded = serde_json::from_str(&approval.plan)?;
        found.push((review, plan.said));
    }
    Ok(found)
}

fn given(standing: &Standing, roster: &Roster<'_>, asker: &Asker) -> Value {
    let scope: Map<String, Value> = serde_json::from_str(&standing.scope).unwrap_or_default();
    let person = standing.person.as_deref().map(|person| roster.name(person).to_owned());
    let team = || standing.team.as_ref().map(|team| format!("the team {team}"));
    json!({
        "id": standing.id,
        "command": standing.command,
        "scope": standing::scope_words(&scope),
        "whom": person.or_else(team),
        "uses": standing.uses_left,
        "until": roster.calendar_of(&asker.person.id).words(standing.expires_at),
        "grantor": Some(roster.name(&standing.grantor)).filter(|_| standing.grantor != asker.person.id),
    })
}
