//! Why a paging service did not do what it was asked.

use std::fmt;

use super::Provider;
use crate::clock::Span;

/// Why a paging service did not do what it was asked. Shown, it is a clause for people without secrets: `PagerDuty did
/// not answer (503)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which service.
    pub provider: Provider,
    /// What is the matter.
    pub kind: Kind,
}

/// What is the matter with a paging service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// It cannot be reached, or says that it cannot answer now; what was told may have arrived.
    Away {
        /// The status, or what became of the connection.
        why: String,
        /// How long it asks to be left alone.
        wait: Option<Span>,
    },
    /// It is asked too often.
    Busy {
        /// How long it asks to be left alone.
        wait: Option<Span>,
    },
    /// It takes no such token or key, or not for this.
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// There is no schedule of this id or name.
    NoSchedule(String),
    /// It understood, and takes it not: its own words, or ours where it was not asked at all.
    Invalid(String),
    /// Its answer is not what its API promises.
    Unreadable,
}

impl Fault {
    /// Whether it may go better by itself later.
    pub fn passes(&self) -> bool {
        matches!(self.kind, Kind::Away { .. } | Kind::Busy { .. } | Kind::Unreadable)
    }

    /// Whether what was told has certainly not been taken.
    pub fn is_certain(&self) -> bool {
        !matches!(self.kind, Kind::Away { .. } | Kind::Unreadable)
    }

    /// How long the service asks to be left alone, at most five minutes.
    pub fn wait(&self) -> Option<Span> {
        match self.kind {
            Kind::Away { wait, .. } | Kind::Busy { wait } => wait,
            _ => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = self.provider.title();
        match &self.kind {
            Kind::Away { why, .. } => write!(f, "{title} did not answer ({why})"),
            Kind::Busy { .. } => write!(f, "{title} is asked too often for now (429)"),
            Kind::Refused { status } => write!(f, "{title} refuses the {} ({status})", self.provider.credential()),
            Kind::NoSchedule(schedule) => write!(f, "{title} knows no schedule {schedule}"),
            Kind::Invalid(why) => write!(f, "{title} could not be told: {why}"),
            Kind::Unreadable => write!(f, "{title} gave an answer that cannot be read"),
        }
    }
}

impl std::error::Error for Fault {}
