//! Answers to interactions and messages: the first response in time, the same over both transports, and what comes later.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::control::{Act, Control};
use super::form::{self, Draft, Proposals};
use super::inbound::{self, Heard, Ticket};
use super::payload::{Id, Interaction, kind};
use super::pending::{Given, Receipt};
use super::picture::{self, Content, File};
use super::rest::{Call, Failure};
use super::show::{First, Show};
use super::{Room, card, ignored, limits, menu, outbound};
use crate::chat::{Card, Choice, Event, Form, Inbox, Intent, Reply, Tone};
use crate::clock::Span;
use crate::error::{Reason, Result, UserError};

/// How long a first response waits for the desk; Discord waits three seconds, and the way there takes some.
pub const WAIT: Duration = Duration::from_millis(2000);
/// How long an interaction's token is taken; Discord says fifteen minutes.
const VALID: Span = Span::from_secs(14 * 60 + 30);
/// How long an answer by token waits before it is tried again, in milliseconds: until a first response that is on its way
/// from another process has certainly come, and through a short disturbance.
const AGAIN: [u64; 4] = [300, 700, 1500, 3000];
/// The longest silence that is kept for the sake of an answer.
const LONGEST: Duration = Duration::from_secs(10);
/// How long the choices of a form may take to be looked up.
const LOOKUP: Duration = Duration::from_millis(900);

/// One interaction that is being answered.
pub struct Asked<'a> {
    /// Where events go.
    pub inbox: &'a Arc<dyn Inbox>,
    /// What came.
    pub interaction: &'a Interaction,
    /// When the first response must be there.
    pub deadline: Instant,
}

impl Asked<'_> {
    /// Whether it came from a component of a message.
    pub fn on_message(&self) -> bool {
        self.interaction.message.is_some()
    }

    /// A refusal in the words of the message files.
    pub fn refuse(&self, error: UserError) -> First {
        Show::Beside(card::message(&self.inbox.words(&error.into()))).first(self.on_message())
    }
}

/// What is said first, and what it was the answer to.
pub struct Response {
    /// The response.
    pub first: First,
    /// Whether another process gives it, because it accepted the event first.
    pub elsewhere: bool,
    /// To be signed once Discord has the answer that it shows.
    pub receipt: Option<Receipt>,
}

impl From<First> for Response {
    fn from(first: First) -> Self {
        Self { first, elsewhere: false, receipt: None }
    }
}

impl Room {
    /// The first response to an interaction, in time; nothing for one that is not known here.
    pub async fn respond(self: &Arc<Self>, inbox: &Arc<dyn Inbox>, interaction: &Interaction) -> Option<Response> {
        let asked = Asked { inbox, interaction, deadline: Instant::now() + WAIT };
        self.members.learn(interaction, self.clock.now());
        if self.is_foreign(interaction.guild_id.as_ref()) {
            ignored("other server");
            return Some(match interaction.kind {
                kind::AUTOCOMPLETE => choices(&[]).into(),
                _ => asked.refuse(foreign()).into(),
            });
        }
        let names = self.menu().names.clone();
        match inbound::hear(interaction, &names) {
            Heard::Did(intent) => self.take(&asked, intent).await,
            Heard::Typing(intent) => Some(self.propose(&asked, intent).await.into()),
            Heard::Wants(line) => form::rest_of_line(&line).map(|modal| Show::Modal(modal).first(true).into()),
            Heard::Sent(intent) => Some(self.submit(&asked, intent, None).await?.into()),
            Heard::Stepped(act, id, given) => Some(self.step(&asked, (act, &id), given).await?.into()),
            Heard::Unknown(reason) => {
                ignored(reason);
                None
            }
        }
    }

    /// Keeps an event, then waits a moment for its answer.
    async fn take(&self, asked: &Asked<'_>, intent: Intent) -> Option<Response> {
        let event = self.event(asked, intent)?;
        let waiting = self.pending.wait_for(&event.id);
        match asked.inbox.accept(event.clone()).await {
            Err(error) => {
                Some(Show::Beside(card::message(&asked.inbox.words(&error))).first(asked.on_message()).into())
            }
            Ok(false) => Some(Response { elsewhere: true, ..First::wait(asked.on_message()).into() }),
            Ok(true) => match waiting.until(asked.deadline).await {
                None => Some(First::wait(asked.on_message()).into()),
                Some(Given { reply, receipt }) => {
                    let first = self.show(asked, &event, &reply).await.first(asked.on_message());
                    Some(Response { first, elsewhere: false, receipt: Some(receipt) })
                }
            },
        }
    }

    /// An interaction as an event; counted if it is none.
    pub fn event(&self, asked: &Asked<'_>, intent: Intent) -> Option<Event> {
        let event = inbound::event(asked.interaction, intent, self.clock.now());
        if event.is_none() {
            ignored("nobody");
        }
        event
    }

    async fn propose(&self, asked: &Asked<'_>, intent: Intent) -> First {
        let Some(event) = self.event(asked, intent) else { return choices(&[]) };
        match timeout_at(asked.deadline, asked.inbox.ask(event)).await {
            Ok(Reply::Choices(found)) => choices(&found),
            _ => choices(&[]),
        }
    }

    /// How a reply is shown while there is time to ask for choices.
    async fn show(&self, asked: &Asked<'_>, event: &Event, reply: &Reply) -> Show {
        let Reply::Form(form) = reply else { return plain(reply) };
        // Also what opens as a modal is kept: what is typed must outlast an answer that says "try again".
        let (id, draft) = (draft_id(), Draft::new(&event.person.id, form.clone()));
        if let Err(error) = self.keep(&id, &draft).await {
            return Show::Beside(card::message(&asked.inbox.words(&error)));
        }
        let may_open = asked.interaction.kind != kind::MODAL && form::is_small(form) && !form::has_errors(form);
        let modal = || form::whole(&draft.form, &Control::Draft(Act::Send, id.clone()));
        match may_open.then(modal).flatten() {
            Some(modal) => Show::Modal(modal),
            None => Show::Beside(draft.message(&id, &self.look_up(asked, &draft).await)),
        }
    }

    /// The choices of a page's fields.
    pub async fn look_up(&self, asked: &Asked<'_>, draft: &Draft) -> Proposals {
        let until = asked.deadline.max(Instant::now()) + LOOKUP / 2;
        let one = |index: usize| async move {
            let crate::chat::Input::Lookup(token) = &draft.form.fields[index].input else { return (index, Vec::new()) };
            let mut values = draft.values();
            values.remove(&draft.form.fields[index].name);
            let intent = Intent::Suggest { token: token.clone(), typed: String::new(), values };
            let Some(event) = self.event(asked, intent) else { return (index, Vec::new()) };
            match timeout_at(until.min(Instant::now() + LOOKUP), asked.inbox.ask(event)).await {
                Ok(Reply::Choices(found)) => (index, found),
                _ => (index, Vec::new()),
            }
        };
        futures::future::join_all(form::lookups(draft).into_iter().map(one)).await.into_iter().collect()
    }

    /// Keeps a form that is being filled in.
    pub async fn keep(&self, id: &str, draft: &Draft) -> Result<()> {
        let body = serde_json::to_string(draft)?;
        if draft.form.is_sealed() {
            self.drafts.put_sealed(id, body);
            return Ok(());
        }
        self.drafts.put(id, body).await
    }

    /// Answers an event whose first response was given, or never will be.
    pub async fn answer_late(&self, event: &Event, reply: &Reply) -> Result<()> {
        match serde_json::from_value(event.answer_to.clone())? {
            Ticket::Message { channel, message, private } => {
                self.answer_message(event, reply, (&channel, &message, private)).await
            }
            Ticket::Interaction { application, token, on_message } => {
                if self.clock.now() - event.at < VALID.millis() {
                    let ways = self.ways(event, reply).await?;
                    let token = (application.as_str(), token.as_str());
                    let show = |way: Content| self.call_late((beside(way.body), way.file), on_message, token);
                    match picture::send(ways, show).await {
                        Ok(()) => return Ok(()),
                        // The token is not known (any more): there was no first response, or it is too late.
                        Err(failure) if matches!(failure.status(), 401 | 403 | 404) => {}
                        Err(failure) => return Err(failure.into()),
                    }
                }
                self.answer_directly(event, reply).await
            }
        }
    }

    /// The ways to show a reply when there is nobody to ask for choices, the best first; without a body where there is
    /// nothing to show.
    async fn ways(&self, event: &Event, reply: &Reply) -> Result<Vec<Content>> {
        let body = match reply {
            Reply::Card(card) => return Ok(picture::contents(card).await),
            Reply::Form(form) => self.invite(event, form).await?,
            Reply::Nothing | Reply::Choices(_) => Value::Null,
        };
        Ok(vec![Content { body, file: None }])
    }

    /// A form as a message with the button that opens it.
    async fn invite(&self, event: &Event, form: &Form) -> Result<Value> {
        let (id, draft) = (draft_id(), Draft::new(&event.person.id, form.clone()));
        self.keep(&id, &draft).await?;
        Ok(draft.invitation(&id))
    }

    /// Shows something, and the file in it, by an interaction's token, through short disturbances.
    pub async fn call_late(
        &self,
        (show, file): (Show, Option<Arc<File>>),
        on_message: bool,
        token: (&str, &str),
    ) -> Result<(), Failure> {
        let is_removal = matches!(show, Show::Remove | Show::Keep);
        let mut pauses = AGAIN.iter().map(|pause| Duration::from_millis(*pause));
        loop {
            let Some(call) = show.clone().late(on_message, token) else { return Ok(()) };
            let failure = match self.rest.call(call.file(file.clone())).await {
                Ok(_) => return Ok(()),
                // What is to be removed is gone.
                Err(failure) if is_removal && failure.code() == 10008 => return Ok(()),
                Err(failure) => failure,
            };
            let Some(pause) = pauses.next() else { return Err(failure) };
            match &failure {
                Failure::Limited(limit) if limit.wait <= LONGEST => tokio::time::sleep(limit.wait.max(pause)).await,
                Failure::Unreachable(_) | Failure::Status { status: 404 | 500.., .. } => {
                    tokio::time::sleep(pause).await
                }
                _ => return Err(failure),
            }
        }
    }

    /// Answers in the direct conversation with who asked.
    async fn answer_directly(&self, event: &Event, reply: &Reply) -> Result<()> {
        let ways = self.ways(event, reply).await?;
        if ways.iter().any(|way| way.body.is_null()) {
            return Ok(());
        }
        let person = Id::read(&event.person.id).ok_or_else(|| anyhow::anyhow!("`{}` is nobody", event.person.id))?;
        let channel = self.outbound.direct(&self.rest, &person).await.map_err(Failure::undelivered)?;
        let send = |way: Content| self.send(&channel, way, event);
        picture::send(ways, send).await.map_err(Failure::undelivered)
    }

    /// Answers a message: where others read as well, in the direct conversation with who wrote it.
    async fn answer_message(&self, event: &Event, reply: &Reply, to: (&str, &str, bool)) -> Result<()> {
        let (channel, message, private) = to;
        let closed = match private {
            true => None,
            false => match self.answer_directly(event, reply).await {
                Err(error) if is_closed(&error) => Some(Reply::Card(unheard())),
                answered => return answered,
            },
        };
        let mut ways = self.ways(event, closed.as_ref().unwrap_or(reply)).await?;
        let Some(channel) = Id::read(channel).filter(|_| ways.iter().all(|way| !way.body.is_null())) else {
            return Ok(());
        };
        for way in &mut ways {
            way.body["message_reference"] = json!({"message_id": message, "fail_if_not_exists": false});
        }
        let send = |way: Content| self.send(&channel, way, event);
        picture::send(ways, send).await.map_err(Failure::undelivered)
    }

    /// Posts the answer to an event, once.
    async fn send(&self, channel: &Id, Content { mut body, file }: Content, event: &Event) -> Result<(), Failure> {
        body["nonce"] = outbound::nonce(&event.id).into();
        body["enforce_nonce"] = true.into();
        let call = Call::post(format!("/channels/{channel}/messages"), body).file(file);
        self.rest.call(call).await.map(|_| ())
    }
}

/// A new id for a form that is being filled in; nobody can guess it.
pub fn draft_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// A body beside what is there; without one, what is there stays.
fn beside(body: Value) -> Show {
    if body.is_null() { Show::Keep } else { Show::Beside(body) }
}

/// A reply that is no form.
fn plain(reply: &Reply) -> Show {
    match reply {
        Reply::Card(card) => Show::Beside(card::message(card)),
        Reply::Form(_) | Reply::Nothing | Reply::Choices(_) => Show::Keep,
    }
}

fn choices(found: &[Choice]) -> First {
    let fits = |choice: &&Choice| (1..=limits::OPTION).contains(&limits::length(&choice.value));
    let shown = found.iter().filter(fits).take(limits::OPTIONS);
    let shown: Vec<Value> = shown.map(|choice| json!({"name": menu::name_of(choice), "value": choice.value})).collect();
    First::new(8, json!({"choices": shown}))
}

fn is_closed(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(crate::chat::Undelivered::Closed(_)))
}

fn foreign() -> UserError {
    UserError::new(Reason::Denied, "Nothing can be done from this server.")
        .hint("use the server of your organisation, or write to me directly")
}

/// Said where others read, because the one who asked cannot be reached alone.
fn unheard() -> Card {
    let error = UserError::new(Reason::Unavailable, "The answer is for you alone, and you take no direct messages.")
        .hint("use /stationmaster here, or allow direct messages from this server");
    let body = crate::markdown::escape(error.hint.as_deref().unwrap_or_default());
    Card { tone: Tone::Bad, title: error.message, body, ..Card::default() }
}
