//! Cards as neat text: wrapped to a width, in colours or plain, and never more than text.

use super::paint::{Ink, Line, Paint, wrap};
use crate::chat::{Action, Card, Progress, Tone};
use crate::markdown::{Block, Inline, is_safe, parse};
use crate::picture::Chart;

/// How text is shown.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// Whether colours are understood.
    pub colours: bool,
}

/// The widest that text is set, in columns: longer lines are hard to read.
const WIDEST: usize = 100;
/// The narrowest, in columns; a terminal that is narrower wraps by itself.
const NARROWEST: usize = 24;
/// The columns of a progress bar.
const BAR: usize = 24;
/// The columns of the bar of a whole, where shares are shown.
const SHARE: usize = 20;

/// A card as text, which ends with a line break. Its buttons have the numbers that press them.
pub fn render(card: &Card, look: Look) -> String {
    let width = look.width.clamp(NARROWEST, WIDEST) - 2;
    let mut page = Page { lines: Vec::new(), width };
    page.title(card);
    page.blocks(&parse(&card.body), "  ");
    if let Some(picture) = &card.picture {
        page.chart(&picture.chart);
    }
    if let Some(progress) = &card.progress {
        page.progress(progress, card.tone);
    }
    page.facts(&card.facts);
    for (index, button) in card.buttons.iter().enumerate() {
        let mut text = vec![(Ink::Strong, format!("[{}] ", index + 1)), (Ink::Plain, button.label.clone())];
        if let Action::Open(url) = &button.action
            && is_safe(url)
        {
            text.push((Ink::Soft, format!(" → {url}")));
        }
        page.text(text, "  ", "      ");
    }
    if let Some(note) = &card.footnote {
        page.text(vec![(Ink::Soft, note.clone())], "  ", "  ");
    }
    page.print(look)
}

/// How far work is, as one line with its line break.
pub fn progress(progress: &Progress, tone: Tone, look: Look) -> String {
    let mut page = Page { lines: Vec::new(), width: look.width.clamp(NARROWEST, WIDEST) - 2 };
    page.progress(progress, tone);
    page.print(look)
}

/// The sign of a tone, and its colour.
fn sign(tone: Tone) -> (Ink, &'static str) {
    match tone {
        Tone::Neutral => (Ink::Soft, "•"),
        Tone::Active => (Ink::Active, "◌"),
        Tone::Waiting => (Ink::Waiting, "…"),
        Tone::Good => (Ink::Good, "✓"),
        Tone::Bad => (Ink::Bad, "✗"),
    }
}

/// Lines as they are gathered.
struct Page {
    lines: Vec<Line>,
    width: usize,
}

impl Page {
    fn print(&self, look: Look) -> String {
        let paint = Paint { colours: look.colours };
        self.lines.iter().map(|line| paint.line(line) + "\n").collect()
    }

    /// Wraps text; the first line begins with `first`, the others with `rest`, which are of the same width.
    fn text(&mut self, text: Vec<(Ink, String)>, first: &str, rest: &str) {
        let room = self.width.saturating_sub(rest.chars().count() - 2).max(8);
        for (index, mut line) in wrap(&text, room).into_iter().enumerate() {
            line.insert(0, (Ink::Plain, if index == 0 { first } else { rest }.to_owned()));
            self.lines.push(line);
        }
    }

    fn title(&mut self, card: &Card) {
        let (ink, sign) = sign(card.tone);
        let begin = self.lines.len();
        self.text(vec![(Ink::Strong, card.title.clone())], "  ", "  ");
        if let Some(first) = self.lines.get_mut(begin) {
            first[0] = (ink, format!("{sign} "));
        }
    }

    fn blocks(&mut self, blocks: &[Block], indent: &str) {
        for block in blocks {
            match block {
                Block::Paragraph(inlines) => self.text(runs(inlines, Ink::Plain), indent, indent),
                Block::Heading(inlines) => self.text(runs(inlines, Ink::Strong), indent, indent),
                Block::Code(text) => {
                    let indent = format!("{indent}  ");
                    for line in text.trim_end().lines() {
                        self.text(vec![(Ink::Code, line.replace('\t', "    "))], &indent, &indent);
                    }
                }
                Block::Quote(inner) => self.blocks(inner, &format!("{indent}│ ")),
                Block::List { numbered, items } => self.list(*numbered, items, indent),
                Block::Rule => self.text(vec![(Ink::Soft, "─".repeat(BAR))], indent, indent),
            }
        }
    }

    fn list(&mut self, numbered: bool, items: &[Vec<Block>], indent: &str) {
        for (index, item) in items.iter().enumerate() {
            let mark = if numbered { format!("{}. ", index + 1) } else { "• ".to_owned() };
            let begin = self.lines.len();
            self.blocks(item, &format!("{indent}{}", " ".repeat(mark.chars().count())));
            if let Some(first) = self.lines.get_mut(begin) {
                first[0] = (Ink::Plain, format!("{indent}{mark}"));
            }
        }
    }

    fn facts(&mut self, facts: &[(String, String)]) {
        let longest = facts.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0).min(self.width / 3);
        for (label, value) in facts {
            let label = format!("{label:longest$}  ");
            let rest = " ".repeat(longest + 4);
            self.text(vec![(Ink::Soft, label), (Ink::Plain, value.clone())], "  ", &rest);
        }
    }

    /// Figures as lines, with bars where they are shares.
    fn chart(&mut self, chart: &Chart) {
        let soft = |page: &mut Self, text: &str| {
            if !text.trim().is_empty() {
                page.text(vec![(Ink::Soft, text.to_owned())], "  ", "  ");
            }
        };
        let (title, question) = chart.heading();
        soft(self, title);
        soft(self, question);
        let rows = chart.rows();
        if rows.is_empty() {
            soft(self, crate::picture::labels::NOTHING);
        }
        let longest = rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(0).min(self.width / 3);
        for row in rows {
            let mut text = vec![(Ink::Plain, format!("{:longest$}  ", cut(&row.label, longest)))];
            if let Some(bar) = row.bar {
                let full = (bar * SHARE as f64).round() as usize;
                text.push((Ink::Active, "█".repeat(full)));
                text.push((Ink::Soft, "░".repeat(SHARE - full)));
                text.push((Ink::Plain, "  ".into()));
            }
            text.push((Ink::Plain, row.figure));
            self.text(text, "  ", &" ".repeat(longest + 4));
        }
        chart.groups().iter().for_each(|group| soft(self, group));
        soft(self, chart.note());
    }

    fn progress(&mut self, progress: &Progress, tone: Tone) {
        let percent = usize::from(progress.percent.min(100));
        let full = percent * BAR / 100;
        let bar = [(sign(tone).0, "█".repeat(full)), (Ink::Soft, "░".repeat(BAR - full))];
        let mut text = bar.to_vec();
        text.push((Ink::Plain, format!(" {percent:3} %  {}", progress.label)));
        self.text(text, "  ", "  ");
    }
}

/// The text if it has no more letters, else its beginning and an ellipsis; in one line.
fn cut(text: &str, most: usize) -> String {
    let text: String = text.chars().map(|c| if c == '\n' { ' ' } else { c }).collect();
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Inlines as runs of one ink each.
fn runs(inlines: &[Inline], ink: Ink) -> Vec<(Ink, String)> {
    let mut out = Vec::new();
    for inline in inlines {
        match inline {
            Inline::Text(text) => out.push((ink, text.clone())),
            Inline::Bold(inner) => out.extend(runs(inner, Ink::Strong)),
            Inline::Italic(inner) | Inline::Strike(inner) => out.extend(runs(inner, ink)),
            Inline::Code(text) => out.push((Ink::Code, text.clone())),
            Inline::Link { url, text } => {
                let shown = crate::markdown::plain_inline(text);
                out.extend(runs(text, Ink::Link));
                if shown != *url {
                    out.push((Ink::Soft, format!(" ({url})")));
                }
            }
            Inline::Break => out.push((ink, "\n".into())),
        }
    }
    out
}
