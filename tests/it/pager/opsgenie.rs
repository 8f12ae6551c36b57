//! Opsgenie: what it demands of a call, and what the pager makes of its answers.

use axum::response::Response;
use serde_json::{Value, json};
use stationmaster::pager::{Act, Kind, Provider, Severity};

use super::fake::{Call, Fake, Fault, World, misfits, parts, said};
use super::{Desk, alert};

/// The key that reads schedules.
pub const API_KEY: &str = "11111111-aaaa-4bbb-8ccc-000000000001";
/// The key of the integration that takes alerts.
pub const TEAM_KEY: &str = "22222222-aaaa-4bbb-8ccc-000000000002";

/// Opsgenie's answer.
pub fn answer(world: &mut World, call: &Call) -> Response {
    let (method, path, query) = parts(&call.line);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let key = call.headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("GenieKey "));
    let key = key.unwrap_or_default();
    if uuid::Uuid::try_parse(key).is_err() {
        return refusal(422, "Key format is not valid!");
    }
    if ![API_KEY, TEAM_KEY].contains(&key) {
        return refusal(401, "Could not authenticate");
    }
    if path.get(1) == Some(&"schedules") && key != API_KEY {
        return refusal(403, "To perform this action, use an API key from an API integration.");
    }
    match (method.as_str(), path.as_slice()) {
        ("POST", ["v2", "alerts"]) => create(world, call),
        ("POST", ["v2", "alerts", alias, verb @ ("acknowledge" | "close")]) => act(world, call, (alias, verb), &query),
        ("GET", ["v2", "schedules", id, "on-calls"]) => on_calls(world, call, id, &query),
        ("GET", ["v2", "schedules", id]) if world.schedules.contains_key(*id) => said(
            200,
            json!({ "data": { "id": id, "name": "Nights and days", "enabled": true }, "took": 0.1, "requestId": "r" }),
        ),
        ("GET", ["v2", "schedules", id]) => refusal(404, &format!("No schedule exists with id [{id}]")),
        _ => refusal(404, "Resource not found"),
    }
}

fn refusal(status: u16, message: &str) -> Response {
    said(status, json!({ "message": message, "took": 0.0, "requestId": "a574eb09" }))
}

fn accepted() -> Response {
    said(202, json!({ "result": "Request will be processed", "took": 0.302, "requestId": "43a29c5c" }))
}

fn create(world: &mut World, call: &Call) -> Response {
    let body = &call.body;
    let fields =
        [("message", 130), ("alias", 512), ("description", 15_000), ("source", 100), ("priority", 2), ("entity", 512)];
    let mut errors = misfits(body, &[&fields[..], &[("responders", 0), ("details", 0), ("tags", 0)]].concat());
    if body["message"].as_str().is_none_or(str::is_empty) {
        errors.push("Message can not be empty.".into());
    }
    if !["P1", "P2", "P3", "P4", "P5"].contains(&body["priority"].as_str().unwrap_or("P3")) {
        errors.push("Priority is invalid.".into());
    }
    let details = body["details"].as_object().cloned().unwrap_or_default();
    let size: usize =
        details.iter().map(|(k, v)| k.chars().count() + v.as_str().map_or(9999, |v| v.chars().count())).sum();
    if size > 8000 {
        errors.push("Details exceed 8000 characters.".into());
    }
    for responder in body["responders"].as_array().into_iter().flatten() {
        let is_schedule =
            responder["type"] == "schedule" && (responder["id"].is_string() || responder["name"].is_string());
        if !is_schedule {
            errors.push(format!("this is no responder: {responder}"));
        }
    }
    if !errors.is_empty() {
        world.complain(call, errors.clone());
        let errors: Value =
            errors.into_iter().enumerate().map(|(n, error)| (n.to_string(), Value::from(error))).collect();
        let message = "Request body is not processable. Please check the errors.";
        return said(422, json!({ "message": message, "errors": errors, "took": 0.1, "requestId": "r" }));
    }
    world.told(body["alias"].as_str().unwrap_or_default(), "trigger");
    accepted()
}

fn act(world: &mut World, call: &Call, (alias, verb): (&str, &str), query: &[(String, String)]) -> Response {
    if query != [("identifierType".to_owned(), "alias".to_owned())] {
        world.complain(call, ["the alert is not looked for by its alias".to_owned()]);
    }
    world.complain(call, misfits(&call.body, &[("user", 100), ("source", 100), ("note", 25_000)]));
    world.told(alias, if verb == "close" { "resolve" } else { verb });
    accepted()
}

fn on_calls(world: &mut World, call: &Call, id: &str, query: &[(String, String)]) -> Response {
    let kind = if uuid::Uuid::try_parse(id).is_ok() { "id" } else { "name" };
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    if query != [own("scheduleIdentifierType", kind), own("flat", "true")] {
        world.complain(call, [format!("the query is {query:?}")]);
    }
    let Some(recipients) = world.schedules.get(id) else {
        return refusal(404, &format!("No schedule exists with {kind} [{id}]"));
    };
    let data = json!({ "_parent": { "id": "d875", "name": id, "enabled": true }, "onCallRecipients": recipients });
    said(200, json!({ "data": data, "took": 0.073, "requestId": "r" }))
}

const KEYS: &str = "[opsgenie]\nkey = '11111111-aaaa-4bbb-8ccc-000000000001'\n[team.data.oncall.opsgenie]\n\
                    schedule = 'Data: nights'\nkey = '22222222-aaaa-4bbb-8ccc-000000000002'";

#[tokio::test]
async fn an_alert_is_opened_acknowledged_and_closed_by_its_alias() {
    let desk = Desk::open(KEYS).await;
    for act in Act::ALL {
        desk.pager.tell("data", act, &alert("esc_1")).await.expect("told");
    }
    assert_eq!(desk.fake.told("esc_1"), ["trigger", "acknowledge", "resolve"]);
    assert_eq!(desk.pager.alerted("data"), Some(Provider::Opsgenie));
    let calls = desk.fake.calls();
    assert_eq!(calls[0].body["responders"], json!([{ "type": "schedule", "name": "Data: nights" }]));
    assert_eq!((&calls[0].body["priority"], &calls[0].body["details"]["Requester"]), (&json!("P3"), &json!("ada")));
    assert!(calls.iter().all(|call| call.headers["authorization"] == format!("GenieKey {TEAM_KEY}").as_str()));
    desk.close();
}

#[tokio::test]
async fn long_texts_are_cut_and_what_has_no_room_is_left_out() {
    let desk = Desk::open(KEYS).await;
    let mut long = alert("esc_1");
    long.title = "ö".repeat(2000);
    long.text = "ü".repeat(20_000);
    long.severity = Severity::Critical;
    long.facts.push(("Log".into(), "x".repeat(7990)));
    long.facts.push(("Step".into(), "create".into()));
    desk.pager.tell("data", Act::Trigger, &long).await.expect("told");
    let body = desk.fake.calls()[0].body.clone();
    assert_eq!(body["message"].as_str().map(|message| message.chars().count()), Some(130));
    assert_eq!(body["details"], json!({ "Requester": "ada", "Step": "create" }));
    assert_eq!(body["priority"], "P2");
    desk.pager.tell("data", Act::Acknowledge, &long).await.expect("told");
    desk.close();
}

#[tokio::test]
async fn whoever_is_on_call_is_the_person_of_that_name() {
    let desk = Desk::open(KEYS).await;
    desk.fake.put_on_call("Data: nights", json!(["stranger@example.org", "Ben@Example.org"]));
    let on_call = desk.pager.on_call("data").await.expect("an answer").expect("somebody");
    assert_eq!((on_call.person.as_deref(), on_call.name.as_str()), (Some("ben"), "Ben@Example.org"));
    assert_eq!(
        desk.fake.lines(),
        ["GET /v2/schedules/Data%3A%20nights/on-calls?scheduleIdentifierType=name&flat=true"]
    );
    assert_eq!(desk.pager.schedule("data").await.expect("an answer").as_deref(), Some("Nights and days"));
    desk.close();
}

#[tokio::test]
async fn a_schedule_may_be_called_by_its_id() {
    let id = "d875a1b2-0000-4000-8000-0c26936d18de";
    let desk = Desk::open(&format!("[team.data.oncall.opsgenie]\nschedule = '{id}'")).await;
    desk.fake.put_on_call(id, json!([]));
    assert_eq!(desk.pager.on_call("data").await, Ok(None), "nobody is on call");
    desk.pager.tell("data", Act::Trigger, &alert("esc_1")).await.expect("told with the general key");
    assert_eq!(desk.fake.calls()[1].body["responders"], json!([{ "type": "schedule", "id": id }]));
    desk.close();
}

#[tokio::test]
async fn keys_and_schedules_that_are_wrong_are_told_apart() {
    let fake = Fake::start().await;
    let said = async |toml: &str| Desk::at(&fake, toml).pager.on_call("data").await.expect_err("a fault").to_string();
    let schedule = "[team.data.oncall.opsgenie]\nschedule = 'Nights'";
    assert_eq!(said(schedule).await, "Opsgenie knows no schedule Nights");
    assert_eq!(said(&format!("[opsgenie]\nkey = 'secret'\n{schedule}")).await, "Opsgenie refuses the key (422)");
    let unknown = "[opsgenie]\nkey = '33333333-aaaa-4bbb-8ccc-000000000003'\n";
    assert_eq!(said(&format!("{unknown}{schedule}")).await, "Opsgenie refuses the key (401)");
    let narrow = "[opsgenie]\nkey = '22222222-aaaa-4bbb-8ccc-000000000002'\n";
    assert_eq!(said(&format!("{narrow}{schedule}")).await, "Opsgenie refuses the key (403)");
    fake.close();
}

#[tokio::test]
async fn a_limit_and_a_refusal_are_told_apart() {
    let desk = Desk::open(KEYS).await;
    let throttled = r#"{"message":"You are making too many requests!","took":0.0,"requestId":"r"}"#;
    desk.fake.fail([Fault::Status(429, Some(("x-ratelimit-state", "THROTTLED")), throttled)]);
    let fault = desk.pager.tell("data", Act::Trigger, &alert("esc_1")).await.expect_err("a fault");
    assert_eq!(fault.to_string(), "Opsgenie is asked too often for now (429)");
    assert!(fault.passes() && fault.wait().is_none());
    let broken = r#"{"message":"Request body is not processable.","errors":{"message":"Message can not be empty."}}"#;
    desk.fake.fail([Fault::Status(422, None, broken)]);
    let fault = desk.pager.tell("data", Act::Trigger, &alert("esc_1")).await.expect_err("a fault");
    assert_eq!(fault.to_string(), "Opsgenie could not be told: 422: Message can not be empty.");
    assert!(!fault.passes());
    desk.close();
}

#[tokio::test]
async fn an_answer_that_is_none_is_a_fault() {
    for body in [
        "",
        "[]",
        "{}",
        r#"{"data":{}}"#,
        r#"{"data":{"onCallRecipients":"ada"}}"#,
        r#"{"data":{"onCallRecipients":[7]}}"#,
    ] {
        let desk = Desk::open(KEYS).await;
        desk.fake.fail([Fault::Status(200, None, body)]);
        assert_eq!(desk.pager.on_call("data").await.expect_err("a fault").kind, Kind::Unreadable, "{body}");
    }
}
