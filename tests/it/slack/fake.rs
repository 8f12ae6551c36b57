//! The fake itself: it refuses what Slack refuses, so that what it takes is worth something.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::server::{Fault, Pace, Server};
use super::workspace::{APP_TOKEN, BOT_TOKEN, BOT_USER, GENERAL, OLD, SECRET, Workspace};

/// An app that calls Slack without any care.
struct Careless {
    slack: Arc<Server>,
    web: reqwest::Client,
}

impl Careless {
    async fn new() -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let web = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { slack: Server::start().await, web }
    }

    async fn post(&self, path: &str, (token, body): (&str, Value)) -> (u16, Value) {
        let url = format!("http://{}{path}", self.slack.host);
        let answer = self.web.post(url).bearer_auth(token).json(&body).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// What Slack says to a call: `ok`, or its error.
    async fn call(&self, method: &str, body: Value) -> String {
        let (_, answer) = self.post(&format!("/api/{method}"), (BOT_TOKEN, body)).await;
        if answer["ok"] == true { "ok".into() } else { answer["error"].as_str().unwrap_or_default().to_owned() }
    }

    fn trigger(&self) -> String {
        self.slack.workspace().trigger("U0ADA")
    }
}

fn message(channel: &str) -> Value {
    json!({ "channel": channel, "text": "x", "unfurl_links": false, "unfurl_media": false })
}

fn modal() -> Value {
    json!({ "type": "modal", "title": { "type": "plain_text", "text": "x" }, "blocks": [{ "type": "divider" }] })
}

#[tokio::test]
async fn tokens_methods_and_scopes_are_checked() {
    let app = Careless::new().await;
    assert_eq!(app.call("chat.postMassage", json!({})).await, "unknown_method");
    for (token, error) in [("", "not_authed"), ("xoxb-2", "invalid_auth"), (APP_TOKEN, "not_allowed_token_type")] {
        let (_, answer) = app.post("/api/chat.postMessage", (token, message(GENERAL))).await;
        assert_eq!(answer["error"], error);
    }
    assert_eq!(app.call("apps.connections.open", json!({})).await, "not_allowed_token_type");
    assert_eq!(app.call("users.info", json!({ "user": "U0ADA" })).await, "invalid_arguments", "it reads no JSON");
    app.slack.workspace().granted.remove("chat:write");
    let (_, answer) = app.post("/api/chat.postMessage", (BOT_TOKEN, message(GENERAL))).await;
    assert_eq!((&answer["error"], &answer["needed"]), (&json!("missing_scope"), &json!("chat:write")));
}

#[test]
fn the_app_may_do_what_its_manifest_asks_for() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("commands")).expect("a folder");
    let mut print = std::process::Command::new(env!("CARGO_BIN_EXE_stationmaster"));
    let said = print.arg("slack-manifest").current_dir(folder.path()).output().expect("it ends");
    let manifest: Value = serde_json::from_slice(&said.stdout).expect("JSON");
    let asked = manifest["oauth_config"]["scopes"]["bot"].as_array().into_iter().flatten();
    let mut asked: Vec<&str> = asked.filter_map(Value::as_str).collect();
    asked.sort_unstable();
    let granted: Vec<String> = Workspace::new("").granted.into_iter().collect();
    assert_eq!(granted, asked);
}

#[tokio::test]
async fn messages_go_where_they_may() {
    let app = Careless::new().await;
    for (channel, said) in [
        (GENERAL, "ok"),
        (OLD, "is_archived"),
        (SECRET, "channel_not_found"),
        ("C0NONE", "channel_not_found"),
        ("U0BEN", "ok"),
    ] {
        assert_eq!(app.call("chat.postMessage", message(channel)).await, said, "{channel}");
    }
    assert_eq!(app.slack.workspace().breaches, Vec::<String>::new());
    app.slack.workspace().channel_mut(GENERAL).members.remove(BOT_USER);
    assert_eq!(app.call("chat.postMessage", message(GENERAL)).await, "ok", "with chat:write.public");
    app.slack.workspace().granted.remove("chat:write.public");
    assert_eq!(app.call("chat.postMessage", message(GENERAL)).await, "not_in_channel");
    app.slack.workspace().channel_mut(GENERAL).members.insert(BOT_USER.into());
    let bare = json!({ "channel": GENERAL, "blocks": [{ "type": "divider" }] });
    assert_eq!(app.call("chat.postMessage", bare).await, "ok");
    let long = json!([{ "type": "header", "text": { "type": "plain_text", "text": "x".repeat(151) } }]);
    let refused =
        json!({ "channel": GENERAL, "text": "x", "blocks": long, "unfurl_links": false, "unfurl_media": false });
    assert_eq!(app.call("chat.postMessage", refused).await, "invalid_blocks");
    assert_eq!(
        app.call("chat.update", json!({ "channel": GENERAL, "ts": "1.2", "text": "x" })).await,
        "message_not_found"
    );
    let breaches = &app.slack.workspace().breaches;
    assert_eq!(breaches.len(), 3, "no text, unfurling, and a header that is too long: {breaches:?}");
}

#[tokio::test]
async fn a_trigger_works_once_and_for_three_seconds() {
    let app = Careless::new().await;
    let open = |trigger: String| json!({ "trigger_id": trigger, "view": modal() });
    let trigger = app.trigger();
    assert_eq!(app.call("views.open", open(trigger.clone())).await, "ok");
    assert_eq!(app.call("views.open", open(trigger)).await, "exchanged_trigger_id");
    assert_eq!(app.call("views.open", open("made.up".into())).await, "invalid_trigger_id");
    let late = app.trigger();
    app.slack.workspace().skew += 3_001;
    assert_eq!(app.call("views.open", open(late)).await, "expired_trigger_id");
    for said in ["ok", "ok", "push_limit_reached"] {
        assert_eq!(app.call("views.push", open(app.trigger())).await, said);
    }
    let (id, hash) =
        app.slack.workspace().views.last().map(|view| (view.id.clone(), view.hash.clone())).expect("a view");
    let update = |hash: &str| json!({ "view_id": id, "hash": hash, "view": modal() });
    assert_eq!(app.call("views.update", update(&hash)).await, "ok");
    assert_eq!(app.call("views.update", update(&hash)).await, "hash_conflict");
}

#[tokio::test]
async fn a_response_url_works_five_times_within_half_an_hour() {
    let app = Careless::new().await;
    let url = |app: &Careless| app.slack.workspace().hook((GENERAL, "U0ADA"), None).replace("http://", "");
    let path = |url: String| url[url.find('/').expect("a path")..].to_owned();
    let (often, late) = (path(url(&app)), path(url(&app)));
    let mut said = Vec::new();
    for _ in 0..6 {
        said.push(app.post(&often, ("", json!({ "text": "x" }))).await.0);
    }
    assert_eq!(said, [200, 200, 200, 200, 200, 404]);
    app.slack.workspace().skew += 31 * 60 * 1000;
    assert_eq!(app.post(&late, ("", json!({ "text": "x" }))).await.0, 404);
}

#[tokio::test]
async fn faults_and_paces_are_what_they_say() {
    let app = Careless::new().await;
    app.slack.fail("chat.postMessage", Fault::Limited(Some("7")), 1);
    assert_eq!(app.post("/api/chat.postMessage", (BOT_TOKEN, message(GENERAL))).await.0, 429);
    app.slack.fail("auth.test", Fault::Slow(Duration::from_millis(1)), 1);
    assert_eq!(app.call("auth.test", json!({})).await, "ok");
    let hour = Duration::from_secs(3600);
    app.slack.set_pace(Some(Pace { channel: hour, everywhere: Duration::ZERO }));
    assert_eq!(app.call("chat.postMessage", message(GENERAL)).await, "ok");
    assert_eq!(app.call("chat.postMessage", message(GENERAL)).await, "ratelimited");
    assert_eq!(app.call("chat.postMessage", message("U0ADA")).await, "ok");
}

#[tokio::test]
async fn a_file_is_asked_for_sent_finished_and_only_then_shown() {
    let app = Careless::new().await;
    let ask = async |query: &str| {
        let url = format!("http://{}/api/files.getUploadURLExternal?{query}", app.slack.host);
        let answer = app.web.get(url).bearer_auth(BOT_TOKEN).send().await.expect("an answer");
        answer.json::<Value>().await.expect("JSON")
    };
    assert_eq!(ask("filename=a.png&length=0").await["error"], "missing_argument");
    assert_eq!(
        ask(&format!("filename=a.png&length=3&alt_txt={}", "x".repeat(1001))).await["error"],
        "alt_txt_too_large"
    );
    let place = ask("filename=a.png&length=3").await;
    let (url, id) = (place["upload_url"].as_str().expect("a place").to_owned(), place["file_id"].clone());
    let done = json!({ "files": [{ "id": id, "title": "a.png" }] });
    assert_eq!(app.call("files.completeUploadExternal", done.clone()).await, "file_not_found", "nothing was sent yet");
    let send = async |bytes: &'static [u8], token: Option<&str>| {
        let request = app.web.post(&url).body(bytes);
        let request = token.map(|token| request.try_clone().expect("bytes").bearer_auth(token)).unwrap_or(request);
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(send(b"four", None).await, 400);
    assert_eq!(send(b"abc", Some(BOT_TOKEN)).await, 400);
    assert_eq!(send(b"abc", None).await, 200);
    assert_eq!(send(b"abc", None).await, 400);
    let shown = json!([{ "type": "image", "slack_file": { "id": id }, "alt_text": "x" }]);
    let mut post = message(GENERAL);
    post["blocks"] = shown;
    assert_eq!(app.call("chat.postMessage", post.clone()).await, "invalid_blocks", "it is not finished");
    assert_eq!(app.call("files.completeUploadExternal", done.clone()).await, "ok");
    assert_eq!(app.call("files.completeUploadExternal", done).await, "file_not_found");
    assert_eq!(app.call("chat.postMessage", post).await, "invalid_blocks", "and it is no picture");
    app.slack.workspace().granted.remove("files:write");
    assert_eq!(ask("filename=a.png&length=3").await["error"], "missing_scope");
}
