//! Putting a plan to people: what is recorded, who is asked first, and what was approved ahead.

use serde_json::Value;

use super::{EXPIRES, Recorded, decision, refusal, standing, trace};
use crate::app::App;
use crate::catalogue::command::ApprovalPolicy;
use crate::clock::{Millis, Span};
use crate::error::Result;
use crate::job::Job;
use crate::people::electorate::{Electorate, Terms};
use crate::people::roster::Spot;
use crate::request::plan::{Plan, Proposal};
use crate::request::values::split_secrets;
use crate::request::{DEADLINE, define};
use crate::store::Tx;
use crate::store::approval::{Approval, state};
use crate::store::audit::Act;
use crate::store::message::Priority;
use crate::store::standing::Standing;
use crate::store::vote::{Vote, verdict};

/// An approval before it is asked for.
pub(in crate::request) struct Opening {
    approval: Approval,
    /// Where those of the first level are asked.
    spots: Vec<Spot>,
    /// Votes that were given ahead, the one that ends first first.
    ahead: Vec<Standing>,
    quorum: usize,
    /// How long people are asked.
    window: Span,
    /// After how long the first reminder can be due.
    first: Span,
    /// How long the request may take once it is approved.
    deadline: Span,
    /// Who is asked, in words.
    whom: String,
    /// Who is asked first, as the policy says it.
    by: String,
}

impl Opening {
    /// What is put to people for a proposal that a policy does not let pass by itself.
    pub(in crate::request) async fn of(app: &App, proposal: &Proposal<'_>) -> Result<Self> {
        let policy = proposal.command.approval.as_ref();
        let policy = policy.ok_or_else(|| anyhow::anyhow!("nobody is to be asked about {}", proposal.command.name))?;
        let plan = proposal.plan(app)?;
        let terms = terms(policy, &proposal.capability.owner);
        let roster = app.roster().await?;
        let deadline = proposal.command.deadline.unwrap_or(DEADLINE);
        let window = policy.expires.unwrap_or(EXPIRES).min(deadline);
        let asked = |level| Electorate::new(&roster, (terms.asked(level), proposal.person), app.clock.now());
        let last = terms.levels.len() as i64 - 1;
        // Whoever cannot decide is not waited for; where nobody can, the last level says so on the request's card.
        let level = (0..=last).find(|level| asked(*level).count_able() >= terms.quorum).unwrap_or(last);
        let spots = terms.asked(level).iter().flat_map(|set| asked(level).spots(set)).collect();
        let (version, _) = define(proposal.command)?;
        let ahead = standing::ahead(app, proposal, &asked(level), &version).await?;
        let (quorum, whom) = (terms.quorum, refusal::words(terms.asked(level), &proposal.person.name));
        let approval = Approval {
            id: crate::job::new_id("apr"),
            request: String::new(),
            plan: serde_json::to_string(&record(proposal, &plan))?,
            plan_hash: proposal.hash(app, &plan)?,
            policy: serde_json::to_string(&terms)?,
            policy_version: version,
            level,
            state: state::OPEN.into(),
            created_at: 0,
            asked_at: 0,
            expires_at: 0,
            reminders: 0,
            decided_at: None,
            decided_by: None,
        };
        let first = Span::from_millis(window.millis() / (last - level + 1) / 2);
        Ok(Self { approval, spots, ahead, quorum, window, first, deadline, whom, by: policy.by.clone() })
    }

    /// Who is asked first, as the policy says it.
    pub(super) fn by(&self) -> &str {
        &self.by
    }

    /// The plan that is put to people.
    pub(super) fn plan(&self) -> Result<Recorded> {
        Ok(serde_json::from_str(&self.approval.plan)?)
    }

    /// Asks for it, in the transaction in which the request begins to wait; or lets it pass, if enough was approved ahead.
    pub(in crate::request) async fn write(mut self, tx: &mut Tx, request: &str) -> Result<()> {
        self.approval.request = request.to_owned();
        self.approval.expires_at = tx.now() + self.window.millis();
        let approval = &self.approval;
        tx.insert_approval(approval).await?;
        tx.set_deadline(request, approval.expires_at).await?;
        let detail = format!("{}: {}", trace(approval), self.whom);
        tx.audit(Act { subject: request, actor: "stationmaster", action: "approval asked", detail: &detail }).await?;
        let voters = self.use_ahead(tx).await?;
        if voters.len() >= self.quorum {
            let by = voters.last().map_or("stationmaster", String::as_str);
            return decision::grant(tx, &self.approval, (by, self.deadline)).await;
        }
        ask(tx, &self.approval.id, &self.spots).await?;
        tx.touch(request, Priority::State).await?;
        tx.enqueue(&Job::Remind { approval: self.approval.id.clone() }, tx.now() + self.first.millis())
    }

    /// Casts the votes that were given ahead, each person's once and no more than are needed; whose they are.
    async fn use_ahead(&self, tx: &mut Tx) -> Result<Vec<String>> {
        let mut voters: Vec<String> = Vec::new();
        for standing in &self.ahead {
            if voters.len() >= self.quorum
                || voters.contains(&standing.grantor)
                || !tx.use_standing(&standing.id).await?
            {
                continue;
            }
            let vote = Vote {
                approval: self.approval.id.clone(),
                person: standing.grantor.clone(),
                identity: standing.identity.clone(),
                verdict: verdict::APPROVE.into(),
                on_behalf_of: None,
                standing: Some(standing.id.clone()),
                reason: String::new(),
                at: tx.now(),
            };
            tx.insert_vote(&vote).await?;
            let left = standing.uses_left - 1;
            let detail =
                format!("{} as {}, ahead by {} ({left} left)", trace(&self.approval), standing.identity, standing.id);
            let act =
                Act { subject: &self.approval.request, actor: &standing.grantor, action: "approve", detail: &detail };
            tx.audit(act).await?;
            voters.push(standing.grantor.clone());
        }
        Ok(voters)
    }
}

/// Shows an approval where people are asked.
pub(super) async fn ask(tx: &mut Tx, approval: &str, spots: &[Spot]) -> Result<()> {
    for spot in spots {
        tx.show(approval, spot.shown()).await?;
    }
    Ok(())
}

/// When the present level's share of the time is over: every level that is still to come has as much.
pub(super) fn level_ends(approval: &Approval, levels: usize) -> Millis {
    let left = (levels as i64 - approval.level).max(1);
    approval.asked_at + (approval.expires_at - approval.asked_at) / left
}

fn terms(policy: &ApprovalPolicy, owner: &str) -> Terms {
    Terms {
        levels: policy.levels(owner),
        quorum: policy.quorum as usize,
        owner: owner.to_owned(),
        break_glass: policy.break_glass.clone(),
        standing: policy.standing,
    }
}

/// What approvers see: all of it without secrets.
fn record(proposal: &Proposal<'_>, plan: &Plan) -> Recorded {
    let (shown, _) = split_secrets(proposal.command, proposal.input);
    Recorded {
        command: proposal.command.name.clone(),
        summary: proposal.command.summary.clone(),
        said: proposal.command.said(&shown),
        reason: shown.get("reason").and_then(Value::as_str).map(str::to_owned),
        steps: plan.steps.clone(),
        limits: plan.limits.clone(),
        cost: plan.cost.clone(),
    }
}
