//! The `github-workflow` runner against GitHub's API as its documentation shows it.

use serde_json::{Value, json};
use stationmaster::clock::Span;
use stationmaster::runner::{Attempt, Outcome, Runner, Status};
use wiremock::matchers::{body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Bench, START, Server, attempt, failed, is_refused, resumed, runner, told};

const KEYS: &str = r#"
    repository = "acme/{{name}}"
    workflow = "deploy.yml"
    inputs = { environment = "{{environment}}" }
    token = "{{secret.GITHUB}}"
    api_url = "{{env.GITHUB}}"
"#;
const ACTIONS: &str = "/api/v3/repos/acme/orders/actions";

/// A GitHub, and an attempt to run a workflow there.
struct Github {
    server: MockServer,
    bench: Bench,
    attempt: Attempt,
    keys: String,
}

impl Github {
    async fn new(more: &str) -> Self {
        let server = MockServer::start().await;
        let values = values(&server.uri(), "orders");
        Self { server, bench: Bench::new(), attempt: attempt(values).0, keys: format!("{KEYS}\n{more}") }
    }

    async fn on(&self, verb: &str, at: &str, answer: ResponseTemplate) {
        let mock = Mock::given(method(verb))
            .and(path(format!("{ACTIONS}{at}")))
            .and(header("authorization", "Bearer hunter22"));
        mock.and(header("x-github-api-version", "2022-11-28"))
            .respond_with(answer)
            .up_to_n_times(1)
            .mount(&self.server)
            .await;
    }

    /// The workflow is started as GitHub does since it tells which run it is.
    async fn start(&self) -> Outcome {
        let details = json!({"workflow_run_id": 42, "run_url": "https://api.github.com/x", "html_url": "https://github.com/acme/orders/actions/runs/42"});
        self.on("POST", "/workflows/deploy.yml/dispatches", json_answer(details)).await;
        self.run(&self.attempt).await
    }

    async fn run(&self, attempt: &Attempt) -> Outcome {
        self.runner().run(&self.bench.tools, attempt).await.expect("an outcome")
    }

    async fn look(&self, before: &Outcome) -> Outcome {
        self.bench.tools.clock.advance(Span::from_secs(10));
        self.run(&resumed(&self.attempt, before)).await
    }

    fn runner(&self) -> Runner {
        Runner::GithubWorkflow(runner(&self.keys))
    }

    async fn recover(&self, attempt: &Attempt) -> Outcome {
        self.runner().recover(&self.bench.tools, attempt).await.expect("an outcome")
    }

    async fn count(&self, verb: &str, ending: &str) -> usize {
        let received = self.server.received_requests().await.expect("recorded");
        received.iter().filter(|call| call.method.as_str() == verb && call.url.path().ends_with(ending)).count()
    }
}

fn values(server: &str, name: &str) -> Value {
    json!({"env": {"GITHUB": format!("{server}/api/v3/")}, "secret": {"GITHUB": "hunter22"},
        "name": name, "environment": "prod"})
}

fn json_answer(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn run_is(status: &str, conclusion: Value) -> ResponseTemplate {
    let link = "https://github.com/acme/orders/actions/runs/42";
    json_answer(
        json!({"id": 42, "status": status, "conclusion": conclusion, "html_url": link, "display_title": "Deploy"}),
    )
}

fn listed(title: &str, created: &str) -> Value {
    json!({"id": 42, "status": "queued", "conclusion": null, "html_url": "https://github.com/r/42", "name": "Deploy",
        "display_title": title, "created_at": created})
}

fn is_waiting(outcome: &Outcome) -> bool {
    matches!(outcome.status, Status::Waiting { .. })
}

#[tokio::test]
async fn a_workflow_is_started_and_followed_to_its_end() {
    let mut github = Github::new("ref = 'release'").await;
    let (progress, mut listener) = tokio::sync::mpsc::unbounded_channel();
    github.attempt.progress = progress;
    let sent = json!({"ref": "release", "inputs": {"environment": "prod"}, "return_run_details": true});
    let expected = Mock::given(method("POST")).and(body_json(sent));
    let details = json!({"workflow_run_id": 42, "html_url": "https://github.com/acme/orders/actions/runs/42"});
    expected.respond_with(json_answer(details)).expect(1).mount(&github.server).await;
    let begun = github.run(&github.attempt).await;
    assert!(matches!(begun.status, Status::Waiting { again_at, .. } if again_at == START + 10_000), "{begun:?}");
    assert_eq!(begun.link.as_deref(), Some("https://github.com/acme/orders/actions/runs/42"));

    github.on("GET", "/runs/42", run_is("queued", json!(null))).await;
    let queued = github.look(&begun).await;
    let step = |name: &str, status: &str| json!({"name": name, "status": status});
    let steps = json!([
        step("Set up", "completed"),
        step("Test", "in_progress"),
        step("Push", "queued"),
        step("End", "queued")
    ]);
    github.on("GET", "/runs/42", run_is("in_progress", json!(null))).await;
    github
        .on(
            "GET",
            "/runs/42/jobs",
            json_answer(json!({"jobs": [{"name": "build", "status": "in_progress", "steps": steps}]})),
        )
        .await;
    let running = github.look(&queued).await;
    assert!(is_waiting(&running));
    let last = told(&mut listener).pop().expect("progress");
    assert_eq!((last.percent, last.label.as_str()), (Some(25), "Test"));

    github.on("GET", "/runs/42", run_is("completed", json!("success"))).await;
    let done = github.look(&running).await;
    assert_eq!(done.status, Status::Done);
    let outputs =
        json!({"run_id": 42, "url": "https://github.com/acme/orders/actions/runs/42", "conclusion": "success"});
    assert_eq!(Value::Object(done.outputs), outputs);
}

#[tokio::test]
async fn a_failure_names_the_step_that_failed() {
    for conclusion in ["failure", "cancelled", "timed_out", "skipped", "action_required", "unheard-of"] {
        let github = Github::new("").await;
        let begun = github.start().await;
        github.on("GET", "/runs/42", run_is("completed", json!(conclusion))).await;
        let steps = json!([{"name": "Test", "status": "completed", "conclusion": "failure"}]);
        let jobs = json!({"jobs": [{"name": "build", "status": "completed", "conclusion": "failure", "steps": steps}]});
        github.on("GET", "/runs/42/jobs", json_answer(jobs)).await;
        let outcome = github.look(&begun).await;
        assert_eq!(outcome.status, failed(false, false));
        assert_eq!(outcome.summary, format!("the run ended: {conclusion} (build, step Test)"));
    }
}

#[tokio::test]
async fn troubles_of_the_api_pass() {
    let github = Github::new("").await;
    let mut outcome = github.start().await;
    let limited = ResponseTemplate::new(403).insert_header("x-ratelimit-remaining", "0");
    for answer in [
        ResponseTemplate::new(502),
        ResponseTemplate::new(404),
        limited,
        ResponseTemplate::new(200).set_body_string("<html>"),
    ] {
        github.on("GET", "/runs/42", answer).await;
        outcome = github.look(&outcome).await;
        assert!(is_waiting(&outcome), "{outcome:?}");
    }
    github
        .on("GET", "/runs/42", ResponseTemplate::new(401).set_body_json(json!({"message": "Bad credentials hunter22"})))
        .await;
    outcome = github.look(&outcome).await;
    assert_eq!(outcome.summary, "how far the run is cannot be seen: 401 Unauthorized: Bad credentials ••••••");
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_cancelled() {
    let github = Github::new("").await;
    let begun = github.start().await;
    github.bench.tools.clock.advance(Span::from_secs(600));
    github.on("GET", "/runs/42", run_is("in_progress", json!(null))).await;
    github.on("POST", "/runs/42/cancel", ResponseTemplate::new(202)).await;
    let outcome = github.look(&begun).await;
    assert_eq!(outcome.summary, "the run was not done in time, and was cancelled; the last look saw: in_progress");
    assert_eq!(github.count("POST", "/cancel").await, 1);
}

#[tokio::test]
async fn a_cancelled_request_cancels_its_run() {
    let github = Github::new("").await;
    let begun = github.start().await;
    github.on("POST", "/runs/42/cancel", ResponseTemplate::new(202)).await;
    github.attempt.cancel.cancel();
    let waiting = resumed(&github.attempt, &begun);
    let outcome = github.runner().cancel(&github.bench.tools, &waiting).await.expect("an outcome");
    assert_eq!((outcome.status, outcome.summary.as_str()), (failed(false, false), "the run was cancelled"));
    github.on("POST", "/runs/42/cancel", ResponseTemplate::new(409)).await;
    let late = github.runner().cancel(&github.bench.tools, &waiting).await.expect("an outcome");
    assert_eq!((late.status, late.summary.as_str()), (Status::Unknown, "the run could not be cancelled: 409 Conflict"));
    assert!(is_waiting(&github.run(&waiting).await), "a shutdown changes nothing there");
}

#[tokio::test]
async fn an_older_github_is_asked_in_its_own_way() {
    let github = Github::new("key_input = 'key'").await;
    let unknown = json!({"message": "Invalid request.\n\n\"return_run_details\" is not a permitted key."});
    github.on("POST", "/workflows/deploy.yml/dispatches", ResponseTemplate::new(422).set_body_json(unknown)).await;
    github.on("POST", "/workflows/deploy.yml/dispatches", ResponseTemplate::new(204)).await;
    let begun = github.run(&github.attempt).await;
    let received = github.server.received_requests().await.expect("recorded");
    let second: Value = serde_json::from_slice(&received[1].body).expect("JSON");
    assert_eq!(second, json!({"ref": "main", "inputs": {"environment": "prod", "key": "req_1-provision"}}));

    let old = listed("Deploy req_1-provision", "2020-01-01T00:00:00Z");
    let others =
        [listed("Deploy req_1-provision-undo", "2099-01-01T00:00:00Z"), listed("Deploy", "2099-01-01T00:00:00Z"), old];
    github.on("GET", "/workflows/deploy.yml/runs", json_answer(json!({"workflow_runs": others}))).await;
    let searching = github.look(&begun).await;
    assert!(is_waiting(&searching), "none of these is ours: {searching:?}");
    let ours = listed("Deploy req_1-provision", "2099-01-01T00:00:00Z");
    github.on("GET", "/workflows/deploy.yml/runs", json_answer(json!({"workflow_runs": [ours]}))).await;
    github.on("GET", "/runs/42", run_is("completed", json!("success"))).await;
    assert_eq!(github.look(&searching).await.status, Status::Done);
}

#[tokio::test]
async fn without_a_key_an_older_githubs_run_is_not_guessed() {
    let github = Github::new("").await;
    github.on("POST", "/workflows/deploy.yml/dispatches", ResponseTemplate::new(204)).await;
    let outcome = github.run(&github.attempt).await;
    assert_eq!(outcome.status, Status::Unknown);
    assert!(outcome.summary.contains("key_input"), "{}", outcome.summary);
    assert_eq!(github.recover(&github.attempt).await.status, Status::Unknown);
}

#[tokio::test]
async fn d7_an_interrupted_start_is_found_by_its_key() {
    let github = Github::new("key_input = 'key'").await;
    let runs = json_answer(json!({"workflow_runs": [listed("Deploy (req_1-provision)", "2020-01-01T00:00:00Z")]}));
    let search = Mock::given(method("GET")).and(query_param("event", "workflow_dispatch"));
    search.and(path(format!("{ACTIONS}/workflows/deploy.yml/runs"))).respond_with(runs).mount(&github.server).await;
    github.on("GET", "/runs/42", run_is("in_progress", json!(null))).await;
    let found = github.recover(&github.attempt).await;
    assert!(is_waiting(&found) && found.link.is_some(), "{found:?}");
    assert_eq!(github.count("POST", "dispatches").await, 0, "it is not started again");
}

#[tokio::test]
async fn d7_a_start_that_left_no_run_is_uncertain() {
    let github = Github::new("key_input = 'key'").await;
    let none = json_answer(json!({"workflow_runs": []}));
    Mock::given(method("GET")).respond_with(none).mount(&github.server).await;
    let searching = github.recover(&github.attempt).await;
    assert!(is_waiting(&searching), "a run takes a moment to appear");
    github.bench.tools.clock.advance(Span::from_secs(120));
    assert_eq!(github.look(&searching).await.status, Status::Unknown);
}

#[tokio::test]
async fn a_refused_or_lost_start_says_what_may_have_happened() {
    let limited = ResponseTemplate::new(403).insert_header("retry-after", "30");
    let wait = Status::Failed { transient: true, untouched: true, retry_after: Some(Span::from_secs(30)) };
    for (answer, status) in [
        (ResponseTemplate::new(404), failed(false, false)),
        (ResponseTemplate::new(422).set_body_json(json!({"message": "No ref found"})), Status::Declined),
        (limited, wait),
        (ResponseTemplate::new(500), failed(true, false)),
    ] {
        let github = Github::new("").await;
        github.on("POST", "/workflows/deploy.yml/dispatches", answer).await;
        assert_eq!(github.run(&github.attempt).await.status, status);
        assert_eq!(github.count("POST", "dispatches").await, 1);
    }
    let silent = Server::new(|stream| async move { drop(stream) }).await;
    let bench = Bench::new();
    let (lost, _) = attempt(values(&silent.url(), "orders"));
    let run =
        async |keys: &str| Runner::GithubWorkflow(runner(keys)).run(&bench.tools, &lost).await.expect("an outcome");
    assert_eq!(run(KEYS).await.status, Status::Unknown);
    assert!(is_waiting(&run(&format!("{KEYS}\nkey_input = 'key'")).await), "its run can be looked for");
}

#[tokio::test]
async fn c5_a_value_stays_in_its_segment() {
    let github = Github::new("").await;
    for name in ["../x", "a/b", "a?b", "..", "", "a b", "a%2fb"] {
        let attempt = Attempt { values: values(&github.server.uri(), name), ..github.attempt.clone() };
        assert!(is_refused(&github.run(&attempt).await), "{name}");
    }
    assert!(github.server.received_requests().await.expect("recorded").is_empty());
}

#[test]
fn the_check_and_the_plan_know_its_keys() {
    let tools = Bench::new().tools;
    let found = Runner::GithubWorkflow(runner(KEYS)).inspect(&tools);
    assert!(found.mistakes.is_empty(), "{:?}", found.mistakes);
    assert!(found.reads.contains(&("inputs.environment".to_owned(), vec!["environment".to_owned()])));
    assert_eq!(found.outputs.expect("fixed"), ["run_id", "url", "conclusion"]);
    let twice = KEYS.replace("acme/{{name}}", "acme") + "key_input = 'environment'";
    assert_eq!(Runner::GithubWorkflow(runner(&twice)).inspect(&tools).mistakes.len(), 2);
    let (attempt, _) = attempt(values("https://h", "orders"));
    let line = Runner::GithubWorkflow(runner(KEYS)).plan(&attempt.values, &attempt.mask).expect("a line");
    assert_eq!(line, "run deploy.yml of acme/orders at main with environment=prod");
}
