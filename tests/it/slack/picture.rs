//! Pictures of cards in Slack: uploaded once, shown by a block, and said in words where that fails.

use serde_json::{Value, json};
use stationmaster::chat::{Card, Intent, Picture, Platform, Post, Reply};
use stationmaster::picture::{Bar, Chart, Distribution, Share};

use super::file::is_png;
use super::inert::Bench;
use super::server::Fault;
use super::workspace::GENERAL;

/// The calls of an upload, in their order.
const UPLOAD: [&str; 3] = ["files.getUploadURLExternal", "upload", "files.completeUploadExternal"];
/// What the picture of [`card`] says.
const WORDS: &str = "Bar chart, Flow: agree 62 % (31).";

fn card(percent: f64) -> Card {
    let bar = Bar { label: "agree".into(), share: Share::Known { percent, count: Some(31) } };
    let chart = Chart::Distribution(Distribution { title: "Flow".into(), bars: vec![bar], ..Distribution::default() });
    Card { title: "Results".into(), body: "They are in.".into(), picture: Some(Picture { chart }), ..Card::default() }
}

impl Bench {
    async fn post(&self, card: &Card) -> String {
        self.chat.post(Post { place: GENERAL, key: "k", tried_at: None }, card).await.expect("it is posted")
    }

    /// The calls since the last look, without those that ask who we are.
    fn new_calls(&self, seen: &mut usize) -> Vec<String> {
        let calls = self.slack.server.calls("");
        let new = calls[*seen..].iter().map(|call| call.method.clone()).collect();
        *seen = calls.len();
        new
    }

    /// The image blocks of the only message, and its text.
    fn shown(&self) -> (Vec<Value>, String) {
        let workspace = self.slack.server.workspace();
        let [message] = workspace.messages.as_slice() else { panic!("{} messages", workspace.messages.len()) };
        let images = message.blocks.as_array().into_iter().flatten().filter(|block| block["type"] == "image");
        (images.cloned().collect(), super::screen::message(message))
    }

    /// The card is there, in words.
    fn is_in_words(&self) {
        let (images, text) = self.shown();
        assert_eq!(images, Vec::<Value>::new());
        assert_eq!(text, format!("Results\nThey are in.\n({WORDS})"));
    }

    /// An answer for ada alone, to something that she did in a conversation.
    async fn answer(&self, channel: &str) {
        let hook = self.slack.server.workspace().hook((channel, "U0ADA"), None);
        let way = json!({ "user": "U0ADA", "channel": channel, "response_url": hook, "at": self.clock.now() });
        let event = self.event(Intent::Say { words: "/insight".into() }, way);
        self.chat.reply(&event, &Reply::Card(card(62.0))).await.expect("it is answered");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_uploaded_once_for_each_chart() {
    let (bench, mut seen) = (Bench::new().await, 0);
    let id = bench.post(&card(62.0)).await;
    let posted: Vec<String> = UPLOAD.into_iter().chain(["chat.postMessage"]).map(str::to_owned).collect();
    assert_eq!(bench.new_calls(&mut seen), posted);
    let (images, text) = bench.shown();
    let file = bench.slack.server.workspace().files[0].clone();
    assert_eq!(images.len(), 1);
    assert_eq!((&images[0]["slack_file"]["id"], &images[0]["alt_text"]), (&json!(file.id), &json!(WORDS)));
    assert_eq!(text, format!("Results\nThey are in.\n({WORDS})"));
    assert!(is_png(file.bytes.as_deref().unwrap_or_default()) && file.name == "chart.png");

    let later = Card { body: "They are in, and final.".into(), ..card(62.0) };
    bench.chat.edit(GENERAL, &id, &later).await.expect("it is edited");
    assert_eq!(bench.new_calls(&mut seen), ["chat.update"]);
    assert_eq!(bench.shown().0[0]["slack_file"]["id"], file.id);

    bench.chat.edit(GENERAL, &id, &card(63.0)).await.expect("it is edited");
    assert_eq!(bench.new_calls(&mut seen)[..3], UPLOAD);
    assert_ne!(bench.shown().0[0]["slack_file"]["id"], file.id);

    bench.chat.edit(GENERAL, &id, &Card { picture: None, ..card(62.0) }).await.expect("it is edited");
    assert_eq!((bench.new_calls(&mut seen), bench.shown().0), (vec!["chat.update".to_owned()], Vec::new()));
    assert_eq!(bench.slack.take_breaches(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_ready_is_shown_a_moment_later() {
    let bench = Bench::new().await;
    bench.slack.server.workspace().settling = 2;
    bench.post(&card(62.0)).await;
    let tried = bench.slack.server.calls("chat.postMessage").len();
    assert_eq!((tried, bench.shown().0.len(), bench.slack.server.calls("upload").len()), (3, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_deleted_is_uploaded_anew() {
    let bench = Bench::new().await;
    let id = bench.post(&card(62.0)).await;
    bench.slack.server.workspace().files.clear();
    bench.chat.edit(GENERAL, &id, &card(62.0)).await.expect("it is edited");
    let file = bench.slack.server.workspace().files[0].id.clone();
    assert_eq!(bench.shown().0[0]["slack_file"]["id"], file);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_card_is_lost_with_its_picture() {
    for (method, fault) in [
        ("files.getUploadURLExternal", Fault::Error("missing_scope")),
        ("files.getUploadURLExternal", Fault::Limited(Some("60"))),
        ("files.getUploadURLExternal", Fault::Error("file_uploads_disabled")),
        ("upload", Fault::Status(403)),
        ("upload", Fault::Status(500)),
        ("upload", Fault::Reset),
        ("files.completeUploadExternal", Fault::Error("file_not_found")),
    ] {
        let bench = Bench::new().await;
        bench.slack.server.fail(method, fault.clone(), usize::MAX);
        let id = bench.post(&card(62.0)).await;
        bench.is_in_words();
        // What ends well later is shown by the next edit.
        bench.slack.server.mend();
        bench.chat.edit(GENERAL, &id, &card(62.0)).await.expect("it is edited");
        assert_eq!(bench.shown().0.len(), 1, "{method} {fault:?}");
        assert_eq!(bench.slack.take_breaches(), Vec::<String>::new(), "{method} {fault:?}");
    }
    let bench = Bench::new().await;
    bench.slack.server.workspace().settling = usize::MAX;
    bench.post(&card(62.0)).await;
    bench.is_in_words();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_shows_its_picture_where_a_response_url_could_not() {
    let bench = Bench::new().await;
    bench.answer(GENERAL).await;
    let (images, _) = bench.shown();
    let only = bench.slack.server.workspace().messages[0].only.clone();
    assert_eq!((images.len(), only.as_deref()), (1, Some("U0ADA")));

    // Where the app may not write, only the response URL is left, and it shows no file.
    let bench = Bench::new().await;
    bench.slack.server.fail("chat.postEphemeral", Fault::Error("channel_not_found"), usize::MAX);
    bench.answer(GENERAL).await;
    bench.is_in_words();
    assert_eq!(bench.slack.server.calls("/hooks").len(), 1);

    let bench = Bench::new().await;
    let direct = bench.slack.server.workspace().direct("U0ADA");
    bench.answer(&direct).await;
    assert_eq!(bench.shown().0.len(), 1);
}
