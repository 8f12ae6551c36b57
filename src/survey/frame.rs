//! The frame of a wave: who is asked in which groups, from which the publication plan is made before the first answer.
//!
//! Groups are named `team:data`, `role:lead`, `group:backend`, `command:db create`. Answers carry the cell of the plan that
//! their writer is in, and no other group.

use std::collections::{BTreeMap, BTreeSet};

use super::privacy::{Audience, Plan};
use crate::catalogue::Catalogue;
use crate::catalogue::survey::{Grouping, Survey};
use crate::error::Result;
use crate::people::Person;

/// How many people a group counts as of which it cannot be known beforehand how many will be asked.
const UNBOUNDED: u32 = 1_000_000;

/// The groups of a survey that a person is in; after a request, with the command that they used.
pub fn labels(survey: &Survey, person: &Person, command: Option<&str>) -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    for grouping in &survey.groups {
        match grouping {
            Grouping::Team => labels.extend(person.teams.iter().map(|team| format!("team:{team}"))),
            Grouping::Role => labels.extend(person.roles.iter().map(|role| format!("role:{role}"))),
            Grouping::Command => labels.extend(command.map(|command| format!("command:{command}"))),
        }
    }
    for (name, members) in &survey.group {
        let is_in = |member: &String| match member.split_once(':') {
            Some(("team", team)) => person.teams.iter().any(|of| of == team),
            Some(("role", role)) => person.roles.iter().any(|of| of == role),
            _ => false,
        };
        labels.extend(members.iter().any(is_in).then(|| format!("group:{name}")));
    }
    labels
}

/// The plan of a wave that may ask these people. After how many uses of which command people will be asked is not known
/// beforehand, so every command counts as if everybody used it; what is shown in the end depends on who has answered.
pub fn plan(survey: &Survey, people: &[&Person], catalogue: &Catalogue) -> Result<Plan> {
    let of_event = survey.event.as_ref().and_then(|event| event.command.as_deref());
    let is_meant = |name: &&str| of_event.is_none_or(|command| command == *name);
    let by_command = survey.groups.contains(&Grouping::Command);
    let names = catalogue.commands.keys().map(String::as_str).filter(|_| by_command).filter(is_meant);
    let mut commands: Vec<Option<&str>> = names.map(Some).collect();
    if commands.is_empty() {
        commands.push(None);
    }
    let mut cells: BTreeMap<BTreeSet<String>, u32> = BTreeMap::new();
    for person in people {
        for command in &commands {
            *cells.entry(labels(survey, person, *command)).or_default() += 1;
        }
    }
    if survey.event.is_some() {
        // People come and go while it is open, and the plan must hold whoever is asked: what is large is without bounds.
        cells.values_mut().filter(|count| **count >= survey.minimum).for_each(|count| *count = UNBOUNDED);
    }
    let groups: BTreeSet<&String> = cells.keys().flatten().collect();
    let groups = groups.into_iter().cloned().collect();
    // Anybody's answer may be stored without its groups, when the process ends before enough others have come; so there is
    // always a cell without groups, and what remains outside a group is judged by the answers when the wave closes.
    *cells.entry(BTreeSet::new()).or_default() +=
        if survey.event.is_some() { UNBOUNDED } else { u32::try_from(people.len())? };
    Plan::open(survey.minimum, &Audience { groups, cells, comments: Vec::new() })
}

/// A plan as it was stored.
pub fn read(plan: &str) -> Result<Plan> {
    Ok(serde_json::from_str(plan)?)
}

/// Whether a wave that may ask these people can show anything at all.
pub fn can_show(survey: &Survey, people: &[&Person]) -> bool {
    u32::try_from(people.len()).is_ok_and(|count| count >= survey.minimum)
}

/// The cell of a person, as it is stored: the number of a cell of the plan. Whoever is in no cell is in that without groups.
pub fn cell(plan: &Plan, labels: &BTreeSet<String>) -> Option<String> {
    let found = plan.cell(labels.iter().map(String::as_str)).or_else(|| plan.cell([]));
    found.map(|cell| cell.to_string())
}

/// The number of a stored cell; answers whose groups were left out are in the one without groups.
pub fn cell_number(plan: &Plan, cell: &str) -> Option<usize> {
    cell.parse().ok().filter(|number| *number < plan.cells()).or_else(|| plan.cell([]))
}

/// The groups of a person of which no figure will ever be shown, in words: `team data`.
pub fn never_shown(plan: &Plan, labels: &BTreeSet<String>) -> Vec<String> {
    plan.never_shown(labels.iter().map(String::as_str)).into_iter().map(words).collect()
}

/// A group in words.
pub fn words(group: &str) -> String {
    match group.split_once(':') {
        Some(("command", command)) => format!("/{command}"),
        Some((_, name)) => name.to_owned(),
        None => group.to_owned(),
    }
}
