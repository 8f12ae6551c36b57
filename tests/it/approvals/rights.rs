//! Who × policy × state: no path lets a person decide what the policy does not let them.

use serde_json::json;
use stationmaster::chat::Reply;
use stationmaster::store::approval::{Approval, Close, state};
use stationmaster::store::request::State;

use super::stage::{ALL, Stage, title};
use crate::engine::On;

/// A policy, who may approve what ada asks for, and who may break the glass.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

const ROWS: [Row; 9] = [
    ("by = 'owner'", &["ben", "cleo", "dan"], &[]),
    ("by = 'team:security'", &["eve"], &[]),
    ("by = 'team:web'", &["fay"], &[]),
    ("by = 'team:nowhere'", &[], &[]),
    ("by = 'person:gus'", &["gus"], &[]),
    ("by = 'person:ada'", &[], &[]),
    ("by = 'lead-of-requester'", &["fay"], &[]),
    ("by = 'owner', then = ['team:security']", &["ben", "cleo", "dan"], &[]),
    (
        "by = 'person:gus', break_glass = { roles = ['oncall'], teams = ['web', 'security'], people = ['ada'] }",
        &["gus"],
        &["gus", "eve", "fay"],
    ),
];

/// What somebody tries.
const VERBS: [&str; 4] = ["approve", "deny", "glass", "standing"];

async fn tries(stage: &Stage, who: &str, (verb, approval): (&str, &str)) -> Reply {
    match verb {
        "approve" => stage.press(who, verb, approval).await,
        "standing" => {
            let fields = [("whom", json!("ada")), ("time", json!("1d")), ("uses", json!(1))];
            stage.send(who, (verb, approval), &fields).await
        }
        _ => stage.send(who, (verb, approval), &[("reason", json!("There is a good reason"))]).await,
    }
}

async fn read(stage: &Stage, approval: &str) -> (Approval, usize, usize) {
    let store = &stage.house.app.store;
    let ahead = store.live_standings(stage.house.clock.now()).await.expect("reads").len();
    let votes = store.votes(approval).await.expect("reads").len();
    (store.approval(approval).await.expect("reads").expect("is there"), votes, ahead)
}

/// Everybody tries everything at an open approval.
async fn open(stage: &Stage, (policy, approvers, breakers): Row) {
    let mut number = 0u8;
    for who in ALL.into_iter().chain(["zoe"]) {
        for verb in VERBS {
            number += 1;
            let name: String = [b'a' + number / 26, b'a' + number % 26].map(char::from).iter().collect();
            let approval = stage.asked(&format!("/db create {name}")).await;
            let before = read(stage, &approval.id).await;
            let reply = title(&tries(stage, who, (verb, &approval.id)).await);
            let after = read(stage, &approval.id).await;
            let may = match verb {
                "glass" => breakers.contains(&who),
                "standing" => false,
                _ => approvers.contains(&who),
            };
            assert_eq!(before != after, may, "{who} tried to {verb} under {policy}: {reply}");
            let expected = match verb {
                _ if !may => State::AwaitingApproval,
                "deny" => State::Cancelled,
                _ => State::Queued,
            };
            assert_eq!(stage.state().await, expected, "{who} tried to {verb} under {policy}: {reply}");
        }
    }
}

/// Everybody tries everything at an approval that is closed.
async fn closed(stage: &Stage, policy: &str) {
    for (number, name) in
        [state::APPROVED, state::DENIED, state::EXPIRED, state::VOID, state::WITHDRAWN].iter().enumerate()
    {
        let letter = char::from(b'a' + u8::try_from(number).expect("few"));
        let approval = stage.asked(&format!("/db create closed{letter}")).await;
        let id = approval.id.clone();
        let close = stage.house.app.store.write(move |tx| {
            Box::pin(async move { tx.close_approval(Close { approval: &id, state: name, by: "stationmaster" }).await })
        });
        close.await.expect("writes");
        let before = read(stage, &approval.id).await;
        for who in ALL.into_iter().chain(["zoe"]) {
            for verb in VERBS {
                let reply = title(&tries(stage, who, (verb, &approval.id)).await);
                assert_eq!(read(stage, &approval.id).await, before, "{who} tried to {verb}: {name}, {policy}: {reply}");
                assert_eq!(stage.state().await, State::AwaitingApproval);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_nobody_decides_what_the_policy_does_not_let_them() {
    let table = ROWS.map(|row| async move {
        let stage = Stage::set(On::Sqlite, &format!("approval = {{ {} }}", row.0)).await;
        open(&stage, row).await;
        closed(&stage, row.0).await;
    });
    futures::future::join_all(table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_tokens_that_are_made_up_do_nothing() {
    let stage = Stage::set(On::Sqlite, "approval = { by = 'owner' }").await;
    let approval = stage.asked("/db create orders").await;
    let request = stage.request().await.id;
    let other = approval.id.replace("apr_", "apr_0");
    for object in ["", "apr_", &request, &other, "rev_1", "' or 1 = 1"] {
        for verb in ["approve", "deny", "question", "answer", "glass", "standing", "revoke", "review", "approval"] {
            let pressed = title(&stage.press("ben", verb, object).await);
            let sent = title(&stage.send("ben", (verb, object), &[("reason", json!("A reason that is long"))]).await);
            let is_refused =
                |title: &str| title.starts_with("There is no such") || title.contains("no longer does anything");
            assert!(is_refused(&pressed) && is_refused(&sent), "{verb}:{object} {pressed} {sent}");
        }
    }
    assert_eq!((stage.state().await, stage.runs().await), (State::AwaitingApproval, 0));
}
