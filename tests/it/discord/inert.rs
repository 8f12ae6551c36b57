//! Any card and form, whatever is in them, is taken by Discord, and none of its text is ever more than text.

use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use axum::body::Bytes;
use axum::extract::State as With;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;
use stationmaster::chat::discord::DiscordChat;
use stationmaster::chat::{Card, Choice, Delivery, Event, Inbox, Intent, Platform, Post, Reply};
use stationmaster::clock::Clock;
use stationmaster::config;
use stationmaster::error::Result;
use stationmaster::store::Store;
use tokio::sync::Notify;

use super::delivery::public_key;
use super::interaction::inputs;
use super::screen::{FILL_IN, NEXT};
use super::world::{CHANNEL, GUILD, State, TOKEN};
use super::{Discord, markup};
use crate::anything::{card, form};
use crate::wire::Wire;

/// In place of a text that shows nothing.
const EMPTY: &str = "–";

/// The adapter, connected to a Discord in this process; whatever is said, it is told to answer the same.
pub struct Bench {
    pub discord: Discord,
    pub chat: Arc<DiscordChat>,
    desk: Arc<Desk>,
    _folder: tempfile::TempDir,
}

/// A desk that has one answer.
#[derive(Default)]
struct Desk {
    chat: OnceLock<Arc<DiscordChat>>,
    reply: Mutex<Option<Reply>>,
    replied: Arc<Notify>,
}

impl Desk {
    fn reply(&self) -> Reply {
        self.reply.lock().expect("lock").clone().unwrap_or(Reply::Nothing)
    }
}

#[async_trait]
impl Inbox for Desk {
    async fn accept(&self, event: Event) -> Result<bool> {
        let (chat, reply, replied) = (self.chat.get().expect("set").clone(), self.reply(), self.replied.clone());
        tokio::spawn(async move {
            chat.reply(&event, &reply).await.expect("it is answered");
            replied.notify_one();
        });
        Ok(true)
    }

    async fn ask(&self, event: Event) -> Reply {
        match event.intent {
            Intent::Suggest { typed, .. } => {
                let choice =
                    |n: usize| Choice { value: format!("{typed}{n}"), label: "**b**".into(), hint: "@here".into() };
                Reply::Choices((0..60).map(choice).collect())
            }
            _ => self.reply(),
        }
    }

    fn words(&self, error: &anyhow::Error) -> Card {
        Card { title: error.to_string(), ..Card::default() }
    }
}

async fn receive(
    With((chat, desk)): With<(Arc<DiscordChat>, Arc<Desk>)>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Json<Value>) {
    let answer = chat.receive(desk, Delivery { headers: &headers, body: &body }).await;
    (StatusCode::from_u16(answer.status).expect("a status"), Json(answer.body))
}

impl Bench {
    pub async fn new() -> Self {
        let discord = Discord::http();
        discord.world.with(|state| state.unlimited = true);
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}/test.db", folder.path().display());
        let store = Store::open(&url, Clock::system()).await.expect("a store");
        let config = config::Discord {
            bot_token: Some(TOKEN.into()),
            public_key: Some(public_key()),
            gateway: Some(false),
            guild: Some(GUILD.into()),
            api_url: Some(discord.url.clone()),
        };
        let chat = DiscordChat::new(&config, store.drafts(), Clock::system()).expect("settings").expect("a token");
        let (chat, desk) = (Arc::new(chat), Arc::new(Desk::default()));
        assert!(desk.chat.set(chat.clone()).is_ok());
        chat.offer(&[]).await.expect("it is registered");
        let router =
            Router::new().route("/discord/interactions", post(receive)).with_state((chat.clone(), desk.clone()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        discord.connect(&address).await;
        Self { discord, chat, desk, _folder: folder }
    }

    /// Somebody says something, and is answered so.
    pub async fn answer(&self, reply: Reply) {
        *self.desk.reply.lock().expect("lock") = Some(reply);
        self.discord.say("ada", "/whatever").await;
        self.desk.replied.notified().await;
    }

    /// What Discord refused, and what is more than text in what was sent; all of it is then gone.
    fn complaints(&self) -> Vec<String> {
        self.discord.world.with(|state| {
            let mut found = std::mem::take(&mut state.refused);
            found.extend(std::mem::take(&mut state.notices).into_iter().map(|notice| notice.text));
            for message in std::mem::take(&mut state.messages) {
                found.extend(lively(&message.body));
            }
            state.calls.clear();
            found
        })
    }
}

/// What is more than text where Discord reads markup, which it does not in footers. Labels are bold.
fn lively(body: &Value) -> Vec<String> {
    let mut embeds = body["embeds"].as_array().cloned().unwrap_or_default();
    embeds.iter_mut().for_each(|embed| embed["footer"] = Value::Null);
    let texts = embeds.iter().flat_map(super::check::texts);
    texts.flat_map(|text| markup::read(&text).marks).filter(|mark| mark != "bold").collect()
}

/// A text without what is not seen, or may be left out: spaces, marks stacked on letters, marks of direction.
fn bare(text: &str) -> String {
    let hidden = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '…')
            || matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}')
            || matches!(c, '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
    };
    text.chars().filter(|c| !hidden(*c)).collect()
}

/// What is shown of a card that is not what it says: of a title and of facts that stand as fields, all or the beginning.
fn changed(state: &State, card: &Card) -> Vec<String> {
    let mut found = Vec::new();
    for message in &state.messages {
        let embed = &message.body["embeds"][0];
        let mut compare = |given: &str, sent: &Value| {
            let shown = markup::read(sent.as_str().unwrap_or_default()).text;
            if shown != EMPTY && !bare(given).starts_with(&bare(&shown)) {
                found.push(format!("{given:?} is shown as {shown:?}"));
            }
        };
        compare(&card.title, &embed["title"]);
        let fields = embed["fields"].as_array().cloned().unwrap_or_default();
        for ((label, value), field) in card.facts.iter().zip(&fields) {
            compare(label, &field["name"]);
            compare(value, &field["value"]);
        }
    }
    found
}

/// Tries a law on so many cases, with the bench's own runtime.
fn hold<S: Strategy>(cases: u32, strategy: S, law: impl AsyncFn(&Bench, S::Value) -> Vec<String>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let bench = runtime.block_on(Bench::new());
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let tried = runner.run(&strategy, |case| {
        let complaints = runtime.block_on(law(&bench, case));
        if complaints.is_empty() { Ok(()) } else { Err(TestCaseError::fail(format!("{complaints:#?}"))) }
    });
    if let Err(failure) = tried {
        panic!("{failure}");
    }
}

#[test]
fn any_card_is_posted_edited_and_shown_as_it_is() {
    hold(64, card(), async |bench, card| {
        let post = Post { place: CHANNEL, key: "k", tried_at: None };
        let mut found = Vec::new();
        match bench.chat.post(post, &card).await {
            Ok(id) => {
                let edited = bench.chat.edit(CHANNEL, &id, &card).await;
                found.extend(edited.err().map(|error| format!("edited: {error:#}")));
            }
            Err(error) => found.push(format!("posted: {error:#}")),
        }
        bench.answer(Reply::Card(card.clone())).await;
        found.extend(bench.discord.world.look(|state| changed(state, &card)));
        found.extend(bench.complaints());
        found
    });
}

#[test]
fn any_form_opens_page_by_page() {
    hold(24, form(), async |bench, form| {
        bench.answer(Reply::Form(form)).await;
        let mut found = Vec::new();
        for _ in 0..10 {
            if bench.discord.press_if_there("ada", FILL_IN).await {
                let modal = bench.discord.world.with(|state| state.modals.remove("ada"));
                found.extend(modal.filter(|modal| inputs(&modal.body).is_empty()).map(|_| "an empty modal".to_owned()));
            }
            if !bench.discord.press_if_there("ada", NEXT).await {
                break;
            }
        }
        bench.discord.world.with(|state| state.modals.clear());
        found.extend(bench.complaints());
        found
    });
}
