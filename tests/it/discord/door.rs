//! Signed deliveries at the door: only Discord's own, whole and in time, come in, and nothing of them ends the process.

use serde_json::{Value, json};

use super::delivery::{Seal, seal};
use super::interaction::{Act, COMMAND};
use super::stage::Stage;
use super::world::{APPLICATION, CHANNEL, State};
use super::{Discord, typing};
use crate::wire::Wire;

/// A whole interaction: ada says something again. It is known to Discord, so that it can be answered.
fn echo(stage: &Stage) -> Value {
    stage.discord.world.with(|state: &mut State| {
        let data = typing::native(state, "/echo words=hello").expect("it is registered").data;
        Act::in_channel("ada", COMMAND, data).begin(state)
    })
}

/// After whatever came: an honest command is answered, and nothing ran but it.
async fn is_well(stage: Stage) {
    stage.discord.say("ada", "/echo words=still-here").await;
    stage.discord.read("ada", "I heard: still-here").await;
    assert_eq!(stage.runs(), 1, "something ran that nobody asked for");
    stage.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a5_a_ping_is_answered_and_a_forged_one_refused() {
    // Connecting does what Discord does when the address is entered: both.
    let stage = Stage::open(Discord::http()).await;
    is_well(stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_f2_f16_only_a_strictly_right_signature_in_time_comes_in() {
    let stage = Stage::open(Discord::http()).await;
    let body = echo(&stage).to_string();
    let wrong = [
        Seal::OtherKey,
        Seal::OtherTime,
        Seal::None,
        Seal::Aged(600),
        Seal::Aged(-600),
        Seal::Length(0),
        Seal::Length(4),
        Seal::Length(63),
        Seal::Length(65),
    ];
    for how in wrong {
        assert_eq!(stage.discord.deliver(body.as_bytes(), how).await.0, 401, "{how:?}");
    }
    let address = stage.discord.address();
    for time in ["NaN", "Infinity", "1e999", "1796115600.5", "-1", "", "99999999999999999999"] {
        let mut headers = seal(body.as_bytes(), Seal::Right);
        headers[0].1 = time.into();
        assert_eq!(stage.discord.deliver_to(&address, body.as_bytes(), headers).await.0, 401, "{time}");
    }
    for doubled in ["x-signature-ed25519", "x-signature-timestamp"] {
        let mut headers = seal(body.as_bytes(), Seal::Right);
        let again = headers.iter().find(|(name, _)| *name == doubled).expect("it is there").clone();
        headers.push(again);
        assert_eq!(stage.discord.deliver_to(&address, body.as_bytes(), headers).await.0, 401, "{doubled} twice");
    }
    let other = body.replace("hello", "hallo");
    let headers = seal(body.as_bytes(), Seal::Right);
    assert_eq!(stage.discord.deliver_to(&address, other.as_bytes(), headers).await.0, 401, "other bytes");
    is_well(stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f16_a_key_under_which_anybody_can_sign_is_no_key() {
    let weak = format!("01{}", "0".repeat(62));
    let stage = Stage::closed(Discord::http());
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_stationmaster"))
        .arg("serve")
        .current_dir(stage.path(""))
        .envs(stage.discord.settings())
        .env("STATIONMASTER_DISCORD__PUBLIC_KEY", weak)
        .env("STATIONMASTER_WEB__LISTEN", "127.0.0.1:0")
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned();
    assert!(!output.status.success() && said.contains("discord.public_key"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a8_f4_what_is_no_interaction_is_refused_and_harms_nothing() {
    let stage = Stage::open(Discord::http()).await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_value = format!("{{\"type\": 2, \"data\": {deep}}}");
    let twice = echo(&stage).to_string().replacen("{", "{\"type\": 1, ", 1);
    let bodies: [&[u8]; 14] = [
        b"",
        b"null",
        b"[]",
        b"[1]",
        b"5",
        b"\"text\"",
        b"{",
        b"{\"__proto__\": {\"type\": 1}}",
        b"{\"type\": 2, \"id\": \"\xff\xfe\"}",
        b"{\"type\": 2, \"id\": \"\\ud800\"}",
        b"\0\0\0",
        deep.as_bytes(),
        deep_value.as_bytes(),
        twice.as_bytes(),
    ];
    for body in bodies {
        let (status, answer) = stage.discord.deliver(body, Seal::Right).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        assert!((400..500).contains(&status), "{shown}: {status} {answer}");
    }
    let mut headers = seal(b"type=1", Seal::Right);
    headers[1].1 = "application/x-www-form-urlencoded".into();
    let (status, _) = stage.discord.deliver_to(&stage.discord.address(), b"type=1", headers).await;
    assert!((400..500).contains(&status), "{status}");
    is_well(stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_f4_every_field_may_be_missing_null_or_of_another_type() {
    let stage = Stage::open(Discord::http()).await;
    let whole = echo(&stage);
    let keys: Vec<String> = whole.as_object().expect("an object").keys().cloned().collect();
    // With these changed it is still the same command, which would rightly run.
    let beside = [
        "app_permissions",
        "locale",
        "entitlements",
        "attachment_size_limit",
        "guild",
        "guild_locale",
        "context",
        "authorizing_integration_owners",
        "version",
        "channel",
    ];
    for key in keys.iter().filter(|key| !beside.contains(&key.as_str())) {
        for wrong in
            [None, Some(Value::Null), Some(json!({ "a": [1] })), Some(json!([])), Some(json!(-1.5)), Some(json!(""))]
        {
            let mut body = whole.clone();
            match &wrong {
                Some(value) => body[key] = value.clone(),
                None => drop(body.as_object_mut().expect("an object").remove(key)),
            }
            let (status, answer) = stage.discord.deliver(body.to_string().as_bytes(), Seal::Right).await;
            let is_kept = (200..300).contains(&status) && answer["type"] == 5;
            let harmless = ["guild_id", "member", "user", "token", "channel_id", "id"].contains(&key.as_str());
            assert!(status != 0 && status < 500 && (!is_kept || harmless), "{key} = {wrong:?}: {status} {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_unknown_kinds_and_other_applications_are_counted_and_do_nothing() {
    let stage = Stage::open(Discord::http()).await;
    let before = stage.ignored().await;
    let mut other = echo(&stage);
    other["application_id"] = json!("1300000000000000099");
    let (status, answer) = stage.discord.deliver(other.to_string().as_bytes(), Seal::Right).await;
    assert!(matches!(status, 400..=403) || answer["type"] != 5, "another application's: {status} {answer}");
    for kind in [0, 6, 99, 255] {
        let body =
            json!({ "id": "7", "application_id": APPLICATION, "type": kind, "token": "t", "channel_id": CHANNEL });
        let (status, _) = stage.discord.deliver(body.to_string().as_bytes(), Seal::Right).await;
        assert!(status != 0 && status < 500, "type {kind}: {status}");
    }
    assert!(stage.ignored().await >= before + 4, "what is ignored is counted");
    is_well(stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f8_the_same_interaction_delivered_again_is_one() {
    let stage = Stage::open(Discord::http()).await;
    let body = echo(&stage).to_string();
    for _ in 0..3 {
        let (status, answer) = stage.discord.deliver(body.as_bytes(), Seal::Right).await;
        assert_eq!((status, &answer["type"]), (200, &json!(5)), "every delivery has the same ack");
    }
    // What Discord makes of the first answer, so that the interaction's own message is there.
    let (id, token) = (body_of(&body, "id"), body_of(&body, "token"));
    let defer = json!({ "type": 5, "data": { "flags": 64 } });
    stage.discord.world.with(|state| super::interaction::respond(state, (&id, &token), &defer)).expect("in time");
    stage.discord.read("ada", "I heard: hello").await;
    assert_eq!(stage.runs(), 1);
    stage.finish();
}

fn body_of(body: &str, key: &str) -> String {
    let value: Value = serde_json::from_str(body).expect("JSON");
    value[key].as_str().expect("text").to_owned()
}
