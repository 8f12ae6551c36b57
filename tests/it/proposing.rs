//! What is proposed while somebody types, and what is found for what somebody means.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use stationmaster::catalogue::choices::{Choices, Lookup, Offline};
use stationmaster::catalogue::resolve::{Asked, Asker};
use stationmaster::clock::{Clock, Span};
use stationmaster::config::{Config, HttpPolicy, Person, Team, Templates};
use stationmaster::runner::{Tools, WebClient};
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::asking::{SIZES, answer, asker};
use crate::house::catalogue;

const PLATFORM: &str = r#"
[capability]
name = "databases"
title = "PostgreSQL databases"
need = "As a developer I want a database in minutes so that I can start on my feature today"
owner = "data"
maturity = "ga"
docs = "https://docs.example.org/backup-and-restore"

[[command]]
name = "db create"
summary = "Create a PostgreSQL database"
[[command.param]]
name = "name"
type = "string"
help = "Lower case"
[[command.param]]
name = "environment"
type = "choice"
choices = ["dev", "staging", "prod", "pre prod"]
default = "dev"
[[command.param]]
name = "backup"
type = "boolean"
default = true
[[command.param]]
name = "password"
type = "secret"
optional = true

[[command]]
name = "db drop"
summary = "Drop a database for good"
allow = { teams = ["data"] }

[[command]]
name = "env create"
summary = "Set up an environment of your own"

[[command]]
name = "deploy"
summary = "Bring a service to production"
"#;

const OLD: &str = r#"
[capability]
name = "old-databases"
title = "PostgreSQL databases"
need = "As a developer I want a database in minutes so that I can start on my feature today"
owner = "data"
maturity = "deprecated"

[[command]]
name = "adb create"
summary = "Create a PostgreSQL database"
"#;

/// The lines that are proposed, each with the cursor behind it, and their hints.
async fn proposed(typed: &str) -> Vec<String> {
    let proposals = catalogue(&[PLATFORM]).complete(typed, &asker(), &Offline).await;
    proposals.into_iter().map(|choice| format!("{}| {}", choice.value, choice.hint).trim_end().to_owned()).collect()
}

#[tokio::test]
async fn commands_are_proposed_by_beginning_by_word_and_by_guess() {
    let create = "/db create | Create a PostgreSQL database";
    let env = "/env create| Set up an environment of your own";
    let deploy = "/deploy| Bring a service to production";
    for typed in ["/db", "db c", "@stationmaster db", "/db cr", "/DB", "/dbcreate", "/db crate", "cre db"] {
        assert_eq!(proposed(typed).await, [create], "{typed}");
    }
    assert_eq!(proposed("/").await, [create, deploy, env]);
    assert_eq!(proposed("").await, [create, deploy, env]);
    assert_eq!(proposed("crea").await, [create, env]);
    assert_eq!(proposed("/deplyo").await, [deploy]);
    assert!(proposed("what is for lunch").await.is_empty());
}

#[tokio::test]
async fn b9_what_one_may_not_use_is_neither_proposed_nor_found() {
    for typed in ["/db d", "/db drop", "/db drop ", "drop"] {
        assert!(!proposed(typed).await.join(" ").contains("/db drop"), "{typed}: one may not use it");
    }
    let catalogue = catalogue(&[PLATFORM]);
    let drops = |asker: &Asker| catalogue.search("drop for good", asker).len();
    assert_eq!(drops(&asker()), 0);
    let mut owner = asker();
    owner.person.teams = vec!["data".into()];
    assert_eq!(drops(&owner), 1);
    assert_eq!(catalogue.complete("/db d", &owner, &Offline).await[0].value, "/db drop");
}

#[tokio::test]
async fn input_is_proposed_by_name_and_by_value() {
    insta::assert_snapshot!(proposed("/db create ").await.join("\n"), @r"
    /db create name=| Lower case
    /db create environment=|
    /db create --backup |
    ");
    insta::assert_snapshot!(proposed("/db create orders ").await.join("\n"), @r#"
    /db create orders environment=|
    /db create orders --backup |
    /db create orders dev |
    /db create orders staging |
    /db create orders prod |
    /db create orders "pre prod" |
    "#);
    insta::assert_snapshot!(proposed("/db create orders p").await.join("\n"), @r#"
    /db create orders prod |
    /db create orders "pre prod" |
    "#);
    insta::assert_snapshot!(proposed("/db create orders env").await.join("\n"), @"/db create orders environment=|");
    insta::assert_snapshot!(proposed("/db create orders environment=").await.join("\n"), @r#"
    /db create orders environment=dev |
    /db create orders environment=staging |
    /db create orders environment=prod |
    /db create orders environment="pre prod" |
    "#);
    insta::assert_snapshot!(proposed("/db create orders --environment PR").await.join("\n"), @r#"
    /db create orders --environment prod |
    /db create orders --environment "pre prod" |
    "#);
    insta::assert_snapshot!(proposed("/db create orders --environment=stagign").await.join("\n"), @"/db create orders --environment=staging |");
    insta::assert_snapshot!(proposed("/db create orders —b").await.join("\n"), @"/db create orders --backup |");
    insta::assert_snapshot!(proposed("/db create orders dev --backup ").await.join("\n"), @"");
    assert!(proposed("/db create password").await.is_empty(), "a secret is not typed in a line");
    assert!(proposed("/db create 'orders").await.is_empty());
}

/// The names of the commands that are found, best first.
fn found(words: &str) -> Vec<String> {
    catalogue(&[OLD, PLATFORM]).search(words, &asker()).into_iter().map(|hit| hit.command.file.name.clone()).collect()
}

#[test]
fn commands_are_found_by_what_people_mean() {
    for (words, best) in [
        ("database", "db create"),
        ("I want databases", "db create"),
        ("creating a postgres", "db create"),
        ("postgresql", "db create"),
        ("datbase", "db create"),
        ("how do I get to production", "deploy"),
        ("services", "deploy"),
        ("environments", "env create"),
        ("set up enviroment", "env create"),
        ("DEPLOY!", "deploy"),
        ("env create", "env create"),
    ] {
        assert_eq!(found(words).first().map(String::as_str), Some(best), "{words}: {:?}", found(words));
    }
    assert!(found("start my feature today").contains(&"db create".to_owned()), "by the need");
    assert!(found("restoring").contains(&"db create".to_owned()), "by the address of its documentation");
    let found = found("postgres database");
    assert_eq!((found[0].as_str(), found.len()), ("db create", 4), "{found:?}");
    assert_eq!(found[3], "adb create", "what is on its way out comes last");
}

#[test]
fn what_nothing_fits_is_not_found() {
    for words in [
        "",
        "the",
        "please help me",
        "lunch",
        "kubernetes cluster",
        "x",
        "%",
        "'; drop",
        "docs example org",
        "mail box for a project",
    ] {
        assert_eq!(found(words), [""; 0], "{words}");
    }
}

/// A look-up over the network, with a clock that the test moves.
fn choices(server: &MockServer, clock: &Clock) -> Choices {
    rustls::crypto::ring::default_provider().install_default().ok();
    let config = Config {
        http: HttpPolicy { allow_private: vec![server.address().to_string()], only: Vec::new() },
        team: BTreeMap::from([("data".to_owned(), Team::default()), ("web".to_owned(), Team::default())]),
        person: BTreeMap::from([("ada".to_owned(), Person::default())]),
        templates: Templates::default(),
        ..Config::default()
    };
    let tools = Tools {
        web: WebClient::new(&config.http).expect("a client"),
        clock: clock.clone(),
        data: "data".into(),
        commands: "commands".into(),
        program: env!("CARGO_BIN_EXE_stationmaster").into(),
        public_url: "http://127.0.0.1:7070".into(),
        callback_key: "key".into(),
    };
    let env = json!({"API": server.uri()});
    Choices::new(&tools, &config, env.as_object().expect("an object").clone())
}

async fn sizes(server: &MockServer, environment: &str, names: &[&str], calls: u64) {
    let sizes: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
    Mock::given(method("GET"))
        .and(path("/sizes"))
        .and(query_param("environment", environment))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"sizes": sizes})))
        .expect(calls)
        .mount(server)
        .await;
}

async fn say(line: &str, lookup: &dyn Lookup) -> String {
    answer(&catalogue(&[SIZES]), Asked::Line(line.into()), lookup).await
}

#[tokio::test]
async fn choices_are_asked_for_once_and_compared() {
    let server = MockServer::start().await;
    let clock = Clock::manual(0);
    let choices = choices(&server, &clock);
    sizes(&server, "dev", &["small", "large"], 2).await;
    sizes(&server, "prod", &["huge"], 1).await;
    insta::assert_snapshot!(say("/vm create Large environment=dev team=Web", &choices).await, @r#"vm create {"size":"large","image":null,"environment":"dev","owner":null,"team":"web","room":null,"link":null,"cores":null}"#);
    insta::assert_snapshot!(say("/vm create lrge environment=dev", &choices).await, @r#"
    form run:vm create
    size: "lrge" <- `lrge` is not one of small, large. Did you mean `large`?
    image:
    environment: "dev"
    owner:
    team:
    room:
    link:
    cores:
    "#);
    insta::assert_snapshot!(say("/vm create large environment=prod team=ops", &choices).await, @r#"
    form run:vm create
    size: "large" <- `large` is not one of huge.
    image:
    environment: "prod"
    owner:
    team: "ops" <- `ops` is not one of data, web.
    room:
    link:
    cores:
    "#);
    clock.advance(Span::from_secs(301));
    insta::assert_snapshot!(say("/vm create large environment=dev", &choices).await, @r#"vm create {"size":"large","image":null,"environment":"dev","owner":null,"team":null,"room":null,"link":null,"cores":null}"#);
    // The default is the author's word, and what depends on a wrong value is not asked for.
    insta::assert_snapshot!(say("/vm create environment=dev", &choices).await, @r#"vm create {"size":"small","image":null,"environment":"dev","owner":null,"team":null,"room":null,"link":null,"cores":null}"#);
    insta::assert_snapshot!(say("/vm create large environment=moon", &choices).await, @r#"
    form run:vm create
    size: "large"
    image:
    environment: "moon" <- `moon` is not one of dev, prod.
    owner:
    team:
    room:
    link:
    cores:
    "#);
}

#[tokio::test]
async fn choices_that_cannot_be_had_are_said_to_be_so_and_asked_for_again() {
    let server = MockServer::start().await;
    let clock = Clock::manual(0);
    let choices = choices(&server, &clock);
    let refusal =
        Mock::given(path("/sizes")).respond_with(ResponseTemplate::new(500)).expect(1).mount_as_scoped(&server).await;
    insta::assert_snapshot!(say("/vm create large environment=dev", &choices).await, @r"
    Unavailable: The choices of `size` cannot be checked at the moment.
    hint: try again in a minute
    ");
    insta::assert_snapshot!(say("/vm create large environment=dev cores=many", &choices).await, @r#"
    form run:vm create
    size: "large"
    image:
    environment: "dev"
    owner:
    team:
    room:
    link:
    cores: "many" <- `many` is not a whole number.
    "#);
    drop(refusal);
    clock.advance(Span::from_secs(6));
    sizes(&server, "dev", &["large"], 1).await;
    assert!(say("/vm create large environment=dev", &choices).await.starts_with("vm create {"));
}

#[tokio::test]
async fn an_answer_that_is_no_list_of_choices_is_refused() {
    let server = MockServer::start().await;
    let many: Vec<String> = (0..501).map(|number| number.to_string()).collect();
    Mock::given(path("/images/a"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!(many)))
        .mount(&server)
        .await;
    let odd = json!(["good", 7, true, null, {"no": 1}, "two\nlines", ""]);
    Mock::given(path("/images/b")).respond_with(ResponseTemplate::new(200).set_body_json(odd)).mount(&server).await;
    let large = ResponseTemplate::new(200).set_body_string(format!("[\"{}\"]", "x".repeat(2 << 20)));
    Mock::given(path("/images/c")).respond_with(large).mount(&server).await;
    Mock::given(path("/images/d"))
        .respond_with(ResponseTemplate::new(200).set_body_string("<html>"))
        .mount(&server)
        .await;
    let choices = choices(&server, &Clock::manual(0));
    let catalogue = catalogue(&[SIZES]);
    let from = catalogue.commands["vm create"].file.param[1].choices_from.as_ref().expect("choices");
    let asked = async |size: &str| match choices.choices(from, &json!({"size": size})).await {
        Ok(values) => values.expect("known").join(" "),
        Err(error) => format!("{error:#}"),
    };
    insta::assert_snapshot!(asked("a").await, @"the answer has 501 values; 500 are the most");
    insta::assert_snapshot!(asked("b").await, @"good 7 true");
    insta::assert_snapshot!(asked("c").await, @"the answer (200) is larger than 1 MiB");
    insta::assert_snapshot!(asked("d").await, @"the answer is not JSON: expected value at line 1 column 1");
}

#[tokio::test]
async fn a_field_proposes_what_fits_the_other_fields() {
    let server = MockServer::start().await;
    let choices = choices(&server, &Clock::manual(0));
    sizes(&server, "dev", &["small", "extra-large", "large"], 1).await;
    let catalogue = catalogue(&[SIZES]);
    let suggest = async |param: &str, typed: &str, environment: &str| {
        let values = BTreeMap::from([("environment".to_owned(), json!(environment))]);
        let found = catalogue.suggest_field(("vm create", param), (typed, &values), &asker(), &choices).await;
        found.into_iter().map(|choice| choice.value).collect::<Vec<_>>()
    };
    assert_eq!(suggest("size", "", "dev").await, ["small", "extra-large", "large"]);
    assert_eq!(suggest("size", "LAR", "dev").await, ["large", "extra-large"]);
    assert_eq!(suggest("size", "smlal", "dev").await, ["small"]);
    assert_eq!(suggest("size", "", "").await, [""; 0], "it depends on a field that is empty");
    assert_eq!(suggest("environment", "p", "").await, ["prod"]);
    assert_eq!(suggest("team", "", "").await, ["data", "web"]);
    assert_eq!(suggest("owner", "a", "").await, ["ada"]);
    assert_eq!(suggest("link", "", "").await, [""; 0]);
    assert_eq!(suggest("nothing", "", "").await, [""; 0]);
}

#[tokio::test]
async fn ten_thousand_commands_stay_quick() {
    let mut file = PLATFORM.to_owned();
    for number in 0..10_000 {
        let pattern = if number % 100 == 0 { "pattern = '[a-z]{2,9}'" } else { "" };
        file.push_str(&format!(
            "[[command]]\nname = 'task{number} run'\nsummary = 'Run the task {number}'\n\
             [[command.param]]\nname = 'it'\ntype = 'string'\n{pattern}\n"
        ));
    }
    let catalogue = catalogue(&[&file]);
    let began = Instant::now();
    for number in 0..2000 {
        let line = Asked::Line(format!("/task{} run abc", number % 100 * 100));
        assert!(answer(&catalogue, line, &Offline).await.starts_with("task"));
    }
    let resolved = began.elapsed();
    assert_eq!(catalogue.search("task 4711", &asker())[0].command.file.name, "task4711 run");
    let proposals = catalogue.complete("/tsk4711 run", &asker(), &Offline).await;
    assert_eq!(proposals[0].label, "/task4711 run");
    // Some twenty times what it takes; walking all commands or compiling a pattern at each line takes longer.
    assert!(resolved < Duration::from_secs(2), "{resolved:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}
