//! One figure of a question: who it is of, what it is in numbers and in words.

use serde::{Deserialize, Serialize};

use super::Asked;
use crate::catalogue::survey::Question;
use crate::catalogue::survey::kind::Rating;
use crate::survey::figures::Figures;
use crate::survey::frame;
use crate::survey::percent::{percentages, rounded};
use crate::survey::privacy::{Bound, EVERYONE, Histogram, Published, View};
use crate::survey::score::{Score, Share};
use crate::survey::tally::Tally;

/// One figure.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
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

/// What is shown of a question by itself: its figures, and what was written.
pub(super) fn asked(question: &Question, figures: &Figures) -> Asked {
    let mut comments = Vec::new();
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
        Figures::Text(groups) => {
            let everyone = groups.iter().find(|group| group.group() == EVERYONE);
            if let Some(View::Value(texts)) = everyone.map(Published::view) {
                comments.clone_from(texts);
            }
            groups.iter().map(row_of_text).collect()
        }
    };
    let (name, text, version) = (question.name.clone(), question.text.clone(), question.version());
    Asked { name, text, version, rows, comments, change: None, timing: None, trend: Vec::new() }
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

fn blank<T>(published: &Published<T>, shown: &str) -> Row {
    let everyone = published.group() == EVERYONE;
    Row { group: frame::words(published.group()), everyone, shown: shown.to_owned(), ..Row::default() }
}

fn row(published: &Published<Histogram>, reading: &Reading<'_>) -> Row {
    match published.view() {
        View::Hidden => blank(published, "hidden"),
        View::Nobody => blank(published, "nobody"),
        View::Bound(bound) => Row { n: Some(bound.of), words: bounded(bound, reading), ..blank(published, "bound") },
        View::Value(histogram) => {
            let shares = shares(histogram, reading);
            valued(Row { n: Some(histogram.n()), shares, ..blank(published, "value") }, histogram, reading)
        }
    }
}

fn row_of_text(published: &Published<Vec<String>>) -> Row {
    match published.view() {
        View::Value(texts) => Row { n: u64::try_from(texts.len()).ok(), ..blank(published, "value") },
        View::Bound(_) | View::Hidden => blank(published, "hidden"),
        View::Nobody => blank(published, "nobody"),
    }
}

/// The row with its score.
fn valued(row: Row, histogram: &Histogram, reading: &Reading<'_>) -> Row {
    match reading {
        Reading::Rating(_, rating) => {
            let score = Score::of(&Tally::of_steps(*rating, histogram.counts()), None);
            let words = score.score.map(|value| unit(*rating, value)).unwrap_or_default();
            let range = score.low.zip(score.high).map(|(low, high)| ends(*rating, (low, high)));
            Row { score: score.score, low: score.low, high: score.high, words, range, ..row }
        }
        Reading::Options(options) => {
            let counts = histogram.counts();
            let most = (0..counts.len()).rev().max_by_key(|at| counts[*at]);
            let words = most.and_then(|at| Some(format!("{}: {} %", options.get(at)?, percentages(counts)[at])));
            Row { words: words.unwrap_or_default(), ..row }
        }
        Reading::Ticks => {
            let share = Share::of(histogram.counts()[1], histogram.n(), None);
            let words = share.percent.map(|percent| format!("{} %", rounded(percent, 0))).unwrap_or_default();
            let range =
                share.low.zip(share.high).map(|(low, high)| format!("{} to {} %", rounded(low, 0), rounded(high, 0)));
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
pub(super) fn unit(rating: Rating, value: f64) -> String {
    match rating {
        Rating::Enps => format!("{:+}", rounded(value, 0)),
        Rating::Csat(_) => format!("{} %", rounded(value, 0)),
        Rating::UmuxLite | Rating::Sus => format!("{} of 100", rounded(value, 0)),
        Rating::Scale(points) => format!("{:.1} of {}", rounded(value, 1), points.count()),
    }
}

/// The ends of an interval, within the scale: a mean of five points is never above five.
fn ends(rating: Rating, (low, high): (f64, f64)) -> String {
    match rating {
        Rating::Enps => format!("{:+} to {:+}", rounded(low, 0), rounded(high, 0)),
        Rating::Csat(_) => format!("{} to {} %", rounded(low, 0), rounded(high, 0)),
        Rating::UmuxLite | Rating::Sus => {
            format!("{} to {}", rounded(low.max(0.0), 0), rounded(high.min(100.0), 0))
        }
        Rating::Scale(points) => {
            format!("{:.1} to {:.1}", rounded(low.max(1.0), 1), rounded(high.min(f64::from(points.count())), 1))
        }
    }
}

/// A difference of two scores with its unit.
pub(super) fn signed(rating: Rating, by: f64) -> String {
    match rating {
        Rating::Scale(_) => format!("{:+.1}", rounded(by, 1)),
        Rating::Csat(_) => format!("{:+} percentage points", rounded(by, 0)),
        _ => format!("{:+} points", rounded(by, 0)),
    }
}
