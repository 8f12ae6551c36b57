//! What the author of a survey file reads.

use stationmaster::catalogue::{self, Catalogue, Known};
use stationmaster::clock::Clock;
use stationmaster::config::HttpPolicy;
use stationmaster::runner::{Tools, WebClient};

const GOOD: &str = r#"
[survey]
name = "pulse"
title = "How is it?"
purpose = "We choose from it what to work on"
owner = "platform"
anonymous = true
audience = { teams = ["data"], used = { command = "db create", within = "60d" } }
[survey.schedule]
cron = "0 10 1-7 * Tue"
zone = "Europe/Berlin"
[[survey.question]]
name = "flow"
type = "scale5"
text = "I can work without being interrupted"
low = "never"
high = "always"
[[survey.test]]
answers = { flow = 5 }
"#;

const COMMANDS: &str = r#"
[capability]
name = "databases"
title = "Databases"
need = "As a developer I want a database so that I can start"
owner = "platform"
maturity = "ga"
[[command]]
name = "db create"
summary = "Create a database"
[[command.step]]
name = "make"
[command.step.process]
program = "/bin/true"
"#;

fn known() -> Known {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Known { teams: names(&["data", "platform"]), roles: names(&["lead"]), people: names(&["ada"]), ..Known::default() }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(survey: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("surveys")).expect("made");
        std::fs::write(folder.path().join("databases.toml"), COMMANDS).expect("written");
        std::fs::write(folder.path().join("surveys/pulse.toml"), survey).expect("written");
        Self(folder)
    }

    fn tools(&self) -> Tools {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Tools {
            web: WebClient::new(&HttpPolicy::default()).expect("a client"),
            clock: Clock::system(),
            data: self.0.path().join("data"),
            commands: self.0.path().to_owned(),
            program: env!("CARGO_BIN_EXE_stationmaster").into(),
            public_url: "http://127.0.0.1:7070".into(),
            callback_key: "key".to_owned().into(),
        }
    }

    async fn read(&self) -> String {
        let report = catalogue::check(self.0.path(), None, &self.tools(), &known()).await.to_string();
        report.replace(&self.0.path().display().to_string(), "commands")
    }
}

/// What is said of the good file with one change.
async fn changed(right: &str, wrong: &str) -> String {
    let text = GOOD.replacen(right, wrong, 1);
    assert_ne!(text, GOOD, "{right}");
    Folder::with(&text).read().await
}

#[tokio::test]
async fn mistakes_are_explained_with_their_place() {
    assert_eq!(Folder::with(GOOD).read().await, "2 files, 1 command, 1 survey, 1 test: all good");
    let several = GOOD
        .replace("teams = [\"data\"]", "teams = [\"dta\"]")
        .replace("anonymous = true\n", "minimum = 2\n")
        .replace("db create", "db crate")
        .replace("type = \"scale5\"", "type = \"scael5\"")
        .replace("[survey.schedule]", "[survey.schedul]");
    insta::assert_snapshot!("survey_mistakes", Folder::with(&several).read().await);
    for (right, wrong, said) in [
        ("0 10 1-7 * Tue", "0 10 * *", "does not have five fields"),
        ("Europe/Berlin", "Berlin", "did you mean Europe/Berlin?"),
        ("anonymous = true", "anonymous = true\nattributed = \"We call back\"", "either anonymous or attributed"),
        ("anonymous = true", "attributed = \" \"", "people are told why"),
        ("anonymous = true", "anonymous = true\ncloses = \"2d\"", "before the wave closes"),
        ("anonymous = true", "anonymous = true\ngroups = [\"command\"]", "only a survey after an event"),
        ("anonymous = true", "anonymous = true\ngroup = { back = [\"team:daat\"] }", "did you mean `data`?"),
        ("anonymous = true", "anonymous = true\nresults_to = [\"data\"]", "write team:NAME"),
        ("anonymous = true", "anonymous = true\ncohorts = 0", "in 1 to 24 parts"),
        ("low = \"never\"\n", "", "does not say what the lowest point means"),
        ("high = \"always\"", "high = \"always\"\nchoices = [\"a\"]", "only a question of the type choice"),
        ("answers = { flow = 5 }", "answers = { flow = 6 }", "Choose a whole number from 1 to 5."),
        ("answers = { flow = 5 }", "answers = { flow = 5 }\nerror = \"flow\"", "should be refused, and is accepted"),
        ("answers = { flow = 5 }", "answers = { flwo = 5 }", "did you mean `flow`?"),
        ("type = \"scale5\"", "type = \"sus\"", "this questionnaire has 10 statements"),
        ("audience = {", "audience = { people = [\"adda\"],", "did you mean `ada`?"),
        ("audience = {", "audience = { roles = [\"laed\"],", "did you mean `lead`?"),
    ] {
        let report = changed(right, wrong).await;
        assert!(report.contains(said) && report.contains("commands/surveys/pulse.toml:"), "{wrong}: {report}");
    }
}

#[tokio::test]
async fn many_questions_are_advised_against_and_taken() {
    let question =
        |n: usize| format!("[[survey.question]]\nname = \"q{n}\"\ntype = \"enps\"\ntext = \"How is {n}?\"\n");
    let text = [GOOD.to_owned()].into_iter().chain((0..5).map(question)).collect::<String>();
    let folder = Folder::with(&text);
    let report = folder.read().await;
    assert!(report.contains("warning: 6 questions are many for a pulse"), "{report}");
    assert!(report.ends_with("2 files, 1 command, 1 survey, 1 test: good, with 1 warning"), "{report}");
    let catalogue = Catalogue::load(folder.0.path(), &folder.tools(), &known()).expect("it is good nevertheless");
    assert_eq!(catalogue.surveys["pulse"].question.len(), 6);
    assert_eq!(catalogue.surveys["pulse"].minutes(), 2);
}

#[test]
fn the_schema_refuses_what_the_check_refuses() {
    let validator = jsonschema::validator_for(&catalogue::survey_schema()).expect("a schema");
    let value = |text: &str| -> serde_json::Value { toml::from_str(text).expect("TOML") };
    let samples =
        std::fs::read_dir("commands/surveys").expect("the samples").map(|entry| entry.expect("a file").path());
    let samples: Vec<String> = samples.map(|path| std::fs::read_to_string(path).expect("a survey")).collect();
    for text in samples.iter().map(String::as_str).chain([GOOD]) {
        let value = value(text);
        assert!(validator.is_valid(&value), "{:?}", validator.iter_errors(&value).collect::<Vec<_>>());
    }
    for (right, wrong) in [
        ("title", "titel"),
        ("anonymous = true\n", ""),
        ("anonymous = true", "anonymous = false"),
        ("anonymous = true", "anonymous = true\nattributed = \"x\""),
        ("anonymous = true", "anonymous = true\nminimum = 2"),
        ("\"scale5\"", "\"scale99\""),
        ("[survey.schedule]", "[survey.event]\nafter = \"request\"\n[survey.schedule]"),
    ] {
        let text = GOOD.replacen(right, wrong, 1);
        assert_ne!(text, GOOD, "{right}");
        assert!(!validator.is_valid(&value(&text)), "{text}");
    }
}
