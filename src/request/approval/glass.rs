//! Breaking the glass: who the policy names starts it alone, with a reason, and the owner looks at that later.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::decision::{self, LONGEST};
use super::sheet::{self, Sheet};
use super::{Case, refusal, told};
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::chat::{Input, Reply, Tone};
use crate::error::{Reason, Result, UserError};
use crate::store::audit::Act;
use crate::store::review::Review;
use crate::store::vote::{Vote, verdict};

/// The fewest characters of a reason for breaking the glass.
const SHORTEST: usize = 10;

/// The form that asks why.
pub(super) async fn start(app: &App, id: &str, asker: &Asker) -> Result<Reply> {
    let case = admit(app, id, asker).await?;
    reason(&case).open(app, &BTreeMap::new(), None)
}

fn reason(case: &Case) -> Sheet {
    let values = json!({ "said": case.plan.said, "owner": case.terms.owner, "requester": case.requester.name });
    let fields = vec![("reason", Input::Text, true)];
    Sheet::new(("glass", &case.approval.id), "glass_opened", fields).with(values)
}

/// The case, if the asker may break its glass.
async fn admit(app: &App, id: &str, asker: &Asker) -> Result<Case> {
    let case = Case::load(app, id).await?;
    refusal::closed(app, &case, &app.roster().await?)?;
    if asker.person.id == case.requester.id {
        return Err(refusal::own().into());
    }
    if !case.terms.break_glass.as_ref().is_some_and(|glass| glass.names(&asker.person)) {
        let message = "You are not among those who may break the glass here.";
        return Err(UserError::new(Reason::Denied, message).hint(format!("{} can approve it", case.whom())).into());
    }
    Ok(case)
}

/// Starts the request without the others, and tells its owner at once.
pub(super) async fn break_it(app: &App, id: &str, values: &BTreeMap<String, Value>, asker: &Asker) -> Result<Reply> {
    let case = admit(app, id, asker).await?;
    let reason = match sheet::text(values, "reason", (SHORTEST, LONGEST)) {
        Ok(text) => text,
        Err(mistake) => return self::reason(&case).open(app, values, Some(&mistake)),
    };
    if let Some(reply) = decision::refresh(app, &case).await? {
        return Ok(reply);
    }
    let spots = app.roster().await?.reach_team(&case.terms.owner);
    let (review, vote) = (review_of(&case, asker, &reason), vote_of(&case, asker, &reason));
    let detail = format!("{} as {}: {reason}", case.trace(), vote.identity);
    let deadline = case.deadline();
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            if !decision::is_open(tx, &case.approval).await? {
                return Ok(false);
            }
            // Who has approved before may still find that it cannot wait for the others.
            tx.insert_vote(&vote).await?;
            let act = Act { subject: &case.request.id, actor: &vote.person, action: "break glass", detail: &detail };
            tx.audit(act).await?;
            tx.insert_review(&review).await?;
            super::opening::ask(tx, &review.id, &spots).await?;
            decision::grant(tx, &case.approval, (&vote.person, deadline)).await?;
            Ok(true)
        })
    });
    if write.await? {
        return told(app, ("glass_broken", Tone::Waiting), &json!({}));
    }
    admit(app, id, asker).await?;
    Err(refusal::busy().into())
}

fn review_of(case: &Case, asker: &Asker, reason: &str) -> Review {
    Review {
        id: crate::job::new_id("rev"),
        approval: case.approval.id.clone(),
        request: case.request.id.clone(),
        person: asker.person.id.clone(),
        team: case.terms.owner.clone(),
        reason: reason.to_owned(),
        created_at: 0,
        reviewed_at: None,
        reviewed_by: None,
        verdict: None,
        note: None,
    }
}

fn vote_of(case: &Case, asker: &Asker, reason: &str) -> Vote {
    Vote {
        approval: case.approval.id.clone(),
        person: asker.person.id.clone(),
        identity: asker.signature(),
        verdict: verdict::BREAK_GLASS.into(),
        on_behalf_of: None,
        standing: None,
        reason: reason.to_owned(),
        at: 0,
    }
}
