//! What every request passes before its handler, and every answer after it: names, limits, headers, panics.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::uri::Authority;
use axum::http::{StatusCode, Version};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};

use super::server::Options;

/// The names by which the server may be asked. A page of another name that resolves to this address (DNS rebinding)
/// could otherwise talk to a server that trusts whoever reaches it.
#[derive(Debug, Clone)]
pub struct Names {
    /// Host names besides `localhost`, in lower case.
    pub hosts: Vec<String>,
    /// The address that it listens on; the unspecified one stands for every address.
    pub address: IpAddr,
}

impl Names {
    /// The names of a server that listens on `address` and is reached by others at `public_url`.
    pub fn new(address: IpAddr, public_url: &str) -> Self {
        let host = url::Url::parse(public_url).ok().and_then(|url| url.host_str().map(str::to_lowercase));
        Self { hosts: host.into_iter().collect(), address }
    }

    /// Whether a Host header names this server. The port is not looked at: tunnels and proxies change it.
    fn include(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        let name = authority.host().trim_end_matches('.').to_lowercase();
        if authority.as_str().contains('@') {
            return false;
        }
        match name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(ip) => {
                ip.is_loopback() || ip == self.address || self.address.is_unspecified() || self.hosts.contains(&name)
            }
            Err(_) => name == "localhost" || self.hosts.contains(&name),
        }
    }
}

/// What an answer carries if its handler does not say otherwise.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The router behind everything that protects it.
pub(super) fn protect(router: Router, options: &Options) -> Router {
    let limits = &options.limits;
    router
        .layer(RequestBodyLimitLayer::new(limits.body_size))
        .layer(RequestBodyTimeoutLayer::new(limits.body_pause))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limits.answer_time))
        .layer(from_fn(catch_panic))
        .layer(from_fn_with_state(options.names.clone(), check_host))
        .layer(from_fn(finish))
}

/// Refuses a request that is meant for another server.
async fn check_host(names: axum::extract::State<Names>, request: Request, next: Next) -> Response {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    let named = first.and_then(|host| host.to_str().ok());
    if second.is_some()
        || (first.is_some() && named.is_none())
        || (first.is_none() && request.version() == Version::HTTP_11)
    {
        return refuse("host", StatusCode::BAD_REQUEST, "A request has one Host header.\n");
    }
    let asked = request.uri().authority().map(Authority::as_str);
    if named.into_iter().chain(asked).any(|host| !names.include(host)) {
        let words = "This server has another name.\nhint: ask it as localhost, or set web.public_url to this name\n";
        return refuse("host", StatusCode::MISDIRECTED_REQUEST, words);
    }
    next.run(request).await
}

/// Answers a panic with a reference under which the log has it.
async fn catch_panic(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            let reference = crate::error::reference();
            tracing::error!(reference, "a request ended in a panic");
            let words = format!("Something went wrong here, reference {reference}.\n");
            (StatusCode::INTERNAL_SERVER_ERROR, words).into_response()
        }
    }
}

/// Counts the request and completes its answer's headers.
async fn finish(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().map_or("none", |route| route.as_str()).to_owned();
    // RFC 9112, section 6.1: bytes after such a request may have been smuggled past a proxy, so none are read.
    let is_last = request.headers().contains_key(header::TRANSFER_ENCODING);
    let mut response = next.run(request).await;
    complete(response.headers_mut(), is_last);
    let (status, took) = (response.status(), begun.elapsed());
    tracing::debug!(%method, path, status = status.as_u16(), millis = took.as_millis(), "answered");
    metrics::counter!("stationmaster_http_requests_total", "route" => route.clone(), "status" => status.as_str().to_owned())
        .increment(1);
    metrics::histogram!("stationmaster_http_answer_seconds", "route" => route).record(took);
    response
}

fn complete(headers: &mut HeaderMap, is_last: bool) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if is_last {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// A counted refusal.
fn refuse(reason: &'static str, status: StatusCode, words: &'static str) -> Response {
    metrics::counter!("stationmaster_http_refused_total", "reason" => reason).increment(1);
    (status, words).into_response()
}
