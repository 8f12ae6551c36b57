//! The one way out to the network: deadlines, byte limits, redirects and addresses by policy.

use std::error::Error;
use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::reach::{PublicOnly, Reach, Refused, Way};
use crate::config::HttpPolicy;
use crate::error::Result;

/// How long a connection may take, name and TLS included.
const CONNECT: Duration = Duration::from_secs(10);
/// The most bytes of an answer that are read.
const LARGEST: usize = 1 << 20;
/// The most redirects that are followed.
const REDIRECTS: usize = 5;

/// An HTTP client that goes only where the configuration lets it.
///
/// It reads no proxy variables, sends no `Accept-Encoding` and unpacks nothing, and keeps no connection open: one that
/// the other side has just closed would look like a lost answer.
#[derive(Debug, Clone)]
pub struct WebClient {
    reach: Reach,
    public: Client,
    any: Client,
}

/// One call.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method; redirects are followed for GET and HEAD only.
    pub method: Method,
    /// Where to.
    pub url: String,
    /// Sent along; not sent on to another host after a redirect.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Option<Vec<u8>>,
    /// How long it may take altogether.
    pub deadline: Duration,
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; of an answer that is no success perhaps only its beginning.
    pub body: Vec<u8>,
}

/// Why there is no answer. What may have happened on the other side differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The policy does not let us go there. The call was not made, or a redirect of a read was not followed.
    Refused(String),
    /// There was no connection: nothing has happened.
    Unreached(String),
    /// It was sent, or may have been, and the answer did not come whole: nobody knows.
    Lost(String),
    /// The other side did it, and answered with more than is read.
    TooBig(StatusCode),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(why) | Self::Unreached(why) | Self::Lost(why) => f.write_str(why),
            Self::TooBig(status) => write!(f, "the answer ({}) is larger than 1 MiB", status.as_u16()),
        }
    }
}

impl Error for Trouble {}

impl WebClient {
    /// A client for the policy; an error names the entry that is no host. The process must have installed its TLS
    /// provider.
    pub fn new(policy: &HttpPolicy) -> Result<Self> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            bail!("no TLS provider is installed in this process");
        }
        let base = || {
            Client::builder()
                // Discord's client brings another one along, which must not become ours by accident.
                .tls_backend_rustls()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .pool_max_idle_per_host(0)
                .connect_timeout(CONNECT)
                .user_agent(concat!("stationmaster/", env!("CARGO_PKG_VERSION")))
        };
        Ok(Self {
            reach: Reach::new(policy)?,
            public: base().dns_resolver(PublicOnly).build().context("the HTTP client")?,
            any: base().build().context("the HTTP client")?,
        })
    }

    /// The JSON that a GET of `url` is answered with; an error is one plain sentence.
    pub async fn get_json(&self, url: &str, deadline: Duration) -> Result<Value> {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        let call = Call { method: Method::GET, url: url.to_owned(), headers, body: None, deadline };
        let answer = self.send(call, &CancellationToken::new()).await?;
        if !answer.status.is_success() {
            bail!("the answer was {}", answer.status);
        }
        serde_json::from_slice(&answer.body).context("the answer is not JSON")
    }

    /// Makes the call. Dropped or cancelled, it stops at once.
    pub async fn send(&self, call: Call, cancel: &CancellationToken) -> Result<Answer, Trouble> {
        if cancel.is_cancelled() {
            return Err(Trouble::Unreached("it was stopped before it began".into()));
        }
        if call.deadline.is_zero() {
            return Err(Trouble::Unreached("its time was over before it began".into()));
        }
        tokio::select! {
            () = cancel.cancelled() => Err(Trouble::Lost("it was stopped before the answer came".into())),
            answer = self.follow(call) => answer,
        }
    }

    /// Makes the call and follows its redirects, each checked like the first address.
    async fn follow(&self, mut call: Call) -> Result<Answer, Trouble> {
        let end = Instant::now() + call.deadline;
        let reads = matches!(call.method, Method::GET | Method::HEAD);
        for _ in 0..=REDIRECTS {
            let (url, way) = self.reach.check(&call.url).map_err(|Refused(why)| Trouble::Refused(why))?;
            let response = self.begin(&call, &url, (way, end)).await?;
            let next = if reads { target(&response, &url) } else { None };
            let Some(next) = next else {
                return finish(response, end).await;
            };
            if next.origin() != url.origin() {
                call.headers.clear();
            }
            call.url = next.into();
        }
        Err(Trouble::Refused(format!("it was sent on more than {REDIRECTS} times")))
    }

    /// Sends the call and waits for the head of the answer.
    async fn begin(&self, call: &Call, url: &Url, (way, end): (Way, Instant)) -> Result<Response, Trouble> {
        let client = match way {
            Way::Public => &self.public,
            Way::Any => &self.any,
        };
        let mut request = client.request(call.method.clone(), url.clone()).headers(call.headers.clone());
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let host = url.host_str().unwrap_or_default();
        match timeout_at(end, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(trouble(&error, host)),
            Err(_) => Err(Trouble::Lost(format!("{host} did not answer in time"))),
        }
    }
}

/// Where an answer sends us on to, if it does.
fn target(response: &Response, from: &Url) -> Option<Url> {
    let moved = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let place = response.headers().get(LOCATION).filter(|_| moved)?;
    from.join(place.to_str().ok()?).ok()
}

/// Reads the body. Of an answer that is no success the status is what counts, so its beginning is enough.
async fn finish(mut response: Response, end: Instant) -> Result<Answer, Trouble> {
    let (status, host) = (response.status(), response.url().host_str().unwrap_or_default().to_owned());
    let mut answer = Answer { status, headers: response.headers().clone(), body: Vec::new() };
    let read = timeout_at(end, fill(&mut answer.body, &mut response)).await;
    match read {
        _ if !status.is_success() => Ok(answer),
        Ok(Ok(true)) => Ok(answer),
        Ok(Ok(false)) => Err(Trouble::TooBig(status)),
        Ok(Err(_)) => Err(Trouble::Lost(format!("the answer of {host} broke off"))),
        Err(_) => Err(Trouble::Lost(format!("the answer of {host} was not whole in time"))),
    }
}

/// Reads until the end (true), or until there is more than fits (false). What the answer says of its own length is not
/// believed, so nothing is set aside for it.
async fn fill(body: &mut Vec<u8>, response: &mut Response) -> Result<bool, reqwest::Error> {
    while let Some(chunk) = response.chunk().await? {
        let room = LARGEST - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What an error of the client means for what may have happened.
fn trouble(error: &reqwest::Error, host: &str) -> Trouble {
    if let Some(Refused(why)) = causes(error).find_map(|error| error.downcast_ref::<Refused>()) {
        return Trouble::Refused(why.clone());
    }
    let why = causes(error).last().map(ToString::to_string).unwrap_or_default();
    if error.is_connect() {
        Trouble::Unreached(format!("{host} cannot be reached ({why})"))
    } else if error.is_builder() {
        Trouble::Refused(format!("the call cannot be made ({why})"))
    } else {
        Trouble::Lost(format!("the answer of {host} was lost ({why})"))
    }
}

fn causes<'e>(error: &'e reqwest::Error) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}
