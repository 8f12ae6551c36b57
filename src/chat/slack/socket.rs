//! Socket Mode: a few sockets that are always open, each of which hears part of what is said.
//!
//! The client pings, acknowledges and reads; when it connects is decided here, since it would give up a socket before
//! the next one is up, and knock for ever with a token that is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use slack_morphism::clients_manager::{SlackSocketModeClientsManager, SlackSocketModeClientsManagerFactory};
use slack_morphism::listener::SlackClientEventsListenerEnvironment;
use slack_morphism::{
    SlackApiToken, SlackClientSocketModeConfig, SlackSocketModeClientListener, SlackSocketModeWssClientId,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Workspace;
use super::fault::Fault;
use super::inbound::{Ear, Heard};
use super::taking::{Taken, ignore};
use crate::chat::Inbox;
use crate::error::Result;
use crate::job;

/// How many sockets are held. One answers one thing after another, so that a question for proposals holds up what comes
/// behind it; Slack lets an app have ten, and two processes may share them.
const SOCKETS: usize = 4;
/// How long Slack may take to say hello on a new socket.
const GREETING: Duration = Duration::from_secs(10);
/// How often a socket is pinged, in seconds. One that has not answered for more than three times this long is cut.
const PING: u64 = 5;
/// How many pings may go unanswered.
const UNANSWERED: u64 = 3;
/// When the client connects again by itself, in seconds: in a year, which is to say never.
const NEVER: u64 = 365 * 24 * 3600;
/// After this many failures the pause before the next try grows no more.
const MOST_FAILURES: i64 = 6;

/// What a socket says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// It is open.
    Greeted,
    /// It will be closed soon, and another is to be opened before.
    Leaving,
    /// It is gone.
    Lost,
}

/// A frame, as far as it is not of one kind only.
#[derive(Deserialize)]
struct Frame {
    #[serde(rename = "type")]
    kind: String,
    envelope_id: Option<String>,
    #[serde(default)]
    payload: Value,
}

/// Who listens at one socket.
struct Listener {
    workspace: Arc<Workspace>,
    inbox: Arc<dyn Inbox>,
    signs: mpsc::UnboundedSender<Sign>,
    is_open: AtomicBool,
}

/// One socket.
struct Socket {
    listener: Arc<Listener>,
    manager: Arc<dyn SlackSocketModeClientsManager + Send + Sync>,
    signs: mpsc::UnboundedReceiver<Sign>,
}

/// Holds the sockets until `stop`.
pub async fn listen(workspace: &Arc<Workspace>, token: &SlackApiToken, room: (Arc<dyn Inbox>, CancellationToken)) {
    let (inbox, stop) = room;
    if workspace.known(&stop).await.is_none() || !workspace.may_open(token, &stop).await {
        return;
    }
    let hold = |_| hold(workspace, token, (inbox.clone(), stop.clone()));
    futures::future::join_all((0..SOCKETS).map(hold)).await;
}

/// Keeps one socket open: the next one is up before one that takes its leave is closed.
async fn hold(workspace: &Arc<Workspace>, token: &SlackApiToken, (inbox, stop): (Arc<dyn Inbox>, CancellationToken)) {
    let (mut old, mut failures) = (None::<Socket>, 0);
    while !stop.is_cancelled() {
        let opened = Socket::open(workspace, token, inbox.clone()).await;
        let mut socket = match opened {
            Some(socket) => socket,
            None => {
                failures += 1;
                pause(&stop, failures).await;
                workspace.may_open(token, &stop).await;
                continue;
            }
        };
        failures = 0;
        workspace.vitals.set_trouble(None);
        if let Some(old) = old.take() {
            old.close().await;
        }
        tokio::select! {
            () = stop.cancelled() => socket.close().await,
            sign = socket.signs.recv() => match sign {
                Some(Sign::Leaving) => old = Some(socket),
                _ => {
                    tracing::warn!("a socket to Slack was lost; another is opened");
                    socket.close().await;
                }
            },
        }
    }
    if let Some(old) = old {
        old.close().await;
    }
}

async fn pause(stop: &CancellationToken, failures: i64) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(job::pause(failures.min(MOST_FAILURES)).duration()) => {}
    }
}

impl Workspace {
    /// Waits until Slack lets this app open sockets; not if it is stopped before. A token that is refused is tried
    /// again much more seldom.
    async fn may_open(&self, token: &SlackApiToken, stop: &CancellationToken) -> bool {
        let mut failures = 0;
        while !stop.is_cancelled() {
            let Err(fault) = self.api.check("apps.connections.open", Some(token)).await else {
                self.vitals.set_refusal(None);
                return true;
            };
            failures += 1;
            tracing::warn!(error = %fault, failures, "Slack does not let sockets be opened");
            if let Fault::Refused(reason) = &fault {
                self.vitals.set_refusal(Some(reason.clone()));
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(job::pause(i64::MAX).duration()) => {}
                }
            } else {
                self.vitals.set_trouble(Some(fault.to_string()));
                pause(stop, failures).await;
            }
        }
        false
    }

    /// What is told back over a socket about a frame that carries something; nothing about one that cannot be read.
    async fn hear(self: &Arc<Self>, inbox: &Arc<dyn Inbox>, frame: Frame) -> Option<String> {
        let envelope = frame.envelope_id?;
        let identity = self.identity().await?;
        let ear = Ear { identity: &identity, at: self.clock.now() };
        let malformed = |_| Heard::Ignored("malformed");
        let heard = match frame.kind.as_str() {
            "slash_commands" => serde_json::from_value(frame.payload).map_or_else(malformed, |said| ear.command(said)),
            "interactive" => serde_json::from_value(frame.payload).map_or_else(malformed, |said| ear.interaction(said)),
            "events_api" => serde_json::from_value(frame.payload).map_or_else(malformed, |said| ear.callback(said)),
            _ => Heard::Ignored("unknown"),
        };
        let ack = match self.take(inbox, heard).await {
            Taken::Ack(Value::Null) | Taken::Foreign => json!({"envelope_id": envelope}),
            Taken::Ack(payload) => json!({"envelope_id": envelope, "payload": payload}),
        };
        Some(ack.to_string())
    }
}

impl Socket {
    /// A socket on which Slack has said hello.
    async fn open(workspace: &Arc<Workspace>, token: &SlackApiToken, inbox: Arc<dyn Inbox>) -> Option<Self> {
        let mut socket = match Self::dial(workspace, token, inbox).await {
            Ok(socket) => socket,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "no socket to Slack can be made");
                return None;
            }
        };
        match tokio::time::timeout(GREETING, socket.signs.recv()).await {
            Ok(Some(Sign::Greeted)) => Some(socket),
            _ => {
                tracing::warn!("Slack did not say hello on a new socket");
                socket.close().await;
                None
            }
        }
    }

    async fn dial(workspace: &Arc<Workspace>, token: &SlackApiToken, inbox: Arc<dyn Inbox>) -> Result<Self> {
        let (sender, signs) = mpsc::unbounded_channel();
        let listener =
            Arc::new(Listener { workspace: workspace.clone(), inbox, signs: sender, is_open: AtomicBool::new(false) });
        let client = workspace.api.client();
        let environment = Arc::new(SlackClientEventsListenerEnvironment::new(client.clone()));
        let manager = client.http_api.connector.new_clients_manager(environment);
        let config = SlackClientSocketModeConfig::new()
            .with_max_connections_count(1)
            .with_initial_backoff_in_seconds(0)
            .with_reconnect_timeout_in_seconds(NEVER)
            .with_ping_interval_in_seconds(PING)
            .with_ping_failure_threshold_times(UNANSWERED);
        manager.register_new_token(&config, token.clone(), listener.clone()).await?;
        manager.start().await;
        Ok(Self { listener, manager, signs })
    }

    async fn close(self) {
        self.listener.set_open(false);
        self.manager.shutdown().await;
    }
}

impl Listener {
    /// Counts the socket while it is open, once.
    fn set_open(&self, is_open: bool) {
        if self.is_open.swap(is_open, Ordering::Relaxed) == is_open {
            return;
        }
        let sockets = &self.workspace.vitals.sockets;
        if is_open {
            sockets.fetch_add(1, Ordering::Relaxed);
        } else {
            sockets.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn tell(&self, sign: Sign) {
        self.set_open(sign != Sign::Lost && (sign == Sign::Greeted || self.is_open.load(Ordering::Relaxed)));
        // It fails where nobody waits for this socket any more.
        let _ = self.signs.send(sign);
    }
}

#[async_trait]
impl SlackSocketModeClientListener for Listener {
    async fn on_message(&self, _: &SlackSocketModeWssClientId, body: String) -> Option<String> {
        let Ok(frame) = serde_json::from_str::<Frame>(&body) else {
            ignore("malformed");
            return None;
        };
        match frame.kind.as_str() {
            "hello" => self.tell(Sign::Greeted),
            "disconnect" => self.tell(Sign::Leaving),
            _ => return self.workspace.hear(&self.inbox, frame).await,
        }
        None
    }

    async fn on_error(&self, error: Box<dyn std::error::Error + Send + Sync>) {
        let text = error.to_string();
        tracing::debug!(error = text.lines().next().unwrap_or_default(), "a socket to Slack has an error");
    }

    async fn on_disconnect(&self, _: &SlackSocketModeWssClientId) {
        self.tell(Sign::Lost);
    }
}
