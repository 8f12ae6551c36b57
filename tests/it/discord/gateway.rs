//! Discord's gateway: sessions that identify, beat, are cut and resume, and the events that all of them are told.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

use super::world::{APPLICATION, GUILD, State, TOKEN, World, channel, user};

/// Intents that have to be granted first: members, presences, the content of messages.
const PRIVILEGED: u64 = 1 << 1 | 1 << 8 | 1 << 15;
const GUILD_MESSAGES: u64 = 1 << 9;
const DIRECT_MESSAGES: u64 = 1 << 12;
/// How often a heart is to beat; in reality 41.25 s.
const BEAT: Duration = Duration::from_millis(1500);

/// A session, which outlives its connections.
pub struct Session {
    intents: u64,
    /// All that was dispatched, from number 1.
    told: Vec<Value>,
    /// The connection, if there is one.
    line: Option<mpsc::UnboundedSender<Order>>,
}

/// What a connection is told to do.
pub enum Order {
    /// To send a frame.
    Send(Value),
    /// To close with a code.
    Close(u16),
    /// To be cut, without a word.
    Cut,
}

impl Session {
    fn dispatch(&mut self, event: &str, data: &Value) {
        let frame = json!({ "op": 0, "s": self.told.len() + 1, "t": event, "d": data });
        self.told.push(frame.clone());
        self.order(Order::Send(frame));
    }

    fn order(&mut self, order: Order) -> bool {
        let sent = self.line.as_ref().is_some_and(|line| line.send(order).is_ok());
        if !sent {
            self.line = None;
        }
        sent
    }

    pub fn is_connected(&self) -> bool {
        self.line.as_ref().is_some_and(|line| !line.is_closed())
    }
}

/// Tells every session of an event that its intents cover; whether somebody is connected.
pub fn announce(state: &mut State, event: &str, data: &Value) -> bool {
    let needed = match event {
        "MESSAGE_CREATE" if data["guild_id"].is_null() => DIRECT_MESSAGES,
        "MESSAGE_CREATE" => GUILD_MESSAGES,
        _ => 0,
    };
    let covered = state.sessions.values_mut().filter(|session| session.intents & needed == needed);
    let mut heard = false;
    for session in covered {
        session.dispatch(event, data);
        heard |= session.is_connected();
    }
    heard
}

/// Gives every connection the same order; how many there were.
pub fn order_all(state: &mut State, order: impl Fn() -> Order) -> usize {
    state.sessions.values_mut().filter_map(|session| session.order(order()).then_some(())).count()
}

/// Turns a connection into one of the gateway.
pub fn upgrade(world: Arc<World>, mut request: Request<Incoming>, stop: CancellationToken) -> Response<Body> {
    let refuse = |status: u16| Response::builder().status(status).body(Body::empty()).expect("an answer");
    let query = request.uri().query().unwrap_or_default();
    let asked = query.split('&').any(|pair| pair == "v=10") && !query.contains("compress");
    let key = request.headers().get("sec-websocket-key").map(|key| derive_accept_key(key.as_bytes()));
    let Some(key) = key.filter(|_| asked) else { return refuse(400) };
    let upgrading = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(stream) = upgrading.await else { return };
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(stream), Role::Server, None).await;
        tokio::select! {
            // A connection may break at any moment.
            _ = converse(&world, socket) => {}
            () = stop.cancelled() => {}
        }
    });
    Response::builder()
        .status(101)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-accept", key)
        .body(Body::empty())
        .expect("an answer")
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;

async fn converse(world: &World, mut socket: Socket) -> Result<(), Error> {
    let hello = json!({ "op": 10, "d": { "heartbeat_interval": BEAT.as_millis() as u64 }, "s": null, "t": null });
    socket.send(Message::text(hello.to_string())).await?;
    let (line, mut orders) = mpsc::unbounded_channel();
    loop {
        // Discord ends a connection on which no heart beats.
        let heard = tokio::time::timeout(BEAT * 3, async {
            tokio::select! {
                order = orders.recv() => Heard::Order(order),
                frame = socket.next() => Heard::Frame(frame),
            }
        });
        let order = match heard.await {
            Err(_) => Order::Close(4009),
            Ok(Heard::Order(None)) | Ok(Heard::Frame(None)) => return Ok(()),
            Ok(Heard::Order(Some(order))) => order,
            Ok(Heard::Frame(Some(frame))) => match frame? {
                Message::Text(text) => match take(world, &line, &text) {
                    Some(order) => order,
                    None => continue,
                },
                Message::Close(_) => return Ok(()),
                _ => continue,
            },
        };
        match order {
            Order::Send(frame) => socket.send(Message::text(frame.to_string())).await?,
            Order::Close(code) => {
                let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
                return socket.close(Some(frame)).await;
            }
            Order::Cut => return Ok(()),
        }
    }
}

enum Heard {
    Order(Option<Order>),
    Frame(Option<Result<Message, Error>>),
}

/// Takes a frame of the application's.
fn take(world: &World, line: &mpsc::UnboundedSender<Order>, text: &str) -> Option<Order> {
    let Ok(frame) = serde_json::from_str::<Value>(text) else { return Some(Order::Close(4002)) };
    match frame["op"].as_u64() {
        Some(1) if world.look(|state| state.deaf) => None,
        Some(1) => Some(Order::Send(json!({ "op": 11, "d": null, "s": null, "t": null }))),
        Some(2) => world.with(|state| identify(state, line, &frame["d"])),
        Some(3) => None,
        Some(6) => world.with(|state| resume(state, line, &frame["d"])),
        _ => Some(Order::Close(4001)),
    }
}

/// The gateway takes the token with and without the scheme that REST wants before it.
fn is_ours(token: &Value) -> bool {
    token.as_str().is_some_and(|token| token.trim_start_matches("Bot ") == TOKEN)
}

fn identify(state: &mut State, line: &mpsc::UnboundedSender<Order>, asked: &Value) -> Option<Order> {
    state.identified += 1;
    if let Some(code) = state.turn_away {
        return Some(Order::Close(code));
    }
    if state.revoked || !is_ours(&asked["token"]) {
        return Some(Order::Close(4004));
    }
    let Some(intents) = asked["intents"].as_u64().filter(|intents| *intents < 1 << 26) else {
        return Some(Order::Close(4013));
    };
    if intents & PRIVILEGED != 0 {
        return Some(Order::Close(4014));
    }
    let named = |key: &str| asked["properties"][key].is_string();
    if !named("os") || !named("browser") || !named("device") {
        return Some(Order::Close(4002));
    }
    let id = uuid::Uuid::new_v4().simple().to_string();
    let mut session = Session { intents, told: Vec::new(), line: Some(line.clone()) };
    session.dispatch("READY", &ready(&id, &state.gateway));
    session.dispatch("GUILD_CREATE", &guild(state));
    state.sessions.insert(id, session);
    None
}

fn ready(session: &str, gateway: &str) -> Value {
    json!({
        "v": 10, "user": user(APPLICATION, "stationmaster", true), "guilds": [{ "id": GUILD, "unavailable": true }],
        "session_id": session, "resume_gateway_url": gateway, "shard": [0, 1],
        "application": { "id": APPLICATION, "flags": 0 }, "private_channels": [], "user_settings": {}, "_trace": [],
    })
}

fn guild(state: &State) -> Value {
    let channels: Vec<Value> =
        state.channels.iter().filter(|(_, known)| known.kind == 0).map(|(id, known)| channel(id, known)).collect();
    json!({
        "id": GUILD, "name": "house", "icon": null, "icon_hash": null, "splash": null, "discovery_splash": null,
        "owner_id": "1300000000000000031", "afk_timeout": 300, "verification_level": 0,
        "default_message_notifications": 0, "explicit_content_filter": 0, "roles": [], "emojis": [], "features": [],
        "mfa_level": 0, "system_channel_flags": 0, "premium_tier": 0, "preferred_locale": "en-US", "nsfw_level": 0,
        "stickers": [], "premium_progress_bar_enabled": false, "joined_at": "2024-01-01T00:00:00+00:00",
        "large": false, "unavailable": false, "member_count": 3, "voice_states": [], "members": [],
        "channels": channels, "threads": [], "presences": [], "stage_instances": [], "guild_scheduled_events": [],
        "soundboard_sounds": [],
    })
}

fn resume(state: &mut State, line: &mpsc::UnboundedSender<Order>, asked: &Value) -> Option<Order> {
    if state.revoked || !is_ours(&asked["token"]) {
        return Some(Order::Close(4004));
    }
    let (id, seen) = (asked["session_id"].as_str().unwrap_or_default(), asked["seq"].as_u64().unwrap_or_default());
    let Some(session) = state.sessions.get_mut(id).filter(|session| seen as usize <= session.told.len()) else {
        return Some(Order::Send(json!({ "op": 9, "d": false, "s": null, "t": null })));
    };
    session.line = Some(line.clone());
    let missed = session.told[seen as usize..].to_vec();
    for frame in missed {
        session.order(Order::Send(frame));
    }
    session.dispatch("RESUMED", &json!({ "_trace": [] }));
    state.resumed += 1;
    None
}

/// Forgets all sessions and says so: they cannot be resumed.
pub fn invalidate_all(state: &mut State) {
    order_all(state, || Order::Send(json!({ "op": 9, "d": false, "s": null, "t": null })));
    state.sessions.clear();
}
