//! The pager against services as strict as the real ones.

use stationmaster::clock::Clock;
use stationmaster::config::{Config, HttpPolicy};
use stationmaster::pager::{Act, Alert, Pager, Severity};
use stationmaster::runner::WebClient;

use fake::Fake;

pub mod fake;
mod opsgenie;
pub mod pagerduty;
mod paging;

/// A pager, and the services that it knows.
struct Desk {
    pager: Pager,
    fake: Fake,
    clock: Clock,
}

impl Desk {
    /// A pager with these settings and services of its own.
    async fn open(toml: &str) -> Self {
        Self::at(&Fake::start().await, toml)
    }

    /// The same with services that others use as well. Addresses and right credentials are set where `toml` does not.
    fn at(fake: &Fake, toml: &str) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut settings = toml.parse::<toml::Table>().expect("TOML");
        let mut set = |table: &str, key: &str, value: &str| {
            let table = settings.entry(table).or_insert_with(|| toml::Table::new().into());
            table.as_table_mut().expect("a table").entry(key).or_insert_with(|| value.into());
        };
        set("pagerduty", "token", pagerduty::TOKEN);
        set("pagerduty", "api_url", &fake.url);
        set("pagerduty", "events_url", &format!("{}/", fake.url));
        set("opsgenie", "key", opsgenie::API_KEY);
        set("opsgenie", "api_url", &fake.url);
        let people: toml::Table =
            toml::from_str("[ada]\npagerduty = 'PT23IWX'\n[ben]\nopsgenie = 'ben@example.org'").expect("TOML");
        settings.insert("person".into(), people.into());
        let config: Config = settings.try_into().expect("a configuration");
        let policy = HttpPolicy { allow_private: vec!["127.0.0.1".into()], only: Vec::new() };
        let clock = Clock::manual(1_799_990_000_000);
        let pager = Pager::new(&config, WebClient::new(&policy).expect("a client"), clock.clone());
        Self { pager, fake: fake.clone(), clock }
    }

    /// Nothing may have been told wrongly.
    fn close(self) {
        self.fake.close();
    }
}

fn alert(key: &str) -> Alert {
    Alert {
        key: key.into(),
        title: "Create a database: the step create failed".into(),
        text: "500 Internal Server Error".into(),
        facts: vec![("Requester".into(), "ada".into())],
        severity: Severity::Error,
    }
}

#[tokio::test]
async fn a_team_without_a_service_is_asked_and_told_nothing() {
    let desk = Desk::open("[team.web]\nmembers = ['ada']").await;
    assert_eq!(desk.pager.on_call("web").await, Ok(None));
    assert_eq!(desk.pager.schedule("web").await, Ok(None));
    assert_eq!(desk.pager.alerted("web"), None);
    desk.pager.tell("web", Act::Trigger, &alert("esc_1")).await.expect("nothing to do");
    assert_eq!(desk.pager.teams().count(), 0);
    assert!(desk.fake.calls().is_empty());
}

#[tokio::test]
async fn a_service_goes_only_where_the_policy_lets_it() {
    let fake = Fake::start().await;
    let toml = "[pagerduty]\napi_url = 'http://10.0.0.7'\n[team.data.oncall.pagerduty]\nschedule = 'PI7DH85'";
    let fault = Desk::at(&fake, toml).pager.on_call("data").await.expect_err("a fault");
    assert!(fault.to_string().starts_with("PagerDuty could not be told: 10.0.0.7 is a private address"), "{fault}");
    assert!(!fault.passes());
}
