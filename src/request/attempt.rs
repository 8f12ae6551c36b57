//! One attempt of a step: what its runner is given, and what goes on while it runs.

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::perform::Work;
use super::values::Values;
use crate::catalogue::command;
use crate::clock::Span;
use crate::error::Result;
use crate::job::Fenced;
use crate::runner::{Attempt, Outcome, Progress, Runner};
use crate::store::step::{Course, Step, state};

/// How long an attempt of a step may take if its file does not say.
const TIMEOUT: Span = Span::from_secs(600);
/// How often a card follows the progress of a running step.
const PROGRESS_EVERY: std::time::Duration = std::time::Duration::from_millis(700);
/// How much of a step's log is kept, in bytes.
const LOG: usize = 8000;

impl Work<'_> {
    /// Asks the system behind a waiting step to stop, where it can be asked.
    pub(super) async fn stop_elsewhere(&self, row: &Step) {
        let stop = async {
            let file = self.step_file(usize::try_from(row.position)?, row.course())?;
            let runner = file.runners().pop().ok_or_else(|| anyhow::anyhow!("no runner"))?;
            let values = Values::of_request(self.app, &self.request, &self.command, &self.steps).await?;
            let (attempt, _) = self.attempt(row, file, values)?;
            runner.cancel(&self.app.tools, &attempt).await
        };
        match stop.await {
            Ok(outcome) => tracing::info!(request = row.request, step = row.name, outcome = outcome.summary, "stopped"),
            Err(e) => tracing::warn!(request = row.request, step = row.name, error = format!("{e:#}"), "not stopped"),
        }
    }

    /// What the runner is given.
    pub(super) fn attempt(
        &self,
        row: &Step,
        file: &command::Step,
        values: Values,
    ) -> Result<(Attempt, UnboundedReceiver<Progress>)> {
        let (progress, listener) = unbounded_channel();
        let began = if row.attempt == 0 { self.app.clock.now() } else { row.started_at };
        let mut checkpoint: serde_json::Value = serde_json::from_str(&row.checkpoint)?;
        if let Some((_, body)) = self.called.as_ref().filter(|_| row.state == state::WAITING) {
            checkpoint["called"] = body.clone();
        }
        let attempt = Attempt {
            request: row.request.clone(),
            step: row.full_name(),
            key: format!("{}-{}", row.request, row.full_name()),
            values: values.all,
            mask: values.mask,
            checkpoint,
            deadline: began + file.timeout.unwrap_or(TIMEOUT).millis(),
            cancel: CancellationToken::new(),
            progress,
        };
        Ok((attempt, listener))
    }

    /// Runs the attempt while the claim is renewed and the card follows. An error means that nothing may be recorded.
    pub(super) async fn watched(
        &self,
        runner: &Runner,
        attempt: &Attempt,
        mut progress: UnboundedReceiver<Progress>,
        row: &mut Step,
    ) -> Result<Outcome> {
        let (cancel, course) = (attempt.cancel.clone(), row.course());
        // The requester can stop what is done, but not what is taken back; the end of the process stops both.
        let stopped_by = if course == Course::Do { &self.request.id } else { &attempt.key };
        let _entered = self.app.running.enter(stopped_by, &cancel);
        if self.is_called_off(course).await? {
            cancel.cancel();
        }
        let mut run = std::pin::pin!(runner.run(&self.app.tools, attempt));
        let pulse = self.app.config.jobs.lease.duration() / 3;
        let mut beat = tokio::time::interval_at(tokio::time::Instant::now() + pulse, pulse);
        let mut show = tokio::time::interval(PROGRESS_EVERY);
        let mut latest: Option<Progress> = None;
        loop {
            tokio::select! {
                outcome = &mut run => {
                    while let Ok(news) = progress.try_recv() { merge(&mut latest, news, row); }
                    if self.app.running.is_abandoned() && cancel.is_cancelled() {
                        anyhow::bail!("the process is shutting down");
                    }
                    return Ok(outcome.unwrap_or_else(|mistake| mistaken(attempt, &mistake)));
                }
                Some(news) = progress.recv() => merge(&mut latest, news, row),
                _ = show.tick() => self.show(latest.take()).await?,
                _ = beat.tick() => if !self.keep_alive(&cancel, course).await {
                    // The runner ends what it started before this process lets go of it.
                    cancel.cancel();
                    let _ = tokio::time::timeout(std::time::Duration::from_secs(5), &mut run).await;
                    return Err(Fenced.into());
                }
            }
        }
    }

    /// Renews the lease; `false` if another process has the work. A database that is away for a moment is no reason to
    /// stop: the fence guards what is written later.
    async fn keep_alive(&self, cancel: &CancellationToken, course: Course) -> bool {
        if self.is_called_off(course).await.unwrap_or(false) {
            cancel.cancel();
        }
        self.app.store.renew_job(self.claim, self.app.config.jobs.lease).await.unwrap_or(true)
    }

    /// Whether the requester wants the attempt to stop, who may have said so in another process.
    async fn is_called_off(&self, course: Course) -> Result<bool> {
        if course == Course::Undo || self.request.cancel_at.is_some() {
            return Ok(false);
        }
        Ok(self.app.store.request(&self.request.id).await?.is_some_and(|request| request.cancel_at.is_some()))
    }

    async fn show(&self, progress: Option<Progress>) -> Result<()> {
        let Some(progress) = progress else { return Ok(()) };
        let Progress { percent, label, link, .. } = progress;
        let progress = crate::store::request::Progress { percent, label, link };
        match self.app.store.progress(self.claim, &self.request.id, progress).await {
            // A card that is a moment behind harms nobody.
            Err(e) if !e.is::<Fenced>() => Ok(()),
            other => other,
        }
    }
}

/// A mistake in the capability file that shows only now: nothing has happened.
pub(super) fn mistaken(attempt: &Attempt, mistake: &anyhow::Error) -> Outcome {
    Outcome::failed(attempt.mask.text(&format!("{mistake:#}")))
}

/// Adds what is new to what has not been shown yet.
fn merge(latest: &mut Option<Progress>, news: Progress, row: &mut Step) {
    if let Some(line) = news.log {
        row.log.push_str(&line);
        row.log.push('\n');
        if row.log.len() > LOG {
            let mut cut = row.log.len() - LOG;
            while !row.log.is_char_boundary(cut) {
                cut += 1;
            }
            row.log.drain(..cut);
        }
    }
    if news.percent.is_none() && news.label.is_empty() && news.link.is_none() {
        return;
    }
    let known = latest.get_or_insert_default();
    known.percent = news.percent.or(known.percent);
    known.link = news.link.or(known.link.take());
    if !news.label.is_empty() {
        known.label = news.label;
    }
}
