//! Polling: work elsewhere that takes its time, tells nonsense or never ends.

use serde_json::{Value, json};
use stationmaster::clock::Span;
use stationmaster::runner::{Attempt, Outcome, Runner, Status};
use tokio::sync::mpsc::UnboundedReceiver;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Bench, START, attempt, failed, resumed, runner, told};

const KEYS: &str = r#"
    method = "POST"
    url = "{{env.API}}/databases"
    headers = { Authorization = "Bearer x" }
    outputs = { id = "$.id", url = "$.url" }
    poll = { url = "{{env.API}}/databases/{{steps.provision.id}}", until = "body.state == 'ready'", fail = "body.state == 'failed'", every = "5s", progress = "body.percent" }
"#;

/// A database that is created by POST and looked at by GET, and the attempt to create it.
struct Story {
    bench: Bench,
    server: MockServer,
    attempt: Attempt,
    listener: UnboundedReceiver<stationmaster::runner::Progress>,
}

impl Story {
    async fn begin(answers: Vec<ResponseTemplate>) -> (Self, Outcome) {
        let server = MockServer::start().await;
        let created = ResponseTemplate::new(202).set_body_json(json!({"id": "db-1", "state": "new"}));
        Mock::given(method("POST")).respond_with(created).expect(1).mount(&server).await;
        for answer in answers {
            let look = Mock::given(method("GET")).and(path("/databases/db-1")).and(header("authorization", "Bearer x"));
            look.respond_with(answer).up_to_n_times(1).mount(&server).await;
        }
        let (attempt, listener) = attempt(json!({"env": {"API": server.uri()}}));
        let story = Self { bench: Bench::new(), server, attempt, listener };
        let first = story.run(&story.attempt).await;
        (story, first)
    }

    /// One call of a runner that is read anew from its file each time, as after a restart.
    async fn run(&self, attempt: &Attempt) -> Outcome {
        Runner::Http(runner(KEYS)).run(&self.bench.tools, attempt).await.expect("an outcome")
    }

    async fn look(&self, before: &Outcome) -> Outcome {
        self.bench.tools.clock.advance(Span::from_secs(5));
        self.run(&resumed(&self.attempt, before)).await
    }

    fn percents(&mut self) -> Vec<u8> {
        told(&mut self.listener).into_iter().filter_map(|progress| progress.percent).collect()
    }
}

fn state(state: &str, percent: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"state": state, "percent": percent}))
}

#[tokio::test]
async fn a_poll_goes_on_until_the_work_is_done() {
    let ready = json!({"id": "another", "state": "ready", "url": "postgres://h/db"});
    let answers =
        vec![state("new", json!(10)), state("new", json!(60)), ResponseTemplate::new(200).set_body_json(ready)];
    let (mut story, mut outcome) = Story::begin(answers).await;
    assert!(matches!(outcome.status, Status::Waiting { again_at, .. } if again_at == START + 5000));
    assert_eq!(outcome.outputs.get("id"), Some(&json!("db-1")), "known before it is done, for the way back");
    for _ in 0..2 {
        outcome = story.look(&outcome).await;
        assert!(matches!(outcome.status, Status::Waiting { .. }));
    }
    outcome = story.look(&outcome).await;
    assert_eq!(outcome.status, Status::Done);
    assert_eq!(Value::Object(outcome.outputs), json!({"id": "db-1", "url": "postgres://h/db"}));
    assert_eq!(outcome.link, None, "no web address");
    assert_eq!(story.percents(), [10, 60]);
    let looks = story.server.received_requests().await.expect("recorded");
    let looks = looks.iter().filter(|request| request.method.as_str() == "GET");
    assert!(looks.into_iter().all(|look| !look.headers.contains_key("idempotency-key")));
}

#[tokio::test]
async fn d3_nonsense_does_not_move_the_bar_back_nor_out_of_bounds() {
    let said = [json!(50), json!(20), json!(900), json!(-5), json!("x"), json!(null)];
    let (mut story, mut outcome) = Story::begin(said.iter().map(|p| state("???", p.clone())).collect()).await;
    for _ in &said {
        outcome = story.look(&outcome).await;
        assert!(matches!(outcome.status, Status::Waiting { .. }), "{outcome:?}");
    }
    assert_eq!(story.percents(), [50, 50, 100, 100]);
}

#[tokio::test]
async fn d3_troubles_of_the_other_side_pass_until_the_deadline() {
    let answers = vec![
        ResponseTemplate::new(503).insert_header("retry-after", "60"),
        ResponseTemplate::new(404),
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_json(json!([1, 2])),
        ResponseTemplate::new(429),
    ];
    let (story, mut outcome) = Story::begin(answers).await;
    outcome = story.look(&outcome).await;
    assert!(matches!(outcome.status, Status::Waiting { again_at, .. } if again_at == START + 5000 + 60_000));
    for _ in 0..4 {
        outcome = story.look(&outcome).await;
        assert!(matches!(outcome.status, Status::Waiting { .. }), "{outcome:?}");
    }
    story.bench.tools.clock.advance(Span::from_secs(600));
    outcome = story.look(&outcome).await;
    assert_eq!(outcome.status, failed(false, false));
    assert_eq!(outcome.summary, "it was not done in time; the last look at 127.0.0.1 saw: 404 Not Found");
    assert_eq!(outcome.outputs.get("id"), Some(&json!("db-1")));
}

#[tokio::test]
async fn d3_work_that_ended_while_nobody_looked_is_done() {
    let (story, outcome) =
        Story::begin(vec![ResponseTemplate::new(200).set_body_json(json!({"state": "ready", "url": "u"}))]).await;
    story.bench.tools.clock.advance(Span::from_secs(86_400));
    assert_eq!(story.look(&outcome).await.status, Status::Done);
}

#[tokio::test]
async fn d3_a_failure_is_told_in_the_other_sides_words() {
    let body = json!({"state": "failed", "message": "no room for hunter22"});
    let (story, outcome) = Story::begin(vec![ResponseTemplate::new(200).set_body_json(body)]).await;
    let outcome = story.look(&outcome).await;
    assert_eq!((outcome.status, outcome.summary.as_str()), (failed(false, false), "no room for ••••••"));
    assert_eq!(outcome.outputs.get("id"), Some(&json!("db-1")));
    let (story, outcome) = Story::begin(vec![ResponseTemplate::new(401)]).await;
    let outcome = story.look(&outcome).await;
    assert_eq!(outcome.summary, "how far it is cannot be seen: 401 Unauthorized");
}

#[tokio::test]
async fn a_start_that_cannot_be_followed_says_so() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(202)).mount(&server).await;
    let (attempt, _) = attempt(json!({"env": {"API": server.uri()}}));
    let outcome = Runner::Http(runner(KEYS)).run(&Bench::new().tools, &attempt).await.expect("an outcome");
    assert_eq!(outcome.status, failed(false, false));
    assert!(outcome.summary.contains("no value `steps.provision.id`"), "{}", outcome.summary);
}
