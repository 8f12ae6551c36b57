//! The clock of an escalation: it tells who is asked, within their hours, and after them who comes next.
//!
//! Invariant: what is due, and when, stands in the escalation's own row; the job only wakes somebody to look at it. So it
//! happens once, whatever dies in between, and an hour that was slept through is made up for once.

use super::news::{self, Call};
use super::route::{self, Stop};
use super::tier;
use super::{evidence, page};
use crate::app::App;
use crate::catalogue::capability::Support;
use crate::clock::{Millis, Span};
use crate::error::Result;
use crate::job::{Claim, Job};
use crate::store::Tx;
use crate::store::audit::Act;
use crate::store::escalation::Escalation;

/// What happens when it is time.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tick {
    /// Those who come next do not work now: they are told when they do.
    Wait {
        /// Their level.
        level: i64,
        /// When they work again.
        until: Millis,
    },
    /// They are told now.
    Tell {
        /// When others are told if nobody has claimed it by then; nobody else is after the last level.
        due: Option<Millis>,
    },
    /// There is nobody left to tell.
    Nobody,
}

/// What happens now, where `next` are those who come next.
fn tick(next: Option<&Stop>, tier: Support, (now, claim): (Millis, Span)) -> Tick {
    let Some(next) = next else { return Tick::Nobody };
    let hours = tier::hours(tier, &next.calendar);
    if !hours.is_open(now) {
        return Tick::Wait { level: next.level, until: hours.next_open(now) };
    }
    Tick::Tell { due: (next.level < route::LAST).then(|| hours.after(now, claim)) }
}

/// Looks at an escalation when its time has come.
pub async fn perform(app: &App, claim: &Claim, id: &str) -> Result<()> {
    let known = app.store.escalation(id).await?;
    let turn = match known.filter(|known| is_running(known) && known.due_at.is_some_and(|due| due <= app.clock.now())) {
        Some(known) => Some(turn(app, known).await?),
        None => None,
    };
    let (claim, id) = (claim.clone(), id.to_owned());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            tx.hold(&claim).await?;
            let found = tx.escalation(&id).await?.filter(is_running);
            let Some((found, due)) = found.and_then(|found| found.due_at.map(|due| (found, due))) else {
                return tx.finish_job(&claim).await;
            };
            match turn {
                _ if due > tx.now() => tx.continue_job(&claim, due).await,
                Some(turn) if turn.before == found => {
                    let next = turn.after.due_at;
                    turn.write(tx).await?;
                    match next {
                        Some(next) => tx.continue_job(&claim, next).await,
                        None => tx.finish_job(&claim).await,
                    }
                }
                // Somebody did something meanwhile: it is looked at again.
                _ => tx.continue_job(&claim, tx.now()).await,
            }
        })
    });
    write.await
}

/// Sets the clock as the escalation says.
pub(super) async fn set(tx: &mut Tx, escalation: &Escalation) -> Result<()> {
    let job = Job::Escalation { escalation: escalation.id.clone() };
    match escalation.due_at {
        Some(due) => tx.reschedule(&job, due).await,
        None => tx.drop_job(&job.name().unwrap_or_default()).await,
    }
}

/// Whether there is something to wait for: it is open, its own, and nobody deals with it at the moment.
fn is_running(escalation: &Escalation) -> bool {
    let held = escalation.is_claimed() && escalation.snoozed_until.is_none();
    !escalation.is_resolved() && escalation.parent.is_none() && !held
}

/// One turn of the clock.
struct Turn {
    before: Escalation,
    after: Escalation,
    told: Option<Stop>,
    call: Call,
    /// The teams among those told that have a paging service.
    paged: Vec<String>,
}

async fn turn(app: &App, before: Escalation) -> Result<Turn> {
    let now = app.clock.now();
    let mut after = before.clone();
    let awake = after.snoozed_until.take().is_some();
    if awake {
        // It is nobody's again, but the turn of who has put it off.
        (after.claimed_at, after.told_at) = (None, None);
    }
    let roster = app.roster().await?;
    let next = route::stops(app, &roster, &after).await?.into_iter().next();
    let tier = if awake { Support::AroundTheClock } else { tier::named(&after.tier) };
    let claim = super::claim_time(app, tier::named(&after.tier));
    let own = after.holder.is_some() && after.told_at.is_none();
    if after.told_at.is_some() {
        // It was somebody's turn, and they have let it pass.
        after.holder = None;
    }
    let told = match tick(next.as_ref(), tier, (now, claim)) {
        Tick::Wait { level, until } => {
            (after.level, after.told_at, after.due_at) = (level, None, Some(until));
            None
        }
        Tick::Nobody => {
            after.due_at = None;
            None
        }
        Tick::Tell { due } => {
            after.level = next.as_ref().map_or(after.level, |stop| stop.level);
            (after.told_at, after.due_at) = (Some(now), due);
            next
        }
    };
    let mut paged = Vec::new();
    if let Some(stop) = &told {
        after.ask(&stop.teams, &stop.people);
        after.context = evidence::with_aside(&after.context, stop.aside.clone())?;
        paged.extend(stop.teams.iter().filter(|team| app.pager.alerted(team).is_some()).cloned());
    }
    let call = match (awake, own, after.level) {
        (true, ..) => Call::Awake,
        (_, true, _) => Call::Handed,
        (.., 0) => Call::Opened,
        _ => Call::Passed,
    };
    Ok(Turn { before, after, told, call, paged })
}

impl Turn {
    async fn write(self, tx: &mut Tx) -> Result<()> {
        let after = &self.after;
        tx.put_escalation(after).await?;
        let asked = match &self.told {
            Some(stop) => {
                format!("level {}: {}", stop.level, [stop.teams.join(", "), stop.people.join(", ")].join(" "))
            }
            None => format!("level {}", after.level),
        };
        let action = match (&self.told, after.due_at) {
            (Some(_), _) => "told",
            (None, Some(_)) => "waits",
            (None, None) => "unheard",
        };
        tx.audit(Act { subject: &after.id, actor: "stationmaster", action, detail: asked.trim() }).await?;
        if let Some(stop) = &self.told {
            news::call(tx, after, (&stop.spots, self.call)).await?;
            page::trigger(tx, after, &self.paged).await?;
        }
        if self.call == Call::Passed && self.told.is_some() {
            news::tell(tx, after, &news::passed(after)).await?;
        }
        news::touch(tx, after).await
    }
}
