//! Opsgenie: the Alert API, and who is on call by its schedules.

use serde_json::{Map, Value, json};

use super::api::Api;
use super::{Act, Alert, Fault, Kind, Recipient, Severity, cut, encoded};

/// The longest message of an alert, in characters.
const MESSAGE: usize = 130;
/// The longest description of an alert, in characters.
const DESCRIPTION: usize = 15_000;
/// The most characters of all details together.
const DETAILS: usize = 8000;

/// A team's place at Opsgenie.
pub(super) struct Opsgenie {
    /// With the key that reads schedules.
    pub(super) schedules: Api,
    /// With the key of the integration that takes alerts.
    pub(super) alerts: Api,
    /// The id or the name of the schedule that says who is on call.
    pub(super) schedule: Option<String>,
}

impl Opsgenie {
    /// Who is on call now. Opsgenie does not say until when.
    pub(super) async fn on_call(&self, schedule: &str) -> Result<Vec<Recipient>, Fault> {
        let path = format!(
            "/v2/schedules/{}/on-calls?scheduleIdentifierType={}&flat=true",
            encoded(schedule),
            identifier_type(schedule)
        );
        let body = self.schedules.ask(&path, schedule).await?;
        let unreadable = || self.schedules.fault(Kind::Unreadable);
        let names = body["data"]["onCallRecipients"].as_array().ok_or_else(unreadable)?;
        let recipient = |name: &Value| {
            let id = name.as_str().ok_or_else(unreadable)?.to_owned();
            Ok(Recipient { name: id.clone(), id, until: None })
        };
        names.iter().map(recipient).collect()
    }

    /// The name of a schedule.
    pub(super) async fn schedule_name(&self, schedule: &str) -> Result<String, Fault> {
        let path = format!("/v2/schedules/{}?identifierType={}", encoded(schedule), identifier_type(schedule));
        let body = self.schedules.ask(&path, schedule).await?;
        let name = body["data"]["name"].as_str();
        name.map(str::to_owned).ok_or_else(|| self.schedules.fault(Kind::Unreadable))
    }

    /// Tells Opsgenie of an alert.
    pub(super) async fn tell(&self, act: Act, alert: &Alert) -> Result<(), Fault> {
        let path = |verb| format!("/v2/alerts/{}/{verb}?identifierType=alias", encoded(&alert.key));
        let note = json!({ "source": "Stationmaster", "note": cut(&alert.text, DESCRIPTION) });
        match act {
            Act::Trigger => self.alerts.tell("/v2/alerts", self.alert(alert)).await,
            Act::Acknowledge => self.alerts.tell(&path("acknowledge"), note).await,
            Act::Resolve => self.alerts.tell(&path("close"), note).await,
        }
    }

    fn alert(&self, alert: &Alert) -> Value {
        let priority = match alert.severity {
            Severity::Error => "P3",
            Severity::Critical => "P2",
        };
        let mut body = json!({
            "message": cut(&alert.title, MESSAGE),
            "alias": alert.key,
            "description": cut(&alert.text, DESCRIPTION),
            "details": details(&alert.facts),
            "source": "Stationmaster",
            "priority": priority,
        });
        // Without a responder, whoever the key's integration belongs to is told.
        if let Some(schedule) = &self.schedule {
            body["responders"] = json!([{ "type": "schedule", (identifier_type(schedule)): schedule }]);
        }
        body
    }
}

/// As many of the facts as there is room for.
fn details(facts: &[(String, String)]) -> Map<String, Value> {
    let mut room = DETAILS;
    let fits = |(label, value): &&(String, String)| {
        let size = label.chars().count() + value.chars().count();
        let fits = size <= room;
        room -= if fits { size } else { 0 };
        fits
    };
    facts.iter().filter(fits).map(|(label, value)| (label.clone(), value.clone().into())).collect()
}

/// Whether a schedule is called by its id, which is a UUID, or by its name.
fn identifier_type(schedule: &str) -> &'static str {
    if uuid::Uuid::try_parse(schedule).is_ok() { "id" } else { "name" }
}
