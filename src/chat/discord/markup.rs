//! Our Markdown as Discord's: whatever is text shows as it was typed, and only our own tree becomes markup.
//!
//! Discord's dialect undoes a backslash before any punctuation, in descriptions, titles and field values; footers, labels
//! and modals are plain text and take [`tidy`] only.

use super::limits;
use crate::markdown::{Block, Inline, plain, plain_inline};

/// The most marks that may be stacked on one letter.
const STACKED: usize = 8;
/// Between back-ticks that must not meet.
const NOTHING: char = '\u{200b}';

/// Plain text as markup that shows exactly that text, on one line per line.
pub fn escape(text: &str) -> String {
    isolate(&quote(&tidy(text)))
}

/// Text without what would disturb the text around it: control characters, marks that end somebody else's writing
/// direction, and more than a few marks stacked on one letter.
pub fn tidy(text: &str) -> String {
    let mut stacked = 0;
    text.chars()
        .filter(|c| !matches!(c, '\u{2066}'..='\u{2069}') && (!c.is_control() || matches!(c, '\n' | '\t')))
        .filter(|c| {
            stacked = if is_stacking(*c) { stacked + 1 } else { 0 };
            stacked <= STACKED
        })
        .collect()
}

/// Markup of blocks in at most `most` code units. What does not fit is cut, never in the middle of markup.
pub fn render(blocks: &[Block], most: usize) -> String {
    let mut text = String::new();
    for (index, block) in blocks.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n\n" };
        let rendered = self::block(block);
        let room = most.saturating_sub(limits::length(&text) + gap.len());
        if limits::length(&rendered) <= room {
            text.push_str(gap);
            text.push_str(&rendered);
            continue;
        }
        let beginning = beginning(block, room);
        if !beginning.is_empty() {
            text.push_str(gap);
            text.push_str(&beginning);
        } else if limits::length(&text) < most {
            text.push('…');
        }
        break;
    }
    text
}

/// As much of a block that is too long as fits.
fn beginning(block: &Block, room: usize) -> String {
    match block {
        // The fences and their line ends take eight; a split run of back-ticks adds to the rest.
        Block::Code(text) => {
            let mut most = room.saturating_sub(8);
            while most > 8 {
                let code = code_block(&limits::cut(text, most));
                if limits::length(&code) <= room {
                    return code;
                }
                most -= most / 8 + 1;
            }
            String::new()
        }
        other => shortened(&plain(std::slice::from_ref(other)), room),
    }
}

/// Plain text, escaped, in at most `most` code units; cut before it is escaped, so that no escape is torn.
pub fn shortened(text: &str, most: usize) -> String {
    let whole = escape(text);
    if limits::length(&whole) <= most {
        return whole;
    }
    let mut room = most;
    while room > 1 {
        let cut = escape(&limits::cut(text, room));
        let over = limits::length(&cut).saturating_sub(most);
        if over == 0 {
            return cut;
        }
        // At most every unit became two, so half of what is over has to go.
        room = room.saturating_sub(over.div_ceil(2));
    }
    String::new()
}

fn block(block: &Block) -> String {
    match block {
        Block::Paragraph(inlines) => inline(inlines),
        Block::Heading(inlines) => format!("### {}", inline(inlines).replace('\n', " ")),
        Block::Code(text) => code_block(text),
        Block::Quote(inner) => prefix(&blocks(inner, "\n"), "> ", "> "),
        Block::Rule => "⎯⎯⎯⎯⎯⎯⎯⎯".to_owned(),
        Block::List { numbered, items } => {
            let item = |(index, item): (usize, &Vec<Block>)| {
                let mark = if *numbered { format!("{}. ", index + 1) } else { "- ".to_owned() };
                prefix(&blocks(item, "\n"), &mark, &" ".repeat(mark.len()))
            };
            items.iter().enumerate().map(item).collect::<Vec<_>>().join("\n")
        }
    }
}

fn blocks(inner: &[Block], gap: &str) -> String {
    inner.iter().map(block).collect::<Vec<_>>().join(gap)
}

/// Text with a mark before its first line and another before the rest.
fn prefix(text: &str, first: &str, rest: &str) -> String {
    let line = |(index, line)| format!("{}{line}", if index == 0 { first } else { rest });
    text.split('\n').enumerate().map(line).collect::<Vec<_>>().join("\n")
}

fn inline(inlines: &[Inline]) -> String {
    inlines
        .iter()
        .map(|inline| match inline {
            Inline::Text(text) => escape(text),
            Inline::Bold(inner) => marked("**", inner),
            Inline::Italic(inner) => marked("*", inner),
            Inline::Strike(inner) => marked("~~", inner),
            Inline::Code(text) => code_span(text),
            Inline::Link { url, text } => link(url, text),
            Inline::Break => "\n".to_owned(),
        })
        .collect()
}

/// Inlines between marks; white space at their edges would make the marks text.
fn marked(mark: &str, inner: &[Inline]) -> String {
    let text = self::inline(inner);
    let core = text.trim();
    match text.split_once(core) {
        Some((before, after)) if !core.is_empty() => format!("{before}{mark}{core}{mark}{after}"),
        _ => text,
    }
}

/// Code within a line. Two back-ticks enclose single ones; runs of them are kept apart, for three would be a block.
fn code_span(text: &str) -> String {
    let text = apart(&tidy(text).replace('\n', " "), 2);
    match text.trim() {
        "" => String::new(),
        _ if !text.contains('`') => format!("`{text}`"),
        _ => {
            let space = |is_tick: bool| if is_tick { " " } else { "" };
            format!("``{}{text}{}``", space(text.starts_with('`')), space(text.ends_with('`')))
        }
    }
}

fn code_block(text: &str) -> String {
    let text = apart(&tidy(text), 3);
    let text = text.trim_matches('\n');
    if text.trim().is_empty() { String::new() } else { format!("```\n{text}\n```") }
}

/// Text in which never so many back-ticks stand together.
fn apart(text: &str, many: usize) -> String {
    let mut run = 0;
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        run = if letter == '`' { run + 1 } else { 0 };
        if run == many {
            out.push(NOTHING);
            run = 1;
        }
        out.push(letter);
    }
    out
}

/// A link. One whose text looks like an address would be taken for a trick by Discord, and is written out.
fn link(url: &str, text: &[Inline]) -> String {
    let shown = plain_inline(text);
    if url.starts_with("mailto:") {
        return escape(&shown);
    }
    let target = target(url);
    if shown == url {
        format!("<{target}>")
    } else if shown.trim().is_empty() || shown.contains("://") {
        format!("{} (<{target}>)", escape(shown.trim()))
    } else {
        format!("[{}](<{target}>)", inline(text).replace('\n', " "))
    }
}

/// An address without what would end it early.
fn target(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for letter in url.chars() {
        match letter {
            '(' | ')' | '<' | '>' | '[' | ']' | '\\' | '`' | '"' | ' ' | '|' => {
                out.push_str(&format!("%{:02X}", u32::from(letter)));
            }
            letter if letter.is_control() => {}
            letter => out.push(letter),
        }
    }
    out
}

/// A backslash before everything that Discord could read as more than text.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    // Within the first word of a line, a full stop behind digits would begin a list.
    let mut counting = true;
    for letter in text.chars() {
        let special = match letter {
            '\\' | '*' | '_' | '~' | '`' | '|' | '>' | '<' | '#' | '-' | '+' | '[' | ']' | '(' | ')' | '@' | ':' => {
                true
            }
            '.' => counting,
            _ => false,
        };
        counting = letter == '\n' || (counting && (letter.is_ascii_digit() || letter == ' '));
        if special {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// Text with letters of another writing direction, kept from turning round what follows it.
fn isolate(text: &str) -> String {
    if !text.chars().any(is_turning) {
        return text.to_owned();
    }
    text.split('\n').map(|line| format!("\u{2068}{line}\u{2069}")).collect::<Vec<_>>().join("\n")
}

/// Whether a letter is written from right to left, or turns the direction of others.
fn is_turning(letter: char) -> bool {
    matches!(letter, '\u{590}'..='\u{8ff}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

fn is_stacking(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markdown::parse;
    use proptest::prelude::*;

    fn shown(source: &str) -> String {
        render(&parse(source), limits::DESCRIPTION)
    }

    #[test]
    fn the_dialect_in_discords_words() {
        let source = "# Title\n\nA **b** *i* ~~s~~ `c` [docs](https://e.org/a_(b))\n\n- one\n  - two\n\n1. x\n2. y\n\n> said\n\n```\ncode\n```\n\n---";
        insta::assert_snapshot!(shown(source), @"
        ### Title

        A **b** *i* ~~s~~ `c` [docs](<https://e.org/a_%28b%29>)

        - one
          - two

        1. x
        2. y

        > said

        ```
        code
        ```

        ⎯⎯⎯⎯⎯⎯⎯⎯
        ");
    }

    #[test]
    fn text_stays_text() {
        for (typed, sent) in [
            (
                "@everyone <@1> <@&2> <#3> <:e:1> <t:0> </x:1>",
                r"\@everyone \<\@1\> \<\@&2\> \<\#3\> \<\:e\:1\> \<t\:0\> \</x\:1\>",
            ),
            ("# a\n> b\n-# c\n- d\n12. e", "\\# a\n\\> b\n\\-\\# c\n\\- d\n12\\. e"),
            ("**b** _i_ ~~s~~ ||x|| `c`", r"\*\*b\*\* \_i\_ \~\~s\~\~ \|\|x\|\| \`c\`"),
            ("[masked](https://evil.example)", r"\[masked\]\(https\://evil.example\)"),
            ("back\\slash 3.5 :smile:", r"back\\slash 3.5 \:smile\:"),
        ] {
            assert_eq!(escape(typed), sent);
        }
    }

    #[test]
    fn code_with_back_ticks_inside() {
        assert_eq!(code_span("a`b"), "``a`b``");
        assert_eq!(code_span("`a``"), "`` `a`\u{200b}` ``");
        assert_eq!(code_block("x\n```\ny"), "```\nx\n``\u{200b}`\ny\n```");
        assert_eq!(code_span(" "), "");
    }

    #[test]
    fn addresses_are_written_out_where_a_mask_would_be_refused() {
        assert_eq!(shown("[https://e.org/x](https://e.org/x)"), "<https://e.org/x>");
        assert_eq!(shown("[https://a.org](https://b.org)"), r"https\://a.org (<https://b.org>)");
        assert_eq!(shown("[mail](mailto:a@e.org)"), "mail");
    }

    #[test]
    fn other_directions_do_not_turn_what_follows() {
        assert_eq!(escape("\u{202e}abc"), "\u{2068}\u{202e}abc\u{2069}");
        assert_eq!(escape("\u{2069}\u{202e}x"), "\u{2068}\u{202e}x\u{2069}");
        assert_eq!(tidy(&format!("a{}b", "\u{301}".repeat(50))), format!("a{}b", "\u{301}".repeat(STACKED)));
    }

    /// What Discord shows of text: escapes undone, marks of direction left out.
    fn seen(markup: &str) -> String {
        let mut letters = markup.chars().filter(|c| !matches!(c, '\u{2068}' | '\u{2069}'));
        let mut out = String::new();
        while let Some(letter) = letters.next() {
            out.push(if letter == '\\' { letters.next().expect("no escape is torn") } else { letter });
        }
        out
    }

    proptest! {
        #[test]
        fn escaped_text_is_seen_as_typed(text in "[ -~\\n\u{e9}\u{5d0}\u{1f389}]{0,80}") {
            prop_assert_eq!(seen(&escape(&text)), text);
        }

        #[test]
        fn shortened_text_fits_and_tears_no_escape(text in "[ -~\u{1f389}]{0,300}", most in 2usize..200) {
            let short = shortened(&text, most);
            prop_assert!(limits::length(&short) <= most);
            let seen = seen(&short);
            prop_assert!(text.starts_with(seen.trim_end_matches('…').trim_end()));
        }

        #[test]
        fn rendered_text_fits(text in "([ -~\\n`]|\u{1f389}){0,400}", most in 20usize..200) {
            prop_assert!(limits::length(&render(&parse(&text), most)) <= most);
        }
    }
}
