//! Performing a request: its steps in order, each recorded before and after, and taken back in reverse if one fails.
//!
//! Invariant: before a runner is called, the attempt is on the disk; so after a crash it is known that the attempt may
//! have happened. A step that must not be repeated is then never run again.

use super::approval::{self, Begun};
use super::attempt::mistaken;
use super::settle::{self, Settled};
use super::values::Values;
use crate::app::App;
use crate::catalogue::command::{self, CommandFile, Repeat};
use crate::clock::Span;
use crate::error::Result;
use crate::job::Claim;
use crate::runner::Runner;
use crate::store::Tx;
use crate::store::request::{Change, Request, State};
use crate::store::step::{Course, Step, state};

/// How long a request that waits for its turn sleeps, at most.
const TURN: Span = Span::from_secs(5);

/// A request in hand.
pub(super) struct Work<'a> {
    pub(super) app: &'a App,
    pub(super) claim: &'a Claim,
    pub(super) request: Request,
    pub(super) command: CommandFile,
    pub(super) steps: Vec<Step>,
    /// The call-back that the current attempt looks at.
    pub(super) called: Option<(String, serde_json::Value)>,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    /// Run this step, or its undo.
    Run(usize, Course),
    /// Begin to take back what was done, because of a cancellation.
    TurnBack,
    /// All is done or taken back.
    End(State),
}

/// Goes on with a request until it ends or waits for something.
pub async fn perform(app: &App, claim: &Claim, id: &str) -> Result<()> {
    let Some(request) = app.store.request(id).await?.filter(|request| !request.state.is_end()) else {
        return finish(app, claim).await;
    };
    if !matches!(request.state, State::Queued | State::Running) {
        return finish(app, claim).await;
    }
    let command: CommandFile = serde_json::from_str(&app.store.definition(&request.definition).await?)?;
    let steps = app.store.steps(id).await?;
    let mut work = Work { app, claim, request, command, steps, called: None };
    if !work.take_turn().await? {
        return Ok(());
    }
    loop {
        let settled = match work.next_move() {
            Move::Run(position, course) => work.run(position, course).await?,
            Move::TurnBack => settle::turn_back(&mut work).await?,
            Move::End(ending) => return super::end::end(&work, ending).await,
        };
        if settled == Settled::Paused {
            return Ok(());
        }
    }
}

/// The request needs nothing more of its job.
pub(super) async fn finish(app: &App, claim: &Claim) -> Result<()> {
    let claim = claim.clone();
    app.store.write(move |tx| Box::pin(async move { tx.finish_job(&claim).await })).await
}

impl Work<'_> {
    /// Begins the work if the command's limit lets it; otherwise the job comes back when another request has ended.
    async fn take_turn(&mut self) -> Result<bool> {
        if self.request.state == State::Running {
            return Ok(true);
        }
        // What has begun goes on as it was approved, whatever the catalogue says meanwhile.
        if self.command.approval.is_some() && self.steps.is_empty() && !self.is_still_approved().await? {
            return Ok(false);
        }
        let (claim, id, command) = (self.claim.clone(), self.request.id.clone(), self.request.command.clone());
        let limit = self.command.limits.concurrent.map(i64::from);
        let begun = self.app.store.write(move |tx| {
            Box::pin(async move {
                tx.hold(&claim).await?;
                if !may_begin(tx, (&command, &id), limit).await? {
                    tx.continue_job(&claim, tx.now() + TURN.millis()).await?;
                    return Ok(false);
                }
                let change = Change { request: &id, state: State::Running, actor: "stationmaster", summary: "" };
                tx.change_request(change).await?;
                Ok(true)
            })
        });
        let begun = begun.await?;
        self.request.state = if begun { State::Running } else { State::Queued };
        self.request.started_at.get_or_insert(self.app.clock.now());
        Ok(begun)
    }

    /// Whether what was approved is what would be done now. If not, its work is not begun.
    async fn is_still_approved(&mut self) -> Result<bool> {
        let why = match approval::look_again(self.app, self.claim, &self.request).await? {
            Begun::Stands => return Ok(true),
            Begun::Held => return Ok(false),
            Begun::Turned(why) => why,
        };
        let (claim, id, summary) = (self.claim.clone(), self.request.id.clone(), why.clone());
        let write = self.app.store.write(move |tx| {
            Box::pin(async move {
                tx.hold(&claim).await?;
                tx.set_ending(&id, Some(State::Cancelled), &summary).await
            })
        });
        write.await?;
        (self.request.ending, self.request.summary) = (Some(State::Cancelled), why);
        Ok(true)
    }

    fn next_move(&self) -> Move {
        let row = |position: usize, course| self.row(position, course);
        let Some(ending) = self.request.ending else {
            let is_open = |p: &usize| !row(*p, Course::Do).is_some_and(|s| is_settled(&s.state));
            let open = (0..self.command.step.len()).find(is_open);
            // A step that was interrupted is cleared up first, so that a cancellation never hides that it happened.
            let interrupted = open.and_then(|p| row(p, Course::Do)).is_some_and(|s| s.state == state::RUNNING);
            return match open {
                _ if self.request.cancel_at.is_some() && !interrupted => Move::TurnBack,
                Some(position) => Move::Run(position, Course::Do),
                None => Move::End(State::Succeeded),
            };
        };
        let to_undo = |p: &usize| {
            let undone = row(*p, Course::Undo).is_some_and(|s| is_settled(&s.state));
            !undone && self.command.step[*p].undo.is_some() && row(*p, Course::Do).is_some_and(has_happened)
        };
        match (0..self.command.step.len()).rev().find(to_undo) {
            Some(position) => Move::Run(position, Course::Undo),
            None => Move::End(ending),
        }
    }

    /// The row of a step, once it began.
    pub(super) fn row(&self, position: usize, course: Course) -> Option<&Step> {
        self.steps.iter().find(|s| s.position == position as i64 && s.course() == course)
    }

    /// What its file says of a step or its undo.
    pub(super) fn step_file(&self, position: usize, course: Course) -> Result<&command::Step> {
        let step = &self.command.step[position];
        match course {
            Course::Do => Ok(step),
            Course::Undo => step.undo.as_deref().ok_or_else(|| anyhow::anyhow!("step {} has no undo", step.name)),
        }
    }

    /// One attempt of a step, or one look at an attempt under way.
    async fn run(&mut self, position: usize, course: Course) -> Result<Settled> {
        let file = self.step_file(position, course)?.clone();
        let runner = file.runners().pop().ok_or_else(|| anyhow::anyhow!("step {} has no runner", file.name))?;
        let name = self.command.step[position].name.clone();
        let values = Values::of_request(self.app, &self.request, &self.command, &self.steps).await?;
        let mut row = match self.row(position, course) {
            Some(row) => row.clone(),
            None => Step::new(&self.request.id, position as i64, course, &name),
        };
        let applies = file.when.as_ref().map_or(Ok(true), |when| when.holds(&values.all));
        if row.attempt == 0 && matches!(applies, Ok(false)) {
            return settle::skip(self, row).await;
        }
        let repeatable = is_repeatable(&file, &runner);
        let interrupted = row.state == state::RUNNING && row.attempt > 0;
        self.called = match row.state.as_str() {
            state::WAITING => self.app.store.call_back(&row.request, &row.full_name()).await?,
            _ => None,
        };
        let (attempt, progress) = self.attempt(&row, &file, values)?;
        let outcome = if let Err(mistake) = applies {
            mistaken(&attempt, &mistake)
        } else if interrupted && !repeatable {
            runner.recover(&self.app.tools, &attempt).await.unwrap_or_else(|mistake| mistaken(&attempt, &mistake))
        } else {
            if row.state != state::WAITING {
                settle::begin(self, &mut row).await?;
            }
            self.watched(&runner, &attempt, progress, &mut row).await?
        };
        let judge = settle::Judge { file: &file, runner: &runner, repeatable, attempt: &attempt };
        settle::settle(self, row, outcome, judge).await
    }
}

/// Whether a queued request is the first in its command's queue and there is room for it.
async fn may_begin(tx: &mut Tx, (command, id): (&str, &str), limit: Option<i64>) -> Result<bool> {
    let Some(limit) = limit else { return Ok(true) };
    let first = tx.next_queued(command).await?;
    Ok(tx.count_running(command).await? < limit && first.is_none_or(|first| first == id))
}

/// Whether running the step twice does no harm.
fn is_repeatable(file: &command::Step, runner: &Runner) -> bool {
    file.retry.as_ref().is_some_and(|retry| retry.on == Repeat::Safe) || runner.is_repeatable()
}

/// Whether a step needs nothing more.
fn is_settled(name: &str) -> bool {
    state::is_bad(name) || matches!(name, state::DONE | state::SKIPPED)
}

/// Whether a step left something behind: it was done, or it failed after the other side had taken it up.
fn has_happened(row: &Step) -> bool {
    let left = row.outputs != "{}" || row.checkpoint != "null";
    row.state == state::DONE || (matches!(row.state.as_str(), state::FAILED | state::DECLINED) && left)
}
