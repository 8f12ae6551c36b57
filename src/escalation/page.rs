//! Paging: a team's paging service learns of an escalation that is put to the team, that somebody sees to it, and that it is
//! over.
//!
//! Invariant: what a service is to know stands in its row with the change that it comes from, and is told from there, one
//! thing after the other. Told twice after a crash, it is known once: the service goes by the escalation's id.

use serde_json::json;

use super::card;
use crate::app::App;
use crate::chat::{Card, Tone};
use crate::clock::Millis;
use crate::error::Result;
use crate::job::{self, Claim, Job};
use crate::markdown;
use crate::pager::{Act, Alert, Fault, Severity};
use crate::store::Tx;
use crate::store::escalation::Escalation;
use crate::store::message::Priority;
use crate::store::page::{Page, act};

/// Those that an escalation is put to now are paged, and whoever was paged before and has not answered is once more.
pub(super) async fn trigger(tx: &mut Tx, escalation: &Escalation, teams: &[String]) -> Result<()> {
    let known = tx.pages(&escalation.id).await?;
    let waiting = known.into_iter().filter(|page| page.wanted == act::TRIGGER).map(|page| page.team);
    let mut all: Vec<String> = waiting.chain(teams.iter().cloned()).collect();
    all.sort();
    all.dedup();
    for team in &all {
        tx.want_trigger(&escalation.id, team).await?;
    }
    if all.is_empty() { Ok(()) } else { enqueue(tx, &escalation.id) }
}

/// Whoever was paged learns that somebody sees to it, or that it is over.
pub(super) async fn follow(tx: &mut Tx, escalation: &str, wanted: &str) -> Result<()> {
    if tx.want_pages(escalation, wanted).await? { enqueue(tx, escalation) } else { Ok(()) }
}

fn enqueue(tx: &mut Tx, escalation: &str) -> Result<()> {
    tx.enqueue(&Job::Page { escalation: escalation.to_owned() }, tx.now())
}

/// Tells one service the next thing that it is to know.
pub async fn perform(app: &App, claim: &Claim, id: &str) -> Result<()> {
    let Some(page) = begin(app, claim, id).await? else { return Ok(()) };
    let told = match page.is_needless() {
        true => Ok(()),
        false => app.pager.tell(&page.team, act_of(&page), &alert(app, id).await?).await,
    };
    settle(app, claim, (page, told)).await
}

/// The next page that is not settled, noted as under way; without one the job is done.
async fn begin(app: &App, claim: &Claim, id: &str) -> Result<Option<Page>> {
    let (claim, id) = (claim.clone(), id.to_owned());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            // The escalation first, as everybody does who enqueues this job, and so that nothing is enqueued unseen.
            tx.hold_escalation(&id).await?;
            tx.hold(&claim).await?;
            let Some(page) = tx.pages(&id).await?.into_iter().find(|page| !page.is_settled()) else {
                tx.finish_job(&claim).await?;
                return Ok(None);
            };
            if page.wanted == act::TRIGGER {
                // If this process dies now, nobody can tell whether it was told.
                tx.put_page(&Page { known_at: page.known_at.or(Some(tx.now())), ..page.clone() }).await?;
            }
            Ok(Some(page))
        })
    });
    write.await
}

/// Notes what became of it, and goes on.
async fn settle(app: &App, claim: &Claim, (page, told): (Page, Result<(), Fault>)) -> Result<()> {
    let again = match &told {
        Err(fault) if fault.passes() && claim.failures < job::ATTEMPTS => {
            let pause = job::pause(claim.failures).millis();
            Some(app.clock.now() + fault.wait().map_or(pause, |wait| wait.millis().max(pause)))
        }
        _ => None,
    };
    if let Err(fault) = &told {
        tracing::warn!(escalation = page.escalation, team = page.team, fault = %fault, "a paging service was not told");
    }
    let after = told_of(&page, told.as_ref().err(), (app.clock.now(), again.is_some()));
    let claim = claim.clone();
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            tx.hold_escalation(&after.escalation).await?;
            tx.hold(&claim).await?;
            tx.put_page(&after).await?;
            if after.error != page.error || after.wanted == act::TRIGGER {
                tx.touch(&after.escalation, Priority::State).await?;
            }
            if let Some(due) = again {
                return tx.fail_job(&claim, after.error.as_deref().unwrap_or_default(), Some(due)).await;
            }
            let rest = tx.pages(&after.escalation).await?;
            match rest.iter().all(Page::is_settled) {
                true => tx.finish_job(&claim).await,
                false => tx.continue_job(&claim, tx.now()).await,
            }
        })
    });
    write.await
}

/// A page after it was told, or not; `again`: whether it is told once more later.
fn told_of(page: &Page, fault: Option<&Fault>, (now, again): (Millis, bool)) -> Page {
    let mut after = Page { error: fault.map(Fault::to_string), ..page.clone() };
    if page.wanted == act::TRIGGER && fault.is_none_or(|fault| !fault.is_certain()) {
        after.known_at = page.known_at.or(Some(now));
    }
    if !again {
        after.settled = Some(page.wanted.clone());
    }
    after
}

fn act_of(page: &Page) -> Act {
    match page.wanted.as_str() {
        act::ACKNOWLEDGE => Act::Acknowledge,
        act::RESOLVE => Act::Resolve,
        _ => Act::Trigger,
    }
}

/// What a service is shown of an escalation, as it is now.
async fn alert(app: &App, id: &str) -> Result<Alert> {
    let found = app.store.escalation(id).await?;
    let escalation = found.ok_or_else(|| anyhow::anyhow!("there is no escalation {id}"))?;
    let values = json!({ "escalation": card::values(app, &escalation).await? });
    let card = Card::read(&app.messages.load().render("escalation_paged", &values)?, Tone::Neutral);
    let severity = if escalation.level == 0 { Severity::Error } else { Severity::Critical };
    let text = markdown::plain(&markdown::parse(&card.body)).trim().to_owned();
    Ok(Alert { key: id.to_owned(), title: card.title, text, facts: card.facts, severity })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pager::{Kind, Provider};

    fn page(wanted: &str) -> Page {
        let (escalation, team, wanted) = ("esc_1".into(), "data".into(), wanted.into());
        Page { escalation, team, wanted, settled: None, known_at: None, error: None }
    }

    #[test]
    fn what_was_refused_is_not_there_and_what_was_lost_may_be() {
        let fault = |kind| Fault { provider: Provider::PagerDuty, kind };
        let refused = fault(Kind::Refused { status: 401 });
        let lost = fault(Kind::Away { why: "503".into(), wait: None });
        let triggered = |fault, again| told_of(&page(act::TRIGGER), fault, (7, again));
        let told = triggered(None, false);
        assert_eq!((told.is_settled(), told.known_at, &told.error), (true, Some(7), &None));
        let given_up = triggered(Some(&lost), false);
        assert_eq!((given_up.is_settled(), given_up.known_at), (true, Some(7)));
        let later = triggered(Some(&lost), true);
        assert!(!later.is_settled() && later.known_at == Some(7) && later.error.is_some());
        let busy = fault(Kind::Busy { wait: None });
        assert!(Page { wanted: act::ACKNOWLEDGE.into(), ..triggered(Some(&busy), true) }.is_needless());
        let never = triggered(Some(&refused), false);
        assert_eq!((never.is_settled(), never.known_at), (true, None));
        assert!(Page { wanted: act::RESOLVE.into(), ..never }.is_needless());
        let known = Page { known_at: Some(3), ..page(act::RESOLVE) };
        assert_eq!(told_of(&known, Some(&refused), (7, false)).known_at, Some(3));
    }
}
