//! A Stationmaster in a temporary folder, on either engine, whose clock the test moves and whose loops the test steps.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use stationmaster::app::App;
use stationmaster::catalogue::capability::CapabilityFile;
use stationmaster::catalogue::command::Command;
use stationmaster::catalogue::survey::SurveyFile;
use stationmaster::catalogue::{Catalogue, Known, explain};
use stationmaster::chat::{
    Card, Event, Inbox, Intent, Platform, PlatformName, Post, Reply, Sender, Standing, Token, Undelivered,
};
use stationmaster::clock::{Clock, Span};
use stationmaster::config::Config;
use stationmaster::desk;
use stationmaster::error::Result;
use stationmaster::runner::Tools;
use stationmaster::serve::{self, Parts};
use stationmaster::store::Store;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::engine::{On, START, database};

/// What a platform was told, in order, and what it says of people.
pub struct Recorder {
    name: PlatformName,
    /// Who people are there; anybody else is a member without groups.
    pub standings: Mutex<BTreeMap<String, Standing>>,
    /// Whether nobody can be asked about at the moment.
    pub is_mute: AtomicBool,
    /// Whether it does not tell who is in a group.
    pub is_discreet: AtomicBool,
    /// Whether no conversation can be written to.
    pub is_closed: AtomicBool,
    /// The cards in the conversation as they are now, by message id.
    pub posted: Mutex<BTreeMap<String, (String, Card)>>,
    /// What was answered to one person alone.
    pub replies: Mutex<Vec<Reply>>,
    count: AtomicU64,
}

impl Recorder {
    pub fn of(name: PlatformName) -> Self {
        Self {
            name,
            standings: Mutex::default(),
            is_mute: AtomicBool::default(),
            is_discreet: AtomicBool::default(),
            is_closed: AtomicBool::default(),
            posted: Mutex::default(),
            replies: Mutex::default(),
            count: AtomicU64::default(),
        }
    }

    /// Somebody is in these groups from now on, and in no other.
    pub fn put(&self, who: &str, groups: &[&str]) {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        let name = self.standings.lock().expect("lock").get(who).and_then(|standing| standing.name.clone());
        self.stand(who, Standing { groups, name, ..Standing::default() });
    }

    /// Somebody has this name there.
    pub fn call(&self, who: &str, name: &str) {
        self.stand(who, Standing { name: Some(name.to_owned()), ..Standing::default() });
    }

    pub fn stand(&self, who: &str, standing: Standing) {
        self.standings.lock().expect("lock").insert(who.to_owned(), standing);
    }
}

#[async_trait]
impl Platform for Recorder {
    fn name(&self) -> PlatformName {
        self.name
    }

    async fn standing(&self, person: &str) -> Result<Standing> {
        if self.is_mute.load(Ordering::SeqCst) {
            return Err(anyhow::anyhow!("the platform does not answer"));
        }
        Ok(self.standings.lock().expect("lock").get(person).cloned().unwrap_or_default())
    }

    async fn members(&self, group: &str) -> Result<Option<Vec<Sender>>> {
        if self.is_mute.load(Ordering::SeqCst) {
            return Err(anyhow::anyhow!("the platform does not answer"));
        }
        if self.is_discreet.load(Ordering::SeqCst) {
            return Ok(None);
        }
        let standings = self.standings.lock().expect("lock");
        let inside = standings.iter().filter(|(_, standing)| standing.groups.iter().any(|id| id == group));
        Ok(Some(inside.map(|(id, _)| Sender { id: id.clone(), name: String::new() }).collect()))
    }

    async fn run(&self, _: Arc<dyn Inbox>, stop: CancellationToken) -> Result<()> {
        stop.cancelled().await;
        Ok(())
    }

    async fn reply(&self, _: &Event, reply: &Reply) -> Result<()> {
        self.replies.lock().expect("lock").push(reply.clone());
        Ok(())
    }

    async fn post(&self, Post { place, .. }: Post<'_>, card: &Card) -> Result<String> {
        if self.is_closed.load(Ordering::SeqCst) {
            return Err(Undelivered::Closed("it was archived".into()).into());
        }
        let id = format!("m{}", self.count.fetch_add(1, Ordering::SeqCst) + 1);
        self.posted.lock().expect("lock").insert(id.clone(), (place.to_owned(), card.clone()));
        Ok(id)
    }

    async fn edit(&self, place: &str, message: &str, card: &Card) -> Result<()> {
        let mut posted = self.posted.lock().expect("lock");
        *posted.get_mut(message).ok_or(Undelivered::Gone)? = (place.to_owned(), card.clone());
        Ok(())
    }
}

/// The house under test.
pub struct House {
    pub app: Arc<App>,
    pub chat: Arc<Recorder>,
    pub slack: Arc<Recorder>,
    pub discord: Arc<Recorder>,
    pub clock: Clock,
    /// Where its database is.
    pub url: String,
    _folder: TempDir,
    events: AtomicU64,
}

impl House {
    /// A house with these capability files.
    pub async fn with(on: On, files: &[&str]) -> Self {
        Self::configured(on, files, |_| {}).await
    }

    pub async fn configured(on: On, files: &[&str], change: impl FnOnce(&mut Config)) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = tempfile::tempdir().expect("a folder");
        let commands = folder.path().join("commands");
        std::fs::create_dir_all(&commands).expect("a folder");
        let mut config = Config { data: folder.path().join("data"), commands, ..Config::default() };
        config.http.allow_private.push("127.0.0.1".into());
        change(&mut config);
        Self::open((on, folder), config, |_, _| catalogue(files)).await
    }

    /// A house with the sample platform, as a fresh clone has it.
    pub async fn sample(on: On, change: impl FnOnce(&mut Config)) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = tempfile::tempdir().expect("a folder");
        let top = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = top.join("stationmaster.toml");
        let mut config = Config::load(Some(&file), std::iter::empty()).expect("the sample's configuration");
        (config.data, config.commands) = (folder.path().join("data"), top.join("commands"));
        change(&mut config);
        let load = |config: &Config, tools: &Tools| {
            let loaded = Catalogue::load(&config.commands, tools, &Known::of(config));
            loaded.unwrap_or_else(|problems| panic!("{}", explain(&problems)))
        };
        Self::open((on, folder), config, load).await
    }

    async fn open(
        (on, folder): (On, TempDir),
        config: Config,
        supply: impl FnOnce(&Config, &Tools) -> Catalogue,
    ) -> Self {
        let (clock, url) = (Clock::manual(START), database(on, folder.path()).await);
        Self::build((url, clock, folder), config, supply).await
    }

    /// A further process at the same database: a replica, or the same after a restart.
    pub async fn again(&self, files: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = (self.url.clone(), self.clock.clone(), folder);
        let again = Self::build(place, self.app.config.clone(), |_, _| catalogue(files)).await;
        again.events.store(1 << 32, Ordering::SeqCst);
        again
    }

    async fn build(
        (url, clock, folder): (String, Clock, TempDir),
        config: Config,
        supply: impl FnOnce(&Config, &Tools) -> Catalogue,
    ) -> Self {
        let store = Store::open(&url, clock.clone()).await.expect("a store");
        let [chat, slack, discord] =
            [PlatformName::Web, PlatformName::Slack, PlatformName::Discord].map(|name| Arc::new(Recorder::of(name)));
        let key = serve::callback_key(&store).await.expect("a key");
        let page = config.web.public_url.clone().unwrap_or_else(|| "http://127.0.0.1:1".into());
        let mut tools = serve::tools(&config, clock.clone(), (key, page)).expect("tools");
        tools.program = env!("CARGO_BIN_EXE_stationmaster").into();
        let catalogue = supply(&config, &tools);
        let platforms: Vec<Arc<dyn Platform>> = vec![chat.clone()];
        let parts = Parts { config, store, clock: clock.clone(), catalogue, tools, platforms };
        let app = serve::build(parts).expect("an app");
        Self { app: Arc::new(app), chat, slack, discord, clock, url, _folder: folder, events: AtomicU64::new(0) }
    }

    /// The same house after its process has died and another one was started: nothing is left but the database and what
    /// the platforms show.
    pub async fn reopened(self, files: &[&str]) -> Self {
        let mut again = self.again(files).await;
        Arc::get_mut(&mut again.app).expect("nobody else has it yet").platforms = self.app.platforms.clone();
        // What the dead process held is free once its lease has ended.
        self.clock.advance(self.app.config.jobs.lease);
        Self { app: again.app, ..self }
    }

    /// The handles alone, for whoever opens the house for good, and the folder to keep meanwhile.
    pub fn into_app(self) -> (App, TempDir) {
        (Arc::into_inner(self.app).expect("nobody else has it"), self._folder)
    }

    /// The same house on another platform.
    pub async fn on_platform(on: On, files: &[&str], platform: Arc<dyn Platform>) -> Self {
        let mut house = Self::with(on, files).await;
        let app = Arc::get_mut(&mut house.app).expect("nobody else has it yet");
        app.platforms = [(platform.name(), platform)].into();
        house
    }

    /// The same house, on Slack and Discord as well.
    pub fn everywhere(mut self) -> Self {
        let app = Arc::get_mut(&mut self.app).expect("nobody else has it yet");
        app.platforms.insert(PlatformName::Slack, self.slack.clone());
        app.platforms.insert(PlatformName::Discord, self.discord.clone());
        self
    }

    /// Somebody types a line in their own conversation; gives what is answered to them alone.
    pub async fn say(&self, who: &str, words: &str) -> Reply {
        self.does(who, Intent::Say { words: words.to_owned() }).await
    }

    pub async fn press(&self, who: &str, token: &Token) -> Reply {
        self.does(who, Intent::Press { token: token.clone() }).await
    }

    pub async fn does(&self, who: &str, intent: Intent) -> Reply {
        let event = self.event(who, intent);
        desk::handle(&self.app, &event).await
    }

    /// Somebody types a line on another platform.
    pub async fn say_on(&self, platform: PlatformName, who: &str, words: &str) -> Reply {
        self.does_on(platform, who, Intent::Say { words: words.to_owned() }).await
    }

    pub async fn press_on(&self, platform: PlatformName, who: &str, token: &Token) -> Reply {
        self.does_on(platform, who, Intent::Press { token: token.clone() }).await
    }

    pub async fn does_on(&self, platform: PlatformName, who: &str, intent: Intent) -> Reply {
        let mut event = Event { platform, ..self.event(who, intent) };
        if platform != PlatformName::Web {
            // An event of such a platform mostly has the id alone.
            event.person.name.clear();
        }
        desk::handle(&self.app, &event).await
    }

    pub fn event(&self, who: &str, intent: Intent) -> Event {
        let id = format!("e{}", self.events.fetch_add(1, Ordering::SeqCst));
        let person = Sender { id: who.to_owned(), name: who.to_owned() };
        let at = self.clock.now();
        Event {
            id,
            platform: PlatformName::Web,
            person,
            place: format!("place-{who}"),
            thread: None,
            reply_to: None,
            at,
            intent,
            answer_to: serde_json::Value::Null,
        }
    }

    /// Does all that is due now and sends all cards.
    pub async fn settle(&self) {
        loop {
            let claims = serve::work_next(&self.app, 16).await.expect("claims");
            let idle = claims.is_empty();
            futures::future::join_all(claims.iter().map(|claim| desk::perform(&self.app, claim))).await;
            stationmaster::request::end::expire_next(&self.app).await.expect("expires");
            stationmaster::request::end::note_long_waits(&self.app).await.expect("notes");
            let sent = desk::outbox::deliver_next(&self.app, 64).await.expect("deliveries");
            if idle && sent == 0 {
                return;
            }
        }
    }

    /// Lets time pass, second by second, and does what becomes due.
    pub async fn pass(&self, time: Span) {
        for _ in 0..(time.millis() / 1000).max(1) {
            self.clock.advance(Span::from_secs(1));
            self.settle().await;
        }
    }

    /// The one card that the person's conversation shows.
    pub fn card(&self, who: &str) -> Card {
        let cards = self.cards(who);
        assert_eq!(cards.len(), 1, "cards: {cards:#?}");
        cards[0].clone()
    }

    pub fn cards(&self, who: &str) -> Vec<Card> {
        self.cards_at(PlatformName::Web, &format!("place-{who}"))
    }

    /// The cards that a conversation shows.
    pub fn cards_at(&self, platform: PlatformName, place: &str) -> Vec<Card> {
        let recorder = match platform {
            PlatformName::Slack => &self.slack,
            PlatformName::Discord => &self.discord,
            _ => &self.chat,
        };
        let posted = recorder.posted.lock().expect("lock");
        posted.values().filter(|(at, _)| at == place).map(|(_, card)| card.clone()).collect()
    }

    /// Nothing may be left to do but what a human was asked for, each with its clock; and the trail must hold.
    pub async fn finish(&self) {
        let (live, dead) = self.app.store.count_jobs().await.expect("counts");
        let asked = self.app.store.open_escalations().await.expect("reads").len() as i64;
        assert!(live <= asked && dead == 0, "{live} jobs are left over, {dead} are dead, {asked} humans were asked");
        self.app.store.verify_audit().await.expect("the audit trail holds");
    }
}

/// A catalogue of capability files and survey files.
pub fn catalogue(files: &[&str]) -> Catalogue {
    let (mut capabilities, mut commands) = (BTreeMap::new(), BTreeMap::new());
    let (surveys, files): (Vec<&str>, Vec<&str>) = files.iter().partition(|text| text.contains("[survey]"));
    let survey = |text: &&str| toml::from_str::<SurveyFile>(text).unwrap_or_else(|e| panic!("{e}")).survey;
    for text in files {
        let file: CapabilityFile = toml::from_str(text).unwrap_or_else(|e| panic!("{e}"));
        let capability = Arc::new(file.capability);
        for file in file.command {
            commands.insert(file.name.clone(), Arc::new(Command { capability: capability.clone(), file }));
        }
        capabilities.insert(capability.name.clone(), capability);
    }
    Catalogue::new(capabilities, commands).with_surveys(surveys.iter().map(survey))
}

/// The token of the button that says `label`.
pub fn button(card: &Card, label: &str) -> Token {
    let found = card.buttons.iter().find(|button| button.label == label);
    match found.map(|button| &button.action) {
        Some(stationmaster::chat::Action::Press(token)) => token.clone(),
        _ => panic!("no button {label} on {card:#?}"),
    }
}

/// A card as a person reads it.
pub fn read(card: &Card) -> String {
    use std::fmt::Write as _;
    let mut text = format!("[{:?}] {}\n", card.tone, card.title).to_lowercase();
    text = text.replacen(&card.title.to_lowercase(), &card.title, 1);
    let body = stationmaster::markdown::plain(&stationmaster::markdown::parse(&card.body));
    for line in body.lines() {
        let _ = writeln!(text, "  {line}");
    }
    for (label, value) in &card.facts {
        let _ = writeln!(text, "  {label}: {value}");
    }
    if let Some(progress) = &card.progress {
        let _ = writeln!(text, "  {} % {}", progress.percent, progress.label);
    }
    let labels: Vec<_> = card.buttons.iter().map(|button| format!("[{}]", button.label)).collect();
    if !labels.is_empty() {
        let _ = writeln!(text, "  {}", labels.join(" "));
    }
    if let Some(note) = &card.footnote {
        let _ = writeln!(text, "  ({note})");
    }
    // Ids differ in every run.
    let id = regex::Regex::new("(req|esc)_[0-9a-f]{32}").expect("a pattern");
    id.replace_all(&text, "${1}_…").into_owned()
}

/// The card of a reply.
pub fn card_of(reply: &Reply) -> Card {
    match reply {
        Reply::Card(card) => card.clone(),
        other => panic!("no card: {other:#?}"),
    }
}
