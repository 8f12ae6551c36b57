//! A platform whose databases a human approves, the people around it, and what they do to each other.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stationmaster::chat::{Card, Intent, PlatformName, Reply, Token};
use stationmaster::clock::Span;
use stationmaster::config::Config;
use stationmaster::serve;
use stationmaster::store::approval::Approval;
use stationmaster::store::request::{Request, State};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::engine::On;
use crate::house::{House, catalogue, read};

/// Who is who: ada and fay ask, the others decide.
pub const PEOPLE: &str = r#"
[team.data]
members = ["ben", "cleo", "dan"]
[team.security]
members = ["eve"]
[team.web]
members = ["ada", "fay"]
lead = "fay"
[role.oncall]
[person.ada]
identities = ["web:ada", "slack:UADA"]
[person.ben]
identities = ["web:ben", "slack:UBEN"]
[person.cleo]
identities = ["web:cleo"]
[person.dan]
identities = ["web:dan"]
[person.eve]
identities = ["web:eve"]
[person.fay]
identities = ["web:fay"]
[person.gus]
identities = ["web:gus"]
roles = ["oncall"]
"#;

/// Everybody who is seen before anything is asked for.
pub const ALL: [&str; 7] = ["ada", "ben", "cleo", "dan", "eve", "fay", "gus"];

/// A house with its people and the API that makes databases.
pub struct Stage {
    pub house: House,
    pub api: MockServer,
    policy: String,
}

/// The capability file; `policy` is put into the command.
pub fn file(api: &str, policy: &str) -> String {
    format!(
        r#"
        [capability]
        name = "databases"
        title = "Databases"
        need = "As a developer I want a database so that I can start today"
        owner = "data"
        maturity = "ga"
        [[command]]
        name = "db create"
        summary = "Create a database"
        cost = {{ amount = "size == 'large' ? 120.5 : 10.0", unit = "EUR a month" }}
        {policy}
        [[command.param]]
        name = "name"
        type = "string"
        pattern = "^[a-z]+$"
        [[command.param]]
        name = "size"
        type = "choice"
        choices = ["small", "large"]
        default = "small"
        [[command.param]]
        name = "reason"
        type = "text"
        optional = true
        [[command.step]]
        name = "provision"
        [command.step.http]
        method = "POST"
        url = "{api}/databases"
        body = {{ name = "{{{{name}}}}", size = "{{{{size}}}}" }}
        [command.reply]
        text = "Database **{{{{name}}}}** is ready"
        "#
    )
}

impl Stage {
    pub async fn set(on: On, policy: &str) -> Self {
        Self::with_people(on, policy, PEOPLE).await
    }

    pub async fn with_people(on: On, policy: &str, people: &str) -> Self {
        let api = MockServer::start().await;
        let made = ResponseTemplate::new(201).set_body_json(json!({"id": "db-7"}));
        Mock::given(method("POST")).and(path("/databases")).respond_with(made).mount(&api).await;
        let known: Config = toml::from_str(people).expect("a configuration");
        let change = |config: &mut Config| {
            (config.team, config.role, config.person) = (known.team, known.role, known.person);
        };
        let house = House::configured(on, &[&file(&api.uri(), policy)], change).await;
        for who in ALL {
            house.say(who, "/home").await;
        }
        Self { house, api, policy: policy.to_owned() }
    }

    /// The capability file is another one from now on: `from` in it is `to`.
    pub fn reload(&self, from: &str, to: &str) {
        let before = file(&self.api.uri(), &self.policy);
        let after = before.replace(from, to);
        assert_ne!(before, after, "nothing is changed");
        self.house.app.catalogue.store(std::sync::Arc::new(catalogue(&[&after])));
    }

    /// Ada asks; gives the approval that waits for it.
    pub async fn asked(&self, line: &str) -> Approval {
        assert_eq!(self.house.say("ada", line).await, Reply::Nothing);
        self.house.settle().await;
        self.latest().await
    }

    /// Ada's latest request.
    pub async fn request(&self) -> Request {
        self.house.app.store.requests_of("ada", 1).await.expect("reads").remove(0)
    }

    pub async fn state(&self) -> State {
        self.request().await.state
    }

    /// The latest approval of ada's latest request.
    pub async fn latest(&self) -> Approval {
        let request = self.request().await.id;
        self.house.app.store.approval_of(&request).await.expect("reads").expect("is there")
    }

    pub async fn press(&self, who: &str, verb: &str, object: &str) -> Reply {
        self.house.press(who, &Token::new(verb, object)).await
    }

    /// Sends a form with these fields.
    pub async fn send(&self, who: &str, (verb, object): (&str, &str), fields: &[(&str, Value)]) -> Reply {
        let values: BTreeMap<String, Value> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        self.house.does(who, Intent::Submit { token: Token::new(verb, object), values }).await
    }

    /// The cards that somebody has in their direct conversation, as they read them.
    pub fn direct(&self, who: &str) -> Vec<Card> {
        self.house.cards_at(PlatformName::Web, &format!("@{who}"))
    }

    /// What hangs in the threads of the cards of somebody's direct conversation, by title.
    pub fn threads(&self, who: &str) -> Vec<String> {
        let posted = self.house.chat.posted.lock().expect("lock");
        let begin = format!("@{who}/");
        posted.values().filter(|(place, _)| place.starts_with(&begin)).map(|(_, card)| card.title.clone()).collect()
    }

    /// How often the work was done.
    pub async fn runs(&self) -> usize {
        self.api.received_requests().await.expect("recorded").len()
    }

    /// Nothing is left that keeps the time of an approval, however long one waits.
    pub async fn has_no_timer(&self) {
        self.house.clock.advance(Span::from_secs(30 * 24 * 3600));
        let claims = serve::work_next(&self.house.app, 64).await.expect("claims");
        let timers = claims.iter().filter(|claim| claim.payload.contains("\"remind\"")).count();
        assert_eq!(timers, 0, "{claims:?}");
        self.house.app.store.verify_audit().await.expect("the audit trail holds");
    }

    /// The actions of the audit trail of ada's latest request, with who did them.
    pub async fn trail(&self) -> Vec<String> {
        let entries = self.house.app.store.audit_of(&self.request().await.id).await.expect("reads");
        entries.iter().map(|entry| format!("{} {}", entry.actor, entry.action)).collect()
    }
}

/// A card as somebody reads it, without what differs in every run.
pub fn text(stage: &Stage, card: &Card) -> String {
    let id = regex::Regex::new("(apr|rev|rem|sta)_[0-9a-f]{32}").expect("a pattern");
    id.replace_all(&read(card), "${1}_…").replace(&stage.api.uri(), "http://api")
}

/// The first line of a reply.
pub fn title(reply: &Reply) -> String {
    match reply {
        Reply::Card(card) => card.title.clone(),
        Reply::Form(form) => format!("form: {}", form.title),
        other => format!("{other:?}"),
    }
}
