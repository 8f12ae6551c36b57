//! The check of the rules about approvals: what is wrong with one would be noticed only when somebody waits for an answer.

use super::capability::check_team;
use super::command::Check;
use super::finding::Remark;
use super::reference::{Moment, judge_part};
use crate::catalogue::command::{ApprovalPolicy, BreakGlass, CommandFile, Standing};
use crate::catalogue::policy::{FACTS, OF_CAPABILITY, OF_NOW};

/// The most levels beyond the first.
const MOST_LEVELS: usize = 5;

/// Notes what is wrong with the approval of a command.
pub(super) fn check(check: &mut Check<'_, '_>, approval: &ApprovalPolicy) {
    let mut several = approver(check, "approval.by", &approval.by);
    for (index, by) in approval.then.iter().enumerate() {
        let found = approver(check, &format!("approval.then[{index}]"), by);
        // The levels decide together, so more than one can be found further up.
        several = several.zip(found).map(|_| true);
    }
    if approval.then.len() > MOST_LEVELS {
        let remark = Remark::new(format!("after the first, {MOST_LEVELS} levels can be asked at most"));
        check.findings.add(&check.path("approval.then"), remark);
    }
    quorum(check, approval, several);
    if let Some(glass) = &approval.break_glass {
        break_glass(check, glass);
    }
    if let Some(ahead) = &approval.standing {
        standing(check, ahead);
    }
}

/// Whether an approver is several people; `None` if it is nobody.
fn approver(check: &mut Check<'_, '_>, key: &str, by: &str) -> Option<bool> {
    let path = check.path(key);
    match by.split_once(':') {
        None if by == "owner" => Some(true),
        None if by == "lead-of-requester" => Some(false),
        Some(("team", team)) if !team.is_empty() => {
            check_team(check.findings, &path, team, check.known);
            Some(true)
        }
        Some(("person", person)) if !person.is_empty() => {
            check_known(check, &path, ("person", person));
            Some(false)
        }
        _ => {
            let remark = Remark::new(format!("`{by}` is nobody who can approve"));
            check.findings.add(&path, remark.hint("write owner, team:NAME, lead-of-requester or person:NAME"));
            None
        }
    }
}

fn quorum(check: &mut Check<'_, '_>, approval: &ApprovalPolicy, several: Option<bool>) {
    let path = check.path("approval.quorum");
    match (approval.quorum, several) {
        (0, _) => {
            let remark = Remark::new("an approval needs at least one person");
            check.findings.add(&path, remark.hint("leave out `approval` if nobody is to be asked"));
        }
        (quorum, Some(false)) if quorum > 1 => {
            let remark = Remark::new(format!("{quorum} people must approve, and `{}` is only one", approval.by));
            check.findings.add(&path, remark.hint("ask a team: by = \"team:NAME\""));
        }
        _ => {}
    }
}

fn break_glass(check: &mut Check<'_, '_>, glass: &BreakGlass) {
    if *glass == BreakGlass::default() {
        let remark = Remark::new("this names nobody who may break the glass");
        check.findings.add(&check.path("approval.break_glass"), remark.hint("break_glass = { roles = [\"oncall\"] }"));
    }
    for (index, team) in glass.teams.iter().enumerate() {
        let path = check.path(&format!("approval.break_glass.teams[{index}]"));
        check_team(check.findings, &path, team, check.known);
    }
    for (index, person) in glass.people.iter().enumerate() {
        let path = check.path(&format!("approval.break_glass.people[{index}]"));
        check_known(check, &path, ("person", person));
    }
    for (index, role) in glass.roles.iter().enumerate() {
        let path = check.path(&format!("approval.break_glass.roles[{index}]"));
        check_known(check, &path, ("role", role));
    }
}

fn standing(check: &mut Check<'_, '_>, standing: &Standing) {
    if standing.longest.millis() == 0 {
        check.findings.add(&check.path("approval.standing.longest"), "`longest` leaves no time at all");
    }
    if standing.most == 0 {
        let remark = Remark::new("an approval ahead for 0 uses is none");
        check.findings.add(&check.path("approval.standing.most"), remark.hint("the smallest number is 1"));
    }
}

/// Notes that a person or a role is not configured, if any is.
fn check_known(check: &mut Check<'_, '_>, path: &str, (kind, name): (&str, &str)) {
    let known = if kind == "role" { &check.known.roles } else { &check.known.people };
    if known.is_empty() || known.iter().any(|known| known == name) {
        return;
    }
    let remark = Remark::new(format!("there is no {kind} `{name}` in stationmaster.toml"));
    check.findings.add(path, remark.guess(name, known.iter().map(String::as_str)));
}

/// Whether `root` is a fact that the rules see at this moment, and no parameter.
pub(super) fn is_fact(command: &CommandFile, moment: Moment, root: &str) -> bool {
    let is_rule = matches!(moment, Moment::Priced | Moment::Judged);
    is_rule && FACTS.contains(&root) && !command.param.iter().any(|param| param.name == root)
}

/// Why a fact, or this part of it, is not known, if it is not.
pub(super) fn judge_fact(command: &CommandFile, moment: Moment, (root, part): (&str, Option<&str>)) -> Option<Remark> {
    let variable = part.map_or(root.to_owned(), |part| format!("{root}.{part}"));
    match root {
        "cost" if moment == Moment::Priced => Some(Remark::new("the cost cannot depend on itself")),
        "now" if moment == Moment::Priced => {
            let remark = Remark::new("the cost cannot depend on when it is asked for");
            Some(remark.hint("it is told again before the work begins, and must be the same then"))
        }
        "cost" if command.cost.is_none() => {
            let remark = Remark::new("nothing says what this command costs");
            Some(remark.hint("add it to the command: cost = { amount = \"12.5\", unit = \"EUR a month\" }"))
        }
        "capability" => judge_part(&variable, part, &OF_CAPABILITY),
        "now" => judge_part(&variable, part, &OF_NOW),
        _ => judge_part(&variable, part, &[]),
    }
}
