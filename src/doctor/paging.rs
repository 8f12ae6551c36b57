//! PagerDuty and Opsgenie, as far as teams use them: whether they can be asked, and whether we know whom they name.

use super::{bad, doubtful, good};
use crate::chat::Finding;
use crate::clock::Clock;
use crate::config::Config;
use crate::pager::{Fault, Kind, OnCall, Pager, Provider};
use crate::runner::WebClient;

/// Looks at the service of every team that uses one. Nobody is paged.
pub async fn examine(config: &Config) -> Vec<Finding> {
    // What is wrong with `[http]` is said where the catalogue is looked at.
    let Ok(web) = WebClient::new(&config.http) else { return Vec::new() };
    let pager = Pager::new(config, web, Clock::system());
    let looked = pager.teams().map(|(team, provider)| look(&pager, team, provider));
    futures::future::join_all(looked).await
}

async fn look(pager: &Pager, team: &str, provider: Provider) -> Finding {
    let subject = match provider {
        Provider::PagerDuty => "pagerduty",
        Provider::Opsgenie => "opsgenie",
    };
    let name = match pager.schedule(team).await {
        Ok(Some(name)) => name,
        Ok(None) => {
            return good(subject, format!("{team} is paged there, and its declared rotation says who is on call"));
        }
        Err(fault) => return faulty(subject, team, &fault),
    };
    match pager.on_call(team).await {
        Ok(Some(OnCall { person: Some(person), .. })) => {
            good(subject, format!("{team}: {person} is on call by the schedule {name}"))
        }
        Ok(Some(OnCall { id, name, .. })) => doubtful(
            subject,
            format!("{team}: {name} is on call, and nobody here is known to be that"),
            format!("set person.NAME.{provider} = \"{id}\""),
        ),
        Ok(None) => doubtful(subject, format!("{team}: nobody is on call by the schedule {name}"), empty(provider)),
        Err(fault) => faulty(subject, team, &fault),
    }
}

fn empty(provider: Provider) -> &'static str {
    match provider {
        Provider::PagerDuty => "a schedule counts once an escalation policy uses it; until then the rotation is used",
        Provider::Opsgenie => "look whether the schedule is enabled and has a rotation; until then ours is used",
    }
}

fn faulty(subject: &'static str, team: &str, fault: &Fault) -> Finding {
    let provider = fault.provider;
    let hint = match &fault.kind {
        Kind::Refused { .. } if provider == Provider::PagerDuty => {
            "set pagerduty.token to a REST API key that may read schedules".to_owned()
        }
        Kind::Refused { .. } => "set opsgenie.key to the key of an API integration that may read schedules".to_owned(),
        Kind::NoSchedule(_) => format!("copy it into team.{team}.oncall.{provider}.schedule from the service's page"),
        Kind::Invalid(_) => format!("look at {provider}.api_url, and at http.allow_private"),
        Kind::Away { .. } | Kind::Busy { .. } | Kind::Unreadable => {
            "look at the network, and at what the service says of itself; until then the rotation is used".to_owned()
        }
    };
    bad(subject, format!("{team}: {fault}"), hint)
}
