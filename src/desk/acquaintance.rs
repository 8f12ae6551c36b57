//! Who is in the groups that the configuration names, also of those who never spoke: they can be asked to decide or to help
//! before they have said a word.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::asker::{is_unchanged, sighting};
use crate::app::App;
use crate::chat::{Platform, PlatformName, Sender, Standing};
use crate::error::Result;
use crate::people;
use crate::store::person::Identity;

/// How many persons who were never seen are looked up at a time; a platform answers for each of them.
const MOST: usize = 100;

/// The groups of each person, by the platform's ids.
type Members = BTreeMap<String, BTreeSet<String>>;

/// Asks the platforms that are connected here who is in the groups that teams and roles are made of, and keeps it. Gives
/// how many persons are left to be looked up. An error, once all platforms were asked, if one of them did not answer.
pub async fn refresh(app: &App) -> Result<usize> {
    let mut left = 0;
    let mut failed = None;
    for (name, platform) in &app.platforms {
        let named = people::named_groups(&app.config, name.name());
        let refreshed = match members(platform, &named).await {
            Ok(Some(members)) => keep(app, platform, (&named, &members)).await,
            Ok(None) => Ok(0),
            Err(error) => Err(error),
        };
        match refreshed {
            Ok(more) => left += more,
            Err(error) => failed = Some(error.context(format!("the members of groups of {name}"))),
        }
    }
    failed.map_or(Ok(left), Err)
}

/// Who is in which of the groups; `None` where nothing depends on it, or the platform does not say.
async fn members(platform: &Arc<dyn Platform>, named: &BTreeSet<String>) -> Result<Option<Members>> {
    let mut members = Members::new();
    for group in named {
        let Some(found) = platform.members(group).await? else { return Ok(None) };
        for person in found {
            members.entry(person.id).or_default().insert(group.clone());
        }
    }
    Ok((!named.is_empty()).then_some(members))
}

/// Keeps what was told; gives how many persons are left to be looked up.
async fn keep(
    app: &App,
    platform: &Arc<dyn Platform>,
    (named, members): (&BTreeSet<String>, &Members),
) -> Result<usize> {
    let name = platform.name();
    let known: Vec<Identity> = app.store.identities().await?;
    let known: BTreeMap<&str, &Identity> =
        known.iter().filter(|one| one.platform == name.name()).map(|one| (one.id.as_str(), one)).collect();
    for identity in known.values() {
        // Groups that nobody names are as they were told last.
        let mut groups: BTreeSet<String> = identity.groups().into_iter().filter(|id| !named.contains(id)).collect();
        groups.extend(members.get(&identity.id).into_iter().flatten().cloned());
        if groups != identity.groups().into_iter().collect() {
            let here = Standing { groups: groups.into_iter().collect(), ..Standing::default() };
            remember(app, (name, &identity.id), &here, Some(identity)).await?;
        }
    }
    let unknown: Vec<&String> = members.keys().filter(|id| !known.contains_key(id.as_str())).collect();
    let mut failed = None;
    for id in unknown.iter().take(MOST) {
        match platform.standing(id).await {
            Ok(here) => remember(app, (name, id), &here, None).await?,
            // One who cannot be looked up keeps nobody else waiting.
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(unknown.len().saturating_sub(MOST)), Err)
}

async fn remember(
    app: &App,
    (platform, id): (PlatformName, &str),
    here: &Standing,
    stored: Option<&Identity>,
) -> Result<()> {
    let person = Sender { id: id.to_owned(), name: String::new() };
    let seen = sighting(app, (platform, &person), here, stored);
    if !stored.is_some_and(|stored| is_unchanged(stored, &seen)) {
        app.store.remember_person(seen).await?;
    }
    Ok(())
}
