//! `stationmaster survey plan`: what would be published of a table of counts, and why. It is the planner of the waves.

mod csv;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use self::table::{Row, Table};
use super::privacy::{Audience, EVERYONE, Plan, Verdict};
use crate::error::{Result, UserError};

/// How many groups a reason names at most before it only counts them.
const NAMED: usize = 4;

/// What would be published.
#[derive(Debug, Serialize)]
struct Report {
    k: u32,
    /// Whether the table did not say how many were asked.
    asked_is_answered: bool,
    /// Whether it is known that nothing hides less.
    best: bool,
    everyone: Line,
    groups: Vec<GroupLine>,
}

#[derive(Debug, Serialize)]
struct GroupLine {
    group: String,
    dimension: String,
    #[serde(flatten)]
    line: Line,
}

/// A group's counts, which a hidden one does not have, and the reason. The reason follows from the verdict alone, so it can
/// tell no count.
#[derive(Debug, Serialize)]
struct Line {
    published: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answered: Option<u32>,
    reason: String,
}

/// Plans for a table in CSV and gives the plan as JSON. The first line names the columns: `answered`, `asked` if that is
/// known, and one or more columns by which people are grouped. Every other line counts people who are in the same groups,
/// and in no other line.
///
/// # Errors
/// A [`UserError`] that names the line and what to do.
pub fn plan(input: &[u8], k: u32) -> Result<String> {
    let table = Table::read(input)?;
    let refuse = |error: anyhow::Error| UserError::invalid(format!("This cannot be planned: {error}."));
    let plan = Plan::open(k, &audience(&table)).map_err(refuse)?;
    let mut answered = vec![0; plan.cells()];
    for row in table.rows.iter().filter(|row| row.asked > 0) {
        let groups = names(&table, row);
        let cell = plan.cell(groups.iter().map(String::as_str)).expect("every row with people is in the plan");
        answered[cell] += row.answered;
    }
    let judgement = plan.judge(&answered);
    let reasons = plan.groups().map(|(name, _)| name.to_owned()).zip(&judgement.verdicts).collect();
    let report = report(&table, (k, plan.is_best() && judgement.is_best), &reasons);
    Ok(serde_json::to_string_pretty(&report).expect("a report is JSON"))
}

/// The groups of a table: every value of every dimension, in the order in which they come.
fn groups(table: &Table) -> Vec<(usize, &str)> {
    let mut known = BTreeSet::new();
    let each = |at: usize| table.rows.iter().map(move |row| (at, row.values[at].as_str()));
    let all = (0..table.dimensions.len()).flat_map(each);
    all.filter(|(_, value)| !value.is_empty()).filter(|group| known.insert(*group)).collect()
}

/// The name by which the plan knows a group; a value may be one of several dimensions.
fn name(table: &Table, (dimension, value): (usize, &str)) -> String {
    match table.dimensions.as_slice() {
        [_] => value.to_owned(),
        several => format!("{value} ({})", several[dimension]),
    }
}

fn names(table: &Table, row: &Row) -> BTreeSet<String> {
    let values = row.values.iter().enumerate().filter(|(_, value)| !value.is_empty());
    values.map(|(dimension, value)| name(table, (dimension, value))).collect()
}

fn audience(table: &Table) -> Audience {
    let cells: BTreeMap<_, _> = table.rows.iter().map(|row| (names(table, row), row.asked)).collect();
    let groups = groups(table).into_iter().map(|group| name(table, group)).collect();
    Audience { groups, cells, comments: Vec::new() }
}

fn report(table: &Table, (k, best): (u32, bool), verdicts: &BTreeMap<String, &Verdict>) -> Report {
    let line = |verdict: &Verdict, rows: &dyn Fn(&&Row) -> bool| {
        let published = *verdict == Verdict::Shown;
        let sum = |count: fn(&Row) -> u32| published.then(|| table.rows.iter().filter(rows).map(count).sum());
        Line { published, asked: sum(|row| row.asked), answered: sum(|row| row.answered), reason: reason(verdict, k) }
    };
    let group = |group: (usize, &str)| {
        let (at, value) = group;
        let verdict = verdicts[&name(table, group)];
        let line = line(verdict, &|row| row.values[at] == value);
        GroupLine { group: value.to_owned(), dimension: table.dimensions[at].clone(), line }
    };
    Report {
        k,
        asked_is_answered: table.asked_is_answered,
        best,
        everyone: line(verdicts[EVERYONE], &|_| true),
        groups: groups(table).into_iter().map(group).collect(),
    }
}

fn reason(verdict: &Verdict, k: u32) -> String {
    match verdict {
        Verdict::Shown => format!("at least {k} answered, and no fewer can be told apart by it"),
        Verdict::FewAsked => format!("fewer than {k} were asked"),
        Verdict::FewAnswered => format!("fewer than {k} answered"),
        Verdict::TellsApart { beside } => format!(
            "beside {}, it would tell fewer than {k} people apart, whose answers could then be found by subtraction",
            list(beside),
        ),
    }
}

fn list(names: &[String]) -> String {
    match names {
        [] => "the other groups that are published".to_owned(),
        [one] => one.clone(),
        [first @ .., last] if names.len() <= NAMED => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} others", names[..NAMED].join(", "), names.len() - NAMED),
    }
}
