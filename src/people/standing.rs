//! Who somebody is on a platform at this moment: asked, not remembered.

use std::time::Duration;

use crate::chat::{Platform, Standing};
use crate::error::Result;
use crate::store::person::{Identity, Known, Sighting};

/// How long a platform may take to say who somebody is; a person waits for the answer.
const PATIENCE: Duration = Duration::from_millis(2000);

/// What a platform says of somebody now. An error, which is logged here, is no answer: it gives nobody a right.
pub async fn ask(platform: &dyn Platform, id: &str) -> Result<Standing> {
    let asked = match tokio::time::timeout(PATIENCE, platform.standing(id)).await {
        Ok(asked) => asked,
        Err(_) => Err(anyhow::anyhow!("no answer within {PATIENCE:?}")),
    };
    asked.inspect_err(|error| {
        tracing::warn!(platform = %platform.name(), person = id, error = format!("{error:#}"), "a standing cannot be had");
    })
}

/// A known identity as it is found now; it stays whose it is.
pub fn seen_again(identity: Identity, there: Standing) -> Sighting {
    let name = identity.name.or(there.name).unwrap_or_else(|| identity.id.clone());
    let person = Known { id: identity.person, name: identity.person_name };
    Sighting {
        platform: identity.platform,
        id: identity.id,
        name,
        groups: there.groups,
        zone: there.zone,
        person,
        taken_from: None,
    }
}
