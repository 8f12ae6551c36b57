//! One exchange with an API: from a runner's keys to a call, and from what came back to what it means.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use sha2::Sha256;

use super::http::{Method, Sign};
use super::web_client::{Answer, Call, Trouble};
use super::{Attempt, Outcome, Status, Tools};
use crate::clock::{Millis, Span};
use crate::error::{Result, UserError};
use crate::message::{Data, Escape, Template};

/// The longest wait that a `Retry-After` can ask for.
pub(super) const LONGEST_WAIT: Span = Span::from_secs(300);
/// How much of another system's own words is shown, in characters.
const LONGEST_WORDS: usize = 300;

/// A call as a capability file says it, its address filled in.
pub(super) struct Exchange<'r> {
    pub(super) method: Method,
    pub(super) url: String,
    /// Sent as `Idempotency-Key`.
    pub(super) key: Option<&'r str>,
    pub(super) headers: &'r BTreeMap<String, Template>,
    pub(super) body: Option<&'r Data>,
    pub(super) expect: &'r [u16],
    pub(super) sign: Option<&'r Sign>,
}

impl Exchange<'_> {
    /// Makes the call for `values`: the answer to go on with, or what the step ends with.
    pub(super) async fn make(
        &self,
        tools: &Tools,
        attempt: &Attempt,
        values: &Value,
    ) -> Result<ControlFlow<Outcome, Answer>> {
        let now = tools.clock.now();
        let call = self.call(values, Span::from_millis(attempt.deadline - now).duration())?;
        let answer = tools.web.send(call, &attempt.cancel).await;
        Ok(judge((self.method, self.expect), answer, now).map_break(|outcome| {
            let summary = format!("{} {}: {}", self.method.name(), host(&self.url), outcome.summary);
            Outcome { summary: attempt.mask.text(&summary), ..outcome }
        }))
    }

    /// The call with its headers, body and signature filled in; a [`UserError`] where a value does not fit its place.
    pub(super) fn call(&self, values: &Value, deadline: Duration) -> Result<Call> {
        let body = self.body.map(|body| body.render(values)).transpose()?.map(|body| body.to_string().into_bytes());
        let mut headers = HeaderMap::new();
        if let Some(key) = self.key {
            headers.insert(HeaderName::from_static("idempotency-key"), header("Idempotency-Key", key)?);
        }
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, template) in self.headers {
            headers.insert(header_name(name)?, header(name, &template.render(values, Escape::Plain)?)?);
        }
        if let Some(sign) = self.sign {
            let secret = SecretString::from(sign.secret.render(values, Escape::Plain)?);
            let signature = format!("sha256={}", hmac(&secret, &[body.as_deref().unwrap_or_default()]));
            headers.insert(header_name(&sign.header)?, header(&sign.header, &signature)?);
        }
        Ok(Call { method: self.method.into(), url: self.url.clone(), headers, body, deadline })
    }
}

/// What an answer, or its absence, means for a call that began `now`. All of 200 to 299 is expected if nothing is.
pub(super) fn judge(
    (method, expect): (Method, &[u16]),
    answer: Result<Answer, Trouble>,
    now: Millis,
) -> ControlFlow<Outcome, Answer> {
    let lost = |why| if method.is_idempotent() { Outcome::transient(why) } else { Outcome::unknown(why) };
    let answer = match answer {
        Ok(answer) => answer,
        Err(Trouble::Refused(why)) => return ControlFlow::Break(Outcome::refused(why)),
        Err(Trouble::Unreached(why)) => return ControlFlow::Break(Outcome::untouched(why)),
        Err(Trouble::Lost(why)) => return ControlFlow::Break(lost(why)),
        Err(big @ Trouble::TooBig(_)) => {
            return ControlFlow::Break(Outcome::failed(format!("it may have been done, but {big}")));
        }
    };
    let status = answer.status.as_u16();
    if expect.contains(&status) || (expect.is_empty() && answer.status.is_success()) {
        return ControlFlow::Continue(answer);
    }
    let words = answer_words(&answer);
    let failed = |transient, untouched| {
        let retry_after = if transient { retry_after(&answer.headers, now) } else { None };
        Outcome { status: Status::Failed { transient, untouched, retry_after }, ..Outcome::failed(words.clone()) }
    };
    ControlFlow::Break(match status {
        // By their definitions (RFC 9110, 8470, 6585) none of these was looked at.
        408 | 425 | 429 => failed(true, true),
        // What was sent contradicts what is there (RFC 9110, section 15.5.10), or is understood and cannot be done
        // (15.5.21): whoever asked can mend that.
        409 | 422 => Outcome::declined(words),
        // The gateway says that it lost the answer; what is behind it may have done the work.
        504 => lost(words),
        500.. => failed(true, false),
        _ => failed(false, false),
    })
}

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Head => Self::HEAD,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
            Method::Delete => Self::DELETE,
        }
    }
}

impl Answer {
    /// The body as JSON, if it is that.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

fn header_name(name: &str) -> Result<HeaderName> {
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| UserError::invalid(format!("`{name}` is not the name of a header")).into())
}

/// A header's value, which cannot become a second header. It is marked so that no log shows it.
pub(super) fn header(name: &str, value: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
        UserError::invalid(format!("the header `{name}` cannot carry a line break or another control character"))
            .hint("nothing was sent; leave the line break out of the value")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The HMAC-SHA256 of the parts one after the other, in lower-case hex digits.
pub(super) fn hmac(key: &SecretString, parts: &[&[u8]]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    hex::encode(mac.finalize().into_bytes())
}

/// The host of a URL, for words; not the whole of it, where secrets may be.
pub(super) fn host(url: &str) -> String {
    url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "?".into())
}

/// The status and, where it has some, the other side's own words: `404 Not Found: no such size`.
pub(super) fn answer_words(answer: &Answer) -> String {
    match answer.json().as_ref().and_then(words_of) {
        Some(words) => format!("{}: {words}", answer.status),
        None => answer.status.to_string(),
    }
}

/// The words that an answer has for people, in the places where APIs put them.
pub(super) fn words_of(body: &Value) -> Option<String> {
    let places = ["/message", "/error/message", "/error", "/detail", "/title", "/reason", "/errors/0/message"];
    let words = places.iter().find_map(|place| body.pointer(place)?.as_str())?;
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then(|| line.chars().take(LONGEST_WORDS).collect())
}

/// How long `Retry-After` asks to wait: seconds or a date, at most [`LONGEST_WAIT`]; `None` where it is neither or over.
pub(super) fn retry_after(headers: &HeaderMap, now: Millis) -> Option<Span> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let millis = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse::<i64>().unwrap_or(i64::MAX).saturating_mul(1000)
    } else {
        jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok()?.as_millisecond()
            - now
    };
    (millis > 0).then(|| Span::from_millis(millis.min(LONGEST_WAIT.millis())))
}

/// The place to look at among the outputs: `link` or `url`, if it is a web address.
pub(super) fn link_of(outputs: &Map<String, Value>) -> Option<String> {
    let found = ["link", "url"].iter().filter_map(|name| outputs.get(*name)?.as_str());
    found.into_iter().find(|text| is_web_address(text)).map(str::to_owned)
}

pub(super) fn is_web_address(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// The values with the step's own outputs among `steps`, and with `more` beside them.
pub(super) fn with_own(attempt: &Attempt, outputs: &Map<String, Value>, more: &[(&str, Value)]) -> Value {
    let mut values = attempt.values.clone();
    let Some(object) = values.as_object_mut() else { return values };
    let steps = object.entry("steps").or_insert_with(|| Value::Object(Map::new()));
    if let Some(steps) = steps.as_object_mut() {
        let own = steps.entry(attempt.step.clone()).or_insert_with(|| Value::Object(Map::new()));
        if let Some(own) = own.as_object_mut() {
            own.extend(outputs.clone());
        }
    }
    object.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wait(text: &str) -> Option<i64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(text).expect("a value"));
        retry_after(&headers, 784_111_777_000).map(Span::millis)
    }

    #[test]
    fn f24_retry_after_is_taken_with_sense() {
        assert_eq!(wait("7"), Some(7000));
        assert_eq!(wait(" 7 "), Some(7000));
        assert_eq!(wait("86400"), Some(300_000), "a ceiling");
        assert_eq!(wait("99999999999999999999999999"), Some(300_000));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:47 GMT"), Some(10_000));
        assert_eq!(wait("Fri, 31 Dec 2999 23:59:59 GMT"), Some(300_000));
        for nothing in ["Sun, 06 Nov 1994 08:49:27 GMT", "0", "-5", "abc", "", "1.5", "NaN", "7 minutes"] {
            assert_eq!(wait(nothing), None, "{nothing}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), 0), None);
    }

    #[test]
    fn c5_a_header_takes_no_line_break() {
        for wrong in ["a\r\nX-Admin: 1", "a\nb", "a\0b", "a\u{7f}"] {
            assert!(header("X-Name", wrong).is_err(), "{wrong:?}");
        }
        assert!(header("X-Name", "größe; a=b").is_ok());
    }

    #[test]
    fn words_are_found_and_cut() {
        assert_eq!(words_of(&json!({"error": {"message": "no\nsuch  size"}})).as_deref(), Some("no such size"));
        assert_eq!(words_of(&json!({"message": "é".repeat(900)})).map(|words| words.chars().count()), Some(300));
        for none in [json!(null), json!([1]), json!({"message": 3}), json!({"message": "  "})] {
            assert_eq!(words_of(&none), None);
        }
    }

    #[test]
    fn only_web_addresses_become_links() {
        let link = |value: &str| link_of(&Map::from_iter([("url".to_owned(), json!(value))]));
        assert_eq!(link("https://a.example/x").as_deref(), Some("https://a.example/x"));
        for not in ["postgres://a/b", "javascript:alert(1)", "a b", "file:///etc", "http://"] {
            assert_eq!(link(not), None, "{not}");
        }
    }
}
