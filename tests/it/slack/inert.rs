//! Any card and form, whatever is in them, is taken by Slack, and none of its text is ever more than text.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use stationmaster::chat::slack::SlackChat;
use stationmaster::chat::{Event, Intent, Platform, PlatformName, Post, Reply, Sender};
use stationmaster::clock::Clock;
use stationmaster::config;
use stationmaster::store::Store;

use super::Slack;
use super::workspace::{BOT_TOKEN, GENERAL, SIGNING_SECRET};
use crate::anything::{card, form};

/// What is more than text in what was sent.
fn lively(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| lively(item, found)),
        Value::Object(object) => {
            let is_styled =
                object.get("style").is_some_and(Value::is_object) && object.get("type") == Some(&json!("text"));
            match object.get("type").and_then(Value::as_str) {
                Some("link" | "user" | "usergroup" | "broadcast" | "channel" | "emoji" | "date" | "markdown") => {
                    found.push(value.to_string());
                }
                Some("mrkdwn") => found.extend(unescaped(value["text"].as_str().unwrap_or_default())),
                Some("plain_text") if value["emoji"] != false => found.push(format!("an emoji may be in {value}")),
                _ => {}
            }
            // Facts have bold labels; nothing else of a card whose text is escaped has a look.
            if is_styled && value["style"] != json!({ "bold": true }) {
                found.push(value.to_string());
            }
            object.values().for_each(|inner| lively(inner, found));
        }
        _ => {}
    }
}

fn unescaped(text: &str) -> Option<String> {
    text.contains(['<', '>']).then(|| format!("markup in {text}"))
}

/// The adapter, connected to a Slack in this process.
pub struct Bench {
    pub slack: Slack,
    pub chat: Arc<SlackChat>,
    pub clock: Clock,
    _folder: tempfile::TempDir,
}

impl Bench {
    pub async fn new() -> Self {
        let slack = Slack::http().await;
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::system();
        let url = format!("sqlite://{}/test.db", folder.path().display());
        let store = Store::open(&url, clock.clone()).await.expect("a store");
        let config = config::Slack {
            bot_token: Some(BOT_TOKEN.into()),
            signing_secret: Some(SIGNING_SECRET.into()),
            api_url: Some(format!("http://{}/api", slack.server.host)),
            ..config::Slack::default()
        };
        let chat = SlackChat::new(&config, store.drafts(), clock.clone()).expect("settings").expect("a token");
        Self { slack, chat: Arc::new(chat), clock, _folder: folder }
    }

    pub fn event(&self, intent: Intent, way: Value) -> Event {
        Event {
            id: "e".into(),
            platform: PlatformName::Slack,
            person: Sender { id: "U0ADA".into(), name: "ada".into() },
            place: GENERAL.into(),
            thread: None,
            reply_to: None,
            at: self.clock.now(),
            intent,
            answer_to: way,
        }
    }

    /// What was noted against the app, and what is more than text in what it sent.
    fn complaints(&self) -> Vec<String> {
        let mut found = self.slack.take_breaches();
        let mut workspace = self.slack.server.workspace();
        workspace.files.clear();
        for message in std::mem::take(&mut workspace.messages) {
            found.extend(unescaped(&message.text));
            lively(&message.blocks, &mut found);
        }
        for view in std::mem::take(&mut workspace.views) {
            lively(&view.body, &mut found);
        }
        found
    }
}

/// Tries a law on many cases, with the bench's own runtime.
fn hold<S: Strategy>(strategy: S, law: impl AsyncFn(&Bench, S::Value) -> Vec<String>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let bench = runtime.block_on(Bench::new());
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let tried = runner.run(&strategy, |case| {
        // A case that ended in the middle has left something behind.
        bench.complaints();
        let complaints = runtime.block_on(law(&bench, case));
        prop_assert!(complaints.is_empty(), "{:#?}", complaints);
        Ok(())
    });
    if let Err(failure) = tried {
        panic!("{failure}");
    }
}

#[test]
fn any_card_is_posted_edited_and_shown_as_it_is() {
    hold(card(), async |bench, card| {
        let post = Post { place: GENERAL, key: "k", tried_at: None };
        let id = bench.chat.post(post, &card).await.expect("it is posted");
        bench.chat.edit(GENERAL, &id, &card).await.expect("it is edited");
        let home = bench.event(Intent::OpenHome, json!({ "user": "U0ADA", "at": bench.clock.now() }));
        bench.chat.reply(&home, &Reply::Card(card.clone())).await.expect("it is published");
        let hook = bench.slack.server.workspace().hook((GENERAL, "U0ADA"), None);
        let way = json!({ "user": "U0ADA", "channel": GENERAL, "response_url": hook, "at": bench.clock.now() });
        let said = bench.event(Intent::Say { words: "/help".into() }, way);
        bench.chat.reply(&said, &Reply::Card(card)).await.expect("it is answered");
        bench.complaints()
    });
}

#[test]
fn any_form_opens() {
    hold(form(), async |bench, form| {
        let trigger = bench.slack.server.workspace().trigger("U0ADA");
        let way = json!({ "user": "U0ADA", "channel": GENERAL, "trigger": trigger, "at": bench.clock.now() });
        let said = bench.event(Intent::Say { words: "/count".into() }, way);
        bench.chat.reply(&said, &Reply::Form(form)).await.expect("it is opened");
        assert_eq!(bench.slack.server.workspace().views.len(), 1, "a form is a modal");
        bench.complaints()
    });
}
