//! The listener: hyper behind limits of time, size and number, with a graceful end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::guard::{self, Names};
use crate::error::{Reason, Result, UserError};

/// What one client can take of the server. The defaults let a slow connection of a person through and cut everything
/// that only wants to be held open.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From the opening of a connection, or the end of the last answer, to the end of a request's headers.
    pub header_time: Duration,
    /// Between two pieces of a request's body.
    pub body_pause: Duration,
    /// From the end of a request's headers to the beginning of its answer.
    pub answer_time: Duration,
    /// All headers together, in bytes.
    pub header_size: usize,
    /// A request's body, in bytes.
    pub body_size: usize,
    /// Connections at the same time; further ones wait to be accepted.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_time: Duration::from_secs(10),
            body_pause: Duration::from_secs(10),
            answer_time: Duration::from_secs(30),
            header_size: 64 * 1024,
            body_size: 1024 * 1024,
            connections: 4096,
        }
    }
}

/// How the server behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The names by which it may be asked.
    pub names: Names,
    /// What one client can take of it.
    pub limits: Limits,
    /// How long a shutdown waits for answers under way.
    pub grace: Duration,
}

/// Opens the address; port 0 takes any free one, which the listener then tells.
pub async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        UserError::new(Reason::Unavailable, format!("Nothing can listen on {address}: {error}."))
            .hint("stop what listens there already, or set web.listen to another address")
            .into()
    })
}

/// Answers with `router` until `stop`, then lets answers under way end for as long as the grace lasts.
///
/// An answer without an end of its own, such as a stream of events, must end itself at `stop`.
pub async fn serve(listener: TcpListener, router: Router, options: Options, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(options.limits.connections.min(affordable_connections())));
    let service = TowerToHyperService::new(guard::protect(router, &options));
    let http = protocol(&options.limits);
    let mut connections = JoinSet::new();
    while let Some((stream, slot)) = accept(&listener, &slots, &stop).await {
        while connections.try_join_next().is_some() {}
        let connection = http.serve_connection(TokioIo::new(stream), service.clone());
        let stop = stop.clone();
        connections.spawn(async move {
            let _slot = slot;
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                metrics::counter!("stationmaster_http_connections_cut_total").increment(1);
                tracing::debug!(%error, "a connection was cut");
            }
        });
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if timeout(options.grace, all_ended).await.is_err() {
        tracing::warn!(connections = connections.len(), "answers still under way are cut: the grace is over");
    }
}

/// The next connection, once there is room for it; `None` at `stop`.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let next = async {
        let slot = slots.clone().acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    // Small answers and events are not held back to be sent together.
                    stream.set_nodelay(true).ok();
                    return Some((stream, slot));
                }
                Err(error) => {
                    // Out of file handles, most likely: connections that end give some back.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        accepted = next => accepted,
    }
}

fn protocol(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_time).max_buf_size(limits.header_size);
    http
}

/// How many connections the limit on open files leaves room for, after raising that limit as far as is allowed. A
/// quarter of it is kept for the database, programs and calls to other systems.
fn affordable_connections() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let files = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    files.map_or(usize::MAX, |files| usize::try_from(files / 4 * 3).unwrap_or(usize::MAX)).max(16)
}
