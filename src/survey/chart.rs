//! The picture of a wave's results: how the first question that has a score went from wave to wave, or how its answers are
//! spread where there is nothing to compare with.

use super::report::{Asked, Report, Row};
use crate::picture::{Bar, Chart, Distribution, Level, Point, Share, Trend};

/// The picture; none where no score of everybody is shown.
pub fn chart(report: &Report) -> Option<Chart> {
    let shown = |asked: &Asked| asked.rows.iter().any(|row| row.everyone && row.score.is_some());
    let asked = report.questions.iter().find(|asked| shown(asked))?;
    let row = asked.rows.iter().find(|row| row.everyone && row.score.is_some())?;
    if asked.trend.len() > 1 { Some(trend(report, asked)) } else { spread(report, asked, row) }
}

fn trend(report: &Report, asked: &Asked) -> Chart {
    let point = |point: &super::report::Point| Point {
        label: format!("Wave {}", point.number),
        level: Level::Known {
            value: point.score,
            low: point.low.unwrap_or(point.score),
            high: point.high.unwrap_or(point.score),
        },
    };
    Chart::Trend(Trend {
        title: report.title.clone(),
        question: asked.text.clone(),
        points: asked.trend.iter().map(point).collect(),
        ..Trend::default()
    })
}

fn spread(report: &Report, asked: &Asked, row: &Row) -> Option<Chart> {
    let bar = |(label, percent): &(String, u64)| Bar {
        label: label.clone(),
        // Percentages are at most 100.
        share: Share::Known { percent: *percent as f64, count: None },
    };
    (!row.shares.is_empty()).then(|| {
        Chart::Distribution(Distribution {
            title: report.title.clone(),
            question: asked.text.clone(),
            bars: row.shares.iter().map(bar).collect(),
            note: row.n.map(|n| format!("n = {n}")).unwrap_or_default(),
            ..Distribution::default()
        })
    })
}
