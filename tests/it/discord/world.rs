//! What Discord holds of one server: its people, conversations, messages, commands and interactions, and what went wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::sync::watch;

use super::attachment::Sent;
use super::fault::Fault;
use super::gateway::Session;
use super::interaction::Interaction;
pub use super::object::{author, channel, member, message, user};

pub const GUILD: &str = "1300000000000000001";
/// The application, and its bot user, which has the same id.
pub const APPLICATION: &str = "1300000000000000002";
/// The channel in which everybody talks.
pub const CHANNEL: &str = "1300000000000000003";
/// A role that may decide things.
pub const ROLE: &str = "1300000000000000004";
/// Whom a webhook posts as.
pub const WEBHOOK: &str = "1300000000000000005";
pub const TOKEN: &str = "MTMwMDAwMDAwMDAwMDAwMDAwMg.GtEsT0.a-token-of-the-fake-and-of-nothing-else";
/// When Discord's ids begin to count, in milliseconds since 1970.
const EPOCH: u64 = 1_420_070_400_000;
/// Ephemeral: only the asker sees it.
pub const EPHEMERAL: u64 = 1 << 6;

/// The persons, by the names that transcripts use, and their ids.
pub const PEOPLE: [(&str, &str); 5] = [
    ("ada", "1300000000000000011"),
    ("ben", "1300000000000000012"),
    ("cleo", "1300000000000000013"),
    ("dan", "1300000000000000014"),
    ("eve", "1300000000000000015"),
];

/// The id of a person.
pub fn id_of(who: &str) -> &'static str {
    PEOPLE.iter().find(|(name, _)| *name == who).unwrap_or_else(|| panic!("{who} is nobody here")).1
}

/// The name of the person with this id.
pub fn name_of(id: &str) -> Option<&'static str> {
    PEOPLE.iter().find(|(_, known)| *known == id).map(|(name, _)| *name)
}

/// Who wrote a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    Bot,
    Person(&'static str),
    OtherBot,
    Webhook,
}

/// A conversation.
#[derive(Debug, Clone)]
pub struct Channel {
    /// 0 a server's channel, 1 a direct conversation, 11 a thread.
    pub kind: u8,
    pub name: String,
    /// With whom, if it is a direct conversation.
    pub recipient: Option<&'static str>,
    /// The channel of a thread.
    pub parent: Option<String>,
    /// Whether the bot may neither see nor write there.
    pub forbidden: bool,
}

/// A message, as it is now.
#[derive(Debug, Clone)]
pub struct Message {
    pub id: String,
    pub channel: String,
    pub author: Author,
    /// `content`, `embeds`, `components`, `flags`.
    pub body: Value,
    /// Who alone sees it.
    pub only_for: Option<String>,
    /// It says that the application is thinking.
    pub thinking: bool,
    pub nonce: Option<String>,
    /// As Discord tells of them.
    pub attachments: Vec<Value>,
    /// How often it was edited.
    pub edits: usize,
    /// When it last changed, in the order of all changes.
    pub changed: u64,
    /// What each person last read of it.
    pub read: BTreeMap<String, String>,
}

impl Message {
    pub fn is_ephemeral(&self) -> bool {
        self.only_for.is_some()
    }
}

/// A modal that is open before somebody.
#[derive(Debug, Clone)]
pub struct Modal {
    pub body: Value,
    /// What is typed into its inputs, by their `custom_id`.
    pub typed: BTreeMap<String, String>,
    /// The message whose component opened it.
    pub source: Option<String>,
    /// What the button says that opened it.
    pub opened_by: String,
    /// Whether its person has read it.
    pub read: bool,
}

/// A line that Discord itself shows to somebody.
#[derive(Debug, Clone)]
pub struct Notice {
    pub who: String,
    pub text: String,
    pub read: bool,
}

/// One call that came in, and how it was answered.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: String,
    /// Without `/api/v10`.
    pub path: String,
    pub status: u16,
}

/// Everything there is.
#[derive(Default)]
pub struct State {
    count: u64,
    /// By how many seconds Discord's clock is ahead of the machine's.
    pub ahead: i64,
    /// Where the gateway is.
    pub gateway: String,
    pub channels: BTreeMap<String, Channel>,
    /// In the order in which they were written.
    pub messages: Vec<Message>,
    pub modals: BTreeMap<String, Modal>,
    pub notices: Vec<Notice>,
    /// The commands registered everywhere, and in the server.
    pub commands: BTreeMap<String, Vec<Value>>,
    /// How often commands were overwritten.
    pub overwrites: usize,
    pub interactions: BTreeMap<String, Interaction>,
    pub sessions: BTreeMap<String, Session>,
    pub calls: Vec<Call>,
    /// The files that came with the call that is being answered.
    pub files: Vec<Sent>,
    /// Whether files may not be attached anywhere.
    pub no_files: bool,
    /// What was sent and refused for its content.
    pub refused: Vec<String>,
    pub faults: Vec<Fault>,
    /// Whether the bot's token is worth nothing any more.
    pub revoked: bool,
    /// What the gateway does to the next that identify: a close code.
    pub turn_away: Option<u16>,
    /// Whether heartbeats are left without an answer.
    pub deaf: bool,
    /// How often somebody identified, and resumed.
    pub identified: usize,
    pub resumed: usize,
    /// The persons' roles.
    pub roles: BTreeMap<String, Vec<String>>,
    /// Whether no bucket is ever empty.
    pub unlimited: bool,
    /// Who has left the server.
    pub left: BTreeSet<String>,
    /// Whether the application has the privileged intent for the members of servers.
    pub lists_members: bool,
    /// Per bucket: when it is full again, and what is left until then.
    pub buckets: BTreeMap<String, (Instant, u32)>,
}

impl State {
    /// A new id; as in Discord its upper bits are the time.
    pub fn new_id(&mut self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64;
        self.count += 1;
        (((now - EPOCH) << 22) | (self.count & 0x3f_ffff)).to_string()
    }

    /// The next place in the order of all changes.
    pub fn next_change(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    pub fn message(&mut self, id: &str) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.id == id)
    }

    /// Writes a message.
    pub fn write(&mut self, channel: &str, author: Author, body: Value) -> &mut Message {
        let (id, changed) = (self.new_id(), self.next_change());
        let (only_for, nonce) = (None, body["nonce"].as_str().map(str::to_owned));
        let (channel, read) = (channel.to_owned(), BTreeMap::new());
        let message = Message {
            id,
            channel,
            author,
            body,
            only_for,
            thinking: false,
            nonce,
            attachments: Vec::new(),
            edits: 0,
            changed,
            read,
        };
        self.messages.push(message);
        self.messages.last_mut().expect("just written")
    }

    /// Replaces what `body` says of a message.
    pub fn rewrite(&mut self, id: &str, body: &Value) {
        let changed = self.next_change();
        let Some(message) = self.message(id) else { return };
        for key in ["content", "embeds", "components"] {
            if let Some(value) = body.get(key) {
                message.body[key] = value.clone();
            }
        }
        (message.thinking, message.changed) = (false, changed);
        message.edits += 1;
    }

    /// The direct conversation with somebody.
    pub fn direct(&mut self, who: &'static str) -> String {
        let known = self.channels.iter().find(|(_, channel)| channel.recipient == Some(who));
        if let Some((id, _)) = known {
            return id.clone();
        }
        let id = self.new_id();
        let channel = Channel { kind: 1, name: who.into(), recipient: Some(who), parent: None, forbidden: false };
        self.channels.insert(id.clone(), channel);
        id
    }

    /// The calls to paths that begin so: `POST /channels/`.
    pub fn calls_to(&self, start: &str) -> Vec<&Call> {
        self.calls.iter().filter(|call| format!("{} {}", call.method, call.path).starts_with(start)).collect()
    }
}

/// The state, and a signal whenever it changed.
pub struct World {
    state: Mutex<State>,
    /// For threads that wait.
    settled: Condvar,
    /// For tasks that wait.
    ticks: watch::Sender<u64>,
}

impl World {
    /// A world whose gateway is at `gateway`.
    pub fn new(gateway: String) -> Self {
        let mut state = State { gateway, ..State::default() };
        let channel = Channel { kind: 0, name: "platform".into(), recipient: None, parent: None, forbidden: false };
        state.channels.insert(CHANNEL.into(), channel);
        Self { state: Mutex::new(state), settled: Condvar::new(), ticks: watch::channel(0).0 }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Looks at the state or changes it.
    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let result = act(&mut self.lock());
        self.settled.notify_all();
        self.ticks.send_modify(|tick| *tick += 1);
        result
    }

    /// Looks at the state.
    pub fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    /// Waits until there is something to give, or for so long in vain.
    pub async fn until<T>(&self, patience: Duration, mut look: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let mut ticks = self.ticks.subscribe();
        let waiting = async {
            loop {
                if let Some(found) = look(&mut self.lock()) {
                    return found;
                }
                ticks.changed().await.expect("the world is there");
            }
        };
        tokio::time::timeout(patience, waiting).await.ok()
    }

    /// The same for a thread.
    pub fn block_until(&self, patience: Duration, mut done: impl FnMut(&State) -> bool) {
        let state = self.lock();
        drop(self.settled.wait_timeout_while(state, patience, |state| !done(state)));
    }
}
