//! From what was typed to a call, a form or a refusal, over small capability files.

use proptest::prelude::*;
use serde_json::{Value, json};
use stationmaster::catalogue::Catalogue;
use stationmaster::catalogue::choices::{Lookup, Offline};
use stationmaster::catalogue::parameter::ChoicesFrom;
use stationmaster::catalogue::resolve::{Asked, Asker, Resolved};
use stationmaster::chat::PlatformName;
use stationmaster::error::{Result, UserError};
use stationmaster::markdown::{parse, plain};
use stationmaster::people::Person;

use crate::house::catalogue;

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

/// Somebody of the team `web`.
pub fn asker() -> Asker {
    let person = Person { id: "ada".into(), name: "Ada".into(), teams: vec!["web".into()], roles: Vec::new() };
    Asker::member(PlatformName::Web, person, "general")
}

/// What a person gets for a line, as they would read it.
async fn say(files: &[&str], line: &str) -> String {
    answer(&catalogue(files), Asked::Line(line.into()), &Offline).await
}

/// What a program or a form gets for input by name.
async fn send(files: &[&str], command: &str, input: Value) -> String {
    let input = serde_json::from_value(input).expect("an object");
    answer(&catalogue(files), Asked::Named { command: command.into(), input, dry_run: false }, &Offline).await
}

/// What comes of it, as its reader sees it.
pub async fn answer(catalogue: &Catalogue, asked: Asked, lookup: &dyn Lookup) -> String {
    match catalogue.resolve(asked, &asker(), lookup).await {
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
    There is no parameter `dryrun`. Did you mean `dry-run`?
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
    hint: did you mean `/db create`?
    ");
    insta::assert_snapshot!(say(&[DATABASES], "/dbb create orders").await, @r"
    NotFound: There is no command `/dbb`.
    hint: did you mean `/db create`?
    ");
    insta::assert_snapshot!(say(&[DATABASES], "/db").await, @r"
    NotFound: There is no command `/db` alone.
    hint: there is `/db create`
    ");
    insta::assert_snapshot!(say(&[DATABASES], "/db drop orders").await, @"Denied: You cannot use `/db drop` here. It is for the team data.");
    insta::assert_snapshot!(say(&[DATABASES], "/db dorp orders").await, @r"
    NotFound: There is no command `/db dorp`.
    hint: there is `/db create`
    ");
    insta::assert_snapshot!(say(&[DATABASES], "what is for lunch").await, @r"
    NotFound: There is no command `/what`.
    hint: type `/help` and what you want to do
    ");
    insta::assert_snapshot!(say(&[DATABASES], "").await, @r"
    NotFound: There is no command in that.
    hint: type `/help` and what you want to do
    ");
    insta::assert_snapshot!(say(&[DATABASES], "/db create \"orders").await, @r#"
    Invalid: The quote at character 12 (after `/db create `) is not closed.
    hint: close it with " at the end of the value
    "#);
}

const KINDS: &str = r#"
[capability]
name = "kinds"
title = "One of each"
need = "As a developer I want *one* of each"
owner = "data"
maturity = "ga"

[[command]]
name = "note add"
summary = "Add a note"
[[command.param]]
name = "topic"
type = "string"
[[command.param]]
name = "token"
type = "secret"
optional = true
[[command.param]]
name = "pin"
type = "boolean"
default = false
[[command.param]]
name = "words"
type = "text"
optional = true

[[command]]
name = "pause"
summary = "Pause for a while"
[[command.param]]
name = "until"
type = "date"
optional = true
[[command.param]]
name = "for"
type = "duration"
default = "90m"
[[command.param]]
name = "team"
type = "team"
optional = true
"#;

#[tokio::test]
async fn words_find_their_parameters() {
    insta::assert_snapshot!(say(&[KINDS], "/note add Plans no buy milk, \"bread\" and   'more'").await, @r#"note add {"topic":"Plans","token":null,"pin":false,"words":"buy milk, bread and more"}"#);
    insta::assert_snapshot!(say(&[KINDS], "/note add --pin Plans -- --words are words").await, @r#"note add {"topic":"Plans","token":null,"pin":true,"words":"--words are words"}"#);
    insta::assert_snapshot!(say(&[KINDS], "/note add Plans --no-pin words='two\nlines'").await, @r#"note add {"topic":"Plans","token":null,"pin":false,"words":"two\nlines"}"#);
    insta::assert_snapshot!(say(&[KINDS], "/pause --for 1H Team=data").await, @r#"pause {"until":null,"for":"1h","team":"data"}"#);
    insta::assert_snapshot!(say(&[KINDS], "/pause --until 2026-12-01").await, @r#"pause {"until":"2026-12-01","for":"1h30m","team":null}"#);
    insta::assert_snapshot!(say(&[KINDS], "/pause --help").await, @r#"
    form run:pause
    until:
    for: "90m"
    team:
    "#);
    insta::assert_snapshot!(say(&[KINDS], "/pause --dry-run").await, @r#"
    form dry-run:pause
    until:
    for: "90m"
    team:
    "#);
    insta::assert_snapshot!(say(&[KINDS], "/pause tomorrow dry-run=perhaps").await, @r#"
    form dry-run:pause
    ! `--dry-run` takes yes or no: dry-run=perhaps
    until: "tomorrow" <- `tomorrow` is not a date such as 2026-12-01.
    for: "90m"
    team:
    "#);
}

#[tokio::test]
async fn whoever_mentions_the_plan_never_starts_the_work() {
    for option in ["--dry-run", "—dry-run", "--dry_run", "--Dry-Run", "dry-run=yes", "--dry_run=true"] {
        let call = say(&[DATABASES], &format!("/db create orders {option}")).await;
        assert!(call.starts_with("db create (plan only) {"), "{option}: {call}");
    }
    for option in ["--dryrun", "--dry-rn", "dryrun=yes", "dry-run=perhaps"] {
        let form = say(&[DATABASES], &format!("/db create orders {option}")).await;
        assert!(form.starts_with("form dry-run:db create"), "{option}: {form}");
    }
    let form = send(&[DATABASES], "db create", json!({"name": "orders", "dry_run": true})).await;
    assert!(form.starts_with("form dry-run:db create"), "{form}");
    assert!(say(&[DATABASES], "/db create orders dry-run=no").await.starts_with("db create {"));
}

#[tokio::test]
async fn a_secret_is_never_taken_from_a_line_nor_shown() {
    for line in [
        "/note add Plans token=hunter2-hunter2",
        "/note add Plans --token hunter2-hunter2",
        "/note add Plans --tokn hunter2-hunter2",
        "/note add Plans tokne=hunter2-hunter2",
    ] {
        let form = say(&[KINDS], line).await;
        assert!(form.starts_with("form run:note add") && !form.contains("hunter2"), "{line}: {form}");
        assert!(form.lines().any(|line| line.starts_with("token:  <- ")), "{line}: {form}");
    }
    let input = json!({"topic": "Plans", "token": "hunter2-hunter2"});
    let call = send(&[KINDS], "note add", input).await;
    assert!(call.contains("\"token\":\"hunter2-hunter2\""), "{call}");
    let form = send(&[KINDS], "note add", json!({"token": "hunter2-hunter2"})).await;
    assert!(form.starts_with("form") && !form.contains("hunter2"), "{form}");
}

#[tokio::test]
async fn the_check_needs_no_secret_and_people_do() {
    let catalogue = catalogue(&[&KINDS.replacen("type = \"secret\"\noptional = true", "type = \"secret\"", 1)]);
    let line = || Asked::Line("/note add Plans".into());
    assert!(answer(&catalogue, line(), &Offline).await.starts_with("note add {"));
    assert!(answer(&catalogue, line(), &Nothing).await.contains("token:  <- This is needed: a secret."));
}

/// A look-up that has nothing to say.
struct Nothing;

#[async_trait::async_trait]
impl Lookup for Nothing {
    async fn choices(&self, _: &ChoicesFrom, _: &Value) -> Result<Option<Vec<String>>> {
        Ok(None)
    }
}

#[tokio::test]
async fn programs_and_forms_send_values_by_name() {
    insta::assert_snapshot!(send(&[DATABASES], "db create", json!({"name": "orders", "keep_days": 7})).await, @r#"db create {"name":"orders","environment":"dev","keep_days":7}"#);
    insta::assert_snapshot!(send(&[DATABASES], "/DB create", json!({"name": "orders", "keep_days": "", "environment": null})).await, @r#"db create {"name":"orders","environment":"dev","keep_days":null}"#);
    insta::assert_snapshot!(send(&[DATABASES], "db create", json!({"name": 5, "keep_days": "many", "enviroment": "prod", "x": [1]})).await, @r#"
    form run:db create
    ! There is no parameter `x`, so this was not used: x=[1].
    name: 5 <- `5` is not text.
    environment: "prod" <- There is no parameter `enviroment`. Did you mean `environment`?
    keep_days: "many" <- `many` is not a whole number between 1 and 90.
    "#);
    insta::assert_snapshot!(send(&[DATABASES], "db creat", json!({})).await, @r"
    NotFound: There is no command `/db creat`.
    hint: did you mean `/db create`?
    ");
    insta::assert_snapshot!(send(&[DATABASES], "db drop", json!({"name": "orders"})).await, @"Denied: You cannot use `/db drop` here. It is for the team data.");
}

#[tokio::test]
async fn an_enormous_argument_is_refused_in_few_words() {
    let huge = "x".repeat(1 << 20);
    insta::assert_snapshot!(say(&[DATABASES], &format!("/db create {huge}")).await, @r"
    Invalid: The line has 1048587 bytes; 16384 are the most that are read.
    hint: put long texts into the form, or into a file that you link to
    ");
    let answer = send(&[DATABASES], "db create", json!({"name": huge, huge.as_str(): huge})).await;
    assert!(answer.contains("name: \"xxx") && answer.contains("It has 1048576 characters; 1000 are the most."));
    assert!(answer.len() < 2 << 20, "the value comes back for the form, the rest is cut");
    let catalogue = catalogue(&[DATABASES]);
    let input = [("name".to_owned(), json!(huge))].into();
    let asked = Asked::Named { command: "db create".into(), input, dry_run: false };
    let Ok(Resolved::Form(form)) = catalogue.resolve(asked, &asker(), &Offline).await else { panic!("no form") };
    assert!(UserError::from(&form).to_string().len() < 200);
}

#[tokio::test]
async fn a_program_gets_the_errors_of_a_form_by_field() {
    let asked =
        Asked::Named { command: "db create".into(), input: [("keep_days".into(), json!(0))].into(), dry_run: true };
    let resolved = catalogue(&[DATABASES]).resolve(asked, &asker(), &Offline).await.expect("resolves");
    let Resolved::Form(form) = resolved else { panic!("a call: {resolved:?}") };
    assert_eq!(form.token.to_string(), "dry-run:db create");
    assert_eq!((form.title.as_str(), form.submit.as_str()), ("Create a PostgreSQL database", "/db create --dry-run"));
    insta::assert_snapshot!(UserError::from(&form), @r"
    Some input is missing or wrong.
    name: This is needed: one line of text.
    keep_days: `0` is not a whole number between 1 and 90.
    ");
}

#[tokio::test]
async fn a_form_asks_each_kind_in_its_way() {
    let resolved = catalogue(&[KINDS, SIZES]).resolve(Asked::Line("/vm create".into()), &asker(), &Offline).await;
    let Ok(Resolved::Form(form)) = resolved else { panic!("{resolved:?}") };
    let fields: Vec<String> = form.fields.iter().map(|field| format!("{}: {:?}", field.name, field.input)).collect();
    insta::assert_snapshot!(fields.join("\n"), @r#"
    size: Lookup(Token("field:vm create:size"))
    image: Lookup(Token("field:vm create:image"))
    environment: Choice([Choice { value: "dev", label: "dev", hint: "" }, Choice { value: "prod", label: "prod", hint: "" }])
    owner: Person
    team: Lookup(Token("field:vm create:team"))
    room: Channel
    link: Line
    cores: Number
    "#);
    assert_eq!(plain(&parse(&form.intro)), "As a developer I want *one* of each size");
}

/// A choice that depends on another parameter, and one that depends on that.
pub const SIZES: &str = r#"
[capability]
name = "machines"
title = "Virtual machines"
need = "As a developer I want *one* of each size"
owner = "data"
maturity = "beta"

[[command]]
name = "vm create"
summary = "Create a virtual machine"
[[command.param]]
name = "size"
type = "choice"
choices_from = { http = "{{env.API}}/sizes?environment={{environment}}", items = "$.sizes[*].name", cache = "5m" }
default = "small"
[[command.param]]
name = "image"
type = "choice"
choices_from = { http = "{{env.API}}/images/{{size}}", items = "$[*]" }
optional = true
[[command.param]]
name = "environment"
type = "choice"
choices = ["dev", "prod"]
[[command.param]]
name = "owner"
type = "person"
optional = true
[[command.param]]
name = "team"
type = "team"
optional = true
[[command.param]]
name = "room"
type = "channel"
optional = true
[[command.param]]
name = "link"
type = "url"
optional = true
[[command.param]]
name = "cores"
type = "integer"
optional = true
"#;

proptest! {
    #[test]
    fn nothing_typed_is_lost(values in prop::collection::vec("[a-z0-9]{4,12}", 0..6), names in prop::collection::vec("(name|environment|keep_days|nmae|colour)?", 6)) {
        let words: Vec<String> = values.iter().zip(&names).map(|(value, name)| if name.is_empty() { value.clone() } else { format!("{name}={value}") }).collect();
        let line = format!("/db create {}", words.join(" "));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let answer = runtime.block_on(say(&[DATABASES], &line));
        for value in &values {
            prop_assert!(answer.contains(value.as_str()), "{line}: {value} is not in\n{answer}");
        }
    }

    #[test]
    fn asking_never_panics(line in "/?(db|note|vm|pause)? ?(create|add|drop)?.{0,60}", typed in "/(db|note|vm) .{0,20}") {
        let files = [DATABASES, KINDS, SIZES];
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            say(&files, &line).await;
            for typed in [line, typed] {
                let proposals = catalogue(&files).complete(&typed, &asker(), &Offline).await;
                assert!(proposals.len() <= 8);
            }
        });
    }
}
