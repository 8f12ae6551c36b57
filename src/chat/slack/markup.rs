//! Markdown as Slack's rich text.
//!
//! Slack's `mrkdwn` cannot show every text as it was typed: it has no escape for `*`, `_`, `~`, back-ticks and
//! `:emoji:`, and a zero-width character beside them would be copied along with a connection string. Rich text says of
//! each run what it is, so no text in it can become a mention, a link or markup. Hence nothing of a card is `mrkdwn`.

use serde_json::{Map, Value, json};

use super::limits;
use crate::markdown::{Block, Inline, plain_inline};

/// What was rendered, and whether it was cut.
pub struct Rendered {
    /// Blocks: `rich_text` and `divider`.
    pub blocks: Vec<Value>,
    /// Whether something was left out.
    pub is_cut: bool,
}

/// The blocks as rich text of at most `room` characters.
pub fn rich_text(blocks: &[Block], room: usize) -> Rendered {
    let mut writer = Writer { room, ..Writer::default() };
    writer.blocks(blocks, 0);
    writer.flush();
    Rendered { blocks: writer.done, is_cut: writer.is_cut }
}

/// Lines of a bold label and a plain value each, as one block; none if there are none.
pub fn facts(facts: &[(String, String)]) -> Option<Value> {
    let mut writer = Writer { room: limits::FACTS, ..Writer::default() };
    let mut runs = Vec::new();
    for (label, value) in facts {
        if !runs.is_empty() {
            runs.extend(writer.text("\n", Look::default()));
        }
        let look = Look { bold: true, ..Look::default() };
        runs.extend(writer.text(&format!("{}:", limits::cut_line(label, limits::OPTION)), look));
        runs.extend(writer.text(&format!(" {}", limits::cut(value, limits::FACT)), Look::default()));
    }
    (!runs.is_empty()).then(|| json!({"type": "rich_text", "elements": [section(runs)]}))
}

fn section(runs: Vec<Value>) -> Value {
    json!({"type": "rich_text_section", "elements": runs})
}

/// How a run looks.
#[derive(Debug, Clone, Copy, Default)]
struct Look {
    bold: bool,
    italic: bool,
    strike: bool,
    code: bool,
}

impl Look {
    /// Puts it on a run; a run that looks like any other has no style.
    fn put_on(self, mut run: Value) -> Value {
        let marks = [("bold", self.bold), ("italic", self.italic), ("strike", self.strike), ("code", self.code)];
        let style: Map<String, Value> =
            marks.iter().filter(|(_, is)| *is).map(|(name, _)| ((*name).to_owned(), true.into())).collect();
        if !style.is_empty() {
            run["style"] = style.into();
        }
        run
    }
}

#[derive(Default)]
struct Writer {
    /// The blocks that are complete.
    done: Vec<Value>,
    /// The elements of the block that is being written.
    elements: Vec<Value>,
    /// How many characters may still come.
    room: usize,
    is_cut: bool,
}

impl Writer {
    fn flush(&mut self) {
        let elements = std::mem::take(&mut self.elements);
        if !elements.is_empty() {
            self.done.push(json!({"type": "rich_text", "elements": elements}));
        }
    }

    fn blocks(&mut self, blocks: &[Block], indent: usize) {
        for block in blocks {
            match block {
                Block::Paragraph(inlines) => self.paragraph(inlines, Look::default()),
                Block::Heading(inlines) => self.paragraph(inlines, Look { bold: true, ..Look::default() }),
                Block::Code(text) => self.code(text),
                Block::Quote(inner) => self.quote(inner),
                Block::List { numbered, items } => self.list(*numbered, items, indent),
                Block::Rule => {
                    self.flush();
                    self.done.push(json!({"type": "divider"}));
                }
            }
        }
    }

    /// Paragraphs that follow each other are one section, since two would stand without a gap.
    fn paragraph(&mut self, inlines: &[Inline], look: Look) {
        let runs = self.contained(|writer| writer.runs(inlines, look));
        if runs.is_empty() {
            return;
        }
        match self.elements.last_mut().filter(|last| last["type"] == "rich_text_section") {
            Some(Value::Object(last)) => {
                if let Some(Value::Array(before)) = last.get_mut("elements") {
                    before.push(json!({"type": "text", "text": "\n\n"}));
                    before.extend(runs);
                }
            }
            _ => self.elements.push(section(runs)),
        }
    }

    fn code(&mut self, text: &str) {
        let runs = self.contained(|writer| writer.text(text.trim_end(), Look::default()).into_iter().collect());
        if !runs.is_empty() {
            self.elements.push(json!({"type": "rich_text_preformatted", "elements": runs}));
        }
    }

    fn quote(&mut self, inner: &[Block]) {
        let text = flat(inner);
        let runs = self.contained(|writer| writer.runs(&text, Look::default()));
        if !runs.is_empty() {
            self.elements.push(json!({"type": "rich_text_quote", "elements": runs}));
        }
    }

    /// A list within an item stands between two parts of the outer list, as Slack has it; a count goes on.
    fn list(&mut self, numbered: bool, items: &[Vec<Block>], indent: usize) {
        let style = if numbered { "ordered" } else { "bullet" };
        let mut sections = Vec::new();
        let mut offset = 0;
        for (index, item) in items.iter().enumerate() {
            let (inner, own): (Vec<&Block>, Vec<&Block>) = item.iter().partition(|b| matches!(b, Block::List { .. }));
            let own: Vec<Block> = own.into_iter().cloned().collect();
            let runs = self.contained(|writer| writer.runs(&flat(&own), Look::default()));
            if !runs.is_empty() {
                sections.push(section(runs));
            }
            if !inner.is_empty() {
                self.push_list(std::mem::take(&mut sections), (style, indent, offset));
                offset = index + 1;
                let inner: Vec<Block> = inner.into_iter().cloned().collect();
                self.blocks(&inner, indent + 1);
            }
        }
        self.push_list(sections, (style, indent, offset));
    }

    fn push_list(&mut self, sections: Vec<Value>, (style, indent, offset): (&str, usize, usize)) {
        if sections.is_empty() {
            return;
        }
        let indent = indent.min(limits::INDENT);
        let mut list = json!({"type": "rich_text_list", "style": style, "indent": indent, "elements": sections});
        if offset > 0 && style == "ordered" {
            list["offset"] = offset.into();
        }
        self.elements.push(list);
    }

    /// What is written into a container, which takes some room by itself.
    fn contained(&mut self, write: impl FnOnce(&mut Self) -> Vec<Value>) -> Vec<Value> {
        self.room = self.room.saturating_sub(limits::CONTAINER);
        write(self)
    }

    fn runs(&mut self, inlines: &[Inline], look: Look) -> Vec<Value> {
        let mut runs = Vec::new();
        for inline in inlines {
            match inline {
                Inline::Text(text) => runs.extend(self.text(text, look)),
                Inline::Bold(inner) => runs.extend(self.runs(inner, Look { bold: true, ..look })),
                Inline::Italic(inner) => runs.extend(self.runs(inner, Look { italic: true, ..look })),
                Inline::Strike(inner) => runs.extend(self.runs(inner, Look { strike: true, ..look })),
                Inline::Code(text) => runs.extend(self.text(text, Look { code: true, ..look })),
                Inline::Link { url, text } => runs.extend(self.link(url, &plain_inline(text), look)),
                Inline::Break => runs.extend(self.text("\n", look)),
            }
        }
        runs
    }

    fn text(&mut self, text: &str, look: Look) -> Option<Value> {
        let text = self.take(text)?;
        Some(look.put_on(json!({"type": "text", "text": text})))
    }

    fn link(&mut self, url: &str, text: &str, look: Look) -> Option<Value> {
        let taken = limits::length(url);
        if taken > limits::URL.min(self.room) {
            return self.text(text, look);
        }
        self.room -= taken;
        let text = self.take(if text.is_empty() { url } else { text })?;
        Some(look.put_on(json!({"type": "link", "url": url, "text": text})))
    }

    /// As much of the text as there is room for; nothing of what comes after it was cut.
    fn take(&mut self, text: &str) -> Option<String> {
        if self.is_cut || text.is_empty() {
            return None;
        }
        let taken = limits::cut(text, self.room);
        self.is_cut = limits::length(text) > self.room;
        self.room = self.room.saturating_sub(limits::length(&taken));
        (!taken.is_empty()).then_some(taken)
    }
}

/// Blocks as the inlines of one element, where Slack has no blocks within it.
fn flat(blocks: &[Block]) -> Vec<Inline> {
    let mut inlines = Vec::new();
    for block in blocks {
        if !inlines.is_empty() {
            inlines.push(Inline::Break);
        }
        match block {
            Block::Paragraph(inner) => inlines.extend(inner.clone()),
            Block::Heading(inner) => inlines.push(Inline::Bold(inner.clone())),
            Block::Code(text) => inlines.push(Inline::Code(text.trim_end().to_owned())),
            Block::Quote(inner) => inlines.extend(flat(inner)),
            Block::List { items, .. } => {
                let lines = items.iter().map(|item| [vec![Inline::Text("• ".into())], flat(item)].concat());
                inlines.extend(lines.collect::<Vec<_>>().join(&Inline::Break));
            }
            Block::Rule => {}
        }
    }
    inlines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markdown::{escape, parse};
    use proptest::prelude::*;

    /// All text of rendered blocks, and how often it is anything but text.
    fn texts(value: &Value, out: &mut String) {
        match value {
            Value::Array(all) => all.iter().for_each(|one| texts(one, out)),
            Value::Object(object) => {
                if let Some(Value::String(text)) = object.get("text") {
                    out.push_str(text);
                }
                object.get("elements").into_iter().for_each(|inner| texts(inner, out));
            }
            _ => {}
        }
    }

    fn shown(markdown: &str) -> String {
        let blocks = rich_text(&parse(markdown), limits::BODY).blocks;
        serde_json::to_string_pretty(&blocks).expect("JSON")
    }

    #[test]
    fn the_dialect_is_rich_text() {
        let markdown = "Step **2 of *3***, `a_b` ~~no~~ [here](https://e.org/?a=1&b=2)\n\nNext\n\n1. one\n   - in\n2. two\n\n```\n$ psql\n```\n\n> said\n\n---\n\n# End";
        insta::assert_snapshot!(shown(markdown));
    }

    #[test]
    fn c1_nothing_becomes_a_mention_or_markup() {
        let typed = "<!channel> <@U1> @here *b* _i_ ~s~ `c` :boom: <https://e.org|x> &lt;";
        let blocks = rich_text(&parse(&escape(typed)), limits::BODY).blocks;
        assert_eq!(
            blocks,
            [json!({"type": "rich_text", "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": typed}]}
            ]})]
        );
    }

    #[test]
    fn what_is_too_long_is_cut_once() {
        let rendered = rich_text(&parse(&"word ".repeat(3000)), 100);
        let mut text = String::new();
        texts(&rendered.blocks.into(), &mut text);
        assert!(rendered.is_cut && text.ends_with('…') && limits::length(&text) <= 100);
        assert!(rich_text(&parse("a\n\nb"), limits::CONTAINER + 1).is_cut);
    }

    proptest! {
        #[test]
        fn any_text_shows_as_typed(text in "[^\\p{C}]{1,60}") {
            let rendered = rich_text(&parse(&escape(&text)), limits::BODY);
            let mut out = String::new();
            texts(&rendered.blocks.into(), &mut out);
            prop_assert_eq!(out.trim(), text.trim());
        }

        #[test]
        fn no_run_is_empty(markdown in "[-#*_`>~\\[\\]() a\\n1.]{0,60}") {
            let blocks = serde_json::to_string(&rich_text(&parse(&markdown), 40).blocks).expect("JSON");
            prop_assert!(!blocks.contains("\"text\":\"\"") && !blocks.contains("\"elements\":[]"), "{}", blocks);
        }
    }
}
