//! The steps by which two persons become one, and one identity a person of its own again; each is one transaction.

use super::refusal;
use super::{ASKED, GOOD, SETTLED};
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::error::Result;
use crate::people;
use crate::store::Tx;
use crate::store::audit::Act;
use crate::store::link::Link;
use crate::store::message::{Priority, Shown};
use crate::store::person::{Identity, Known};

/// One who presses or says something, as a transaction can hold it.
#[derive(Debug, Clone)]
pub(super) struct Side {
    pub platform: String,
    pub identity: String,
    pub person: String,
    /// The persons whom the configuration declares.
    declared: Vec<String>,
}

impl Side {
    pub fn of(app: &App, asker: &Asker) -> Self {
        Self {
            platform: asker.platform.to_string(),
            identity: asker.identity.clone(),
            person: asker.person.id.clone(),
            declared: app.config.person.keys().cloned().collect(),
        }
    }

    pub fn declared(&self, person: &str) -> bool {
        self.declared.iter().any(|declared| declared == person)
    }
}

/// Who said a code is sure; now who was shown it is asked.
pub(super) async fn ask(app: &App, code: &str, asker: &Asker) -> Result<Link> {
    let (code, side) = (code.to_owned(), Side::of(app, asker));
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            let link = tx.link(&code).await?.ok_or_else(refusal::unknown)?;
            let first = identity(tx, (&link.platform, &link.identity)).await?;
            refusal::check(&link, &first, &side, tx.now())?;
            tx.answer_link(&code, (&side.platform, &side.identity), GOOD).await?;
            show(tx, &format!("{ASKED}{code}"), &first).await?;
            Ok(link)
        })
    });
    write.await
}

/// Who was shown a code says yes: from now on they are one person.
pub(super) async fn agree(app: &App, code: &str, asker: &Asker) -> Result<()> {
    let (code, side) = (code.to_owned(), Side::of(app, asker));
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            let (link, first, other) = questioned(tx, &code, &side).await?;
            if link.done_at.is_some() {
                // Pressed twice is pressed once.
                return Ok(());
            }
            refusal::open(&link, tx.now())?;
            if first.person != other.person {
                refusal::apart(&first, &Side { person: other.person.clone(), ..side.clone() })?;
                unite(tx, (&first, &other), &side).await?;
            }
            end(tx, &link, &other, true).await
        })
    });
    write.await
}

/// Who was shown a code says no.
pub(super) async fn refuse(app: &App, code: &str, asker: &Asker) -> Result<()> {
    let (code, side) = (code.to_owned(), Side::of(app, asker));
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            let (link, _, other) = questioned(tx, &code, &side).await?;
            if link.refused_at.is_some() {
                return Ok(());
            }
            refusal::open(&link, tx.now())?;
            end(tx, &link, &other, false).await
        })
    });
    write.await
}

/// Makes one of the asker's identities a person of its own again; gives the identity. What was done so far stays with
/// the person that it leaves.
pub(super) async fn release(app: &App, key: &str, asker: &Asker) -> Result<Identity> {
    let (platform, id) = key.split_once(':').ok_or_else(refusal::no_identity)?;
    if people::named(&app.config, platform, id).is_some() {
        return Err(refusal::declared_here().into());
    }
    let (platform, id, person) = (platform.to_owned(), id.to_owned(), asker.person.id.clone());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            let found = tx.identity(&platform, &id).await?.filter(|identity| identity.person == person);
            let found = found.ok_or_else(refusal::no_identity)?;
            if tx.count_identities(&person).await? < 2 {
                return Err(refusal::only_one().into());
            }
            let name = found.name.clone().unwrap_or_else(|| id.clone());
            let alone = Known { id: crate::job::new_id("per"), name };
            tx.give_identity((&platform, &id), &alone).await?;
            let detail = format!("{platform}:{id} of {person}, now {}", alone.id);
            for subject in [&person, &alone.id] {
                tx.audit(Act { subject, actor: &person, action: "unlinked", detail: &detail }).await?;
            }
            Ok(found)
        })
    });
    write.await
}

/// The link that this side was shown, and who said its code. Whoever was not shown it learns no more than from a code
/// that there never was.
async fn questioned(tx: &mut Tx, code: &str, side: &Side) -> Result<(Link, Identity, Identity)> {
    let link = tx.link(code).await?.ok_or_else(refusal::unknown)?;
    let first = identity(tx, (&link.platform, &link.identity)).await?;
    let is_first = first.is(&side.platform, &side.identity);
    let Some(other) = link.other().filter(|_| is_first) else { return Err(refusal::unknown().into()) };
    let other = identity(tx, other).await?;
    Ok((link, first, other))
}

/// The one whom the configuration declares stays; else the one who was shown the code.
async fn unite(tx: &mut Tx, (first, other): (&Identity, &Identity), side: &Side) -> Result<()> {
    let (stays, goes) = if side.declared(&other.person) { (other, first) } else { (first, other) };
    tx.absorb(&goes.person, &stays.person).await?;
    let detail =
        format!("{}:{} and {}:{}, who was {}", first.platform, first.id, other.platform, other.id, goes.person);
    tx.audit(Act { subject: &stays.person, actor: &stays.person, action: "linked", detail: &detail }).await
}

async fn end(tx: &mut Tx, link: &Link, other: &Identity, yes: bool) -> Result<()> {
    tx.end_link(&link.code, yes).await?;
    tx.touch(&format!("{ASKED}{}", link.code), Priority::Answer).await?;
    show(tx, &format!("{SETTLED}{}", link.code), other).await
}

/// Shows a subject to somebody directly.
async fn show(tx: &mut Tx, subject: &str, to: &Identity) -> Result<()> {
    let place = format!("@{}", to.id);
    tx.show(subject, Shown { platform: &to.platform, place: &place, recipient: &to.id }).await
}

async fn identity(tx: &mut Tx, (platform, id): (&str, &str)) -> Result<Identity> {
    let found = tx.identity(platform, id).await?;
    found.ok_or_else(|| anyhow::anyhow!("the identity {platform}:{id} was never seen"))
}
