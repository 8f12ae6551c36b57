//! What the end of a request has others do: a human is asked, or asked no more.

use super::perform::Work;
use crate::clock::Span;
use crate::error::Result;
use crate::job::{Exception, Job};
use crate::store::Tx;
use crate::store::request::State;
use crate::store::step::{Course, state};

/// What follows from the end of a request.
pub(super) struct Follow {
    jobs: Vec<Job>,
}

impl Follow {
    /// What follows when a request at work ends so. What its requester called off is no failure of ours, but what could
    /// not be taken back then is.
    pub(super) fn up(work: &Work<'_>, ending: State) -> Self {
        let remains = work.steps.iter().any(|step| step.course() == Course::Undo && state::is_bad(&step.state));
        // A human has looked at it already; or whoever asked can mend it.
        let is_known = |name: &str| matches!(name, state::ABSENT | state::DECLINED);
        let known = work.steps.iter().any(|step| step.course() == Course::Do && is_known(&step.state));
        let reason = match ending {
            State::Uncertain => Some(Exception::Uncertain),
            State::Failed if !known => Some(Exception::StepFailed),
            _ if remains => Some(Exception::StepFailed),
            _ => None,
        };
        let escalate = reason.map(|reason| Job::Escalate { reason, subject: work.request.id.clone() });
        Self { jobs: escalate.into_iter().chain(breach(work, ending)).collect() }
    }

    /// A human is asked about the request.
    pub(super) fn only(reason: Exception, request: &str) -> Self {
        Self { jobs: vec![Job::Escalate { reason, subject: request.to_owned() }] }
    }

    /// Enqueues it, with the end itself.
    pub(super) async fn enqueue(&self, tx: &mut Tx, request: &str) -> Result<()> {
        for job in &self.jobs {
            tx.enqueue(job, tx.now())?;
        }
        if tx.open_escalation_of(request).await?.is_some() {
            tx.enqueue(&Job::Heal { request: request.to_owned() }, tx.now())?;
        }
        Ok(())
    }
}

/// Whether the capability keeps its promise is looked at after each request that did not help it to.
fn breach(work: &Work<'_>, ending: State) -> Option<Job> {
    let catalogue = work.app.catalogue.load();
    let slo = catalogue.capabilities.get(&work.request.capability)?.slo.as_ref()?;
    let took = Span::from_millis(work.app.clock.now() - work.request.started_at?);
    let kept = ending == State::Succeeded && took <= slo.p90;
    let counts = ending != State::Cancelled;
    let subject = work.request.capability.clone();
    (counts && !kept).then_some(Job::Escalate { reason: Exception::SloBreached, subject })
}
