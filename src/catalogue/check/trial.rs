//! Running the tests of the commands: what is typed is resolved as in earnest, but nothing is asked for or done.

use serde_json::{Value, json};

use super::File;
use super::finding::{Findings, Remark, listed};
use crate::catalogue::Catalogue;
use crate::catalogue::choices::Offline;
use crate::catalogue::command::{CommandFile, CommandTest};
use crate::catalogue::resolve::{Asked, Asker, Call, Resolved};
use crate::chat::{Form, PlatformName};
use crate::document::Problem;
use crate::error::{Reason, UserError};
use crate::people::Person;

/// Runs the tests of all commands of `files`, of which `catalogue` is made.
pub(super) async fn run(files: &[File], catalogue: &Catalogue) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in files {
        let mut findings = Findings::new(&file.document);
        for (index, command) in file.content.command.iter().enumerate() {
            for (number, test) in command.test.iter().enumerate() {
                let trial = Trial { command, test, at: format!("command[{index}].test[{number}]") };
                trial.run(catalogue, &mut findings).await;
            }
        }
        problems.extend(findings.into_problems());
    }
    problems
}

/// What is wrong with a test, by the key that says otherwise.
type Remarks = Vec<(String, Remark)>;

/// One test.
struct Trial<'c> {
    command: &'c CommandFile,
    test: &'c CommandTest,
    at: String,
}

impl Trial<'_> {
    async fn run(&self, catalogue: &Catalogue, findings: &mut Findings<'_>) {
        let asker = self.asker();
        let remarks = match catalogue.resolve(Asked::Line(self.test.say.clone()), &asker, &Offline).await {
            Err(error) => self.refused(&error),
            Ok(Resolved::Form(form)) => self.incomplete(&form),
            Ok(Resolved::Call(call)) => self.accepted(&call, &asker),
        };
        for (key, remark) in remarks {
            findings.add(&format!("{}.{key}", self.at), remark);
        }
    }

    /// Somebody of the team or with the role that the test names, in a conversation where the command may be used.
    fn asker(&self) -> Asker {
        let groups: Vec<String> = self.test.as_member.iter().cloned().collect();
        let id = self.test.as_member.clone().unwrap_or_else(|| "somebody".into());
        let person = Person { name: id.clone(), id, teams: groups.clone(), roles: groups };
        let place = self.command.allow.channels.first().cloned().unwrap_or_default();
        Asker::member(PlatformName::Terminal, person, &place)
    }

    fn refused(&self, error: &anyhow::Error) -> Remarks {
        let Some(error) = error.downcast_ref::<UserError>() else {
            return vec![("say".into(), Remark::new(error.to_string()))];
        };
        if error.reason == Reason::Denied && self.test.error.as_deref() == Some("allow") {
            return Vec::new();
        }
        let remark = Remark::new(format!("this is refused: {}", error.message));
        let key = if self.test.error.is_some() { "error" } else { "say" };
        let as_whom = (error.reason == Reason::Denied).then(|| "say who it is: as = \"TEAM or ROLE\"".to_owned());
        vec![(key.into(), error.hint.clone().or(as_whom).into_iter().fold(remark, Remark::hint))]
    }

    fn incomplete(&self, form: &Form) -> Remarks {
        let wrong: Vec<&str> =
            form.fields.iter().filter(|field| field.error.is_some()).map(|field| field.name.as_str()).collect();
        match self.test.error.as_deref() {
            Some(expected) if wrong.contains(&expected) => Vec::new(),
            Some(expected) => {
                let others = if wrong.is_empty() { String::new() } else { format!(", but {}", listed(&wrong)) };
                vec![("error".into(), Remark::new(format!("`{expected}` is not refused here{others}")))]
            }
            None => {
                let errors =
                    form.fields.iter().filter_map(|field| Some(format!("{}: {}", field.name, field.error.as_ref()?)));
                let all: Vec<String> = form.error.iter().cloned().chain(errors).collect();
                let reason = if all.is_empty() { "it only opens the form".into() } else { all.join(" ") };
                vec![("say".into(), Remark::new(format!("this does nothing yet: {reason}")))]
            }
        }
    }

    /// Whether the test names who is asked, and that is somebody else.
    fn approver(&self, values: &Value) -> Option<(String, Remark)> {
        let expected = self.test.approver.as_deref()?;
        let found = self.command.needs_approval(values).ok().flatten();
        (found != Some(expected)).then(|| {
            let found = found.map_or("nobody".to_owned(), |found| format!("`{found}`"));
            ("approver".into(), Remark::new(format!("{found} is asked here")))
        })
    }

    fn accepted(&self, call: &Call, asker: &Asker) -> Remarks {
        let command = &call.command().file;
        if command.name != self.command.name {
            return vec![("say".into(), Remark::new(format!("this is understood as `/{}`", command.name)))];
        }
        if let Some(error) = &self.test.error {
            let what = if error == "allow" { "who says this".to_owned() } else { format!("`{error}`") };
            return vec![("error".into(), Remark::new(format!("{what} should be refused, and is accepted")))];
        }
        let mut values = values(call, asker);
        let facts = command.add_facts(&mut values, (&call.command().capability, &asker.person), &monday());
        if let Err(error) = facts {
            return vec![("say".into(), Remark::new(error.to_string()))];
        }
        let mut remarks = Vec::new();
        remarks.extend(expect("approval", self.test.approval, command.needs_approval(&values).map(|by| by.is_some())));
        remarks.extend(self.approver(&values));
        remarks.extend(expect("confirm", self.test.confirm, command.needs_confirmation(&values)));
        if let Some(expected) = &self.test.steps {
            let planned = planned(command, &values);
            if *expected != planned {
                remarks
                    .push(("steps".into(), Remark::new(format!("the steps that would run are {}", listed(&planned)))));
            }
        }
        for (name, expected) in &self.test.input {
            let value = call.input().get(name).unwrap_or(&Value::Null);
            if value != expected {
                remarks
                    .push((format!("input.{name}"), Remark::new(format!("`{name}` is {value} here, not {expected}"))));
            }
        }
        remarks
    }
}

/// The time that tests are run at: a Monday at half past ten, when everybody works.
fn monday() -> Value {
    json!({"hour": 10, "minute": 30, "weekday": "mon", "date": "2026-11-30", "open": true})
}

/// What the conditions of a command see before anything is done.
fn values(call: &Call, asker: &Asker) -> Value {
    let person = &asker.person;
    let mut values = Value::Object(call.input().clone());
    values["person"] = json!({"id": person.id, "name": person.name, "teams": person.teams, "roles": person.roles});
    values["place"] = asker.place.clone().into();
    values["steps"] = json!({});
    values
}

/// The steps that would run; what depends on the outputs of others counts as run.
fn planned<'c>(command: &'c CommandFile, values: &Value) -> Vec<&'c str> {
    let runs = |when: &crate::expression::Expression| when.holds(values).unwrap_or(true);
    command.step.iter().filter(|step| step.when.as_ref().is_none_or(runs)).map(|step| step.name.as_str()).collect()
}

fn expect(key: &str, expected: Option<bool>, found: crate::error::Result<bool>) -> Option<(String, Remark)> {
    let expected = expected?;
    match found {
        Ok(found) if found == expected => None,
        Ok(found) => Some((key.into(), Remark::new(format!("`{key}` is {found} here")))),
        Err(error) => Some((key.into(), Remark::new(error.to_string()))),
    }
}
