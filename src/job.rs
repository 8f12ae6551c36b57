//! Durable work: what is due, who holds it, and when it is tried again.
//!
//! A job is plain data of ids; what it does is decided at the desk. Invariant: a job is claimed by one process at a
//! time, and a write of a claim that has been taken over changes nothing.

use serde::{Deserialize, Serialize};

use crate::clock::Span;

mod exception;

pub use exception::{Exception, Verdict};

/// A thing that is due. A job is its own payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Job {
    /// Goes on with a request's steps.
    Perform {
        /// The request's id.
        request: String,
    },
    /// Goes on with a wave of a survey: opens it, asks, reminds, closes it and publishes.
    Wave {
        /// The wave's id.
        wave: String,
    },
    /// Something ended after which a survey may ask.
    Pulse {
        /// The id of the request or the escalation.
        subject: String,
    },
    /// Keeps the time of an approval: reminders, and the next level.
    Remind {
        /// The approval's id.
        approval: String,
    },
    /// Asks a human.
    Escalate {
        /// Why.
        reason: Exception,
        /// What it is about: a request's or a gap's id, a capability's or a platform's name.
        subject: String,
    },
    /// The clock of an escalation: whoever was not told is, and after those who did not claim it come others.
    Escalation {
        /// The escalation's id.
        escalation: String,
    },
    /// Tells paging services what they are to know of an escalation.
    Page {
        /// The escalation's id.
        escalation: String,
    },
    /// Looks whether an escalation is needed any more, since its request has ended.
    Heal {
        /// The request's id.
        request: String,
    },
    /// Goes on with an uncertain request as a human has said.
    Clear {
        /// The request's id.
        request: String,
        /// What became of the step that nobody could tell of.
        verdict: Verdict,
        /// Who says so.
        person: String,
        /// With which identity: `slack:U1`.
        identity: String,
    },
}

/// What goes first when there is more than can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Somebody is looking at it.
    Interactive = 0,
    /// It can wait a moment.
    Background = 5,
}

impl Job {
    /// Its kind, for logs and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Perform { .. } => "perform",
            Self::Wave { .. } => "wave",
            Self::Pulse { .. } => "pulse",
            Self::Remind { .. } => "remind",
            Self::Escalate { .. } => "escalate",
            Self::Escalation { .. } => "escalation",
            Self::Page { .. } => "page",
            Self::Heal { .. } => "heal",
            Self::Clear { .. } => "clear",
        }
    }

    /// The name of which there is one live job at most.
    pub fn name(&self) -> Option<String> {
        match self {
            Self::Perform { request } => Some(format!("perform:{request}")),
            Self::Wave { wave } => Some(format!("wave:{wave}")),
            Self::Pulse { subject } => Some(format!("pulse:{subject}")),
            Self::Remind { approval } => Some(format!("approval:{approval}")),
            Self::Escalate { reason, subject } => Some(format!("escalate:{}:{subject}", reason.name())),
            Self::Escalation { escalation } => Some(format!("escalation:{escalation}")),
            Self::Page { escalation } => Some(format!("page:{escalation}")),
            Self::Heal { request } => Some(format!("heal:{request}")),
            Self::Clear { request, .. } => Some(format!("clear:{request}")),
        }
    }

    /// What goes first.
    pub fn urgency(&self) -> Urgency {
        match self {
            Self::Perform { .. } | Self::Clear { .. } | Self::Escalate { .. } => Urgency::Interactive,
            Self::Remind { .. } | Self::Escalation { .. } | Self::Page { .. } | Self::Heal { .. } => {
                Urgency::Background
            }
            Self::Wave { .. } | Self::Pulse { .. } => Urgency::Background,
        }
    }
}

/// A job that this process holds.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The job's id.
    pub id: String,
    /// Counted at every claim of the job.
    pub fence: i64,
    /// How often it was claimed since it last went well; 1 at first.
    pub failures: i64,
    /// The job, as JSON.
    pub payload: String,
}

/// Another process has taken the job over; whatever this one was about to write must not be written.
#[derive(Debug)]
pub struct Fenced;

impl std::fmt::Display for Fenced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the work was taken over by another process")
    }
}

impl std::error::Error for Fenced {}

/// How often a job that crashes or errs is tried before it is dead.
pub const ATTEMPTS: i64 = 8;

/// How long to wait after the `failures`th failure in a row: doubling from one second, at most five minutes, with up to
/// a quarter of jitter so that what failed together does not come back together.
pub fn pause(failures: i64) -> Span {
    let whole = 1000i64.saturating_mul(1 << failures.clamp(1, 12).saturating_sub(1)).min(300_000);
    Span::from_millis(whole - rand::random_range(0..=whole / 4))
}

/// A new id: a readable prefix and a UUIDv7, so that ids sort by time.
pub fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", uuid::Uuid::now_v7().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        assert!((750..=1000).contains(&pause(1).millis()));
        assert!((3000..=4000).contains(&pause(3).millis()));
        assert!((225_000..=300_000).contains(&pause(i64::MAX).millis()));
    }
}
