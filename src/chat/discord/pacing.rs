//! What Discord's answers say about its rate limits, and whether a call may be made now.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hyper::HeaderMap;
use serde_json::Value;

/// How long to be silent when Discord wants silence and does not say how long.
const UNSAID: Duration = Duration::from_secs(5);
/// The longest silence that is believed; whoever wants more is asked again after it.
const LONGEST: Duration = Duration::from_secs(300);
/// How many routes are remembered before those that are open again are forgotten.
const REMEMBERED: usize = 4096;

/// A silence that Discord wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How long.
    pub wait: Duration,
    /// Whether it holds for everything.
    pub everywhere: bool,
}

impl Limit {
    /// What a 429 says. The header has been seen to be wrong by a factor of a thousand, so the longer of header and body
    /// counts.
    pub fn read(headers: &HeaderMap, body: &Value) -> Self {
        let said = [seconds(headers, "retry-after"), body["retry_after"].as_f64().and_then(span)];
        let wait = said.into_iter().flatten().max().unwrap_or(UNSAID);
        // An answer that is no JSON comes from the guard before Discord, which means everything.
        let everywhere = body["global"].as_bool().unwrap_or(body.is_null())
            || text(headers, "x-ratelimit-scope").is_some_and(|scope| scope == "global")
            || headers.contains_key("x-ratelimit-global");
        if wait > LONGEST {
            tracing::warn!(?wait, "Discord wants a very long silence");
        }
        Self { wait: wait.clamp(Duration::from_millis(50), LONGEST), everywhere }
    }
}

/// What is known of the limits.
#[derive(Default)]
pub struct Pacing(Mutex<Known>);

#[derive(Default)]
struct Known {
    everywhere: Option<Instant>,
    /// The bucket of a route, once an answer named it; several routes may share one.
    buckets: HashMap<String, String>,
    /// When a bucket, or a route without one, is open again.
    closed: HashMap<String, Instant>,
}

impl Pacing {
    /// Whether a call may be made now.
    pub fn check(&self, route: &str, now: Instant) -> Result<(), Limit> {
        let Ok(known) = self.0.lock() else { return Ok(()) };
        if let Some(until) = known.everywhere.filter(|until| *until > now) {
            return Err(Limit { wait: until - now, everywhere: true });
        }
        match known.closed.get(known.key(route)) {
            Some(until) if *until > now => Err(Limit { wait: *until - now, everywhere: false }),
            _ => Ok(()),
        }
    }

    /// What the headers of an answer say.
    pub fn learn(&self, route: &str, headers: &HeaderMap, now: Instant) {
        let Ok(mut known) = self.0.lock() else { return };
        known.forget(now);
        if let Some(bucket) = text(headers, "x-ratelimit-bucket") {
            // A bucket is one per channel or guild, which is the route's first id.
            let major = route.split('/').nth(2).unwrap_or_default();
            known.buckets.insert(route.to_owned(), format!("{bucket}/{major}"));
        }
        let remaining = text(headers, "x-ratelimit-remaining").and_then(|count| count.parse::<u64>().ok());
        let reset = seconds(headers, "x-ratelimit-reset-after");
        if let (Some(0), Some(reset)) = (remaining, reset) {
            known.close(route, now + reset.min(LONGEST));
        }
    }

    /// A call was refused for being too fast.
    pub fn close(&self, route: &str, limit: Limit, now: Instant) {
        let Ok(mut known) = self.0.lock() else { return };
        if limit.everywhere {
            known.everywhere = Some(now + limit.wait);
        } else {
            known.close(route, now + limit.wait);
        }
    }
}

impl Known {
    fn key<'a>(&'a self, route: &'a str) -> &'a str {
        self.buckets.get(route).map_or(route, String::as_str)
    }

    fn close(&mut self, route: &str, until: Instant) {
        let key = self.key(route).to_owned();
        let known = self.closed.entry(key).or_insert(until);
        *known = until.max(*known);
    }

    fn forget(&mut self, now: Instant) {
        if self.buckets.len() > REMEMBERED || self.closed.len() > REMEMBERED {
            self.buckets.clear();
            self.closed.retain(|_, until| *until > now);
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn seconds(headers: &HeaderMap, name: &str) -> Option<Duration> {
    span(text(headers, name)?.trim().parse().ok()?)
}

/// A number of seconds, if it can be one.
fn span(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    fn wait(header: &'static str, body: Value) -> (u128, bool) {
        let limit = Limit::read(&headers(&[("retry-after", header)]), &body);
        (limit.wait.as_millis(), limit.everywhere)
    }

    #[test]
    fn the_longer_of_header_and_body_counts() {
        assert_eq!(wait("1", json!({"retry_after": 1.5, "global": false})), (1500, false));
        assert_eq!(wait("65", json!({"retry_after": 0.065, "global": true})), (65_000, true));
    }

    #[test]
    fn f24_absurd_waits_become_sane() {
        assert_eq!(wait("abc", json!({})), (5000, false));
        assert_eq!(wait("-3", json!({"retry_after": -1})), (5000, false));
        assert_eq!(wait("86400", json!({})), (300_000, false));
        assert_eq!(wait("1e999", json!({"retry_after": 0})), (50, false));
        assert_eq!(wait("NaN", Value::Null), (5000, true));
    }

    #[test]
    fn an_empty_bucket_is_not_called_again() {
        let (pacing, now) = (Pacing::default(), Instant::now());
        let empty = [("x-ratelimit-bucket", "b"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset-after", "2.5")];
        pacing.learn("POST/channels/1/messages", &headers(&empty), now);
        let limit = pacing.check("POST/channels/1/messages", now).expect_err("closed");
        assert_eq!(limit, Limit { wait: Duration::from_millis(2500), everywhere: false });
        assert!(pacing.check("POST/channels/2/messages", now).is_ok());
        assert!(pacing.check("POST/channels/1/messages", now + Duration::from_secs(3)).is_ok());
    }

    #[test]
    fn routes_of_one_bucket_wait_together() {
        let (pacing, now) = (Pacing::default(), Instant::now());
        let open = headers(&[("x-ratelimit-bucket", "b"), ("x-ratelimit-remaining", "4")]);
        pacing.learn("PATCH/channels/1/messages/*", &open, now);
        pacing.learn("POST/channels/1/messages", &open, now);
        pacing.close("POST/channels/1/messages", Limit { wait: UNSAID, everywhere: false }, now);
        assert!(pacing.check("PATCH/channels/1/messages/*", now).is_err());
        pacing.close("POST/channels/1/messages", Limit { wait: UNSAID, everywhere: true }, now);
        assert!(pacing.check("GET/users/@me", now).expect_err("closed").everywhere);
    }
}
