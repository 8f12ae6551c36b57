//! Who a person is on the server whose roles count.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::Value;

use super::payload::{Id, Interaction, Member};
use super::rest::{Call, Failure, Rest};
use crate::chat::{Sender, Standing};
use crate::clock::{Millis, Span};
use crate::error::Result;

/// How long what was seen of a member is believed.
const BELIEVED: Span = Span::from_secs(300);
/// How many members are remembered.
const REMEMBERED: usize = 20_000;

/// How many members one answer has at most (<https://docs.discord.com/developers/resources/guild#list-guild-members>).
const PAGE: usize = 1000;
/// How many such answers are read; of a server with more members than these hold, the oldest accounts are known.
const PAGES: usize = 50;

/// The members of the one server whose roles count; without one, nobody has roles and nobody is a guest.
pub struct Members {
    guild: Option<Id>,
    seen: Mutex<HashMap<String, (Millis, Standing)>>,
    /// All members of the server with the roles that each has, and since when that is known.
    listed: tokio::sync::Mutex<Option<(Millis, Vec<Listed>)>>,
}

/// A member by id, and what was seen of them.
type Listed = (String, Standing);

impl Members {
    /// The members of a server.
    pub fn new(guild: Option<Id>) -> Self {
        Self { guild, seen: Mutex::default(), listed: tokio::sync::Mutex::default() }
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

    /// Who has a role; `None` without a server, and where the bot may not list its members, which takes the privileged
    /// intent for server members. One asks, the others wait for the same answer.
    pub async fn having(&self, rest: &Rest, role: &str, now: Millis) -> Result<Option<Vec<Sender>>, Failure> {
        let Some(guild) = &self.guild else { return Ok(None) };
        let mut listed = self.listed.lock().await;
        if listed.as_ref().is_none_or(|(at, _)| !(0..BELIEVED.millis()).contains(&(now - at))) {
            let Some(members) = list(rest, guild).await? else { return Ok(None) };
            members.iter().for_each(|(person, standing)| self.remember(person, standing.clone(), now));
            *listed = Some((now, members));
        }
        let has = |(_, standing): &&Listed| standing.groups.iter().any(|group| group == role);
        let sender =
            |(id, standing): &Listed| Sender { id: id.clone(), name: standing.name.clone().unwrap_or_default() };
        Ok(listed.as_ref().map(|(_, members)| members.iter().filter(has).map(sender).collect()))
    }

    fn known(&self, person: &str, now: Millis) -> Option<Standing> {
        let seen = self.seen.lock().ok()?;
        let (at, standing) = seen.get(person)?;
        // A clock that was set back makes nothing believed for longer.
        (0..BELIEVED.millis()).contains(&(now - at)).then(|| standing.clone())
    }
}

/// All members of a server but bots; `None` where they may not be listed.
async fn list(rest: &Rest, guild: &Id) -> Result<Option<Vec<Listed>>, Failure> {
    let (mut found, mut after) = (Vec::new(), "0".to_owned());
    for _ in 0..PAGES {
        let call = Call::get(format!("/guilds/{guild}/members")).query(&format!("limit={PAGE}&after={after}"));
        let answer = match rest.call(call).await {
            Ok(answer) => answer,
            // Missing access, missing permissions.
            Err(failure) if matches!(failure.code(), 50001 | 50013) || failure.status() == 403 => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let page: Vec<Member> = answer.as_array().into_iter().flatten().cloned().map(read).collect::<Result<_, _>>()?;
        let users = || page.iter().filter_map(|member| Some((member.user.as_ref()?, member)));
        found.extend(
            users().filter(|(user, _)| !user.bot).map(|(user, member)| (user.id.to_string(), standing(member))),
        );
        // They come by their ids, so the last one is the greatest.
        after = users().last().map_or(after, |(user, _)| user.id.to_string());
        if page.len() < PAGE {
            break;
        }
    }
    Ok(Some(found))
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
        // Discord tells nobody's.
        zone: None,
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
