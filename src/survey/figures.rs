//! The figures of a wave: what is kept of its answers when it closes, and what is made of that by the planner alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::closing;
use super::frame;
use super::privacy::{Counts, Histogram, Ledger, Moment, Plan, Published, Scale};
use super::response::{Outcomes, Response};
use super::tally::Tally;
use super::wave;
use crate::app::App;
use crate::catalogue::survey::kind::{Kind, Pick, Rating};
use crate::catalogue::survey::{Question, Survey};
use crate::error::Result;
use crate::store::answer::Answer;
use crate::store::survey::Wave;

/// What is kept of a wave's answers to make its figures from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// The releases of each question; of a choice of several, of each option: `blocker/2`.
    pub ledgers: BTreeMap<String, Ledger>,
    /// What became of the invitations.
    pub response: Response,
}

/// What is published of one question.
pub enum Figures {
    /// Of a rating, by group.
    Rating(Rating, Vec<Published<Histogram>>),
    /// Of a choice of one, by group.
    Choice(Vec<Published<Histogram>>),
    /// Of a choice of several: option by option, by group.
    Choices(Vec<Vec<Published<Histogram>>>),
    /// What was written, by group.
    Text(Vec<Published<Vec<String>>>),
}

/// Counts the answers of a closed wave, once and for all.
pub async fn record(app: &App, wave: &Wave, survey: &Survey) -> Result<Record> {
    let plan = closing::plan(wave)?;
    let early: BTreeMap<String, Counts> =
        wave.early.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
    let mut ledgers = BTreeMap::new();
    for (key, (scale, counts)) in count(app, (wave, &plan), survey).await? {
        let ledger = close(&plan, scale, (early.get(&key), &counts))?;
        ledgers.insert(key, ledger);
    }
    Ok(Record { ledgers, response: response(app, wave).await? })
}

/// Counts what is stored when the first reminder is due: what comes later is of people who were slow to answer, and they are
/// the ones most like those who never do. Where everybody is named, or nobody is reminded, there is nothing to count.
pub async fn note_early(app: &App, wave: &Wave, survey: &Survey) -> Result<()> {
    let first = wave.opened_at.zip(survey.reminders.first()).map(|(opened_at, after)| opened_at + after.millis());
    let is_due = first.is_some_and(|first| first <= app.clock.now());
    if !is_due || wave.early.is_some() || !survey.is_anonymous() || survey.event.is_some() {
        return Ok(());
    }
    let counts = count(app, (wave, &closing::plan(wave)?), survey).await?;
    let counts: BTreeMap<String, Counts> = counts.into_iter().map(|(key, (_, counts))| (key, counts)).collect();
    let (id, early) = (wave.id.clone(), serde_json::to_string(&counts)?);
    app.store.write(move |tx| Box::pin(async move { tx.set_early(&id, &early).await })).await
}

/// What is stored of the answers of a wave, by what is counted.
async fn count(app: &App, (wave, plan): (&Wave, &Plan), survey: &Survey) -> Result<BTreeMap<String, (Scale, Counts)>> {
    let answers = app.store.answers(&wave.id).await?;
    let mut all = BTreeMap::new();
    for question in &survey.question {
        let given = given(&answers, question, plan)?;
        for (key, scale, bucket) in counters(question) {
            let mut counts = vec![vec![0u32; scale.buckets()]; plan.cells()];
            for (cell, value) in &given {
                if let Some(bucket) = bucket(value) {
                    counts[*cell][bucket] += 1;
                }
            }
            all.insert(key, (scale, counts));
        }
    }
    Ok(all)
}

/// The ledger of all answers. The early ones are a release of their own where nothing is hidden by that.
fn close(plan: &Plan, scale: Scale, (early, all): (Option<&Counts>, &Counts)) -> Result<Ledger> {
    let mut whole = Ledger::new(scale);
    whole.release(plan, all, Moment::Close)?;
    let Some(early) = early else { return Ok(whole) };
    let mut halves = Ledger::new(scale);
    if halves.release(plan, early, Moment::Running)? {
        halves.release(plan, all, Moment::Close)?;
        if halves.figures(plan)? == whole.figures(plan)? {
            return Ok(halves);
        }
    }
    Ok(whole)
}

/// Everybody's early and late answers to a rating, where both may be shown.
pub fn halves(record: &Record, question: &Question, plan: &Plan) -> Result<Option<[Published<Histogram>; 2]>> {
    match record.ledgers.get(&question.name) {
        Some(ledger) => ledger.halves(plan),
        None => Ok(None),
    }
}

/// The answers to a question as it is worded now, with their cells.
fn given(answers: &[Answer], question: &Question, plan: &Plan) -> Result<Vec<(usize, Value)>> {
    let version = question.version();
    let same = |answer: &&Answer| answer.question == question.name && answer.version == version;
    let read = |answer: &Answer| {
        let value = serde_json::from_str(&answer.value)?;
        Ok(frame::cell_number(plan, &answer.cell).map(|cell| (cell, value)))
    };
    answers.iter().filter(same).map(read).filter_map(Result::transpose).collect()
}

/// Which bucket an answer is in.
type Bucket<'q> = Box<dyn Fn(&Value) -> Option<usize> + Send + Sync + 'q>;

/// What is counted of a question: under which name, on which scale, and how.
fn counters(question: &Question) -> Vec<(String, Scale, Bucket<'_>)> {
    let name = question.name.clone();
    let position = |value: &Value| question.choices.iter().position(|choice| value == choice.as_str());
    match question.kind {
        Kind::Text => Vec::new(),
        Kind::Rating(rating) => {
            let bucket: Bucket<'_> = Box::new(move |value| Tally::step_of(rating, &points(value)));
            vec![(name, Scale::Ordered(Tally::new(rating).distribution().len()), bucket)]
        }
        Kind::Choice(Pick::One) => vec![(name, Scale::Unordered(question.choices.len()), Box::new(position))],
        Kind::Choice(Pick::Several) => {
            let option = |(at, choice): (usize, &String)| {
                let choice = choice.clone();
                let is_ticked =
                    move |value: &Value| value.as_array().map(|all| all.iter().any(|one| *one == choice.as_str()));
                let bucket: Bucket<'_> = Box::new(move |value| is_ticked(value).map(usize::from));
                (format!("{name}/{}", at + 1), Scale::Unordered(2), bucket)
            };
            question.choices.iter().enumerate().map(option).collect()
        }
    }
}

/// The points of a rating: one, or one for each statement.
fn points(value: &Value) -> Vec<u8> {
    let point = |value: &Value| value.as_u64().and_then(|point| u8::try_from(point).ok());
    match value {
        Value::Array(items) => items.iter().filter_map(point).collect(),
        one => point(one).into_iter().collect(),
    }
}

/// What became of the invitations of a wave, in the terms of AAPOR.
async fn response(app: &App, wave: &Wave) -> Result<Response> {
    let reached = app.store.reached(&wave.id).await?;
    let number = |count: i64| u64::try_from(count).unwrap_or(0);
    let (complete, partial) = match wave::survey(wave)?.is_anonymous() {
        true => (number(wave.complete), number(wave.partial)),
        false => (app.store.count_named(&wave.id).await?, 0),
    };
    let mut left = number(reached.asked).saturating_sub(complete + partial);
    // Who said "not now" and answered after all is among those who answered; that it was they is not known.
    let mut take = |count: i64| {
        let taken = number(count).min(left);
        left -= taken;
        taken
    };
    let unknown = take(reached.asked - reached.told);
    let refused = take(reached.declined);
    let outcomes = Outcomes { complete, partial, refused, unknown, other: 0, not_contacted: left };
    Ok(Response {
        invited: number(reached.invited),
        delivered: number(reached.told),
        // Who has opened the questions is not kept.
        opened: complete + partial,
        outcomes,
    })
}

/// What may be shown of a wave, question by question in their order.
pub async fn figures(app: &App, wave: &Wave, record: &Record) -> Result<Vec<(Question, Figures)>> {
    let (survey, plan) = (wave::survey(wave)?, closing::plan(wave)?);
    let mut all = Vec::new();
    for question in &survey.question {
        let of = |key: &str| figures_of(record, key, &plan);
        let figures = match question.kind {
            Kind::Rating(rating) => Figures::Rating(rating, of(&question.name)?),
            Kind::Choice(Pick::One) => Figures::Choice(of(&question.name)?),
            Kind::Choice(Pick::Several) => {
                let options = 1..=question.choices.len();
                Figures::Choices(options.map(|at| of(&format!("{}/{at}", question.name))).collect::<Result<_>>()?)
            }
            Kind::Text => Figures::Text(texts(&app.store.answers(&wave.id).await?, question, &plan)?),
        };
        all.push((question.clone(), figures));
    }
    Ok(all)
}

fn figures_of(record: &Record, key: &str, plan: &Plan) -> Result<Vec<Published<Histogram>>> {
    let ledger = record.ledgers.get(key).ok_or_else(|| anyhow::anyhow!("nothing was counted of {key}"))?;
    Ok(ledger.figures(plan)?.unwrap_or_default())
}

fn texts(answers: &[Answer], question: &Question, plan: &Plan) -> Result<Vec<Published<Vec<String>>>> {
    let given = given(answers, question, plan)?.into_iter();
    let written = given.filter_map(|(cell, value)| Some((cell, value.as_str()?.to_owned())));
    Ok(plan.publish_comments(&written.collect::<Vec<_>>(), &mut rand::rng()))
}
