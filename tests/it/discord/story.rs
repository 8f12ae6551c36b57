//! One story on both transports: a form with a mistake, work that is watched, a restart, a token that has run out.

use super::Discord;
use super::stage::Stage;
use super::world::State;
use crate::wire::{PATIENCE, Typing, Wire};

async fn story(discord: Discord) {
    let mut stage = Stage::open(discord).await;
    let discord = &stage.discord;

    // A bare command opens its form; a mistake comes back beside its field, and nothing typed is lost.
    discord.say("ada", "/tea brew").await;
    discord.read("ada", "Brew a pot of tea").await;
    discord.fill("ada", "name", "OOLONG").await;
    discord.fill("ada", "kind", "mild").await;
    discord.submit("ada").await;
    let form = discord.read("ada", "OOLONG").await;
    assert!(form.contains("! "), "the mistake is not shown:\n{form}");
    discord.fill("ada", "name", "oolong").await;
    discord.submit("ada").await;
    discord.read("ada", "40 %").await;

    let is_gone = |state: &mut State| state.messages.iter().all(|message| !message.is_ephemeral()).then_some(());
    discord.world.until(PATIENCE, is_gone).await.expect("a form that was sent is gone");

    // The process ends in the middle; what it had begun goes on, long after the interaction's token has run out.
    discord.pass_fifteen_minutes();
    stage.kill();
    stage.start().await;
    stage.open_gate();
    let discord = &stage.discord;
    discord.read("ada", "The tea oolong is ready.").await;

    // A choice with a question, and second thoughts.
    discord.say("ada", "/tea brew name=assam kind=strong").await;
    discord.read("ada", "Are you sure?").await;
    discord.press("ada", "No").await;
    discord.read("ada", "cancelled").await;

    let typing = Typing { line: "/tea brew", field: "kind", typed: "st" };
    assert_eq!(discord.suggest("ada", typing).await, ["strong"]);
    discord.open_home("ada").await;
    discord.read("ada", "").await;
    stage.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_over_the_gateway() {
    story(Discord::gateway()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_over_http() {
    story(Discord::http()).await;
}

/// A form that no modal holds goes over pages, with selects that a person sees at once.
async fn pages(discord: Discord) {
    let stage = Stage::open(discord).await;
    let discord = &stage.discord;
    discord.say("ada", "/order").await;
    let form = discord.read("ada", "Order everything for a party").await;
    for choice in ["size", "spot"] {
        assert!(form.contains(choice), "{form}");
    }
    discord.fill("ada", "size", "large").await;
    discord.fill("ada", "spot", "roof").await;
    discord.fill("ada", "title", "midsummer").await;
    discord.fill("ada", "light", "bright").await;
    let typing = Typing { line: "", field: "music", typed: "ja" };
    assert_eq!(discord.suggest("ada", typing).await, ["jazz"]);
    discord.submit("ada").await;
    discord.read("ada", "Ordered midsummer for the roof, large.").await;
    stage.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_over_pages_on_the_gateway() {
    pages(Discord::gateway()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_over_pages_over_http() {
    pages(Discord::http()).await;
}
