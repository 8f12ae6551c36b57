//! What comes to `POST /slack/events` and is not as it should be: hardening A1 to A9, F1 to F5, F19 and F25.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Slack;
use super::courier::{Parcel, signature};
use super::payload::{self, Delivery};
use super::stage::Stage;
use super::workspace::{APP, BOT, BOT_USER, GENERAL, SIGNING_SECRET, TEAM};
use crate::wire::{PATIENCE, Wire};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

impl Stage {
    fn now(&self) -> i64 {
        self.slack.server.workspace().now() / 1000
    }

    fn order(&self, line: &str) -> Delivery {
        let ada = self.slack.id("ada");
        payload::command(&mut self.slack.server.workspace(), (GENERAL, &ada), line)
    }

    async fn status(&self, parcel: &Parcel) -> u16 {
        self.slack.courier.post(parcel).await.0
    }

    /// What the process answers to these bytes before it closes the connection.
    async fn raw(&self, request: &str) -> String {
        let mut wire = tokio::net::TcpStream::connect(self.host()).await.expect("connects");
        // It may be closed before all of it was sent.
        let _ = wire.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, wire.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "it is left open: {request:.80}");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// After all that was tried, one right order is done; and it is the only one.
    async fn only(self, number: &str) {
        self.slack.say("ada", &format!("/count number={number}")).await;
        self.slack.read("ada", &format!("Counted {number}.")).await;
        assert_eq!(self.done(), [number]);
        self.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a1_only_what_slack_has_signed_is_heard() {
    let stage = Stage::open(Slack::http().await).await;
    let now = stage.now();
    let right = Parcel::signed(&stage.order("/count number=1"), now);
    let with = |signature: Option<String>, others: &[(&'static str, String)]| {
        let mut parcel = right.clone();
        parcel.headers.retain(|(name, _)| *name != "X-Slack-Signature");
        parcel.headers.extend(signature.map(|signature| ("X-Slack-Signature", signature)));
        parcel.headers.extend(others.iter().cloned());
        parcel
    };
    let good = signature(SIGNING_SECRET, &now.to_string(), &right.body);
    let mut wrong = vec![
        with(None, &[]),
        with(Some(String::new()), &[]),
        with(Some(good.to_uppercase()), &[]),
        with(Some(format!("v0={}", good[3..].to_uppercase())), &[]),
        with(Some(format!("v1={}", &good[3..])), &[]),
        with(Some(good[3..].to_owned()), &[]),
        with(Some(format!("{good}00")), &[]),
        with(Some(good.clone()), &[("X-Slack-Signature", good.clone())]),
        right.clone().sign("another secret", &now.to_string()),
        right.clone().sign("", &now.to_string()),
    ];
    // The right signature over other bytes.
    let mut other = right.clone();
    other.body.extend(b"&dry=1");
    wrong.push(other);
    let mut timeless = right.clone();
    timeless.headers.retain(|(name, _)| *name != "X-Slack-Request-Timestamp");
    wrong.push(timeless);
    for parcel in wrong {
        assert_eq!(stage.status(&parcel).await, 401, "{:?}", parcel.headers);
    }
    assert!(stage.ignored("signature").await >= 12);
    stage.only("2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a2_f2_odd_times_and_cut_signatures_are_401() {
    let stage = Stage::open(Slack::http().await).await;
    let right = Parcel::signed(&stage.order("/count number=1"), stage.now());
    let (old, ahead) = ((stage.now() - 360).to_string(), (stage.now() + 360).to_string());
    let (now, negative) = (stage.now().to_string(), format!("-{}", stage.now()));
    let fraction = format!("{now}.5");
    for at in [&old, &ahead, &negative, &fraction, "NaN", "Infinity", "1e999", "", "abc", "99999999999999999999999"] {
        assert_eq!(stage.status(&right.clone().sign(SIGNING_SECRET, at)).await, 401, "{at}");
    }
    let mut cut = right.clone().sign(SIGNING_SECRET, &now);
    cut.headers.last_mut().expect("the signature").1.truncate("v0=".len() + 8);
    assert_eq!(stage.status(&cut).await, 401);
    let mut twice = right.sign(SIGNING_SECRET, &now);
    twice.headers.push(("X-Slack-Request-Timestamp", now));
    assert_eq!(stage.status(&twice).await, 401);
    // Two that differ are no better.
    stage.only("2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a3_a4_f7_a_delivery_that_comes_again_is_the_same() {
    let mut stage = Stage::open(Slack::http().await).await;
    let order = stage.order("/count number=1");
    let parcel = Parcel::signed(&order, stage.now());
    let first = stage.slack.courier.post(&parcel).await;
    assert_eq!(first.0, 200);
    stage.slack.read("ada", "Counted 1.").await;
    assert_eq!(stage.slack.courier.post(&parcel).await, first, "the same bytes, at once");
    stage.restart().await;
    assert_eq!(stage.slack.courier.post(&parcel).await, first, "the same bytes, after a restart");
    let mut retry = Parcel::signed(&order, stage.now() + 1);
    retry.headers.push(("X-Slack-Retry-Num", "1".into()));
    assert_eq!(stage.slack.courier.post(&retry).await, first, "signed anew");
    // An event that comes again is known by its id; a first delivery that calls itself a second one is not dropped.
    let ada = stage.slack.id("ada");
    let mention = payload::mention(&mut stage.slack.server.workspace(), (GENERAL, &ada), "count number=2");
    for again in ["1", "2"] {
        let mut parcel = Parcel::signed(&mention, stage.now());
        parcel.headers.push(("X-Slack-Retry-Num", again.into()));
        parcel.headers.push(("X-Slack-Retry-Reason", "http_timeout".into()));
        assert_eq!(stage.status(&parcel).await, 200);
    }
    stage.slack.read("ada", "Counted 2.").await;
    stage.slack.say("ada", "/count number=3").await;
    stage.slack.read("ada", "Counted 3.").await;
    assert_eq!(stage.done(), ["1", "2", "3"]);
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a5_formalities_are_answered_and_only_to_slack() {
    let stage = Stage::open(Slack::http().await).await;
    let check = Parcel::of(FORM, b"ssl_check=1&token=x".to_vec(), stage.now());
    assert_eq!(stage.slack.courier.post(&check).await, (200, String::new()));
    let challenge = json!({ "token": "x", "challenge": "3eZbrw1aB", "type": "url_verification" });
    let parcel = Parcel::of(JSON, challenge.to_string().into_bytes(), stage.now());
    let (status, body) = stage.slack.courier.post(&parcel).await;
    assert!(status == 200 && body.contains("3eZbrw1aB"), "{status} {body}");
    for formality in [check, parcel] {
        let (status, body) = stage.slack.courier.post(&formality.sign("wrong", &stage.now().to_string())).await;
        assert!(status == 401 && !body.contains("3eZbrw1aB"), "{status} {body}");
    }
    stage.only("1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a7_a8_f3_bodies_that_are_none_are_400_or_413() {
    let stage = Stage::open(Slack::http().await).await;
    let now = stage.now();
    let order = String::from_utf8(Parcel::signed(&stage.order("/count number=1"), now).body).expect("text");
    let told: Vec<(&str, Vec<u8>)> = vec![
        ("text/plain", order.clone().into_bytes()),
        ("application/xml", b"<a/>".to_vec()),
        ("", order.clone().into_bytes()),
        (JSON, b"{".to_vec()),
        (JSON, "[".repeat(10_000).into_bytes()),
        (JSON, b"\xff\xfe{}".to_vec()),
        (JSON, br#"{"type":"\ud800"}"#.to_vec()),
        (JSON, br#"{"type":"event_callback","type":"url_verification","challenge":"x"}"#.to_vec()),
        (FORM, format!("{order}&command=%2Fwait").into_bytes()),
        (FORM, format!("user_id=U0BEN&{order}").into_bytes()),
        (FORM, b"command=%ff%fe".to_vec()),
        (FORM, b"payload=%7B%22type%22".to_vec()),
        (FORM, b"payload=%7B%7D&payload=%7B%7D".to_vec()),
    ];
    for (kind, body) in told {
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        assert_eq!(stage.status(&Parcel::of(kind, body, now)).await, 400, "{kind}: {shown}");
    }
    let huge = format!("POST /slack/events HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n", stage.host(), 20 << 20);
    let answer = stage.raw(&huge).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    stage.only("2").await;
}

/// A payload with one of its fields taken out, made null, or made something else; wherever it is.
fn spoilt(payload: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    let object = payload.as_object().expect("an object");
    for (key, value) in object {
        let mut without = object.clone();
        without.remove(key);
        all.push(Value::Object(without));
        for odd in [Value::Null, json!(7), json!([]), json!({ "__proto__": {} }), json!("\u{0}")] {
            let mut with = object.clone();
            with.insert(key.clone(), odd);
            all.push(Value::Object(with));
        }
        if value.is_object() && !value.as_object().is_some_and(serde_json::Map::is_empty) {
            for inner in spoilt(value) {
                let mut with = object.clone();
                with.insert(key.clone(), inner);
                all.push(Value::Object(with));
            }
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_f4_what_is_not_understood_is_acknowledged_and_counted() {
    let stage = Stage::open(Slack::http().await).await;
    let ada = stage.slack.id("ada");
    let mention = payload::mention(&mut stage.slack.server.workspace(), (GENERAL, &ada), "");
    let press = payload::shortcut(&mut stage.slack.server.workspace(), &ada, "nobody_knows_it");
    let mut sorts = BTreeMap::<u16, usize>::new();
    for odd in
        ["null", "[]", "7", "\"x\"", "{}", r#"{"__proto__":{"type":"event_callback"}}"#, r#"{"type":"marriage"}"#]
    {
        let status = stage.status(&Parcel::of(JSON, odd.as_bytes().to_vec(), stage.now())).await;
        assert!([200, 400].contains(&status), "{odd}: {status}");
    }
    for delivery in [&mention, &press] {
        for payload in spoilt(&delivery.payload) {
            let spoilt = Delivery { payload, ..delivery.clone() };
            let status = stage.status(&Parcel::signed(&spoilt, stage.now())).await;
            // Of another workspace or app, or of none, is refused; nothing else is anybody's fault.
            assert!([200, 403].contains(&status), "{status}: {}", spoilt.payload);
            *sorts.entry(status).or_default() += 1;
        }
    }
    assert!(sorts.len() == 2, "{sorts:?}");
    assert!(stage.ignored("malformed").await > 0 && stage.ignored("unknown").await > 0);
    // What they said meanwhile is of no interest here.
    stage.slack.server.workspace().messages.clear();
    stage.slack.server.workspace().views.clear();
    stage.slack.say("ada", "/count number=1").await;
    stage.slack.read("ada", "Counted 1.").await;
    assert_eq!(stage.done(), ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_another_workspace_and_another_app_are_refused() {
    let stage = Stage::open(Slack::http().await).await;
    for (key, value) in [("team_id", "T0OTHER"), ("api_app_id", "A0OTHER")] {
        let mut order = stage.order("/count number=1");
        order.payload[key] = value.into();
        assert_eq!(stage.status(&Parcel::signed(&order, stage.now())).await, 403, "{key}");
    }
    assert_eq!(stage.ignored("foreign").await, 2);
    stage.only("2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f1_a_secret_that_proves_nothing_does_not_start_and_a_rotated_one_counts() {
    for secret in ["", " ", "8f742231b10e8888abcd99yyyzzz85a5"] {
        let slack = Slack::http().await;
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("commands")).expect("a folder");
        let mut start = std::process::Command::new(env!("CARGO_BIN_EXE_stationmaster"));
        start.arg("serve").current_dir(folder.path()).envs(slack.settings());
        start.env("STATIONMASTER_SLACK__SIGNING_SECRET", secret).env("STATIONMASTER_WEB__LISTEN", "127.0.0.1:0");
        let ended = start.output().expect("it ends by itself");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        let is_named = said.to_lowercase().replace('_', " ").contains("signing secret");
        assert!(!ended.status.success() && is_named, "{secret:?}: {said}");
    }
    let rotated = [("STATIONMASTER_SLACK__PREVIOUS_SIGNING_SECRET", "00112233445566778899aabbccddeeff")];
    let stage = Stage::with(Slack::http().await, &rotated).await;
    let now = stage.now().to_string();
    let old = Parcel::signed(&stage.order("/count number=1"), stage.now()).sign(rotated[0].1, &now);
    assert_eq!(stage.status(&old).await, 200);
    stage.slack.read("ada", "Counted 1.").await;
    stage.slack.say("ada", "/count number=2").await;
    stage.slack.read("ada", "Counted 2.").await;
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn f5_requests_that_contradict_themselves_are_refused_and_closed() {
    let stage = Stage::open(Slack::http().await).await;
    let host = stage.host().to_owned();
    let head = |more: &str| format!("POST /slack/events HTTP/1.1\r\nHost: {host}\r\n{more}\r\n\r\n");
    let many: String = (0..10_000).map(|n| format!("X-H{n}: x\r\n")).collect();
    let told = [
        head("Content-Length: 5\r\nTransfer-Encoding: chunked") + "0\r\n\r\n",
        head("Content-Length: -1"),
        head("Content-Length: 5\r\nContent-Length: 6") + "abcde",
        head(many.trim_end()),
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}".to_owned(),
    ];
    for request in told {
        let answer = stage.raw(&request).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{request:.80}: {answer}");
    }
    stage.only("1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f19_a_wrong_clock_is_said_once_and_clearly() {
    let stage = Stage::open(Slack::http().await).await;
    for _ in 0..3 {
        let parcel = Parcel::signed(&stage.order("/count number=1"), stage.now() - 600);
        assert_eq!(stage.status(&parcel).await, 401);
    }
    let words = stage.until_slack_is("waiting").await;
    assert!(words.contains("600 s"), "{words}");
    // Once a delivery is on time again, all is well.
    stage.slack.say("ada", "/count number=2").await;
    stage.slack.read("ada", "Counted 2.").await;
    stage.until_slack_is("ready").await;
    assert_eq!(stage.done(), ["2"]);
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn f25_nobody_but_people_is_heard() {
    let stage = Stage::open(Slack::http().await).await;
    let direct = stage.slack.server.workspace().direct("U0ADA");
    let said = |more: Value| {
        let mut event = json!({
            "type": "message", "channel": direct, "channel_type": "im", "text": "count number=1", "ts": "1.2",
            "event_ts": "1.2", "team": TEAM, "user": "U0ADA",
        });
        event.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        event
    };
    let events = [
        said(json!({ "user": BOT_USER, "bot_id": BOT, "app_id": APP })),
        said(json!({ "user": BOT_USER })),
        said(json!({ "bot_id": "B0OTHER", "subtype": "bot_message", "user": null })),
        said(json!({ "bot_id": "B0OTHER", "app_id": "A0OTHER", "user": "U0OTHERBOT" })),
        said(json!({ "subtype": "message_changed" })),
        said(json!({ "subtype": "channel_join" })),
        said(json!({ "type": "app_mention", "bot_id": "B0WORKFLOW", "text": format!("<@{BOT_USER}> count number=1") })),
    ];
    for event in events {
        let delivery = payload::event(&mut stage.slack.server.workspace(), event);
        stage.slack.courier.deliver(&delivery).await.expect("it is acknowledged");
    }
    assert!(stage.ignored("bot").await >= 5);
    // A person in the same conversation is heard.
    let person = said(json!({ "text": "count number=2" }));
    let delivery = payload::event(&mut stage.slack.server.workspace(), person);
    stage.slack.courier.deliver(&delivery).await.expect("it is acknowledged");
    stage.slack.read("ada", "Counted 2.").await;
    assert_eq!(stage.done(), ["2"]);
    stage.close();
}
