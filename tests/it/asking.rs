//! From what was typed to a call, a form or a refusal, over small capability files.

use std::sync::Arc;

use serde_json::{Value, json};
use stationmaster::catalogue::Catalogue;
use stationmaster::catalogue::capability::CapabilityFile;
use stationmaster::catalogue::choices::Offline;
use stationmaster::catalogue::command::Command;
use stationmaster::catalogue::resolve::{Asked, Asker, Resolved};
use stationmaster::error::UserError;
use stationmaster::people::Person;

const DATABASES: &str = r#"
[capability]
name = "databases"
title = "PostgreSQL databases"
need = "As a developer I want a database in minutes so that I can start on my feature today"
owner = "data"
maturity = "ga"

[[command]]
name = "db create"
summary = "Create a PostgreSQL database"
[[command.param]]
name = "name"
type = "string"
pattern = "^[a-z][a-z0-9_]{2,30}$"
help = "Lower case, as it will appear in the connection string"
[[command.param]]
name = "environment"
type = "choice"
choices = ["dev", "staging", "prod"]
default = "dev"
[[command.param]]
name = "keep_days"
type = "integer"
min = 1
max = 90
optional = true

[[command]]
name = "db drop"
summary = "Drop a database"
allow = { teams = ["data"] }
[[command.param]]
name = "name"
type = "string"

[[command]]
name = "env list"
summary = "List the environments"
"#;

/// A catalogue of capability files, as the loader makes it.
fn catalogue(files: &[&str]) -> Catalogue {
    let mut catalogue = Catalogue::default();
    for file in files {
        let file: CapabilityFile = toml::from_str(file).expect("a capability file");
        let capability = Arc::new(file.capability);
        for file in file.command {
            let command = Command { capability: capability.clone(), file };
            catalogue.commands.insert(command.file.name.clone(), Arc::new(command));
        }
        catalogue.capabilities.insert(capability.name.clone(), capability);
    }
    catalogue
}

fn asker() -> Asker {
    let person = Person { id: "ada".into(), name: "Ada".into(), teams: vec!["web".into()], roles: Vec::new() };
    Asker { person, place: "general".into() }
}

/// What a person gets for a line, as they would read it.
async fn say(files: &[&str], line: &str) -> String {
    match catalogue(files).resolve(Asked::Line(line.into()), &asker(), &Offline).await {
        Ok(resolved) => show(&resolved),
        Err(error) => match error.downcast_ref::<UserError>() {
            Some(error) => format!("{:?}: {error}", error.reason),
            None => format!("not for people: {error:#}"),
        },
    }
}

fn show(resolved: &Resolved) -> String {
    match resolved {
        Resolved::Call(call) => {
            let dry = if call.is_dry_run() { " (plan only)" } else { "" };
            format!("{}{dry} {}", call.command().file.name, Value::Object(call.input().clone()))
        }
        Resolved::Form(form) => {
            let mut lines = vec![format!("form {}", form.token)];
            lines.extend(form.error.as_ref().map(|error| format!("! {error}")));
            for field in &form.fields {
                let value = field.value.as_ref().map(Value::to_string).unwrap_or_default();
                let error = field.error.as_ref().map(|error| format!(" <- {error}")).unwrap_or_default();
                lines.push(format!("{}: {value}{error}", field.name).trim_end().to_owned());
            }
            lines.join("\n")
        }
    }
}

#[tokio::test]
async fn a_line_becomes_a_call() {
    let meant = json!({"name": "orders", "environment": "prod", "keep_days": null});
    for line in [
        "/db create orders prod",
        "db create orders environment=prod",
        "@stationmaster db create --environment PROD orders",
        "/DB Create —environment=“prod” name='orders'",
        "/db create orders\nenvironment=prod",
    ] {
        assert_eq!(say(&[DATABASES], line).await, format!("db create {meant}"), "{line}");
    }
    insta::assert_snapshot!(say(&[DATABASES], "/db create orders --dry-run keep-days=7").await, @r#"db create (plan only) {"name":"orders","environment":"dev","keep_days":7}"#);
    insta::assert_snapshot!(say(&[DATABASES], "/env list").await, @"env list {}");
    insta::assert_snapshot!(say(&[DATABASES], "/env").await, @"env list {}");
}

#[tokio::test]
async fn what_is_wrong_opens_the_form_with_all_that_was_typed() {
    insta::assert_snapshot!(say(&[DATABASES], "/db create").await, @r#"
    form run:db create
    name:
    environment: "dev"
    keep_days:
    "#);
    insta::assert_snapshot!(say(&[DATABASES], "/db create Orders prdo 400 extra 'two words'").await, @r#"
    form run:db create
    ! There is no parameter left for this: extra "two words"
    name: "Orders" <- `Orders` does not match `^[a-z][a-z0-9_]{2,30}$`.
    environment: "prdo" <- `prdo` is not one of dev, staging, prod. Did you mean `prod`?
    keep_days: "400" <- `400` is not a whole number between 1 and 90.
    "#);
    insta::assert_snapshot!(say(&[DATABASES], "/db create naem=orders --colour red --dryrun").await, @r#"
    form dry-run:db create
    ! There is no parameter `colour`.
    There is no `--dryrun`. Did you mean `--dry-run`?
    name: "orders" <- There is no parameter `naem`. Did you mean `name`?
    environment: "red" <- `red` is not one of dev, staging, prod.
    keep_days:
    "#);
    insta::assert_snapshot!(say(&[DATABASES], "/db create name=orders name=invoices --keep-days").await, @r#"
    form run:db create
    name: "invoices" <- It was given twice: orders and invoices.
    environment: "dev"
    keep_days:  <- A value is missing behind `--keep-days`.
    "#);
}

#[tokio::test]
async fn an_unknown_command_is_guessed_among_those_one_may_use() {
    insta::assert_snapshot!(say(&[DATABASES], "/db crate orders").await, @r"
    NotFound: There is no command `/db crate`.
    hint: Did you mean `/db create`?
    ");
    insta::assert_snapshot!(say(&[DATABASES], "/dbb create orders").await, @r"
    NotFound: There is no command `/dbb`.
    hint: Did you mean `/db create`?
    ");
    insta::assert_snapshot!(say(&[DATABASES], "/db").await, @r"
    NotFound: There is no command `/db` alone.
    hint: There is `/db create`.
    ");
    insta::assert_snapshot!(say(&[DATABASES], "/db drop orders").await, @"Denied: You cannot use `/db drop` here. It is for the team data.");
    insta::assert_snapshot!(say(&[DATABASES], "/db dorp orders").await, @r"
    NotFound: There is no command `/db dorp`.
    hint: There is `/db create`.
    ");
    insta::assert_snapshot!(say(&[DATABASES], "what is for lunch").await, @r"
    NotFound: There is no command `/what`.
    hint: Type `/help` and what you want to do.
    ");
    insta::assert_snapshot!(say(&[DATABASES], "").await, @r"
    NotFound: There is no command in that.
    hint: Type `/help` and what you want to do.
    ");
    insta::assert_snapshot!(say(&[DATABASES], "/db create \"orders").await, @r#"
    Invalid: The quote at character 12 (after `/db create `) is not closed.
    hint: Close it with " at the end of the value.
    "#);
}
