//! Paging services as the configuration sets them.

use secrecy::{ExposeSecret, SecretString};

use super::api::Api;
use super::opsgenie::Opsgenie;
use super::pagerduty::{self, PagerDuty};
use super::{Line, Pager, Provider, Service};
use crate::clock::Clock;
use crate::config::{Config, Oncall, TeamOpsgenie, TeamPagerduty};
use crate::mask::Mask;
use crate::runner::WebClient;

/// Where PagerDuty's REST API is.
const PAGERDUTY: &str = "https://api.pagerduty.com";
/// Where PagerDuty takes events.
const PAGERDUTY_EVENTS: &str = "https://events.pagerduty.com";
/// Where Opsgenie's API is.
const OPSGENIE: &str = "https://api.opsgenie.com";

impl Pager {
    /// The services of the configuration's teams.
    pub fn new(config: &Config, web: WebClient, clock: Clock) -> Self {
        let builder = Builder { config, web, clock: clock.clone(), mask: Mask::new(secrets(config)) };
        let lines = config.team.iter().filter_map(|(team, set)| {
            let line = Line { service: builder.service(&set.oncall)?, said: tokio::sync::Mutex::default() };
            Some((team.clone(), line))
        });
        let people = config.person.iter().flat_map(|(name, person)| {
            let ids = [(Provider::PagerDuty, &person.pagerduty), (Provider::Opsgenie, &person.opsgenie)];
            ids.into_iter().filter_map(|(of, id)| Some(((of, id.as_ref()?.to_lowercase()), name.clone())))
        });
        Self { clock, lines: lines.collect(), people: people.collect() }
    }
}

struct Builder<'c> {
    config: &'c Config,
    web: WebClient,
    clock: Clock,
    mask: Mask,
}

impl Builder<'_> {
    fn service(&self, set: &Oncall) -> Option<Service> {
        let pagerduty = set.pagerduty.as_ref().map(|line| Service::PagerDuty(self.pagerduty(line)));
        pagerduty.or_else(|| set.opsgenie.as_ref().map(|line| Service::Opsgenie(self.opsgenie(line))))
    }

    fn pagerduty(&self, line: &TeamPagerduty) -> PagerDuty {
        let access = &self.config.pagerduty;
        let token = access.token.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
        let rest = vec![("authorization", format!("Token token={token}")), ("accept", pagerduty::ACCEPT.to_owned())];
        let api = |url: &Option<String>, default, headers| self.api(Provider::PagerDuty, (url, default), headers);
        PagerDuty {
            rest: api(&access.api_url, PAGERDUTY, rest),
            events: api(&access.events_url, PAGERDUTY_EVENTS, Vec::new()),
            schedule: line.schedule.clone(),
            routing_key: line.routing_key.as_ref().map(|key| key.expose_secret().to_owned()),
        }
    }

    fn opsgenie(&self, line: &TeamOpsgenie) -> Opsgenie {
        let access = &self.config.opsgenie;
        let api = |key: Option<&SecretString>| {
            let key = key.map(ExposeSecret::expose_secret).unwrap_or_default();
            let headers = vec![("authorization", format!("GenieKey {key}"))];
            self.api(Provider::Opsgenie, (&access.api_url, OPSGENIE), headers)
        };
        // A team's own key may be that of an integration that takes alerts and reads nothing.
        let (general, own) = (access.key.as_ref(), line.key.as_ref());
        Opsgenie { schedules: api(general.or(own)), alerts: api(own.or(general)), schedule: line.schedule.clone() }
    }

    fn api(&self, provider: Provider, url: (&Option<String>, &str), headers: Vec<(&'static str, String)>) -> Api {
        let base = url.0.as_deref().unwrap_or(url.1).trim_end_matches('/').to_owned();
        let (mask, web, clock) = (self.mask.clone(), self.web.clone(), self.clock.clone());
        Api { provider, base, headers, mask, web, clock }
    }
}

/// Everything that no word of a service may show.
fn secrets(config: &Config) -> Vec<String> {
    let lines = config.team.values().flat_map(|team| {
        let pagerduty = team.oncall.pagerduty.as_ref().and_then(|line| line.routing_key.as_ref());
        let opsgenie = team.oncall.opsgenie.as_ref().and_then(|line| line.key.as_ref());
        [pagerduty, opsgenie]
    });
    let general = [config.pagerduty.token.as_ref(), config.opsgenie.key.as_ref()];
    lines.chain(general).flatten().map(|secret| secret.expose_secret().to_owned()).collect()
}
