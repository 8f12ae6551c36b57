//! As much of Slack as a load needs: a Web API that takes everything, and sockets that send envelopes and wait for their
//! acknowledgements. The strict one is in the tests.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::any;
use axum::{Json, Router};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;

use super::measure;

/// How long an acknowledgement is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The stand-in.
#[derive(Default)]
pub struct StandIn {
    /// What is sent on each open socket.
    sockets: Mutex<Vec<mpsc::UnboundedSender<String>>>,
    waiting: Mutex<HashMap<String, oneshot::Sender<()>>>,
    next: AtomicU64,
    /// How many messages were posted or edited.
    pub messages: AtomicU64,
    /// Where sockets are dialled.
    link: Mutex<String>,
}

impl StandIn {
    /// Opens it; gives it and the address of its API.
    pub async fn open() -> (Arc<Self>, String) {
        let this = Arc::new(Self::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let link = format!("ws://{}/link", listener.local_addr().expect("an address"));
        *this.link.lock().expect("not poisoned") = link;
        let host = this.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).ok();
                tokio::spawn(host.clone().hold(stream));
            }
        });
        let router = Router::new().route("/api/{method}", any(call)).with_state(this.clone());
        let api = format!("http://{}/api", measure::listen(router).await);
        (this, api)
    }

    /// Sends what somebody did on one of the sockets; whether it was acknowledged.
    pub async fn send(&self, payload: Value) -> bool {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let envelope = format!("e{number}");
        let (done, acknowledged) = oneshot::channel();
        self.waiting.lock().expect("not poisoned").insert(envelope.clone(), done);
        let frame = json!({"type": "slash_commands", "envelope_id": envelope, "accepts_response_payload": true,
            "payload": payload});
        let is_sent = {
            let mut sockets = self.sockets.lock().expect("not poisoned");
            sockets.retain(|socket| !socket.is_closed());
            let count = sockets.len().max(1) as u64;
            sockets.get((number % count) as usize).is_some_and(|socket| socket.send(frame.to_string()).is_ok())
        };
        is_sent && matches!(tokio::time::timeout(PATIENCE, acknowledged).await, Ok(Ok(())))
    }

    /// One socket, until its other end closes it.
    async fn hold(self: Arc<Self>, stream: TcpStream) {
        let Ok(socket) = tokio_tungstenite::accept_async(stream).await else { return };
        let (mut out, mut incoming) = socket.split();
        let (orders, mut ordered) = mpsc::unbounded_channel::<String>();
        let hello = json!({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}});
        if out.send(Message::text(hello.to_string())).await.is_err() {
            return;
        }
        self.sockets.lock().expect("not poisoned").push(orders);
        loop {
            tokio::select! {
                order = ordered.recv() => {
                    let Some(order) = order else { return };
                    if out.send(Message::text(order)).await.is_err() {
                        return;
                    }
                }
                heard = incoming.next() => match heard {
                    Some(Ok(Message::Text(text))) => self.acknowledge(&text),
                    Some(Ok(_)) => {}
                    _ => return,
                },
            }
        }
    }

    fn acknowledge(&self, text: &str) {
        let said: Value = serde_json::from_str(text).unwrap_or_default();
        let known = said["envelope_id"].as_str().and_then(|id| self.waiting.lock().expect("not poisoned").remove(id));
        if let Some(done) = known {
            // Whoever waited may have given up.
            let _ = done.send(());
        }
    }
}

/// A call of the Web API: everything is taken.
async fn call(State(slack): State<Arc<StandIn>>, Path(method): Path<String>) -> Json<Value> {
    Json(match method.as_str() {
        "auth.test" => json!({"ok": true, "team": "House", "team_id": "T1", "user": "stationmaster", "user_id": "U0",
            "bot_id": "B1"}),
        "bots.info" => json!({"ok": true, "bot": {"id": "B1", "app_id": "A1"}}),
        "apps.connections.open" => json!({"ok": true, "url": *slack.link.lock().expect("not poisoned")}),
        "users.info" => {
            json!({"ok": true, "user": {"team_id": "T1", "name": "ada", "profile": {"display_name": "Ada"}}})
        }
        "usergroups.list" => json!({"ok": true, "usergroups": []}),
        "chat.postMessage" | "chat.update" => {
            let number = slack.messages.fetch_add(1, Ordering::Relaxed);
            json!({"ok": true, "channel": "C1", "ts": format!("{number}.000100")})
        }
        _ => json!({"ok": true}),
    })
}
