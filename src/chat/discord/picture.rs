//! Pictures of cards as attachments of messages: made when a card is sent, kept where an edit does not change them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::rest::Failure;
use super::{card, limits};
use crate::chat::{Card, Picture};

/// How many messages it is remembered of which picture they have.
const REMEMBERED: usize = 10_000;

/// A picture as a file.
pub struct File {
    /// Its name, which says which chart it is.
    pub name: String,
    /// Its bytes, a PNG.
    pub png: Vec<u8>,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.name, self.png.len())
    }
}

/// A body, and the file that it shows.
#[derive(Debug, Clone)]
pub struct Content {
    /// The message.
    pub body: Value,
    /// What goes with it.
    pub file: Option<Arc<File>>,
}

/// What a chart's file is called.
pub fn name(picture: &Picture) -> String {
    format!("chart-{}.png", &picture.chart.key()[..12])
}

/// The body of a message that shows a card with its picture, whose file is `id`: 0, the first that goes with the message,
/// or one that the message has already.
pub fn message(card: &Card, picture: &Picture, id: &str) -> Value {
    let mut body = card::message_without_words(card);
    let (name, alt) = (name(picture), limits::cut(&picture.chart.alt(), limits::ATTACHMENT_DESCRIPTION));
    body["embeds"][0]["image"] = json!({"url": format!("attachment://{name}")});
    body["attachments"] = json!([{"id": id, "filename": name, "description": alt}]);
    body
}

/// The ways to send a card, the best first: with its picture, and with the picture's words.
pub async fn contents(card: &Card) -> Vec<Content> {
    let words = Content { body: card::message(card), file: None };
    let Some(picture) = &card.picture else { return vec![words] };
    let chart = picture.chart.clone();
    let drawn = tokio::task::spawn_blocking(move || chart.png()).await;
    match drawn.map_err(anyhow::Error::from).and_then(|png| png) {
        Ok(png) => {
            let file = Arc::new(File { name: name(picture), png });
            vec![Content { body: message(card, picture, "0"), file: Some(file) }, words]
        }
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "a picture was not made; the card goes without it");
            vec![words]
        }
    }
}

/// Sends a card in the first of these ways that Discord takes.
pub async fn send<T, F>(contents: Vec<Content>, send: impl Fn(Content) -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut rest = contents.into_iter().peekable();
    loop {
        let content = rest.next().ok_or_else(|| Failure::Unreachable("there is nothing to send".into()))?;
        let has_picture = content.file.is_some();
        match send(content).await {
            Err(failure) if has_picture && rest.peek().is_some() && is_about_file(&failure) => {
                tracing::warn!(%failure, "Discord does not take a picture; the card goes without it");
            }
            sent => return sent,
        }
    }
}

/// Whether the same without a file may be taken: the file is refused, or files may not be attached there.
fn is_about_file(failure: &Failure) -> bool {
    matches!(failure.status(), 400 | 413 | 415 | 422) || failure.status() == 403 && failure.code() == 50013
}

/// Which picture a message has, as far as this process has put it there: the picture's name, and the attachment's id.
#[derive(Default)]
pub struct Shown(Mutex<HashMap<String, (String, String)>>);

impl Shown {
    /// The attachment of a message, if it is this picture.
    pub fn attachment(&self, message: &str, picture: &Picture) -> Option<String> {
        let known = self.0.lock().ok()?;
        known.get(message).filter(|(shown, _)| *shown == name(picture)).map(|(_, id)| id.clone())
    }

    /// Remembers what a message shows, by what Discord says of it.
    pub fn learn(&self, message: &str, said: &Value) {
        let Ok(mut known) = self.0.lock() else { return };
        let attachment = &said["attachments"][0];
        let (Some(name), Some(id)) = (attachment["filename"].as_str(), attachment["id"].as_str()) else {
            known.remove(message);
            return;
        };
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(message.to_owned(), (name.to_owned(), id.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::{Chart, Distribution};

    fn picture(title: &str) -> Picture {
        Picture { chart: Chart::Distribution(Distribution { title: title.into(), ..Distribution::default() }) }
    }

    fn card() -> Card {
        Card { title: "Results".into(), picture: Some(picture("a")), ..Card::default() }
    }

    #[tokio::test]
    async fn a_card_goes_with_its_picture_or_with_its_words() {
        let contents = contents(&card()).await;
        let [pictured, words] = contents.as_slice() else { panic!("{contents:?}") };
        let file = pictured.file.as_ref().expect("a file");
        assert_eq!(pictured.body["embeds"][0]["image"]["url"], format!("attachment://{}", file.name));
        assert_eq!(
            pictured.body["attachments"],
            json!([{"id": "0", "filename": file.name, "description": "Bar chart, a: no figures."}])
        );
        assert!(pictured.body["embeds"][0]["description"].is_null());
        assert_eq!(words.body["embeds"][0]["description"], "Bar chart, a\\: no figures.");
        assert!(words.file.is_none() && words.body["embeds"][0]["image"].is_null());
    }

    #[tokio::test]
    async fn only_what_is_about_the_file_is_tried_without_it() {
        let refused = |status, code| async move {
            let tried = Mutex::new(0);
            let failure = || Failure::Status { status, code, message: String::new() };
            let sent = send(contents(&card()).await, |content| {
                *tried.lock().expect("lock") += 1;
                std::future::ready(content.file.is_none().then_some(()).ok_or_else(failure))
            });
            (sent.await.is_ok(), *tried.lock().expect("lock"))
        };
        assert_eq!(refused(413, 40005).await, (true, 2));
        assert_eq!(refused(403, 50013).await, (true, 2));
        assert_eq!(refused(403, 50001).await, (false, 1));
        assert_eq!(refused(500, 0).await, (false, 1));
    }

    #[test]
    fn it_is_remembered_which_message_shows_what() {
        let (shown, one) = (Shown::default(), picture("a"));
        shown.learn("1:2", &json!({"attachments": [{"id": "7", "filename": name(&one)}]}));
        assert_eq!(shown.attachment("1:2", &one).as_deref(), Some("7"));
        assert_eq!(shown.attachment("1:2", &picture("b")), None);
        shown.learn("1:2", &json!({"attachments": []}));
        assert_eq!(shown.attachment("1:2", &one), None);
    }
}
