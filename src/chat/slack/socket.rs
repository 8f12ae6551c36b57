//! Socket Mode: a few sockets that are always open, each of which hears part of what is said.
//!
//! What comes down a socket is heard side by side. The Slack client's own sockets hear one thing after another, so that a
//! slow answer holds up the acknowledgements of all that comes behind it; and they give up a socket before the next one is
//! up, and knock for ever with a token that is refused. So the sockets are ours, and the calls are the client's.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use futures::stream::FuturesUnordered;
use futures::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use slack_morphism::SlackApiToken;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;

use super::Workspace;
use super::fault::Fault;
use super::inbound::{Ear, Heard};
use super::taking::{Taken, ignore};
use crate::chat::Inbox;
use crate::error::Result;
use crate::job;

/// How many sockets are held. Slack lets an app have ten, and two processes may share them.
const SOCKETS: usize = 4;
/// How long Slack may take to let a socket be opened, and again to say hello on it.
const GREETING: Duration = Duration::from_secs(10);
/// How often a socket is pinged.
const PING: Duration = Duration::from_secs(5);
/// A socket from which nothing was heard for as long, no answer to a ping either, is cut.
const SILENCE: Duration = Duration::from_secs(20);
/// How many frames of a socket are heard at a time; further ones wait in it.
const AT_A_TIME: usize = 256;
/// How long the acknowledgements of a socket that is closed may take to be sent; Slack takes none after that.
const LAST_WORDS: Duration = Duration::from_secs(3);
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

/// The other end of a socket.
struct Line {
    workspace: Arc<Workspace>,
    inbox: Arc<dyn Inbox>,
    signs: mpsc::UnboundedSender<Sign>,
    is_open: AtomicBool,
    closing: CancellationToken,
}

/// One socket.
struct Socket {
    signs: mpsc::UnboundedReceiver<Sign>,
    closing: CancellationToken,
    line: JoinHandle<()>,
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
        let mut socket = match timeout(GREETING, Self::dial(workspace, token, inbox)).await {
            Ok(Ok(socket)) => socket,
            failed => {
                let error = match failed {
                    Ok(Err(error)) => format!("{error:#}"),
                    _ => "no answer in time".to_owned(),
                };
                tracing::warn!(error, "no socket to Slack can be made");
                return None;
            }
        };
        match timeout(GREETING, socket.signs.recv()).await {
            Ok(Some(Sign::Greeted)) => Some(socket),
            _ => {
                tracing::warn!("Slack did not say hello on a new socket");
                socket.close().await;
                None
            }
        }
    }

    async fn dial(workspace: &Arc<Workspace>, token: &SlackApiToken, inbox: Arc<dyn Inbox>) -> Result<Self> {
        let opened = workspace.api.check("apps.connections.open", Some(token)).await?;
        let url = opened["url"].as_str().context("Slack gave no address for a socket")?;
        let (stream, _) = connect_async(url).await?;
        let (sender, signs) = mpsc::unbounded_channel();
        let closing = CancellationToken::new();
        let line = Line {
            workspace: workspace.clone(),
            inbox,
            signs: sender,
            is_open: AtomicBool::new(false),
            closing: closing.clone(),
        };
        Ok(Self { signs, closing, line: tokio::spawn(line.follow(stream)) })
    }

    /// Hears no more, acknowledges what was heard, and closes.
    async fn close(self) {
        self.closing.cancel();
        // It ends in any case, and has nothing to tell.
        let _ = self.line.await;
    }
}

impl Line {
    /// Hears and acknowledges until the socket is closed from either side; then says that it is lost.
    async fn follow(self, stream: WebSocketStream<MaybeTlsStream<TcpStream>>) {
        let (mut writer, mut reader) = stream.split();
        let (mut hearing, mut heard_at) = (FuturesUnordered::new(), Instant::now());
        let mut ping = interval(PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let sent = tokio::select! {
                () = self.closing.cancelled() => break,
                Some(ack) = hearing.next() => match ack {
                    Some(ack) => writer.send(Message::text(ack)).await,
                    None => Ok(()),
                },
                _ = ping.tick() => match heard_at.elapsed() > SILENCE {
                    true => break,
                    false => writer.send(Message::Ping(Vec::new().into())).await,
                },
                frame = reader.next(), if hearing.len() < AT_A_TIME => match frame {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                    Some(Ok(frame)) => {
                        heard_at = Instant::now();
                        if let Message::Text(text) = frame {
                            hearing.push(self.hear(text.to_string()));
                        }
                        Ok(())
                    }
                },
            };
            if sent.is_err() {
                break;
            }
        }
        self.tell(Sign::Lost);
        let last_words = async {
            while let Some(ack) = hearing.next().await {
                if let Some(ack) = ack {
                    writer.send(Message::text(ack)).await?;
                }
            }
            writer.close().await
        };
        // What was heard is kept either way; Slack delivers what was not acknowledged once more.
        let _ = timeout(LAST_WORDS, pin!(last_words)).await;
    }

    /// The acknowledgement of a frame, if it wants one.
    async fn hear(&self, text: String) -> Option<String> {
        let Ok(frame) = serde_json::from_str::<Frame>(&text) else {
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

    fn tell(&self, sign: Sign) {
        self.set_open(sign != Sign::Lost && (sign == Sign::Greeted || self.is_open.load(Ordering::Relaxed)));
        // It fails where nobody waits for this socket any more.
        let _ = self.signs.send(sign);
    }

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
}
