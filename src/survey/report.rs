//! The results of a wave as they are shown: on cards, on the page, as CSV. Nothing here sees an answer: all of it is made from
//! what the planner published.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::compare::{Comparison, Words};
use super::figures::{Figures, Record, figures};
use super::percent::{percentages, rounded};
use super::privacy::{Bound, EVERYONE, Histogram, Published, View};
use super::score::Score;
use super::tally::Tally;
use super::{frame, wave};
use crate::app::App;
use crate::catalogue::survey::kind::Rating;
use crate::catalogue::survey::{Question, Survey};
use crate::error::Result;
use crate::store::survey::{Wave, state};

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
    /// Everybody's scores since the question was worded so, the oldest first; it ends with this wave.
    pub trend: Vec<Point>,
}

/// One figure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// The group, in words; of several choices, the option.
    pub group: String,
    /// Whether it is of everybody.
    pub everyone: bool,
    /// `value`, `bound`, `hidden`, `nobody`.
    pub shown: String,
    /// How many answered, where that is shown.
    pub n: Option<u64>,
    /// The score.
    pub score: Option<f64>,
    /// The lower end of its interval of 95 %.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// The score in words: `72 %`, `+12`, `3.8 of 5`, `at or above 60 %`.
    pub words: String,
    /// The interval in words.
    pub range: Option<String>,
    /// The share of each answer in whole percent, adding up to 100: label and share.
    pub shares: Vec<(String, u64)>,
}

/// A change against the last wave.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Change {
    /// `higher`, `lower`, `no clear change`, `cannot be compared`.
    pub words: String,
    /// By how much, in words; nothing where there is no clear change.
    pub by: Option<String>,
}

/// A point of a trend.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Point {
    /// Which wave, counted from 1.
    pub number: i64,
    /// Everybody's score.
    pub score: f64,
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
    let before = before(app, wave).await?;
    let mut questions: Vec<Asked> = found.iter().map(|(question, figures)| asked(question, figures)).collect();
    for (asked, (question, figures)) in questions.iter_mut().zip(&found) {
        if let Some((rating, now)) = everyone(figures) {
            compare(asked, (question, rating, now), (wave, &before));
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

/// Adds the trend of a question and what has changed since the last wave. A question that was worded otherwise is another one.
fn compare(
    asked: &mut Asked,
    (question, rating, now): (&Question, Rating, &Histogram),
    (wave, before): (&Wave, &[(i64, Vec<(Question, Figures)>)]),
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
        let score = Score::of(tally, None).score?;
        Some(Point { number: number + 1, score, words: unit(rating, score) })
    };
    let trend = earlier.iter().rev().filter_map(|(number, tally)| point(*number, tally));
    asked.trend = trend.chain(point(wave.number, &tally(now))).collect();
}

fn asked(question: &Question, figures: &Figures) -> Asked {
    let rows = match figures {
        Figures::Rating(rating, groups) => {
            groups.iter().map(|group| row(group, &Reading::Rating(question, *rating))).collect()
        }
        Figures::Choice(groups) => {
            groups.iter().map(|group| row(group, &Reading::Options(&question.choices))).collect()
        }
        Figures::Choices(options) => {
            let of = |(option, groups): (&String, &Vec<Published<Histogram>>)| {
                let everyone = groups.iter().find(|group| group.group() == EVERYONE)?;
                Some(Row { group: option.clone(), ..row(everyone, &Reading::Ticks) })
            };
            question.choices.iter().zip(options).filter_map(of).collect()
        }
        Figures::Text(_) => Vec::new(),
    };
    let comments = match figures {
        Figures::Text(groups) => groups.iter().filter_map(|group| match group.view() {
            View::Value(texts) if group.group() == EVERYONE => Some(texts.clone()),
            _ => None,
        }),
        _ => return Asked { rows, ..empty(question) },
    };
    let hidden = match figures {
        Figures::Text(groups) => groups.iter().map(|group| row_of_text(group)).collect(),
        _ => Vec::new(),
    };
    Asked { comments: comments.flatten().collect(), rows: hidden, ..empty(question) }
}

fn empty(question: &Question) -> Asked {
    let (name, text, version) = (question.name.clone(), question.text.clone(), question.version());
    Asked { name, text, version, rows: Vec::new(), comments: Vec::new(), change: None, trend: Vec::new() }
}

/// How the buckets of a figure are read.
enum Reading<'q> {
    /// As the answers to a rating.
    Rating(&'q Question, Rating),
    /// As options of which one was chosen.
    Options(&'q [String]),
    /// As ticked or not.
    Ticks,
}

fn row(published: &Published<Histogram>, reading: &Reading<'_>) -> Row {
    let nothing = |shown: &str| Row {
        group: frame::words(published.group()),
        everyone: published.group() == EVERYONE,
        shown: shown.to_owned(),
        n: None,
        score: None,
        low: None,
        high: None,
        words: String::new(),
        range: None,
        shares: Vec::new(),
    };
    match published.view() {
        View::Hidden => nothing("hidden"),
        View::Nobody => nothing("nobody"),
        View::Bound(bound) => Row { n: Some(bound.of), words: bounded(bound, reading), ..nothing("bound") },
        View::Value(histogram) => {
            let row = Row { n: Some(histogram.n()), shares: shares(histogram, reading), ..nothing("value") };
            valued(row, histogram, reading)
        }
    }
}

fn row_of_text(published: &Published<Vec<String>>) -> Row {
    let (shown, n) = match published.view() {
        View::Value(texts) => ("value", u64::try_from(texts.len()).ok()),
        View::Bound(_) | View::Hidden => ("hidden", None),
        View::Nobody => ("nobody", None),
    };
    let (group, everyone, shown) = (frame::words(published.group()), published.group() == EVERYONE, shown.to_owned());
    Row {
        group,
        everyone,
        shown,
        n,
        score: None,
        low: None,
        high: None,
        words: String::new(),
        range: None,
        shares: Vec::new(),
    }
}

/// The row with its score.
fn valued(row: Row, histogram: &Histogram, reading: &Reading<'_>) -> Row {
    match reading {
        Reading::Rating(_, rating) => {
            let score = Score::of(&Tally::of_steps(*rating, histogram.counts()), None);
            let words = score.score.map(|value| unit(*rating, value)).unwrap_or_default();
            let range = score
                .low
                .zip(score.high)
                .map(|(low, high)| format!("{} to {}", unit(*rating, low), unit(*rating, high)));
            Row { score: score.score, low: score.low, high: score.high, words, range, ..row }
        }
        Reading::Options(options) => {
            let counts = histogram.counts();
            let most = (0..counts.len()).rev().max_by_key(|at| counts[*at]);
            let words = most.and_then(|at| Some(format!("{}: {} %", options.get(at)?, percentages(counts)[at])));
            Row { words: words.unwrap_or_default(), ..row }
        }
        Reading::Ticks => {
            let share = super::score::Share::of(histogram.counts()[1], histogram.n(), None);
            let words = share.percent.map(|percent| format!("{} %", rounded(percent, 0))).unwrap_or_default();
            let range =
                share.low.zip(share.high).map(|(low, high)| format!("{} % to {} %", rounded(low, 0), rounded(high, 0)));
            Row { score: share.percent, low: share.low, high: share.high, words, range, ..row }
        }
    }
}

/// What each answer's share is called and is.
fn shares(histogram: &Histogram, reading: &Reading<'_>) -> Vec<(String, u64)> {
    let percent = percentages(histogram.counts()).into_iter();
    match reading {
        // The scores of a questionnaire of several statements are too many to be named.
        Reading::Rating(question, _) if question.statements().is_some() => Vec::new(),
        Reading::Rating(question, _) => {
            let (low, high) = question.points().unwrap_or_default();
            (low..=high).map(|point| question.label(point)).zip(percent).collect()
        }
        Reading::Options(options) => options.iter().cloned().zip(percent).collect(),
        Reading::Ticks => Vec::new(),
    }
}

/// A bound in words.
fn bounded(bound: &Bound<Histogram>, reading: &Reading<'_>) -> String {
    let of = format!("{} of {}", bound.at_least, bound.of);
    match reading {
        Reading::Rating(_, rating) => {
            let score = |histogram: &Histogram| Score::of(&Tally::of_steps(*rating, histogram.counts()), None).score;
            match (score(&bound.low), score(&bound.high)) {
                (Some(low), _) if *bound.buckets.start() > 0 => format!("at or above {}", unit(*rating, low)),
                (_, Some(high)) => format!("at or below {}", unit(*rating, high)),
                _ => String::new(),
            }
        }
        Reading::Options(options) => {
            let named: Vec<&str> =
                options.get(bound.buckets.clone()).unwrap_or_default().iter().map(String::as_str).collect();
            format!("at least {of}: {}", named.join(" or "))
        }
        Reading::Ticks => format!("at least {of} {}", if *bound.buckets.start() == 1 { "chose it" } else { "did not" }),
    }
}

/// A score with its unit.
fn unit(rating: Rating, value: f64) -> String {
    match rating {
        Rating::Enps => format!("{:+}", rounded(value, 0)),
        Rating::Csat(_) => format!("{} %", rounded(value, 0)),
        Rating::UmuxLite | Rating::Sus => format!("{} of 100", rounded(value, 0)),
        Rating::Scale(points) => format!("{:.1} of {}", rounded(value, 1), points.count()),
    }
}

/// A difference of two scores with its unit.
fn signed(rating: Rating, by: f64) -> String {
    match rating {
        Rating::Scale(_) => format!("{:+.1}", rounded(by, 1)),
        Rating::Csat(_) => format!("{:+} percentage points", rounded(by, 0)),
        _ => format!("{:+} points", rounded(by, 0)),
    }
}

impl Report {
    /// The figures for a message.
    pub fn values(&self, survey: &Survey, wave: &Wave) -> Value {
        let mut values = json!(self);
        values["rate"] = self.answered.map(|(_, rate)| format!("{} %", rounded(rate, 0))).into();
        values["answered"] = self.answered.map(|(count, _)| count).into();
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

    /// The published figures as CSV (RFC 4180). A cell that a spreadsheet would take for a formula begins with an apostrophe.
    pub fn csv(&self) -> String {
        let mut lines = vec![line(&[
            "survey", "wave", "question", "version", "group", "shown", "n", "score", "low", "high", "words",
        ])];
        let number = |value: Option<f64>| value.map(|value| rounded(value, 4).to_string()).unwrap_or_default();
        for asked in &self.questions {
            for row in &asked.rows {
                let n = row.n.map(|n| n.to_string()).unwrap_or_default();
                let (score, low, high) = (number(row.score), number(row.low), number(row.high));
                let wave = self.number.to_string();
                lines.push(line(&[
                    &self.title,
                    &wave,
                    &asked.text,
                    &asked.version,
                    &row.group,
                    &row.shown,
                    &n,
                    &score,
                    &low,
                    &high,
                    &row.words,
                ]));
            }
        }
        lines.concat()
    }
}

fn line(cells: &[&str]) -> String {
    let cell = |text: &&str| {
        // Numbers keep their sign; any other text that begins so could be a formula.
        let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
        let text = if is_formula { format!("'{text}") } else { (*text).to_owned() };
        if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    };
    cells.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_of_a_csv_is_a_formula() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2", "-2"),
            ("-2+3", "'-2+3"),
            ("\tx", "'\tx"),
            ("a \"b\", c", "\"a \"\"b\"\", c\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
        ] {
            assert_eq!(line(&[text, "x"]), format!("{cell},x\r\n"));
        }
    }
}
