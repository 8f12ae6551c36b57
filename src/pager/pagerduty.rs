//! PagerDuty: the Events API v2 for alerts, and the REST API for who is on call.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::api::Api;
use super::{Act, Alert, Fault, Kind, Recipient, Severity, cut, encoded};
use crate::clock::Millis;

/// The longest summary of an alert, in characters.
const SUMMARY: usize = 1024;
/// The version of the REST API that this is written for.
pub(super) const ACCEPT: &str = "application/vnd.pagerduty+json;version=2";

/// A team's place at PagerDuty.
pub(super) struct PagerDuty {
    pub(super) rest: Api,
    pub(super) events: Api,
    /// The schedule that says who is on call.
    pub(super) schedule: Option<String>,
    /// The integration key of the service that alerts go to.
    pub(super) routing_key: Option<String>,
}

/// A time that somebody is on call.
#[derive(Debug, Deserialize)]
struct Entry {
    user: User,
    #[serde(default)]
    escalation_level: i64,
    /// `None` where nobody takes over.
    end: Option<Timestamp>,
}

/// Somebody at PagerDuty.
#[derive(Debug, Deserialize)]
struct User {
    id: String,
    /// The name; a mere reference has it in its summary alone.
    name: Option<String>,
    summary: Option<String>,
}

impl PagerDuty {
    /// Who is on call now, whoever is asked first before the others.
    pub(super) async fn on_call(&self, schedule: &str) -> Result<Vec<Recipient>, Fault> {
        let id = encoded(schedule);
        let path = format!("/oncalls?schedule_ids%5B%5D={id}&include%5B%5D=users&earliest=true");
        let mut body = self.rest.ask(&path, schedule).await?;
        let entries = serde_json::from_value(body["oncalls"].take());
        let mut entries: Vec<Entry> = entries.map_err(|_| self.rest.fault(Kind::Unreadable))?;
        entries.sort_by_key(|entry| entry.escalation_level);
        Ok(entries.into_iter().map(Recipient::from).collect())
    }

    /// The name of a schedule.
    pub(super) async fn schedule_name(&self, schedule: &str) -> Result<String, Fault> {
        let body = self.rest.ask(&format!("/schedules/{}", encoded(schedule)), schedule).await?;
        let name = body["schedule"]["name"].as_str().or(body["schedule"]["summary"].as_str());
        name.map(str::to_owned).ok_or_else(|| self.rest.fault(Kind::Unreadable))
    }

    /// Tells the service behind the routing key of an alert.
    pub(super) async fn tell(&self, routing_key: &str, act: Act, alert: &Alert) -> Result<(), Fault> {
        let mut event = json!({ "routing_key": routing_key, "event_action": act.to_string(), "dedup_key": alert.key });
        if act == Act::Trigger {
            event["client"] = json!("Stationmaster");
            event["payload"] = payload(alert);
        }
        self.events.tell("/v2/enqueue", event).await
    }
}

fn payload(alert: &Alert) -> Value {
    let severity = match alert.severity {
        Severity::Error => "error",
        Severity::Critical => "critical",
    };
    let mut details: Map<String, Value> =
        alert.facts.iter().map(|(label, value)| (label.clone(), value.clone().into())).collect();
    details.insert("Text".into(), alert.text.clone().into());
    json!({
        "summary": cut(&alert.title, SUMMARY),
        "source": "Stationmaster",
        "severity": severity,
        "custom_details": details,
    })
}

impl From<Entry> for Recipient {
    fn from(entry: Entry) -> Self {
        let User { id, name, summary } = entry.user;
        let name = name.or(summary).unwrap_or_else(|| id.clone());
        let until: Option<Millis> = entry.end.map(Timestamp::as_millisecond);
        Self { id, name, until }
    }
}
