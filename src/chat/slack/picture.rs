//! Pictures of cards as files of Slack: made when a card is sent, uploaded once for each chart, shown by a block.
//!
//! A file that is shared nowhere can be shown by whoever uploaded it (<https://docs.slack.dev/reference/block-kit/composition-objects/slack-file-object>),
//! so it appears in no list of files of a channel. A card is never lost by its picture: where that cannot be shown, its
//! words are.

use std::time::Duration;

use serde_json::{Value, json};

use super::Workspace;
use super::fault::Fault;
use super::outbound::{merged, pictured};
use crate::chat::{Card, Picture};
use crate::picture::Chart;

/// How long it is waited before a file is shown that Slack still works on; it does so after it has taken it.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
/// What every picture is called; people see it when they save it.
const NAME: &str = "chart.png";
/// What stands for the id of a file that is not uploaded.
const NO_FILE: &str = "F00000000";

/// The content that a card becomes where everything works.
pub fn preview(card: &Card) -> Value {
    pictured(card, NO_FILE)
}

impl Workspace {
    /// Sends a card with its picture; nothing if the picture cannot be shown, and nothing was sent.
    pub async fn send_pictured(
        &self,
        method: &str,
        frame: &Value,
        (card, picture): (&Card, &Picture),
    ) -> Option<Result<Value, Fault>> {
        let key = picture.chart.key();
        let show = async |file: &str| self.api.call(method, &merged(frame, pictured(card, file))).await;
        if let Some(file) = self.pictures.get(&key, 0) {
            match show(&file).await {
                // Somebody has deleted it; it is uploaded anew.
                Err(fault) if fault.is_about_file() => self.pictures.forget(&key),
                other => return Some(other),
            }
        }
        let file = self.upload_chart(&picture.chart).await?;
        let mut pauses = PAUSES.iter();
        loop {
            let fault = match show(&file).await {
                Err(fault) if fault.is_about_file() => fault,
                other => {
                    self.pictures.put(&key, file, self.clock.now());
                    return Some(other);
                }
            };
            let Some(pause) = pauses.next() else {
                tracing::warn!(method, error = %fault, "Slack does not show a picture; the card goes without it");
                return None;
            };
            tokio::time::sleep(*pause).await;
        }
    }

    /// Makes a chart's picture and uploads it; nothing if that fails.
    async fn upload_chart(&self, chart: &Chart) -> Option<String> {
        let drawn = chart.clone();
        let png = tokio::task::spawn_blocking(move || drawn.png()).await;
        let png = match png.map_err(anyhow::Error::from).and_then(|png| png) {
            Ok(png) => png,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "a picture was not made; the card goes without it");
                return None;
            }
        };
        match self.upload(&png).await {
            Ok(file) => Some(file),
            Err(fault) => {
                tracing::warn!(error = %fault, "Slack does not take a picture; the card goes without it");
                None
            }
        }
    }

    /// Uploads a picture in Slack's three steps; the file's id. Its words go with the block that shows it.
    async fn upload(&self, png: &[u8]) -> Result<String, Fault> {
        let length = png.len().to_string();
        let asked = [("filename", NAME), ("length", length.as_str())];
        let place = self.api.read("files.getUploadURLExternal", &asked).await?;
        let url = place["upload_url"].as_str().and_then(|url| self.api.upload_url(url));
        let (Some(url), Some(file)) = (url, place["file_id"].as_str()) else {
            return Err(Fault::Lost("files.getUploadURLExternal does not say where at Slack".into()));
        };
        self.api.upload(url, png).await?;
        let done = json!({"files": [{"id": file, "title": NAME}]});
        self.api.call("files.completeUploadExternal", &done).await?;
        Ok(file.to_owned())
    }
}
