//! Discord as people use it: a strict copy of it in this process, and their hands and eyes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::wire::{PATIENCE, Typing, Wire};

mod answer;
mod attachment;
mod check;
mod commands;
mod delivery;
mod door;
mod fault;
mod gateway;
mod hand;
mod inert;
mod interaction;
mod line;
mod markup;
mod object;
mod picture;
mod rest;
mod routes;
mod screen;
mod stage;
mod story;
mod strict;
mod talk;
mod typing;
mod world;

use self::delivery::public_key;
use self::interaction::{AUTOCOMPLETE, Act, COMMAND};
use self::typing::Native;
use self::world::{APPLICATION, Author, GUILD, PEOPLE, State, TOKEN, World};

pub use self::world::{CHANNEL, id_of};

/// How interactions reach the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Gateway,
    Http,
}

/// Discord with one server, in which `ada` and `ben` are.
pub struct Discord {
    pub world: Arc<World>,
    transport: Transport,
    /// `http://127.0.0.1:PORT`, without `/api`.
    url: String,
    /// Where the process is.
    address: Mutex<Option<String>>,
    web: reqwest::Client,
    stop: CancellationToken,
}

impl Discord {
    /// Interactions come over the gateway.
    pub fn gateway() -> Self {
        Self::open(Transport::Gateway)
    }

    /// Interactions come signed, over HTTP; there is no gateway, and hence no mention.
    pub fn http() -> Self {
        Self::open(Transport::Http)
    }

    /// Discord has a thread of its own, so that it goes on while a test waits.
    fn open(transport: Transport) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address").to_string();
        let (world, stop) = (Arc::new(World::new(format!("ws://{address}/gateway"))), CancellationToken::new());
        let door = rest::Door { world: world.clone(), public_key: public_key(), stop: stop.clone() };
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
                rest::serve(Arc::new(door), listener).await;
            });
        });
        let web = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().expect("a client");
        Self { world, transport, url: format!("http://{address}"), address: Mutex::new(None), web, stop }
    }

    /// Sends a line as a native command, or where Discord's app would not, in the catch-all.
    async fn use_command(&self, who: &'static str, line: &str) {
        let form = |state: &mut State| typing::native(state, line).or_else(|| typing::catch_all(state, line));
        let found = self.world.until(PATIENCE, form).await;
        let Native { data } =
            found.unwrap_or_else(|| panic!("{line} cannot be sent; there is:\n{}", self.world.look(typing::shown)));
        self.act(Act::in_channel(who, COMMAND, data)).await;
    }

    async fn suggest_option(&self, who: &'static str, typing: Typing<'_>) -> Vec<String> {
        let half = |state: &mut State| typing::half_typed(state, typing.line, (typing.field, typing.typed));
        let (Native { data }, option) = self.world.until(PATIENCE, half).await.unwrap_or_else(|| {
            panic!("{} has no option {}; there is:\n{}", typing.line, typing.field, self.world.look(typing::shown))
        });
        let name = |choice: &Value| choice["name"].as_str().expect("a name").to_owned();
        if option["autocomplete"] != true {
            let choices = option["choices"].as_array().cloned().unwrap_or_default();
            return choices.iter().map(name).filter(|name| name.contains(typing.typed)).collect();
        }
        let id = self.act(Act::in_channel(who, AUTOCOMPLETE, data)).await;
        self.world.look(|state| state.interactions[&id].choices.iter().map(name).collect())
    }

    /// Says a line in the direct conversation with the bot.
    pub async fn say_directly(&self, who: &str, line: &str) {
        let who = person(who);
        let (channel, native) = self.world.with(|state| (state.direct(who), typing::native(state, line)));
        let data = native.unwrap_or_else(|| panic!("{line} cannot be sent")).data;
        self.act(Act { who, kind: COMMAND, data, channel, source: None }).await;
    }

    /// Where the process is.
    pub fn address(&self) -> String {
        self.address.lock().expect("lock").clone().expect("the process is connected")
    }

    /// The fifteen minutes of all interactions so far are over.
    pub fn pass_fifteen_minutes(&self) {
        self.world.with(|state| state.interactions.values_mut().for_each(|interaction| interaction.expired = true));
    }
}

impl Drop for Discord {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The person of this name.
fn person(who: &str) -> &'static str {
    PEOPLE.iter().find(|(name, _)| *name == who).unwrap_or_else(|| panic!("{who} is nobody here")).0
}

/// What somebody has not read that shows this text, which is then read.
fn take_unread(state: &mut State, who: &str, text: &str) -> Option<String> {
    let is_new = |message: &&world::Message| {
        let shown = screen::message(message);
        shown.contains(text) && message.read.get(who) != Some(&shown)
    };
    let mut seen: Vec<_> = state.messages.iter().filter(|m| screen::is_visible(state, m, who)).collect();
    seen.sort_by_key(|message| message.changed);
    if let Some(id) = seen.into_iter().find(is_new).map(|message| message.id.clone()) {
        let message = state.message(&id).expect("it is shown");
        let shown = screen::message(message);
        message.read.insert(who.into(), shown.clone());
        return Some(shown);
    }
    // A modal shows the labels of its fields, which are their names in the words of people.
    let shows = |modal: &str| modal.to_lowercase().contains(&text.to_lowercase());
    if let Some(modal) = state.modals.get_mut(who).filter(|modal| !modal.read && shows(&screen::modal(modal))) {
        modal.read = true;
        return Some(screen::modal(modal));
    }
    let mut notices = state.notices.iter_mut();
    let notice = notices.find(|notice| notice.who == who && !notice.read && notice.text.contains(text))?;
    notice.read = true;
    Some(notice.text.clone())
}

/// What nobody has read, and what was refused.
fn left_over(state: &State) -> Vec<String> {
    let mut left = state.refused.iter().map(|refused| format!("refused: {refused}")).collect::<Vec<_>>();
    for message in state.messages.iter().filter(|message| message.author == Author::Bot) {
        let (shown, whose) = (screen::message(message), message.only_for.as_deref().unwrap_or("everybody"));
        if message.thinking {
            left.push(format!("{whose} still sees that the application is thinking"));
        } else if !message.read.values().any(|read| *read == shown) {
            left.push(format!("for {whose}: {shown}"));
        }
    }
    let modals = state.modals.iter().filter(|(_, modal)| !modal.read);
    left.extend(modals.map(|(who, modal)| format!("for {who}: {}", screen::modal(modal))));
    let notices = state.notices.iter().filter(|notice| !notice.read);
    left.extend(notices.map(|notice| format!("for {}: {}", notice.who, notice.text)));
    left
}

#[async_trait]
impl Wire for Discord {
    fn settings(&self) -> Vec<(String, String)> {
        let mut settings = vec![
            ("STATIONMASTER_DISCORD__BOT_TOKEN".into(), TOKEN.into()),
            ("STATIONMASTER_DISCORD__API_URL".into(), self.url.clone()),
            ("STATIONMASTER_DISCORD__GUILD".into(), GUILD.into()),
            ("NO_PROXY".into(), "127.0.0.1".into()),
        ];
        if self.transport == Transport::Http {
            settings.push(("STATIONMASTER_DISCORD__PUBLIC_KEY".into(), public_key()));
        }
        settings
    }

    async fn connect(&self, address: &str) {
        *self.address.lock().expect("lock") = Some(address.to_owned());
        if self.transport == Transport::Http {
            self.register_address().await;
        }
    }

    fn turn_clock(&self, ahead: i64) {
        self.world.with(|state| state.ahead = ahead);
    }

    async fn say(&self, who: &str, line: &str) {
        self.use_command(person(who), line).await;
    }

    /// Over HTTP alone Discord tells an application nothing of messages; there a person uses the catch-all command.
    async fn mention(&self, who: &str, words: &str) {
        let who = person(who);
        let said = words.strip_prefix("@stationmaster").unwrap_or(words).trim();
        if self.transport == Transport::Http {
            return self.use_command(who, said).await;
        }
        self.until_connected().await;
        self.world.with(|state| {
            let bot = world::author(&Author::Bot);
            let body = json!({ "content": format!("<@{APPLICATION}> {said}"), "mentions": [bot] });
            let message = state.write(CHANNEL, Author::Person(who), body).clone();
            let mut event = routes::in_guild(&world::message(state, &message));
            event["member"] = world::member(state, who);
            event["member"].as_object_mut().expect("an object").remove("user");
            gateway::announce(state, "MESSAGE_CREATE", &event);
        });
    }

    async fn press(&self, who: &str, label: &str) {
        self.press_button(who, label).await;
    }

    async fn fill(&self, who: &str, field: &str, value: &str) {
        self.fill_in(who, field, value).await;
    }

    async fn submit(&self, who: &str) {
        self.send_form(who).await;
    }

    async fn suggest(&self, who: &str, typing: Typing<'_>) -> Vec<String> {
        if typing.line.is_empty() {
            return self.choices_of(who, typing.field, typing.typed).await;
        }
        self.suggest_option(person(who), typing).await
    }

    async fn open_home(&self, who: &str) {
        self.use_command(person(who), "/home").await;
    }

    async fn read(&self, who: &str, text: &str) -> String {
        let found = self.world.until(PATIENCE, |state| take_unread(state, who, text)).await;
        found.unwrap_or_else(|| panic!("{who} does not see \"{text}\"\n{}", self.screen(who)))
    }

    /// What is under way when a test ends, such as taking away "is thinking…", has a moment to end.
    fn unread(&self) -> Vec<String> {
        let settled = |state: &State| !state.messages.iter().any(|message| message.thinking);
        self.world.block_until(Duration::from_secs(3), settled);
        self.world.look(left_over)
    }
}
