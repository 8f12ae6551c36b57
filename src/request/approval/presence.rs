//! Who somebody is at this moment: asked of the platforms, not remembered. What they do not say gives nobody a right.

use crate::app::App;
use crate::chat::{PlatformName, Standing};
use crate::error::{Reason, Result, UserError};
use crate::people::standing::{ask, seen_again};
use crate::people::{self, Person};

/// A person as their platforms say now, and whether `at` has them as a guest. What cannot be established is an error.
pub(super) async fn present(app: &App, id: &str, at: Option<PlatformName>) -> Result<(Person, bool)> {
    let (mut groups, mut guest) = (Vec::new(), false);
    for identity in app.store.identities_of(id).await? {
        let Some(platform) = PlatformName::named(&identity.platform) else { continue };
        let counts = people::counts(&app.config, &identity.platform) && app.platforms.contains_key(&platform);
        if !counts && at != Some(platform) {
            continue;
        }
        let standing = standing(app, platform, &identity.id).await?;
        groups.extend(standing.groups.iter().map(|group| people::group(&identity.platform, group)));
        guest |= standing.guest && at == Some(platform);
        if counts && identity.groups() != standing.groups {
            app.store.remember_person(seen_again(identity, standing)).await?;
        }
    }
    let name = app.store.person_name(id).await?.unwrap_or_else(|| id.to_owned());
    Ok((Person::of(&app.config, (id, &name), &groups), guest))
}

async fn standing(app: &App, name: PlatformName, id: &str) -> Result<Standing> {
    // The program behind a token is who the token says.
    if name == PlatformName::Api {
        return Ok(Standing::default());
    }
    let unestablished = || {
        let message = format!("{} does not say at the moment who may do what, so nothing was decided.", name.title());
        UserError::new(Reason::Unavailable, message).hint("try the same again in a minute")
    };
    let platform = app.platforms.get(&name).ok_or_else(unestablished)?;
    ask(platform.as_ref(), id).await.map_err(|_| unestablished().into())
}
