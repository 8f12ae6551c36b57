//! What would be done changes between the question and the work, and so do the people: what was said then does not count.

use std::sync::atomic::Ordering;

use serde_json::json;
use stationmaster::chat::{PlatformName, Token};
use stationmaster::store::approval::state;
use stationmaster::store::request::State;

use super::stage::{PEOPLE, Stage, text, title};
use super::{ONE, TWO};
use crate::engine::{On, on_both};
use crate::house::{button, card_of};

#[tokio::test(flavor = "multi_thread")]
async fn b4_a_plan_that_changed_is_void_and_asked_again() {
    on_both(|on| async move {
        let stage = Stage::set(on, TWO).await;
        let before = stage.asked("/db create orders size=large").await;
        stage.press("ben", "approve", &before.id).await;
        stage.reload("? 120.5 :", "? 480.5 :");
        let told = card_of(&stage.press("cleo", "approve", &before.id).await);
        insta::allow_duplicates! {
            insta::assert_snapshot!(text(&stage, &told), @"
            [waiting] It would do something else now
              What would be done has changed since this was put to you, so your approval was not taken.
              Cost: 120.5 EUR a month → 480.5 EUR a month
              (Where it still needs an approval, there is a new card with what it would do now)
            ");
        }
        let after = stage.latest().await;
        assert!(after.id != before.id && after.plan_hash != before.plan_hash);
        let void = stage.press("dan", "approve", &before.id).await;
        assert_eq!(title(&void), "What would be done has changed since this was asked.");
        stage.house.settle().await;
        assert!(text(&stage, &stage.house.card("ada")).contains("Approved: 0 of 2"), "nobody has approved that");
        let told = stage.threads("ben");
        assert!(told.contains(&"What was put to you has changed".to_owned()), "{told:?}");
        for who in ["ben", "cleo"] {
            stage.press(who, "approve", &after.id).await;
        }
        stage.house.settle().await;
        assert_eq!((stage.state().await, stage.runs().await), (State::Succeeded, 1));
        let trail = stage.trail().await;
        assert!(trail.contains(&"stationmaster approval void".into()), "{trail:?}");
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_a_plan_that_changed_in_the_queue_is_asked_again() {
    on_both(|on| async move {
        let stage = Stage::set(on, ONE).await;
        let before = stage.asked("/db create orders size=large").await;
        stage.press("ben", "approve", &before.id).await;
        stage.reload("name = \"{{name}}\"", "name = \"x-{{name}}\"");
        stage.house.settle().await;
        assert_eq!((stage.state().await, stage.runs().await), (State::AwaitingApproval, 0));
        let found = stage.house.app.store.approval(&before.id).await.expect("reads").expect("is there");
        assert_eq!(found.state, state::VOID);
        let after = stage.latest().await;
        stage.press("ben", "approve", &after.id).await;
        stage.house.settle().await;
        assert_eq!((stage.state().await, stage.runs().await), (State::Succeeded, 1));
        let sent = stage.api.received_requests().await.expect("recorded").remove(0);
        assert_eq!(sent.body_json::<serde_json::Value>().expect("JSON")["name"], "x-orders", "what was approved runs");
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_choices_rules_and_commands_that_are_gone() {
    let stage = Stage::set(On::Sqlite, ONE).await;
    let approval = stage.asked("/db create orders size=large").await;
    stage.reload("[\"small\", \"large\"]", "[\"small\", \"huge\"]");
    assert_eq!(title(&stage.press("ben", "approve", &approval.id).await), "It cannot be done any more");
    stage.house.settle().await;
    assert_eq!((stage.state().await, stage.latest().await.state.as_str()), (State::Cancelled, state::WITHDRAWN));
    let card = text(&stage, &stage.house.card("ada"));
    assert!(card.contains("Its input does not fit any more. size:"), "{card}");

    let stage = Stage::set(On::Sqlite, ONE).await;
    let approval = stage.asked("/db create orders size=large").await;
    stage.reload("name = \"db create\"", "name = \"db make\"");
    assert_eq!(title(&stage.press("ben", "approve", &approval.id).await), "It cannot be done any more");
    assert_eq!(stage.state().await, State::Cancelled);

    let stage = Stage::set(On::Sqlite, ONE).await;
    let approval = stage.asked("/db create orders size=large").await;
    stage.reload("when = \"size == 'large'\"", "when = \"size.year > 3\"");
    let refused = title(&stage.press("ben", "approve", &approval.id).await);
    assert!(refused.starts_with("The rule that says whether somebody must approve it"), "{refused}");
    assert_eq!((stage.state().await, stage.runs().await), (State::AwaitingApproval, 0));

    let stage = Stage::set(On::Sqlite, ONE).await;
    let approval = stage.asked("/db create orders size=large").await;
    stage.reload("Create a database", "Make a database");
    assert_eq!(title(&stage.press("ben", "approve", &approval.id).await), "It would do something else now");
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_a_request_that_is_tried_again_keeps_its_approval_only_for_the_same_plan() {
    on_both(|on| async move {
        for changes in [false, true] {
            let stage = Stage::set(on, ONE).await;
            stage.api.reset().await;
            let approval = stage.asked("/db create orders size=large").await;
            stage.press("ben", "approve", &approval.id).await;
            stage.house.settle().await;
            assert_eq!(stage.state().await, State::Failed, "there is no API");
            if changes {
                stage.reload("? 120.5 :", "? 480.5 :");
            }
            let request = stage.request().await.id;
            stage.press("ada", "retry", &request).await;
            stage.house.settle().await;
            let expected = if changes { State::AwaitingApproval } else { State::Failed };
            assert_eq!(stage.state().await, expected);
        }
    })
    .await;
}

/// The same people, whose team is a group of Slack.
fn grouped() -> String {
    PEOPLE.replace("members = [\"ben\", \"cleo\", \"dan\"]", "groups = [\"slack:S1\"]").replace("web:", "slack:")
}

#[tokio::test(flavor = "multi_thread")]
async fn b5_who_leaves_the_team_before_the_decision_does_not_count() {
    on_both(|on| async move {
        let mut stage = Stage::with_people(on, TWO, &grouped()).await;
        stage.house = stage.house.everywhere();
        let on_slack = PlatformName::Slack;
        for who in ["ben", "cleo", "dan"] {
            stage.house.slack.put(who, &["S1"]);
            stage.house.say_on(on_slack, who, "/home").await;
        }
        stage.house.say_on(on_slack, "ada", "/db create orders size=large").await;
        stage.house.settle().await;
        let approval = stage.latest().await;
        let token = Token::new("approve", &approval.id);
        stage.house.press_on(on_slack, "ben", &token).await;
        stage.house.slack.put("ben", &[]);
        let second = card_of(&stage.house.press_on(on_slack, "cleo", &token).await);
        assert_eq!(second.title, "Your approval counts", "ben is of the team no more");
        stage.house.slack.put("cleo", &[]);
        let gone = card_of(&stage.house.press_on(on_slack, "cleo", &token).await);
        assert!(gone.title.starts_with("Only the team data can decide"), "{gone:?}");
        assert_eq!(stage.runs().await, 0);
        stage.house.slack.put("cleo", &["S1"]);
        assert_eq!(card_of(&stage.house.press_on(on_slack, "dan", &token).await).title, "Approved");
        stage.house.settle().await;
        assert_eq!(stage.runs().await, 1);
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b5_rights_that_cannot_be_established_are_none() {
    let mut stage = Stage::with_people(On::Sqlite, ONE, &grouped()).await;
    stage.house = stage.house.everywhere();
    let on_slack = PlatformName::Slack;
    stage.house.slack.put("ben", &["S1"]);
    stage.house.say_on(on_slack, "ben", "/home").await;
    stage.house.say_on(on_slack, "ada", "/db create orders size=large").await;
    let approval = stage.latest().await;
    let token = Token::new("approve", &approval.id);
    stage.house.slack.is_mute.store(true, Ordering::SeqCst);
    let refused = card_of(&stage.house.press_on(on_slack, "ben", &token).await);
    assert!(refused.title.starts_with("Your rights cannot be established"), "{refused:?}");
    stage.house.slack.is_mute.store(false, Ordering::SeqCst);
    stage.house.slack.put("ada", &["S9"]);
    assert_eq!(card_of(&stage.house.press_on(on_slack, "ben", &token).await).title, "Approved");
    stage.house.settle().await;
    assert_eq!(stage.runs().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_identities_that_become_one_person_are_one_vote_and_never_their_own() {
    on_both(|on| async move {
        let people =
            PEOPLE.replace("members = [\"ben\", \"cleo\", \"dan\"]", "groups = [\"slack:S1\", \"discord:D1\"]");
        let mut stage = Stage::with_people(on, TWO, &people).await;
        stage.house = stage.house.everywhere();
        stage.house.slack.put("U1", &["S1"]);
        stage.house.discord.put("D7", &["D1"]);
        stage.house.discord.put("D8", &["D1"]);
        stage.house.say_on(PlatformName::Slack, "U1", "/home").await;
        for who in ["D7", "D8"] {
            stage.house.say_on(PlatformName::Discord, who, "/home").await;
        }
        let approval = stage.asked("/db create orders size=large").await;
        let token = Token::new("approve", &approval.id);
        stage.house.press_on(PlatformName::Slack, "U1", &token).await;
        link(&stage, (PlatformName::Slack, "U1"), (PlatformName::Discord, "D7")).await;
        let twice = card_of(&stage.house.press_on(PlatformName::Discord, "D7", &token).await);
        assert!(twice.title.starts_with("You have approved this already."), "{twice:?}");
        assert_eq!((stage.state().await, stage.runs().await), (State::AwaitingApproval, 0));
        assert_eq!(card_of(&stage.house.press_on(PlatformName::Discord, "D8", &token).await).title, "Approved");
        stage.house.settle().await;
        assert_eq!(stage.runs().await, 1);
    })
    .await;
}

/// Two identities become one person, by a code of the one that the other says.
async fn link(stage: &Stage, one: (PlatformName, &str), other: (PlatformName, &str)) {
    let offered = card_of(&stage.house.say_on(one.0, one.1, "/link").await);
    let code = offered.title.trim_start_matches("Your code is ").replace('-', "");
    let checked = card_of(&stage.house.say_on(other.0, other.1, &format!("/link {code}")).await);
    stage.house.press_on(other.0, other.1, &button(&checked, "Yes, that is me")).await;
    stage.house.press_on(one.0, one.1, &Token::new("link-yes", &code)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_bound_to_the_plan_and_is_nowhere_in_it() {
    let policy = format!("{ONE}\n[[command.param]]\nname = \"password\"\ntype = \"secret\"");
    let stage = Stage::set(On::Sqlite, &policy).await;
    let fields = [("name", json!("orders")), ("size", json!("large")), ("password", json!("hunter22"))];
    stage.send("ada", ("run", "db create"), &fields).await;
    stage.house.settle().await;
    let first = stage.latest().await;
    assert!(!format!("{first:?}").contains("hunter22"));
    stage
        .send("ada", ("run", "db create"), &[fields[0].clone(), fields[1].clone(), ("password", json!("hunter23"))])
        .await;
    assert_ne!(stage.latest().await.plan_hash, first.plan_hash, "another secret is another plan");
    stage.press("ben", "approve", &first.id).await;
    stage.house.settle().await;
    assert_eq!(stage.runs().await, 1);
}
