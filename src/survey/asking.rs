//! Asking and reminding: in portions, each person within their own hours and budget.

use std::collections::BTreeMap;

use super::budget::{self, Past, Turn};
use super::closing::GRACE;
use super::told::show;
use super::wave::{self, LAST_CALL};
use super::{audience, figures, hour};
use crate::app::App;
use crate::catalogue::survey::Survey;
use crate::clock::{Millis, Span};
use crate::error::Result;
use crate::job::Claim;
use crate::people::Person;
use crate::people::roster::{Roster, Spot};
use crate::store::Tx;
use crate::store::answer::who;
use crate::store::invitation::{Asked, Invitation, REMINDER};
use crate::store::survey::Wave;

/// How many invitations are dealt with in one transaction; with more, others would wait for it.
const PORTION: i64 = 200;
/// How many portions are dealt with before the job gives way to others.
const PORTIONS: usize = 10;

/// A survey that will ask, or is asking, by the calendar.
pub struct Coming {
    survey: std::sync::Arc<Survey>,
    opens_at: Millis,
    period: Span,
}

impl Coming {
    /// Whether a person is in its audience.
    fn asks(&self, person: &Person) -> bool {
        audience::includes(&self.survey, person)
    }

    /// What the budget sees of it.
    fn turn(&self) -> Turn<'_> {
        let Self { survey, opens_at, period } = self;
        Turn { survey: &survey.name, period: *period, opens_at: *opens_at, open: survey.closes, by_event: false }
    }
}

/// The surveys that ask by the calendar, without the one that wants to know.
pub async fn turns(app: &App, but: &Survey) -> Result<Vec<Coming>> {
    let (known, open) = (app.store.scheduled_surveys().await?, app.store.open_waves().await?);
    let catalogue = app.catalogue.load();
    let of = |survey: &std::sync::Arc<Survey>| {
        let opened = open.iter().find(|wave| wave.survey == survey.name).and_then(|wave| wave.opened_at);
        let next = known.iter().find(|known| known.name == survey.name).map(|known| known.next_at);
        let opens_at = opened.or(next)?;
        Some(Coming { survey: survey.clone(), opens_at, period: wave::period(survey, opens_at) })
    };
    let others = catalogue.surveys.values().filter(|survey| survey.event.is_none() && survey.name != but.name);
    Ok(others.filter_map(of).collect())
}

/// Those of them that would ask a person, as the budget sees them.
pub fn turns_of<'c>(coming: &'c [Coming], person: &Person) -> Vec<Turn<'c>> {
    coming.iter().filter(|coming| coming.asks(person)).map(Coming::turn).collect()
}

/// What was asked, by person.
pub fn by_person(asked: Vec<Asked>) -> BTreeMap<String, Vec<Past>> {
    let mut all: BTreeMap<String, Vec<Past>> = BTreeMap::new();
    for Asked { person, survey, asked_at, declined_at } in asked {
        all.entry(person).or_default().push(Past { survey, asked_at, declined_at });
    }
    all
}

/// Where a person is asked: on a chat that is connected here if there is one, else wherever they were seen first.
pub fn spot(app: &App, roster: &Roster<'_>, person: &str) -> Option<Spot> {
    let spots = roster.reach(person);
    let live = spots.iter().find(|spot| app.platforms.contains_key(&spot.platform)).cloned();
    live.or_else(|| spots.into_iter().next())
}

/// Asks and reminds whoever is due, and closes the wave when its time is over.
pub async fn go_on(app: &App, claim: &Claim, wave: &Wave) -> Result<()> {
    let survey = wave::survey(wave)?;
    figures::note_early(app, wave, &survey).await?;
    let roster = app.roster().await?;
    let coming = turns(app, &survey).await?;
    for _ in 0..PORTIONS {
        let round = Round { app, survey: &survey, wave, roster: &roster, coming: &coming };
        if !round.portion(claim).await? {
            return Ok(());
        }
        app.store.renew_job(claim, app.config.jobs.lease).await?;
    }
    let claim = claim.clone();
    let now = app.clock.now();
    app.store.write(move |tx| Box::pin(async move { tx.continue_job(&claim, now).await })).await
}

/// One round of asking.
struct Round<'a> {
    app: &'a App,
    survey: &'a Survey,
    wave: &'a Wave,
    roster: &'a Roster<'a>,
    coming: &'a [Coming],
}

/// What is done with an invitation that is due.
enum Step {
    /// They are asked here, and reminded then.
    Ask(Spot, Option<Millis>),
    /// They are reminded, if they have not answered as far as is known, and again then.
    Remind(Option<Spot>, Option<Millis>),
    /// It comes later, or never.
    PutOff(Option<Millis>),
}

impl Round<'_> {
    /// Deals with one portion; `false` if the job has ended for now.
    async fn portion(&self, claim: &Claim) -> Result<bool> {
        let id = self.wave.id.clone();
        let due = self.app.store.due_invitations(&id, (self.app.clock.now(), PORTION)).await?;
        let steps = self.steps(due).await?;
        let (claim, is_over) = (claim.clone(), self.is_over());
        let closes_at = self.wave.closes_at.unwrap_or_default();
        let write = self.app.store.write(move |tx| {
            Box::pin(async move {
                tx.hold(&claim).await?;
                if is_over {
                    tx.begin_closing(&id).await?;
                    tx.touch_invitations(&id).await?;
                    let then = tx.now() + GRACE.millis();
                    tx.continue_job(&claim, then).await?;
                    return Ok(false);
                }
                let had_any = !steps.is_empty();
                for (invitation, step) in &steps {
                    take(tx, invitation, step).await?;
                }
                if !had_any {
                    let next = tx.next_invitation_at(&id).await?.map_or(closes_at, |next| next.min(closes_at));
                    tx.continue_job(&claim, next).await?;
                }
                Ok(had_any)
            })
        });
        write.await
    }

    fn is_over(&self) -> bool {
        self.wave.closes_at.is_some_and(|closes_at| closes_at <= self.app.clock.now())
    }

    /// What is to be done with each invitation.
    async fn steps(&self, due: Vec<Invitation>) -> Result<Vec<(Invitation, Step)>> {
        let (people, since) = (due.iter().map(|i| i.person.clone()).collect::<Vec<_>>(), self.app.clock.now());
        let since = since - budget::AFTER_NO.millis();
        let past = self.app.store.asked_since(&people, since).await?;
        let past = by_person(past);
        let key = self.app.store.wave_key(&self.wave.id).await?.unwrap_or_default();
        let mut steps = Vec::with_capacity(due.len());
        for invitation in due {
            let step = match invitation.asked_at {
                None => self.first(&invitation, past.get(&invitation.person).map_or(&[], Vec::as_slice)),
                Some(asked_at) => self.again(&invitation, (asked_at, &key)).await?,
            };
            steps.push((invitation, step));
        }
        Ok(steps)
    }

    /// Asks, unless something has come between, such as another survey, an absence or a night.
    fn first(&self, invitation: &Invitation, past: &[Past]) -> Step {
        let (now, id) = (self.app.clock.now(), &invitation.person);
        let Some(person) = self.roster.person(id) else { return Step::PutOff(None) };
        let turn = Turn {
            survey: &self.survey.name,
            period: wave::period(self.survey, now),
            opens_at: self.wave.opened_at.unwrap_or(now),
            open: Span::from_millis(self.wave.closes_at.unwrap_or(now) - self.wave.opened_at.unwrap_or(now)),
            by_event: false,
        };
        let others = turns_of(self.coming, person);
        let Some(at) = budget::ask_at(&turn, past, &others, now).and_then(|at| self.hour(id, at)) else {
            return Step::PutOff(None);
        };
        match spot(self.app, self.roster, id) {
            _ if at > now => Step::PutOff(self.within(at)),
            Some(spot) => Step::Ask(spot, self.reminder(id, (now, 0))),
            None => Step::PutOff(None),
        }
    }

    /// Reminds. The invitation changes alike whether or not somebody has answered.
    async fn again(&self, invitation: &Invitation, (asked_at, key): (Millis, &str)) -> Result<Step> {
        let (now, id) = (self.app.clock.now(), &invitation.person);
        match self.hour(id, now) {
            Some(at) if at > now => return Ok(Step::PutOff(self.within(at))),
            Some(_) => {}
            None => return Ok(Step::PutOff(None)),
        }
        let done = usize::try_from(invitation.reminders).unwrap_or(0) + 1;
        let next = self.reminder(id, (asked_at, done)).map(|next| next.max(now + LAST_CALL.millis()));
        let has_answered = self.app.waiting.has(&self.wave.id, id)
            || self.app.store.has_participated(&self.wave.id, &who(key, id)).await?
            || self.app.store.has_named_answer(&self.wave.id, id).await?;
        let spot = if has_answered { None } else { spot(self.app, self.roster, id) };
        Ok(Step::Remind(spot, next.and_then(|next| self.within(next))))
    }

    /// When somebody who was asked at `asked_at` is reminded for the `done + 1`th time.
    fn reminder(&self, person: &str, (asked_at, done): (Millis, usize)) -> Option<Millis> {
        let after = self.survey.reminders.get(done)?;
        self.hour(person, asked_at + after.millis()).and_then(|at| self.within(at))
    }

    fn hour(&self, person: &str, at: Millis) -> Option<Millis> {
        hour::of(self.roster, person, at)
    }

    /// The instant, if there is time to answer after it.
    fn within(&self, at: Millis) -> Option<Millis> {
        Some(at).filter(|at| at + LAST_CALL.millis() <= self.wave.closes_at.unwrap_or(Millis::MAX))
    }
}

async fn take(tx: &mut Tx, invitation: &Invitation, step: &Step) -> Result<()> {
    match step {
        Step::Ask(spot, next) => {
            if tx.set_asked(&invitation.id, *next).await? {
                show(tx, &invitation.id, spot).await?;
            }
            Ok(())
        }
        Step::Remind(spot, next) => {
            let is_wanted = tx.set_reminded(&invitation.id, *next).await?;
            if let Some(spot) = spot.as_ref().filter(|_| is_wanted) {
                // Each reminder is a message of its own: a card that only changes reminds nobody.
                let subject = format!("{REMINDER}{}/{}", invitation.id, invitation.reminders + 1);
                show(tx, &subject, spot).await?;
            }
            Ok(())
        }
        Step::PutOff(at) => tx.put_off(&invitation.id, *at).await,
    }
}
