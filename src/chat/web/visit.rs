//! Who is at the other end: a browser is known by an unguessable cookie, of which only the hash is kept.
//!
//! Where the configuration lists personas, for trying things out, a browser may speak as one of them. Invariant: nobody else
//! ever has a persona's id, since those of browsers are random.

use axum::http::{HeaderMap, HeaderValue, header};
use sha2::{Digest as _, Sha256};

use super::WebChat;
use super::refusal::Refusal;
use crate::error::Result;
use crate::store::conversation::{Conversations, Visitor};

/// The cookie's name.
const COOKIE: &str = "stationmaster";
/// How long a browser is known: 400 days, the most that browsers keep.
const KEPT_SECS: u32 = 400 * 24 * 60 * 60;
/// The most characters of a name.
const NAME: usize = 40;

/// As whom the sender of the request speaks; `None` for a browser that is not known.
pub async fn known(chat: &WebChat, headers: &HeaderMap) -> Result<Option<Visitor>> {
    let Some(visitor) = browser(chat, headers).await? else { return Ok(None) };
    // A persona that is listed no more is nobody's.
    let persona = visitor.persona.clone().filter(|persona| chat.personas.contains(persona));
    Ok(Some(match persona {
        Some(name) => Visitor { id: name.clone(), name: name.clone(), persona: Some(name) },
        None => Visitor { persona: None, ..visitor },
    }))
}

/// As whom the sender of the request speaks; a browser that is not known is told to load the page first.
pub async fn required(chat: &WebChat, headers: &HeaderMap) -> Result<Visitor, Refusal> {
    known(chat, headers).await?.ok_or_else(Refusal::unknown)
}

/// The browser itself, whoever it speaks as.
pub async fn browser(chat: &WebChat, headers: &HeaderMap) -> Result<Option<Visitor>> {
    match cookie(headers) {
        Some(cookie) => chat.conversations.visitor(&hash(cookie)).await,
        None => Ok(None),
    }
}

/// Makes a visitor of a new browser; gives the cookie to set.
pub async fn welcome(conversations: &Conversations) -> Result<(Visitor, HeaderValue)> {
    let cookie = hex::encode(rand::random::<[u8; 32]>());
    // The id is seen by others; it tells nothing about the cookie.
    let id = hex::encode(rand::random::<[u8; 10]>());
    let visitor = conversations.welcome(&id, &hash(&cookie)).await?;
    let value = format!("{COOKIE}={cookie}; Path=/; Max-Age={KEPT_SECS}; HttpOnly; SameSite=Strict");
    Ok((visitor, HeaderValue::try_from(value)?))
}

/// A name as it may be shown to others: one short line; `None` if nothing is left of it.
pub fn clean_name(name: &str) -> Option<String> {
    let name: String = name.chars().filter(|c| !c.is_control()).take(NAME).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    pairs.flat_map(|value| value.split(';')).find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

fn hash(cookie: &str) -> String {
    hex::encode(Sha256::digest(cookie))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; stationmaster2=no"));
        assert_eq!(cookie(&headers), None);
        headers.append(header::COOKIE, HeaderValue::from_static("b=2;stationmaster=yes; c=3"));
        assert_eq!(cookie(&headers), Some("yes"));
    }

    #[test]
    fn names_are_one_short_line() {
        assert_eq!(clean_name("  Ada\r\nB \u{0}").as_deref(), Some("AdaB"));
        assert_eq!(clean_name(" \n "), None);
        assert_eq!(clean_name(&"x".repeat(99)).map(|name| name.len()), Some(40));
    }
}
