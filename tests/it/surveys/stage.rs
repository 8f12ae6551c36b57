//! Two teams of eight, a team that asks them, and what they do.

use std::collections::BTreeMap;

use serde_json::Value;
use stationmaster::chat::{Card, Form, Intent, Reply, Token};
use stationmaster::clock::Span;
use stationmaster::config::Config;
use stationmaster::store::survey::Wave;

use crate::engine::On;
use crate::house::{House, button, card_of, read};

pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;

/// A pulse with one question of each usual kind, asked every month.
pub const PULSE: &str = r#"
[survey]
name = "pulse"
title = "How is it here?"
purpose = "We choose from it what to work on next"
owner = "platform"
anonymous = true
audience = { teams = ["data", "web"] }
groups = ["team"]
minimum = 5
[survey.schedule]
cron = "0 10 1 * *"
[[survey.question]]
name = "flow"
type = "scale5"
text = "I can work without being interrupted"
low = "never"
high = "always"
[[survey.question]]
name = "recommend"
type = "enps"
text = "Would you recommend working here?"
[[survey.question]]
name = "blocker"
type = "choices"
text = "What stops you?"
choices = ["Builds", "Reviews", "Meetings"]
[[survey.question]]
name = "change"
type = "text"
text = "What would you change?"
"#;

/// A house with people in it.
pub struct Stage {
    pub house: House,
    people: Vec<String>,
    files: Vec<&'static str>,
    /// The process before a restart, whose folder stays.
    _before: Option<House>,
}

/// What the `number`th person fills in: no two of a team alike.
pub fn values(number: usize) -> BTreeMap<String, Value> {
    let flow = (number % 4 + 1).to_string();
    let blocker = format!("blocker.{}", number % 3 + 1);
    [
        ("flow".to_owned(), flow.into()),
        ("recommend".to_owned(), (number % 11).to_string().into()),
        (blocker, true.into()),
        ("change".to_owned(), format!("Make thing number {number} faster").into()),
    ]
    .into()
}

fn configure(config: &mut Config, people: &[String]) {
    let list =
        |from: usize, to: usize| people[from..to].iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let half = people.len() / 2;
    let mut text = format!(
        "[team.data]\nmembers = [{}]\n[team.web]\nmembers = [{}]\n[team.platform]\nmembers = ['ada']\n",
        list(0, half),
        list(half, people.len())
    );
    for name in people.iter().map(String::as_str).chain(["ada"]) {
        text.push_str(&format!("[person.{name}]\nidentities = ['web:{name}']\n"));
    }
    let said: Config = toml::from_str(&text).expect("a configuration");
    (config.team, config.person) = (said.team, said.person);
}

impl Stage {
    /// A house of sixteen people and whoever asks, in which the first wave is open.
    pub async fn open(on: On) -> Self {
        let stage = Self::with(on, vec![PULSE], 16).await;
        stage.plan().await;
        stage.pass(HOUR).await;
        stage
    }

    /// A house of so many people, whom everybody has seen.
    pub async fn with(on: On, files: Vec<&'static str>, count: usize) -> Self {
        Self::named(on, files, (0..count).map(|number| format!("p{number}")).collect()).await
    }

    pub async fn named(on: On, files: Vec<&'static str>, people: Vec<String>) -> Self {
        let house = House::configured(on, &files, |config| configure(config, &people)).await;
        let stage = Self { house, people, files, _before: None };
        for who in stage.people.iter().map(String::as_str).chain(["ada"]) {
            stage.house.say(who, "/home").await;
        }
        stage
    }

    /// The same with another process.
    pub async fn restart(self) -> Self {
        let house = self.house.again(&self.files).await;
        // What people were shown stays.
        let posted = self.house.chat.posted.lock().expect("lock").clone();
        *house.chat.posted.lock().expect("lock") = posted;
        Self { house, _before: Some(self.house), ..self }
    }

    pub fn people(&self) -> &[String] {
        &self.people
    }

    /// One round of what the loops do by themselves, and all that follows from it.
    pub async fn plan(&self) {
        stationmaster::survey::tend_next(&self.house.app).await.expect("tended");
        self.house.settle().await;
    }

    /// Lets time pass, hour by hour, in seconds.
    pub async fn pass(&self, seconds: i64) {
        for _ in 0..seconds / HOUR {
            self.house.clock.advance(Span::from_secs(HOUR));
            self.plan().await;
        }
        self.plan().await;
    }

    /// Lets time pass until the next wave is due.
    pub async fn next_wave(&self) {
        let now = self.house.clock.now();
        let due = self.house.app.store.scheduled_surveys().await.expect("read")[0].next_at;
        self.pass((due - now) / 1000 + HOUR).await;
    }

    /// What somebody was shown, the oldest first.
    pub fn cards(&self, who: &str) -> Vec<Card> {
        let posted = self.house.chat.posted.lock().expect("lock");
        let mut all: Vec<(u64, Card)> = posted
            .iter()
            .filter(|(_, (place, _))| *place == format!("@{who}"))
            .map(|(id, (_, card))| (id[1..].parse().expect("a number"), card.clone()))
            .collect();
        all.sort_by_key(|(id, _)| *id);
        all.into_iter().map(|(_, card)| card).collect()
    }

    pub fn read_first(&self, who: &str) -> String {
        shown(&self.cards(who)[0])
    }

    pub fn read_last(&self, who: &str) -> String {
        shown(self.cards(who).last().expect("a card"))
    }

    /// The token of a button of the first card that somebody was shown.
    pub fn token(&self, who: &str, label: &str) -> Token {
        button(&self.cards(who)[0], label)
    }

    /// Presses a button of the first card; gives what is answered, as it is read.
    pub async fn press_read(&self, who: &str, label: &str) -> String {
        shown(&card_of(&self.house.press(who, &self.token(who, label)).await))
    }

    /// The form that the invitation opens, as it is read.
    pub async fn form(&self, who: &str) -> String {
        let form = self.form_of(self.house.press(who, &self.token(who, "Answer")).await);
        assert!(form.is_sealed());
        let mut text = format!("{}\n{}\n", form.title, form.intro);
        for field in &form.fields {
            text.push_str(&format!("{}: {} ({})\n", field.name, field.label, field.help));
        }
        text.push_str(&format!("[{}]", form.submit));
        text
    }

    pub fn form_of(&self, reply: Reply) -> Form {
        match reply {
            Reply::Form(form) => form,
            other => panic!("no form: {other:#?}"),
        }
    }

    pub async fn submit(&self, who: &str, token: &Token, values: BTreeMap<String, Value>) -> Reply {
        self.house.does(who, Intent::Submit { token: token.clone(), values }).await
    }

    /// Fills in the form of the first card.
    pub async fn answer(&self, who: &str, values: BTreeMap<String, Value>) -> Reply {
        self.submit(who, &self.token(who, "Answer"), values).await
    }

    /// The latest wave of the first survey.
    pub async fn wave(&self) -> Wave {
        let name = self.house.app.catalogue.load().surveys.keys().next().expect("a survey").clone();
        self.house.app.store.waves(&name, 1).await.expect("read").remove(0)
    }

    /// Who was asked by the latest wave, sorted.
    pub async fn invited(&self) -> Vec<String> {
        let wave = self.wave().await.id;
        let mut invited = Vec::new();
        for who in &self.people {
            if self.house.app.store.is_invited(&wave, who).await.expect("read") {
                invited.push(who.clone());
            }
        }
        invited
    }

    /// The owner says what became of the latest wave.
    pub async fn finish_loop(&self) {
        let report = self.cards("ada").last().expect("the report").clone();
        let form = self.form_of(self.house.press("ada", &button(&report, "You said, we did")).await);
        let said =
            [("said", "Builds are slow."), ("did", "We buy a faster machine."), ("links", "https://example.org/1")];
        let values = said.map(|(name, text)| (name.to_owned(), Value::from(text))).into();
        assert_eq!(card_of(&self.submit("ada", &form.token, values).await).title, "You said, we did: How is it here?");
        self.house.settle().await;
    }
}

/// A card as it is read, with ids that are the same in every run.
fn shown(card: &Card) -> String {
    let id = regex::Regex::new("(wav|inv)_[0-9a-f]{32}").expect("a pattern");
    // What people wrote is shown in random order.
    let number = regex::Regex::new(r"thing number \d+").expect("a pattern");
    number.replace_all(&id.replace_all(&read(card), "${1}_…"), "thing number …").into_owned()
}
