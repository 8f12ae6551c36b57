//! The check of the steps of a command.

use std::collections::HashSet;

use super::command::Check;
use super::finding::{Remark, listed};
use crate::catalogue::command::Step;
use crate::runner::Runner;

/// The most attempts of a step: with the pause doubling, more than these would last for days.
const MOST_ATTEMPTS: u32 = 20;

/// What is wrong with the steps of a command, each by itself.
pub(super) fn check(check: &mut Check<'_, '_>) {
    if check.command.step.is_empty() {
        let remark = Remark::new(format!("`/{}` does nothing: it has no step", check.command.name));
        let path = check.path("step");
        check.findings.add(&path, remark.hint("add a [[command.step]] with a name and a runner"));
    }
    let mut seen = HashSet::new();
    for (index, step) in check.command.step.iter().enumerate() {
        let at = check.path(&format!("step[{index}]"));
        check_name(check, &at, step);
        if !step.name.is_empty() && !seen.insert(&step.name) {
            let remark = Remark::new(format!("the step `{}` is declared twice", step.name));
            check.findings.add(&format!("{at}.name"), remark.hint("give one of them another name"));
        }
        check_work(check, &at, step);
        if let Some(undo) = &step.undo {
            check_undo(check, &format!("{at}.undo"), undo);
        }
    }
}

fn check_name(check: &mut Check<'_, '_>, at: &str, step: &Step) {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if step.name.is_empty() {
        let remark = Remark::new("a step needs a name");
        check.findings.add(&format!("{at}.name"), remark.hint("name = \"create\": its outputs are {{steps.create.…}}"));
    } else if !step.name.chars().all(is_part) || !step.name.starts_with(|c: char| c.is_ascii_lowercase()) {
        let remark = Remark::new(format!("`{}` cannot be the name of a step", step.name));
        check
            .findings
            .add(&format!("{at}.name"), remark.hint("write it in small letters, digits and _, a letter first"));
    }
}

/// What a step and its undoing have in common: one runner, and how it is tried.
fn check_work(check: &mut Check<'_, '_>, at: &str, step: &Step) {
    let runners = step.runners();
    let names: Vec<&str> = runners.iter().map(Runner::name).collect();
    match runners.as_slice() {
        [] if check.findings.has_doubts(at) => {}
        [] => {
            let remark = Remark::new("this step does nothing: it has no runner");
            check.findings.add(at, remark.hint(format!("add the table of one of {}", listed(&Step::RUNNERS))));
        }
        [runner] => {
            for (key, message, hint) in runner.inspect(check.tools).mistakes {
                let path = format!("{at}.{}.{key}", runner.name());
                let remark = Remark::new(message);
                check.findings.add(path.trim_end_matches('.'), hint.into_iter().fold(remark, Remark::hint));
            }
        }
        _ => {
            let remark = Remark::new(format!("this step has several runners: {}", listed(&names)));
            let hint = format!("keep one, and give `{}` a step of its own", names[names.len() - 1]);
            check.findings.add(&format!("{at}.{}", names[names.len() - 1]), remark.hint(hint));
        }
    }
    if step.timeout.is_some_and(|timeout| timeout.millis() == 0) {
        check.findings.add(&format!("{at}.timeout"), "`timeout` leaves no time at all");
    }
    if let Some(retry) = &step.retry
        && !(1..=MOST_ATTEMPTS).contains(&retry.attempts)
    {
        let remark = Remark::new(format!("`attempts` takes 1 to {MOST_ATTEMPTS}"));
        check.findings.add(&format!("{at}.retry.attempts"), remark.hint("it counts the first attempt too"));
    }
}

fn check_undo(check: &mut Check<'_, '_>, at: &str, undo: &Step) {
    check_work(check, at, undo);
    let wrong = [
        ("name", !undo.name.is_empty(), "it goes by the name of its step"),
        ("when", undo.when.is_some(), "it is done whenever its step was"),
        ("undo", undo.undo.is_some(), "undoing is not undone"),
    ];
    for (key, given, hint) in wrong {
        if given {
            check.findings.add(&format!("{at}.{key}"), Remark::new(format!("an undo has no `{key}`")).hint(hint));
        }
    }
}
