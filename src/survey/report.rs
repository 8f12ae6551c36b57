//! The results of a wave as they are shown: on cards, on the page, as CSV. Nothing here sees an answer: all of it is made from
//! what the planner published.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::compare::{Comparison, Words};
use super::figures::{Figures, Record, figures, halves};
use super::percent::rounded;
use super::privacy::{EVERYONE, Histogram, Published, View};
use super::score::Score;
use super::tally::Tally;
use super::{closing, wave};
use crate::app::App;
use crate::catalogue::survey::kind::Rating;
use crate::catalogue::survey::{Question, Survey};
use crate::error::Result;
use crate::store::survey::{Wave, state};

mod csv;
mod row;

pub use row::Row;
use row::{asked, signed, unit};

/// How many waves a trend looks back on.
const TREND: i64 = 12;

/// All that is shown of a wave.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The wave's id.
    pub wave: String,
    /// The survey's title.
    pub title: String,
    /// Which wave it is, counted from 1.
    pub number: i64,
    /// The fewest people behind a figure.
    pub minimum: i64,
    /// How many were asked.
    pub asked: u64,
    /// How many answered, and the response rate (AAPOR RR1) in percent; nothing where that is hidden.
    pub answered: Option<(u64, f64)>,
    /// The questions.
    pub questions: Vec<Asked>,
}

/// What is shown of a question.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asked {
    /// Its name.
    pub name: String,
    /// What was asked.
    pub text: String,
    /// The version that a trend may be drawn through.
    pub version: String,
    /// Its figures: everybody's first, then by group. Of several choices, for each option.
    pub rows: Vec<Row>,
    /// What was written, where that is shown.
    pub comments: Vec<String>,
    /// Against the last wave that asked the same: in words, and by how much.
    pub change: Option<Change>,
    /// Everybody's early answers against the late ones, where both can be shown.
    #[serde(default)]
    pub timing: Option<Timing>,
    /// Everybody's scores since the question was worded so, the oldest first; it ends with this wave.
    pub trend: Vec<Point>,
}

/// A change against the last wave.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Change {
    /// `higher`, `lower`, `no clear change`, `cannot be compared`.
    pub words: String,
    /// By how much, in words; nothing where there is no clear change.
    pub by: Option<String>,
}

/// What was answered before the first reminder was due, and after it. Who answered late is most like who never did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Timing {
    /// The score before, in words.
    pub early: String,
    /// How many answered before.
    pub early_n: u64,
    /// The score after, in words.
    pub late: String,
    /// How many answered after.
    pub late_n: u64,
    /// The late score against the early one: `higher`, `lower`, `no clear change`.
    pub words: String,
}

/// A point of a trend.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Point {
    /// Which wave, counted from 1.
    pub number: i64,
    /// Everybody's score.
    pub score: f64,
    /// The lower end of its interval of 95 %.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// The score in words.
    pub words: String,
}

fn phrase(words: Words) -> &'static str {
    match words {
        Words::Higher => "higher",
        Words::Lower => "lower",
        Words::NoClearChange => "no clear change",
        Words::CannotBeCompared => "cannot be compared",
    }
}

/// What was published of a wave.
pub fn report(wave: &Wave) -> Result<Option<Report>> {
    Ok(wave.report.as_deref().map(serde_json::from_str).transpose()?)
}

/// What is to be published of a wave, from what was counted.
pub async fn make(app: &App, wave: &Wave, record: &Record) -> Result<Report> {
    let survey = wave::survey(wave)?;
    let found = figures(app, wave, record).await?;
    let (before, plan) = (before(app, wave).await?, closing::plan(wave)?);
    let mut questions: Vec<Asked> = found.iter().map(|(question, figures)| asked(question, figures)).collect();
    for (asked, (question, figures)) in questions.iter_mut().zip(&found) {
        if let Some((rating, now)) = everyone(figures) {
            compare(asked, (question, rating, now), (wave, &before));
            asked.timing = halves(record, question, &plan)?.and_then(|halves| timing(rating, &halves));
        }
    }
    let is_shown = questions.iter().flat_map(|asked| &asked.rows).any(|row| row.everyone && row.n.is_some());
    let outcomes = record.response.outcomes;
    let answered =
        outcomes.rate().filter(|_| is_shown).map(|rate| (outcomes.complete + outcomes.partial, 100.0 * rate));
    Ok(Report {
        wave: wave.id.clone(),
        title: survey.title,
        number: wave.number + 1,
        minimum: wave.minimum,
        asked: record.response.invited,
        answered,
        questions,
    })
}

fn record(wave: &Wave) -> Result<Option<Record>> {
    Ok(wave.results.as_deref().map(serde_json::from_str).transpose()?)
}

/// The waves of the same survey before this one whose results are out, the latest first, with their figures.
async fn before(app: &App, wave: &Wave) -> Result<Vec<(i64, Vec<(Question, Figures)>)>> {
    let mut all = Vec::new();
    for earlier in app.store.waves(&wave.survey, TREND).await?.iter().filter(|other| other.number < wave.number) {
        if let Some(record) = record(earlier)? {
            all.push((earlier.number, figures(app, earlier, &record).await?));
        }
    }
    Ok(all)
}

/// Everybody's answers to a rating, if their value is shown.
fn everyone(figures: &Figures) -> Option<(Rating, &Histogram)> {
    let Figures::Rating(rating, groups) = figures else { return None };
    match groups.iter().find(|group| group.group() == EVERYONE)?.view() {
        View::Value(histogram) => Some((*rating, histogram)),
        _ => None,
    }
}

fn timing(rating: Rating, halves: &[Published<Histogram>; 2]) -> Option<Timing> {
    let [View::Value(early), View::Value(late)] = [halves[0].view(), halves[1].view()] else { return None };
    let tally = |histogram: &Histogram| Tally::of_steps(rating, histogram.counts());
    let score = |histogram| Score::of(&tally(histogram), None).score.map(|score| unit(rating, score));
    Some(Timing {
        early: score(early)?,
        early_n: early.n(),
        late: score(late)?,
        late_n: late.n(),
        words: phrase(Comparison::of_late_answers(&tally(early), &tally(late)).words).to_owned(),
    })
}

/// When an earlier wave was, and its figures.
type Earlier = (i64, Vec<(Question, Figures)>);

/// Adds the trend of a question and what has changed since the last wave. A question that was worded otherwise is another one.
fn compare(
    asked: &mut Asked,
    (question, rating, now): (&Question, Rating, &Histogram),
    (wave, before): (&Wave, &[Earlier]),
) {
    let tally = |histogram: &Histogram| Tally::of_steps(rating, histogram.counts());
    let same = |earlier: &[(Question, Figures)]| {
        let found =
            earlier.iter().find(|(other, _)| other.name == question.name && other.version() == question.version());
        found.and_then(|(_, figures)| everyone(figures)).map(|(_, histogram)| tally(histogram))
    };
    let earlier: Vec<(i64, Tally)> = before.iter().map_while(|(number, all)| Some((*number, same(all)?))).collect();
    if let Some((_, last)) = earlier.first() {
        let found = Comparison::of(last, &tally(now));
        let by = found.difference.filter(|_| found.changed).map(|by| signed(rating, by));
        asked.change = Some(Change { words: phrase(found.words).to_owned(), by });
    }
    let point = |number: i64, tally: &Tally| {
        let Score { score, low, high, .. } = Score::of(tally, None);
        let score = score?;
        Some(Point { number: number + 1, score, low, high, words: unit(rating, score) })
    };
    let trend = earlier.iter().rev().filter_map(|(number, tally)| point(*number, tally));
    asked.trend = trend.chain(point(wave.number, &tally(now))).collect();
}

impl Report {
    /// The figures for a message.
    pub fn values(&self, survey: &Survey, wave: &Wave) -> Value {
        let mut values = json!(self);
        values["rate"] = self.answered.map(|(_, rate)| format!("{} %", rounded(rate, 0))).into();
        values["answered"] = self.answered.map(|(count, _)| count).into();
        values["timed"] = self.questions.iter().any(|asked| asked.timing.is_some()).into();
        values["anonymous"] = survey.is_anonymous().into();
        values["owner"] = survey.owner.clone().into();
        values["looped"] = (wave.state == state::LOOPED).into();
        for (question, asked) in values["questions"].as_array_mut().into_iter().flatten().zip(&self.questions) {
            question["everyone"] = json!(asked.rows.iter().filter(|row| row.everyone).collect::<Vec<_>>());
            question["groups"] =
                json!(asked.rows.iter().filter(|row| !row.everyone && row.shown != "hidden").collect::<Vec<_>>());
            question["hidden"] = asked.rows.iter().filter(|row| !row.everyone && row.shown == "hidden").count().into();
        }
        values
    }
}
