//! The check of one survey file: what it promises, whom it asks, and when.

use std::collections::BTreeSet;

use super::capability::{check_team, is_word};
use super::finding::{Findings, Remark};
use super::{File, Known};
use crate::catalogue::survey::{FEW, FEWEST, Grouping, Survey, SurveyFile};
use crate::document::Problem;
use crate::spelling::nearest;

mod question;
mod trial;

/// The shortest and the longest time that a wave is open, in days.
const OPEN: (i64, i64) = (1, 60);
/// The most cohorts; with a wave a month everybody is asked once in two years.
const COHORTS: u32 = 24;
/// How often somebody is reminded at most.
const REMINDERS: usize = 2;
const DAY: i64 = 86_400_000;

/// What is wrong with the survey files, of which the commands are those that capability files declare; `None` if those
/// cannot all be read.
pub(super) fn check(files: &[File<SurveyFile>], commands: Option<&BTreeSet<&str>>, known: &Known) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut first = std::collections::BTreeMap::new();
    for file in files {
        let survey = &file.content.survey;
        let mut check = Check { survey, known, commands, findings: Findings::new(&file.document) };
        if let Some(place) = first.insert(survey.name.as_str(), file.document.problem("survey.name", "").place()) {
            let remark = Remark::new(format!("the survey `{}` is declared twice", survey.name));
            check.findings.add("survey.name", remark.hint(format!("the other one is at {place}")));
        }
        check.all();
        problems.extend(check.findings.into_problems());
    }
    problems
}

/// Runs the tests of surveys that are good otherwise.
pub(super) fn try_all(files: &[File<SurveyFile>], wrong: &BTreeSet<String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| !wrong.contains(file.document.file())) {
        let mut findings = Findings::new(&file.document);
        trial::run(&file.content.survey, &mut findings);
        problems.extend(findings.into_problems());
    }
    problems
}

/// A survey under check.
struct Check<'c> {
    survey: &'c Survey,
    known: &'c Known,
    commands: Option<&'c BTreeSet<&'c str>>,
    findings: Findings<'c>,
}

impl Check<'_> {
    fn all(&mut self) {
        let survey = self.survey;
        if !is_word(&survey.name) {
            let remark = Remark::new(format!("`{}` cannot be the name of a survey", survey.name));
            self.findings
                .add("survey.name", remark.hint("write it in small letters, digits and -: developer-experience"));
        }
        for (key, text) in [("title", &survey.title), ("purpose", &survey.purpose), ("owner", &survey.owner)] {
            self.findings.refuse_blank(&format!("survey.{key}"), text);
        }
        check_team(&mut self.findings, "survey.owner", &survey.owner, self.known);
        self.promise();
        self.audience();
        self.groups();
        self.times();
        self.event();
        question::check(survey, &mut self.findings);
        if survey.question.len() > FEW {
            let remark = Remark::new(format!("{} questions are many for a pulse", survey.question.len()));
            self.findings
                .warn("survey.question", remark.hint(format!("with {FEW} at most, more people answer, and sooner")));
        }
    }

    /// Who sees what, and the size of the smallest group.
    fn promise(&mut self) {
        match (self.survey.anonymous, &self.survey.attributed) {
            (Some(true), None) => {}
            (Some(_), Some(_)) => {
                let remark = Remark::new("a survey is either anonymous or attributed");
                self.findings.add("survey.attributed", remark.hint("leave out one of both"));
            }
            (None, Some(reason)) if !reason.trim().is_empty() => {}
            (None, Some(_)) => {
                self.findings.add("survey.attributed", "people are told why their names are kept: say it here")
            }
            (_, None) => {
                let remark = Remark::new("it is not said who sees the answers");
                let hint = "write anonymous = true, or attributed = \"the reason why names are kept\"";
                self.findings.add("survey", remark.hint(hint));
            }
        }
        if self.survey.minimum < FEWEST {
            let remark = Remark::new(format!("a group of {} is too small to hide in", self.survey.minimum));
            self.findings.add("survey.minimum", remark.hint(format!("{FEWEST} is the lowest, 5 is usual")));
        }
    }

    fn audience(&mut self) {
        let audience = &self.survey.audience;
        if audience.teams.is_empty() && audience.roles.is_empty() && audience.people.is_empty() {
            let remark = Remark::new("nobody is asked");
            self.findings.add("survey.audience", remark.hint("teams = [\"*\"] is everybody"));
        }
        for (index, team) in audience.teams.iter().enumerate().filter(|(_, team)| *team != "*") {
            check_team(&mut self.findings, &format!("survey.audience.teams[{index}]"), team, self.known);
        }
        for (index, role) in audience.roles.iter().enumerate() {
            self.role(&format!("survey.audience.roles[{index}]"), role);
        }
        let people = &self.known.people;
        for (index, person) in audience.people.iter().enumerate() {
            if !people.contains(person) {
                let remark = Remark::new(format!("there is no person `{person}` in stationmaster.toml"));
                let remark = remark.guess(person, people.iter().map(String::as_str));
                self.findings.add(&format!("survey.audience.people[{index}]"), remark);
            }
        }
        if let Some(used) = &audience.used {
            self.command("survey.audience.used.command", &used.command);
        }
    }

    fn groups(&mut self) {
        let survey = self.survey;
        for (index, grouping) in survey.groups.iter().enumerate() {
            if *grouping == Grouping::Command && survey.event.is_none() {
                let remark = Remark::new("only a survey after an event knows a command");
                self.findings.add(&format!("survey.groups[{index}]"), remark.hint("group by team or role"));
            }
        }
        for (name, members) in &survey.group {
            let at = format!("survey.group.{name}");
            if !is_word(name) {
                self.findings.add(&at, format!("`{name}` cannot be the name of a group"));
            }
            if members.is_empty() {
                self.findings.add(&at, "this group is empty");
            }
            for (index, member) in members.iter().enumerate() {
                self.member(&format!("{at}[{index}]"), member);
            }
        }
        for (index, place) in survey.results_to.iter().enumerate() {
            self.member(&format!("survey.results_to[{index}]"), place);
        }
    }

    /// `team:NAME` or `role:NAME`.
    fn member(&mut self, at: &str, said: &str) {
        match said.split_once(':') {
            Some(("team", team)) => check_team(&mut self.findings, at, team, self.known),
            Some(("role", role)) if !at.starts_with("survey.results_to") => self.role(at, role),
            _ => {
                let remark = Remark::new(format!("`{said}` is no team"));
                self.findings.add(at, remark.hint("write team:NAME"));
            }
        }
    }

    fn role(&mut self, at: &str, role: &str) {
        let roles = &self.known.roles;
        if !roles.is_empty() && !roles.iter().any(|known| known == role) {
            let remark = Remark::new(format!("there is no role `{role}` in stationmaster.toml"));
            self.findings.add(at, remark.guess(role, roles.iter().map(String::as_str)));
        }
    }

    fn command(&mut self, at: &str, command: &str) {
        if let Some(commands) = self.commands.filter(|commands| !commands.contains(command)) {
            let remark = Remark::new(format!("there is no command `{command}`"));
            let hint = nearest(command, commands.iter().copied()).map(|meant| format!("did you mean `{meant}`?"));
            self.findings.add(at, hint.into_iter().fold(remark, Remark::hint));
        }
    }

    fn times(&mut self) {
        let (survey, days) = (self.survey, self.survey.closes.millis() / DAY);
        if !(OPEN.0..=OPEN.1).contains(&days) {
            let remark = Remark::new("a wave cannot be open for so long or short a time");
            self.findings.add("survey.closes", remark.hint(format!("{} to {} days; 10d is usual", OPEN.0, OPEN.1)));
        }
        if survey.reminders.len() > REMINDERS {
            let remark = Remark::new(format!("{} reminders are too many", survey.reminders.len()));
            self.findings.add("survey.reminders", remark.hint("two at most: [\"3d\", \"5d\"]"));
        }
        let ascending = survey.reminders.is_sorted_by(|one, next| one < next);
        let within = survey.reminders.iter().all(|after| after.millis() >= DAY && *after < survey.closes);
        if !(ascending && within) {
            let remark = Remark::new(
                "reminders come one after the other, a day or more after the question, and before the wave closes",
            );
            self.findings.add("survey.reminders", remark.hint("[\"3d\", \"5d\"] for one that closes after 10d"));
        }
        if !(1..=COHORTS).contains(&survey.cohorts) {
            self.findings.add("survey.cohorts", format!("the audience is asked in 1 to {COHORTS} parts"));
        }
        match (&survey.schedule, &survey.event) {
            (Some(_), Some(_)) => {
                let remark = Remark::new("a survey is asked either by the calendar or after an event");
                self.findings.add("survey.event", remark.hint("make two surveys of it"));
            }
            (None, None) => {
                let remark = Remark::new("it is not said when people are asked");
                self.findings
                    .add("survey", remark.hint("write [survey.schedule] with cron, or [survey.event] with after"));
            }
            _ => {}
        }
    }

    fn event(&mut self) {
        let Some(event) = &self.survey.event else { return };
        if !(event.probability > 0.0 && event.probability <= 1.0) {
            let remark = Remark::new(format!("{} is no probability", event.probability));
            self.findings.add("survey.event.probability", remark.hint("write 0.2 for one in five"));
        }
        if event.nth == Some(0) {
            self.findings.add("survey.event.nth", "this is counted from 1");
        }
        if self.survey.cohorts > 1 {
            let remark = Remark::new("who is asked after an event is in no cohort");
            self.findings.add("survey.cohorts", remark.hint("leave it out, and ask more rarely by probability"));
        }
        if let Some(command) = &event.command {
            self.command("survey.event.command", command);
        }
    }
}
