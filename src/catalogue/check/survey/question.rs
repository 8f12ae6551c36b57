//! The check of the questions of a survey.

use std::collections::BTreeSet;

use super::super::capability::is_word;
use super::super::finding::{Findings, Remark};
use crate::catalogue::survey::kind::{Kind, Rating};
use crate::catalogue::survey::{Question, Survey};

/// The most choices of a question: what Slack and Discord show in one menu.
const CHOICES: usize = 25;
/// The longest choice, in characters: what Slack shows.
const LONGEST: usize = 75;

/// Notes what is wrong with the questions.
pub(super) fn check(survey: &Survey, findings: &mut Findings<'_>) {
    if survey.question.is_empty() {
        let remark = Remark::new("nothing is asked");
        findings.add("survey", remark.hint("write [[survey.question]] with name, type and text"));
    }
    let mut seen = BTreeSet::new();
    for (index, question) in survey.question.iter().enumerate() {
        let at = format!("survey.question[{index}]");
        if !is_word(&question.name) {
            let remark = Remark::new(format!("`{}` cannot be the name of a question", question.name));
            findings.add(&format!("{at}.name"), remark.hint("write it in small letters, digits and -: cognitive-load"));
        }
        if !seen.insert(&question.name) {
            findings.add(&format!("{at}.name"), format!("there are two questions `{}`", question.name));
        }
        findings.refuse_blank(&format!("{at}.text"), &question.text);
        check_ends(question, &at, findings);
        check_choices(question, &at, findings);
        check_items(question, &at, findings);
    }
}

/// A scale says what its ends mean; nothing else has ends.
fn check_ends(question: &Question, at: &str, findings: &mut Findings<'_>) {
    let has_ends = question.points().is_some();
    let must = matches!(question.rating(), Some(Rating::Csat(_) | Rating::Scale(_)));
    for (key, end, example) in [("low", &question.low, "not at all"), ("high", &question.high, "completely")] {
        match end {
            None if must => {
                let remark = Remark::new(format!("`{}` does not say what the {key}est point means", question.name));
                findings.add(at, remark.hint(format!("write {key} = \"{example}\"")));
            }
            Some(_) if !has_ends => {
                findings.add(&format!("{at}.{key}"), "only a scale has ends");
            }
            Some(end) if end.trim().is_empty() || end.chars().count() > LONGEST - 5 => {
                findings.add(&format!("{at}.{key}"), format!("write 1 to {} characters", LONGEST - 5));
            }
            _ => {}
        }
    }
}

fn check_choices(question: &Question, at: &str, findings: &mut Findings<'_>) {
    let (choices, path) = (&question.choices, format!("{at}.choices"));
    if !matches!(question.kind, Kind::Choice(_)) {
        if !choices.is_empty() {
            let remark = Remark::new("only a question of the type choice or choices has choices");
            findings.add(&path, remark);
        }
        return;
    }
    if !(2..=CHOICES).contains(&choices.len()) {
        let path = if choices.is_empty() { at } else { &path };
        findings.add(path, format!("there must be 2 to {CHOICES} choices"));
    }
    let mut seen = BTreeSet::new();
    for (index, choice) in choices.iter().enumerate() {
        if !(1..=LONGEST).contains(&choice.trim().chars().count()) {
            findings.add(&format!("{path}[{index}]"), format!("write 1 to {LONGEST} characters"));
        } else if !seen.insert(choice) {
            findings.add(&format!("{path}[{index}]"), "this choice is there twice");
        }
    }
}

/// The statements of a standard questionnaire, with what it is about in them.
fn check_items(question: &Question, at: &str, findings: &mut Findings<'_>) {
    let wanted = question.statements().unwrap_or(0);
    if question.items.len() == wanted {
        let blank = question.items.iter().position(|item| item.trim().is_empty());
        blank.into_iter().for_each(|index| findings.refuse_blank(&format!("{at}.items[{index}]"), ""));
    } else if wanted == 0 {
        findings.add(&format!("{at}.items"), "only umux-lite and sus have statements");
    } else {
        let path = if question.items.is_empty() { at.to_owned() } else { format!("{at}.items") };
        let remark = Remark::new(format!("this questionnaire has {wanted} statements"));
        findings.add(&path, remark.hint("write items = [\"The platform is easy to use.\", …]"));
    }
}
