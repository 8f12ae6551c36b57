//! A capability: something the platform offers, with its owner, its promise and its honest state.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::CommandFile;
use crate::clock::Span;

/// One file of `commands/`, exactly as it is written.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapabilityFile {
    /// What is offered.
    pub capability: Capability,
    /// Its slash-commands.
    #[serde(default)]
    pub command: Vec<CommandFile>,
}

/// Something the platform offers.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capability {
    /// Its short name, unique: `databases`.
    pub name: String,
    /// Its name for people: `PostgreSQL databases`.
    pub title: String,
    /// Why it exists: `As a developer I want … so that …`.
    pub need: String,
    /// The team that answers for it.
    pub owner: String,
    /// How far it is.
    pub maturity: Maturity,
    /// How a team consumes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experience: Option<Experience>,
    /// Who runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sharing: Option<Sharing>,
    /// The capability one level down to offer when this one does not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// Where it is documented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docs: Option<String>,
    /// When humans help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support: Option<Support>,
    /// What it promises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slo: Option<Slo>,
    /// What one use saves against the manual way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saves: Option<Span>,
}

/// How far a capability is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Maturity {
    /// For early adopters.
    Experimental,
    /// For everybody who accepts changes.
    Beta,
    /// Generally available.
    Ga,
    /// On its way out.
    Deprecated,
    /// Gone.
    Retired,
}

/// How a team consumes a capability, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Experience {
    /// It happens when code is pushed.
    PushCode,
    /// It happens when a package is pushed.
    PushPackage,
    /// A module that the team calls.
    SharedModule,
    /// The team's own code.
    OwnCode,
    /// An interface to call.
    Api,
}

/// Who runs a capability, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// The platform runs it.
    ManagedService,
    /// The platform packages it, the team runs it.
    ServicePackage,
    /// Code in common.
    SharedCode,
    /// An example to copy.
    Example,
    /// A text to follow.
    Guidance,
}

/// When humans help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Support {
    /// As somebody finds the time.
    BestEffort,
    /// In the owner's working hours.
    BusinessHours,
    /// Day and night.
    AroundTheClock,
}

/// What a capability promises.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// The share of requests that succeed, 0 to 1.
    pub success: f64,
    /// The time within which nine of ten requests end.
    pub p90: Span,
}
