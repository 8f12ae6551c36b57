//! What Slack knows of one workspace: its people, conversations, messages and views.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::file::File;

/// The workspace, the app, and the app's own user.
pub const TEAM: &str = "T0HOUSE";
pub const APP: &str = "A0MASTER";
pub const BOT: &str = "B0MASTER";
pub const BOT_USER: &str = "U0MASTER";

/// The tokens of the app, and what deliveries over HTTP are signed with.
pub const BOT_TOKEN: &str = "xoxb-1-house";
pub const APP_TOKEN: &str = "xapp-1-house";
pub const SIGNING_SECRET: &str = "3c1f7a90d2b84e56a1c09f3e7d5b2468";

/// A public channel that everybody and the app are in; one that is archived; a private one that the app is not in.
pub const GENERAL: &str = "C0GENERAL";
pub const OLD: &str = "C0OLD";
pub const SECRET: &str = "G0SECRET";

/// How long a trigger lasts, and a response URL, in milliseconds; how often the latter works.
const TRIGGER: i64 = 3_000;
const HOOK: i64 = 30 * 60 * 1000;
const HOOK_USES: u32 = 5;

/// What the app asked for when it was installed: what its manifest says, and no more.
const SCOPES: [&str; 12] = [
    "app_mentions:read",
    "channels:history",
    "chat:write",
    "chat:write.public",
    "commands",
    "files:write",
    "groups:history",
    "im:history",
    "im:write",
    "mpim:history",
    "usergroups:read",
    "users:read",
];

/// Somebody with an account.
pub struct Person {
    pub id: String,
    pub name: String,
    pub team: &'static str,
    pub guest: bool,
    pub bot: bool,
    pub deactivated: bool,
}

/// A conversation.
pub struct Channel {
    pub id: String,
    pub name: String,
    pub members: BTreeSet<String>,
    pub archived: bool,
}

/// A message; `only` is whose eyes alone it is for.
#[derive(Clone)]
pub struct Message {
    pub channel: String,
    pub ts: String,
    pub thread: Option<String>,
    pub author: String,
    pub text: String,
    pub blocks: Value,
    pub metadata: Value,
    pub only: Option<String>,
    pub edits: u32,
    pub order: u64,
    pub read_by: BTreeSet<String>,
}

/// A modal or a home.
#[derive(Clone)]
pub struct View {
    pub id: String,
    pub hash: String,
    pub owner: String,
    pub body: Value,
    /// By block and action, as Slack says it in `state.values`.
    pub values: Value,
    pub errors: BTreeMap<String, String>,
    pub root: String,
    pub previous: Option<String>,
    pub order: u64,
    pub read: bool,
}

struct Trigger {
    person: String,
    born: i64,
    used: bool,
}

/// Where the app may answer an interaction without a token.
pub struct Hook {
    pub channel: String,
    pub person: String,
    /// The message that it may replace.
    pub message: Option<String>,
    born: i64,
    uses: u32,
}

/// The whole workspace.
pub struct Workspace {
    pub people: Vec<Person>,
    pub channels: Vec<Channel>,
    /// The user groups: id, handle, members.
    pub groups: Vec<(String, String, Vec<String>)>,
    pub messages: Vec<Message>,
    pub files: Vec<File>,
    /// How often a new file is not ready yet when it is to be shown.
    pub settling: usize,
    /// The views that are open; of a person's modals, the last is in front.
    pub views: Vec<View>,
    pub granted: BTreeSet<String>,
    /// The tokens that are good.
    pub tokens: BTreeSet<String>,
    /// Addresses of sockets that were given out and not used yet.
    pub tickets: BTreeSet<String>,
    /// What the app did that Slack refused, or that no careful app does.
    pub breaches: Vec<String>,
    /// Where this Slack is, `127.0.0.1:PORT`.
    pub host: String,
    /// How far Slack's clock is from this machine's, in milliseconds.
    pub skew: i64,
    triggers: BTreeMap<String, Trigger>,
    hooks: BTreeMap<String, Hook>,
    count: u64,
}

impl Workspace {
    pub fn new(host: &str) -> Self {
        let mut workspace = Self {
            people: ["ada", "ben", "cleo", "dan", "eve", "guest", "outsider"].map(Person::named).into(),
            channels: Vec::new(),
            groups: vec![("S0DATA".into(), "data".into(), vec!["U0ADA".into()])],
            messages: Vec::new(),
            files: Vec::new(),
            settling: 0,
            views: Vec::new(),
            granted: SCOPES.map(String::from).into(),
            tokens: [BOT_TOKEN, APP_TOKEN].map(String::from).into(),
            tickets: BTreeSet::new(),
            breaches: Vec::new(),
            host: host.to_owned(),
            skew: 0,
            triggers: BTreeMap::new(),
            hooks: BTreeMap::new(),
            count: 0,
        };
        let app = Person { id: BOT_USER.into(), bot: true, ..Person::named("stationmaster") };
        workspace.people.push(app);
        let everybody: Vec<String> = workspace.people.iter().map(|person| person.id.clone()).collect();
        for (id, name) in [(GENERAL, "general"), (OLD, "old"), (SECRET, "secret")] {
            let mut members: BTreeSet<String> = everybody.iter().cloned().collect();
            if id == SECRET {
                members.remove(BOT_USER);
            }
            workspace.channels.push(Channel { id: id.into(), name: name.into(), members, archived: id == OLD });
        }
        workspace
    }

    /// The next of a kind of thing.
    pub fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// Slack's time in milliseconds.
    pub fn now(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        i64::try_from(now.as_millis()).expect("a time") + self.skew
    }

    /// A message's or an event's time stamp: no two are the same.
    pub fn stamp(&mut self) -> String {
        let count = self.next();
        format!("{}.{count:06}", self.now() / 1000)
    }

    pub fn person(&self, id: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.id == id)
    }

    /// Who goes by a name.
    pub fn named(&self, name: &str) -> &Person {
        self.people.iter().find(|person| person.name == name).expect("somebody of that name")
    }

    pub fn channel(&self, id: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    pub fn channel_mut(&mut self, id: &str) -> &mut Channel {
        self.channels.iter_mut().find(|channel| channel.id == id).expect("a conversation")
    }

    /// The direct conversation of the app with somebody; made if it is not there.
    pub fn direct(&mut self, person: &str) -> String {
        let id = format!("D{}", &person[1..]);
        if self.channel(&id).is_none() {
            let members = [person, BOT_USER].map(String::from).into();
            self.channels.push(Channel { id: id.clone(), name: "directmessage".into(), members, archived: false });
        }
        id
    }

    pub fn message_mut(&mut self, channel: &str, ts: &str) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.channel == channel && message.ts == ts)
    }

    /// Whether somebody's screen shows a message.
    pub fn sees(&self, person: &str, message: &Message) -> bool {
        match &message.only {
            Some(only) => only == person,
            None => self.channel(&message.channel).is_some_and(|channel| channel.members.contains(person)),
        }
    }

    /// The modal in front of somebody.
    pub fn modal_mut(&mut self, person: &str) -> Option<&mut View> {
        self.views.iter_mut().rev().find(|view| view.owner == person && view.body["type"] == "modal")
    }

    /// A trigger for what somebody just did.
    pub fn trigger(&mut self, person: &str) -> String {
        let id = format!("{}.{}.trigger", self.now(), self.next());
        let trigger = Trigger { person: person.to_owned(), born: self.now(), used: false };
        self.triggers.insert(id.clone(), trigger);
        id
    }

    /// Uses a trigger up; gives who caused it.
    pub fn pull(&mut self, id: &str) -> Result<String, &'static str> {
        let now = self.now();
        let trigger = self.triggers.get_mut(id).ok_or("invalid_trigger_id")?;
        if std::mem::replace(&mut trigger.used, true) {
            return Err("exchanged_trigger_id");
        }
        if now - trigger.born > TRIGGER {
            return Err("expired_trigger_id");
        }
        Ok(trigger.person.clone())
    }

    /// A response URL for what somebody just did in a conversation.
    pub fn hook(&mut self, (channel, person): (&str, &str), message: Option<String>) -> String {
        let path = format!("/hooks/{TEAM}/{}/{:016x}", self.next(), rand::random::<u64>());
        let hook = Hook { channel: channel.into(), person: person.into(), message, born: self.now(), uses: 0 };
        self.hooks.insert(path.clone(), hook);
        format!("http://{}{path}", self.host)
    }

    /// Uses a response URL once.
    pub fn use_hook(&mut self, path: &str) -> Result<&Hook, &'static str> {
        let now = self.now();
        let hook = self.hooks.get_mut(path).ok_or("no_such_url")?;
        if now - hook.born > HOOK {
            return Err("expired_url");
        }
        hook.uses += 1;
        if hook.uses > HOOK_USES { Err("used_url") } else { Ok(hook) }
    }

    /// Notes what the app must not do.
    pub fn breach(&mut self, what: impl Into<String>) {
        self.breaches.push(what.into());
    }
}

impl Person {
    fn named(name: &str) -> Self {
        Self {
            id: format!("U0{}", name.to_uppercase()),
            name: name.to_owned(),
            team: if name == "outsider" { "T0ELSEWHERE" } else { TEAM },
            guest: name == "guest",
            bot: false,
            deactivated: false,
        }
    }
}

impl Channel {
    /// Whether it is a direct conversation.
    pub fn is_direct(&self) -> bool {
        self.id.starts_with('D')
    }

    /// The scope by which an app may read it: `channels:history`, `groups:read`.
    pub fn scope(&self, right: &str) -> String {
        let kind = match self.id.as_bytes()[0] {
            b'D' => "im",
            b'G' => "groups",
            _ => "channels",
        };
        format!("{kind}:{right}")
    }

    /// What Slack tells of it.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "is_channel": self.id.starts_with('C'),
            "is_im": self.is_direct(),
            "is_private": !self.id.starts_with('C'),
            "is_archived": self.archived,
            "is_member": self.members.contains(BOT_USER),
        })
    }
}

impl Message {
    /// What Slack tells of it.
    pub fn to_json(&self) -> Value {
        let mut told = json!({
            "type": "message",
            "user": self.author,
            "ts": self.ts,
            "team": TEAM,
            "text": self.text,
            "blocks": self.blocks,
        });
        if self.author == BOT_USER {
            told["bot_id"] = BOT.into();
            told["app_id"] = APP.into();
        }
        if let Some(thread) = &self.thread {
            told["thread_ts"] = thread.as_str().into();
        }
        if self.edits > 0 {
            told["edited"] = json!({ "user": self.author, "ts": self.ts });
        }
        told
    }
}

impl View {
    /// What Slack tells of it.
    pub fn to_json(&self) -> Value {
        let mut told = self.body.clone();
        for (key, value) in [("private_metadata", ""), ("callback_id", ""), ("external_id", "")] {
            if told[key].is_null() {
                told[key] = value.into();
            }
        }
        told["id"] = self.id.as_str().into();
        told["team_id"] = TEAM.into();
        told["app_id"] = APP.into();
        told["bot_id"] = BOT.into();
        told["app_installed_team_id"] = TEAM.into();
        told["hash"] = self.hash.as_str().into();
        told["root_view_id"] = self.root.as_str().into();
        told["previous_view_id"] = self.previous.clone().into();
        told["state"] = json!({ "values": self.values });
        told
    }
}
