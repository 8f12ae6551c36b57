//! Discord's door: one port for the REST API and the gateway, with its tokens, limits and faults.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::answer::Answer;
use super::attachment::{self, Sent};
use super::fault::{self, Harm};
use super::gateway;
use super::routes;
use super::world::{Call, State, TOKEN, World};

/// A bucket's calls, and the time in which they may be made.
const BUCKET: (u32, Duration) = (5, Duration::from_secs(5));

/// What every call is answered with.
pub struct Door {
    pub world: Arc<World>,
    pub public_key: String,
    pub stop: CancellationToken,
}

/// The connection is to be closed without an answer.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut")
    }
}

impl std::error::Error for Cut {}

/// Answers until it is stopped.
pub async fn serve(door: Arc<Door>, listener: TcpListener) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted.expect("a connection").0,
            () = door.stop.cancelled() => return,
        };
        let door = door.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = connection(door.clone(), stream) => {}
                () = door.stop.cancelled() => {}
            }
        });
    }
}

async fn connection(door: Arc<Door>, stream: TcpStream) {
    let answer = service_fn(move |request| {
        let door = door.clone();
        async move { door.answer(request).await }
    });
    let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
    // Clients close connections as they like.
    let _ = serving.with_upgrades().await;
}

impl Door {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
        if request.uri().path().starts_with("/gateway") {
            return Ok(gateway::upgrade(self.world.clone(), request, self.stop.clone()));
        }
        let (parts, body) = request.into_parts();
        let body = to_bytes(Body::new(body), 10 << 20).await.map_err(|_| Cut)?;
        let Some(path) = parts.uri.path().strip_prefix("/api/v10") else {
            return Ok(response(Answer::refusal(404, 0, "404: Not Found")));
        };
        let (method, call) = (parts.method.as_str(), format!("{} {path}", parts.method));
        let harm = self.world.with(|state| fault::take(&mut state.faults, &call));
        match &harm {
            Some(Harm::Cut) => {
                self.note((method, path), 0);
                return Err(Cut);
            }
            Some(Harm::Delay(time)) => tokio::time::sleep(*time).await,
            _ => {}
        }
        let authorized = parts.headers.get("authorization").is_some_and(|given| given == &format!("Bot {TOKEN}"));
        let kind = parts.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let answer = match (harm.as_ref().and_then(Harm::answer), content(kind, &body)) {
            (Some(answer), _) => answer,
            (None, None) => Answer::refusal(400, 50109, "The request body contains invalid JSON."),
            (None, Some(content)) => {
                self.perform((method, path, parts.uri.query().unwrap_or_default()), content, authorized)
            }
        };
        self.note((method, path), answer.status);
        if matches!(harm, Some(Harm::Lose)) { Err(Cut) } else { Ok(response(answer)) }
    }

    fn perform(
        &self,
        (method, path, query): (&str, &str, &str),
        (value, files): (Value, Vec<Sent>),
        authorized: bool,
    ) -> Answer {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let gateway = self.world.look(|state| state.gateway.clone());
        let request = routes::Request {
            method,
            path: &parts,
            query,
            body: &value,
            authorized,
            gateway: &gateway,
            public_key: &self.public_key,
        };
        self.world.with(|state| {
            let bucket = bucket(method, &parts).filter(|_| !state.unlimited);
            if let Some(limited) = bucket.as_deref().and_then(|bucket| limited(state, bucket)) {
                return limited;
            }
            state.files = files;
            let mut answer = routes::answer(state, &request);
            if answer.body["code"] == 50035 {
                let said = serde_json::to_string_pretty(&value).expect("JSON");
                state.refused.push(format!("{method} {path}: {}\n{said}", answer.body["errors"]));
            }
            answer.headers.extend(bucket.iter().flat_map(|bucket| left(state, bucket)));
            answer
        })
    }

    fn note(&self, (method, path): (&str, &str), status: u16) {
        let call = Call { method: method.into(), path: path.into(), status };
        self.world.with(|state| state.calls.push(call));
    }
}

/// The JSON and the files of a body; nothing if it can be read as neither.
fn content(kind: &str, body: &[u8]) -> Option<(Value, Vec<Sent>)> {
    match body {
        [] => Some((Value::Null, Vec::new())),
        _ if kind.starts_with("multipart/") => attachment::read(kind, body),
        bytes => Some((serde_json::from_slice(bytes).ok()?, Vec::new())),
    }
}

/// The bucket of a call, where Discord counts strictly: new messages, and edits, of a conversation.
fn bucket(method: &str, path: &[&str]) -> Option<String> {
    match (method, path) {
        ("POST", ["channels", id, "messages"]) => Some(format!("post-{id}")),
        ("PATCH", ["channels", id, "messages", _]) => Some(format!("edit-{id}")),
        _ => None,
    }
}

/// Takes one call of a bucket; the refusal if it is empty.
fn limited(state: &mut State, bucket: &str) -> Option<Answer> {
    let now = Instant::now();
    let (full_at, left) = state.buckets.entry(bucket.to_owned()).or_insert((now + BUCKET.1, BUCKET.0));
    if *full_at <= now {
        (*full_at, *left) = (now + BUCKET.1, BUCKET.0);
    }
    if *left > 0 {
        *left -= 1;
        return None;
    }
    let wait = (*full_at - now).as_secs_f64();
    let body = json!({ "message": "You are being rate limited.", "retry_after": wait, "global": false });
    let headers = vec![("retry-after", format!("{}", wait.ceil())), ("x-ratelimit-scope", "user".into())];
    Some(Answer { headers, ..Answer::new(429, body) })
}

/// What a bucket still holds, as headers.
fn left(state: &State, bucket: &str) -> Vec<(&'static str, String)> {
    let Some((full_at, left)) = state.buckets.get(bucket) else { return Vec::new() };
    let wait = full_at.saturating_duration_since(Instant::now()).as_secs_f64();
    vec![
        ("x-ratelimit-limit", BUCKET.0.to_string()),
        ("x-ratelimit-remaining", left.to_string()),
        ("x-ratelimit-reset-after", format!("{wait:.3}")),
        ("x-ratelimit-bucket", bucket.to_owned()),
    ]
}

fn response(answer: Answer) -> Response<Body> {
    let mut response = Response::builder().status(answer.status).header("content-type", "application/json");
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let body = if answer.body.is_null() { Body::empty() } else { Body::from(answer.body.to_string()) };
    response.body(body).expect("an answer")
}
