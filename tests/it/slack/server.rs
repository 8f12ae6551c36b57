//! Slack's side of the wire: one port with the Web API, response URLs and Socket Mode, and the faults it can be given.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::method::{self, Given};
use super::socket::{self, Sockets};
use super::workspace::Workspace;
use super::{file, message, workspace};

/// The most bytes that are read of a request.
const BODY: usize = 1024 * 1024;

/// What goes wrong with a call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// `"ok": false` with this error.
    Error(&'static str),
    /// This HTTP status and no JSON.
    Status(u16),
    /// The connection ends without an answer; nothing was done.
    Reset,
    /// It is done, and then the connection ends without an answer.
    Lost,
    /// 429 with this `Retry-After`, if any.
    Limited(Option<&'static str>),
    /// It takes this long.
    Slow(Duration),
}

/// One call of the Web API or of a response URL.
#[derive(Debug, Clone)]
pub struct Call {
    /// `chat.postMessage`, or the path of a response URL.
    pub method: String,
    pub args: Value,
    pub at: Instant,
    /// What was answered: the HTTP status, and the body if there was one. 0: nothing.
    pub status: u16,
}

/// How fast messages may come.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The shortest time between two messages in one channel.
    pub channel: Duration,
    /// The same over all channels.
    pub everywhere: Duration,
}

/// Slack.
pub struct Server {
    /// `127.0.0.1:PORT`
    pub host: String,
    pub sockets: Sockets,
    workspace: Mutex<Workspace>,
    changed: watch::Sender<()>,
    faults: Mutex<Vec<(String, Fault, usize)>>,
    calls: Mutex<Vec<Call>>,
    pace: Mutex<Option<Pace>>,
    /// When the last message was taken, by channel; under the empty name, in any.
    last: Mutex<BTreeMap<String, Instant>>,
}

/// An answer on its way.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Value,
}

/// The connection is to end.
#[derive(Debug)]
struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection ends here")
    }
}

impl std::error::Error for Dropped {}

impl Server {
    /// Slack, on a free port.
    pub async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let server = Arc::new(Self {
            workspace: Mutex::new(Workspace::new(&host)),
            host,
            sockets: Sockets::default(),
            changed: watch::channel(()).0,
            faults: Mutex::default(),
            calls: Mutex::default(),
            pace: Mutex::default(),
            last: Mutex::default(),
        });
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().talk(stream));
            }
        });
        server
    }

    /// The workspace, as it is now.
    pub fn workspace(&self) -> MutexGuard<'_, Workspace> {
        self.workspace.lock().expect("not poisoned")
    }

    /// Says that screens may have changed.
    pub fn touch(&self) {
        self.changed.send_replace(());
    }

    /// Is told whenever screens may have changed.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The next `times` calls of a method fail so.
    pub fn fail(&self, method: &str, fault: Fault, times: usize) {
        self.faults.lock().expect("lock").push((method.to_owned(), fault, times));
    }

    /// Nothing fails any more.
    pub fn mend(&self) {
        self.faults.lock().expect("lock").clear();
    }

    /// Messages may come no faster than this.
    pub fn set_pace(&self, pace: Option<Pace>) {
        *self.pace.lock().expect("lock") = pace;
    }

    /// The calls of a method so far.
    pub fn calls(&self, method: &str) -> Vec<Call> {
        let calls = self.calls.lock().expect("lock");
        calls.iter().filter(|call| call.method.starts_with(method)).cloned().collect()
    }

    async fn talk(self: Arc<Self>, stream: TcpStream) {
        let service = service_fn(move |request| {
            let server = self.clone();
            async move { server.answer(request).await }
        });
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // It ends with an error where it was to be dropped.
        let _ = connection.with_upgrades().await;
    }

    async fn answer(self: Arc<Self>, mut request: Request<Incoming>) -> Result<Response<Body>, Dropped> {
        let path = request.uri().path().to_owned();
        if path == "/link/" {
            return Ok(socket::upgrade(self, &mut request));
        }
        if path.starts_with("/upload/") {
            return self.take_file(&path, request).await;
        }
        let is_hook = path.starts_with("/hooks/");
        let name = match path.strip_prefix("/api/") {
            Some(method) => method.to_owned(),
            None if is_hook => path,
            // Whoever had this port before may still be called here.
            None => return Answer::bare(404).into_response().ok_or(Dropped),
        };
        let read = read(request).await;
        let fault = self.take_fault(&name);
        let mut answer = match (&fault, self.too_fast(&name, &read.args)) {
            (Some(Fault::Status(status)), _) => Answer::bare(*status),
            (Some(Fault::Reset), _) => Answer::bare(0),
            (Some(Fault::Limited(after)), _) => Answer::limited(*after),
            (Some(Fault::Error(error)), _) => Answer::refusal(error, json!({})),
            (_, Some(wait)) => Answer::limited(Some(&wait.as_secs().max(1).to_string())),
            _ if is_hook => self.respond(&name, read.args.clone()),
            _ => self.perform(&name, &read),
        };
        match fault {
            Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
            Some(Fault::Lost) => answer.status = 0,
            _ => {}
        }
        let call = Call { method: name, args: read.args.into(), at: Instant::now(), status: answer.status };
        self.calls.lock().expect("lock").push(call);
        self.touch();
        answer.into_response().ok_or(Dropped)
    }

    /// Takes the bytes of a file.
    async fn take_file(&self, path: &str, request: Request<Incoming>) -> Result<Response<Body>, Dropped> {
        let fault = self.take_fault("upload");
        let is_post = request.method() == Method::POST;
        let token = request.headers().get(AUTHORIZATION).and_then(|token| token.to_str().ok()).unwrap_or_default();
        let token = token.to_owned();
        let bytes = to_bytes(Body::new(request.into_body()), BODY).await.unwrap_or_default();
        let (status, words) = match fault {
            Some(Fault::Status(status)) => (status, String::new()),
            Some(_) => (0, String::new()),
            None if !is_post => (405, String::new()),
            None => file::take(&mut self.workspace(), path, (&token, bytes.into())),
        };
        let call = Call { method: "upload".into(), args: Value::Null, at: Instant::now(), status };
        self.calls.lock().expect("lock").push(call);
        self.touch();
        if status == 0 {
            return Err(Dropped);
        }
        let response = Response::builder().status(status).header(CONTENT_TYPE, "text/plain; charset=utf-8");
        Ok(response.body(Body::from(words)).expect("a response"))
    }

    fn take_fault(&self, name: &str) -> Option<Fault> {
        let mut faults = self.faults.lock().expect("lock");
        let (_, fault, left) =
            faults.iter_mut().find(|(method, _, left)| name.starts_with(method.as_str()) && *left > 0)?;
        *left -= 1;
        Some(fault.clone())
    }

    /// How long a message has to wait by the pace.
    fn too_fast(&self, name: &str, args: &Map<String, Value>) -> Option<Duration> {
        let pace = (*self.pace.lock().expect("lock"))?;
        if !["chat.postMessage", "chat.update"].contains(&name) {
            return None;
        }
        let channel = args.get("channel").and_then(Value::as_str).unwrap_or_default();
        let mut last = self.last.lock().expect("lock");
        let left = |key: &str, gap: Duration| gap.checked_sub(last.get(key)?.elapsed());
        let wait = left(channel, pace.channel).max(left("", pace.everywhere));
        if wait.is_none() {
            last.extend([channel, ""].map(|key| (key.to_owned(), Instant::now())));
        }
        wait
    }

    fn respond(&self, path: &str, args: Map<String, Value>) -> Answer {
        let (status, body) = message::respond(&mut self.workspace(), path, args);
        Answer { status, headers: Vec::new(), body }
    }

    fn perform(&self, name: &str, read: &Read) -> Answer {
        let mut workspace = self.workspace();
        let given = Given { args: read.args.clone(), token: read.token.clone() };
        let mut answer = match method::call(&mut workspace, name, given, read.is_json) {
            Ok(mut body) => {
                body["ok"] = true.into();
                Answer { status: 200, headers: Vec::new(), body }
            }
            Err(refusal) => Answer::refusal(&refusal.error, refusal.more),
        };
        let scopes = match read.token == workspace::APP_TOKEN {
            true => "connections:write".to_owned(),
            false => workspace.granted.iter().map(String::as_str).collect::<Vec<_>>().join(","),
        };
        answer.headers.push(("x-oauth-scopes", scopes));
        answer
    }
}

/// What a request said.
struct Read {
    args: Map<String, Value>,
    token: String,
    is_json: bool,
}

async fn read(request: Request<Incoming>) -> Read {
    let (head, body) = request.into_parts();
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_json = head.method == Method::POST && header(CONTENT_TYPE).starts_with("application/json");
    let mut token = header(AUTHORIZATION).strip_prefix("Bearer ").unwrap_or_default().to_owned();
    let form = |text: &[u8]| -> Map<String, Value> {
        url::form_urlencoded::parse(text).map(|(key, value)| (key.into_owned(), value.into_owned().into())).collect()
    };
    let mut args = form(head.uri.query().unwrap_or_default().as_bytes());
    let bytes = to_bytes(Body::new(body), BODY).await.unwrap_or_default();
    if is_json {
        args.extend(serde_json::from_slice::<Map<String, Value>>(&bytes).unwrap_or_default());
    } else {
        args.extend(form(&bytes));
        if let Some(Value::String(given)) = args.remove("token") {
            token = given;
        }
    }
    Read { args, token, is_json }
}

impl Answer {
    fn bare(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Value::Null }
    }

    fn refusal(error: &str, more: Value) -> Self {
        let mut body = more;
        (body["ok"], body["error"]) = (false.into(), error.into());
        Self { status: 200, headers: Vec::new(), body }
    }

    fn limited(after: Option<&str>) -> Self {
        let headers = after.map(|after| ("retry-after", after.to_owned())).into_iter().collect();
        Self { status: 429, headers, body: json!({ "ok": false, "error": "ratelimited" }) }
    }

    fn into_response(self) -> Option<Response<Body>> {
        let mut response = Response::builder().status(if self.status == 0 { return None } else { self.status });
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let body = if self.body.is_null() { String::new() } else { self.body.to_string() };
        Some(
            response
                .header(CONTENT_TYPE, "application/json; charset=utf-8")
                .body(Body::from(body))
                .expect("a response"),
        )
    }
}
