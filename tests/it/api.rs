//! The HTTP API as a program uses it: real HTTP, both engines, every answer held against the document.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stationmaster::clock::Span;
use stationmaster::config::Person;
use stationmaster::web::guard::Names;
use stationmaster::web::server::{self, Limits, Options};
use stationmaster::web::{self, health, token};
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::engine::{On, on_both};
use crate::house::House;

/// A house with its door open, and a program that calls.
struct Door {
    house: House,
    systems: MockServer,
    url: String,
    token: String,
    stop: CancellationToken,
    document: Value,
}

/// What was answered.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Value,
}

fn databases(api: &str) -> String {
    format!(
        r#"
        [capability]
        name = "databases"
        title = "Databases"
        need = "As a developer I want a database so that I can start today"
        owner = "data"
        maturity = "ga"
        [[command]]
        name = "db create"
        summary = "Create a database"
        confirm = "size == 'large'"
        [command.limits]
        key = "{{{{name}}}}"
        [[command.param]]
        name = "name"
        type = "string"
        pattern = "^[a-z]+$"
        [[command.param]]
        name = "size"
        type = "choice"
        choices = ["small", "large"]
        default = "small"
        [[command.param]]
        name = "password"
        type = "secret"
        optional = true
        [[command.step]]
        name = "provision"
        [command.step.http]
        method = "POST"
        url = "{api}/databases"
        [command.reply]
        text = "Database **{{{{name}}}}** is ready (`{{{{request.id}}}}`)."
        [[command]]
        name = "db drop"
        summary = "Drop a database"
        [command.allow]
        teams = ["admins"]
        "#
    )
}

impl Door {
    async fn open(on: On) -> Self {
        let systems = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path("/databases"))
            .respond_with(ResponseTemplate::new(201))
            .mount(&systems)
            .await;
        let host = systems.address().to_string();
        let house = House::configured(on, &[&databases(&systems.uri())], |config| {
            config.http.allow_private = vec![host];
            config.person.extend(["ada", "ben"].map(|name| (name.to_owned(), Person::default())));
        })
        .await;
        let stop = CancellationToken::new();
        health::recorder().expect("a recorder");
        let listener = server::listen(([127, 0, 0, 1], 0).into()).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let router = web::router(&house.app, &stop);
        let names = Names::new(address.ip(), "http://localhost");
        let options = Options { names, limits: Limits::default(), grace: std::time::Duration::from_secs(1) };
        tokio::spawn(server::serve(listener, router, options, CancellationToken::new()));
        let url = format!("http://{address}");
        let document = serde_json::from_str(include_str!("../../src/web/api/openapi.json")).expect("JSON");
        let mut door = Self { house, systems, url, token: String::new(), stop, document };
        door.token = door.token_of("ada").await.1;
        door
    }

    /// A new token of a person: its id and itself.
    async fn token_of(&self, person: &str) -> (String, String) {
        let token = token::new_token();
        let id = self.house.app.store.create_token(person, "test", token::hash(&token)).await.expect("kept");
        (id, token)
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let bytes = body.map(|body| body.to_string().into_bytes());
        let bearer = format!("Bearer {}", self.token);
        self.send(method, path, &[("authorization", &bearer), ("content-type", "application/json")], bytes).await
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Vec<u8>>) -> Answer {
        let method: reqwest::Method = method.parse().expect("a method");
        let mut request = reqwest::Client::new().request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body.unwrap_or_default()).send().await.expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.expect("text");
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    /// Asks for a database.
    async fn ask(&self, key: &str, input: Value) -> Answer {
        let body = json!({ "command": "db create", "input": input, "idempotency_key": key });
        self.checked("post", "/api/requests", "/api/requests", Some(body)).await
    }

    async fn watch(&self, id: &Value) -> Answer {
        let path = format!("/api/requests/{}", id.as_str().expect("an id"));
        self.checked("get", "/api/requests/{id}", &path, None).await
    }

    /// Calls, and holds the answer against the document.
    async fn checked(&self, method: &str, route: &str, path: &str, body: Option<Value>) -> Answer {
        let answer = self.call(&method.to_uppercase(), path, body).await;
        let responses = &self.document["paths"][route][method]["responses"];
        let schema = &responses[answer.status.to_string()]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {route} does not document {}: {}", answer.status, answer.body);
        let mut schema = schema.clone();
        schema["components"] = self.document["components"].clone();
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let errors: Vec<String> = validator.iter_errors(&answer.body).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{:#}", answer.body);
        answer
    }
}

#[tokio::test]
async fn a_program_asks_watches_and_reads_the_end() {
    on_both(async |on| {
        let door = Door::open(on).await;
        let accepted = door.ask("build-7", json!({ "name": "orders", "password": "hunter22" })).await;
        assert_eq!((accepted.status, &accepted.body["state"]), (202, &json!("queued")));
        assert!(!accepted.body.to_string().contains("hunter22"));
        door.house.settle().await;
        let ended = door.watch(&accepted.body["id"]).await;
        assert_eq!(
            (ended.status, &ended.body["state"], &ended.body["ended"]),
            (200, &json!("succeeded"), &json!(true))
        );
        let id = accepted.body["id"].as_str().expect("an id");
        assert_eq!(ended.body["reply"], format!("Database orders is ready ({id})."));
        assert_eq!(ended.body["steps"][0]["state"], "done");
        assert_eq!(ended.body["person"], "ada");
        door.house.finish().await;
    })
    .await;
}

#[tokio::test]
async fn the_same_key_is_the_same_request_however_it_comes() {
    on_both(async |on| {
        let door = Door::open(on).await;
        let input = || json!({ "name": "orders" });
        let asked = futures::future::join_all((0..12).map(|_| door.ask("same", input()))).await;
        let ids: BTreeSet<&str> = asked.iter().map(|answer| answer.body["id"].as_str().expect("an id")).collect();
        assert_eq!(ids.len(), 1, "{asked:?}");
        door.house.settle().await;
        let late = door.ask("same", input()).await;
        assert_eq!((late.status, &late.body["state"]), (202, &json!("succeeded")));
        assert_eq!(door.systems.received_requests().await.expect("recorded").len(), 1);
        let other = door.ask("same", json!({ "name": "bills" })).await;
        assert_eq!((other.status, &other.body["error"]["reason"]), (409, &json!("conflict")));
        door.house.finish().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_said_field_by_field() {
    let door = Door::open(On::Sqlite).await;
    let wrong = door.ask("k", json!({ "name": "Orders!", "size": "huge" })).await;
    let fields: Vec<&str> =
        wrong.body["error"]["fields"].as_array().expect("fields").iter().filter_map(|f| f["field"].as_str()).collect();
    assert_eq!((wrong.status, fields), (422, vec!["name", "size"]));
    let body = json!({ "comand": "db create", "input": [], "confirm": "yes" });
    let wrong = door.checked("post", "/api/requests", "/api/requests", Some(body)).await;
    let expected = json!([
        { "field": "command", "message": "this is needed, as text" },
        { "field": "input", "message": "this takes an object with the command's parameters" },
        { "field": "confirm", "message": "this takes true or false" },
        { "field": "idempotency_key", "message": "this is needed, as text" },
        { "field": "comand", "message": "there is no such key; did you mean command?" },
    ]);
    assert_eq!((wrong.status, &wrong.body["error"]["fields"]), (422, &expected));
    let unknown = json!({ "command": "db craete", "idempotency_key": "k" });
    let unknown = door.checked("post", "/api/requests", "/api/requests", Some(unknown)).await;
    assert_eq!(unknown.status, 404, "{unknown:?}");
    let denied = json!({ "command": "db drop", "idempotency_key": "k" });
    assert_eq!(door.checked("post", "/api/requests", "/api/requests", Some(denied)).await.status, 403);
    door.house.finish().await;
}

#[tokio::test]
async fn being_sure_is_said_with_the_order() {
    let door = Door::open(On::Sqlite).await;
    let large = json!({ "name": "orders", "size": "large" });
    let asked = door.ask("k", large.clone()).await;
    assert_eq!((asked.status, &asked.body["error"]["fields"][0]["field"]), (422, &json!("confirm")));
    let sure = json!({ "command": "db create", "input": large, "idempotency_key": "k", "confirm": true });
    let sure = door.checked("post", "/api/requests", "/api/requests", Some(sure)).await;
    assert_eq!((sure.status, &sure.body["state"]), (202, &json!("queued")));
}

#[tokio::test]
async fn a_dry_run_does_nothing() {
    let door = Door::open(On::Sqlite).await;
    let body =
        json!({ "command": "db create", "input": { "name": "orders", "password": "hunter22" }, "dry_run": true });
    let planned = door.checked("post", "/api/requests", "/api/requests", Some(body)).await;
    assert_eq!((planned.status, &planned.body["plan"]["steps"][0]["name"]), (200, &json!("provision")));
    assert!(!planned.body.to_string().contains("hunter22"));
    assert_eq!(door.house.app.store.count_requests().await.expect("counts"), []);
}

#[tokio::test]
async fn a_request_is_called_off() {
    let door = Door::open(On::Sqlite).await;
    let id = door.ask("k", json!({ "name": "orders" })).await.body["id"].clone();
    let path = format!("/api/requests/{}/cancel", id.as_str().expect("an id"));
    let cancelled = door.checked("post", "/api/requests/{id}/cancel", &path, None).await;
    assert_eq!((cancelled.status, &cancelled.body["state"]), (202, &json!("cancelled")));
    door.house.settle().await;
    let ended = door.ask("other", json!({ "name": "bills" })).await.body["id"].clone();
    door.house.settle().await;
    let path = format!("/api/requests/{}/cancel", ended.as_str().expect("an id"));
    assert_eq!(door.checked("post", "/api/requests/{id}/cancel", &path, None).await.status, 409);
    door.house.finish().await;
}

#[tokio::test]
async fn a13_no_way_to_fail_tells_more_than_another() {
    on_both(async |on| {
        let mut door = Door::open(on).await;
        let id = door.ask("k", json!({ "name": "orders" })).await.body["id"].as_str().expect("an id").to_owned();
        let path = format!("/api/requests/{id}");
        let (revoked, revoked_token) = door.token_of("ada").await;
        assert!(door.house.app.store.revoke_token(&revoked).await.expect("revoked"));
        let (_, left) = door.token_of("gone").await;
        let wrong =
            [String::new(), "stm_0".into(), revoked_token, left, door.token.to_uppercase(), token::hash(&door.token)];
        let mut answers = BTreeSet::new();
        for wrong in wrong {
            let answer = door.send("GET", &path, &[("authorization", &format!("Bearer {wrong}"))], None).await;
            answers.insert((answer.status, answer.body.to_string()));
        }
        let right = format!("Bearer {}", door.token);
        for headers in [
            &[][..],
            &[("authorization", door.token.as_str())],
            &[("authorization", &right), ("authorization", &right)],
        ] {
            let answer = door.send("GET", &path, headers, None).await;
            answers.insert((answer.status, answer.body.to_string()));
        }
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert_eq!(answers.first().expect("one").0, 401);

        door.token = door.token_of("ben").await.1;
        let foreign = door.watch(&json!(id)).await;
        let unknown = door.watch(&json!("req_0")).await;
        assert_eq!((foreign.status, &foreign.body), (404, &unknown.body));
        let cancel = door.call("POST", &format!("{path}/cancel"), None).await;
        assert_eq!(cancel.status, 404);
        let joined = door.ask("of ben", json!({ "name": "orders" })).await;
        assert_eq!(joined.body["id"], json!(id), "the same key is the same request");
        assert_eq!(door.watch(&json!(id)).await.status, 200, "whoever asked for the same may watch it");
        assert_eq!(door.call("POST", &format!("{path}/cancel"), None).await.status, 404, "but not call it off");
    })
    .await;
}

#[tokio::test]
async fn a8_what_is_no_json_is_malformed() {
    let door = Door::open(On::Sqlite).await;
    let bearer = format!("Bearer {}", door.token);
    let json = [("authorization", bearer.as_str()), ("content-type", "application/json; charset=utf-8")];
    let deep = format!(r#"{{"command": {}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let order = r#"{"command": "db create", "input": {"name": "a"}, "idempotency_key": "k"#;
    let bodies: Vec<Vec<u8>> = vec![
        b"".into(),
        b"{".into(),
        b"null".into(),
        b"[1]".into(),
        deep.into(),
        format!("{order}\", \"idempotency_key\": \"l\"}}").into(),
        format!("{order}\\u0000\"}}").into(),
        format!("{order}\\ud800\"}}").into(),
        [order.as_bytes(), b"\xff\"}"].concat(),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = door.send("POST", "/api/requests", &json, Some(body)).await;
        assert_eq!((answer.status, &answer.body["error"]["reason"]), (400, &json!("malformed")), "{shown}");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        let answer = door.send("POST", "/api/requests", &headers, Some(format!("{order}\"}}").into_bytes())).await;
        assert_eq!(answer.status, 400, "{kind}");
    }
    let answer = door.send("POST", "/api/requests", &json, Some(vec![b' '; 2 * 1024 * 1024])).await;
    assert_eq!(answer.status, 413);
    for wrong in [json!({"command": null}), json!({"command": 1, "input": 1, "idempotency_key": [], "confirm": {}})] {
        assert_eq!(door.checked("post", "/api/requests", "/api/requests", Some(wrong)).await.status, 422);
    }
    let key = "k".repeat(201);
    assert_eq!(door.ask(&key, json!({ "name": "orders" })).await.status, 422);
    assert_eq!(door.house.app.store.count_requests().await.expect("counts"), []);
}

#[tokio::test]
async fn the_catalogue_shows_what_the_caller_may_use() {
    let door = Door::open(On::Sqlite).await;
    let answer = door.checked("get", "/api/catalogue", "/api/catalogue", None).await;
    let commands = answer.body["capabilities"][0]["commands"].as_array().expect("commands");
    let names: Vec<&str> = commands.iter().filter_map(|command| command["name"].as_str()).collect();
    assert_eq!(names, ["db create"]);
    assert_eq!(commands[0]["parameters"][1]["choices"], json!(["small", "large"]));
}

#[tokio::test]
async fn the_document_and_the_routes_are_the_same() {
    let door = Door::open(On::Sqlite).await;
    let served = door.checked("get", "/api/openapi.json", "/api/openapi.json", None).await;
    assert_eq!(served.body, door.document);
    for (route, methods) in door.document["paths"].as_object().expect("paths") {
        let documented: BTreeSet<String> =
            methods.as_object().expect("methods").keys().map(|m| m.to_uppercase()).collect();
        let url = format!("{}{}", door.url, route.replace("{id}", "req_0"));
        let refused = reqwest::Client::new().put(url).send().await.expect("an answer");
        let allowed = refused.headers().get("allow").unwrap_or_else(|| panic!("{route} is not served"));
        let allowed = allowed.to_str().expect("text").split(',').filter(|m| *m != "HEAD").map(str::to_owned).collect();
        assert_eq!(documented, allowed, "{route}");
    }
}

#[tokio::test]
async fn health_readiness_and_figures() {
    let door = Door::open(On::Sqlite).await;
    door.ask("k", json!({ "name": "orders" })).await;
    assert_eq!(door.call("GET", "/healthz", None).await.status, 200);
    let ready = door.call("GET", "/readyz", None).await.body;
    assert_eq!((&ready["ready"], &ready["reason"]), (&json!(true), &json!(null)));
    assert_eq!(ready["platforms"]["web"], json!({ "state": "ready", "reason": null }));
    let figures = door.call("GET", "/metrics", None).await.body;
    let figures = figures.as_str().expect("text");
    for line in [
        "stationmaster_requests{state=\"queued\"} 1",
        "stationmaster_requests{state=\"running\"} 0",
        "stationmaster_jobs_dead 0",
        "stationmaster_platform_up{platform=\"web\"} 1",
        "stationmaster_messages_waiting{platform=\"web\"} 0",
        "stationmaster_http_requests_total{route=\"/api/requests\",status=\"202\"} 1",
        "stationmaster_http_answer_seconds_count{route=\"/readyz\"} 1",
    ] {
        assert!(figures.contains(line), "{line}\n{figures}");
    }
    door.stop.cancel();
    let stopping = door.call("GET", "/readyz", None).await;
    assert_eq!((stopping.status, &stopping.body["ready"]), (503, &json!(false)));
    assert_eq!(door.call("GET", "/healthz", None).await.status, 200);
}

#[tokio::test]
async fn a_call_back_without_proof_is_refused() {
    let door = Door::open(On::Sqlite).await;
    let path = "/hooks/callback/req_0/build";
    for headers in [
        &[][..],
        &[("authorization", "Bearer x")],
        &[("x-signature-256", "sha256=00"), ("x-signature-256", "sha256=00")],
    ] {
        assert_eq!(door.send("POST", path, headers, Some(b"{}".into())).await.status, 403);
    }
    let proof = stationmaster::runner::callback::sign(&door.house.app.tools.callback_key, "req_0", "build");
    let bearer = format!("Bearer {proof}");
    let late = door.send("POST", path, &[("authorization", &bearer)], Some(b"{}".into())).await;
    assert_eq!(late.status, 204, "for a request that is gone it is harmless");
    assert_eq!(door.send("POST", path, &[("authorization", &bearer)], Some(b"{".into())).await.status, 422);
    door.house.pass(Span::from_secs(1)).await;
}
