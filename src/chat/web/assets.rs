//! The files that the page loads: embedded, and named by their content so that browsers may keep them for ever.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("assets/style.css");
const SCRIPT: &str = include_str!("assets/script.js");
const ICON: &str = include_str!("assets/icon.svg");

/// Where the page finds its files.
pub struct Addresses {
    /// The look.
    pub style: String,
    /// The script.
    pub script: String,
    /// The icon.
    pub icon: String,
}

/// Where the page finds its files.
pub static ADDRESSES: LazyLock<Addresses> = LazyLock::new(|| Addresses {
    style: address("style.css", STYLE),
    script: address("script.js", SCRIPT),
    icon: address("icon.svg", ICON),
});

fn address(name: &str, content: &str) -> String {
    format!("/chat/{name}?v={}", &hex::encode(Sha256::digest(content))[..12])
}

/// `GET /chat/style.css`
pub async fn style() -> Response {
    embedded("text/css; charset=utf-8", STYLE)
}

/// `GET /chat/script.js`
pub async fn script() -> Response {
    embedded("text/javascript; charset=utf-8", SCRIPT)
}

/// `GET /chat/icon.svg`
pub async fn icon() -> Response {
    embedded("image/svg+xml", ICON)
}

fn embedded(kind: &'static str, content: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, content).into_response()
}
