//! Interactions over HTTP: each proves itself by its signature, and its first response is the answer to the request.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Room;
use super::answer::Response;
use super::ignored;
use super::payload::{Interaction, kind};
use super::pending::Receipt;
use super::show::Show;
use crate::chat::{Answer, Delivery, Inbox};

/// How long Discord is given to take a response, before its message is removed again.
const TAKEN: Duration = Duration::from_millis(250);

impl Room {
    /// Answers one delivery. Nothing of it is read before its signature is proven.
    pub async fn receive(self: &Arc<Self>, inbox: &Arc<dyn Inbox>, delivery: Delivery<'_>) -> Answer {
        let Some(key) = &self.key else { return Answer::refusal(404) };
        if let Err(reason) = key.verify(delivery.headers, delivery.body, self.clock.now()) {
            ignored(reason);
            return Answer::refusal(401);
        }
        let Ok(interaction) = serde_json::from_slice::<Interaction>(delivery.body) else {
            ignored("malformed");
            return Answer::refusal(400);
        };
        if self.application.get().is_some_and(|ours| *ours != interaction.application_id) {
            ignored("other application");
            return Answer::refusal(401);
        }
        // Also while the process drains: an unanswered PING would make Discord switch the address off.
        if interaction.kind == kind::PING {
            return Answer::ok(json!({"type": 1}));
        }
        if !interaction.is_answerable() {
            ignored("malformed");
            return Answer::refusal(400);
        }
        match self.respond(inbox, &interaction).await {
            Some(response) => self.given(interaction, response),
            None => Answer::refusal(400),
        }
    }

    fn given(self: &Arc<Self>, interaction: Interaction, response: Response) -> Answer {
        if response.first.remove && !response.elsewhere {
            let room = self.clone();
            self.tasks.spawn(async move {
                tokio::time::sleep(TAKEN).await;
                room.remove(&interaction, response.receipt).await;
            });
        } else if let Some(receipt) = response.receipt {
            receipt.sign();
        }
        Answer::ok(response.first.body)
    }

    /// Removes the message of a response that had nothing to say.
    async fn remove(&self, interaction: &Interaction, receipt: Option<Receipt>) {
        let token = (interaction.application_id.as_str(), interaction.token.as_str());
        match (self.call_late((Show::Remove, None), interaction.message.is_some(), token).await, receipt) {
            (Ok(()), Some(receipt)) => receipt.sign(),
            (Ok(()), None) => {}
            (Err(failure), _) => tracing::debug!(%failure, "an empty answer could not be removed"),
        }
    }

    /// Gives a response by a call, for an interaction that came down the gateway.
    pub async fn call_back(&self, interaction: &Interaction, response: Response) {
        if response.elsewhere {
            return;
        }
        // An answer whose receipt is not signed finds another way.
        if !self.callback(interaction, &response.first.body).await {
            return;
        }
        if response.first.remove {
            self.remove(interaction, response.receipt).await;
        } else if let Some(receipt) = response.receipt {
            receipt.sign();
        }
    }

    /// Whether Discord took a first response. It is tried twice, for there is no time for more.
    async fn callback(&self, interaction: &Interaction, body: &Value) -> bool {
        let path = format!("/interactions/{}/{}/callback", interaction.id, interaction.token);
        for _ in 0..2 {
            let call =
                super::rest::Call::post(path.as_str(), body.clone()).by_token().within(Duration::from_millis(1500));
            match self.rest.call(call).await {
                Ok(_) => return true,
                // It was answered already; the first try's answer may have been lost.
                Err(failure) if failure.code() == 40060 => return true,
                Err(failure) => {
                    tracing::warn!(interaction = interaction.id.as_str(), %failure, "a response was not taken");
                    if failure.status() / 100 == 4 {
                        return false;
                    }
                }
            }
        }
        false
    }
}
