//! Approvals, from what is asked to what is decided, as conversations, on both engines.

use serde_json::json;
use stationmaster::chat::Reply;
use stationmaster::clock::Span;
use stationmaster::store::approval::state;
use stationmaster::store::request::State;

use crate::engine::{On, on_both};
use crate::house::{button, card_of};

mod ahead;
mod changes;
mod glass;
mod race;
mod rights;
mod stage;
mod timing;

use stage::{Stage, text, title};

/// Two people of the team must agree.
const TWO: &str = "approval = { when = \"size == 'large'\", by = 'owner', quorum = 2, expires = '24h' }";
/// One person must agree.
const ONE: &str = "approval = { when = \"size == 'large'\", by = 'owner' }";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_to_people_runs_once_enough_of_them_agree() {
    on_both(|on| async move {
        let stage = Stage::set(on, TWO).await;
        let approval = stage.asked("/db create orders size=large reason='We sell more now'").await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(text(&stage, &stage.house.card("ada")), @r#"
            [waiting] Create a database – waiting for approval
              /db create name=orders size=large reason="We sell more now"
              This needs the approval of the team data before it runs. Nothing has been started.
              Approved: 0 of 2
              Cost: 120.5 EUR a month
              Stands until: Wed 2 Dec, 09:00 UTC
              [Cancel]
              (Asked by ada)
            "#);
            insta::assert_snapshot!(text(&stage, &stage.direct("ben")[0]), @r#"
            [waiting] Create a database – may it run?
              /db create name=orders size=large reason="We sell more now"
              ada of web asks for this. Nothing has been started. What would be done:
              1. provision (http): POST http://api/databases {"name":"orders","size":"large"}
              Why: We sell more now
              Cost: 120.5 EUR a month
              Decides: the team data
              Approved: 0 of 2
              Stands until: Wed 2 Dec, 09:00 UTC
              [Approve] [Deny…] [Ask…]
              (apr_…)
            "#);
        }
        assert!(stage.direct("eve").is_empty(), "who is not asked is not told");
        let counted = card_of(&stage.press("ben", "approve", &approval.id).await);
        insta::allow_duplicates! {
            insta::assert_snapshot!(text(&stage, &counted), @"
            [good] Your approval counts
              One more person must. It starts by itself then.
            ");
        }
        stage.house.settle().await;
        let shown = text(&stage, &stage.house.card("ada"));
        assert!(shown.contains("Approved: 1 of 2"), "{shown}");
        assert_eq!(stage.runs().await, 0);
        assert_eq!(title(&stage.press("cleo", "approve", &approval.id).await), "Approved");
        stage.house.settle().await;
        assert_eq!((stage.state().await, stage.runs().await), (State::Succeeded, 1));
        let entries = stage.house.app.store.audit_of(&approval.request).await.expect("reads");
        let vote = entries.iter().find(|entry| entry.action == "approve").expect("a vote");
        let (plan, rules) = (&approval.plan_hash[..12], &approval.policy_version[..12]);
        assert_eq!(vote.detail, format!("{} plan {plan} policy {rules} as web:ben", approval.id));
        let trail = stage.trail().await.join("\n");
        insta::allow_duplicates! {
            insta::assert_snapshot!(text(&stage, &stage.direct("ben")[0]), @r#"
            [good] Create a database – approved
              /db create name=orders size=large reason="We sell more now"
              cleo gave the last approval that it needed. It runs as soon as it is its turn.
              Asked by: ada
              Cost: 120.5 EUR a month
              Approved by: ben
              Approved by: cleo
              When: Tue 1 Dec, 09:00 UTC
              (apr_…)
            "#);
            insta::assert_snapshot!(trail, @"
            ada accepted
            stationmaster awaiting_approval
            stationmaster approval asked
            ben approve
            cleo approve
            cleo approved
            cleo queued
            stationmaster running
            stationmaster step provision running
            stationmaster step provision done
            stationmaster succeeded
            ");
        }
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_no_ends_it_and_says_why() {
    on_both(|on| async move {
        let stage = Stage::set(on, TWO).await;
        let approval = stage.asked("/db create orders size=large").await;
        stage.press("cleo", "approve", &approval.id).await;
        assert_eq!(title(&stage.press("ben", "deny", &approval.id).await), "form: Say no");
        let blank = stage.send("ben", ("deny", &approval.id), &[("reason", json!("no"))]).await;
        let Reply::Form(form) = blank else { panic!("no form: {blank:?}") };
        assert_eq!(form.fields[0].error.as_deref(), Some("Say a little more: at least 3 characters."));
        assert_eq!(form.fields[0].value, Some(json!("no")), "what was typed stays");
        let denied = stage.send("ben", ("deny", &approval.id), &[("reason", json!("Take a small one first"))]).await;
        assert_eq!(title(&denied), "You said no");
        stage.house.settle().await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(text(&stage, &stage.house.card("ada")), @"
            [neutral] Create a database – cancelled
              /db create name=orders size=large
              Not approved by ben: Take a small one first
              [Run it again]
              (Asked by ada)
            ");
            insta::assert_snapshot!(text(&stage, &stage.direct("cleo")[0]), @"
            [neutral] Create a database – not approved
              /db create name=orders size=large
              ben said no. Nothing was started.
              Asked by: ada
              Cost: 120.5 EUR a month
              Denied by: ben: Take a small one first
              Approved by: cleo
              When: Tue 1 Dec, 09:00 UTC
              (apr_…)
            ");
        }
        assert_eq!((stage.state().await, stage.runs().await), (State::Cancelled, 0));
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_decides_can_ask_and_all_of_them_read_the_answer() {
    on_both(|on| async move {
        let stage = Stage::set(on, TWO).await;
        let approval = stage.asked("/db create orders size=large").await;
        assert_eq!(title(&stage.press("ben", "question", &approval.id).await), "form: Ask ada");
        stage.send("ben", ("question", &approval.id), &[("question", json!("For how long?"))]).await;
        stage.house.settle().await;
        let cards = stage.house.cards("ada");
        let asked = cards.iter().find(|card| card.title.contains("waiting")).expect("the request's card");
        let answer = button(asked, "Answer ben…");
        assert_eq!(title(&stage.house.press("fay", &answer).await), "This question is for ada, who asked for it.");
        assert_eq!(title(&stage.house.press("ada", &answer).await), "form: Answer ben");
        let object = answer.parts().1.to_owned();
        stage.send("ada", ("answer", &object), &[("answer", json!("Until the end of the year"))]).await;
        let again = stage.send("ada", ("answer", &object), &[("answer", json!("For ever"))]).await;
        assert_eq!(title(&again), "You have answered this already.");
        stage.house.settle().await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(text(&stage, &stage.direct("cleo")[0]), @r#"
            [waiting] Create a database – may it run?
              /db create name=orders size=large
              ada of web asks for this. Nothing has been started. What would be done:
              1. provision (http): POST http://api/databases {"name":"orders","size":"large"}
              ben asks: For how long? ada answers: Until the end of the year
              Cost: 120.5 EUR a month
              Decides: the team data
              Approved: 0 of 2
              Stands until: Wed 2 Dec, 09:00 UTC
              [Approve] [Deny…] [Ask…]
              (apr_…)
            "#);
        }
        let told = stage.direct("ben").iter().any(|card| card.title == "ada has answered");
        assert!(told, "who asked is told");
        stage.press("ben", "approve", &approval.id).await;
        stage.press("dan", "approve", &approval.id).await;
        stage.house.settle().await;
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b3_what_comes_too_late_has_its_own_answer() {
    on_both(|on| async move {
        let stage = Stage::set(on, ONE).await;
        let approved = stage.asked("/db create orders size=large").await;
        stage.press("ben", "approve", &approved.id).await;
        stage.house.settle().await;
        let late = stage.press("cleo", "approve", &approved.id).await;
        assert_eq!(title(&late), "ben approved this 0s ago.");
        let denied = stage.asked("/db create stock size=large").await;
        stage.send("ben", ("deny", &denied.id), &[("reason", json!("Not now"))]).await;
        assert_eq!(title(&stage.press("cleo", "approve", &denied.id).await), "ben did not approve this, 0s ago.");
        let cancelled = stage.asked("/db create sales size=large").await;
        let request = stage.request().await.id;
        stage.press("ada", "cancel", &request).await;
        assert_eq!(title(&stage.press("cleo", "approve", &cancelled.id).await), "ada called this off 0s ago.");
        let expired = stage.asked("/db create people size=large").await;
        stage.house.clock.advance(Span::from_millis(expired.expires_at - stage.house.clock.now()));
        let late = "The time for this approval was over 0s ago, so it cannot be decided.";
        assert_eq!(
            title(&stage.press("ben", "approve", &expired.id).await),
            late,
            "at that very moment it is too late"
        );
        stage.house.settle().await;
        assert_eq!(title(&stage.press("ben", "approve", &expired.id).await), late);
        assert_eq!((stage.state().await, stage.latest().await.state.as_str()), (State::Expired, state::EXPIRED));
        assert_eq!(title(&stage.press("ben", "approve", "apr_made_up").await), "There is no such approval.");
        assert_eq!(stage.runs().await, 1);
        stage.has_no_timer().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_rule_means_no_and_says_whose_it_is() {
    let stage = Stage::set(On::Sqlite, "approval = { when = \"size.year > 3\", by = 'owner' }").await;
    let refused = card_of(&stage.house.say("ada", "/db create orders").await);
    insta::assert_snapshot!(text(&stage, &refused), @"
    [bad] The rule that says whether somebody must approve it does not work for `/db create`, so nothing was started.
      Hint: tell the team data, who look after it: the condition `size.year > 3`: found no matching overload for '_._' applied to '(string, string)'
    ");
    assert!(stage.house.app.store.requests_of("ada", 1).await.expect("reads").is_empty());
    stage.reload("size == 'large' ? 120.5 : 10.0", "'much'");
    let refused = title(&stage.house.say("ada", "/db create orders").await);
    assert_eq!(refused, "The rule that says what it costs does not work for `/db create`, so nothing was started.");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rule_sees_who_asks_what_it_costs_and_when() {
    let when = "team == 'web' && 'web' in teams && capability.owner == 'data' && capability.maturity == 'ga' && \
                now.weekday == 'tue' && now.hour == 9 && now.open && cost > 100.0 && person.id == 'ada'";
    let stage = Stage::set(On::Sqlite, &format!("approval = {{ when = \"{when}\", by = 'owner' }}")).await;
    stage.asked("/db create orders size=large").await;
    assert_eq!(stage.state().await, State::AwaitingApproval);
    stage.house.say("ada", "/db create orders size=small").await;
    assert_eq!(stage.state().await, State::Queued, "it is cheap");
    stage.house.clock.advance(Span::from_secs(9 * 3600));
    stage.house.say("ada", "/db create orders size=large").await;
    assert_eq!(stage.state().await, State::Queued, "it is evening");
    let plan = card_of(&stage.house.say("ada", "/db create orders size=large --dry-run").await);
    assert!(text(&stage, &plan).contains("Cost: 120.5 EUR a month"), "{plan:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_confirmed_is_put_to_people_then() {
    let policy = format!("confirm = \"size == 'large'\"\n{ONE}");
    let stage = Stage::set(On::Sqlite, &policy).await;
    stage.house.say("ada", "/db create orders size=large").await;
    stage.house.settle().await;
    assert!(stage.direct("ben").is_empty(), "nobody is asked before she is sure");
    let yes = button(&stage.house.card("ada"), "Yes, go ahead");
    stage.house.press("ada", &yes).await;
    let approval = stage.latest().await;
    stage.press("ben", "approve", &approval.id).await;
    stage.house.settle().await;
    assert_eq!((stage.state().await, stage.runs().await), (State::Succeeded, 1));
    stage.house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_shows_what_waits_for_whom() {
    let stage = Stage::set(On::Sqlite, TWO).await;
    let nothing = card_of(&stage.house.say("ben", "/approvals").await);
    insta::assert_snapshot!(text(&stage, &nothing), @"
    [neutral] No approval waits for you
      You have nothing to decide, to look at or to take back.
    ");
    let approval = stage.asked("/db create orders size=large").await;
    let list = card_of(&stage.house.say("ben", "/approvals").await);
    insta::assert_snapshot!(text(&stage, &list), @"
    [neutral] One approval waits for you
      • /db create name=orders size=large, asked by ada, stands for another 1d
      [Look: /db create by ada]
    ");
    let look = button(&list, "Look: /db create by ada");
    assert_eq!(card_of(&stage.house.press("ben", &look).await), stage.direct("ben")[0]);
    let home = text(&stage, &card_of(&stage.house.say("ben", "/home").await));
    assert!(home.contains("One approval waits for you."), "{home}");
    stage.press("ben", "approve", &approval.id).await;
    let after = card_of(&stage.house.say("ben", "/approvals").await);
    assert_eq!(after.title, "No approval waits for you");
    for who in ["ada", "eve"] {
        assert_eq!(card_of(&stage.house.say(who, "/approvals").await).title, "No approval waits for you");
    }
}
