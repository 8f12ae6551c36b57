//! The paper that charts are drawn on: its size, its colours and patterns, and the SVG of what is put there.

use std::fmt::Write as _;

use super::letters::{self, FAMILY};

/// How wide every picture is. Chats show pictures about so wide, telephones two thirds of it.
pub const WIDTH: f64 = 520.0;
/// What is left free at the edges.
pub const EDGE: f64 = 24.0;
/// What is left for a chart between them.
pub const INNER: f64 = WIDTH - 2.0 * EDGE;

/// The size of a title.
const TITLE: f64 = 20.0;
/// The size of most text.
pub const TEXT: f64 = 15.0;
/// The size of what is beside the point.
pub const SMALL: f64 = 13.0;
/// How far lines of a text are apart, as a share of its size.
const LEADING: f64 = 1.35;

/// The paper. It is light in every surrounding, and not as bright as white.
pub const PAPER: &str = "#f8f7f3";
/// Its edge, so that it is seen on a page that is as light.
const FRAME: &str = "#83888a";
/// Text.
pub const INK: &str = "#1b2125";
/// Text that is beside the point.
pub const SOFT: &str = "#525b61";
/// Lines that help to read.
pub const GRID: &str = "#d9d7cf";
/// Bars and lines.
pub const DEEP: &str = "#0f5f5b";
/// Bars that are not meant.
const PALE: &str = "#d3e2df";

/// How an area is filled. They differ in light and dark and in pattern, so that no colour has to be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// Dark.
    Solid,
    /// Slanted lines.
    Hatched,
    /// Dots.
    Dotted,
    /// Light, with an edge.
    Pale,
}

/// Where a text is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// At its left end.
    Left,
    /// In its middle.
    Middle,
    /// At its right end.
    Right,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Its size.
    pub size: f64,
    /// Its colour.
    pub ink: &'static str,
    /// Where it is held.
    pub anchor: Anchor,
}

/// A finished drawing.
pub struct Drawing {
    /// As SVG.
    pub svg: String,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

/// The paper while it is drawn on.
pub struct Canvas {
    body: String,
    /// How far down it is full.
    pub y: f64,
}

/// A text as it may stand in XML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// An entry of a legend: what it says, and what draws its mark at a place.
pub type Entry<'a> = (String, &'a dyn Fn(&mut Canvas, (f64, f64)));

impl Canvas {
    /// Paper with a heading; what stands in it is tidied.
    pub fn new((title, question): (&str, &str)) -> Self {
        let mut canvas = Self { body: String::new(), y: EDGE - 6.0 };
        let title = letters::tidy(title);
        let title = if title.is_empty() { super::labels::UNTITLED.to_owned() } else { title };
        canvas.paragraph(&title, (TITLE, INK), 2);
        let question = letters::tidy(question);
        if !question.is_empty() {
            canvas.y += 4.0;
            canvas.paragraph(&question, (TEXT, SOFT), 3);
        }
        canvas.y += 16.0;
        canvas
    }

    /// A text across the paper, of at most so many lines; it begins at the side where its writing begins.
    pub fn paragraph(&mut self, text: &str, (size, ink): (f64, &'static str), lines: usize) {
        let (x, anchor) = match letters::is_backward(text) {
            true => (WIDTH - EDGE, Anchor::Right),
            false => (EDGE, Anchor::Left),
        };
        for line in letters::wrap(text, size, (INNER, lines)) {
            self.y += size * LEADING;
            self.text((x, self.y), &line, Look { size, ink, anchor });
        }
    }

    /// A text whose letters stand on a line.
    pub fn text(&mut self, (x, y): (f64, f64), text: &str, Look { size, ink, anchor }: Look) {
        let anchor = match anchor {
            Anchor::Left => "start",
            Anchor::Middle => "middle",
            Anchor::Right => "end",
        };
        // Its own direction is said by marks: the drawing's is from left to right.
        let (open, close) = if letters::is_backward(text) { ("\u{2067}", "\u{2069}") } else { ("", "") };
        let _ = write!(
            self.body,
            "<text x=\"{x:.2}\" y=\"{y:.2}\" font-size=\"{size}\" fill=\"{ink}\" text-anchor=\"{anchor}\" \
             stroke=\"{PAPER}\" stroke-width=\"3\" stroke-linejoin=\"round\" paint-order=\"stroke\">{open}{}{close}</text>",
            escape(text)
        );
    }

    /// An area of a width and a height.
    pub fn area(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: Fill) {
        let (fill, edge) = match fill {
            Fill::Solid => (DEEP, 0.0),
            Fill::Hatched => ("url(#hatched)", 1.5),
            Fill::Dotted => ("url(#dotted)", 1.5),
            Fill::Pale => (PALE, 1.5),
        };
        // The edge lies within the area.
        let (x, y) = (x + edge / 2.0, y + edge / 2.0);
        let (width, height) = ((width - edge).max(0.5), (height - edge).max(0.5));
        let _ = write!(
            self.body,
            "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" rx=\"2\" fill=\"{fill}\" \
             stroke=\"{DEEP}\" stroke-width=\"{edge}\"/>"
        );
    }

    /// A line, by its path; `dashes` as SVG has them.
    pub fn line(&mut self, path: &str, (ink, width): (&str, f64), dashes: &str) {
        let _ = write!(
            self.body,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{ink}\" stroke-width=\"{width}\" stroke-linejoin=\"round\" \
             stroke-linecap=\"round\" stroke-dasharray=\"{}\"/>",
            if dashes.is_empty() { "none" } else { dashes }
        );
    }

    /// A dot of a radius.
    pub fn dot(&mut self, (x, y): (f64, f64), radius: f64) {
        let _ = write!(
            self.body,
            "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{radius}\" fill=\"{DEEP}\" stroke=\"{PAPER}\" stroke-width=\"1\"/>"
        );
    }

    /// A text in the middle of an empty chart.
    pub fn nothing(&mut self, text: &str) {
        let look = Look { size: TEXT, ink: SOFT, anchor: Anchor::Middle };
        self.text((WIDTH / 2.0, self.y + 34.0), text, look);
        self.y += 60.0;
    }

    /// Signs and what they mean, beside each other as far as there is room.
    pub fn legend(&mut self, entries: &[Entry<'_>]) {
        if entries.is_empty() {
            return;
        }
        let mut x = EDGE;
        self.y += 18.0;
        for (label, sign) in entries {
            let label = letters::cut(&letters::tidy(label), SMALL, INNER - 24.0);
            let width = 24.0 + letters::width(&label, SMALL);
            if x > EDGE && x + width > WIDTH - EDGE {
                x = EDGE;
                self.y += 22.0;
            }
            sign(self, (x, self.y));
            self.text((x + 22.0, self.y), &label, Look { size: SMALL, ink: INK, anchor: Anchor::Left });
            x += width + 20.0;
        }
        self.y += 6.0;
    }

    /// The finished drawing, with its last line.
    pub fn finish(mut self, note: &str) -> Drawing {
        let note = letters::tidy(note);
        if !note.is_empty() {
            self.y += 8.0;
            self.paragraph(&note, (SMALL, SOFT), 2);
        }
        let height = (self.y + EDGE).ceil();
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" font-family=\"{FAMILY}\">\
             <defs>\
             <pattern id=\"hatched\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
             <path d=\"M0 0h6v6H0z\" fill=\"{PALE}\"/><path d=\"M0 0h2.4v6H0z\" fill=\"{DEEP}\"/></pattern>\
             <pattern id=\"dotted\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
             <path d=\"M0 0h6v6H0z\" fill=\"{PAPER}\"/><circle cx=\"3\" cy=\"3\" r=\"1.3\" fill=\"{DEEP}\"/></pattern>\
             </defs>\
             <rect x=\"0.75\" y=\"0.75\" width=\"{}\" height=\"{}\" rx=\"10\" fill=\"{PAPER}\" stroke=\"{FRAME}\" stroke-width=\"1.5\"/>\
             {}</svg>",
            WIDTH - 1.5,
            height - 1.5,
            self.body
        );
        Drawing { svg, width: WIDTH as u32, height: height as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The relative luminance of a colour (<https://www.w3.org/TR/WCAG22/#dfn-relative-luminance>).
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = u8::from_str_radix(&colour[at..at + 2], 16).expect("two digits");
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn everything_stands_out_from_the_paper_and_the_paper_from_the_page() {
        for text in [INK, SOFT, DEEP] {
            assert!(contrast(text, PAPER) >= 4.5, "{text}");
        }
        assert!(contrast(DEEP, PALE) >= 3.0 && contrast(FRAME, "#ffffff") >= 3.0);
        // Slack's and Discord's dark pages.
        for page in ["#1a1d21", "#313338", "#000000"] {
            assert!(contrast(PAPER, page) >= 4.5, "{page}");
        }
    }

    #[test]
    fn c10_markup_is_text() {
        let drawing =
            Canvas::new(("<script>\"a\" & 'b'</script>", "<image href=\"file:///etc/passwd\"/>")).finish("]]>");
        assert!(!drawing.svg.contains("<script") && !drawing.svg.contains("<image"), "{}", drawing.svg);
        assert!(drawing.svg.contains("&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;"));
    }
}
