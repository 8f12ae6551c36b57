//! The `http` runner: what is sent, and what an answer means.

use serde_json::json;
use stationmaster::clock::Span;
use stationmaster::runner::{Attempt, Http, Outcome, Runner, Status};
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{any, body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Bench, Server, attempt, failed, is_refused, runner};

/// Runs `http` keys once, as the engine does.
async fn run(bench: &Bench, keys: &str, attempt: &Attempt) -> Outcome {
    Runner::Http(runner(keys)).run(&bench.tools, attempt).await.expect("an outcome")
}

/// A server that answers everything so.
async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

fn post(url: &str) -> String {
    format!("method = 'POST'\nurl = '{url}'\n")
}

#[tokio::test]
async fn a_call_carries_what_its_file_says() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/databases/a%2Fb"))
        .and(header("idempotency-key", "req_1-provision"))
        .and(header("authorization", "Bearer hunter22"))
        .and(body_json(json!({"name": "a/b", "count": 3})))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({"id": 7, "at": {"url": "https://db.example/7"}})))
        .expect(1)
        .mount(&server)
        .await;
    let keys = r#"
        method = "POST"
        url = "{{env.API}}/databases/{{name}}"
        headers = { Authorization = "Bearer {{secret.TOKEN}}" }
        body = { name = "{{name}}", count = "{{count}}" }
        outputs = { id = "$.id", url = "$.at.url" }
    "#;
    let values = json!({"env": {"API": format!("{}/v1", server.uri())}, "secret": {"TOKEN": "hunter22"},
        "name": "a/b", "count": 3});
    let (attempt, _) = attempt(values);
    let outcome = run(&Bench::new(), keys, &attempt).await;
    assert_eq!(outcome.status, Status::Done, "{outcome:?}");
    assert_eq!(serde_json::Value::Object(outcome.outputs), json!({"id": 7, "url": "https://db.example/7"}));
    assert_eq!(outcome.link.as_deref(), Some("https://db.example/7"));
}

#[tokio::test]
async fn a_signature_is_over_the_bytes_that_are_sent() {
    let server = answering(ResponseTemplate::new(200)).await;
    let keys =
        post(&server.uri()) + "body = { b = 'x', a = 1 }\nsign = { secret = '{{secret.KEY}}', header = 'X-Sig' }";
    let (attempt, _) = attempt(json!({"secret": {"KEY": "Jefe"}}));
    assert_eq!(run(&Bench::new(), &keys, &attempt).await.status, Status::Done);
    let sent = &server.received_requests().await.expect("recorded")[0];
    let signature = sent.headers.get("x-sig").expect("signed").to_str().expect("text").to_owned();
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"Jefe").expect("a key");
    mac.update(&sent.body);
    assert_eq!(signature, format!("sha256={}", hex::encode(mac.finalize().into_bytes())));
}

#[tokio::test]
async fn d2_every_status_has_its_meaning() {
    let (attempt, _) = attempt(json!({}));
    let cases = [
        (200, Status::Done),
        (204, Status::Done),
        (307, failed(false, false)),
        (400, failed(false, false)),
        (401, failed(false, false)),
        (404, failed(false, false)),
        (409, Status::Declined),
        (422, Status::Declined),
        (408, failed(true, true)),
        (425, failed(true, true)),
        (429, failed(true, true)),
        (500, failed(true, false)),
        (503, failed(true, false)),
        (504, Status::Unknown),
    ];
    for (status, meaning) in cases {
        let server = answering(ResponseTemplate::new(status)).await;
        let outcome = run(&Bench::new(), &post(&server.uri()), &attempt).await;
        assert_eq!(outcome.status, meaning, "{status}");
    }
    let server = answering(ResponseTemplate::new(404)).await;
    let gone = format!("method = 'DELETE'\nurl = '{}'\nexpect = [204, 404]", server.uri());
    assert_eq!(run(&Bench::new(), &gone, &attempt).await.status, Status::Done);
}

#[tokio::test]
async fn d2_a_wait_is_taken_from_the_answer() {
    let (attempt, _) = attempt(json!({}));
    for (said, wait) in [("7", Some(7)), ("86400", Some(300)), ("-3", None), ("abc", None)] {
        let server = answering(ResponseTemplate::new(503).insert_header("retry-after", said)).await;
        let outcome = run(&Bench::new(), &post(&server.uri()), &attempt).await;
        let retry_after = wait.map(Span::from_secs);
        assert_eq!(outcome.status, Status::Failed { transient: true, untouched: false, retry_after }, "{said}");
    }
}

#[tokio::test]
async fn d2_a_success_that_lacks_an_output_says_that_it_may_have_happened() {
    let (attempt, _) = attempt(json!({}));
    for (body, words) in [("<html>", "is not JSON"), ("{\"error\": \"no\"}", "has no `$.id`"), ("", "is not JSON")] {
        let server = answering(ResponseTemplate::new(200).set_body_string(body)).await;
        let keys = post(&server.uri()) + "outputs = { id = '$.id' }";
        let outcome = run(&Bench::new(), &keys, &attempt).await;
        assert_eq!(outcome.status, failed(false, false));
        assert!(
            outcome.summary.contains("may have been done") && outcome.summary.contains(words),
            "{}",
            outcome.summary
        );
    }
}

#[tokio::test]
async fn what_is_lost_may_be_repeated_only_where_that_does_no_harm() {
    let silent = Server::new(|stream| async move { drop(stream) }).await;
    let (attempt, _) = attempt(json!({}));
    for (name, meaning) in [
        ("GET", failed(true, false)),
        ("HEAD", failed(true, false)),
        ("PUT", failed(true, false)),
        ("DELETE", failed(true, false)),
        ("POST", Status::Unknown),
        ("PATCH", Status::Unknown),
    ] {
        let keys = format!("method = '{name}'\nurl = '{}'", silent.url());
        assert_eq!(run(&Bench::new(), &keys, &attempt).await.status, meaning, "{name}");
    }
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    assert_eq!(run(&Bench::new(), &post(&format!("http://{gone}")), &attempt).await.status, failed(true, true));
    assert!(is_refused(&run(&Bench::new(), &post("http://169.254.169.254/"), &attempt).await));
}

#[tokio::test]
async fn a_cancelled_call_ends_at_once() {
    let hanging = Server::new(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let (attempt, _) = attempt(json!({}));
    let (cancel, bench, keys) = (attempt.cancel.clone(), Bench::new(), post(&hanging.url()));
    let stop = async {
        while hanging.count() == 0 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(run(&bench, &keys, &attempt), stop);
    assert_eq!(outcome.status, Status::Unknown);
    let stopped = CancellationToken::new();
    stopped.cancel();
    let early = run(&bench, &keys, &Attempt { cancel: stopped, ..attempt }).await;
    assert_eq!(early.status, failed(true, true));
}

#[tokio::test]
async fn c5_a_line_break_in_a_header_is_refused_before_anything_is_sent() {
    let server = answering(ResponseTemplate::new(200)).await;
    let keys = post(&server.uri()) + "headers = { X-Name = '{{name}}' }";
    let (attempt, _) = attempt(json!({"name": "a\r\nX-Admin: yes"}));
    let outcome = run(&Bench::new(), &keys, &attempt).await;
    assert!(is_refused(&outcome) && outcome.summary.contains("X-Name"), "{outcome:?}");
    assert!(server.received_requests().await.expect("recorded").is_empty());
}

#[tokio::test]
async fn c5_a_value_stays_in_its_place_in_the_address() {
    let server = answering(ResponseTemplate::new(200)).await;
    let bench = Bench::new();
    for (value, path) in [
        ("../admin", "/x/..%2Fadmin/y"),
        ("a?b#c", "/x/a%3Fb%23c/y"),
        ("a@b:c", "/x/a%40b%3Ac/y"),
        ("a\r\nb", "/x/a%0D%0Ab/y"),
    ] {
        let (attempt, _) = attempt(json!({"env": {"API": server.uri()}, "v": value}));
        let outcome = run(&bench, "url = '{{env.API}}/x/{{v}}/y'", &attempt).await;
        assert_eq!(outcome.status, Status::Done, "{value}");
        let received = server.received_requests().await.expect("recorded");
        let asked = received.last().expect("one").url.path().to_owned();
        assert_eq!(asked, path, "{value}");
    }
    for dots in [".", ".."] {
        let (attempt, _) = attempt(json!({"env": {"API": server.uri()}, "v": dots}));
        assert!(is_refused(&run(&bench, "url = '{{env.API}}/x/{{v}}/y'", &attempt).await), "{dots}");
    }
}

#[tokio::test]
async fn c9_a_secret_in_an_answer_is_masked() {
    let refusal = ResponseTemplate::new(422).set_body_json(json!({"message": "bad token hunter22\nat line 3"}));
    let server = answering(refusal).await;
    let (attempt, _) = attempt(json!({}));
    let outcome = run(&Bench::new(), &post(&server.uri()), &attempt).await;
    assert_eq!(outcome.summary, "POST 127.0.0.1: 422 Unprocessable Entity: bad token •••••• at line 3");
}

#[test]
fn the_check_sees_templates_and_mistakes() {
    let http: Http = runner(
        r#"
        url = "{{env.API}}/x/{{name}}"
        headers = { X-A = "{{a}}", "bad name" = "x", Content-Length = "3" }
        body = { list = [{ b = "{{steps.one.b}}" }] }
        expect = [200, 999]
        outputs = { id = "$.id" }
        poll = { url = "{{env.API}}/y", until = "body.state == 'ready' && status == 200 && name != ''" }
    "#,
    );
    let found = Runner::Http(http).inspect(&Bench::new().tools);
    let read = |key: &str| found.reads.iter().find(|(k, _)| k == key).map(|(_, names)| names.clone());
    assert_eq!(read("url").as_deref(), Some(&["env.API".to_owned(), "name".to_owned()][..]));
    assert_eq!(read("body.list.0.b").as_deref(), Some(&["steps.one.b".to_owned()][..]));
    assert_eq!(read("poll.until").as_deref(), Some(&["name".to_owned()][..]));
    assert_eq!(found.outputs.as_deref(), Some(&["id".to_owned()][..]));
    let keys: Vec<&str> = found.mistakes.iter().map(|(key, ..)| key.as_str()).collect();
    assert_eq!(keys, ["headers.Content-Length", "headers.bad name", "body", "expect"]);
    assert!(toml::from_str::<Http>("url = 'x'\nmethod = 'FETCH'").is_err());
    assert!(toml::from_str::<Http>("url = 'x'\noutputs = { a = 'b' }").is_err());
}
