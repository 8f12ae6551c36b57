//! Who is behind an event, and what their platforms say of them now. What cannot be established is "no".

use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::chat::{Event, PlatformName, Sender, Standing};
use crate::error::{Reason, Result, UserError};
use crate::people::standing::{ask, seen_again};
use crate::people::{self, Person};
use crate::store::person::{Identity, Known, OWN, Sighting};

/// The person behind an event; somebody who was never seen is remembered.
pub(super) async fn asker(app: &App, event: &Event) -> Result<Asker> {
    let here = standing(app, event.platform, &event.person.id).await?;
    let platform = event.platform.to_string();
    let around = app.store.identities_around(&platform, &event.person.id).await?;
    let stored = around.iter().find(|identity| identity.is(&platform, &event.person.id));
    let seen = sighting(app, (event.platform, &event.person), &here, stored);
    let known = match stored {
        Some(stored) if is_unchanged(stored, &seen) => seen.person.clone(),
        _ => app.store.remember_person(seen.clone()).await?,
    };
    let others = if stored.is_some_and(|stored| stored.person == known.id) {
        around.into_iter().filter(|identity| !identity.is(&platform, &event.person.id)).collect()
    } else {
        // It has just become somebody's, who may have others.
        let all = app.store.identities_of(&known.id).await?;
        all.into_iter().filter(|identity| !identity.is(&platform, &event.person.id)).collect()
    };
    let mut groups: Vec<String> = here.groups.iter().map(|id| people::group(&platform, id)).collect();
    groups.extend(elsewhere(app, others).await?);
    let person = Person::of(&app.config, (&known.id, &known.name), &groups);
    let (identity, place) = (event.person.id.clone(), event.place.clone());
    Ok(Asker { person, platform: event.platform, identity, place, guest: here.guest })
}

/// The identity as it shows itself now, and whose it is.
pub(super) fn sighting(
    app: &App,
    (platform, person): (PlatformName, &Sender),
    here: &Standing,
    stored: Option<&Identity>,
) -> Sighting {
    let (platform, id) = (platform.to_string(), person.id.clone());
    let said = Some(person.name.clone()).filter(|name| !name.trim().is_empty());
    let known = stored.and_then(|stored| stored.name.clone());
    let name = said.or(known).or_else(|| here.name.clone()).unwrap_or_else(|| id.clone());
    let owner = people::owner(&app.config, (&platform, &id), stored).map(str::to_owned);
    let taken_from = stored.map(|stored| stored.person.clone()).filter(|person| Some(person) != owner.as_ref());
    let person = match owner {
        Some(id) if id.starts_with(OWN) => Known { id, name: name.clone() },
        Some(id) => Known { name: id.clone(), id },
        None => Known { id: crate::job::new_id("per"), name: name.clone() },
    };
    Sighting { platform, id, name, groups: here.groups.clone(), zone: here.zone.clone(), person, taken_from }
}

/// Whether nothing of it is new.
pub(super) fn is_unchanged(stored: &Identity, seen: &Sighting) -> bool {
    let is_there = seen.zone.is_none() || stored.zone == seen.zone;
    is_there
        && stored.person == seen.person.id
        && stored.name.as_deref() == Some(&seen.name)
        && stored.groups() == seen.groups
}

/// The groups of a person's other identities, on platforms whose groups matter and that can be asked from here.
async fn elsewhere(app: &App, others: Vec<Identity>) -> Result<Vec<String>> {
    let asked = others.into_iter().filter_map(|identity| {
        let platform = PlatformName::named(&identity.platform)?;
        let matters = people::counts(&app.config, &identity.platform) && app.platforms.contains_key(&platform);
        matters.then_some((identity, platform))
    });
    let mut groups = Vec::new();
    for (identity, platform) in asked {
        let there = standing(app, platform, &identity.id).await?;
        groups.extend(there.groups.iter().map(|id| people::group(&identity.platform, id)));
        if identity.groups() != there.groups {
            app.store.remember_person(seen_again(identity, there)).await?;
        }
    }
    Ok(groups)
}

/// What a platform says of somebody. One that is not connected here says nothing, and an error is no answer either.
async fn standing(app: &App, name: PlatformName, id: &str) -> Result<Standing> {
    let platform = app.platforms.get(&name).ok_or_else(|| unestablished(name))?;
    ask(platform.as_ref(), id).await.map_err(|_| unestablished(name).into())
}

fn unestablished(platform: PlatformName) -> UserError {
    let message = format!(
        "Your rights cannot be established at the moment, because {} does not say who you are. Nothing was started.",
        platform.title()
    );
    UserError::new(Reason::Unavailable, message).hint("try the same again in a minute")
}
