//! Who a person is on the server whose roles count.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::Value;

use super::payload::{Id, Interaction, Member};
use super::rest::{Call, Failure, Rest};
use crate::chat::Standing;
use crate::clock::{Millis, Span};
use crate::error::Result;

/// How long what was seen of a member is believed.
const BELIEVED: Span = Span::from_secs(300);
/// How many members are remembered.
const REMEMBERED: usize = 20_000;

/// The members of the one server whose roles count; without one, nobody has roles and nobody is a guest.
pub struct Members {
    guild: Option<Id>,
    seen: Mutex<HashMap<String, (Millis, Standing)>>,
}

impl Members {
    /// The members of a server.
    pub fn new(guild: Option<Id>) -> Self {
        Self { guild, seen: Mutex::default() }
    }

    /// Remembers what an interaction says of who did it. Discord signed it, or sent it down our own connection.
    pub fn learn(&self, interaction: &Interaction, now: Millis) {
        if let (Some(member), Some(person)) = (&interaction.member, interaction.person()) {
            self.see(interaction.guild_id.as_ref(), (person.id.as_str(), member), now);
        }
    }

    /// Remembers a member who was seen on a server.
    pub fn see(&self, guild: Option<&Id>, (person, member): (&str, &Member), now: Millis) {
        if guild.is_some() && guild == self.guild.as_ref() {
            self.remember(person, standing(member), now);
        }
    }

    fn remember(&self, person: &str, standing: Standing, now: Millis) {
        let Ok(mut seen) = self.seen.lock() else { return };
        if seen.len() >= REMEMBERED {
            seen.retain(|_, (at, _)| now - *at < BELIEVED.millis());
        }
        if seen.len() < REMEMBERED {
            seen.insert(person.to_owned(), (now, standing));
        }
    }

    /// Who a person is now. An error if it cannot be told.
    pub async fn standing(&self, rest: &Rest, person: &str, now: Millis) -> Result<Standing> {
        let Some(guild) = &self.guild else { return Ok(Standing::default()) };
        if let Some(known) = self.known(person, now) {
            return Ok(known);
        }
        let person = Id::read(person).ok_or_else(|| anyhow::anyhow!("`{person}` is no person of Discord"))?;
        let standing = match rest.call(Call::get(format!("/guilds/{guild}/members/{person}"))).await {
            Ok(member) => standing(&read(member)?),
            // Unknown member, unknown user.
            Err(failure) if matches!(failure.code(), 10007 | 10013) => Standing { guest: true, ..Standing::default() },
            Err(failure) => return Err(failure.into()),
        };
        self.remember(person.as_str(), standing.clone(), now);
        Ok(standing)
    }

    /// The roles of the server whose roles count; none without a server.
    pub async fn roles(&self, rest: &Rest) -> Result<Option<Vec<String>>, Failure> {
        let Some(guild) = &self.guild else { return Ok(None) };
        let answer = rest.call(Call::get(format!("/guilds/{guild}/roles"))).await?;
        let roles = answer.as_array().into_iter().flatten().filter_map(|role| role["id"].as_str());
        Ok(Some(roles.map(str::to_owned).collect()))
    }

    fn known(&self, person: &str, now: Millis) -> Option<Standing> {
        let seen = self.seen.lock().ok()?;
        let (at, standing) = seen.get(person)?;
        // A clock that was set back makes nothing believed for longer.
        (0..BELIEVED.millis()).contains(&(now - at)).then(|| standing.clone())
    }
}

fn read(member: Value) -> Result<Member, Failure> {
    serde_json::from_value(member).map_err(|error| Failure::Unreachable(format!("its answer is no member: {error}")))
}

fn standing(member: &Member) -> Standing {
    let user = member.user.as_ref();
    let name = member.nick.clone().or_else(|| user.and_then(|user| user.global_name.clone()));
    Standing {
        groups: member.roles.iter().map(Id::to_string).collect(),
        guest: false,
        name: name.or_else(|| user.map(|user| user.username.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn members(guild: &str) -> Members {
        let members = Members::new(Id::read("7"));
        let payload = json!({
            "id": "1", "application_id": "9", "type": 2, "token": "t", "guild_id": guild, "channel_id": "5",
            "member": {"user": {"id": "42", "username": "ada"}, "roles": ["71", "72"], "nick": "Ada L."},
        });
        members.learn(&serde_json::from_value(payload).expect("an interaction"), 1000);
        members
    }

    /// Nothing listens there, so whatever has to be asked is an error.
    fn nowhere() -> Rest {
        Rest::new("t", Some("http://127.0.0.1:1"))
    }

    #[tokio::test]
    async fn roles_are_known_from_an_interaction_for_five_minutes() {
        let standing = members("7").standing(&nowhere(), "42", 300_999).await.expect("known");
        assert_eq!(standing.groups, ["71", "72"]);
        assert_eq!((standing.guest, standing.name.as_deref()), (false, Some("Ada L.")));
        assert!(members("7").standing(&nowhere(), "42", 301_000).await.is_err());
        assert!(members("7").standing(&nowhere(), "42", 999).await.is_err());
    }

    #[tokio::test]
    async fn b5_what_cannot_be_told_is_an_error() {
        assert!(members("8").standing(&nowhere(), "42", 1000).await.is_err(), "roles of another server count nowhere");
        assert!(members("7").standing(&nowhere(), "../42", 1000).await.is_err());
    }

    #[tokio::test]
    async fn without_a_server_nobody_has_roles() {
        assert_eq!(Members::new(None).standing(&nowhere(), "42", 0).await.expect("known"), Standing::default());
    }
}
