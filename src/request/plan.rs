//! The dry run: what would be done, with values filled in and secrets masked; nothing is stored.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::values::{Values, split_secrets};
use crate::app::App;
use crate::catalogue::capability::Capability;
use crate::catalogue::command::{CommandFile, Step};
use crate::catalogue::resolve::Call;
use crate::chat::{Card, Tone};
use crate::clock::Rate;
use crate::error::{Reason, Result, UserError};
use crate::people::Person;
use crate::people::roster::Roster;
use crate::runner::callback::sign;

/// What a call would do.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// The steps that would run, in order; a condition over the outputs of an earlier step counts as held.
    pub steps: Vec<Planned>,
    /// Whether the person would be asked to confirm.
    pub confirm: bool,
    /// Who would have to approve.
    pub approval: Option<String>,
    /// The limits that apply, as words.
    pub limits: Vec<String>,
    /// What it costs, as words.
    pub cost: Option<String>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The step's name.
    pub name: String,
    /// The runner's name.
    pub runner: String,
    /// What it would do, in one line.
    pub line: String,
    /// Whether it can be taken back.
    pub undo: bool,
}

/// What somebody proposes to do: a command with its input, as its file stands.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// The command.
    pub command: &'a CommandFile,
    /// What it belongs to.
    pub capability: &'a Capability,
    /// The typed value of every parameter, secrets among them.
    pub input: &'a Map<String, Value>,
    /// Who asks.
    pub person: &'a Person,
    /// In which conversation.
    pub place: &'a str,
}

/// The plan of a call.
pub fn plan(app: &App, call: &Call, person: &Person, place: &str) -> Result<Plan> {
    Proposal::of(call, person, place).plan(app)
}

impl<'a> Proposal<'a> {
    /// What a call proposes.
    pub fn of(call: &'a Call, person: &'a Person, place: &'a str) -> Self {
        let (command, input) = (call.command(), call.input());
        Self { command: &command.file, capability: &command.capability, input, person, place }
    }

    /// What would be done. An error names who looks after a rule that cannot be applied.
    pub fn plan(&self, app: &App) -> Result<Plan> {
        let mut values = self.values(app);
        values.all["request"] = json!({"id": "req_…"});
        let confirm = self.command.needs_confirmation(&values.all)?;
        let facts = self.facts(app, &values)?;
        let approval = self.approver(&facts)?.map(str::to_owned);
        let mut steps = Vec::new();
        for step in &self.command.step {
            promise_outputs(app, step, &mut values.all);
            // What an earlier step will give is not known yet, so its condition cannot be told.
            let runs = step.when.as_ref().is_none_or(|when| when.holds(&values.all).unwrap_or(true));
            if let Some(runner) = step.runners().pop().filter(|_| runs) {
                // What is not known yet is shown as `<step.output>`, also where the runner encodes it for a URL.
                let line = runner.plan(&values.all, &values.mask)?.replace("%3C", "<").replace("%3E", ">");
                let (name, runner) = (step.name.clone(), runner.name().to_owned());
                steps.push(Planned { name, runner, line, undo: step.undo.is_some() });
            }
        }
        let cost = self.cost(&facts);
        Ok(Plan { steps, confirm, approval, limits: limits(self.command), cost })
    }

    /// Who must approve, as `approval.by` says it, if somebody must.
    pub fn demand(&self, app: &App) -> Result<Option<&'a str>> {
        if self.command.approval.is_none() {
            return Ok(None);
        }
        self.approver(&self.facts(app, &self.values(app))?)
    }

    /// SHA-256 over all that approvers decide about: the definition, the input, the steps as planned, the cost, and who
    /// decides. A secret counts by a keyed hash, so that it cannot be guessed from what is kept.
    pub fn hash(&self, app: &App, plan: &Plan) -> Result<String> {
        let (shown, secrets) = split_secrets(self.command, self.input);
        let sealed = |(name, value): (&String, &Value)| {
            (name.clone(), Value::from(sign(&app.tools.callback_key, name, &value.to_string())))
        };
        let secrets: Map<String, Value> = secrets.iter().map(sealed).collect();
        let approvers = self.command.approval.as_ref().map(|policy| policy.levels(&self.capability.owner));
        let (definition, _) = super::define(self.command)?;
        let whole = json!([definition, shown, secrets, plan.steps, plan.cost, approvers, self.capability.owner]);
        Ok(hex::encode(Sha256::digest(whole.to_string())))
    }

    /// The values of templates and conditions.
    pub fn values(&self, app: &App) -> Values {
        let mut values = Values::of_input(app, self.command, self.input, self.person);
        values.all["place"] = self.place.into();
        values
    }

    /// What the rules see: the values, and what is true now.
    fn facts(&self, app: &App, values: &Values) -> Result<Value> {
        let mut facts = values.all.clone();
        let calendar = Roster::new(&app.config, Vec::new()).calendar_of_team(&self.capability.owner);
        let civil = calendar.civil(app.clock.now());
        let now = json!({
            "hour": civil.hour, "minute": civil.minute, "weekday": civil.weekday.to_lowercase(), "date": civil.date,
            "open": calendar.is_open(app.clock.now()),
        });
        let added = self.command.add_facts(&mut facts, (self.capability, self.person), &now);
        added.map_err(|mistake| self.broken("what it costs", &mistake))?;
        Ok(facts)
    }

    fn approver(&self, facts: &Value) -> Result<Option<&'a str>> {
        self.command.needs_approval(facts).map_err(|mistake| self.broken("whether somebody must approve it", &mistake))
    }

    fn cost(&self, facts: &Value) -> Option<String> {
        let cost = self.command.cost.as_ref()?;
        let amount = self.command.cost(facts).ok()??;
        let amount = amount.as_f64().map_or_else(|| amount.to_string(), |amount| amount.to_string());
        Some(format!("{amount} {}", cost.unit))
    }

    /// A rule that cannot be applied means no, and somebody can mend it.
    fn broken(&self, what: &str, mistake: &anyhow::Error) -> anyhow::Error {
        let (name, owner) = (&self.command.name, &self.capability.owner);
        tracing::error!(command = name, error = format!("{mistake:#}"), "a rule of a capability file is broken");
        let message = format!("The rule that says {what} does not work for `/{name}`, so nothing was started.");
        let hint = format!("tell the team {owner}, who look after it: {mistake:#}");
        UserError::new(Reason::Unavailable, message).hint(hint).into()
    }
}

/// The plan as a card.
pub fn card(app: &App, call: &Call, plan: &Plan) -> Result<Card> {
    let (shown, _) = split_secrets(&call.command().file, call.input());
    let values = json!({
        "command": call.command().file.name,
        "said": call.command().file.said(&shown),
        "plan": plan,
        "approver": plan.approval.as_deref().map(|by| approver(app, by, &call.command().capability.name)),
    });
    Ok(Card::read(&app.messages.load().render("request_planned", &values)?, Tone::Neutral))
}

/// Who approves, in parts that a message can put into words.
pub fn approver(app: &App, by: &str, capability: &str) -> Value {
    let owner = || app.catalogue.load().capabilities.get(capability).map(|capability| capability.owner.clone());
    let (kind, name) = match by.split_once(':') {
        Some((kind, name)) => (kind, name.to_owned()),
        None if by == "owner" => ("team", owner().unwrap_or_default()),
        None => (by, String::new()),
    };
    json!({"kind": kind, "name": name})
}

/// Puts a name in place of everything that the steps before would give to this one.
fn promise_outputs(app: &App, step: &Step, values: &mut Value) {
    let reads = step.runners().into_iter().flat_map(|runner| runner.inspect(&app.tools).reads);
    for path in reads.flat_map(|(_, variables)| variables) {
        let mut parts = path.split('.');
        if let (Some("steps"), Some(name), Some(output)) = (parts.next(), parts.next(), parts.next()) {
            values["steps"][name][output] = format!("<{name}.{output}>").into();
        }
    }
}

fn limits(command: &CommandFile) -> Vec<String> {
    let rate = |rate: Rate| format!("{} in {} by one person", rate.count, rate.per);
    let limits = &command.limits;
    let concurrent = limits.concurrent.map(|most| format!("{most} at the same time"));
    limits.per_person.map(rate).into_iter().chain(concurrent).collect()
}
