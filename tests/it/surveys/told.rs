//! A wave as people live through it: the same on every platform and over every transport, with the real process, whose clock
//! is turned from day to day.

use std::path::Path;

use sqlx::{Connection as _, Row as _};

use super::event::TAP;
use crate::fields::fill;
use crate::stage::{On, Stage, play};

/// Who is asked: ada and eve of one team, ben and cleo of another; dan is of the team that asks.
const PEOPLE: [&str; 5] = ["ada", "ben", "cleo", "dan", "eve"];

const WORK: &str = r#"
[capability]
name = "work"
title = "Work"
need = "As a developer I want work to be done so that I can be asked about it"
owner = "platform"
maturity = "ga"
[[command]]
name = "work"
summary = "Do some work"
[[command.param]]
name = "what"
type = "string"
[[command.step]]
name = "do"
[command.step.process]
program = "/bin/true"
[command.reply]
text = "The {{what}} is done."
"#;

/// The pulse, small enough for four people.
fn pulse() -> String {
    super::stage::PULSE.replace("groups = [\"team\"]\nminimum = 5", "minimum = 3\nreminders = [\"3d\"]")
}

async fn set(on: On, survey: &str, instant: &str) -> Stage {
    let stage = Stage::set_at(on, instant, |folder, _| furnish(folder, survey, on)).await;
    stage.welcome(&PEOPLE).await;
    stage
}

fn furnish(folder: &Path, survey: &str, on: On) {
    std::fs::create_dir_all(folder.join("commands/surveys")).expect("a folder");
    std::fs::write(folder.join("commands/work.toml"), WORK).expect("written");
    std::fs::write(folder.join("commands/surveys/survey.toml"), survey).expect("written");
    let mut text = String::from(
        "[team.data]\nmembers = [\"ben\", \"cleo\"]\n[team.web]\nmembers = [\"ada\", \"eve\"]\n\
         [team.platform]\nmembers = [\"dan\"]\n[escalation]\nteam = \"platform\"\n",
    );
    text.push_str(&on.people(&PEOPLE));
    std::fs::write(folder.join("stationmaster.toml"), text).expect("written");
}

async fn connect(stage: &Stage) -> sqlx::SqliteConnection {
    let url = format!("sqlite://{}", stage.data("stationmaster.db").display());
    sqlx::SqliteConnection::connect(&url).await.expect("connects")
}

/// Waits until the first wave is open: nobody is asked before.
async fn until_open(stage: &Stage) {
    let mut connection = connect(stage).await;
    let began = std::time::Instant::now();
    loop {
        let count = sqlx::query_scalar::<_, i64>("select count(*) from wave where state = 'open'");
        if count.fetch_one(&mut connection).await.expect("a count") > 0 {
            return;
        }
        assert!(began.elapsed() < crate::wire::PATIENCE, "no wave opens");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// The tables of the stage's database in which a text stands.
async fn tables_with(stage: &Stage, text: &str) -> Vec<String> {
    let mut connection = connect(stage).await;
    let tables = sqlx::query("select name from sqlite_master where type = 'table' order by name");
    let tables = tables.fetch_all(&mut connection).await.expect("tables");
    let mut found = Vec::new();
    for table in tables {
        let table: String = table.get(0);
        let columns = sqlx::query("select name from pragma_table_info($1)").bind(&table);
        let columns = columns.fetch_all(&mut connection).await.expect("columns");
        let all: Vec<String> =
            columns.iter().map(|column| format!("coalesce(\"{}\", '')", column.get::<&str, _>(0))).collect();
        let sql = format!("select count(*) from \"{table}\" where instr({}, $1) > 0", all.join(" || "));
        let count = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(sql)).bind(text).fetch_one(&mut connection).await;
        if count.expect("a count") > 0 {
            found.push(table);
        }
    }
    found
}

/// What somebody answers in the form that their invitation or reminder opens.
async fn answer(stage: &Stage, who: &str, fields: &[(&str, &str)]) {
    stage.wire.press(who, "Answer").await;
    fill(stage, who, fields).await;
    stage.wire.read(who, "Thank you").await;
}

/// The first day: three of four answer; one of them is warned first that a name tells who wrote it.
async fn ask(stage: &Stage) {
    let wire = &stage.wire;
    for who in ["ada", "ben", "cleo", "eve"] {
        let card = wire.read(who, "How is it here?").await;
        assert!(
            card.contains("We choose from it what to work on next") && card.contains("of at least 2 others"),
            "{card}"
        );
    }
    wire.press("ada", "How this is kept anonymous").await;
    wire.read("ada", "How this is kept anonymous").await;
    wire.press("ada", "Answer").await;
    fill(stage, "ada", &[("flow", "4"), ("recommend", "9"), ("change", "Ask Ben for quicker builds")]).await;
    let again = wire.read("ada", "This may tell who you are: Ben").await;
    for kept in ["= 4", "= 9", "Ask Ben for quicker builds"] {
        assert!(again.contains(kept), "{kept} is gone: {again}");
    }
    wire.fill("ada", "change", "Quicker builds, please").await;
    wire.submit("ada").await;
    wire.read("ada", "Thank you").await;
    answer(stage, "ben", &[("flow", "2"), ("recommend", "6")]).await;
    answer(stage, "cleo", &[("flow", "5"), ("change", "Fewer long meetings")]).await;
}

/// Ten days later: it is closed, the results are out, and the owner says what becomes of them.
async fn close(stage: &Stage) {
    let wire = &stage.wire;
    for who in ["ada", "ben", "cleo", "eve"] {
        let results = wire.read(who, "Results: How is it here?").await;
        assert!(results.contains("4 were asked, 4 answered") && !results.contains("builds"), "{results}");
        wire.read(who, "This survey is closed. Its results are out").await;
    }
    // What eve was reminded with was forgotten when it closed.
    wire.read("eve", "This survey is closed. The results come").await;
    wire.read("dan", "Results: How is it here?").await;
    wire.press("dan", "You said, we did").await;
    fill(stage, "dan", &[("said", "You are interrupted"), ("did", "Mornings without meetings")]).await;
    for who in PEOPLE {
        let told = wire.read(who, "You said, we did: How is it here?").await;
        assert!(told.contains("You are interrupted") && told.contains("Mornings without meetings"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_is_asked_answered_reminded_of_closed_published_and_finished() {
    play(
        async |on| set(on, &pulse(), "2026-12-01T08:00:00Z").await,
        |mut stage| async move {
            stage.turn_to("2026-12-01T10:00:30Z").await;
            ask(&stage).await;
            // Three were enough to be stored together, so that they outlive the process.
            stage.restart().await;
            if stage.on == On::Page {
                // Nothing tells that a form was sent, so whoever comes back finds it as it was opened.
                stage.wire.read("ada", "flow = \n").await;
            }
            stage.wire.press("ada", "Answer").await;
            stage.wire.read("ada", "You have answered already").await;
            stage.turn_to("2026-12-04T10:01:00Z").await;
            stage.wire.read("eve", "Still open: How is it here?").await;
            answer(&stage, "eve", &[("flow", "3"), ("recommend", "10")]).await;
            stage.turn_to("2026-12-11T10:01:00Z").await;
            close(&stage).await;
            for text in ["Quicker builds, please", "Fewer long meetings"] {
                assert_eq!(tables_with(&stage, text).await, ["answer"], "{text}");
                assert!(!stage.log().contains(text), "{text} is logged");
            }
            assert_eq!(tables_with(&stage, "again:inv_").await, Vec::<String>::new(), "who was reminded");
            stage.close();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tap_answers_after_a_request() {
    play(
        async |on| set(on, &TAP.replace("nth = 2", "nth = 1"), "2026-12-01T10:00:00Z").await,
        |stage| async move {
            until_open(&stage).await;
            let wire = &stage.wire;
            for (who, what, label) in
                [("ada", "wash", "5 – very"), ("ben", "weave", "4"), ("eve", "wool", "1 – not at all")]
            {
                wire.say(who, &format!("/work what={what}")).await;
                wire.read(who, &format!("The {what} is done.")).await;
                wire.read(who, "How satisfied are you with how it went?").await;
                wire.press(who, label).await;
                wire.read(who, "Thank you").await;
            }
            stage.turn_to("2027-01-01T10:00:00Z").await;
            for who in ["ada", "ben", "eve"] {
                let results = wire.read(who, "Results: How was this?").await;
                assert!(results.contains("3 were asked, 3 answered"), "{results}");
                wire.read(who, "This survey is closed. Its results are out").await;
            }
            wire.read("dan", "Results: How was this?").await;
            wire.read("dan", "“How was this?” waits for you").await;
            stage.close();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_with_names_says_so_and_is_seen_with_names() {
    let named = pulse().replace("anonymous = true", "attributed = \"we call you back\"");
    play(
        async |on| set(on, &named, "2026-12-01T08:00:00Z").await,
        |stage| async move {
            let wire = &stage.wire;
            stage.turn_to("2026-12-01T10:00:30Z").await;
            for who in ["ada", "ben", "cleo", "eve"] {
                let card = wire.read(who, "How is it here?").await;
                assert!(card.contains("With your name.") && card.contains("we call you back"), "{card}");
                answer(&stage, who, &[("flow", "4"), ("change", "Quicker builds")]).await;
            }
            wire.press("ada", "Answer").await;
            fill(&stage, "ada", &[("flow", "2")]).await;
            wire.read("ada", "Thank you").await;
            stage.turn_to("2026-12-11T10:01:00Z").await;
            for who in ["ada", "ben", "cleo", "eve"] {
                wire.read(who, "Results: How is it here?").await;
                wire.read(who, "This survey is closed. Its results are out").await;
            }
            wire.read("dan", "Results: How is it here?").await;
            wire.press("dan", "Who said what").await;
            let seen = wire.read("dan", "Who said what: How is it here?").await;
            assert!(
                seen.contains("I can work without being interrupted – 2") && seen.contains("Quicker builds"),
                "{seen}"
            );
            stage.close();
        },
    )
    .await;
}
