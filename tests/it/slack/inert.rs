//! Any card and form, whatever is in them, is taken by Slack, and none of its text is ever more than text.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use stationmaster::chat::slack::SlackChat;
use stationmaster::chat::{
    Action, Button, Card, Choice, Event, Field, Form, Input, Intent, Platform, PlatformName, Post, Progress, Reply,
    Sender, Style, Token, Tone,
};
use stationmaster::clock::Clock;
use stationmaster::config;
use stationmaster::store::Store;

use super::Slack;
use super::workspace::{BOT_TOKEN, GENERAL, SIGNING_SECRET};

/// Words that are something to somebody's parser.
const WORDS: [&str; 20] = [
    "<!channel>",
    "<@U0BEN>",
    "<https://evil.example|good>",
    "@here",
    "#general",
    "https://evil.example/?a=1&b=2",
    "*b*",
    "_i_",
    "~s~",
    "`c`",
    "```",
    ":boom:",
    "&lt;",
    "&amp;amp;",
    "\u{202e}txet",
    "שלום",
    "👩‍👩‍👧‍👦",
    "𝕆𝕣𝕕𝕖𝕣𝕤",
    "z\u{301}\u{302}\u{303}",
    "\n",
];

fn text(most: usize) -> impl Strategy<Value = String> {
    let word = prop_oneof![
        3 => prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned),
        2 => "[ a-z]{1,12}",
        1 => "\\PC{0,20}",
        1 => Just("x".repeat(400)),
        1 => "[\u{0}-\u{1f}]{1,3}",
    ];
    prop::collection::vec(word, 0..most).prop_map(|words| words.join(" "))
}

fn button() -> impl Strategy<Value = Button> {
    let action = prop_oneof![
        text(6).prop_map(|object| Action::Press(Token::new("x", &object))),
        text(60).prop_map(Action::Fill),
        Just(Action::Open("https://example.org/run".into())),
        text(3).prop_map(Action::Open),
        text(9).prop_map(|path| Action::Open(format!("https://example.org/{path}"))),
    ];
    let style = prop::sample::select(vec![Style::Plain, Style::Primary, Style::Danger]);
    (text(6), action, style).prop_map(|(label, action, style)| Button { label, action, style })
}

/// A card whose every text is escaped: nothing of it is a link or has a look.
fn card() -> impl Strategy<Value = Card> {
    let tone = prop::sample::select(vec![Tone::Neutral, Tone::Active, Tone::Waiting, Tone::Good, Tone::Bad]);
    let words = (text(12), text(40), 1usize..40, prop::option::of(text(8)));
    let facts = prop::collection::vec((text(4), text(8)), 0..40);
    let rest = (facts, prop::option::of((any::<u8>(), text(6))), prop::collection::vec(button(), 0..60));
    (tone, words, rest).prop_map(|(tone, (title, body, times, footnote), (facts, progress, buttons))| {
        let progress = progress.map(|(percent, label)| Progress { percent, label });
        // Up to 20 kB and beyond.
        let body = stationmaster::markdown::escape(&body.repeat(times));
        Card { tone, title, body, facts, progress, buttons, footnote }
    })
}

fn field() -> impl Strategy<Value = Field> {
    let choice = (text(3), text(3), text(3)).prop_map(|(value, label, hint)| Choice { value, label, hint });
    let input = prop_oneof![
        prop::sample::select(vec![
            Input::Line,
            Input::Text,
            Input::Number,
            Input::Toggle,
            Input::Date,
            Input::Person,
            Input::Channel,
            Input::Secret,
            Input::Lookup(Token::new("field", "x:y")),
        ]),
        prop::collection::vec(choice, 0..150).prop_map(Input::Choice),
    ];
    let value = prop_oneof![
        text(9).prop_map(Value::String),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(json!("2026-02-30")),
        Just(json!("U0NOBODY")),
        Just(json!("C0NOWHERE")),
    ];
    let more = (text(4), text(9), any::<bool>(), prop::option::of(value), prop::option::of(text(9)));
    (input, more).prop_map(|(input, (label, help, required, value, error))| Field {
        name: String::new(),
        label,
        help,
        input,
        required,
        value,
        error,
    })
}

fn form() -> impl Strategy<Value = Form> {
    let fields = prop::collection::vec(field(), 0..40);
    (text(6), text(40), fields, text(4), prop::option::of(text(6))).prop_map(
        |(title, intro, mut fields, submit, error)| {
            for (index, field) in fields.iter_mut().enumerate() {
                field.name = format!("field_{index}");
            }
            let intro = stationmaster::markdown::escape(&intro);
            Form { title, intro, fields, submit, token: Token::new("run", "x"), error }
        },
    )
}

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
struct Bench {
    slack: Slack,
    chat: Arc<SlackChat>,
    clock: Clock,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
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

    fn event(&self, intent: Intent, way: Value) -> Event {
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
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
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
