//! Slack, as people and apps meet it: a strict fake of its servers, a driver for its screens, and the wire's own tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use crate::wire::{PATIENCE, Typing, Wire};

pub use file::is_png;

use courier::{Courier, Way};
use payload::{Delivery, Within};
use server::Server;
use workspace::{APP_TOKEN, BOT_TOKEN, BOT_USER, GENERAL, Message, SIGNING_SECRET, View, Workspace};

mod answers;
mod courier;
mod door;
mod fake;
mod file;
mod inert;
mod lines;
mod message;
mod method;
mod modal;
mod payload;
mod picture;
mod rule;
mod screen;
mod server;
mod socket;
mod stage;
mod story;
mod view;
mod workspace;

pub use workspace::GENERAL as CHANNEL;

/// Slack with its people at their screens, over one transport.
pub struct Slack {
    pub server: Arc<Server>,
    pub courier: Courier,
    ways: Vec<Way>,
}

/// What somebody is looking at and can use: the block and the element, and where it is.
struct Used {
    block: Value,
    element: Value,
    within: Place,
}

enum Place {
    Message(Message),
    View(View),
}

impl Slack {
    /// Slack that reaches the app by Socket Mode.
    pub async fn socket() -> Self {
        Self::by(&[Way::Socket]).await
    }

    /// Slack that reaches the app by signed HTTP.
    pub async fn http() -> Self {
        Self::by(&[Way::Http]).await
    }

    /// Slack that can reach the app in both ways.
    pub async fn both() -> Self {
        Self::by(&[Way::Socket, Way::Http]).await
    }

    async fn by(ways: &[Way]) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let server = Server::start().await;
        Self { courier: Courier::new(server.clone(), ways[0]), server, ways: ways.to_vec() }
    }

    /// The id of somebody.
    pub fn id(&self, who: &str) -> String {
        self.server.workspace().named(who).id.clone()
    }

    /// Somebody uses a command in a conversation; what the app answers at once is on their screen then.
    pub async fn say_in(&self, channel: &str, who: &str, line: &str) {
        let who = self.id(who);
        let delivery = payload::command(&mut self.server.workspace(), (channel, &who), line);
        self.command(&delivery).await;
    }

    /// Delivers a slash command, perhaps not for the first time.
    pub async fn command(&self, delivery: &Delivery) {
        let field = |name: &str| delivery.payload[name].as_str().unwrap_or_default().to_owned();
        let (channel, person) = (field("channel_id"), field("user_id"));
        let answer = self.courier.deliver(delivery).await;
        let mut workspace = self.server.workspace();
        match answer {
            Ok(ack) => message::answer_command(&mut workspace, (&channel, &person), &ack),
            Err(why) => {
                let words = format!("{} failed because the app did not respond: {why}", field("command"));
                message::apologise(&mut workspace, (&channel, &person), &words);
            }
        }
        drop(workspace);
        self.server.touch();
    }

    /// Waits until something is so; shows the person's screen if it never is.
    pub async fn until<T>(&self, who: &str, what: &str, find: impl Fn(&mut Workspace) -> Option<T>) -> T {
        let mut changes = self.server.changes();
        let look = async {
            loop {
                let found = find(&mut self.server.workspace());
                if let Some(found) = found {
                    return found;
                }
                changes.changed().await.expect("Slack is there");
            }
        };
        match tokio::time::timeout(PATIENCE, look).await {
            Ok(found) => found,
            Err(_) => panic!("{who} never sees {what}. The screen:\n{}", self.screen(who)),
        }
    }

    /// All that somebody sees, oldest first, and what was refused.
    pub fn screen(&self, who: &str) -> String {
        let workspace = self.server.workspace();
        let id = &workspace.named(who).id;
        let mut shown: BTreeMap<u64, String> = BTreeMap::new();
        for message in workspace.messages.iter().filter(|message| workspace.sees(id, message)) {
            shown.insert(message.order, screen::message(message));
        }
        for view in workspace.views.iter().filter(|view| view.owner == *id) {
            shown.insert(view.order, screen::view(&workspace, view));
        }
        let breaches = workspace.breaches.iter().map(|breach| format!("refused: {breach}"));
        shown.into_values().chain(breaches).collect::<Vec<_>>().join("\n---\n")
    }

    /// What somebody alone is told next, whatever it says; marks it read.
    pub async fn ephemeral(&self, who: &str) -> String {
        let find = |workspace: &mut Workspace| {
            let id = workspace.named(who).id.clone();
            let is_new = |message: &&mut Message| message.only.as_ref() == Some(&id) && message.read_by.is_empty();
            let message = workspace.messages.iter_mut().find(is_new)?;
            message.read_by.insert(id);
            Some(screen::message(message))
        };
        self.until(who, "something for them alone", find).await
    }

    /// Somebody uses a global shortcut.
    pub async fn shortcut(&self, who: &str, callback: &str) {
        let who = self.id(who);
        let delivery = payload::shortcut(&mut self.server.workspace(), &who, callback);
        let _ = self.courier.deliver(&delivery).await;
    }

    /// Somebody uses a shortcut on the newest message that says something.
    pub async fn shortcut_on(&self, who: &str, words: &str, callback: &str) {
        let delivery = {
            let mut workspace = self.server.workspace();
            let id = workspace.named(who).id.clone();
            let message =
                workspace.messages.iter().rev().find(|message| screen::message(message).contains(words)).cloned();
            payload::message_shortcut(&mut workspace, &id, &message.expect("a message"), callback)
        };
        let _ = self.courier.deliver(&delivery).await;
    }

    /// Somebody closes the modal that is open before them.
    pub async fn close_modal(&self, who: &str) {
        modal::close(self, who).await;
    }

    /// What was noted against the app so far; it is forgotten.
    pub fn take_breaches(&self) -> Vec<String> {
        std::mem::take(&mut self.server.workspace().breaches)
    }

    /// Somebody uses an element: a press, or the choice of an option in a menu.
    async fn use_element(&self, who: &str, used: Used, label: &str) {
        let delivery = {
            let mut workspace = self.server.workspace();
            let stamp = workspace.stamp();
            let (id, mut action) = (workspace.named(who).id.clone(), used.element.clone());
            action["block_id"] = used.block["block_id"].clone();
            action["action_ts"] = stamp.into();
            if let Some(option) =
                rule::options(&used.element).into_iter().find(|option| option["text"]["text"] == label)
            {
                action["selected_option"] = option.clone();
            }
            for needless in ["options", "option_groups", "confirm", "style", "placeholder"] {
                action.as_object_mut().expect("an object").remove(needless);
            }
            let within = match &used.within {
                Place::Message(message) => Within::Message(message),
                Place::View(view) => Within::View(view),
            };
            payload::block_action(&mut workspace, &id, &within, action)
        };
        // Slack shows a small sign beside an element whose use was not acknowledged; the courier has noted it.
        let _ = self.courier.deliver(&delivery).await;
    }
}

/// The newest thing on somebody's screen with something to use under a label. A modal covers all else.
fn find_element(workspace: &mut Workspace, who: &str, label: &str) -> Option<Used> {
    let id = workspace.named(who).id.clone();
    if let Some(modal) = workspace.modal_mut(&id).map(|modal| modal.clone()) {
        match element_in(&modal.body["blocks"], label) {
            Some((block, element)) => return Some(Used { block, element, within: Place::View(modal) }),
            // Whoever wants something else closes a card first.
            None if modal.body["callback_id"] == "card" => {}
            None => return None,
        }
    }
    let messages = workspace.messages.iter().filter(|message| workspace.sees(&id, message));
    let messages = messages.filter_map(|message| {
        let (block, element) = element_in(&message.blocks, label)?;
        Some((message.order, Used { block, element, within: Place::Message(message.clone()) }))
    });
    let homes = workspace.views.iter().filter(|view| view.owner == id).filter_map(|view| {
        let (block, element) = element_in(&view.body["blocks"], label)?;
        Some((view.order, Used { block, element, within: Place::View(view.clone()) }))
    });
    messages.chain(homes).max_by_key(|(order, _)| *order).map(|(_, used)| used)
}

fn element_in(blocks: &Value, label: &str) -> Option<(Value, Value)> {
    blocks.as_array()?.iter().find_map(|block| {
        let element =
            rule::elements(block).into_iter().find(|element| screen::labels(element).iter().any(|l| l == label));
        element.map(|element| (block.clone(), element.clone()))
    })
}

/// Finds something unread that shows a text, and marks it read.
fn read_one(workspace: &mut Workspace, who: &str, text: &str) -> Option<String> {
    let id = workspace.named(who).id.clone();
    let view = workspace
        .views
        .iter()
        .rposition(|view| view.owner == id && !view.read && screen::view(workspace, view).contains(text));
    if let Some(found) = view {
        workspace.views[found].read = true;
        return Some(screen::view(workspace, &workspace.views[found]));
    }
    let is_new = |message: &Message| message.author == BOT_USER && !message.read_by.contains(&id);
    let message = workspace.messages.iter().rposition(|message| {
        workspace.sees(&id, message) && is_new(message) && screen::message(message).contains(text)
    })?;
    workspace.messages[message].read_by.insert(id);
    Some(screen::message(&workspace.messages[message]))
}

#[async_trait]
impl Wire for Slack {
    fn settings(&self) -> Vec<(String, String)> {
        let transport = |way: &Way| match way {
            Way::Socket => ("APP_TOKEN", APP_TOKEN.to_owned()),
            Way::Http => ("SIGNING_SECRET", SIGNING_SECRET.to_owned()),
        };
        let api = [("BOT_TOKEN", BOT_TOKEN.to_owned()), ("API_URL", format!("http://{}/api", self.server.host))];
        let all = api.into_iter().chain(self.ways.iter().map(transport));
        all.map(|(name, value)| (format!("STATIONMASTER_SLACK__{name}"), value)).collect()
    }

    async fn connect(&self, address: &str) {
        self.courier.connect(address);
    }

    fn turn_clock(&self, ahead: i64) {
        self.server.workspace().skew = ahead * 1000;
    }

    async fn say(&self, who: &str, line: &str) {
        self.say_in(GENERAL, who, line).await;
    }

    async fn mention(&self, who: &str, words: &str) {
        let who = self.id(who);
        let delivery = payload::mention(&mut self.server.workspace(), (GENERAL, &who), words);
        // Slack tells nobody when an event was not acknowledged; the courier has noted it.
        let _ = self.courier.deliver(&delivery).await;
    }

    async fn press(&self, who: &str, label: &str) {
        let used = self.until(who, &format!("[{label}]"), |workspace| find_element(workspace, who, label)).await;
        self.use_element(who, used, label).await;
    }

    async fn fill(&self, who: &str, field: &str, value: &str) {
        modal::fill(self, who, field, value).await;
    }

    async fn submit(&self, who: &str) {
        modal::submit(self, who).await;
    }

    async fn suggest(&self, who: &str, typing: Typing<'_>) -> Vec<String> {
        modal::suggest(self, who, typing).await
    }

    async fn open_home(&self, who: &str) {
        let who = self.id(who);
        let delivery = payload::home_opened(&mut self.server.workspace(), &who);
        let _ = self.courier.deliver(&delivery).await;
    }

    async fn read(&self, who: &str, text: &str) -> String {
        self.until(who, text, |workspace| read_one(workspace, who, text)).await
    }

    fn unread(&self) -> Vec<String> {
        let workspace = self.server.workspace();
        let name = |id: &str| workspace.person(id).map_or_else(|| id.to_owned(), |person| person.name.clone());
        let messages = workspace.messages.iter();
        let messages =
            messages.filter(|message| message.author == BOT_USER && message.read_by.is_empty()).map(|message| {
                let whose = message.only.as_deref().map_or_else(|| message.channel.clone(), name);
                format!("{whose}: {}", screen::message(message))
            });
        let views = workspace.views.iter().filter(|view| !view.read);
        let views = views.map(|view| format!("{}: {}", name(&view.owner), screen::view(&workspace, view)));
        let breaches = workspace.breaches.iter().map(|breach| format!("refused: {breach}"));
        messages.chain(views).chain(breaches).collect()
    }
}
