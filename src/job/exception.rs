//! Why a human is asked, and what one says of a step that nobody could tell of.

use serde::{Deserialize, Serialize};

/// Why a human is asked. Nothing else reaches one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exception {
    /// A step failed, after all attempts.
    StepFailed,
    /// Nobody knows whether a step that must not be repeated happened.
    Uncertain,
    /// Those who had to approve did not say anything in time.
    ApprovalExpired,
    /// Somebody looked for something in vain.
    NoSuchCommand,
    /// Somebody wants a human.
    AskedForHuman,
    /// A capability does not keep its promise.
    SloBreached,
    /// A survey says that something is amiss.
    LowScore,
    /// A team needs more time with what is deprecated.
    ExtensionWanted,
    /// Cards have no place to go to.
    DeliveryFailing,
}

impl Exception {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::StepFailed,
        Self::Uncertain,
        Self::ApprovalExpired,
        Self::NoSuchCommand,
        Self::AskedForHuman,
        Self::SloBreached,
        Self::LowScore,
        Self::ExtensionWanted,
        Self::DeliveryFailing,
    ];

    /// Its name in the database, in messages and in figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::StepFailed => "step-failed",
            Self::Uncertain => "uncertain",
            Self::ApprovalExpired => "approval-expired",
            Self::NoSuchCommand => "no-such-command",
            Self::AskedForHuman => "asked-for-human",
            Self::SloBreached => "slo-breached",
            Self::LowScore => "low-score",
            Self::ExtensionWanted => "extension-wanted",
            Self::DeliveryFailing => "delivery-failing",
        }
    }
}

/// What a human says of a step of which nobody could tell whether it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It did: the request goes on after it.
    Happened,
    /// It did not: what was done before it is taken back.
    NotHappened,
    /// It may be done again.
    Again,
}

impl Verdict {
    /// The verdict of a button's verb.
    pub fn named(verb: &str) -> Option<Self> {
        [Self::Happened, Self::NotHappened, Self::Again].into_iter().find(|verdict| verdict.name() == verb)
    }

    /// Its name in the audit trail, and the verb of its button.
    pub fn name(self) -> &'static str {
        match self {
            Self::Happened => "happened",
            Self::NotHappened => "not-happened",
            Self::Again => "again",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_jobs_are_kept_under() {
        for reason in Exception::ALL {
            assert_eq!(serde_json::to_value(reason).expect("json"), reason.name());
        }
        for verb in ["happened", "not-happened", "again"] {
            let verdict = Verdict::named(verb).expect("a verdict");
            assert_eq!(serde_json::to_value(verdict).expect("json"), verb);
        }
        assert_eq!(Verdict::named("claim"), None);
    }
}
