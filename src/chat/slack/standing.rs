//! Who a person is in the workspace: groups, guests, names.

use std::collections::HashMap;

use serde_json::Value;

use super::{Identity, Workspace};
use crate::chat::{Sender, Standing};
use crate::clock::{Millis, Span};
use crate::error::Result;

/// How long a person's profile is believed; Slack tells of changes.
const PROFILE: Span = Span::from_secs(3600);
/// How long the user groups are believed.
const GROUPS: Span = Span::from_secs(300);

/// The groups of each person, and since when that is known.
pub type Groups = Option<(Millis, HashMap<String, Vec<String>>)>;

/// What is known of a person without their groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    is_guest: bool,
    name: Option<String>,
    zone: Option<String>,
}

impl Workspace {
    /// Who a person is; an error where Slack does not say.
    pub async fn standing(&self, person: &str) -> Result<Standing> {
        let Some(identity) = self.identity().await else {
            anyhow::bail!("it is not known yet which workspace this is")
        };
        let profile = self.profile(&identity, person).await?;
        let groups = self.groups_of(person).await?;
        Ok(Standing { groups, guest: profile.is_guest, name: profile.name, zone: profile.zone })
    }

    /// The user groups that there are.
    pub async fn groups(&self) -> Result<Vec<String>> {
        let answer = self.api.read("usergroups.list", &[]).await?;
        let live = live(&answer).filter_map(|group| group["id"].as_str());
        Ok(live.map(str::to_owned).collect())
    }

    async fn profile(&self, identity: &Identity, person: &str) -> Result<Profile> {
        let now = self.clock.now();
        if let Some(known) = self.people.get(person, now - PROFILE.millis()) {
            return Ok(known);
        }
        let answer = self.api.read("users.info", &[("user", person)]).await?;
        let profile = Profile::of(&answer["user"], identity);
        self.people.put(person, profile.clone(), now);
        Ok(profile)
    }

    /// The groups of a person, by their ids.
    async fn groups_of(&self, person: &str) -> Result<Vec<String>> {
        self.memberships(|known| known.get(person).cloned().unwrap_or_default()).await
    }

    /// The persons of a group, by their ids and in their order.
    pub async fn members(&self, group: &str) -> Result<Vec<Sender>> {
        let is_in = |groups: &Vec<String>| groups.iter().any(|id| id == group);
        let ids = self.memberships(|known| {
            let mut ids: Vec<String> = known.iter().filter(|(_, of)| is_in(of)).map(|(id, _)| id.clone()).collect();
            ids.sort_unstable();
            ids
        });
        Ok(ids.await?.into_iter().map(|id| Sender { id, name: String::new() }).collect())
    }

    /// What is looked up of who is in which group. One asks, the others wait for the same answer.
    async fn memberships<T>(&self, look: impl FnOnce(&HashMap<String, Vec<String>>) -> T) -> Result<T> {
        let mut groups = self.groups.lock().await;
        let now = self.clock.now();
        if let Some((at, known)) = groups.as_ref().filter(|(at, _)| now - at < GROUPS.millis()) {
            tracing::trace!(at, "the groups are known");
            return Ok(look(known));
        }
        let answer = self.api.read("usergroups.list", &[("include_users", "true")]).await?;
        let read = members(&answer);
        let found = look(&read);
        *groups = Some((now, read));
        Ok(found)
    }
}

/// The groups of an answer that are still in use.
fn live(answer: &Value) -> impl Iterator<Item = &Value> {
    let groups = answer["usergroups"].as_array().into_iter().flatten();
    groups.filter(|group| group["date_delete"].as_i64().unwrap_or(0) == 0)
}

/// The groups of each person, of the answer to `usergroups.list`.
fn members(answer: &Value) -> HashMap<String, Vec<String>> {
    let mut members: HashMap<String, Vec<String>> = HashMap::new();
    for group in live(answer) {
        let Some(id) = group["id"].as_str() else { continue };
        for person in group["users"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            members.entry(person.to_owned()).or_default().push(id.to_owned());
        }
    }
    members
}

impl Profile {
    /// The profile of `users.info`. Whoever is not known to be a full member is a guest.
    fn of(user: &Value, identity: &Identity) -> Self {
        let marks = ["is_restricted", "is_ultra_restricted", "is_stranger", "deleted", "is_bot", "is_workflow_bot"];
        let is_marked = marks.iter().any(|mark| user[mark].as_bool() == Some(true));
        let enterprise = user["enterprise_user"]["enterprise_id"].as_str().or(user["enterprise_id"].as_str());
        let is_home = user["team_id"].as_str() == Some(&identity.team)
            || (enterprise.is_some() && enterprise == identity.enterprise.as_deref());
        let names =
            [&user["profile"]["display_name"], &user["profile"]["real_name"], &user["real_name"], &user["name"]];
        let name = names.into_iter().filter_map(Value::as_str).find(|name| !name.trim().is_empty());
        let zone = user["tz"].as_str().filter(|zone| !zone.is_empty()).map(str::to_owned);
        Self { is_guest: is_marked || !is_home, name: name.map(str::to_owned), zone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn groups_are_turned_around() {
        let answer = json!({"usergroups": [
            {"id": "S1", "users": ["U1", "U2"], "date_delete": 0},
            {"id": "S2", "users": ["U1"]},
            {"id": "S3", "users": ["U1"], "date_delete": 1_700_000_000},
            {"id": "S4"},
        ]});
        let members = members(&answer);
        assert_eq!(
            (members["U1"].as_slice(), members["U2"].as_slice()),
            (&["S1".into(), "S2".into()][..], &["S1".into()][..])
        );
    }

    #[test]
    fn b7_who_is_no_full_member_is_a_guest() {
        let identity = Identity { team: "T1".into(), enterprise: Some("E1".into()), ..Identity::default() };
        let of = |user: Value| Profile::of(&user, &identity);
        let names = json!({"display_name": "Ada", "real_name": "A"});
        let full = json!({"team_id": "T1", "name": "ada", "tz": "Europe/Berlin", "profile": names});
        let zone = Some("Europe/Berlin".into());
        assert_eq!(of(full.clone()), Profile { is_guest: false, name: Some("Ada".into()), zone });
        assert!(!of(json!({"team_id": "T9", "enterprise_user": {"enterprise_id": "E1"}})).is_guest);
        for mark in ["is_restricted", "is_ultra_restricted", "is_stranger", "deleted", "is_bot"] {
            let mut marked = full.clone();
            marked[mark] = true.into();
            assert!(of(marked).is_guest, "{mark}");
        }
        for foreign in [json!({}), json!({"team_id": "T2"}), Value::Null] {
            assert!(of(foreign.clone()).is_guest, "{foreign}");
        }
    }
}
