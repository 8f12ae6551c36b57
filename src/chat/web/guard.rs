//! What every request of the page must pass, so that no other site can act or look through it, and what its pages may
//! load. The other headers that protect are the server's, on every answer.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::refusal::Refusal;

/// Nothing but what we serve ourselves, framed by nobody.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Refuses what another site sent, and says on every answer what a browser may load for it.
pub async fn guard(request: Request, next: Next) -> Response {
    let own = match *request.method() {
        Method::GET | Method::HEAD => may_read(request.headers(), request.uri().path()),
        _ => may_act(request.headers()),
    };
    let mut response = if own { next.run(request).await } else { Refusal::foreign().into_response() };
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// Whether the request was made by the page or by hand (a program sends no such header): all but the page itself is
/// for the page alone.
fn may_read(headers: &HeaderMap, path: &str) -> bool {
    path == "/" || site(headers).is_none_or(|site| matches!(site, "same-origin" | "none"))
}

/// Whether the page itself sent this. Every browser says so on a POST, by one header or the other; what says neither
/// is refused.
fn may_act(headers: &HeaderMap) -> bool {
    match site(headers) {
        Some(site) => site == "same-origin",
        None => is_own_origin(headers),
    }
}

/// The browser's own word on who made the request (Fetch Metadata, <https://www.w3.org/TR/fetch-metadata/>).
pub fn site(headers: &HeaderMap) -> Option<&str> {
    headers.get("sec-fetch-site").map(|value| value.to_str().unwrap_or("unreadable"))
}

fn is_own_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://"));
    matches!((origin, text(header::HOST)), (Some((_, origin)), Some(host)) if origin.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a14_only_the_page_acts() {
        let host = ("host", "127.0.0.1:7070");
        assert!(may_act(&headers(&[host, ("sec-fetch-site", "same-origin")])));
        assert!(may_act(&headers(&[host, ("origin", "http://127.0.0.1:7070")])));
        for foreign in [
            [host, ("sec-fetch-site", "cross-site")],
            [host, ("sec-fetch-site", "same-site")],
            [host, ("sec-fetch-site", "none")],
            [host, ("origin", "http://127.0.0.1:7071")],
            [host, ("origin", "null")],
            [host, ("accept", "*/*")],
        ] {
            assert!(!may_act(&headers(&foreign)), "{foreign:?}");
        }
    }

    #[test]
    fn a14_other_sites_cannot_listen() {
        assert!(may_read(&headers(&[("sec-fetch-site", "same-origin")]), "/chat/live"));
        assert!(!may_read(&headers(&[("sec-fetch-site", "cross-site")]), "/chat/live"));
        assert!(may_read(&headers(&[("sec-fetch-site", "cross-site")]), "/"));
    }
}
