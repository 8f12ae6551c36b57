//! The card of an approval, for those who decide, and what the request's own card says of it.

use serde_json::{Value, json};

use super::Case;
use crate::app::App;
use crate::chat::{Card, Tone};
use crate::clock::Span;
use crate::error::Result;
use crate::people::roster::Roster;
use crate::store::approval::state;
use crate::store::remark::{Remark, kind};
use crate::store::request::{Request, State};
use crate::store::vote::{Vote, verdict};

/// The card of an approval, as it is now.
pub(super) async fn whole(app: &App, id: &str) -> Result<Card> {
    let case = Case::load(app, id).await?;
    let roster = app.roster().await?;
    let (name, tone) = match case.approval.state.as_str() {
        state::OPEN => ("approval_asked", Tone::Waiting),
        state::APPROVED => ("approval_settled", Tone::Good),
        _ => ("approval_settled", Tone::Neutral),
    };
    let values = json!({ "approval": values(app, &case, &roster).await? });
    Ok(Card::read(&app.messages.load().render(name, &values)?, tone))
}

async fn values(app: &App, case: &Case, roster: &Roster<'_>) -> Result<Value> {
    let votes = app.store.votes(&case.approval.id).await?;
    let electorate = case.electorate(app, roster);
    let set = case.terms.asked(case.approval.level).last();
    let calendar = set.map(|set| electorate.calendar(set)).unwrap_or_default();
    let teams = &case.requester.teams;
    Ok(json!({
        "id": case.approval.id,
        "summary": case.plan.summary,
        "said": case.plan.said,
        "requester": case.requester.name,
        "teams": teams.join(", "),
        "reason": case.plan.reason,
        "cost": case.plan.cost,
        "steps": case.plan.steps,
        "limits": case.plan.limits,
        "whom": case.whom(),
        "quorum": case.terms.quorum,
        "yes": count(app, case, roster).await?,
        "expires": calendar.words(case.approval.expires_at),
        "left": Span::from_millis(case.approval.expires_at - app.clock.now()).to_string(),
        "votes": votes.iter().map(|vote| shown(vote, roster)).collect::<Vec<_>>(),
        "remarks": remarks(app, &case.approval.id, roster).await?,
        "standing": case.terms.standing.is_some(),
        "glass": case.terms.break_glass.is_some(),
        "state": case.approval.state,
        "by": case.approval.decided_by.as_deref().map(|by| roster.name(by)),
        "at": case.approval.decided_at.map(|at| calendar.words(at)),
    }))
}

/// How many have approved so far, by what is known of them; what counts is asked for when it is decided.
async fn count(app: &App, case: &Case, roster: &Roster<'_>) -> Result<usize> {
    let electorate = case.electorate(app, roster);
    let votes = app.store.votes(&case.approval.id).await?;
    let entitled = |vote: &&Vote| roster.person(&vote.person).is_some_and(|person| electorate.right(person).is_some());
    Ok(votes.iter().filter(|vote| vote.verdict == verdict::APPROVE).filter(entitled).count())
}

fn shown(vote: &Vote, roster: &Roster<'_>) -> Value {
    json!({
        "person": roster.name(&vote.person),
        "verdict": vote.verdict,
        "of": vote.on_behalf_of.as_deref().map(|of| roster.name(of)),
        "ahead": vote.standing.is_some(),
        "reason": vote.reason,
    })
}

/// Questions, each with its answer.
async fn remarks(app: &App, approval: &str, roster: &Roster<'_>) -> Result<Vec<Value>> {
    let all = app.store.remarks(approval).await?;
    let answer = |question: &Remark| {
        let found = all.iter().find(|remark| remark.answers.as_ref() == Some(&question.id));
        found.map(|answer| answer.body.clone())
    };
    let row = |question: &Remark| {
        json!({
            "id": question.id,
            "person": roster.name(&question.person),
            "question": question.body,
            "answer": answer(question),
        })
    };
    Ok(all.iter().filter(|remark| remark.kind == kind::QUESTION).map(row).collect())
}

/// What the card of a request says of its approval; nothing where nobody was asked.
pub(in crate::request) async fn of_request(app: &App, request: &Request) -> Result<Value> {
    let Some(approval) = app.store.approval_of(&request.id).await? else { return Ok(Value::Null) };
    let case = Case::of(app, approval).await?;
    let roster = app.roster().await?;
    let waits = request.state == State::AwaitingApproval;
    let (yes, remarks) = match waits {
        true => (count(app, &case, &roster).await?, remarks(app, &case.approval.id, &roster).await?),
        false => (0, Vec::new()),
    };
    let able = case.electorate(app, &roster).count_able();
    let is_last = case.approval.level + 1 >= case.terms.levels.len() as i64;
    Ok(json!({
        "yes": yes,
        "quorum": case.terms.quorum,
        "whom": case.whom(),
        "cost": case.plan.cost,
        "expires": roster.calendar_of(&request.person).words(case.approval.expires_at),
        "stuck": waits && is_last && able < case.terms.quorum,
        "remarks": remarks,
        "state": case.approval.state,
        "by": case.approval.decided_by.as_deref().map(|by| roster.name(by)),
    }))
}

impl Case {
    /// Who decides, in words.
    pub(super) fn whom(&self) -> String {
        super::refusal::words(self.terms.asked(self.approval.level), &self.requester.name)
    }
}
