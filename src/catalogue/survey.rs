//! A survey: the questions that people are asked, who is asked when, and what they are promised.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::calendar::Zone;
use crate::clock::Span;

pub mod answers;
pub mod kind;
pub mod question;
pub mod recurrence;

pub use kind::Kind;
pub use question::Question;
pub use recurrence::Recurrence;

/// The fewest people behind a figure that is shown; no survey may go below it.
pub const FEWEST: u32 = 3;
/// How many questions a pulse has at most without tiring people out.
pub const FEW: usize = 5;

/// One file of `commands/surveys/`, exactly as it is written.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SurveyFile {
    /// What is asked.
    pub survey: Survey,
}

/// A survey.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Survey {
    /// Its short name, unique: `developer-experience`.
    pub name: String,
    /// Its name for people: `How is it to build here?`
    pub title: String,
    /// What becomes of the answers, as people read it before the first question.
    pub purpose: String,
    /// The team that asks, and that says what it does about the answers.
    pub owner: String,
    /// `true`: nobody can tie an answer to a person. Otherwise `attributed` is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<bool>,
    /// The owner sees who said what; why, as people read it before the first question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributed: Option<String>,
    /// How long it takes; computed from the questions if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
    /// Who is asked.
    pub audience: Audience,
    /// What is published beside everybody's answers: by each of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Grouping>,
    /// Groups of several teams or roles that are published too: `backend = ["team:data", "role:sre"]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub group: BTreeMap<String, Vec<String>>,
    /// The fewest people behind a figure that is shown; 3 at the lowest.
    #[serde(default = "minimum")]
    pub minimum: u32,
    /// How long a wave is open.
    #[serde(default = "closes")]
    pub closes: Span,
    /// When who has not answered is reminded, after they were asked.
    #[serde(default = "reminders")]
    pub reminders: Vec<Span>,
    /// Each wave asks one of so many parts of the audience, so that nobody is asked twice in as many waves.
    #[serde(default = "one")]
    pub cohorts: u32,
    /// Where the results go beside those who were asked: `team:platform`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results_to: Vec<String>,
    /// When a wave opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// After what a person is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Trigger>,
    /// The questions, in this order.
    #[serde(default)]
    pub question: Vec<Question>,
    /// What must be accepted and what refused; run by `stationmaster check`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<SurveyTest>,
}

/// Who is asked: whoever is in one of these, and in none of `except`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Audience {
    /// Teams; `*` is everybody, in a team or not.
    pub teams: Vec<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// Persons, by the name in the configuration.
    pub people: Vec<String>,
    /// Teams, roles and persons who are not asked.
    pub except: Vec<String>,
    /// And of all those only who has used a command.
    pub used: Option<Used>,
}

/// Who has used a command lately.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Used {
    /// The command's name: `db create`.
    pub command: String,
    /// How long ago at most.
    pub within: Span,
}

/// What people are grouped by where figures are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Grouping {
    /// The team that they are in.
    Team,
    /// A role that they have.
    Role,
    /// The command that they used, where an event asks.
    Command,
}

/// When a wave opens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The time, as crontab writes it.
    pub cron: Recurrence,
    /// Where that time is meant.
    #[serde(default)]
    #[schemars(with = "String")]
    pub zone: Zone,
}

/// What a person is asked after.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// The kind of event.
    pub after: Occasion,
    /// Only for this command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Only at a person's so many-th, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u32>,
    /// How often it leads to the question, from 0 to 1.
    #[serde(default = "always")]
    pub probability: f64,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Occasion {
    /// A request of theirs ended well.
    Request,
    /// An escalation of theirs was resolved.
    Escalation,
}

/// One test: answers as somebody would give them, and which of them is refused.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SurveyTest {
    /// The answers, by question.
    pub answers: BTreeMap<String, Value>,
    /// The question whose answer must be refused; without it all of them are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Survey {
    /// Whether nobody can tie an answer to a person.
    pub fn is_anonymous(&self) -> bool {
        self.attributed.is_none()
    }

    /// How many minutes it takes: as its author says, or a quarter for each scale and one for each text, rounded up.
    pub fn minutes(&self) -> u32 {
        let seconds: u32 = self.question.iter().map(Question::seconds).sum();
        self.minutes.unwrap_or_else(|| seconds.div_ceil(60).max(1))
    }

    /// A question by its name.
    pub fn question(&self, name: &str) -> Option<&Question> {
        self.question.iter().find(|question| question.name == name)
    }

    /// The one question of a survey that a press of a button answers.
    pub fn one_tap(&self) -> Option<&Question> {
        match self.question.as_slice() {
            [only] if (2..=5).contains(&only.options().len()) => Some(only),
            _ => None,
        }
    }
}

fn minimum() -> u32 {
    5
}

fn one() -> u32 {
    1
}

fn always() -> f64 {
    1.0
}

fn closes() -> Span {
    Span::from_secs(10 * 86_400)
}

fn reminders() -> Vec<Span> {
    [3, 5].map(|days| Span::from_secs(days * 86_400)).into()
}
