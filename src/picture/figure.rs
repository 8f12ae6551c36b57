//! Figures as text: rounded once, here, half away from zero.

use super::labels;
use super::{Bar, Distribution, Highlight, Level, Point, Share};

/// Beyond it a figure is a mistake, and is not drawn.
const MOST: f64 = 1e12;

/// A line of a chart in text.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is about.
    pub label: String,
    /// How long its bar is, from 0 to 1; none where there is no bar.
    pub bar: Option<f64>,
    /// The figure in words.
    pub figure: String,
}

/// Whether a figure can be drawn.
pub fn is_sane(figure: f64) -> bool {
    figure.is_finite() && figure.abs() <= MOST
}

/// A figure with one digit after the point, or none where that digit is 0.
pub fn number(figure: f64) -> String {
    let tenths = (figure * 10.0).round();
    let digits = usize::from(tenths % 10.0 != 0.0);
    signed(tenths / 10.0, digits)
}

/// A figure with so many digits, and a minus sign that is as wide as a plus.
pub fn signed(figure: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", figure.abs());
    let is_zero = text.bytes().all(|b| matches!(b, b'0' | b'.'));
    if figure < 0.0 && !is_zero { format!("−{text}") } else { text }
}

/// A share: `62 %`.
pub fn percent(percent: f64) -> String {
    if is_sane(percent) { format!("{} %", number(percent)) } else { labels::NOTHING.to_owned() }
}

/// How long the bar of a share is, from 0 to 1.
pub fn length(percent: f64) -> f64 {
    if is_sane(percent) { (percent / 100.0).clamp(0.0, 1.0) } else { 0.0 }
}

/// A point's figure and its interval in order; none if it cannot be drawn.
pub fn level(level: Level) -> Option<(f64, f64, f64)> {
    let Level::Known { value, low, high } = level else { return None };
    [value, low, high].into_iter().all(is_sane).then(|| (value, low.min(high), high.max(low)))
}

/// A bar as a line of text.
pub fn of_bar(bar: &Bar) -> Row {
    let (length, figure) = match bar.share {
        Share::Known { percent, count: None } => (Some(length(percent)), self::percent(percent)),
        Share::Known { percent, count: Some(count) } => {
            (Some(length(percent)), format!("{} ({count})", self::percent(percent)))
        }
        Share::Hidden => (None, labels::HIDDEN.to_owned()),
    };
    Row { label: bar.label.clone(), bar: length, figure }
}

/// A group of bars as a line of text.
pub fn of_group(chart: &Distribution, group: &Highlight) -> String {
    let bars = group.bars.iter().filter_map(|at| chart.bars.get(*at));
    format!("{}: {}", group.label, bars.map(|bar| bar.label.as_str()).collect::<Vec<_>>().join(", "))
}

/// A point as a line of text.
pub fn of_point(point: &Point) -> Row {
    let figure = match (point.level, level(point.level)) {
        (Level::Hidden, _) => labels::HIDDEN.to_owned(),
        (_, Some((value, low, high))) if low < high => {
            format!("{} ({} to {})", number(value), number(low), number(high))
        }
        (_, Some((value, ..))) => number(value),
        (_, None) => labels::NOTHING.to_owned(),
    };
    Row { label: point.label.clone(), bar: None, figure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rounded_half_away_from_zero() {
        for (figure, text) in [
            (62.0, "62"),
            (62.25, "62.3"),
            (-62.25, "−62.3"),
            (0.04, "0"),
            (-0.04, "0"),
            (99.96, "100"),
            (1234.5, "1234.5"),
        ] {
            assert_eq!(number(figure), text);
        }
        assert_eq!((percent(12.5).as_str(), percent(f64::NAN).as_str()), ("12.5 %", "no figures"));
    }

    #[test]
    fn intervals_are_in_order_and_of_numbers() {
        let known = |value, low, high| Level::Known { value, low, high };
        assert_eq!(level(known(1.0, 3.0, 0.0)), Some((1.0, 0.0, 3.0)));
        assert_eq!(level(known(1.0, f64::NEG_INFINITY, 2.0)), None);
        assert_eq!(level(known(1e300, 1.0, 2.0)), None);
        let row = |level| of_point(&Point { label: String::new(), level }).figure;
        assert_eq!(row(known(-4.0, -9.5, 1.0)), "−4 (−9.5 to 1)");
        assert_eq!(row(known(4.0, 4.0, 4.0)), "4");
        assert_eq!(row(Level::Missing), "no figures");
    }
}
