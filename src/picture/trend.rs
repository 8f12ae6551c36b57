//! Drawing a trend: a line with an interval at each point, and a gap wherever it may not lead on.

use std::fmt::Write as _;

use super::canvas::{Anchor, Canvas, DEEP, Drawing, EDGE, Entry, Fill, GRID, INK, Look, SMALL, SOFT, TEXT, WIDTH};
use super::{Level, Trend, figure, labels, letters};

/// The most points that are shown.
const MOST: usize = 30;
/// How high the plot is, and how high where there is nothing to plot.
const HEIGHT: f64 = 220.0;
const LOW: f64 = 56.0;
/// What stays free above the highest whisker, for its figure.
const HEADROOM: f64 = 24.0;
/// What stays free between two texts that stand beside each other.
const GAP: f64 = 10.0;
/// The widest label of a point.
const LABEL: f64 = 110.0;
/// Half the width of a whisker's end.
const WHISKER: f64 = 5.0;

/// A point before it is drawn.
struct Mark {
    x: f64,
    label: String,
    level: Level,
    /// Figure and interval, if they can be drawn.
    known: Option<(f64, f64, f64)>,
    /// Whether it answers another question than the one before it.
    is_new: bool,
}

/// The figures beside the plot, and where a figure lies.
struct Scale {
    low: f64,
    high: f64,
    step: f64,
    /// Where the plot begins at the top, and at the left.
    top: f64,
    left: f64,
    height: f64,
}

impl Scale {
    fn new(marks: &[Mark], top: f64) -> Self {
        let ends = || marks.iter().filter_map(|mark| mark.known);
        let low = ends().map(|(_, low, _)| low).fold(f64::INFINITY, f64::min);
        let high = ends().map(|(_, _, high)| high).fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = if low < high { (low, high) } else { (low.min(0.0) - 1.0, high.max(0.0) + 1.0) };
        let (low, high) = if low.is_finite() && high.is_finite() { (low, high) } else { (0.0, 1.0) };
        let step = step((high - low) / 4.0);
        let ends = ((low / step).floor() * step, (high / step).ceil() * step);
        let mut scale = Self { low: ends.0, high: ends.1, step, top, left: EDGE, height: HEIGHT };
        if marks.iter().all(|mark| mark.known.is_none()) {
            scale.height = LOW;
            return scale;
        }
        let widest = scale.ticks().map(|tick| letters::width(&scale.label(tick), SMALL)).fold(0.0, f64::max);
        scale.left = EDGE + widest + GAP;
        scale
    }

    fn ticks(&self) -> impl Iterator<Item = f64> + use<> {
        let (low, step) = (self.low, self.step);
        let count = ((self.high - self.low) / self.step).round().clamp(1.0, 12.0) as usize;
        (0..=count).map(move |nth| low + step * nth as f64)
    }

    fn label(&self, tick: f64) -> String {
        let digits = (-self.step.log10().floor()).clamp(0.0, 6.0) as usize;
        figure::signed(tick, digits)
    }

    fn y(&self, figure: f64) -> f64 {
        let share = ((figure - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.top + HEADROOM + (self.height - HEADROOM) * (1.0 - share)
    }

    fn bottom(&self) -> f64 {
        self.top + self.height
    }
}

/// The next of 1, 2, 5, 10, 20, … that is no less.
fn step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let of_power = [1.0, 2.0, 5.0].into_iter().map(|digit| digit * power).find(|step| *step >= least * 0.999);
    of_power.unwrap_or(10.0 * power)
}

/// Draws a trend.
pub fn draw(chart: &Trend) -> Drawing {
    let mut canvas = Canvas::new((&chart.title, &chart.question));
    if chart.points.is_empty() {
        canvas.nothing(labels::NOTHING);
        return canvas.finish(&chart.note);
    }
    let left_out = chart.points.len().saturating_sub(MOST);
    let mut marks = marks(chart, left_out);
    let scale = Scale::new(&marks, canvas.y - 10.0);
    place(&mut marks, &scale);
    if marks.iter().any(|mark| mark.known.is_some()) {
        grid(&mut canvas, &scale);
    }
    let bottom = scale.bottom();
    canvas.line(&format!("M{:.2} {bottom:.2}H{:.2}", scale.left, WIDTH - EDGE), (SOFT, 1.5), "");
    breaks(&mut canvas, &marks, &scale);
    lines(&mut canvas, &marks, &scale);
    figures(&mut canvas, &marks, &scale);
    moments(&mut canvas, &marks, &scale);
    canvas.y = bottom + 26.0;
    legend(&mut canvas, &marks);
    let earlier = if left_out > 0 { labels::earlier(left_out) } else { String::new() };
    canvas.finish(format!("{earlier} {}", chart.note).trim())
}

fn marks(chart: &Trend, left_out: usize) -> Vec<Mark> {
    let shown = chart.points.iter().enumerate().skip(left_out);
    let mark = |(index, point): (usize, &super::Point)| Mark {
        x: 0.0,
        label: letters::tidy(&point.label),
        level: point.level,
        known: figure::level(point.level),
        is_new: index > left_out && chart.breaks.contains(&index),
    };
    shown.map(mark).collect()
}

fn place(marks: &mut [Mark], scale: &Scale) {
    let slot = (WIDTH - EDGE - scale.left) / marks.len() as f64;
    for (index, mark) in marks.iter_mut().enumerate() {
        mark.x = scale.left + slot * (index as f64 + 0.5);
    }
}

fn grid(canvas: &mut Canvas, scale: &Scale) {
    for tick in scale.ticks() {
        let y = scale.y(tick);
        canvas.line(&format!("M{:.2} {y:.2}H{:.2}", scale.left, WIDTH - EDGE), (GRID, 1.0), "");
        let look = Look { size: SMALL, ink: SOFT, anchor: Anchor::Right };
        canvas.text((scale.left - GAP + 2.0, y + 4.5), &scale.label(tick), look);
    }
}

fn breaks(canvas: &mut Canvas, marks: &[Mark], scale: &Scale) {
    for pair in marks.windows(2).filter(|pair| pair[1].is_new) {
        let x = f64::midpoint(pair[0].x, pair[1].x);
        let path = format!("M{x:.2} {:.2}V{:.2}", scale.top + HEADROOM / 2.0, scale.bottom());
        canvas.line(&path, (SOFT, 1.5), "5 4");
    }
}

/// Whiskers, lines and dots, in that order.
fn lines(canvas: &mut Canvas, marks: &[Mark], scale: &Scale) {
    for (mark, (_, low, high)) in marks.iter().filter_map(|mark| Some((mark, mark.known?))) {
        let (x, top, bottom) = (mark.x, scale.y(high), scale.y(low));
        let end = |y: f64| format!("M{:.2} {y:.2}h{:.2}", x - WHISKER, 2.0 * WHISKER);
        let path = format!("M{x:.2} {top:.2}V{bottom:.2}{}{}", end(top), end(bottom));
        if high > low {
            canvas.line(&path, (DEEP, 1.5), "");
        }
    }
    let mut path = String::new();
    for (index, mark) in marks.iter().enumerate() {
        let Some((value, ..)) = mark.known else { continue };
        let leads_on = index > 0 && marks[index - 1].known.is_some() && !mark.is_new;
        let _ = write!(path, "{}{:.2} {:.2}", if leads_on { 'L' } else { 'M' }, mark.x, scale.y(value));
    }
    canvas.line(&path, (DEEP, 2.5), "");
    // Many dots beside each other are smaller, so that the line is seen between them.
    let dot = if marks.len() > 12 { 3.0 } else { 4.5 };
    for mark in marks {
        match (mark.known, mark.level) {
            (Some((value, ..)), _) => canvas.dot((mark.x, scale.y(value)), dot),
            (None, Level::Hidden) => hidden(canvas, (mark.x - 6.0, scale.bottom() - 2.0)),
            (None, _) => missing(canvas, (mark.x - 6.0, scale.bottom() - 2.0)),
        }
    }
}

/// The sign of a hidden point, above a line.
fn hidden(canvas: &mut Canvas, (x, y): (f64, f64)) {
    canvas.area((x, y - 11.0), (12.0, 12.0), Fill::Hatched);
}

/// The sign of a point without a figure, above a line.
fn missing(canvas: &mut Canvas, (x, y): (f64, f64)) {
    canvas.line(&format!("M{:.2} {:.2}l8 8m0 -8l-8 8", x + 2.0, y - 9.0), (SOFT, 2.0), "");
}

/// The sign of a changed question, above a line.
fn changed(canvas: &mut Canvas, (x, y): (f64, f64)) {
    canvas.line(&format!("M{:.2} {:.2}V{:.2}", x + 6.0, y - 13.0, y + 3.0), (SOFT, 1.5), "4 3");
}

/// The figures at the points: all of them where there is room, else the last, the highest and the lowest.
fn figures(canvas: &mut Canvas, marks: &[Mark], scale: &Scale) {
    let known: Vec<(usize, f64, String)> = marks
        .iter()
        .enumerate()
        .filter_map(|(at, mark)| mark.known.map(|(value, ..)| (at, value, figure::number(value))))
        .collect();
    let half = |text: &str| letters::width(text, TEXT) / 2.0;
    let widest = known.iter().map(|(_, _, text)| 2.0 * half(text)).fold(0.0, f64::max);
    if widest + 4.0 <= (WIDTH - EDGE - scale.left) / marks.len() as f64 {
        for (at, _, text) in &known {
            figure(canvas, (&marks[*at], text), (scale, true));
        }
        return;
    }
    let by_value = |one: &&(usize, f64, String), other: &&(usize, f64, String)| one.1.total_cmp(&other.1);
    let lowest = known.iter().min_by(by_value);
    let mut taken: Vec<(f64, f64)> = Vec::new();
    for (at, _, text) in known.last().into_iter().chain(known.iter().max_by(by_value)).chain(lowest) {
        let mark = &marks[*at];
        let ends = (mark.x - half(text) - GAP, mark.x + half(text) + GAP);
        if taken.iter().all(|other| ends.1 <= other.0 || other.1 <= ends.0) {
            taken.push(ends);
            figure(canvas, (mark, text), (scale, is_above(marks, *at)));
        }
    }
}

/// Whether there is more room over a point than under it: its neighbours are no higher.
fn is_above(marks: &[Mark], at: usize) -> bool {
    let value = |at: usize| marks.get(at).and_then(|mark| mark.known).map(|(value, ..)| value);
    let around = [at.checked_sub(1).and_then(value), value(at + 1)];
    let higher: f64 = around.into_iter().flatten().map(|near| near - value(at).unwrap_or(near)).sum();
    higher <= 0.0
}

fn figure(canvas: &mut Canvas, (mark, text): (&Mark, &str), (scale, above): (&Scale, bool)) {
    let Some((_, low, high)) = mark.known else { return };
    let x = mark.x.min(WIDTH - EDGE + 8.0 - letters::width(text, TEXT) / 2.0);
    let below = scale.y(low) + 18.0;
    let y = if above || below > scale.bottom() - 4.0 { scale.y(high) - 7.0 } else { below };
    canvas.text((x, y), text, Look { size: TEXT, ink: INK, anchor: Anchor::Middle });
}

/// What is said of time under the plot, as much of it as there is room for, the last one first.
fn moments(canvas: &mut Canvas, marks: &[Mark], scale: &Scale) {
    let mut end = f64::INFINITY;
    for mark in marks.iter().rev() {
        let label = letters::cut(&mark.label, SMALL, LABEL);
        let half = letters::width(&label, SMALL) / 2.0;
        let x = mark.x.clamp(GAP + half, WIDTH - GAP - half);
        if x + half + GAP > end {
            continue;
        }
        end = x - half;
        canvas.line(&format!("M{:.2} {:.2}v4", mark.x, scale.bottom()), (SOFT, 1.5), "");
        let look = Look { size: SMALL, ink: SOFT, anchor: Anchor::Middle };
        canvas.text((x, scale.bottom() + 20.0), &label, look);
    }
}

fn legend(canvas: &mut Canvas, marks: &[Mark]) {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    if marks.iter().any(|mark| mark.is_new) {
        entries.push((labels::BREAK.into(), &changed));
    }
    if marks.iter().any(|mark| mark.level == Level::Hidden) {
        entries.push((labels::HIDDEN.into(), &hidden));
    }
    if marks.iter().any(|mark| mark.known.is_none() && mark.level != Level::Hidden) {
        entries.push((labels::NOTHING.into(), &missing));
    }
    canvas.legend(&entries);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (least, found) in [(1.0, 1.0), (1.1, 2.0), (2.6, 5.0), (7.0, 10.0), (0.03, 0.05), (48.0, 50.0)] {
            assert!((step(least) / found - 1.0).abs() < 1e-9, "{least}: {}", step(least));
        }
    }

    fn scale(levels: &[(f64, f64, f64)]) -> Scale {
        let mark = |&(value, low, high): &(f64, f64, f64)| Mark {
            x: 0.0,
            label: String::new(),
            level: Level::Missing,
            known: Some((value, low, high)),
            is_new: false,
        };
        Scale::new(&levels.iter().map(mark).collect::<Vec<_>>(), 0.0)
    }

    #[test]
    fn every_figure_lies_within_the_plot() {
        for levels in [
            vec![(5.0, 5.0, 5.0)],
            vec![(-1e12, -1e12, 1e12)],
            vec![(0.001, 0.0005, 0.002), (0.0, 0.0, 0.0)],
            vec![(62.0, 54.0, 70.0), (71.0, 66.0, 76.0)],
        ] {
            let scale = scale(&levels);
            assert!((2..=12).contains(&scale.ticks().count()), "{levels:?}: {}", scale.ticks().count());
            for (_, low, high) in levels {
                let (top, bottom) = (scale.y(high), scale.y(low));
                assert!(scale.top + HEADROOM - 0.01 <= top && top <= bottom && bottom <= scale.bottom() + 0.01);
            }
        }
        let labels: Vec<String> = {
            let scale = scale(&[(-12.0, -30.0, 8.0)]);
            scale.ticks().map(|tick| scale.label(tick)).collect()
        };
        assert_eq!(labels, ["−30", "−20", "−10", "0", "10"]);
    }
}
