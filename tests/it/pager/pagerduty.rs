//! PagerDuty: what it demands of a call, and what the pager makes of its answers.

use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use stationmaster::clock::Span;
use stationmaster::pager::{Act, Kind, Provider, Severity};

use super::fake::{Call, Fake, Fault, World, misfits, parts, said};
use super::{Desk, alert};

pub const TOKEN: &str = "y_NbAkKc66ryYTWUXYEu";
pub const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";
pub const SCHEDULE: &str = "PI7DH85";

/// PagerDuty's answer.
pub fn answer(world: &mut World, call: &Call) -> Response {
    let (method, path, query) = parts(&call.line);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match (method.as_str(), path.as_slice()) {
        ("POST", ["v2", "enqueue"]) => enqueue(world, call),
        ("GET", ["oncalls"]) => rest(world, call).unwrap_or_else(|| on_calls(world, call, &query)),
        ("GET", ["schedules", id]) => rest(world, call).unwrap_or_else(|| schedule(world, id)),
        _ => said(404, json!({ "error": { "message": "Not Found", "code": 2100 } })),
    }
}

/// What every call of the REST API needs; an answer if it is refused.
fn rest(world: &mut World, call: &Call) -> Option<Response> {
    let header = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header("accept") != "application/vnd.pagerduty+json;version=2" {
        world.complain(call, [format!("accept is {:?}", header("accept"))]);
    }
    let is_known = header("authorization") == format!("Token token={TOKEN}");
    // The real one answers in HTML.
    (!is_known).then(|| (hyper::StatusCode::UNAUTHORIZED, "<h1>Unauthorized</h1>").into_response())
}

fn on_calls(world: &mut World, call: &Call, query: &[(String, String)]) -> Response {
    let of = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let known = ["schedule_ids[]", "include[]", "earliest", "time_zone", "since", "until", "limit", "offset"];
    let unknown =
        query.iter().filter(|(key, _)| !known.contains(&key.as_str())).map(|(key, _)| format!("what is {key}?"));
    world.complain(call, unknown.collect::<Vec<_>>());
    if (of("include[]"), of("earliest")) != (Some("users"), Some("true")) {
        world.complain(call, ["it asks for more or less than it needs".to_owned()]);
    }
    let oncalls = of("schedule_ids[]").and_then(|id| world.schedules.get(id)).cloned().unwrap_or(json!([]));
    said(200, json!({ "oncalls": oncalls, "limit": 25, "offset": 0, "more": false, "total": null }))
}

fn schedule(world: &World, id: &str) -> Response {
    if world.schedules.contains_key(id) {
        return said(200, json!({ "schedule": { "id": id, "type": "schedule", "name": "Daily Rotation" } }));
    }
    said(404, json!({ "error": { "message": "Not Found", "code": 2100 } }))
}

fn enqueue(world: &mut World, call: &Call) -> Response {
    let errors = mistakes(call);
    if !errors.is_empty() {
        world.complain(call, errors.clone());
        let body = json!({ "status": "invalid event", "message": "Event object is invalid", "errors": errors });
        return said(400, body);
    }
    let key = call.body["dedup_key"].as_str().unwrap_or_default();
    world.told(key, call.body["event_action"].as_str().unwrap_or_default());
    said(202, json!({ "status": "success", "message": "Event processed", "dedup_key": key }))
}

fn mistakes(call: &Call) -> Vec<String> {
    let body = &call.body;
    let fields = [("routing_key", 32), ("event_action", 11), ("dedup_key", 255), ("client", 100), ("client_url", 2048)];
    let mut errors = misfits(body, &[&fields[..], &[("payload", 0), ("links", 0), ("images", 0)]].concat());
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let mut demand = |met: bool, what: &str| {
        if !met {
            errors.push(what.to_owned());
        }
    };
    let json = call.headers.get("content-type").is_some_and(|kind| kind == "application/json");
    demand(json, "Content-Type must be application/json");
    demand(text(body, "routing_key").len() == 32, "Length of 'routing_key' is incorrect (should be 32 characters)");
    demand(text(body, "routing_key") == ROUTING_KEY, "Invalid routing key");
    let action = text(body, "event_action");
    demand(["trigger", "acknowledge", "resolve"].contains(&action.as_str()), "'event_action' is invalid");
    demand(!text(body, "dedup_key").is_empty(), "'dedup_key' is missing or blank");
    if action == "trigger" {
        let payload = &body["payload"];
        demand(!text(payload, "summary").is_empty(), "'payload.summary' is missing or blank");
        demand(!text(payload, "source").is_empty(), "'payload.source' is missing or blank");
        let severities = ["critical", "warning", "error", "info"];
        demand(severities.contains(&text(payload, "severity").as_str()), "'payload.severity' is invalid");
        demand(payload["custom_details"].is_object(), "'payload.custom_details' is no object");
        errors.extend(misfits(
            payload,
            &[("summary", 1024), ("source", 1024), ("severity", 8), ("custom_details", 0), ("timestamp", 40)],
        ));
    }
    errors
}

/// Somebody on call, as PagerDuty writes it.
pub fn entry(user: (&str, &str), level: i64, end: Option<&str>) -> Value {
    let (id, name) = user;
    json!({
        "user": { "id": id, "type": "user", "summary": name, "name": name, "email": format!("{id}@example.org") },
        "schedule": { "id": SCHEDULE, "type": "schedule_reference", "summary": "Daily Rotation" },
        "escalation_policy": { "id": "PT20YPA", "type": "escalation_policy_reference" },
        "escalation_level": level,
        "start": "2027-01-14T08:00:00Z",
        "end": end,
    })
}

async fn desk() -> Desk {
    Desk::open("[team.data.oncall.pagerduty]\nschedule = 'PI7DH85'\nrouting_key = '0123456789abcdef0123456789abcdef'")
        .await
}

#[tokio::test]
async fn an_alert_is_opened_acknowledged_and_resolved_under_one_key() {
    let desk = desk().await;
    for act in Act::ALL {
        desk.pager.tell("data", act, &alert("esc_1")).await.expect("told");
    }
    assert_eq!(desk.fake.told("esc_1"), ["trigger", "acknowledge", "resolve"]);
    assert_eq!(desk.pager.alerted("data"), Some(Provider::PagerDuty));
    let calls = desk.fake.calls();
    assert_eq!(calls[0].body["payload"]["custom_details"]["Requester"], "ada");
    assert_eq!(calls[0].body["payload"]["severity"], "error");
    assert!(calls.iter().all(|call| !call.headers.contains_key("authorization")), "events carry their own key");
    desk.close();
}

#[tokio::test]
async fn a_summary_is_cut_to_what_is_taken() {
    let desk = desk().await;
    let mut long = alert("esc_1");
    (long.title, long.severity) = ("ö".repeat(2000), Severity::Critical);
    desk.pager.tell("data", Act::Trigger, &long).await.expect("told");
    let payload = desk.fake.calls()[0].body["payload"].clone();
    assert_eq!(payload["summary"].as_str().map(|summary| summary.chars().count()), Some(1024));
    assert_eq!(payload["severity"], "critical");
    desk.close();
}

#[tokio::test]
async fn whoever_is_on_call_is_the_person_of_that_id() {
    let desk = desk().await;
    let second = entry(("PXX0001", "Somebody Else"), 2, None);
    let first = entry(("PT23IWX", "Ada at PagerDuty"), 1, Some("2027-01-15T09:00:00+01:00"));
    desk.fake.put_on_call(SCHEDULE, json!([second, first]));
    let on_call = desk.pager.on_call("data").await.expect("an answer").expect("somebody");
    assert_eq!(on_call.person.as_deref(), Some("ada"));
    assert_eq!((on_call.id.as_str(), on_call.name.as_str()), ("PT23IWX", "Ada at PagerDuty"));
    assert_eq!(on_call.until, Some(1_799_999_999_999 / 3_600_000 * 3_600_000));
    assert_eq!(desk.pager.schedule("data").await.expect("an answer").as_deref(), Some("Daily Rotation"));
    desk.close();
}

#[tokio::test]
async fn somebody_whom_nobody_knows_is_still_named() {
    let desk = desk().await;
    // A mere reference, as PagerDuty sends it for users that the token may not see.
    let reference =
        json!({ "user": { "id": "PXX0001", "type": "user_reference", "summary": "Tim" }, "start": null, "end": null });
    desk.fake.put_on_call(SCHEDULE, json!([reference]));
    let on_call = desk.pager.on_call("data").await.expect("an answer").expect("somebody");
    assert_eq!((on_call.person, on_call.name.as_str(), on_call.until), (None, "Tim", None));
    desk.close();
}

#[tokio::test]
async fn a_storm_asks_once_a_minute() {
    let desk = desk().await;
    desk.fake.put_on_call(SCHEDULE, json!([entry(("PT23IWX", "Ada"), 1, None)]));
    let all = futures::future::join_all((0..20).map(|_| desk.pager.on_call("data"))).await;
    assert!(all.iter().all(|said| said.as_ref().is_ok_and(Option::is_some)));
    assert_eq!(desk.fake.calls().len(), 1);
    desk.clock.advance(Span::from_secs(59));
    desk.pager.on_call("data").await.expect("an answer");
    assert_eq!(desk.fake.calls().len(), 1);
    desk.clock.advance(Span::from_secs(1));
    desk.fake.put_on_call(SCHEDULE, json!([]));
    assert_eq!(desk.pager.on_call("data").await, Ok(None), "nobody is on call now");
    assert_eq!(desk.fake.calls().len(), 2);
    desk.close();
}

#[tokio::test]
async fn a_service_that_is_down_is_left_alone_for_a_while() {
    let desk = desk().await;
    desk.fake.put_on_call(SCHEDULE, json!([entry(("PT23IWX", "Ada"), 1, None)]));
    desk.fake.fail([Fault::Status(503, Some(("retry-after", "40")), "")]);
    for _ in 0..5 {
        let fault = desk.pager.on_call("data").await.expect_err("a fault");
        assert_eq!(fault.to_string(), "PagerDuty did not answer (503)");
        assert!(fault.passes());
    }
    assert_eq!(desk.fake.calls().len(), 1);
    desk.clock.advance(Span::from_secs(40));
    assert!(desk.pager.on_call("data").await.expect("an answer").is_some());
    desk.close();
}

#[tokio::test]
async fn f24_a_limit_is_waited_for_with_sense() {
    let desk = desk().await;
    let waits = [
        (Some(("retry-after", "7")), Some(7)),
        (Some(("ratelimit-reset", "12")), Some(12)),
        (Some(("ratelimit-reset", "99999999")), Some(300)),
        (Some(("ratelimit-reset", "-3")), None),
        (Some(("ratelimit-reset", "Thu, 01 Jan 1903 00:00:00 GMT")), None),
        (Some(("retry-after", "86400")), Some(300)),
        (Some(("retry-after", "-5")), None),
        (Some(("retry-after", "soon")), None),
        (None, None),
    ];
    for (header, wait) in waits {
        desk.fake.fail([Fault::Status(429, header, "")]);
        let fault = desk.pager.tell("data", Act::Trigger, &alert("esc_1")).await.expect_err("a fault");
        assert_eq!(fault.wait(), wait.map(Span::from_secs), "{header:?}");
        assert!(fault.passes() && matches!(fault.kind, Kind::Busy { .. }), "{fault:?}");
    }
    assert_eq!(desk.fake.told("esc_1"), Vec::<String>::new());
    desk.close();
}

#[tokio::test]
async fn what_cannot_pass_is_told_from_what_can() {
    let desk = desk().await;
    let cases: [(u16, &str, &str, bool); 7] = [
        (
            400,
            r#"{"status":"invalid event","errors":["Invalid routing key"]}"#,
            "PagerDuty could not be told: 400: Invalid routing key",
            false,
        ),
        (401, "<h1>no</h1>", "PagerDuty refuses the token (401)", false),
        (403, "{}", "PagerDuty refuses the token (403)", false),
        (408, "", "PagerDuty did not answer (408)", true),
        (500, "", "PagerDuty did not answer (500)", true),
        (504, "", "PagerDuty did not answer (504)", true),
        (302, "", "PagerDuty could not be told: 302 Found", false),
    ];
    for (status, body, words, passes) in cases {
        desk.fake.fail([Fault::Status(status, None, body)]);
        let fault = desk.pager.tell("data", Act::Trigger, &alert("esc_1")).await.expect_err("a fault");
        assert_eq!((fault.to_string().as_str(), fault.passes()), (words, passes));
    }
    desk.close();
}

#[tokio::test]
async fn c9_no_word_of_the_service_shows_a_key() {
    let desk = desk().await;
    let echo = r#"{"errors":["0123456789abcdef0123456789abcdef is not y_NbAkKc66ryYTWUXYEu"]}"#;
    desk.fake.fail([Fault::Status(400, None, echo)]);
    let fault = desk.pager.tell("data", Act::Trigger, &alert("esc_1")).await.expect_err("a fault");
    assert_eq!(fault.to_string(), "PagerDuty could not be told: 400: •••••• is not ••••••");
    assert!(!format!("{:?}", desk.pager).contains("0123456789abcdef"));
}

#[tokio::test]
async fn an_answer_that_is_none_is_a_fault() {
    for body in [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"oncalls":{}}"#,
        r#"{"oncalls":[{"user":{}}]}"#,
        r#"{"oncalls":[{"user":{"id":"P1"},"end":"soon"}]}"#,
    ] {
        let desk = desk().await;
        desk.fake.fail([Fault::Status(200, None, body)]);
        let fault = desk.pager.on_call("data").await.expect_err("a fault");
        assert_eq!((fault.kind, fault.provider), (Kind::Unreadable, Provider::PagerDuty), "{body}");
    }
}

#[tokio::test]
async fn a_service_that_hangs_is_not_waited_for() {
    let desk = desk().await;
    desk.fake.fail([Fault::Hang]);
    let fault = desk.pager.on_call("data").await.expect_err("a fault");
    assert_eq!(fault.to_string(), "PagerDuty did not answer (127.0.0.1 did not answer in time)");
}

#[tokio::test]
async fn a_wrong_token_and_a_wrong_schedule_are_told_apart() {
    let fake = Fake::start().await;
    let wrong = Desk::at(&fake, "[pagerduty]\ntoken = 'wrong'\n[team.data.oncall.pagerduty]\nschedule = 'PI7DH85'");
    assert_eq!(
        wrong.pager.schedule("data").await.expect_err("a fault").to_string(),
        "PagerDuty refuses the token (401)"
    );
    assert_eq!(wrong.pager.alerted("data"), None, "it has no routing key");
    let lost = Desk::at(&fake, "[team.data.oncall.pagerduty]\nschedule = '../users'");
    let fault = lost.pager.schedule("data").await.expect_err("a fault");
    assert_eq!(fault.to_string(), "PagerDuty knows no schedule ../users");
    assert_eq!(fake.lines().last().map(String::as_str), Some("GET /schedules/%2E%2E%2Fusers"));
    fake.close();
}
