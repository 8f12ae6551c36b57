//! The check of one command.

use std::collections::HashSet;

use super::capability::{check_team, is_word};
use super::finding::{Findings, Remark};
use super::{Known, parameter, policy, reference, sample, step};
use crate::catalogue::command::{CommandFile, CommandTest};
use crate::catalogue::menu;
use crate::runner::Tools;

/// A command under check.
pub(super) struct Check<'c, 'd> {
    pub command: &'c CommandFile,
    /// Its path in the document.
    pub at: String,
    pub tools: &'c Tools,
    pub known: &'c Known,
    pub findings: &'c mut Findings<'d>,
}

impl Check<'_, '_> {
    pub fn all(mut self) {
        self.name();
        self.findings.refuse_blank(&self.path("summary"), &self.command.summary);
        self.parameters();
        self.rules();
        step::check(&mut self);
        for (index, test) in self.command.test.iter().enumerate() {
            self.test(&format!("test[{index}]"), test);
        }
        // What refers to something unreadable may well be right.
        if !self.findings.has_doubts(&self.at) {
            let sound = reference::check(&mut self);
            sample::check(&mut self, &sound);
        }
    }

    /// The path of something in the command.
    pub fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.at)
    }

    fn name(&mut self) {
        let name = &self.command.name;
        let words: Vec<&str> = name.split(' ').collect();
        if words.len() > 3 || !words.iter().all(|word| is_word(word)) {
            let remark = Remark::new(format!("`{name}` cannot be the name of a command"));
            let hint = "write one to three words in small letters, digits and -, one space between them: db create";
            self.findings.add(&self.path("name"), remark.hint(hint));
        } else if menu::is_built_in(words[0]) {
            let remark = Remark::new(format!("`/{}` is Stationmaster's own", words[0]));
            self.findings.add(&self.path("name"), remark.hint("begin with another word"));
        }
    }

    fn parameters(&mut self) {
        let mut seen = HashSet::new();
        for (index, parameter) in self.command.param.iter().enumerate() {
            let at = self.path(&format!("param[{index}]"));
            parameter::check(self.findings, &at, parameter, self.known);
            if !seen.insert(&parameter.name) {
                let remark = format!("the parameter `{}` is declared twice", parameter.name);
                self.findings.add(&format!("{at}.name"), Remark::new(remark).hint("give one of them another name"));
            }
        }
    }

    fn rules(&mut self) {
        let command = self.command;
        for (index, team) in command.allow.teams.iter().enumerate().filter(|(_, team)| *team != "*") {
            check_team(self.findings, &self.path(&format!("allow.teams[{index}]")), team, self.known);
        }
        if let Some(approval) = &command.approval {
            policy::check(self, approval);
        }
        if command.limits.concurrent == Some(0) {
            let remark = Remark::new("with 0 at the same time, no request would ever run");
            self.findings.add(&self.path("limits.concurrent"), remark.hint("the smallest number is 1"));
        }
        for (key, span) in
            [("deadline", command.deadline), ("approval.expires", command.approval.as_ref().and_then(|a| a.expires))]
        {
            if span.is_some_and(|span| span.millis() == 0) {
                self.findings.add(&self.path(key), Remark::new(format!("`{key}` leaves no time at all")));
            }
        }
    }

    /// A test must speak of things that the command has.
    fn test(&mut self, key: &str, test: &CommandTest) {
        let names = || self.command.param.iter().map(|parameter| parameter.name.as_str());
        let steps = || self.command.step.iter().map(|step| step.name.as_str());
        let mut remarks = Vec::new();
        if let Some(error) = &test.error
            && error != "allow"
            && !names().any(|name| name == error)
        {
            let remark = Remark::new(format!("`error` names a parameter or `allow`, and there is no `{error}`"));
            remarks.push((format!("{key}.error"), remark.guess(error, names().chain(["allow"]))));
        }
        for name in test.input.keys().filter(|name| !names().any(|known| known == *name)) {
            let remark = Remark::new(format!("there is no parameter `{name}`")).guess(name, names());
            remarks.push((format!("{key}.input.{name}"), remark));
        }
        for (index, name) in test.steps.iter().flatten().enumerate() {
            if !steps().any(|known| known == name) {
                let remark = Remark::new(format!("there is no step `{name}`")).guess(name, steps());
                remarks.push((format!("{key}.steps[{index}]"), remark));
            }
        }
        for (key, remark) in remarks {
            self.findings.add(&self.path(&key), remark);
        }
    }
}
