//! Going on with an uncertain request, as a human has said. Invariant: a verdict counts once, and only while the request is
//! uncertain.

use crate::app::App;
use crate::catalogue::command::CommandFile;
use crate::clock::Span;
use crate::error::Result;
use crate::job::{Claim, Job, Verdict};
use crate::store::audit::Act;
use crate::store::request::{Change, State};
use crate::store::step::{Course, Step, state};

/// How long a request waits for another one of the same key to end.
const TURN: Span = Span::from_secs(5);

/// What a human says of the step that nobody could tell of.
#[derive(Debug, Clone)]
pub struct Said {
    /// What became of it.
    pub verdict: Verdict,
    /// Who says so.
    pub person: String,
    /// With which identity: `slack:U1`.
    pub identity: String,
}

/// Takes up an uncertain request again: after the step, after taking back what was done before it, or with the step.
pub async fn clear(app: &App, claim: &Claim, id: &str, said: Said) -> Result<()> {
    let Some(request) = app.store.request(id).await? else { return super::perform::finish(app, claim).await };
    let command: CommandFile = serde_json::from_str(&app.store.definition(&request.definition).await?)?;
    let name = app.person(&said.person).await?.name;
    let step =
        app.store.steps(id).await?.into_iter().find(is_open).map(|step| judged(app, step, (&name, said.verdict)));
    let ending = (said.verdict == Verdict::NotHappened && request.ending.is_none()).then_some(State::Failed);
    let deadline = app.clock.now() + command.deadline.unwrap_or(super::DEADLINE).millis();
    let claim = claim.clone();
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            tx.hold(&claim).await?;
            let found = tx.request(&request.id).await?.filter(|found| found.state == State::Uncertain);
            let Some(found) = found else { return tx.finish_job(&claim).await };
            if let Some(key) = &found.live_key
                && tx.live_request(&found.command, key).await?.is_some()
            {
                return tx.continue_job(&claim, tx.now() + TURN.millis()).await;
            }
            let (id, actor) = (found.id.as_str(), said.person.as_str());
            let detail = format!("{}, by {}", said.verdict.name(), said.identity);
            tx.audit(Act { subject: id, actor, action: "cleared", detail: &detail }).await?;
            if let Some(step) = &step {
                tx.put_step(step).await?;
            }
            if ending.is_some() {
                let summary = step.as_ref().map_or("", |step| step.summary.as_str());
                tx.set_ending(id, ending, summary).await?;
            }
            if found.cancel_at.is_none() {
                // It may have stood for long, and has all its time again.
                tx.set_deadline(id, deadline).await?;
            }
            tx.change_request(Change { request: id, state: State::Queued, actor, summary: "" }).await?;
            tx.enqueue(&Job::Perform { request: id.to_owned() }, tx.now())?;
            tx.finish_job(&claim).await
        })
    });
    write.await
}

/// Whether it is the step, or the undo, of which nobody could tell: it ended so, or the work on it crashed again and again.
fn is_open(step: &Step) -> bool {
    let unknown = step.course() == Course::Do && step.state == state::UNKNOWN;
    unknown || matches!(step.state.as_str(), state::RUNNING | state::WAITING | state::AGAIN)
}

/// The step as it is by the verdict.
fn judged(app: &App, mut step: Step, (name, verdict): (&str, Verdict)) -> Step {
    let happened = match verdict {
        Verdict::Again => {
            let mut fresh = Step::new(&step.request, step.position, step.course(), &step.name);
            fresh.state = state::AGAIN.into();
            return fresh;
        }
        Verdict::Happened => true,
        Verdict::NotHappened => false,
    };
    step.state = if happened { state::DONE.into() } else { state::ABSENT.into() };
    step.summary = format!("{name} found that it {}", if happened { "happened" } else { "did not happen" });
    step.ended_at = Some(app.clock.now());
    if !happened {
        // Nothing of it is there, so nothing of it is taken back.
        (step.outputs, step.checkpoint) = ("{}".into(), "null".into());
    }
    step
}
