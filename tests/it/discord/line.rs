//! The gateway and the bot's token, when they break: nothing that was said is lost, and nothing is said twice.

use std::time::Duration;

use serde_json::json;

use super::gateway::{self, Order};
use super::interaction::{Act, COMMAND};
use super::stage::Stage;
use super::world::{Author, CHANNEL, State};
use super::{Discord, routes, typing, world};
use crate::wire::{PATIENCE, Wire};

fn counts(state: &State) -> (usize, usize) {
    (state.identified, state.resumed)
}

/// Waits until the process has resumed or identified so often.
async fn until(stage: &Stage, (identified, resumed): (usize, usize)) {
    let reached = |state: &mut State| (counts(state) >= (identified, resumed)).then_some(());
    let waited = stage.discord.world.until(PATIENCE, reached).await;
    waited.unwrap_or_else(|| panic!("identified, resumed: {:?}", stage.discord.world.look(counts)));
}

/// Somebody mentions the bot; told to all sessions, also to those that are cut off at the moment.
fn mention(state: &mut State, author: Author, words: &str) {
    let bot = world::author(&Author::Bot);
    let body = json!({ "content": format!("<@{}> {words}", world::APPLICATION), "mentions": [bot] });
    let message = state.write(CHANNEL, author, body).clone();
    let event = routes::in_guild(&world::message(state, &message));
    gateway::announce(state, "MESSAGE_CREATE", &event);
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_a_cut_connection_is_resumed_and_what_was_said_meanwhile_is_heard() {
    let stage = Stage::open(Discord::gateway()).await;
    stage.discord.until_connected().await;
    stage.discord.world.with(|state| {
        assert_eq!(gateway::order_all(state, || Order::Cut), 1);
        mention(state, Author::Person("ada"), "echo words=meanwhile");
    });
    stage.discord.read("ada", "I heard: meanwhile").await;
    assert_eq!(stage.discord.world.look(counts), (1, 1), "it resumed");
    assert_eq!(stage.runs(), 1);
    stage.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_asked_to_reconnect_it_resumes() {
    let stage = Stage::open(Discord::gateway()).await;
    stage.discord.until_connected().await;
    let reconnect = || Order::Send(json!({ "op": 7, "d": null, "s": null, "t": null }));
    stage.discord.world.with(|state| gateway::order_all(state, reconnect));
    until(&stage, (1, 1)).await;
    stage.discord.say("ada", "/echo words=again").await;
    stage.discord.read("ada", "I heard: again").await;
    stage.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_a_session_that_is_invalid_is_begun_anew() {
    let stage = Stage::open(Discord::gateway()).await;
    stage.discord.until_connected().await;
    stage.discord.world.with(gateway::invalidate_all);
    until(&stage, (2, 0)).await;
    stage.discord.say("ada", "/echo words=anew").await;
    stage.discord.read("ada", "I heard: anew").await;
    stage.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_a_heart_that_is_not_answered_is_noticed() {
    let stage = Stage::open(Discord::gateway()).await;
    stage.discord.until_connected().await;
    stage.discord.world.with(|state| state.deaf = true);
    until(&stage, (1, 1)).await;
    stage.discord.world.with(|state| state.deaf = false);
    stage.discord.say("ada", "/echo words=awake").await;
    stage.discord.read("ada", "I heard: awake").await;
    stage.finish();
}

/// It is turned away with this code: it says so, and does not knock again and again.
async fn turned_away(code: u16, reason: &str) {
    let stage = Stage::open(Discord::gateway()).await;
    stage.discord.until_connected().await;
    stage.discord.world.with(|state| {
        state.turn_away = Some(code);
        gateway::invalidate_all(state);
    });
    stage.until_not_ready(reason).await;
    let before = stage.discord.world.look(counts);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = stage.discord.world.look(counts);
    assert!(after.0 <= before.0 + 1, "it knocks on: {before:?}, {after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_a_token_that_the_gateway_refuses_stops_it() {
    turned_away(4004, "token").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_intents_that_are_not_granted_stop_it() {
    turned_away(4014, "intent").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_after_a_revocation_nothing_more_is_sent() {
    let stage = Stage::open(Discord::gateway()).await;
    stage.discord.say("ada", "/tea brew name=oolong").await;
    stage.discord.read("ada", "40 %").await;
    stage.discord.world.with(|state| state.revoked = true);
    stage.open_gate();
    stage.until_not_ready("iscord").await;
    let refused = |state: &State| state.calls.iter().filter(|call| call.status == 401).count();
    let before = stage.discord.world.look(refused);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = stage.discord.world.look(refused);
    assert!(before >= 1 && after <= 3, "a storm: {before}, then {after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f8_two_processes_hear_the_same_and_it_is_done_once() {
    let mut stage = Stage::closed(Discord::gateway());
    stage.share().await;
    stage.start().await;
    let second = stage.second().await;
    let both = |state: &mut State| {
        let connected = state.sessions.values().filter(|session| session.is_connected()).count();
        (connected == 2).then_some(())
    };
    stage.discord.world.until(PATIENCE, both).await.expect("both are connected");
    for number in 0..10 {
        let said = format!("word{}", "x".repeat(number));
        if number % 2 == 0 {
            stage.discord.say("ada", &format!("/echo words={said}")).await;
        } else {
            stage.discord.mention("ada", &format!("@stationmaster echo words={said}")).await;
        }
        stage.discord.read("ada", &format!("I heard: {said}")).await;
    }
    assert_eq!(stage.runs(), 10);
    // One answer to each: a refusal of a second one would be an error of ours, and a second card would be unread.
    drop(second);
    stage.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn f25_programs_are_not_answered() {
    let stage = Stage::open(Discord::gateway()).await;
    stage.discord.until_connected().await;
    let before = stage.ignored().await;
    stage.discord.world.with(|state| {
        for author in [Author::Bot, Author::OtherBot, Author::Webhook] {
            mention(state, author, "echo words=loop");
        }
    });
    // What comes behind them is answered, so they were heard before.
    stage.discord.mention("ada", "@stationmaster echo words=person").await;
    stage.discord.read("ada", "I heard: person").await;
    assert_eq!(stage.runs(), 1);
    assert!(stage.ignored().await >= before + 3, "they are counted");
    // The one message of the bot's that the test itself wrote.
    stage
        .discord
        .world
        .with(|state| state.messages.retain(|message| message.author != Author::Bot || message.edits > 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a3_an_interaction_that_is_told_again_is_one() {
    let stage = Stage::open(Discord::gateway()).await;
    stage.discord.until_connected().await;
    let native = |state: &mut State| typing::native(state, "/echo words=twice");
    let native = stage.discord.world.until(PATIENCE, native).await.expect("it is registered");
    stage.discord.world.with(|state| {
        let event = Act::in_channel("ada", COMMAND, native.data).begin(state);
        gateway::announce(state, "INTERACTION_CREATE", &event);
        gateway::announce(state, "INTERACTION_CREATE", &event);
    });
    stage.discord.read("ada", "I heard: twice").await;
    assert_eq!(stage.runs(), 1);
    stage.finish();
}
