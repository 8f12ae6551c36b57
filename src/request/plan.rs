//! The dry run: what would be done, with values filled in and secrets masked; nothing is stored.

use serde::Serialize;
use serde_json::{Value, json};

use super::values::Values;
use crate::app::App;
use crate::catalogue::command::{CommandFile, Step};
use crate::catalogue::resolve::Call;
use crate::chat::{Card, Tone};
use crate::clock::Rate;
use crate::error::Result;
use crate::people::Person;

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
}

/// One step of a plan.
#[derive(Debug, Clone, Serialize)]
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

/// The plan of a call.
pub fn plan(app: &App, call: &Call, person: &Person, place: &str) -> Result<Plan> {
    let command = &call.command().file;
    let mut values = Values::of_input(app, command, call.input(), person);
    values.all["place"] = place.into();
    values.all["request"] = json!({"id": "req_…"});
    let confirm = command.needs_confirmation(&values.all)?;
    let approval = command.needs_approval(&values.all)?.map(str::to_owned);
    let mut steps = Vec::new();
    for step in &command.step {
        promise_outputs(app, step, &mut values.all);
        // What an earlier step will give is not known yet, so its condition cannot be told.
        let runs = step.when.as_ref().is_none_or(|when| when.holds(&values.all).unwrap_or(true));
        if let Some(runner) = step.runners().pop().filter(|_| runs) {
            // What is not known yet is shown as `<step.output>`, also where the runner encodes it for a URL.
            let line = runner.plan(&values.all, &values.mask)?.replace("%3C", "<").replace("%3E", ">");
            steps.push(Planned {
                name: step.name.clone(),
                runner: runner.name().into(),
                line,
                undo: step.undo.is_some(),
            });
        }
    }
    Ok(Plan { steps, confirm, approval, limits: limits(command) })
}

/// The plan as a card.
pub fn card(app: &App, call: &Call, plan: &Plan) -> Result<Card> {
    let (shown, _) = super::values::split_secrets(&call.command().file, call.input());
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
