//! The pictures of cards, drawn when a browser asks for one.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::refusal::Refusal;
use super::{Room, html, preview, visit};
use crate::chat::Picture;
use crate::picture::Chart;

/// A picture that is always this one may be kept for ever, by this browser alone.
const KEPT: &str = "private, max-age=31536000, immutable";

/// Which picture.
#[derive(Deserialize)]
pub struct Which {
    /// The entry's id; empty for the home.
    entry: String,
    /// What the chart was when the page was made.
    key: String,
}

/// `GET /chat/picture`: the picture of a card of this visitor.
pub async fn show(
    State(room): State<Room>,
    Query(which): Query<Which>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let visitor = visit::required(&room.chat, &headers).await?;
    let card = preview::find(&room, &visitor, &which.entry).await?;
    let chart = card.and_then(|card| card.picture).ok_or_else(Refusal::missing)?.chart;
    // The card may have changed since the page was made; what is asked for is then no longer there.
    let keeping = if chart.key() == which.key { KEPT } else { "no-store" };
    let drawn = tokio::task::spawn_blocking(move || chart.png()).await.map_err(anyhow::Error::from)??;
    let headers = [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, keeping)];
    Ok((headers, drawn).into_response())
}

/// Where the picture of an entry is.
pub fn address(entry: &str, chart: &Chart) -> String {
    format!("/chat/picture?entry={}&key={}", utf8_percent_encode(entry, NON_ALPHANUMERIC), chart.key())
}

/// The HTML of an entry's picture.
pub fn image(entry: &str, Picture { chart }: &Picture) -> String {
    let (width, height) = chart.size();
    let mut out = format!("<img class=\"picture\" width=\"{width}\" height=\"{height}\" alt=\"");
    html::write_text(&mut out, &chart.alt());
    out.push_str("\" src=\"");
    html::write_text(&mut out, &address(entry, chart));
    out.push_str("\">");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Distribution;

    #[test]
    fn c10_a_picture_is_one_element_whatever_it_says() {
        let title = "\"><script>alert(1)</script>".to_owned();
        let chart = Chart::Distribution(Distribution { title, ..Distribution::default() });
        let key = chart.key();
        let html = image("re-1&x=\"2\"", &Picture { chart });
        assert_eq!(html.matches('<').count(), 1, "{html}");
        assert!(html.contains(&format!("src=\"/chat/picture?entry=re%2D1%26x%3D%222%22&amp;key={key}\"")), "{html}");
    }
}
