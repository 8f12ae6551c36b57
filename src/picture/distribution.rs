//! Drawing a distribution: a row for each bar with its label, its bar and its figures.

use super::canvas::{Anchor, Canvas, Drawing, EDGE, Entry, Fill, INK, INNER, Look, SMALL, SOFT, TEXT, WIDTH};
use super::{Bar, Distribution, Highlight, Share, figure, labels, letters};

/// The most bars that are shown.
const MOST: usize = 30;
/// How high a bar is.
const BAR: f64 = 20.0;
/// How high its row is, and how much more for a label of two lines.
const ROW: f64 = 33.0;
const SECOND_LINE: f64 = 10.0;
/// The most that labels may take of the width.
const LABELS: f64 = INNER * 0.40;
/// What is left between labels, bars and figures.
const GAP: f64 = 10.0;
/// The fillings of highlights, in their order.
const FILLS: [Fill; 3] = [Fill::Solid, Fill::Hatched, Fill::Dotted];

/// Where the columns are, and what fills the width of the bars.
struct Columns {
    /// Where labels end.
    labels: f64,
    /// Where bars begin.
    bars: f64,
    /// The longest bar.
    room: f64,
    /// Where percentages end.
    percent: f64,
    /// The share, from 0 to 1, of the longest bar.
    whole: f64,
}

/// A row before it is drawn.
struct Line {
    label: Vec<String>,
    share: Share,
    fill: Fill,
}

/// Draws a distribution.
pub fn draw(chart: &Distribution) -> Drawing {
    let mut canvas = Canvas::new((&chart.title, &chart.question));
    let shown = if chart.bars.len() > MOST { MOST - 1 } else { chart.bars.len() };
    legend(&mut canvas, chart);
    if chart.bars.is_empty() {
        canvas.nothing(labels::NOTHING);
    }
    let lines: Vec<Line> = chart.bars.iter().take(shown).enumerate().map(|(at, bar)| line(chart, at, bar)).collect();
    let columns = columns(&lines);
    if lines.iter().any(|line| matches!(line.share, Share::Known { count: Some(_), .. })) {
        let look = Look { size: SMALL, ink: SOFT, anchor: Anchor::Right };
        canvas.text((WIDTH - EDGE, canvas.y + 12.0), labels::COUNT, look);
        canvas.y += 15.0;
    }
    let top = canvas.y + 4.0;
    for line in &lines {
        row(&mut canvas, line, &columns);
    }
    if !lines.is_empty() {
        canvas.line(&format!("M{:.2} {top:.2}V{:.2}", columns.bars - 1.0, canvas.y - 4.0), (SOFT, 1.5), "");
    }
    let rest = chart.bars.len() - shown;
    if rest > 0 {
        let look = Look { size: SMALL, ink: SOFT, anchor: Anchor::Left };
        canvas.text((columns.bars, canvas.y + 16.0), &labels::more(rest), look);
        canvas.y += 22.0;
    }
    canvas.finish(&chart.note)
}

fn legend(canvas: &mut Canvas, chart: &Distribution) {
    let swatch =
        |fill: Fill| move |canvas: &mut Canvas, (x, y): (f64, f64)| canvas.area((x, y - 11.0), (14.0, 13.0), fill);
    let signs = FILLS.map(swatch);
    let entries: Vec<Entry<'_>> = groups(chart)
        .zip(&signs)
        .map(|(group, sign)| (group.label.clone(), sign as &dyn Fn(&mut Canvas, (f64, f64))))
        .collect();
    if !entries.is_empty() {
        canvas.y -= 4.0;
        canvas.legend(&entries);
        canvas.y += 4.0;
    }
}

/// The highlights of which something is to be seen.
pub fn groups(chart: &Distribution) -> impl Iterator<Item = &Highlight> {
    let is_seen = |at: &usize| chart.bars.get(*at).is_some_and(|bar| share(bar.share).is_some());
    chart.highlights.iter().filter(move |group| group.bars.iter().any(is_seen)).take(FILLS.len())
}

fn line(chart: &Distribution, at: usize, bar: &Bar) -> Line {
    let of_group = groups(chart).zip(FILLS).find(|(group, _)| group.bars.contains(&at)).map(|(_, fill)| fill);
    let others = if groups(chart).next().is_none() { Fill::Solid } else { Fill::Pale };
    let label = letters::wrap(&letters::tidy(&bar.label), TEXT, (LABELS, 2));
    Line { label, share: bar.share, fill: of_group.unwrap_or(others) }
}

fn columns(lines: &[Line]) -> Columns {
    let widest = |widths: &mut dyn Iterator<Item = f64>| widths.fold(0.0, f64::max);
    let label = widest(&mut lines.iter().flat_map(|line| &line.label).map(|label| letters::width(label, TEXT)));
    let percent = widest(&mut lines.iter().filter_map(percent).map(|text| letters::width(&text, TEXT)));
    let count = widest(&mut lines.iter().filter_map(count).map(|text| letters::width(&text, SMALL)));
    let longest = widest(&mut lines.iter().filter_map(|line| share(line.share)));
    // Bars of another chart of the same kind can be compared with these if the scale is one of few.
    let whole = [0.1, 0.2, 0.3, 0.4, 0.5, 0.75].into_iter().find(|whole| longest <= *whole).unwrap_or(1.0);
    let percent_end = WIDTH - EDGE - if count > 0.0 { count + GAP + 4.0 } else { 0.0 };
    let bars = EDGE + label + GAP;
    let room = percent_end - percent - GAP - bars;
    Columns { labels: EDGE + label, bars, room, percent: percent_end, whole }
}

fn share(share: Share) -> Option<f64> {
    match share {
        Share::Known { percent, .. } => Some(figure::length(percent)),
        Share::Hidden => None,
    }
}

fn percent(line: &Line) -> Option<String> {
    match line.share {
        Share::Known { percent, .. } => Some(figure::percent(percent)),
        Share::Hidden => None,
    }
}

fn count(line: &Line) -> Option<String> {
    match line.share {
        Share::Known { count, .. } => count.map(|count| count.to_string()),
        Share::Hidden => None,
    }
}

fn row(canvas: &mut Canvas, line: &Line, columns: &Columns) {
    let height = if line.label.len() > 1 { ROW + SECOND_LINE } else { ROW };
    let middle = canvas.y + height / 2.0;
    canvas.y += height;
    let right = Look { size: TEXT, ink: INK, anchor: Anchor::Right };
    let step = TEXT * 1.2;
    let first = middle + 5.5 - step * (line.label.len().saturating_sub(1)) as f64 / 2.0;
    for (index, label) in line.label.iter().enumerate() {
        canvas.text((columns.labels, first + step * index as f64), label, right);
    }
    let Some(length) = share(line.share) else {
        // The words may take the place of the figures too, since there are none.
        let words = letters::cut(labels::HIDDEN, SMALL, WIDTH - EDGE - columns.bars - 8.0);
        canvas.text((columns.bars + 8.0, middle + 4.5), &words, Look { size: SMALL, ink: SOFT, anchor: Anchor::Left });
        return;
    };
    if length > 0.0 {
        let width = (columns.room * length / columns.whole).max(2.0);
        canvas.area((columns.bars, middle - BAR / 2.0), (width, BAR), line.fill);
    } else {
        canvas.line(&format!("M{:.2} {middle:.2}h6", columns.bars), (SOFT, 1.5), "");
    }
    if let Some(text) = percent(line) {
        canvas.text((columns.percent, middle + 5.5), &text, right);
    }
    if let Some(text) = count(line) {
        let look = Look { size: SMALL, ink: SOFT, anchor: Anchor::Right };
        canvas.text((WIDTH - EDGE, middle + 5.0), &text, look);
    }
}
