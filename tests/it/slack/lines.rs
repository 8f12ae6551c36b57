//! Sockets that end, wires that are cut, and the same thing coming twice: hardening A10, F8 and F9.

use std::time::{Duration, Instant};

use super::Slack;
use super::courier::{Receipt, Way};
use super::payload;
use super::server::Fault;
use super::stage::Stage;
use super::workspace::GENERAL;
use crate::wire::Wire;

impl Stage {
    /// Waits until there are so many sockets, or none.
    async fn until_sockets(&self, is_enough: impl Fn(usize) -> bool) {
        let sockets = &self.slack.server.sockets;
        self.slack.until("ada", "other sockets", |_| is_enough(sockets.count()).then_some(())).await;
    }

    async fn counts(&self, number: &str) {
        self.slack.say("ada", &format!("/count number={number}")).await;
        self.slack.read("ada", &format!("Counted {number}.")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_a_wire_that_is_cut_in_a_frame_loses_nothing() {
    let stage = Stage::open(Slack::socket().await).await;
    stage.counts("1").await;
    stage.slack.server.sockets.say(&serde_json::json!({ "type": "nonsense" }));
    stage.slack.server.sockets.cut();
    // Typed in the very moment: it is delivered by whichever socket comes next.
    stage.counts("2").await;
    assert_eq!(stage.done(), ["1", "2"]);
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_slack_that_lets_nobody_in_is_said_and_waited_for() {
    let stage = Stage::open(Slack::socket().await).await;
    stage.slack.server.fail("apps.connections.open", Fault::Error("internal_error"), usize::MAX);
    stage.slack.server.sockets.cut();
    let words = stage.until_slack_is("waiting").await;
    assert!(words.contains("internal_error") || words.contains("connected"), "{words}");
    let before = stage.slack.server.calls("apps.connections.open").len();
    // Each of a few sockets knocks, and waits longer each time.
    let tries = stage.until_called("apps.connections.open", before + 12).await;
    let time = tries[before + 11].at - tries[before].at;
    assert!(time > Duration::from_secs(1), "it knocks twelve times within {time:?}");
    stage.slack.server.mend();
    stage.until_sockets(|count| count > 0).await;
    stage.until_slack_is("ready").await;
    stage.counts("1").await;
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn f9_the_next_socket_is_up_before_the_old_one_goes() {
    let stage = Stage::open(Slack::socket().await).await;
    stage.until_sockets(|count| count >= 2).await;
    let before = stage.slack.server.calls("apps.connections.open").len();
    // A warning closes nothing: what comes meanwhile comes by the old sockets.
    stage.slack.server.sockets.disconnect("warning");
    stage.counts("1").await;
    stage.until_called("apps.connections.open", before + 1).await;
    stage.slack.server.sockets.disconnect("refresh_requested");
    stage.until_sockets(|count| count >= 2).await;
    stage.counts("2").await;
    assert_eq!(stage.done(), ["1", "2"]);
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn f9_a_silent_cut_is_noticed() {
    let stage = Stage::open(Slack::socket().await).await;
    stage.slack.server.sockets.ping();
    stage.until_sockets(|count| count >= 2).await;
    let began = Instant::now();
    stage.slack.server.sockets.mute();
    let mut changes = stage.slack.server.changes();
    while stage.slack.server.sockets.count() == 0 {
        let left = Duration::from_secs(30).checked_sub(began.elapsed()).expect("it is noticed within 30 s");
        let _ = tokio::time::timeout(left, changes.changed()).await;
    }
    stage.counts("1").await;
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn f8_the_same_by_two_sockets_and_over_http_is_one() {
    let stage = Stage::open(Slack::both().await).await;
    let ada = stage.slack.id("ada");
    let order = payload::command(&mut stage.slack.server.workspace(), (GENERAL, &ada), "/count number=1");
    let courier = &stage.slack.courier;
    let all = tokio::join!(
        courier.deliver_by(Way::Socket, &order),
        courier.deliver_by(Way::Http, &order),
        courier.deliver_by(Way::Socket, &order),
        courier.deliver_by(Way::Http, &order),
    );
    assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok() && all.3.is_ok(), "{all:?}");
    stage.slack.read("ada", "Counted 1.").await;
    let mention = payload::mention(&mut stage.slack.server.workspace(), (GENERAL, &ada), "count number=2");
    let both = tokio::join!(courier.deliver_by(Way::Http, &mention), courier.deliver_by(Way::Socket, &mention));
    assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
    stage.slack.read("ada", "Counted 2.").await;
    stage.counts("3").await;
    assert_eq!(stage.done(), ["1", "2", "3"]);
    let receipts = stage.slack.courier.receipts();
    let on_time = |receipt: &Receipt| receipt.status == Some(200) && receipt.took < Duration::from_secs(3);
    assert!(receipts.iter().all(on_time), "{receipts:?}");
    stage.close();
}
