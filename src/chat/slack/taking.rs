//! What was heard is taken: kept, then acknowledged; asked, then answered; or ignored, and counted.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::inbound::Heard;
use super::modal::{self, Back};
use super::outbound::{content, merged};
use super::way::Way;
use super::{Workspace, field, limits};
use crate::chat::{Event, Inbox, Reply};
use crate::error::{Reason, UserError};

/// How long an answer to a form may take; Slack waits three seconds.
const SUBMISSION: Duration = Duration::from_millis(2400);
/// How long proposals may take. Behind them on the same socket others wait.
const PROPOSALS: Duration = Duration::from_millis(2000);

/// What Slack is told.
#[derive(Debug)]
pub enum Taken {
    /// It is well, with this answer, if any.
    Ack(Value),
    /// It was for somebody else.
    Foreign,
}

/// Counts what is ignored.
pub fn ignore(reason: &'static str) {
    metrics::counter!("stationmaster_events_ignored_total", "platform" => "slack", "reason" => reason).increment(1);
}

impl Workspace {
    /// Takes what was heard. Whatever takes longer than the ack may goes on by itself.
    pub async fn take(self: &Arc<Self>, inbox: &Arc<dyn Inbox>, heard: Heard) -> Taken {
        let answer = match heard {
            Heard::Event(event) => self.accept(inbox, event).await,
            Heard::Command(event) => self.accept_command(inbox, event).await,
            Heard::Form(event, back, shown) => self.submit(inbox, event, (back, shown)).await,
            Heard::Proposals(event) => propose(inbox, event).await,
            Heard::Completion(way, form) => {
                let (workspace, inbox) = (self.clone(), inbox.clone());
                tokio::spawn(async move {
                    let id = way.trigger.clone().unwrap_or_default();
                    let asked = workspace.ask(&way, &id, &form).await;
                    workspace.excuse(&inbox, &way, asked).await;
                });
                Value::Null
            }
            Heard::Draft(way, id) => {
                let (workspace, inbox) = (self.clone(), inbox.clone());
                tokio::spawn(async move {
                    let opened = workspace.open_draft(&way, &id).await;
                    let opened = opened.and_then(|is_there| if is_there { Ok(()) } else { Err(forgotten()) });
                    workspace.excuse(&inbox, &way, opened).await;
                });
                Value::Null
            }
            Heard::Person(id) => {
                self.people.forget(&id);
                Value::Null
            }
            Heard::Fine => Value::Null,
            Heard::Ignored(reason) => {
                ignore(reason);
                if reason == "foreign" {
                    return Taken::Foreign;
                }
                Value::Null
            }
        };
        Taken::Ack(answer)
    }

    /// Keeps an event. Where that cannot be, its words go the way back at once.
    async fn accept(self: &Arc<Self>, inbox: &Arc<dyn Inbox>, event: Event) -> Value {
        let way = event.answer_to.clone();
        if let Err(error) = inbox.accept(event).await {
            let (workspace, inbox) = (self.clone(), inbox.clone());
            tokio::spawn(async move {
                let way: Way = serde_json::from_value(way).unwrap_or_default();
                workspace.excuse(&inbox, &way, Err(error)).await;
            });
        }
        Value::Null
    }

    /// The same, where the words can ride on the ack.
    async fn accept_command(self: &Arc<Self>, inbox: &Arc<dyn Inbox>, event: Event) -> Value {
        match inbox.accept(event).await {
            Ok(_) => Value::Null,
            Err(error) => merged(&json!({"response_type": "ephemeral"}), content(&inbox.words(&error))),
        }
    }

    /// Asks for the answer to a form. One that is late comes as a message; what was taken is not asked for again.
    async fn submit(self: &Arc<Self>, inbox: &Arc<dyn Inbox>, event: Event, form: (Back, Vec<String>)) -> Value {
        let (back, shown) = form;
        let (asked, of) = (inbox.clone(), event.clone());
        let mut asking = tokio::spawn(async move { asked.ask(of).await });
        match tokio::time::timeout(SUBMISSION, &mut asking).await {
            Ok(Ok(reply)) => modal::response(&reply, &back, &shown),
            Ok(Err(broken)) => modal::response(&Reply::Card(inbox.words(&broken.into())), &back, &shown),
            Err(_) => {
                let workspace = self.clone();
                tokio::spawn(async move {
                    let Ok(reply) = asking.await else { return };
                    if let Err(error) = workspace.answer(&event, &reply).await {
                        tracing::warn!(event = event.id, error = format!("{error:#}"), "a late answer was not given");
                    }
                });
                Value::Null
            }
        }
    }

    /// Says to a person why something could not be done.
    async fn excuse(&self, inbox: &Arc<dyn Inbox>, way: &Way, done: crate::error::Result<()>) {
        let Err(error) = done else { return };
        if let Err(error) = self.show(way, &inbox.words(&error)).await {
            tracing::warn!(error = format!("{error:#}"), "a person could not be told why");
        }
    }
}

async fn propose(inbox: &Arc<dyn Inbox>, event: Event) -> Value {
    let choices = match tokio::time::timeout(PROPOSALS, inbox.ask(event)).await {
        Ok(Reply::Choices(choices)) => choices,
        _ => Vec::new(),
    };
    let options: Vec<Value> = choices.iter().filter_map(field::option).take(limits::OPTIONS).collect();
    json!({ "options": options })
}

fn forgotten() -> anyhow::Error {
    UserError::new(Reason::NotFound, "This form is no longer kept.").hint("type the command again").into()
}
