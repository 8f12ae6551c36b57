//! PagerDuty and Opsgenie on one port: they refuse what the real ones refuse, and note what those would quietly drop.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{opsgenie, pagerduty};

/// What goes wrong with a call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status, this header if any, and this body.
    Status(u16, Option<(&'static str, &'static str)>, &'static str),
    /// It is done, and the answer never comes.
    Hang,
}

/// A call, as it came.
#[derive(Debug, Clone)]
pub struct Call {
    /// `POST /v2/enqueue`, its query after a question mark.
    pub line: String,
    pub headers: HeaderMap,
    /// The body; null where there was none.
    pub body: Value,
}

/// What both services know.
#[derive(Default)]
pub struct World {
    pub calls: Vec<Call>,
    /// What a real service would have refused or dropped.
    pub wrong: Vec<String>,
    /// What goes wrong with the next calls.
    pub faults: VecDeque<Fault>,
    /// Who is on call, by schedule, as the service writes it.
    pub schedules: BTreeMap<String, Value>,
    /// What was told of each alert, by its key.
    pub alerts: BTreeMap<String, Vec<String>>,
}

impl World {
    /// Notes what was told of an alert. Both services drop what does not fit its life, and say nothing.
    pub fn told(&mut self, key: &str, act: &str) {
        let before = self.alerts.entry(key.to_owned()).or_default();
        let last = before.last().map(String::as_str);
        let fits = match act {
            "trigger" => last.is_none_or(|last| last == "trigger"),
            "acknowledge" => last == Some("trigger"),
            "resolve" => matches!(last, Some("trigger" | "acknowledge")),
            _ => false,
        };
        if !fits {
            self.wrong.push(format!("{key}: {act} after {last:?}"));
        }
        before.push(act.to_owned());
    }

    /// Notes everything that is wrong with a call.
    pub fn complain(&mut self, call: &Call, what: impl IntoIterator<Item = String>) {
        self.wrong.extend(what.into_iter().map(|what| format!("{}: {what}", call.line)));
    }
}

/// The services.
#[derive(Clone)]
pub struct Fake {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    world: Arc<Mutex<World>>,
}

impl Fake {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let fake = Self { url, world: Arc::default() };
        let app = Router::new().fallback(answer).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        fake
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("not poisoned")
    }

    /// The next calls end so, one after the other.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.world().faults.extend(faults);
    }

    /// Somebody is on call from now on, as the service says it.
    pub fn put_on_call(&self, schedule: &str, says: Value) {
        self.world().schedules.insert(schedule.to_owned(), says);
    }

    pub fn calls(&self) -> Vec<Call> {
        self.world().calls.clone()
    }

    /// The lines of all calls.
    pub fn lines(&self) -> Vec<String> {
        self.world().calls.iter().map(|call| call.line.clone()).collect()
    }

    /// What was told of an alert.
    pub fn told(&self, key: &str) -> Vec<String> {
        self.world().alerts.get(key).cloned().unwrap_or_default()
    }

    /// Nothing may have been told wrongly.
    pub fn close(&self) {
        assert_eq!(self.world().wrong, Vec::<String>::new());
    }
}

async fn answer(State(fake): State<Fake>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let line = format!("{method} {}", uri.path_and_query().expect("a path"));
    let body = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
    let call = Call { line, headers, body: body.as_ref().map_or(Value::Null, Value::clone) };
    let fault = {
        let mut world = fake.world();
        world.calls.push(call.clone());
        world.faults.pop_front()
    };
    if let Some(Fault::Status(status, header, text)) = fault {
        let mut response = (StatusCode::from_u16(status).expect("a status"), text).into_response();
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value.parse().expect("a value"));
        }
        return response;
    }
    let is_pagerduty = ["/v2/enqueue", "/oncalls", "/schedules/"].iter().any(|path| uri.path().starts_with(path));
    let response = match body {
        Err(_) => said(400, json!({ "message": "the body is not JSON" })),
        Ok(_) if is_pagerduty => pagerduty::answer(&mut fake.world(), &call),
        Ok(_) => opsgenie::answer(&mut fake.world(), &call),
    };
    if matches!(fault, Some(Fault::Hang)) {
        std::future::pending::<()>().await;
    }
    response
}

/// An answer in JSON.
pub fn said(status: u16, body: Value) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (status, [("content-type", "application/json")], Body::from(body.to_string())).into_response()
}

/// The parts of a line: method, path segments and the query's pairs, all decoded.
pub fn parts(line: &str) -> (String, Vec<String>, Vec<(String, String)>) {
    let (method, rest) = line.split_once(' ').expect("a method");
    let url = url::Url::parse(&format!("http://x{rest}")).expect("a URL");
    let decoded = |segment: &str| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned();
    let path = url.path_segments().expect("a path").map(decoded).collect();
    (method.to_owned(), path, url.query_pairs().into_owned().collect())
}

/// What is wrong with the fields of an object: keys that are not known, and values that are no text of that length.
pub fn misfits(object: &Value, known: &[(&str, usize)]) -> Vec<String> {
    let Some(fields) = object.as_object() else { return vec![format!("not an object: {object}")] };
    let wrong = |(key, value): (&String, &Value)| match known.iter().find(|(name, _)| name == key) {
        None => Some(format!("there is no field {key}")),
        Some((_, 0)) => None,
        Some((_, most)) => match value.as_str() {
            Some(text) if text.chars().count() <= *most => None,
            _ => Some(format!("{key} is no text of up to {most} characters: {value}")),
        },
    };
    fields.iter().filter_map(wrong).collect()
}
