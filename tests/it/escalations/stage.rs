//! A house with a team that is asked, its lead, and the platform team behind it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stationmaster::chat::PlatformName::{Slack, Web};
use stationmaster::chat::{Card, Form, Intent, Reply, Token};
use stationmaster::clock::Span;
use stationmaster::config::{Config, Person, Team};
use stationmaster::store::escalation::Escalation;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::engine::On;
use crate::house::{House, button, card_of};

pub const MINUTE: Span = Span::from_secs(60);
pub const HOUR: Span = Span::from_secs(3600);

/// Two steps, of which the first can be taken back; `head` is put into the capability, `rest` into the command.
pub fn databases(api: &str, (head, rest): (&str, &str)) -> String {
    format!(
        r#"
        [capability]
        name = "databases"
        title = "Databases"
        need = "As a developer I want a database so that I can start today"
        owner = "data"
        maturity = "ga"
        {head}
        [[command]]
        name = "db create"
        summary = "Create a database"
        {rest}
        [[command.param]]
        name = "name"
        type = "string"
        [[command.step]]
        name = "provision"
        [command.step.http]
        method = "POST"
        url = "{api}/databases"
        body = {{ name = "{{{{name}}}}" }}
        outputs = {{ id = "$.id", password = "$.password" }}
        [command.step.undo.http]
        method = "DELETE"
        url = "{api}/databases/{{{{steps.provision.id}}}}"
        [[command.step]]
        name = "register"
        [command.step.http]
        method = "POST"
        url = "{api}/catalog/{{{{steps.provision.id}}}}"
        [command.reply]
        text = "It has the id `{{{{steps.provision.id}}}}`."
        "#
    )
}

/// A house, and the API that its steps call.
pub struct Stage {
    pub house: House,
    pub api: MockServer,
    pub file: String,
}

impl Stage {
    pub async fn new(on: On) -> Self {
        Self::with(on, ("", ""), |_| {}).await
    }

    pub async fn with(on: On, words: (&str, &str), change: impl FnOnce(&mut Config)) -> Self {
        let api = MockServer::start().await;
        let file = databases(&api.uri(), words);
        let all = |config: &mut Config| {
            configure(config);
            change(config);
        };
        let house = House::configured(on, &[&file], all).await.everywhere();
        let stage = Self { house, api, file };
        // Whoever was never seen cannot be reached.
        for who in ["ben", "cleo", "dora", "eve"] {
            stage.house.say(who, "/whoami").await;
        }
        stage.answers("POST", "/databases", made()).await;
        stage.answers("DELETE", "/databases/db-7", ResponseTemplate::new(204)).await;
        stage
    }

    /// The process dies, and another one goes on with the same database.
    pub async fn reopened(self) -> Self {
        let house = self.house.reopened(&[&self.file]).await;
        Self { house, ..self }
    }

    pub async fn answers(&self, verb: &str, at: &str, answer: ResponseTemplate) {
        Mock::given(method(verb)).and(path(at)).respond_with(answer).mount(&self.api).await;
    }

    /// The next call is answered so, and those after it as before.
    pub async fn answers_once(&self, verb: &str, at: &str, answer: ResponseTemplate) {
        let mock = Mock::given(method(verb)).and(path(at)).respond_with(answer);
        mock.up_to_n_times(1).with_priority(1).mount(&self.api).await;
    }

    pub async fn calls(&self, verb: &str, at: &str) -> usize {
        let all = self.api.received_requests().await.expect("recorded");
        all.iter().filter(|call| call.method.as_str() == verb && call.url.path() == at).count()
    }

    /// Somebody asks for a database whose second step fails.
    pub async fn fails(&self, who: &str) {
        self.house.say(who, "/db create orders").await;
        self.house.settle().await;
    }

    /// Time passes at once, and what is due by then is done.
    pub async fn later(&self, time: Span) {
        self.house.clock.advance(time);
        self.house.settle().await;
    }

    /// What somebody is told directly on the page.
    pub fn told(&self, who: &str) -> Vec<Card> {
        self.house.cards_at(Web, &format!("@{who}"))
    }

    /// What the team's conversation shows.
    pub fn channel(&self) -> Vec<Card> {
        self.house.cards_at(Slack, "C-DATA")
    }

    /// What was said in the threads of somebody's cards.
    pub fn thread(&self, who: &str) -> Vec<String> {
        let posted = self.house.chat.posted.lock().expect("lock");
        let prefix = format!("place-{who}/");
        posted.values().filter(|(at, _)| at.starts_with(&prefix)).map(|(_, card)| card.title.clone()).collect()
    }

    /// The request's card of somebody, and not what hangs in its thread.
    pub fn card(&self, who: &str) -> Card {
        self.house.cards(who).pop().expect("a card")
    }

    pub async fn open(&self) -> Vec<Escalation> {
        self.house.app.store.open_escalations().await.expect("reads")
    }

    /// The one escalation that is open.
    pub async fn one(&self) -> Escalation {
        let open = self.open().await;
        assert_eq!(open.len(), 1, "{open:#?}");
        open[0].clone()
    }

    /// Somebody presses a button of the one escalation that is open.
    pub async fn press(&self, who: &str, verb: &str) -> Reply {
        let token = Token::new(verb, &self.one().await.id);
        self.pressed(who, &token).await
    }

    pub async fn pressed(&self, who: &str, token: &Token) -> Reply {
        let reply = self.house.press(who, token).await;
        self.house.settle().await;
        reply
    }

    /// Presses the button of a card that says `label`.
    pub async fn click(&self, who: &str, (card, label): (&Card, &str)) -> Reply {
        self.pressed(who, &button(card, label)).await
    }

    pub async fn submit(&self, who: &str, (form, values): (&Form, &[(&str, &str)])) -> Reply {
        let token = form.token.clone();
        let values: BTreeMap<String, Value> =
            values.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let reply = self.house.does(who, Intent::Submit { token, values }).await;
        self.house.settle().await;
        reply
    }

    /// Resolves the one escalation that is open.
    pub async fn resolve(&self, who: &str, (category, outcome): (&str, &str)) -> Card {
        let form = form_of(self.press(who, "resolve").await);
        let values = [("new_category", category), ("automatable", "yes"), ("minutes", "15"), ("outcome", outcome)];
        card_of(&self.submit(who, (&form, &values)).await)
    }

    /// What the audit trail says happened to a subject.
    pub async fn trail(&self, subject: &str) -> Vec<String> {
        let entries = self.house.app.store.audit_of(subject).await.expect("reads");
        entries.into_iter().map(|entry| entry.action).collect()
    }
}

pub fn made() -> ResponseTemplate {
    ResponseTemplate::new(201).set_body_json(json!({"id": "db-7", "password": "hunter2hunter2"}))
}

pub fn form_of(reply: Reply) -> Form {
    match reply {
        Reply::Form(form) => form,
        other => panic!("no form: {other:#?}"),
    }
}

/// ben and cleo are the team, ben is on call, dora leads it, eve is the platform team.
fn configure(config: &mut Config) {
    let mut data = Team {
        members: vec!["ben".into(), "cleo".into()],
        lead: Some("dora".into()),
        channels: vec!["slack:C-DATA".into()],
        ..Team::default()
    };
    data.oncall.people = vec!["ben".into()];
    data.oncall.since = Some("2026-01-05T09:00".parse().expect("a time"));
    data.oncall.every = Some(Span::from_secs(7 * 24 * 3600));
    config.team.insert("data".into(), data);
    let platform = Team { members: vec!["eve".into()], ..Team::default() };
    config.team.insert("platform".into(), platform);
    config.escalation.team = Some("platform".into());
    for name in ["ben", "cleo", "dora", "eve"] {
        let identities = vec![format!("web:{name}")];
        config.person.insert(name.to_owned(), Person { identities, ..Person::default() });
    }
}
