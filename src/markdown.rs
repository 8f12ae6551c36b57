//! Our Markdown: one small dialect (a CommonMark subset) as a tree that every chat adapter walks.
//!
//! Raw HTML, images and autolinks are text here, so a value can never become markup by accident.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// One block of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A paragraph.
    Paragraph(Vec<Inline>),
    /// A heading, of whatever level.
    Heading(Vec<Inline>),
    /// A list; `numbered` from 1, or bulleted.
    List {
        /// Whether items are counted.
        numbered: bool,
        /// The items, each a sequence of blocks.
        items: Vec<Vec<Block>>,
    },
    /// Preformatted text.
    Code(String),
    /// A quotation.
    Quote(Vec<Block>),
    /// A line across.
    Rule,
}

/// A run of text within a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inline {
    /// Plain text.
    Text(String),
    /// Strong.
    Bold(Vec<Inline>),
    /// Emphasised.
    Italic(Vec<Inline>),
    /// Struck through.
    Strike(Vec<Inline>),
    /// Code.
    Code(String),
    /// A link; Invariant: `url` is http, https or mailto.
    Link {
        /// Where it leads.
        url: String,
        /// What it shows.
        text: Vec<Inline>,
    },
    /// A line break.
    Break,
}

/// Where quoted characters live: ASCII, moved into Unicode's private use area, so that no Markdown rule sees them.
const QUOTED: u32 = 0xE000;

/// Plain text as Markdown that shows exactly that text, wherever it is put: in a paragraph, a code span, a link. Its
/// punctuation and white space are moved out of the way of every rule, and [`parse`] moves them back.
pub fn escape(text: &str) -> String {
    let quoted = |c: char| char::from_u32(QUOTED + u32::from(c)).unwrap_or(c);
    text.chars()
        .filter(|c| !matches!(c, '\r' | '\0') && !is_quoted(*c))
        .map(|c| if c.is_ascii_punctuation() || c.is_ascii_whitespace() { quoted(c) } else { c })
        .collect()
}

fn is_quoted(c: char) -> bool {
    (QUOTED..QUOTED + 0x80).contains(&u32::from(c))
}

/// The text with quoted characters back in their place.
fn unquote(text: &str) -> String {
    let back = |c: char| char::from_u32(u32::from(c) - QUOTED).unwrap_or(c);
    text.chars().map(|c| if is_quoted(c) { back(c) } else { c }).collect()
}

/// Reads Markdown; whatever is not of the dialect becomes plain text.
pub fn parse(source: &str) -> Vec<Block> {
    let mut builder = Builder { frames: vec![Frame::default()] };
    for event in Parser::new_ext(source, Options::ENABLE_STRIKETHROUGH) {
        builder.take(event);
    }
    builder.finish()
}

/// The text alone, without marks, one line per block: for notifications, screen readers and logs.
pub fn plain(blocks: &[Block]) -> String {
    let mut lines = Vec::new();
    for block in blocks {
        match block {
            Block::Paragraph(inlines) | Block::Heading(inlines) => lines.push(plain_inline(inlines)),
            Block::Code(text) => lines.push(text.trim_end().to_owned()),
            Block::Quote(inner) => lines.push(plain(inner)),
            Block::List { numbered, items } => {
                for (index, item) in items.iter().enumerate() {
                    let mark = if *numbered { format!("{}.", index + 1) } else { "•".to_owned() };
                    lines.push(format!("{mark} {}", plain(item)));
                }
            }
            Block::Rule => {}
        }
    }
    lines.join("\n")
}

/// The text of inlines alone.
pub fn plain_inline(inlines: &[Inline]) -> String {
    inlines
        .iter()
        .map(|inline| match inline {
            Inline::Text(text) | Inline::Code(text) => text.clone(),
            Inline::Bold(inner) | Inline::Italic(inner) | Inline::Strike(inner) => plain_inline(inner),
            Inline::Link { text, .. } => plain_inline(text),
            Inline::Break => "\n".to_owned(),
        })
        .collect()
}

/// What is being gathered: the blocks or inlines of one open tag.
#[derive(Default)]
struct Frame {
    blocks: Vec<Block>,
    inlines: Vec<Inline>,
    items: Vec<Vec<Block>>,
    code: String,
    url: String,
    numbered: bool,
}

struct Builder {
    /// Invariant: never empty; the first is the document.
    frames: Vec<Frame>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.open(&tag),
            Event::End(tag) => self.close(tag),
            Event::Text(text) => self.text(&text),
            Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(text) => self.inline(Inline::Code(unquote(&text).replace('\n', " "))),
            Event::SoftBreak => self.inline(Inline::Text(" ".into())),
            Event::HardBreak => self.inline(Inline::Break),
            Event::Rule => self.block(Block::Rule),
            _ => {}
        }
    }

    fn top(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::default());
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn open(&mut self, tag: &Tag<'_>) {
        let mut frame = Frame::default();
        match tag {
            Tag::Link { dest_url, .. } => frame.url = unquote(dest_url),
            Tag::List(start) => frame.numbered = start.is_some(),
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => frame.code = String::new(),
            _ => {}
        }
        self.frames.push(frame);
    }

    fn close(&mut self, tag: TagEnd) {
        let Some(mut frame) = self.frames.pop() else {
            return;
        };
        // A tight list item holds its inlines directly.
        if !frame.inlines.is_empty() && matches!(tag, TagEnd::Item | TagEnd::BlockQuote(_)) {
            frame.blocks.insert(0, Block::Paragraph(std::mem::take(&mut frame.inlines)));
        }
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.block(Block::Paragraph(frame.inlines)),
            TagEnd::Heading(_) => self.block(Block::Heading(frame.inlines)),
            TagEnd::CodeBlock => self.block(Block::Code(frame.code)),
            TagEnd::BlockQuote(_) => self.block(Block::Quote(frame.blocks)),
            TagEnd::Item => self.top().items.push(frame.blocks),
            TagEnd::List(_) => self.block(Block::List { numbered: frame.numbered, items: frame.items }),
            TagEnd::Strong => self.inline(Inline::Bold(frame.inlines)),
            TagEnd::Emphasis => self.inline(Inline::Italic(frame.inlines)),
            TagEnd::Strikethrough => self.inline(Inline::Strike(frame.inlines)),
            TagEnd::Link if is_safe(&frame.url) => self.inline(Inline::Link { url: frame.url, text: frame.inlines }),
            _ => self.top().inlines.extend(frame.inlines),
        }
    }

    fn text(&mut self, text: &str) {
        let text = unquote(text);
        self.top().code.push_str(&text);
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                self.top().inlines.push(Inline::Break);
            }
            if !line.is_empty() {
                self.inline(Inline::Text(line.to_owned()));
            }
        }
    }

    fn inline(&mut self, inline: Inline) {
        match (inline, self.top().inlines.last_mut()) {
            (Inline::Text(text), Some(Inline::Text(last))) => last.push_str(&text),
            (inline, _) => self.top().inlines.push(inline),
        }
    }

    fn block(&mut self, block: Block) {
        let frame = self.top();
        if !frame.inlines.is_empty() {
            let inlines = std::mem::take(&mut frame.inlines);
            frame.blocks.push(Block::Paragraph(inlines));
        }
        frame.blocks.push(block);
    }

    fn finish(mut self) -> Vec<Block> {
        std::mem::take(&mut self.top().blocks)
    }
}

/// Whether a link may be followed: only the web and mail, never `javascript:` or `data:`.
pub fn is_safe(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "mailto"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_the_dialect() {
        let blocks = parse("# T\n\nA **b** `c` [d](https://e.org) ~~f~~\n\n- one\n- two\n\n```\ncode\n```\n\n> q");
        assert_eq!(blocks.len(), 5);
        assert_eq!(plain(&blocks), "T\nA b c d f\n• one\n• two\ncode\nq");
    }

    #[test]
    fn html_and_unsafe_links_are_text() {
        let blocks = parse("<b>x</b> [y](javascript:alert) ![z](http://i.png)");
        assert_eq!(plain(&blocks), "<b>x</b> y z");
        assert!(!format!("{blocks:?}").contains("Link"));
    }

    proptest! {
        #[test]
        fn escaped_text_shows_as_typed(text in "[ -~\\n\u{e9}]{1,60}") {
            prop_assert_eq!(plain(&parse(&escape(&text))), text.clone());
            let code = text.replace('\n', " ");
            prop_assert_eq!(parse(&format!("`{}`", escape(&text))), [Block::Paragraph(vec![Inline::Code(code)])]);
            let shown = plain(&parse(&format!("- **{}**: x", escape(&text))));
            prop_assert_eq!(shown, format!("• {text}: x"));
        }
    }
}
