//! A chart in words, for who cannot see it.

use super::{Chart, Distribution, Trend, distribution, figure, labels, letters};

/// The most that a text may take, in UTF-16 code units.
pub const MOST: usize = 1000;
/// How long a label may be, the longest first, until all of them fit.
const LABELS: [usize; 5] = [120, 60, 30, 16, 8];
/// How long a title, a question and a note may be.
const TITLE: usize = 120;
const QUESTION: usize = 200;
const NOTE: usize = 160;

/// All that a chart shows.
pub fn words(chart: &Chart) -> String {
    let said = LABELS.iter().map(|label| sentences(chart, *label));
    let mut longest = String::new();
    for text in said {
        if length(&text) <= MOST {
            return text;
        }
        longest = text;
    }
    cut(&longest, MOST)
}

fn sentences(chart: &Chart, label: usize) -> String {
    let (title, question) = chart.heading();
    let (kind, figures) = match chart {
        Chart::Distribution(chart) => ("Bar chart", bars(chart, label)),
        Chart::Trend(chart) => ("Line chart", points(chart, label)),
    };
    let title = tidied(title, TITLE);
    let mut text = if title.is_empty() { kind.to_owned() } else { format!("{kind}, {title}") };
    let question = tidied(question, QUESTION);
    if !question.is_empty() {
        text.push_str(&format!(", “{question}”"));
    }
    let figures = if figures.is_empty() { labels::NOTHING.to_owned() } else { figures };
    text.push_str(&format!(": {figures}."));
    let note = tidied(chart.note(), NOTE);
    if !note.is_empty() {
        text.push_str(&format!(" {note}{}", if note.ends_with(['.', '!', '?', '…']) { "" } else { "." }));
    }
    text
}

fn bars(chart: &Distribution, label: usize) -> String {
    let row = |row: figure::Row| format!("{} {}", tidied(&row.label, label), row.figure).trim().to_owned();
    let rows: Vec<String> = chart.bars.iter().map(|bar| row(figure::of_bar(bar))).collect();
    let mut text = rows.join("; ");
    for group in distribution::groups(chart) {
        let bars = group.bars.iter().filter_map(|at| chart.bars.get(*at));
        let names: Vec<String> = bars.map(|bar| tidied(&bar.label, label)).collect();
        text.push_str(&format!(". Marked as {}: {}", tidied(&group.label, label), names.join(", ")));
    }
    text
}

fn points(chart: &Trend, label: usize) -> String {
    let point = |(index, point): (usize, &super::Point)| {
        let row = figure::of_point(point);
        let is_new = index > 0 && chart.breaks.contains(&index);
        let changed = if is_new { format!("then {}; ", labels::BREAK) } else { String::new() };
        format!("{changed}{} {}", tidied(&row.label, label), row.figure)
    };
    chart.points.iter().enumerate().map(point).collect::<Vec<_>>().join("; ")
}

fn tidied(text: &str, most: usize) -> String {
    cut(&letters::tidy(text), most)
}

fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

fn cut(text: &str, most: usize) -> String {
    if length(text) <= most {
        return text.to_owned();
    }
    let mut room = most - 1;
    let fits = |letter: &char| room.checked_sub(letter.len_utf16()).map(|left| room = left).is_some();
    let kept: String = text.chars().take_while(fits).collect();
    format!("{}…", kept.trim_end())
}
