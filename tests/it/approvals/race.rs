//! Many people, presses that come twice, two replicas and a restart: one decision, and the request runs once.

use proptest::prelude::*;
use serde_json::Value;
use stationmaster::chat::{Intent, Reply, Token};
use stationmaster::store::approval::state;
use stationmaster::store::request::State;
use stationmaster::store::vote::verdict;

use super::stage::{Stage, file, title};
use crate::engine::On;
use crate::house::House;

/// Somebody who presses, what, and at which of the two processes.
type Press = (&'static str, bool, bool);

/// Those who may decide, and some who may not.
const WHO: [&str; 6] = ["ben", "cleo", "dan", "ada", "eve", "zoe"];
const MAY: [&str; 3] = ["ben", "cleo", "dan"];

async fn does(house: &House, (who, is_yes): (&str, bool), approval: &str) -> Reply {
    if is_yes {
        return house.press(who, &Token::new("approve", approval)).await;
    }
    let values = [("reason".to_owned(), Value::from("It must not be"))].into();
    house.does(who, Intent::Submit { token: Token::new("deny", approval), values }).await
}

/// All press at the same time; then both processes do what is to be done, and the first starts anew.
async fn race(on: On, quorum: usize, presses: &[Press]) {
    let policy = format!("approval = {{ by = 'owner', quorum = {quorum} }}");
    let stage = Stage::set(on, &policy).await;
    let files = file(&stage.api.uri(), &policy);
    let approval = stage.asked("/db create orders").await;
    let other = stage.house.again(&[&files]).await;
    let at = |is_other: bool| if is_other { &other } else { &stage.house };
    let all = presses.iter().map(|(who, yes, is_other)| does(at(*is_other), (who, *yes), &approval.id));
    let replies = futures::future::join_all(all).await;
    futures::join!(stage.house.settle(), other.settle());
    check(&stage, (quorum, presses), &replies).await;
    // After a restart, nothing is decided or done again.
    let restarted = stage.house.again(&[&files]).await;
    for (who, yes, _) in presses {
        does(&restarted, (who, *yes), &approval.id).await;
    }
    restarted.settle().await;
    check(&stage, (quorum, presses), &replies).await;
}

async fn check(stage: &Stage, (quorum, presses): (usize, &[Press]), replies: &[Reply]) {
    let approval = stage.latest().await;
    let votes = stage.house.app.store.votes(&approval.id).await.expect("reads");
    let yes = votes.iter().filter(|vote| vote.verdict == verdict::APPROVE).count();
    assert!(votes.iter().all(|vote| MAY.contains(&vote.person.as_str())), "{votes:?}");
    let count = |wanted: &str| replies.iter().filter(|reply| title(reply) == wanted).count();
    let trail = stage.trail().await;
    let decided = trail.iter().filter(|entry| entry.ends_with(" approved") || entry.ends_with(" denied")).count();
    let found = (approval.state.as_str(), stage.state().await, stage.runs().await, decided);
    match approval.state.as_str() {
        state::APPROVED => {
            assert_eq!(found, (state::APPROVED, State::Succeeded, 1, 1));
            assert_eq!((yes, count("Approved"), count("You said no")), (quorum, 1, 0));
        }
        state::DENIED => {
            assert_eq!(found, (state::DENIED, State::Cancelled, 0, 1));
            assert_eq!((count("Approved"), count("You said no")), (0, 1));
            assert!(yes < quorum);
        }
        _ => {
            assert_eq!(found, (state::OPEN, State::AwaitingApproval, 0, 0));
            let no = presses.iter().any(|(who, yes, _)| !yes && MAY.contains(who));
            assert!(!no && yes < quorum, "somebody's press was lost: {presses:?} {replies:?}");
        }
    }
}

/// A few presses, some of them twice.
fn presses() -> impl Strategy<Value = Vec<Press>> {
    let press = (proptest::sample::select(WHO.to_vec()), prop::bool::weighted(0.9), any::<bool>());
    proptest::collection::vec(press, 1..14)
}

fn hold(on: On, cases: u32) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        max_shrink_iters: 20,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let held = runner.run(&(1usize..=3, presses()), |(quorum, presses)| {
        runtime.block_on(race(on, quorum, &presses));
        Ok(())
    });
    held.expect("one decision, and one run");
}

#[test]
fn b3_one_decision_and_one_run_whoever_presses_at_two_replicas() {
    hold(On::Postgres, 16);
}

#[test]
fn b3_one_decision_and_one_run_whoever_presses_and_after_a_restart() {
    hold(On::Sqlite, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn b3_approve_and_deny_at_the_same_time_have_one_outcome() {
    for _ in 0..4 {
        race(On::Postgres, 1, &[("ben", true, false), ("cleo", false, true), ("dan", true, true)]).await;
    }
}
