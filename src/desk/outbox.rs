//! The outbox: cards that lag behind are sent, at each platform's own pace, and what cannot be sent finds another place.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::app::App;
use crate::chat::{Card, Health, Platform, Post, Undelivered};
use crate::clock::Span;
use crate::error::Result;
use crate::escalation;
use crate::job::{self, Exception, Job};
use crate::link;
use crate::request;
use crate::store::message::{DETAILS, Message, Sent};
use crate::store::notice;
use crate::survey;

/// The longest silence that a platform is believed to want; who wants more is asked again after it.
const LONGEST_SILENCE: Span = Span::from_secs(300);

/// A message that this process holds, and the platform that it goes to.
pub struct Due {
    platform: Arc<dyn Platform>,
    message: Message,
}

/// Takes messages that lag behind and may go now.
pub async fn claim_next(app: &App, most: usize) -> Result<Vec<Due>> {
    let mut due = Vec::new();
    for platform in app.platforms.values() {
        // Nothing is sent with a token that was refused: it would not help, and looks like an attack.
        if matches!(platform.health(), Health::Stopped(_)) {
            continue;
        }
        let messages = app.store.claim_messages(&platform.name().to_string(), platform.pace(), most).await?;
        due.extend(messages.into_iter().map(|message| Due { platform: platform.clone(), message }));
    }
    Ok(due)
}

/// Sends one batch of messages that lag behind; how many there were.
pub async fn deliver_next(app: &App, most: usize) -> Result<usize> {
    let due = claim_next(app, most).await?;
    Ok(futures::future::join_all(due.into_iter().map(|due| deliver(app, due))).await.len())
}

/// Sends a message, or notes what becomes of it.
pub async fn deliver(app: &App, Due { platform, message }: Due) {
    let platform = &platform;
    let Err(error) = send(app, platform, &message).await else { return };
    tracing::warn!(
        message = message.id,
        subject = message.subject,
        error = format!("{error:#}"),
        "a card was not sent"
    );
    if let Err(error) = settle(app, platform, &message, &error).await {
        // Its hold ends by itself, and then it is tried again.
        tracing::warn!(message = message.id, error = format!("{error:#}"), "the failure could not be noted");
    }
}

async fn send(app: &App, platform: &Arc<dyn Platform>, message: &Message) -> Result<()> {
    let card = card(app, &message.subject).await?;
    let shown = hex::encode(Sha256::digest(serde_json::to_vec(&card)?));
    let posted = match &message.posted {
        // It changed while it was on its way, and went as it then was.
        Some(posted) if message.shown.as_ref() == Some(&shown) => posted.clone(),
        _ => transmit(platform, message, &card).await?,
    };
    app.store.message_sent(message, Sent { posted, shown }, platform.pace()).await
}

/// Posts or edits the message; the platform's id of it.
async fn transmit(platform: &Arc<dyn Platform>, message: &Message, card: &Card) -> Result<String> {
    let place = message.address();
    let tried_at = message.tried_at.filter(|_| message.failures > 1);
    let post = Post { place: &place, key: &message.id, tried_at };
    let Some(posted) = &message.posted else { return platform.post(post, card).await };
    match platform.edit(&place, posted, card).await {
        Ok(()) => Ok(posted.clone()),
        Err(e) if e.downcast_ref() == Some(&Undelivered::Gone) => platform.post(post, card).await,
        Err(e) => Err(e),
    }
}

/// What becomes of a message that was not sent.
async fn settle(app: &App, platform: &Arc<dyn Platform>, message: &Message, error: &anyhow::Error) -> Result<()> {
    match error.downcast_ref() {
        Some(Undelivered::Limited { wait, everywhere }) => {
            let wait = (*wait).clamp(Span::from_millis(1), LONGEST_SILENCE);
            app.store.slow_down(message, (wait, *everywhere), platform.pace()).await
        }
        Some(Undelivered::Closed(why)) => {
            let lost = Job::Escalate { reason: Exception::DeliveryFailing, subject: message.platform.clone() };
            if !app.store.move_message(message, why.clone(), &lost).await? {
                tracing::error!(message = message.id, subject = message.subject, why, "a card has no place to go to");
            }
            Ok(())
        }
        _ => app.store.message_failed(message, app.clock.now() + job::pause(message.failures).millis()).await,
    }
}

/// The card of a subject, as it is now.
async fn card(app: &App, subject: &str) -> Result<Card> {
    if subject.starts_with(notice::PREFIX) {
        return told(app, subject).await;
    }
    if let Some(card) = link::card(app, subject).await? {
        return Ok(card);
    }
    if let Some(card) = survey::card(app, subject).await? {
        return Ok(card);
    }
    if let Some(card) = escalation::card(app, subject).await? {
        return Ok(card);
    }
    if let Some(card) = request::approval::card(app, subject).await? {
        return Ok(card);
    }
    match subject.strip_prefix(DETAILS) {
        Some(request) => request::card::details(app, request).await,
        None => request::card::card(app, subject).await,
    }
}

/// The card of a notice.
async fn told(app: &App, id: &str) -> Result<Card> {
    let notice = app.store.notice(id).await?.ok_or_else(|| anyhow::anyhow!("there is no notice {id}"))?;
    let values: serde_json::Value = serde_json::from_str(&notice.body)?;
    let text = app.messages.load().render(&notice.template, &values)?;
    Ok(Card::read(&text, serde_json::from_str(&notice.tone)?))
}
