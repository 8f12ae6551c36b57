//! A wave from its plan to its results: `planned → open → closing → closed → published → looped`.
//!
//! One job per wave is its clock. Each step reads what is true, does one thing, and ends in the transaction that says when it
//! goes on; so each is done once, whatever dies in between.

use std::sync::LazyLock;

use serde_json::json;

use super::audience::{self, Facts};
use super::cohort::{Candidate, Draw};
use super::privacy::Plan;
use super::{asking, budget, closing, frame, hour, told};
use crate::app::App;
use crate::calendar::Zone;
use crate::catalogue::survey::{Recurrence, Survey};
use crate::clock::{Millis, Span};
use crate::error::Result;
use crate::job::{Claim, Job};
use crate::people::roster::Roster;
use crate::store::audit::Act;
use crate::store::invitation::Planned;
use crate::store::survey::{Scheduled, Wave, state};

/// How many invitations are planned in one transaction.
const PORTION: usize = 1000;
/// How long before a wave closes nobody is asked any more: there must be time to answer.
pub const LAST_CALL: Span = Span::from_secs(86_400);

/// The survey as it was when the wave was planned.
pub fn survey(wave: &Wave) -> Result<Survey> {
    Ok(serde_json::from_str(&wave.definition)?)
}

/// Midnight on the first of each month.
static MONTHLY: LazyLock<Recurrence> =
    LazyLock::new(|| Recurrence::try_from("0 0 1 * *".to_owned()).expect("a recurrence"));

/// When waves of a survey open: as its author says, or on the first of each month where an event asks, so that what is
/// answered within a calendar month is published together.
fn schedule(survey: &Survey) -> (Recurrence, Zone) {
    match &survey.schedule {
        Some(schedule) => (schedule.cron.clone(), schedule.zone.clone()),
        None => (MONTHLY.clone(), Zone::UTC),
    }
}

/// How much time lies between two invitations of the same person by waves from `at` on.
pub fn period(survey: &Survey, at: Millis) -> Span {
    let (cron, zone) = schedule(survey);
    let first = cron.next(at, &zone).unwrap_or(at);
    let between = cron.next(first, &zone).unwrap_or(first) - first;
    Span::from_millis(between.saturating_mul(i64::from(survey.cohorts)))
}

/// Plans the waves that are due by the calendar; how many there were. What was due while nobody was here is due once.
pub async fn plan_next(app: &App) -> Result<usize> {
    let catalogue = app.catalogue.load_full();
    if catalogue.surveys.is_empty() {
        return Ok(0);
    }
    let (now, known) = (app.clock.now(), app.store.scheduled_surveys().await?);
    let mut planned = 0;
    for survey in catalogue.surveys.values() {
        let (cron, zone) = schedule(survey);
        let said = json!([cron, zone]).to_string();
        let known = known.iter().find(|known| known.name == survey.name && known.schedule == said);
        if known.is_some_and(|known| known.next_at > now) {
            continue;
        }
        let Some(next_at) = cron.next(now, &zone) else { continue };
        match known {
            Some(known) => planned += usize::from(plan(app, survey, (known.next_at, next_at)).await?),
            None => {
                // Whoever is asked after an event can be asked from the first day on.
                let next_at = if survey.event.is_some() { now } else { next_at };
                app.store.schedule_survey(Scheduled { name: survey.name.clone(), schedule: said, next_at }).await?;
            }
        }
    }
    Ok(planned)
}

/// Plans a wave and moves the time of the next one, in one transaction; `false` if another process has.
async fn plan(app: &App, survey: &Survey, (from, next_at): (Millis, Millis)) -> Result<bool> {
    let (name, minimum) = (survey.name.clone(), i64::from(survey.minimum));
    let definition = serde_json::to_string(survey)?;
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            if !tx.move_schedule(&name, from, next_at).await? {
                return Ok(false);
            }
            let wave = tx.insert_wave(&name, &definition, minimum).await?;
            let now = tx.now();
            tx.enqueue(&Job::Wave { wave }, now)?;
            Ok(true)
        })
    });
    write.await
}

/// Goes on with a wave.
pub async fn perform(app: &App, claim: &Claim, id: &str) -> Result<()> {
    let Some(wave) = app.store.wave(id).await? else { return finish(app, claim).await };
    match wave.state.as_str() {
        state::PLANNED => open(app, claim, wave).await,
        state::OPEN => asking::go_on(app, claim, &wave).await,
        state::CLOSING => closing::close(app, claim, &wave).await,
        state::CLOSED => closing::publish(app, claim, &wave).await,
        _ => finish(app, claim).await,
    }
}

async fn finish(app: &App, claim: &Claim) -> Result<()> {
    let claim = claim.clone();
    app.store.write(move |tx| Box::pin(async move { tx.finish_job(&claim).await })).await
}

/// Opens a wave whose turn it is, or leaves it until it was said what became of the last one.
async fn open(app: &App, claim: &Claim, wave: Wave) -> Result<()> {
    if !is_free(app, claim, &wave).await? {
        return Ok(());
    }
    let survey = survey(&wave)?;
    let roster = app.roster().await?;
    let facts = Facts::gather(app, &survey).await?;
    let people = audience::members(&survey, &roster, &facts);
    if !frame::can_show(&survey, &people) {
        return give_up(app, claim, &wave).await;
    }
    let plan = frame::plan(&survey, &people, &app.catalogue.load())?;
    let (id, plan) = (wave.id.clone(), serde_json::to_string(&plan)?);
    let plan = app.store.write(move |tx| Box::pin(async move { tx.fix_plan(&id, &plan).await })).await?;
    if survey.event.is_none() {
        let opening = Opening { app, survey: &survey, wave: &wave, roster: &roster, now: app.clock.now() };
        opening.invite(claim, (&facts, &frame::read(&plan)?)).await?;
    }
    let closes_at = app.clock.now() + closes_after(&survey, app.clock.now()).millis();
    let claim = claim.clone();
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            tx.hold(&claim).await?;
            tx.open_wave(&wave.id, closes_at).await?;
            let detail = format!("{} wave {}", wave.survey, wave.number);
            tx.audit(Act { subject: &wave.id, actor: "stationmaster", action: "wave-opened", detail: &detail }).await?;
            let now = tx.now();
            tx.continue_job(&claim, now).await
        })
    });
    write.await
}

/// A wave of fewer people than may be shown together asks nobody, and its owner is told. Where events ask, there may be more
/// people tomorrow.
async fn give_up(app: &App, claim: &Claim, wave: &Wave) -> Result<()> {
    let roster = app.roster().await?;
    let survey = survey(wave)?;
    let spots = roster.reach_team(&survey.owner);
    let (wave, claim, by_event) = (wave.clone(), claim.clone(), survey.event.is_some());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            tx.hold(&claim).await?;
            if by_event {
                let tomorrow = tx.now() + LAST_CALL.millis();
                return tx.continue_job(&claim, tomorrow).await;
            }
            tx.void_wave(&wave.id).await?;
            let values = json!({ "survey": survey.title, "minimum": wave.minimum });
            told::tell(tx, ("survey_void", &values), &spots).await?;
            tx.finish_job(&claim).await
        })
    });
    write.await
}

/// How long a wave that opens now is open: until a day before the next one where events ask.
fn closes_after(survey: &Survey, now: Millis) -> Span {
    if survey.event.is_none() {
        return survey.closes;
    }
    let (cron, zone) = schedule(survey);
    let next = cron.next(now, &zone).unwrap_or(now);
    Span::from_millis((next - now - LAST_CALL.millis()).max(LAST_CALL.millis()))
}

/// Whether the last wave is finished, or this one may open nevertheless. If not, its owner is told, and the job ends: it is
/// made anew by what finishes the last wave.
async fn is_free(app: &App, claim: &Claim, wave: &Wave) -> Result<bool> {
    let roster = app.roster().await?;
    let survey = survey(wave)?;
    let spots = roster.reach_team(&survey.owner);
    let (wave, claim) = (wave.clone(), claim.clone());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            tx.hold(&claim).await?;
            let before = tx.wave_before(&wave.survey, wave.number).await?;
            if before.as_ref().is_none_or(Wave::is_finished) || wave.override_reason.is_some() {
                return Ok(true);
            }
            let told = json!({ "survey": survey.title, "wave": wave.id, "before": before.map(|before| before.id) });
            told::tell(tx, ("survey_held", &told), &spots).await?;
            tx.finish_job(&claim).await?;
            Ok(false)
        })
    });
    write.await
}

/// The opening of a wave that asks people of its own accord.
struct Opening<'a> {
    app: &'a App,
    survey: &'a Survey,
    wave: &'a Wave,
    roster: &'a Roster<'a>,
    now: Millis,
}

impl Opening<'_> {
    /// Plans the invitations, in portions. If it is done again after a part, whoever was invited stays invited.
    async fn invite(&self, claim: &Claim, (facts, plan): (&Facts, &Plan)) -> Result<()> {
        let last = self.app.store.last_asked(&self.survey.name).await?;
        let candidates = audience::members(self.survey, self.roster, facts).into_iter().map(|person| Candidate {
            person: person.id.clone(),
            team: person.teams.iter().min().cloned().unwrap_or_default(),
            // Who was invited before this was begun again has not been asked by an earlier wave.
            asked: last.get(&person.id).copied().filter(|number| *number < self.wave.number),
        });
        let key = self.app.store.rotation_key(&self.survey.name).await?;
        let draw = Draw { key: &key, wave: self.wave.number, cohorts: self.survey.cohorts };
        let chosen = draw.choose(candidates.collect());
        let turns = asking::turns(self.app, self.survey).await?;
        for portion in chosen.chunks(PORTION) {
            let planned = self.plan_portion(portion, (plan, &turns)).await?;
            let (wave, held) = (self.wave.id.clone(), claim.clone());
            let write = self.app.store.write(move |tx| {
                Box::pin(async move {
                    tx.hold(&held).await?;
                    tx.insert_invitations(&wave, &planned).await
                })
            });
            write.await?;
            self.app.store.renew_job(claim, self.app.config.jobs.lease).await?;
        }
        Ok(())
    }

    /// When each of these people is asked; who cannot be asked within the wave is left out.
    async fn plan_portion(&self, people: &[String], (plan, turns): (&Plan, &[asking::Coming])) -> Result<Vec<Planned>> {
        let since = self.now - budget::AFTER_NO.millis() - budget::NEWCOMER.millis();
        let past = self.app.store.asked_since(people, since).await?;
        let past = asking::by_person(past);
        let mut planned = Vec::new();
        for id in people {
            let Some(person) = self.roster.person(id) else { continue };
            let turn = budget::Turn {
                survey: &self.survey.name,
                period: period(self.survey, self.now),
                opens_at: self.now,
                open: self.survey.closes,
                by_event: false,
            };
            let past = past.get(id).map_or(&[][..], Vec::as_slice);
            let at = budget::ask_at(&turn, past, &asking::turns_of(turns, person), self.now);
            let at = at.and_then(|at| hour::of(self.roster, id, at));
            let last_call = self.now + self.survey.closes.millis() - LAST_CALL.millis();
            let cell = frame::cell(plan, &frame::labels(self.survey, person, None));
            if let Some((due_at, cell)) = at.filter(|at| *at < last_call).zip(cell) {
                planned.push(Planned { person: id.clone(), cell, due_at });
            }
        }
        Ok(planned)
    }
}
