//! The `callback` runner: call-backs that come late, early, twice, or never.

use serde_json::{Value, json};
use stationmaster::clock::Span;
use stationmaster::runner::callback::sign;
use stationmaster::runner::{Attempt, Outcome, Runner, Status};
use wiremock::matchers::{body_json, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Bench, START, Server, attempt, failed, resumed, runner, told};

const KEYS: &str = r#"
    url = "{{env.API}}/builds"
    body = { name = "{{name}}", answer_to = "{{callback.url}}", token = "{{callback.token}}" }
    outputs = { id = "$.id", image = "$.result.image" }
"#;

async fn run(bench: &Bench, attempt: &Attempt) -> Outcome {
    Runner::Callback(runner(KEYS)).run(&bench.tools, attempt).await.expect("an outcome")
}

/// A build that was started.
async fn started(bench: &Bench) -> (Attempt, Outcome) {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(202).set_body_json(json!({"id": 7}));
    let token = sign(&bench.tools.callback_key, "req_1", "provision");
    let body = json!({"name": "orders", "answer_to": "https://bot.example.org/hooks/callback/req_1/provision", "token": token});
    Mock::given(method("POST")).and(body_json(body)).respond_with(answer).expect(1).mount(&server).await;
    let (attempt, _) = attempt(json!({"env": {"API": server.uri()}, "name": "orders"}));
    let outcome = run(bench, &attempt).await;
    (attempt, outcome)
}

/// The attempt when a call back has come, as the engine puts it.
fn called(attempt: &Attempt, before: &Outcome, body: Value) -> Attempt {
    let mut attempt = resumed(attempt, before);
    attempt.checkpoint["called"] = body;
    attempt
}

#[tokio::test]
async fn a_call_back_ends_the_step() {
    let bench = Bench::new();
    let (attempt, begun) = started(&bench).await;
    assert!(matches!(begun.status, Status::Waiting { again_at, .. } if again_at == attempt.deadline), "{begun:?}");
    let body = json!({"status": "succeeded", "id": 99, "result": {"image": "orders:1"}});
    let outcome = run(&bench, &called(&attempt, &begun, body)).await;
    assert_eq!(outcome.status, Status::Done);
    assert_eq!(Value::Object(outcome.outputs), json!({"id": 7, "image": "orders:1"}));
}

#[tokio::test]
async fn d5_a_call_back_before_the_start_is_recorded_is_enough() {
    let (mut attempt, _) = attempt(json!({}));
    attempt.checkpoint = json!({"called": {"status": "succeeded", "id": 7, "result": {"image": "orders:1"}}});
    assert_eq!(run(&Bench::new(), &attempt).await.status, Status::Done);
}

#[tokio::test]
async fn d5_a_failure_and_progress_are_told() {
    let bench = Bench::new();
    let (mut attempt, begun) = started(&bench).await;
    let (progress, mut listener) = tokio::sync::mpsc::unbounded_channel();
    attempt.progress = progress;
    let mut waiting = begun;
    for percent in [json!(40), json!(10), json!(1e9), json!("x")] {
        waiting = run(&bench, &called(&attempt, &waiting, json!({"status": "running", "progress": percent}))).await;
        assert!(matches!(&waiting.status, Status::Waiting { checkpoint, .. } if checkpoint.get("called").is_none()));
    }
    let percents: Vec<_> = told(&mut listener).into_iter().filter_map(|progress| progress.percent).collect();
    assert_eq!(percents, [40, 40, 100]);
    let body = json!({"status": "failed", "message": "no disk for hunter22"});
    let outcome = run(&bench, &called(&attempt, &waiting, body)).await;
    assert_eq!((outcome.status, outcome.summary.as_str()), (failed(false, false), "no disk for ••••••"));
    assert_eq!(outcome.outputs.get("id"), Some(&json!(7)), "the way back may need it");
    for nonsense in
        [json!(null), json!([]), json!("succeeded"), json!({"status": ["succeeded"]}), json!({"status": "??"})]
    {
        let outcome = run(&bench, &called(&attempt, &waiting, nonsense)).await;
        assert!(matches!(outcome.status, Status::Waiting { .. }));
    }
    let outcome = run(&bench, &called(&attempt, &waiting, json!({"status": "succeeded"}))).await;
    assert_eq!(outcome.summary, "it is done, but its call back has no `$.result.image` for the output `image`");
}

#[tokio::test]
async fn d5_without_a_call_back_the_step_ends_with_its_time() {
    let bench = Bench::new();
    let (attempt, begun) = started(&bench).await;
    let early = run(&bench, &resumed(&attempt, &begun)).await;
    assert!(matches!(early.status, Status::Waiting { .. }), "woken too early, it waits on");
    bench.tools.clock.advance(Span::from_secs(600));
    let late = run(&bench, &resumed(&attempt, &early)).await;
    assert_eq!(late.status, failed(false, false));
    assert_eq!(late.summary, "it was begun, but no call back has come in time");
}

#[tokio::test]
async fn a_lost_start_waits_for_the_call_back_that_tells() {
    let silent = Server::new(|stream| async move { drop(stream) }).await;
    let bench = Bench::new();
    let (attempt, _) = attempt(json!({"env": {"API": silent.url()}, "name": "orders"}));
    let lost = run(&bench, &attempt).await;
    let interrupted = Runner::Callback(runner(KEYS)).recover(&bench.tools, &attempt).await.expect("an outcome");
    assert_eq!(lost.status, interrupted.status);
    let body = json!({"status": "succeeded", "id": 7, "result": {"image": "i"}});
    assert_eq!(run(&bench, &called(&attempt, &lost, body)).await.status, Status::Done);
    bench.tools.clock.advance(Span::from_secs(600));
    assert_eq!(run(&bench, &resumed(&attempt, &lost)).await.status, Status::Unknown);
    assert!(bench.tools.clock.now() > START);
}

#[tokio::test]
async fn c9_the_token_is_not_shown() {
    let bench = Bench::new();
    let token = sign(&bench.tools.callback_key, "req_1", "provision");
    let server = MockServer::start().await;
    let refusal = ResponseTemplate::new(400).set_body_json(json!({"error": format!("what is {token}?")}));
    Mock::given(method("POST")).respond_with(refusal).mount(&server).await;
    let (attempt, _) = attempt(json!({"env": {"API": server.uri()}, "name": "orders"}));
    let outcome = run(&bench, &attempt).await;
    assert_eq!(outcome.summary, "POST 127.0.0.1: 400 Bad Request: what is ••••••?");
}
