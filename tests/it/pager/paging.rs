//! An escalation's life as the paging service of its team hears of it, whatever goes wrong on the way.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stationmaster::chat::{Card, Intent, PlatformName, Token};
use stationmaster::clock::Span;
use stationmaster::config::{Config, Oncall, Person, Team, TeamPagerduty};
use stationmaster::desk;
use stationmaster::serve;
use stationmaster::store::escalation::Escalation;

use super::fake::{Fake, Fault};
use super::pagerduty::{ROUTING_KEY, SCHEDULE, TOKEN, entry};
use crate::engine::{On, on_both};
use crate::house::{House, card_of, read};

/// A command that never goes well, of a team that helps at any hour.
const WORK: &str = r#"
    [capability]
    name = "work"
    title = "Work"
    need = "As a developer I want help when something fails"
    owner = "data"
    maturity = "ga"
    support = "around-the-clock"
    [[command]]
    name = "fail"
    summary = "Fail at once"
    [[command.step]]
    name = "try"
    [command.step.process]
    program = "/bin/false"
"#;

/// A house whose team `data` is paged: ben is on call by its rotation, cleo leads it.
struct Scene {
    house: House,
    fake: Fake,
}

impl Scene {
    async fn open(on: On) -> Self {
        let fake = Fake::start().await;
        let url = fake.url.clone();
        let house = House::configured(on, &[WORK], |config| configure(config, &url)).await;
        for who in ["ben", "cleo"] {
            house.say(who, "/whoami").await;
        }
        Self { house, fake }
    }

    /// ada asks for something that fails; gives the escalation that comes of it.
    async fn fail(&self) -> Escalation {
        self.house.say("ada", "/fail").await;
        self.house.settle().await;
        let open = self.house.app.store.open_escalations().await.expect("a list");
        assert_eq!(open.len(), 1);
        open[0].clone()
    }

    async fn press(&self, who: &str, verb: &str, id: &str) {
        let reply = self.house.press(who, &Token::new(verb, id)).await;
        assert_ne!(card_of(&reply).tone, stationmaster::chat::Tone::Bad, "{reply:#?}");
        self.house.settle().await;
    }

    async fn resolve(&self, who: &str, id: &str) {
        let fields = [("new_category", "Quota"), ("automatable", "yes"), ("minutes", "5"), ("outcome", "Made room")];
        let values: BTreeMap<String, Value> = fields.map(|(name, value)| (name.to_owned(), json!(value))).into();
        let reply = self.house.does(who, Intent::Submit { token: Token::new("resolve", id), values }).await;
        assert_ne!(card_of(&reply).tone, stationmaster::chat::Tone::Bad, "{reply:#?}");
        self.house.settle().await;
    }

    /// The card of the escalation, before ben.
    fn card(&self) -> Card {
        let cards = self.house.cards_at(PlatformName::Web, "@ben");
        let of_escalation = |card: &&Card| card.footnote.as_ref().is_some_and(|note| note.contains("esc_"));
        cards.iter().find(of_escalation).expect("a card").clone()
    }

    async fn later(&self, span: Span) {
        self.house.clock.advance(span);
        self.house.settle().await;
    }
}

fn configure(config: &mut Config, url: &str) {
    config.pagerduty.token = Some(TOKEN.into());
    config.pagerduty.api_url = Some(url.to_owned());
    config.pagerduty.events_url = Some(url.to_owned());
    let pagerduty = TeamPagerduty { schedule: Some(SCHEDULE.into()), routing_key: Some(ROUTING_KEY.into()) };
    let oncall = Oncall { people: vec!["ben".into()], pagerduty: Some(pagerduty), ..Oncall::default() };
    let team = Team { members: vec!["ben".into()], lead: Some("cleo".into()), oncall, ..Team::default() };
    config.team.insert("data".into(), team);
    for who in ["ada", "ben", "cleo"] {
        let person = Person { identities: vec![format!("web:{who}")], ..Person::default() };
        config.person.insert(who.into(), person);
    }
    config.person.get_mut("cleo").expect("she is there").pagerduty = Some("PCLEO01".into());
}

#[tokio::test]
async fn an_escalation_is_paged_acknowledged_and_resolved_once_each() {
    on_both(async |on| {
        let scene = Scene::open(on).await;
        scene.fake.put_on_call(SCHEDULE, json!([entry(("PCLEO01", "Cleo"), 1, None)]));
        let escalation = scene.fail().await;
        assert_eq!(scene.fake.told(&escalation.id), ["trigger"]);
        let payload = scene.fake.calls().last().expect("a call").body["payload"].clone();
        assert_eq!(
            (&payload["summary"], &payload["severity"]),
            (&json!("Fail at once – a step failed"), &json!("error"))
        );
        assert_eq!(payload["custom_details"]["For"], "ada");
        assert!(read(&scene.card()).contains("Paging data: done, by PagerDuty"), "{}", read(&scene.card()));
        let cleo = scene.house.cards_at(PlatformName::Web, "@cleo");
        assert_eq!(cleo.len(), 1, "whoever is on call by the service is asked");

        scene.press("ben", "claim", &escalation.id).await;
        scene.later(Span::from_secs(3600)).await;
        assert_eq!(scene.fake.told(&escalation.id), ["trigger", "acknowledge"], "claimed means silence");
        scene.resolve("ben", &escalation.id).await;
        assert_eq!(scene.fake.told(&escalation.id), ["trigger", "acknowledge", "resolve"]);
        scene.house.finish().await;
        scene.fake.close();
    })
    .await;
}

#[tokio::test]
async fn who_does_not_answer_is_paged_again_when_it_climbs() {
    on_both(async |on| {
        let scene = Scene::open(on).await;
        let escalation = scene.fail().await;
        scene.later(Span::from_secs(15 * 60)).await;
        assert_eq!(scene.fake.told(&escalation.id), ["trigger", "trigger"]);
        assert_eq!(scene.fake.calls().last().expect("a call").body["payload"]["severity"], "critical");
        scene.resolve("cleo", &escalation.id).await;
        assert_eq!(scene.fake.told(&escalation.id), ["trigger", "trigger", "resolve"]);
        scene.house.finish().await;
        scene.fake.close();
    })
    .await;
}

#[tokio::test]
async fn a_service_that_is_down_is_said_to_be_and_the_rotation_is_used() {
    on_both(async |on| {
        let scene = Scene::open(on).await;
        let down = Fault::Status(503, Some(("retry-after", "30")), "");
        scene.fake.fail([down.clone(), down.clone(), down]);
        let escalation = scene.fail().await;
        let card = read(&scene.card());
        assert!(card.contains("PagerDuty did not answer (503); by the declared rotation it is ben."), "{card}");
        assert!(card.contains("Paging data: PagerDuty did not answer (503)"), "{card}");
        let before = scene.fake.calls().len();
        scene.later(Span::from_secs(29)).await;
        assert_eq!(scene.fake.calls().len(), before, "it asked to be left alone");
        scene.later(Span::from_secs(1)).await;
        scene.later(Span::from_secs(30)).await;
        assert_eq!(scene.fake.told(&escalation.id), ["trigger"]);
        assert!(read(&scene.card()).contains("Paging data: done, by PagerDuty"), "{}", read(&scene.card()));
        scene.resolve("ben", &escalation.id).await;
        scene.house.finish().await;
        scene.fake.close();
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_is_said_once_and_nothing_follows() {
    on_both(async |on| {
        let scene = Scene::open(on).await;
        let refused = Fault::Status(400, None, r#"{"errors":["Invalid routing key"]}"#);
        scene.fake.put_on_call(SCHEDULE, json!([]));
        scene.fake.fail([Fault::Status(200, None, r#"{"oncalls":[]}"#), refused]);
        let escalation = scene.fail().await;
        let card = read(&scene.card());
        assert!(card.contains("Paging data: PagerDuty could not be told: 400: Invalid routing key"), "{card}");
        assert!(card.contains("PagerDuty says that nobody is on call; by the declared rotation it is ben."), "{card}");
        scene.press("ben", "claim", &escalation.id).await;
        scene.resolve("ben", &escalation.id).await;
        assert_eq!(scene.fake.told(&escalation.id), Vec::<String>::new());
        scene.house.finish().await;
        scene.fake.close();
    })
    .await;
}

#[tokio::test]
async fn whoever_claims_before_the_page_went_out_is_not_woken() {
    on_both(async |on| {
        let scene = Scene::open(on).await;
        let found = Fault::Status(200, None, r#"{"oncalls":[]}"#);
        scene.fake.fail([found, Fault::Status(429, Some(("ratelimit-reset", "60")), "")]);
        let escalation = scene.fail().await;
        scene.press("ben", "claim", &escalation.id).await;
        scene.later(Span::from_secs(120)).await;
        assert_eq!(scene.fake.told(&escalation.id), Vec::<String>::new());
        scene.resolve("ben", &escalation.id).await;
        scene.house.finish().await;
        scene.fake.close();
    })
    .await;
}

/// The service was asked who is on call, and told.
async fn until_called(scene: &Scene) {
    while scene.fake.calls().len() < 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn d7_a_process_that_dies_while_it_pages_leaves_nobody_unpaged() {
    on_both(async |on| {
        let scene = Scene::open(on).await;
        let app = &scene.house.app;
        scene.house.say("ada", "/fail").await;
        let found = Fault::Status(200, None, r#"{"oncalls":[]}"#);
        scene.fake.fail([found, Fault::Hang]);
        // Everything is done until the page is under way, and then nothing more.
        for _ in 0..20 {
            let claims = serve::work_next(app, 16).await.expect("claims");
            for claim in claims {
                tokio::select! {
                    () = desk::perform(app, &claim) => {}
                    () = until_called(&scene), if claim.payload.contains("\"page\"") => {}
                }
            }
        }
        let open = app.store.open_escalations().await.expect("a list");
        assert_eq!(scene.fake.told(&open[0].id), ["trigger"]);
        scene.press("ben", "claim", &open[0].id).await;
        assert_eq!(scene.fake.told(&open[0].id), ["trigger"], "another process holds it for all that is known");
        scene.later(Span::from_secs(60)).await;
        assert_eq!(scene.fake.told(&open[0].id), ["trigger", "acknowledge"]);
        scene.resolve("ben", &open[0].id).await;
        scene.house.finish().await;
        scene.fake.close();
    })
    .await;
}

#[tokio::test]
async fn oncall_says_what_the_service_says_and_what_it_does_not() {
    let scene = Scene::open(On::Sqlite).await;
    let cleo = entry(("PCLEO01", "Cleo"), 1, Some("2026-12-02T09:00:00Z"));
    scene.fake.put_on_call(SCHEDULE, json!([cleo]));
    let said = async |scene: &Scene| read(&card_of(&scene.house.say("ada", "/oncall data").await));
    let card = said(&scene).await;
    assert!(card.contains("data: cleo until Wed 2 Dec, 09:00 UTC, by PagerDuty"), "{card}");
    scene.house.clock.advance(Span::from_secs(60));
    scene.fake.put_on_call(SCHEDULE, json!([entry(("PXX0001", "Tim"), 1, None)]));
    let card = said(&scene).await;
    assert!(card.contains("data: ben, by the rotation (PagerDuty says that Tim (PXX0001) is on call"), "{card}");
    scene.house.clock.advance(Span::from_secs(60));
    scene.fake.fail([Fault::Status(401, None, "")]);
    let card = said(&scene).await;
    assert!(card.contains("data: ben, by the rotation (PagerDuty refuses the token (401))"), "{card}");
    scene.fake.close();
}
