//! Who somebody is to Stationmaster: identities, teams and roles, and why each of them.

use serde_json::{Value, json};

use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::chat::PlatformName;
use crate::error::Result;
use crate::people::{self, Membership};
use crate::store::person::Identity;

/// What the message of a person is given.
pub(super) async fn values(app: &App, asker: &Asker) -> Result<Value> {
    let id = &asker.person.id;
    let identities = app.store.identities_of(id).await?;
    // They were all asked for when the asker was established, just now.
    let groups = people::groups(&identities);
    let identities: Vec<Value> = identities.iter().map(|identity| shown(app, identity)).collect();
    let (now, roster) = (app.clock.now(), app.roster().await?);
    let calendar = roster.calendar_of(id);
    let hours = calendar.hours.as_ref().map(ToString::to_string).unwrap_or_default();
    Ok(json!({
        "person": { "id": id, "name": asker.person.name },
        "guest": asker.guest,
        "works": format!("{hours}, {}", calendar.zone),
        "until": roster.absence(id, now).map(|absence| calendar.words(absence.until_at)),
        "delegate": roster.stand_ins(id, now).first().map(|person| roster.name(person)),
        "identities": identities,
        "teams": memberships(people::teams(&app.config, id, &groups)),
        "roles": memberships(people::roles(&app.config, id, &groups)),
    }))
}

fn shown(app: &App, identity: &Identity) -> Value {
    let platform = PlatformName::named(&identity.platform).map_or("", PlatformName::title);
    json!({
        "platform": platform,
        "id": identity.id,
        "name": identity.name.as_ref().unwrap_or(&identity.person_name),
        "declared": people::named(&app.config, &identity.platform, &identity.id).is_some(),
        "linked": identity.linked_at.is_some(),
    })
}

fn memberships(all: Vec<Membership>) -> Vec<Value> {
    let shown = |membership: Membership| {
        let (platform, group) = match membership.group.as_deref().and_then(|group| group.split_once(':')) {
            Some((platform, group)) => (PlatformName::named(platform).map_or("", PlatformName::title), group),
            None => ("", ""),
        };
        json!({ "name": membership.name, "platform": platform, "group": group })
    };
    all.into_iter().map(shown).collect()
}
