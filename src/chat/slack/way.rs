//! The way back to who did something: by response URL, in a modal, as an ephemeral message, or directly.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fault::Fault;
use super::modal::{self, Back};
use super::outbound::{content, merged};
use super::{Workspace, labels};
use crate::chat::{Action, Button, Card, Event, Form, Input, Intent, Reply, Style, Token};
use crate::clock::{Millis, Span};
use crate::error::Result;

/// The verb of a button's token that opens a form that was kept; the desk never sees it.
pub const DRAFT: &str = "draft";
/// How long a response URL is good for; Slack says half an hour.
const RESPONSE_URL: Span = Span::from_secs(29 * 60);
/// How long a trigger opens a modal; Slack says three seconds.
const TRIGGER: Span = Span::from_secs(3);
/// How often an answer is tried.
const TRIES: u32 = 5;
/// The longest pause between two tries.
const LONGEST_PAUSE: Span = Span::from_secs(15);
/// What Slack says of a trigger that opens nothing any more.
const SPENT: [&str; 8] = [
    "exchanged_trigger_id",
    "expired_trigger_id",
    "invalid_trigger",
    "invalid_trigger_id",
    "missing_trigger_id",
    "trigger_exchanged",
    "trigger_expired",
    "push_limit_reached",
];

/// What an answer needs: in the event, as [`Event::answer_to`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Way {
    /// Who is answered.
    pub user: String,
    /// The conversation; none for what was done in no conversation.
    pub channel: Option<String>,
    /// The thread.
    pub thread: Option<String>,
    /// Where an answer may be sent to.
    pub response_url: Option<String>,
    /// By what a modal may be opened.
    pub trigger: Option<String>,
    /// The modal in which it was done.
    pub view: Option<String>,
    /// When it was done.
    pub at: Millis,
}

/// A form that waits until it is opened.
#[derive(Debug, Serialize, Deserialize)]
struct Draft {
    user: String,
    form: Form,
    back: Back,
}

impl Way {
    fn back(&self) -> Back {
        Back { place: self.place(), thread: self.thread.clone(), token: String::new() }
    }

    /// The conversation, or the direct one.
    pub fn place(&self) -> String {
        self.channel.clone().unwrap_or_else(|| format!("@{}", self.user))
    }
}

impl Workspace {
    /// Answers an event.
    pub async fn answer(&self, event: &Event, reply: &Reply) -> Result<()> {
        let way: Way = serde_json::from_value(event.answer_to.clone()).unwrap_or_default();
        if way.user.is_empty() {
            anyhow::bail!("an event does not say how it can be answered");
        }
        match reply {
            Reply::Nothing | Reply::Choices(_) => Ok(()),
            Reply::Card(card) if event.intent == Intent::OpenHome => self.publish(&way, card).await,
            Reply::Card(card) => self.show(&way, card).await,
            Reply::Form(form) => self.ask(&way, &event.id, form).await,
        }
    }

    /// Shows a card to nobody else.
    pub async fn show(&self, way: &Way, card: &Card) -> Result<()> {
        if self.show_in_view(way, card).await {
            return Ok(());
        }
        // A response URL shows no file of ours; where nothing else can be said, it says the picture in words.
        let is_pictured = card.picture.is_some();
        if !is_pictured && self.respond(way, card).await {
            return Ok(());
        }
        let channel = way.channel.as_deref().filter(|channel| !channel.starts_with('D'));
        if let Some(channel) = channel {
            let mut frame = json!({"channel": channel, "user": way.user, "parse": "none", "link_names": false});
            if let Some(thread) = &way.thread {
                frame["thread_ts"] = thread.as_str().into();
            }
            match self.persist(|| self.send("chat.postEphemeral", &frame, card)).await {
                Ok(_) => return Ok(()),
                Err(Fault::Code { .. }) if is_pictured && self.respond(way, card).await => return Ok(()),
                Err(fault @ Fault::Code { .. }) => tracing::debug!(error = %fault, "answered directly instead"),
                Err(fault) => return Err(fault.undelivered(false)),
            }
        }
        self.show_directly(way, card).await
    }

    /// Opens a form that was kept, by the trigger of the press on its button.
    pub async fn open_draft(&self, way: &Way, id: &str) -> Result<bool> {
        let kept = self.drafts.get(id).await?.and_then(|kept| serde_json::from_str::<Draft>(&kept).ok());
        let Some(draft) = kept.filter(|draft| draft.user == way.user) else { return Ok(false) };
        if !self.open_form(way, &draft.form, &draft.back).await? {
            self.offer_draft(way, id, &draft.form).await?;
        }
        Ok(true)
    }

    /// Opens a modal for a form; where that cannot be done any more, keeps it behind a button.
    pub async fn ask(&self, way: &Way, event: &str, form: &Form) -> Result<()> {
        if self.open_form(way, form, &way.back()).await? {
            return Ok(());
        }
        // The same event answered again keeps the same draft.
        let id = format!("slack:{}:{event}", way.user);
        let mut kept = form.clone();
        kept.fields.iter_mut().filter(|field| field.input == Input::Secret).for_each(|field| field.value = None);
        let draft = Draft { user: way.user.clone(), form: kept, back: way.back() };
        let body = serde_json::to_string(&draft)?;
        if form.is_sealed() {
            self.drafts.put_sealed(&id, body);
        } else {
            self.drafts.put(&id, body).await?;
        }
        self.offer_draft(way, &id, form).await
    }

    async fn offer_draft(&self, way: &Way, id: &str, form: &Form) -> Result<()> {
        let action = Action::Press(Token::received(format!("{DRAFT}:{id}")));
        let button = Button { label: labels::OPEN_FORM.into(), action, style: Style::Primary };
        let (title, body) = (form.title.clone(), labels::FORM_WAITS.into());
        self.show(way, &Card { title, body, buttons: vec![button], ..Card::default() }).await
    }

    /// Opens a modal for a form. Slack refuses a picker that begins with somebody or something it does not know; what was
    /// given then stands in a line of text.
    async fn open_form(&self, way: &Way, form: &Form, back: &Back) -> Result<bool> {
        match self.open_view(way, modal::form(form, back)).await {
            Err(error) if error.downcast_ref().is_some_and(|fault: &Fault| fault.code() == "invalid_arguments") => {
                tracing::warn!(error = format!("{error:#}"), "a form is opened without its pickers");
                self.open_view(way, modal::form(&modal::without_pickers(form), back)).await
            }
            other => other,
        }
    }

    /// Shows a view in the modal where the person is, or opens a modal for it; not if the trigger is spent.
    async fn open_view(&self, way: &Way, view: Value) -> Result<bool> {
        let (method, body) = match (&way.view, &way.trigger) {
            (Some(id), _) => ("views.update", json!({"view_id": id, "view": view})),
            (None, Some(trigger)) if self.clock.now() - way.at < TRIGGER.millis() => {
                ("views.open", json!({"trigger_id": trigger, "view": view}))
            }
            _ => return Ok(false),
        };
        match self.api.call(method, &body).await {
            Ok(_) => Ok(true),
            Err(fault) if SPENT.contains(&fault.code()) || fault.pause().is_some() => Ok(false),
            Err(fault) => Err(fault.undelivered(false)),
        }
    }

    /// Shows a card in the modal where the person is; what was done in no conversation is answered in a modal too.
    async fn show_in_view(&self, way: &Way, card: &Card) -> bool {
        if way.view.is_none() && way.channel.is_some() {
            return false;
        }
        let shown = self.open_view(way, modal::card(card, &way.back())).await;
        shown.inspect_err(|error| tracing::debug!(error = format!("{error:#}"), "answered elsewhere")).unwrap_or(false)
    }

    async fn respond(&self, way: &Way, card: &Card) -> bool {
        let is_fresh = self.clock.now() - way.at < RESPONSE_URL.millis();
        let url = way.response_url.as_deref().filter(|_| is_fresh).and_then(|url| self.api.response_url(url));
        let Some(url) = url else { return false };
        let mut frame = json!({"response_type": "ephemeral", "replace_original": false});
        if let Some(thread) = &way.thread {
            frame["thread_ts"] = thread.as_str().into();
        }
        let body = merged(&frame, content(card));
        let sent = self.persist(|| self.api.respond(url.clone(), &body)).await;
        sent.inspect_err(|fault| tracing::debug!(error = %fault, "a response URL takes no answer")).is_ok()
    }

    async fn show_directly(&self, way: &Way, card: &Card) -> Result<()> {
        let direct = way.channel.clone().filter(|channel| channel.starts_with('D'));
        let channel = match direct {
            Some(channel) => channel,
            None => self.persist(|| self.direct(&way.user)).await.map_err(|fault| fault.undelivered(true))?,
        };
        let mut frame = json!({
            "channel": channel,
            "mrkdwn": false,
            "parse": "none",
            "link_names": false,
            "unfurl_links": false,
            "unfurl_media": false,
        });
        if let Some(thread) = way.thread.as_deref().filter(|_| way.channel.as_ref() == Some(&channel)) {
            frame["thread_ts"] = thread.into();
        }
        let sent = self.persist(|| self.send("chat.postMessage", &frame, card)).await;
        sent.map(|_| ()).map_err(|fault| fault.undelivered(false))
    }

    /// Tries an answer a few times: somebody waits for it, and its way is open for a short time only.
    async fn persist<T, F>(&self, call: impl Fn() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let mut tries = 0;
        loop {
            let fault = match call().await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            tries += 1;
            let Some(pause) = fault.pause().filter(|_| tries < TRIES) else { return Err(fault) };
            let pause = (pause.millis() << (tries - 1)).min(LONGEST_PAUSE.millis());
            tokio::time::sleep(Span::from_millis(pause).duration()).await;
        }
    }

    async fn publish(&self, way: &Way, card: &Card) -> Result<()> {
        let body = json!({"user_id": way.user, "view": modal::home(card)});
        self.persist(|| self.api.call("views.publish", &body)).await.map_err(|fault| fault.undelivered(false))?;
        Ok(())
    }
}
