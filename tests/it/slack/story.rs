//! A day at a screen in Slack: what one types, fills in, presses and reads, over both transports.

use super::Slack;
use super::stage::Stage;
use crate::wire::Wire;

async fn told(slack: Slack) {
    let mut stage = Stage::open(slack).await;
    stage.slack.open_home("ada").await;
    stage.slack.read("ada", "Hello").await;
    // Something is missing: a form opens, and says so beside its field.
    stage.slack.say("ada", "/count number=many").await;
    let form = stage.slack.read("ada", "number = ").await;
    assert!(form.contains("! "), "{form}");
    stage.slack.fill("ada", "note", "with *love*").await;
    stage.slack.submit("ada").await;
    let form = stage.slack.read("ada", "note = with *love*").await;
    assert!(form.contains("! "), "{form}");
    stage.slack.fill("ada", "number", "7").await;
    stage.slack.submit("ada").await;
    let card = stage.slack.read("ada", "Counted 7. with *love*").await;
    assert!(card.contains("Leave a line – done"), "{card}");
    assert_eq!(stage.done(), ["7"]);
    // Work is shown while it goes on, and goes on after a restart, on the same card.
    stage.slack.mention("ben", "wait").await;
    stage.slack.read("ben", "still waiting").await;
    stage.restart().await;
    stage.put("go", "");
    stage.slack.read("ben", "The wait is over.").await;
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_over_sockets() {
    told(Slack::socket().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_over_http() {
    told(Slack::http().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_called_off_from_its_card() {
    let stage = Stage::open(Slack::socket().await).await;
    stage.slack.say("ada", "/wait").await;
    stage.slack.read("ada", "still waiting").await;
    stage.slack.press("ada", "Cancel").await;
    stage.slack.read("ada", "Wait for a file – cancelled").await;
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn shortcuts_start_where_one_is() {
    let stage = Stage::open(Slack::socket().await).await;
    stage.slack.shortcut("ada", "start").await;
    stage.slack.read("ada", "line = ").await;
    assert!(stage.slack.suggest("ada", crate::wire::Typing { line: "", field: "line", typed: "cou" }).await.len() == 1);
    stage.slack.close_modal("ada").await;
    stage.slack.say("ada", "/count number=1").await;
    stage.slack.read("ada", "Counted 1.").await;
    stage.slack.shortcut_on("ben", "Counted 1.", "find").await;
    stage.slack.read("ben", "Leave a line").await;
    stage.close();
}
