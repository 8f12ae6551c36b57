//! Standing approvals: bounded in time, scope, people and number of uses, and always one vote.

use serde_json::{Value, json};
use stationmaster::chat::Reply;
use stationmaster::clock::Span;
use stationmaster::store::request::State;

use super::stage::{Stage, text, title};
use crate::engine::{On, on_both};
use crate::house::{button, card_of};

const AHEAD: &str = "approval = { when = \"size == 'large'\", by = 'owner', standing = { longest = '30d', most = 5 } }";

/// Ben approves ahead what ada has asked for.
async fn grant(stage: &Stage, fields: &[(&str, Value)]) -> Reply {
    let approval = stage.asked("/db create first size=large").await;
    let reply = stage.send("ben", ("standing", &approval.id), fields).await;
    stage.press("ben", "approve", &approval.id).await;
    stage.house.settle().await;
    reply
}

fn wish(whom: &str, time: &str, uses: i64) -> [(&'static str, Value); 3] {
    [("whom", json!(whom)), ("time", json!(time)), ("uses", json!(uses))]
}

/// What becomes of a line that ada, or somebody else, types.
async fn becomes(stage: &Stage, who: &str, line: &str) -> State {
    stage.house.say(who, line).await;
    stage.house.settle().await;
    stage.house.app.store.requests_of(who, 1).await.expect("reads").remove(0).state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_given_ahead_counts_as_often_as_was_said() {
    on_both(|on| async move {
        let stage = Stage::set(on, AHEAD).await;
        let granted = card_of(&grant(&stage, &wish("ada", "7d", 2)).await);
        insta::allow_duplicates! {
            insta::assert_snapshot!(text(&stage, &granted), @"
            [good] Approved ahead
              /db create with size=large has your vote 2 times, for ada, until Tue 8 Dec, 09:00 UTC. What was asked already still waits for your press.
              [Approve this one too]
              (/approvals shows it, and takes it back)
            ");
        }
        assert_eq!(becomes(&stage, "ada", "/db create one size=large").await, State::Succeeded);
        assert_eq!(becomes(&stage, "fay", "/db create two size=large").await, State::AwaitingApproval, "it is ada's");
        assert_eq!(becomes(&stage, "ada", "/db create three size=large").await, State::Succeeded);
        assert_eq!(becomes(&stage, "ada", "/db create four size=large").await, State::AwaitingApproval, "used up");
        assert_eq!(stage.runs().await, 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_its_time_its_giver_its_rules_and_its_revocation() {
    let stage = Stage::set(On::Sqlite, AHEAD).await;
    grant(&stage, &wish("team:web", "7d", 5)).await;
    assert_eq!(becomes(&stage, "fay", "/db create one size=large").await, State::Succeeded, "for the whole team");
    stage.house.clock.advance(Span::from_secs(7 * 24 * 3600));
    assert_eq!(becomes(&stage, "ada", "/db create two size=large").await, State::AwaitingApproval, "its time is over");
    grant(&stage, &wish("ada", "7d", 5)).await;
    let list = card_of(&stage.house.say("ben", "/approvals").await);
    let back = button(&list, "Take back: /db create for ada");
    assert!(title(&stage.house.press("eve", &back).await).contains("no such standing approval"));
    stage.house.press("cleo", &back).await;
    assert_eq!(becomes(&stage, "ada", "/db create three size=large").await, State::AwaitingApproval, "taken back");
    grant(&stage, &wish("ada", "7d", 5)).await;
    stage.reload("Create a database", "Make a database");
    assert_eq!(becomes(&stage, "ada", "/db create four size=large").await, State::AwaitingApproval, "another file");
    assert_eq!(stage.runs().await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_one_vote_of_as_many_as_are_needed() {
    let two = AHEAD.replace("by = 'owner'", "by = 'owner', quorum = 2");
    let stage = Stage::set(On::Sqlite, &two).await;
    let approval = stage.asked("/db create first size=large").await;
    for _ in 0..2 {
        stage.send("ben", ("standing", &approval.id), &wish("ada", "7d", 5)).await;
    }
    let next = stage.asked("/db create next size=large").await;
    assert_eq!(stage.state().await, State::AwaitingApproval, "one person is one vote");
    assert!(title(&stage.press("ben", "approve", &next.id).await).starts_with("You have approved this already."));
    assert_eq!(title(&stage.press("cleo", "approve", &next.id).await), "Approved");
    stage.house.settle().await;
    assert_eq!(stage.runs().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_decide_gives_one_and_only_within_bounds() {
    let stage = Stage::set(On::Sqlite, AHEAD).await;
    let approval = stage.asked("/db create first size=large").await;
    let object = ("standing", approval.id.as_str());
    for (who, answer) in [("ada", "This is your own request"), ("eve", "Only the team data can decide")] {
        assert!(title(&stage.send(who, object, &wish("ada", "7d", 2)).await).starts_with(answer), "{who}");
    }
    for (wish, wrong) in [
        (wish("eve", "7d", 2), "whom"),
        (wish("team:data", "7d", 2), "whom"),
        (wish("ada", "31d", 2), "time"),
        (wish("ada", "soon", 2), "time"),
        (wish("ada", "7d", 6), "uses"),
        (wish("ada", "7d", 0), "uses"),
    ] {
        let Reply::Form(form) = stage.send("ben", object, &wish).await else { panic!("no form") };
        let errors: Vec<&str> = form.fields.iter().filter(|f| f.error.is_some()).map(|f| f.name.as_str()).collect();
        assert_eq!(errors, [wrong]);
    }
    let none = Stage::set(On::Sqlite, super::ONE).await;
    let approval = none.asked("/db create first size=large").await;
    assert_eq!(title(&none.press("ben", "standing", &approval.id).await), "This command cannot be approved ahead.");
}
