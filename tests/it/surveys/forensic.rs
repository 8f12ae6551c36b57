//! What somebody finds who has the whole database, its log, and the program's: who was asked, and not who said what.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use sqlx::{Connection as _, Row as _};

use super::stage::{DAY, HOUR, PULSE, Stage, values};
use crate::engine::On;

/// Where a log goes that is read afterwards.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lock").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everybody with a name that is found wherever it stands.
fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("somebody-{number:04}-x")).collect()
}

/// The files of an SQLite database, as they are on the disk.
fn files(url: &str) -> Vec<u8> {
    let file = url.trim_start_matches("sqlite://");
    let all = ["", "-wal", "-journal"].into_iter().filter_map(|end| std::fs::read(format!("{file}{end}")).ok());
    all.flatten().collect()
}

/// Where a text stands in bytes.
fn places(bytes: &[u8], text: &str) -> Vec<usize> {
    let found = bytes.windows(text.len()).enumerate().filter(|(_, window)| *window == text.as_bytes());
    found.map(|(at, _)| at).collect()
}

/// The rows of two tables in the order in which they lie in the database: who has answered, and the texts.
async fn rows(url: &str, on: On) -> (Vec<String>, Vec<String>) {
    let order = if on == On::Sqlite { "rowid" } else { "ctid" };
    let mut connection = sqlx::AnyConnection::connect(url).await.expect("connects");
    let mut column = async |sql: String| -> Vec<String> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut connection).await.expect("rows");
        rows.iter().map(|row| row.get(0)).collect()
    };
    let who = column(format!("select who from participation order by {order}")).await;
    let texts = column(format!("select value from answer where question = 'change' order by {order}")).await;
    (who, texts)
}

/// How many of the people of one order are matched with their own text by the other order.
fn matched(who: &[String], texts: &[String], owner: &BTreeMap<String, String>) -> usize {
    who.iter().zip(texts).filter(|(who, text)| owner.get(*text) == Some(who)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_stored_or_logged_ties_an_answer_to_a_person() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).expect("each test is a process of its own");
    tracing::info!("it is heard");
    let people = names(60);
    let stage = Stage::named(On::Sqlite, vec![PULSE], people.clone()).await;
    stage.plan().await;
    stage.pass(HOUR).await;
    for (number, who) in people.iter().enumerate() {
        stage.answer(who, values(number)).await;
    }
    let wave = stage.wave().await;
    let key = stage.house.app.store.wave_key(&wave.id).await.expect("read").expect("it is open");
    let open = files(&stage.house.url);
    let answers = stage.house.app.store.answers(&wave.id).await.expect("read");
    assert_eq!(answers.iter().filter(|answer| answer.question == "change").count(), 60, "all were enough for a batch");
    for number in 0..60 {
        let text = format!("Make thing number {number} faster");
        let found = places(&open, &text);
        assert!(!found.is_empty(), "the search finds what is there");
        for at in found {
            // A row of answers is a fraction of this; whoever is in it would be near.
            let near = &open[at.saturating_sub(300)..(at + 300).min(open.len())];
            assert!(places(near, "somebody-").is_empty(), "a person stands beside {text}");
        }
    }
    let logged = String::from_utf8_lossy(&log.0.lock().expect("lock")).into_owned();
    assert!(logged.contains("it is heard") && !logged.contains("Make thing"), "answers are logged");
    stage.pass(11 * DAY).await;
    let closed = files(&stage.house.url);
    assert!(!places(&open, &key).is_empty() && places(&closed, &key).is_empty(), "the key is gone from the disk");
    for who in &people {
        let hash = stationmaster::store::answer::who(&key, who);
        assert!(places(&closed, &hash).is_empty(), "that {who} has answered is still there");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_rows_tells_no_more_than_chance() {
    for on in [On::Sqlite, On::Postgres] {
        let people = names(300);
        let stage = Stage::named(on, vec![PULSE], people.clone()).await;
        stage.plan().await;
        stage.pass(HOUR).await;
        let wave = stage.wave().await;
        let key = stage.house.app.store.wave_key(&wave.id).await.expect("read").expect("it is open");
        let mut owner = BTreeMap::new();
        for (number, who) in people.iter().enumerate() {
            stage.answer(who, values(number)).await;
            let text = serde_json::Value::from(format!("Make thing number {number} faster")).to_string();
            owner.insert(text, stationmaster::store::answer::who(&key, who));
        }
        let (who, texts) = rows(&stage.house.url, on).await;
        assert_eq!((who.len(), texts.len()), (300, 300));
        // Of each batch of five one is matched by chance, whatever its size: 60 in all, give or take 8.
        let found = matched(&who, &texts, &owner);
        assert!(found < 60 + 5 * 8, "{found} of 300 on {on:?}");
    }
}
