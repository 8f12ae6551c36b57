//! What somebody does with an escalation: claim it, put it off, hand it over. Each is one transaction, and of two who do it
//! at once one does.

use futures::future::BoxFuture;

use super::open::root_of;
use super::{clock, news, page};
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::clock::Millis;
use crate::error::{Reason, Result, UserError};
use crate::store::Tx;
use crate::store::audit::Act;
use crate::store::escalation::Escalation;
use crate::store::page::act;

/// Who does something, as a transaction can hold it.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub person: String,
    pub name: String,
    pub identity: String,
}

impl Actor {
    pub fn of(asker: &Asker) -> Self {
        let person = &asker.person;
        Self { person: person.id.clone(), name: person.name.clone(), identity: asker.signature() }
    }

    /// Puts what was done on the record.
    pub async fn audit(&self, tx: &mut Tx, (subject, action): (&str, &str), detail: &str) -> Result<()> {
        let detail =
            if detail.is_empty() { format!("by {}", self.identity) } else { format!("{detail}, by {}", self.identity) };
        tx.audit(Act { subject, actor: &self.person, action, detail: &detail }).await
    }
}

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Barrier {
    /// Somebody else has claimed it.
    Held(String),
    /// The asker has it already.
    Own,
    /// It is over, by this person.
    Over(String),
}

/// Does something to an escalation that is open, or says what stands in the way.
pub(super) async fn change<F>(app: &App, id: &str, follow: F) -> Result<Option<Barrier>>
where
    F: for<'t> FnOnce(&'t mut Tx, Escalation) -> BoxFuture<'t, Result<Option<Barrier>>> + Send + 'static,
{
    let id = id.to_owned();
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            let own = tx.escalation(&id).await?.ok_or_else(|| anyhow::anyhow!("the escalation {id} is gone"))?;
            let root = if own.is_resolved() { own } else { root_of(tx, own).await? };
            if root.is_resolved() {
                return Ok(Some(Barrier::Over(root.resolved_by.unwrap_or_default())));
            }
            follow(tx, root).await
        })
    });
    write.await
}

/// "I deal with it."
pub(super) async fn claim(app: &App, id: &str, asker: &Asker) -> Result<()> {
    let actor = Actor::of(asker);
    let barrier = change(app, id, move |tx, root| {
        Box::pin(async move {
            if let Some(barrier) = held(&root, &actor.person) {
                return Ok(Some(barrier));
            }
            let claimed = Escalation {
                holder: Some(actor.person.clone()),
                claimed_at: Some(tx.now()),
                snoozed_until: None,
                due_at: None,
                ..root
            };
            write(tx, &claimed).await?;
            actor.audit(tx, (&claimed.id, "claimed"), "").await?;
            news::tell(tx, &claimed, &news::change("claimed", &actor.name)).await?;
            Ok(None)
        })
    });
    explain(app, barrier.await?).await
}

/// Who else has it; their own is theirs to take up again if it was put off.
fn held(root: &Escalation, person: &str) -> Option<Barrier> {
    let holder = root.holder.as_ref().filter(|_| root.is_claimed())?;
    if holder != person {
        return Some(Barrier::Held(holder.clone()));
    }
    root.snoozed_until.is_none().then_some(Barrier::Own)
}

/// "I deal with it later": whoever puts it off has it.
pub(super) async fn snooze(app: &App, id: &str, (asker, until): (&Asker, Millis), words: String) -> Result<()> {
    let actor = Actor::of(asker);
    let barrier = change(app, id, move |tx, root| {
        Box::pin(async move {
            if let Some(other) = root.holder.as_ref().filter(|holder| root.is_claimed() && **holder != actor.person) {
                return Ok(Some(Barrier::Held(other.clone())));
            }
            let claimed_at = root.claimed_at.or(Some(tx.now()));
            let (snoozed_until, due_at, holder) = (Some(until), Some(until), Some(actor.person.clone()));
            let snoozed = Escalation { holder, claimed_at, snoozed_until, due_at, ..root };
            write(tx, &snoozed).await?;
            actor.audit(tx, (&snoozed.id, "snoozed"), &format!("until {words}")).await?;
            let mut change = news::change("snoozed", &actor.name);
            change["until"] = words.into();
            news::tell(tx, &snoozed, &change).await?;
            Ok(None)
        })
    });
    explain(app, barrier.await?).await
}

/// To whom something is handed.
#[derive(Debug, Clone)]
pub(super) enum Heir {
    /// A person, by id and name.
    Person(String, String),
    /// A team.
    Team(String),
}

/// "You deal with it": its clock begins anew for who has it now.
pub(super) async fn hand_over(app: &App, id: &str, (asker, heir): (&Asker, Heir)) -> Result<()> {
    let actor = Actor::of(asker);
    let barrier = change(app, id, move |tx, root| {
        Box::pin(async move {
            let mut handed = Escalation {
                holder: None,
                claimed_at: None,
                snoozed_until: None,
                told_at: None,
                due_at: Some(tx.now()),
                level: 0,
                ..root
            };
            // Whoever hands it over may still be needed.
            handed.ask(&[], std::slice::from_ref(&actor.person));
            let whom = match heir {
                Heir::Person(id, name) => {
                    handed.holder = Some(id);
                    name
                }
                Heir::Team(team) => {
                    handed.team.clone_from(&team);
                    team
                }
            };
            write(tx, &handed).await?;
            actor.audit(tx, (&handed.id, "handed over"), &format!("to {whom}")).await?;
            let mut change = news::change("handed", &actor.name);
            change["whom"] = whom.into();
            news::tell(tx, &handed, &change).await?;
            Ok(None)
        })
    });
    explain(app, barrier.await?).await
}

/// Writes it, sets its clock, and has its cards follow.
async fn write(tx: &mut Tx, escalation: &Escalation) -> Result<()> {
    tx.put_escalation(escalation).await?;
    clock::set(tx, escalation).await?;
    // Whoever claims it, puts it off or hands it over has seen it.
    page::follow(tx, &escalation.id, act::ACKNOWLEDGE).await?;
    news::touch(tx, escalation).await
}

/// What a person reads of what stands in the way.
pub(super) async fn explain(app: &App, barrier: Option<Barrier>) -> Result<()> {
    let conflict = |message: String| UserError::new(Reason::Conflict, message);
    Err(match barrier {
        None => return Ok(()),
        Some(Barrier::Own) => conflict("You have it already.".into()).hint("resolve it, or hand it over"),
        Some(Barrier::Held(holder)) => conflict(format!("{} has claimed it already.", app.person(&holder).await?.name))
            .hint("talk to them, or have it handed over"),
        Some(Barrier::Over(person)) if person == "stationmaster" => conflict("It went well meanwhile.".into()),
        Some(Barrier::Over(person)) => {
            conflict(format!("{} has resolved it already.", app.person(&person).await?.name))
        }
    }
    .into())
}
