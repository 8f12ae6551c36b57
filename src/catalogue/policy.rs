//! The rules by which a human decides first, as a capability file declares them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::capability::Capability;
use super::command::CommandFile;
use crate::clock::Span;
use crate::error::Result;
use crate::expression::Expression;
use crate::people::Person;

/// What the rules see beside the parameters, `person` and `place`. A parameter of the same name hides it.
pub const FACTS: [&str; 5] = ["team", "teams", "capability", "now", "cost"];
/// The parts of `capability`.
pub const OF_CAPABILITY: [&str; 3] = ["name", "owner", "maturity"];
/// The parts of `now`, in the zone of the team that owns the capability; `open` is whether it works now.
pub const OF_NOW: [&str; 5] = ["hour", "minute", "weekday", "date", "open"];

/// `[command.approval]`
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalPolicy {
    /// When a human is involved; always if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<Expression>,
    /// Who decides: `owner`, `team:NAME`, `lead-of-requester` or `person:NAME`.
    pub by: String,
    /// Who is asked as well, one after the other, where those before cannot decide or have not done so in their share of
    /// the time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<String>,
    /// How many must approve.
    #[serde(default = "one")]
    pub quorum: u32,
    /// How long the question stands; 24h if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Span>,
    /// Who may start it alone, with a reason that the owner looks at later; nobody if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<BreakGlass>,
    /// How far an approval may be given ahead; not at all if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
}

/// `break_glass = { roles = ["oncall"] }`: all who are named may.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BreakGlass {
    /// Roles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Teams.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
    /// Persons.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
}

/// `standing = { longest = "30d", most = 50 }`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// For how long one may be given.
    pub longest: Span,
    /// For how many uses.
    pub most: u32,
}

/// `cost = { amount = "size * 12", unit = "EUR a month" }`
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// What gives the number.
    pub amount: Expression,
    /// What it is a number of.
    pub unit: String,
}

fn one() -> u32 {
    1
}

impl ApprovalPolicy {
    /// Who is asked, one level after the other, with the owner by the team's name.
    pub fn levels(&self, owner: &str) -> Vec<String> {
        let name = |by: &String| if by == "owner" { format!("team:{owner}") } else { by.clone() };
        std::iter::once(&self.by).chain(&self.then).map(name).collect()
    }
}

impl BreakGlass {
    /// Whether somebody is among those who may.
    pub fn names(&self, person: &Person) -> bool {
        self.people.contains(&person.id)
            || self.teams.iter().any(|team| person.teams.contains(team))
            || self.roles.iter().any(|role| person.roles.contains(role))
    }
}

impl CommandFile {
    /// Adds what the rules see to `values`, which have the parameters. `now` has the parts of [`OF_NOW`]. An error if the
    /// cost cannot be told.
    pub fn add_facts(
        &self,
        values: &mut Value,
        (capability, person): (&Capability, &Person),
        now: &Value,
    ) -> Result<()> {
        let maturity = serde_json::to_value(capability.maturity)?;
        let facts = [
            ("team", person.teams.first().cloned().unwrap_or_default().into()),
            ("teams", json!(person.teams)),
            ("capability", json!({"name": capability.name, "owner": capability.owner, "maturity": maturity})),
        ];
        for (name, fact) in facts {
            self.add_fact(values, name, fact);
        }
        // What it costs does not depend on when it is asked for.
        if let Some(cost) = self.cost(values)? {
            self.add_fact(values, "cost", cost);
        }
        self.add_fact(values, "now", now.clone());
        Ok(())
    }

    fn add_fact(&self, values: &mut Value, name: &str, fact: Value) {
        if !self.param.iter().any(|param| param.name == name) {
            values[name] = fact;
        }
    }

    /// What it costs, as a number; `None` where the file says nothing of it.
    pub fn cost(&self, values: &Value) -> Result<Option<Value>> {
        let Some(cost) = &self.cost else { return Ok(None) };
        match cost.amount.value(values)? {
            amount @ Value::Number(_) => Ok(Some(amount)),
            other => anyhow::bail!("the cost `{}` gives {other}, which is no number", cost.amount.source()),
        }
    }

    /// Who must approve first, as `approval.by` says it, if somebody must. `values` have the facts.
    pub fn needs_approval(&self, values: &Value) -> Result<Option<&str>> {
        let Some(policy) = &self.approval else { return Ok(None) };
        let demanded = policy.when.as_ref().map_or(Ok(true), |when| when.holds(values))?;
        Ok(demanded.then_some(policy.by.as_str()))
    }

    /// The parameters on which it depends whether somebody must approve; all of them where that depends on none.
    pub fn decisive(&self) -> Vec<&str> {
        let names = || self.param.iter().map(|param| param.name.as_str());
        let mut read = self.approval.iter().filter_map(|policy| policy.when.as_ref()).flat_map(Expression::variables);
        let mut read: Vec<String> = read.by_ref().collect();
        if read.iter().any(|name| name == "cost") {
            read.extend(self.cost.iter().flat_map(|cost| cost.amount.variables()));
        }
        let found: Vec<&str> = names().filter(|name| read.iter().any(|read| read == name)).collect();
        if found.is_empty() { names().collect() } else { found }
    }
}
