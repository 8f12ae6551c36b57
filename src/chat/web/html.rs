//! Our Markdown as HTML. Every text is escaped; every link opens elsewhere and tells nobody where it came from.

use crate::markdown::{Block, Inline, is_safe};

/// The HTML of some Markdown.
pub fn markdown(source: &str) -> String {
    let mut out = String::with_capacity(source.len() * 2);
    write_blocks(&mut out, &crate::markdown::parse(source));
    out
}

fn write_blocks(out: &mut String, blocks: &[Block]) {
    for block in blocks {
        match block {
            Block::Paragraph(inlines) => write_inside(out, "p", inlines),
            Block::Heading(inlines) => write_inside(out, "h3", inlines),
            Block::Code(text) => {
                out.push_str("<pre tabindex=\"0\"><code>");
                write_text(out, text.trim_end());
                out.push_str("</code></pre>");
            }
            Block::Quote(blocks) => {
                out.push_str("<blockquote>");
                write_blocks(out, blocks);
                out.push_str("</blockquote>");
            }
            Block::List { numbered, items } => write_list(out, if *numbered { "ol" } else { "ul" }, items),
            Block::Rule => out.push_str("<hr>"),
        }
    }
}

fn write_list(out: &mut String, tag: &str, items: &[Vec<Block>]) {
    out.extend(["<", tag, ">"]);
    for item in items {
        out.push_str("<li>");
        match item.as_slice() {
            // An item of one line needs no paragraph of its own.
            [Block::Paragraph(inlines)] => write_inlines(out, inlines),
            blocks => write_blocks(out, blocks),
        }
        out.push_str("</li>");
    }
    out.extend(["</", tag, ">"]);
}

fn write_inlines(out: &mut String, inlines: &[Inline]) {
    for inline in inlines {
        match inline {
            Inline::Text(text) => write_text(out, text),
            Inline::Bold(inner) => write_inside(out, "strong", inner),
            Inline::Italic(inner) => write_inside(out, "em", inner),
            Inline::Strike(inner) => write_inside(out, "s", inner),
            Inline::Code(text) => {
                out.push_str("<code>");
                write_text(out, text);
                out.push_str("</code>");
            }
            Inline::Link { url, text } => write_link(out, url, |out| write_inlines(out, text)),
            Inline::Break => out.push_str("<br>"),
        }
    }
}

fn write_inside(out: &mut String, tag: &str, inlines: &[Inline]) {
    out.extend(["<", tag, ">"]);
    write_inlines(out, inlines);
    out.extend(["</", tag, ">"]);
}

/// A link around what `inner` writes; an address that may not be followed makes none.
pub fn write_link(out: &mut String, url: &str, inner: impl FnOnce(&mut String)) {
    if !is_safe(url) {
        return inner(out);
    }
    out.push_str("<a target=\"_blank\" rel=\"noopener noreferrer\" href=\"");
    write_text(out, url);
    out.push_str("\">");
    inner(out);
    out.push_str("</a>");
}

/// A picture of a preview: its words, and where it is.
pub fn write_image(out: &mut String, (alt, source): (&str, &str)) {
    out.push_str("<img class=\"shown\" src=\"");
    write_text(out, source);
    out.push_str("\" alt=\"");
    write_text(out, alt);
    out.push_str("\">");
}

/// Text, escaped for elements and for attributes.
pub fn write_text(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialect_is_html() {
        let html = markdown(
            "# T\n\nA **b** *c* `d<e` [f&g](https://e.org/?a=\"b\") ~~h~~\\\ni\n\n1. one\n2. two\n\n> q\n\n```\n<x>\n```\n\n---\n",
        );
        insta::assert_snapshot!(html.replace("><", ">\n<"), @r#"
        <h3>T</h3>
        <p>A <strong>b</strong> <em>c</em> <code>d&lt;e</code> <a target="_blank" rel="noopener noreferrer" href="https://e.org/?a=&quot;b&quot;">f&amp;g</a> <s>h</s>
        <br>i</p>
        <ol>
        <li>one</li>
        <li>two</li>
        </ol>
        <blockquote>
        <p>q</p>
        </blockquote>
        <pre tabindex="0">
        <code>&lt;x&gt;</code>
        </pre>
        <hr>
        "#);
    }

    #[test]
    fn markup_in_text_stays_text() {
        let html = markdown("<script>alert(1)</script> <img src=x onerror='a()'> [x](javascript:alert(1))");
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("href"), "{html}");
    }
}
