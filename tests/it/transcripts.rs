//! What people type and see, the same on every platform and over every transport: one story each, told on all.
//!
//! The process is real, with a folder of its own; what nobody reads fails the story.

use crate::discord::Discord;
use crate::engine;
use crate::slack::Slack;
use crate::stage::{everywhere, finish_step, furnish};
use crate::wire::{Setup, Typing, Wire};

#[tokio::test(flavor = "multi_thread")]
async fn a_form_keeps_what_was_typed_and_says_what_is_wrong() {
    everywhere(|stage| async move {
        let wire = &stage.wire;
        wire.say("ada", "/tell").await;
        let form = wire.read("ada", "title =").await;
        assert!(form.contains("kind = short"), "{form}");
        wire.fill("ada", "title", "Tall Tale").await;
        wire.fill("ada", "kind", "long").await;
        wire.submit("ada").await;
        let form = wire.read("ada", "! ").await;
        assert!(form.contains("title = Tall Tale") && form.contains("kind = long"), "{form}");
        stage.finish_step("tale");
        wire.fill("ada", "title", "tale").await;
        wire.submit("ada").await;
        wire.read("ada", "The story tale is long and happy.").await;
        wire.read("ada", "What was done").await;
        stage.close();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_with_a_mistake_opens_the_form_where_choices_are_proposed() {
    everywhere(|stage| async move {
        let wire = &stage.wire;
        wire.say("ada", "/tell title=tale ending=weird").await;
        let form = wire.read("ada", "title = tale").await;
        assert!(form.contains("! "), "{form}");
        let typing = Typing { line: "", field: "ending", typed: "sa" };
        assert_eq!(wire.suggest("ada", typing).await, ["sad"]);
        stage.finish_step("tale");
        wire.fill("ada", "ending", "sad").await;
        wire.submit("ada").await;
        wire.read("ada", "The story tale is short and sad.").await;
        wire.read("ada", "What was done").await;
        stage.close();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_shown_while_it_goes_on_and_can_be_stopped() {
    everywhere(|stage| async move {
        let wire = &stage.wire;
        wire.say("ada", "/tell title=endless").await;
        let card = wire.read("ada", "half way").await;
        assert!(card.contains("/tell title=endless"), "{card}");
        wire.press("ada", "Cancel").await;
        wire.read("ada", "Tell a story – cancelled").await;
        stage.close();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_half_way_goes_on_with_the_same_card() {
    everywhere(|mut stage| async move {
        stage.wire.say("ada", "/tell title=tale").await;
        stage.wire.read("ada", "half way").await;
        stage.restart().await;
        stage.finish_step("tale");
        stage.wire.read("ada", "The story tale is short and happy.").await;
        stage.wire.read("ada", "What was done").await;
        // Buttons survive as well.
        stage.finish_step("tale");
        stage.wire.press("ada", "Run it again").await;
        stage.wire.read("ada", "The story tale is short and happy.").await;
        stage.wire.read("ada", "What was done").await;
        stage.close();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_says_why_and_is_tried_again_from_there() {
    everywhere(|stage| async move {
        let wire = &stage.wire;
        std::fs::write(stage.data("tale.go"), "a bad day").expect("written");
        wire.say("ada", "/tell title=tale").await;
        let card = wire.read("ada", "Tell a story – not done").await;
        assert!(card.contains("a bad day"), "{card}");
        wire.read("ada", "The log of begin").await;
        stage.finish_step("tale");
        wire.press("ada", "Try again from there").await;
        wire.read("ada", "The story tale is short and happy.").await;
        wire.read("ada", "What was done").await;
        stage.close();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_finds_ones_way() {
    everywhere(|stage| async move {
        let wire = &stage.wire;
        wire.open_home("ada").await;
        wire.read("ada", "Hello").await;
        wire.say("ada", "/help a story").await;
        let found = wire.read("ada", "For “a story”").await;
        assert!(found.contains("/tell"), "{found}");
        wire.say("ada", "/help zzyzx").await;
        wire.read("ada", "zzyzx").await;
        wire.mention("ada", "whoami").await;
        wire.read("ada", "You are ").await;
        wire.say("ada", "/tell title=tale kind=long --dry-run").await;
        let plan = wire.read("ada", "begin").await;
        assert!(plan.contains("end"), "{plan}");
        let typing = Typing { line: "/tell title=tale", field: "ending", typed: "" };
        assert_eq!(wire.suggest("ada", typing).await, ["happy", "sad", "open"]);
        stage.close();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_platform_does_what_it_says() {
    everywhere(|stage| async move {
        let wire = &stage.wire;
        wire.say("ada", "/service new name=hello team=platform").await;
        wire.read("ada", "– done").await;
        wire.read("ada", "What was done").await;
        assert!(stage.data("platform").exists());
        wire.say("ada", "/db create name=orders").await;
        wire.read("ada", "Create a database – done").await;
        wire.say("ada", "/db list").await;
        let list = wire.read("ada", "dev_orders").await;
        assert!(list.contains("– done"), "{list}");
        wire.say("ada", "/db drop name=orders").await;
        wire.read("ada", "Are you sure?").await;
        wire.press("ada", "Yes, go ahead").await;
        wire.read("ada", "Delete a database of yours, with everything in it – done").await;
        stage.close();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_deployed_and_an_environment_is_looked_at() {
    everywhere(|stage| async move {
        let wire = &stage.wire;
        wire.say("ada", "/service new name=hello team=platform").await;
        wire.read("ada", "Start a new service – done").await;
        wire.read("ada", "What was done").await;
        wire.say("ada", "/deploy service=hello").await;
        wire.read("ada", "Deploy a service – done").await;
        wire.read("ada", "What was done").await;
        wire.say("ada", "/env check depth=quick").await;
        wire.read("ada", "Check that an environment is well – done").await;
        wire.read("ada", "What was done").await;
        // A human grants access, so that this waits.
        wire.say("ada", "/access grant who=ben system=billing reason=\"to look at an invoice\"").await;
        wire.read("ada", "Give somebody access to a system – waiting").await;
        wire.press("ada", "Cancel").await;
        wire.read("ada", "Give somebody access to a system – cancelled").await;
        stage.close();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_on_slack_and_on_discord_becomes_one_person_when_both_agree() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let (slack, discord) = (Slack::http().await, Discord::http());
    let folder = tempfile::tempdir().expect("a folder");
    furnish(folder.path(), "http://127.0.0.1:1");
    let settings = [slack.settings(), discord.settings()].concat();
    let process = Setup { folder: folder.path(), settings, log: None }.start().await;
    slack.connect(&process.address).await;
    discord.connect(&process.address).await;

    slack.say("ada", "/link").await;
    let offer = slack.read("ada", "Your code is").await;
    let code = offer.split_whitespace().skip_while(|word| *word != "is").nth(1).expect("a code").to_owned();
    discord.say("ada", &format!("/link {code}")).await;
    discord.read("ada", "You are about to become the same person.").await;
    discord.press("ada", "Yes, that is me").await;
    discord.read("ada", "Now say yes on Slack").await;
    slack.read("ada", "wants to be the same person as you").await;
    // A stranger who sees the question cannot answer it, and the person can.
    slack.press("ada", "Yes, it is me").await;
    slack.read("ada", "You are one person now").await;
    discord.read("ada", "You are one person now").await;

    // What was begun there is seen here.
    discord.say("ada", "/db create name=orders").await;
    discord.read("ada", "Create a database – done").await;
    slack.say("ada", "/requests").await;
    slack.read("ada", "db create").await;
    assert_eq!([slack.unread(), discord.unread()].concat(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_the_work_and_the_sockets_and_one_of_them_dies() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let (slack, folder) = (Slack::socket().await, tempfile::tempdir().expect("a folder"));
    furnish(folder.path(), "http://127.0.0.1:1");
    let mut settings = slack.settings();
    let database = engine::database(engine::On::Postgres, folder.path()).await;
    settings.push(("STATIONMASTER_DATABASE__URL".into(), database));
    settings.push(("STATIONMASTER_JOBS__LEASE".into(), "3s".into()));
    let setup = Setup { folder: folder.path(), settings, log: None };
    let (first, second) = (setup.start().await, setup.start().await);
    slack.connect(&second.address).await;

    let tell = async |titles: &[&str]| {
        for title in titles {
            slack.say("ada", &format!("/tell title={title}")).await;
        }
        for title in titles {
            finish_step(folder.path(), title);
            slack.read("ada", &format!("The story {title} is short and happy.")).await;
            slack.read("ada", "What was done").await;
        }
    };
    tell(&["one", "two", "three", "four"]).await;
    first.kill();
    tell(&["five", "six", "seven", "eight"]).await;
    assert_eq!(slack.unread(), Vec::<String>::new(), "nothing is answered twice");
}
