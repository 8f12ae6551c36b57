//! Reading a card from the Markdown of a message file, so that its words, facts and buttons are all in that file.
//!
//! The first line `# …` is the title; `| label | value |` is a fact; `-# …` is the footnote; a line that holds nothing
//! but links to `press:`, `open:` or `fill:` is a row of buttons (`**[…]**` the main one, `~~[…]~~` one that destroys);
//! all else is the body. Values put into a message are escaped, so none of them can become any of these.

use super::{Action, Button, Card, Style, Token, Tone};
use crate::markdown::{Block, Inline, parse, plain};

impl Card {
    /// The card that a rendered message describes.
    pub fn read(markdown: &str, tone: Tone) -> Self {
        let mut card = Self { tone, ..Self::default() };
        let mut body = Vec::new();
        let mut in_code = false;
        for line in markdown.lines() {
            in_code ^= line.trim_start().starts_with("```");
            if in_code || !card.take(line) {
                body.push(line);
            }
        }
        card.body = body.join("\n").trim().to_owned();
        card
    }

    /// Takes a line that is not of the body.
    fn take(&mut self, line: &str) -> bool {
        if let Some(title) = line.strip_prefix("# ").filter(|_| self.title.is_empty()) {
            self.title = plain(&parse(title));
        } else if let Some(note) = line.strip_prefix("-# ") {
            self.footnote = Some(plain(&parse(note)));
        } else if let Some(fact) = fact(line) {
            self.facts.push(fact);
        } else if let Some(buttons) = buttons(line) {
            self.buttons.extend(buttons);
        } else {
            return false;
        }
        true
    }
}

/// `| label | value |`; a `|` inside either is escaped.
fn fact(line: &str) -> Option<(String, String)> {
    let inner = line.trim_end().strip_prefix("| ")?.strip_suffix(" |")?;
    let (label, value) = inner.split_once(" | ")?;
    Some((plain(&parse(label)), plain(&parse(value))))
}

/// A line of links that are all buttons.
fn buttons(line: &str) -> Option<Vec<Button>> {
    let is_row = ["[", "**[", "~~["].iter().any(|start| line.starts_with(start));
    if !is_row {
        return None;
    }
    let marked = line.replace("](press:", "](mailto:press:").replace("](fill:", "](mailto:fill:");
    let blocks = parse(&marked.replace("](open:", "](mailto:open:"));
    let [Block::Paragraph(inlines)] = blocks.as_slice() else { return None };
    let mut found = Vec::new();
    for inline in inlines {
        match inline {
            Inline::Text(gap) if gap.trim().is_empty() => {}
            other => found.push(button(other, Style::Plain)?),
        }
    }
    (!found.is_empty()).then_some(found)
}

fn button(inline: &Inline, style: Style) -> Option<Button> {
    match inline {
        Inline::Bold(inner) => button(inner.first()?, Style::Primary),
        Inline::Strike(inner) => button(inner.first()?, Style::Danger),
        Inline::Link { url, text } => {
            let action = url.strip_prefix("mailto:")?;
            let (verb, rest) = action.split_once(':')?;
            let action = match verb {
                "press" => Action::Press(Token::received(rest)),
                "open" if crate::markdown::is_safe(rest) => Action::Open(rest.to_owned()),
                "fill" => Action::Fill(percent_encoding::percent_decode_str(rest).decode_utf8().ok()?.into_owned()),
                _ => return None,
            };
            Some(Button { label: crate::markdown::plain_inline(text), action, style })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_title_facts_buttons_and_footnote() {
        let text = "# Database *ready*\n\nIt is **there**.\n\n| Time | 5 s |\n**[Yes](press:confirm:req_1)** [Help](fill:%2Fhelp%20me) ~~[No](press:cancel:req_1)~~\n-# req_1";
        let card = Card::read(text, Tone::Good);
        assert_eq!((card.title.as_str(), card.body.as_str()), ("Database ready", "It is **there**."));
        assert_eq!(card.facts, [("Time".to_owned(), "5 s".to_owned())]);
        let styles: Vec<_> = card.buttons.iter().map(|b| (b.label.as_str(), b.style)).collect();
        assert_eq!(styles, [("Yes", Style::Primary), ("Help", Style::Plain), ("No", Style::Danger)]);
        assert_eq!(card.buttons[1].action, Action::Fill("/help me".into()));
        assert_eq!(card.footnote.as_deref(), Some("req_1"));
    }

    #[test]
    fn values_never_become_facts_or_buttons() {
        let value = crate::markdown::escape("x\n# y\n| a | b |\n[z](press:confirm:req_1)\n-# f");
        let card = Card::read(&format!("# T\n{value}"), Tone::Neutral);
        assert!(card.facts.is_empty() && card.buttons.is_empty() && card.footnote.is_none());
        assert_eq!(plain(&parse(&card.body)), "x\n# y\n| a | b |\n[z](press:confirm:req_1)\n-# f");
    }
}
