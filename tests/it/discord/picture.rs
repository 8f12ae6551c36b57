//! Pictures of cards in Discord: attached once, kept by edits that do not change them, and said in words where that fails.

use serde_json::{Value, json};
use stationmaster::chat::{Card, Picture, Platform, Post, Reply};
use stationmaster::picture::{Bar, Chart, Distribution, Share};

use super::inert::Bench;
use super::world::{CHANNEL, Message};
use crate::wire::PATIENCE;

/// What the picture of [`card`] says.
const WORDS: &str = "Bar chart, Flow: agree 62 % (31).";

fn card(percent: f64) -> Card {
    let bar = Bar { label: "agree".into(), share: Share::Known { percent, count: Some(31) } };
    let chart = Chart::Distribution(Distribution { title: "Flow".into(), bars: vec![bar], ..Distribution::default() });
    Card { title: "Results".into(), picture: Some(Picture { chart }), ..Card::default() }
}

impl Bench {
    async fn post(&self, place: &str, card: &Card) -> String {
        self.chat.post(Post { place, key: "k", tried_at: None }, card).await.expect("it is posted")
    }

    async fn edit(&self, id: &str, card: &Card) -> Message {
        self.chat.edit(CHANNEL, id, card).await.expect("it is edited");
        self.last()
    }

    fn last(&self) -> Message {
        self.discord.world.look(|state| state.messages.last().expect("a message").clone())
    }

    fn refused(&self) -> Vec<String> {
        self.discord.world.with(|state| std::mem::take(&mut state.refused))
    }
}

/// The id of the only attachment, which the embed shows.
fn shown(message: &Message) -> Value {
    let [attachment] = message.attachments.as_slice() else { panic!("{:?}", message.attachments) };
    let name = attachment["filename"].as_str().expect("a name");
    assert_eq!(message.body["embeds"][0]["image"]["url"], format!("attachment://{name}"));
    assert!(message.body["embeds"][0]["description"].is_null(), "the words are said twice");
    attachment["id"].clone()
}

/// The card is there, in words.
fn assert_in_words(message: &Message) {
    assert_eq!(message.attachments, Vec::<Value>::new());
    assert!(message.body["embeds"][0]["image"].is_null());
    let said = message.body["embeds"][0]["description"].as_str().expect("words").replace('\\', "");
    assert_eq!(said, WORDS);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_keeps_replaces_or_takes_away_a_picture() {
    let bench = Bench::new().await;
    let id = bench.post(CHANNEL, &card(62.0)).await;
    let posted = bench.last();
    let first = shown(&posted);
    assert_eq!(posted.attachments[0]["description"], WORDS);

    let later = Card { footnote: Some("final".into()), ..card(62.0) };
    assert_eq!(shown(&bench.edit(&id, &later).await), first, "it is kept");
    let second = shown(&bench.edit(&id, &card(63.0)).await);
    assert_ne!(second, first);
    let bare = bench.edit(&id, &Card { picture: None, ..card(62.0) }).await;
    assert_eq!(bare.attachments, Vec::<Value>::new());
    assert!(bare.body["embeds"][0]["image"].is_null());
    assert_ne!(shown(&bench.edit(&id, &card(62.0)).await), first, "it was taken away, and is attached anew");
    assert_eq!(bench.refused(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_somebody_took_away_is_attached_anew() {
    let bench = Bench::new().await;
    let id = bench.post(CHANNEL, &card(62.0)).await;
    let first = shown(&bench.last());
    bench.discord.world.with(|state| state.messages[0].attachments.clear());
    assert_ne!(shown(&bench.edit(&id, &card(62.0)).await), first);
    assert_eq!(bench.refused().len(), 1, "it was tried to keep it");
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_go_to_threads_and_persons() {
    let bench = Bench::new().await;
    let head = bench.post(CHANNEL, &Card { title: "Wave".into(), ..Card::default() }).await;
    for place in [format!("{CHANNEL}/{head}"), format!("@{}", super::world::id_of("ada"))] {
        bench.post(&place, &card(62.0)).await;
        assert_ne!(bench.last().channel, CHANNEL);
        shown(&bench.last());
    }
    assert_eq!(bench.refused(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_card_is_lost_with_its_picture() {
    let bench = Bench::new().await;
    bench.discord.world.with(|state| state.no_files = true);
    let id = bench.post(CHANNEL, &card(62.0)).await;
    assert_in_words(&bench.last());
    assert_in_words(&bench.edit(&id, &card(62.0)).await);
    bench.discord.world.with(|state| state.no_files = false);
    shown(&bench.edit(&id, &card(62.0)).await);
    bench.discord.world.with(|state| state.no_files = true);
    assert_in_words(&bench.edit(&id, &card(63.0)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_shows_its_picture_to_who_asked() {
    let bench = Bench::new().await;
    for no_files in [false, true] {
        bench.discord.world.with(|state| state.no_files = no_files);
        bench.answer(Reply::Card(card(62.0))).await;
        let answered = |state: &mut super::world::State| state.messages.last().filter(|last| !last.thinking).cloned();
        let message = bench.discord.world.until(PATIENCE, answered).await.expect("an answer");
        assert_eq!(message.only_for.as_deref(), Some("ada"));
        if no_files { assert_in_words(&message) } else { drop(shown(&message)) }
    }
    assert_eq!(bench.refused(), Vec::<String>::new());
    let said =
        bench.discord.world.look(|state| json!(state.notices.iter().map(|n| n.text.clone()).collect::<Vec<_>>()));
    assert_eq!(said, json!([]));
}
