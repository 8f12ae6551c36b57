//! Socket Mode, as Slack speaks it: hello, envelopes and their acknowledgements, pings, refreshes and cut wires.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use futures::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::server::Server;
use super::workspace::APP;

/// How many sockets one app may have.
const MOST: usize = 10;

/// What is to be done with a socket.
enum Order {
    Send(String),
    Ping,
    /// Ends the connection in the middle of a frame.
    Cut,
    /// Says and answers nothing any more, as a wire that ends somewhere without telling.
    Mute,
}

struct Socket {
    id: u64,
    orders: mpsc::UnboundedSender<Order>,
    /// Takes new envelopes; no longer after it was told to disconnect.
    open: bool,
}

/// The acknowledgements that are waited for, by envelope, and by which socket.
type Waiting = BTreeMap<String, (u64, oneshot::Sender<Value>)>;

/// The open sockets.
#[derive(Default)]
pub struct Sockets {
    open: Mutex<Vec<Socket>>,
    waiting: Mutex<Waiting>,
    count: Mutex<u64>,
}

/// Why an envelope was not acknowledged.
#[derive(Debug, PartialEq, Eq)]
pub enum Lost {
    /// There is no socket.
    Nobody,
    /// Its socket ended.
    Closed,
    /// Nothing came in time.
    Late,
}

impl Sockets {
    /// How many take envelopes.
    pub fn count(&self) -> usize {
        self.open.lock().expect("lock").iter().filter(|socket| socket.open).count()
    }

    /// Hands an envelope to the socket that is `turn`-th now, and waits for its acknowledgement.
    pub async fn send(&self, turn: usize, envelope: &Value) -> Result<Value, Lost> {
        let id = envelope["envelope_id"].as_str().expect("an envelope has an id").to_owned();
        let (acked, ack) = oneshot::channel();
        {
            let open = self.open.lock().expect("lock");
            let takers: Vec<&Socket> = open.iter().filter(|socket| socket.open).collect();
            let socket = takers.get(turn % takers.len().max(1)).ok_or(Lost::Nobody)?;
            self.waiting.lock().expect("lock").insert(id.clone(), (socket.id, acked));
            socket.orders.send(Order::Send(envelope.to_string())).map_err(|_| Lost::Closed)?;
        }
        let answer = tokio::time::timeout(Duration::from_secs(3), ack).await;
        self.waiting.lock().expect("lock").remove(&id);
        match answer {
            Ok(Ok(ack)) => Ok(ack),
            Ok(Err(_)) => Err(Lost::Closed),
            Err(_) => Err(Lost::Late),
        }
    }

    /// Tells every socket to go, as before a restart of Slack's own; they still deliver what is under way.
    pub fn disconnect(&self, reason: &str) {
        let said = json!({ "type": "disconnect", "reason": reason, "debug_info": { "host": "applink-1" } });
        let mut open = self.open.lock().expect("lock");
        for socket in open.iter_mut() {
            // A warning comes ten seconds ahead; until the refresh, the socket works on.
            socket.open = reason == "warning";
            let _ = socket.orders.send(Order::Send(said.to_string()));
        }
    }

    /// Says something to every socket.
    pub fn say(&self, frame: &Value) {
        self.order(|| Order::Send(frame.to_string()));
    }

    /// Pings every socket.
    pub fn ping(&self) {
        self.order(|| Order::Ping);
    }

    /// Cuts every wire in the middle of a frame.
    pub fn cut(&self) {
        self.order(|| Order::Cut);
    }

    /// Lets every wire end without telling.
    pub fn mute(&self) {
        self.order(|| Order::Mute);
        self.open.lock().expect("lock").iter_mut().for_each(|socket| socket.open = false);
    }

    fn order(&self, order: impl Fn() -> Order) {
        for socket in self.open.lock().expect("lock").iter() {
            // One that has just ended has nobody to tell.
            let _ = socket.orders.send(order());
        }
    }

    fn take_ack(&self, text: &str) -> Result<(), String> {
        let frame: Value = serde_json::from_str(text).map_err(|_| format!("a frame that is no JSON: {text}"))?;
        let id = frame["envelope_id"].as_str().ok_or_else(|| format!("a frame without an envelope_id: {text}"))?;
        let waiting = self.waiting.lock().expect("lock").remove(id);
        // An acknowledgement that comes too late has nobody waiting.
        if let Some((_, acked)) = waiting {
            let _ = acked.send(frame["payload"].clone());
        }
        Ok(())
    }

    fn remove(&self, id: u64) {
        self.open.lock().expect("lock").retain(|socket| socket.id != id);
        // Whoever waits is told by the sender's end.
        self.waiting.lock().expect("lock").retain(|_, (socket, _)| *socket != id);
    }
}

/// Answers a request for a socket: the address works once.
pub fn upgrade(server: Arc<Server>, request: &mut Request<Incoming>) -> Response<Body> {
    let refused = |status: u16| Response::builder().status(status).body(Body::empty()).expect("a response");
    let query = request.uri().query().unwrap_or_default().to_owned();
    let ticket = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "ticket");
    if !ticket.is_some_and(|(_, ticket)| server.workspace().tickets.remove(ticket.as_ref())) {
        return refused(403);
    }
    let Some(key) = request.headers().get(SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes())) else {
        return refused(400);
    };
    if server.sockets.count() >= MOST {
        return refused(429);
    }
    let upgraded = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let Ok(stream) = upgraded.await else { return };
        serve(server, stream).await;
    });
    Response::builder()
        .status(101)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_ACCEPT, key)
        .body(Body::empty())
        .expect("a response")
}

async fn serve(server: Arc<Server>, stream: Upgraded) {
    let mut stream = WebSocketStream::from_raw_socket(TokioIo::new(stream), Role::Server, None).await;
    let (orders, mut ordered) = mpsc::unbounded_channel();
    let id = {
        let mut count = server.sockets.count.lock().expect("lock");
        *count += 1;
        *count
    };
    let hello = json!({
        "type": "hello",
        "num_connections": server.sockets.count() + 1,
        "debug_info": { "host": "applink-1", "build_number": 1, "approximate_connection_time": 18060 },
        "connection_info": { "app_id": APP },
    });
    if stream.send(Frame::text(hello.to_string())).await.is_err() {
        return;
    }
    server.sockets.open.lock().expect("lock").push(Socket { id, orders, open: true });
    server.touch();
    loop {
        let goes_on = tokio::select! {
            frame = stream.next() => heed(&server, frame.and_then(Result::ok)),
            Some(order) = ordered.recv() => obey(&mut stream, order).await,
        };
        if !goes_on {
            break;
        }
    }
    server.sockets.remove(id);
    server.touch();
}

/// Takes what the app says; whether the socket goes on.
fn heed(server: &Server, frame: Option<Frame>) -> bool {
    match frame {
        Some(Frame::Text(text)) => {
            if let Err(breach) = server.sockets.take_ack(&text) {
                server.workspace().breach(breach);
            }
            true
        }
        Some(Frame::Close(_)) | None => false,
        Some(_) => true,
    }
}

/// Does with the socket what was ordered; whether it goes on.
async fn obey(stream: &mut WebSocketStream<TokioIo<Upgraded>>, order: Order) -> bool {
    match order {
        Order::Send(text) => stream.send(Frame::text(text)).await.is_ok(),
        Order::Ping => stream.send(Frame::Ping("Ping from applink-1".into())).await.is_ok(),
        Order::Mute => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            false
        }
        Order::Cut => {
            // The head of a text frame of 4096 bytes, and a few of them.
            let wire = stream.get_mut();
            let _ = wire.write_all(b"\x81\x7e\x10\x00{\"envelope_id\":").await;
            let _ = wire.flush().await;
            false
        }
    }
}
