//! Discord's Markdown as HTML, as its apps read it: backslashes first, and a line break is one.

use crate::chat::web::html::{write_link, write_text};

/// Marks that enclose text, longest first, and the elements that they make.
const MARKS: [(&str, &str); 6] = [("**", "strong"), ("__", "u"), ("~~", "s"), ("||", "mark"), ("*", "em"), ("_", "em")];
/// How deep marks and lists may stand in each other.
const DEEPEST: usize = 12;

/// The HTML of some of Discord's Markdown.
pub fn markup(source: &str) -> String {
    let mut out = String::with_capacity(source.len() * 2);
    let mut rest = source;
    while !rest.is_empty() {
        rest = match rest.strip_prefix("```").and_then(|inner| inner.split_once("```")) {
            Some((code, after)) => {
                write_code(&mut out, code);
                after.strip_prefix('\n').unwrap_or(after)
            }
            None => {
                let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
                write_line(&mut out, line);
                // Lines that make an element of their own end by themselves.
                if rest.len() > line.len() && !is_element(line) {
                    out.push_str("<br>");
                }
                after
            }
        };
    }
    out
}

/// A block of code; a word on its first line is its language.
fn write_code(out: &mut String, code: &str) {
    let code = match code.split_once('\n') {
        Some((first, rest)) if first.chars().all(|c| c.is_ascii_alphanumeric()) => rest,
        _ => code,
    };
    out.push_str("<pre tabindex=\"0\"><code>");
    write_text(out, code.trim_end_matches('\n'));
    out.push_str("</code></pre>");
}

fn is_element(line: &str) -> bool {
    opening(line).is_some()
}

/// What a line begins with that makes it an element: its tag and class, and the text in it.
fn opening(line: &str) -> Option<(&'static str, String, &str)> {
    let own = |tag, class: &str, rest| Some((tag, class.to_owned(), rest));
    for (mark, class) in [("### ", "dc-h3"), ("## ", "dc-h2"), ("# ", "dc-h1"), ("-# ", "dc-small")] {
        if let Some(rest) = line.strip_prefix(mark) {
            return own("p", class, rest);
        }
    }
    if let Some(rest) = line.strip_prefix("> ") {
        return own("blockquote", "dc-quote", rest);
    }
    let item = line.trim_start_matches(' ');
    let depth = ((line.len() - item.len()) / 2).min(DEEPEST);
    if let Some(rest) = item.strip_prefix("- ").or_else(|| item.strip_prefix("* ")) {
        return Some(("p", format!("dc-item dc-in-{depth}"), rest));
    }
    let digits = item.len() - item.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let is_count = (1..9).contains(&digits) && item[digits..].starts_with(". ");
    is_count.then(|| ("p", format!("dc-count dc-in-{depth}"), item))
}

fn write_line(out: &mut String, line: &str) {
    match opening(line) {
        Some((tag, class, rest)) => {
            out.push_str(&format!("<{tag} class=\"{class}\">"));
            match tag {
                "blockquote" if is_element(rest) => write_line(out, rest),
                _ => write_inline(out, rest, 0),
            }
            out.push_str(&format!("</{tag}>"));
        }
        None => write_inline(out, line, 0),
    }
}

fn write_inline(out: &mut String, text: &str, depth: usize) {
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let after = match letter {
            '\\' => write_escaped(out, rest),
            '`' => write_span(out, rest),
            '[' => write_masked(out, rest, depth),
            '<' => write_address(out, rest),
            _ if depth < DEEPEST => write_marked(out, rest, depth),
            _ => None,
        };
        rest = after.unwrap_or_else(|| {
            write_text(out, &rest[..letter.len_utf8()]);
            &rest[letter.len_utf8()..]
        });
    }
}

/// What stands behind a backslash, as itself.
fn write_escaped<'t>(out: &mut String, text: &'t str) -> Option<&'t str> {
    let escaped = text[1..].chars().next().filter(char::is_ascii_punctuation)?;
    write_text(out, &text[1..1 + escaped.len_utf8()]);
    Some(&text[1 + escaped.len_utf8()..])
}

/// Code within a line, between as many back-ticks as it began with.
fn write_span<'t>(out: &mut String, text: &'t str) -> Option<&'t str> {
    let ticks = text.len() - text.trim_start_matches('`').len();
    let (code, after) = text[ticks..].split_once(&text[..ticks])?;
    out.push_str("<code>");
    // A space keeps back-ticks at the edges apart from those around.
    write_text(out, if code.contains('`') { code.trim_matches(' ') } else { code });
    out.push_str("</code>");
    Some(after)
}

/// `[text](<address>)`
fn write_masked<'t>(out: &mut String, text: &'t str, depth: usize) -> Option<&'t str> {
    let end = find(&text[1..], "]")? + 1;
    let target = text[end..].strip_prefix("](")?;
    let (url, after) = target.split_once(')')?;
    let url = url.trim_start_matches('<').trim_end_matches('>');
    write_link(out, url, |out| write_inline(out, &text[1..end], depth + 1));
    Some(after)
}

/// `<https://…>`
fn write_address<'t>(out: &mut String, text: &'t str) -> Option<&'t str> {
    let (url, after) = text[1..].split_once('>')?;
    url.starts_with("http").then_some(())?;
    write_link(out, url, |out| write_text(out, url));
    Some(after)
}

fn write_marked<'t>(out: &mut String, text: &'t str, depth: usize) -> Option<&'t str> {
    let (mark, tag) = MARKS.iter().find(|(mark, _)| text.starts_with(mark))?;
    let inner = &text[mark.len()..];
    let end = find(inner, mark).filter(|end| *end > 0)?;
    out.extend(["<", tag, ">"]);
    write_inline(out, &inner[..end], depth + 1);
    out.extend(["</", tag, ">"]);
    Some(&inner[end + mark.len()..])
}

/// Where a mark stands that no backslash and no code hides.
fn find(text: &str, mark: &str) -> Option<usize> {
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with(mark) {
            return Some(at);
        }
        let ticks = rest.len() - rest.trim_start_matches('`').len();
        at += match rest.chars().next()? {
            '\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            '`' => rest[ticks..].find(&rest[..ticks]).map_or(ticks, |end| end + 2 * ticks),
            letter => letter.len_utf8(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_the_adapter_writes_is_read() {
        let source = "### Title\n\nA **b *c*** ~~s~~ `c*` ``a`b`` [docs](<https://e.org/a?b=\"c>) <https://e.org>\n- one\n  - two\n1. x\n> said\n```sh\n<code>\n```\nend \\*no\\* \\<\\@1\\>";
        insta::assert_snapshot!(markup(source).replace("><", ">\n<"));
    }

    #[test]
    fn nothing_but_our_elements_comes_out() {
        let html =
            markup("<script>x</script> [a](javascript:alert\\(1\\)) <https://x\" onclick=\"y> **open *marks ```");
        assert!(!html.contains("<script") && !html.contains("href=\"java") && !html.contains("\" onclick"), "{html}");
    }

    proptest! {
        #[test]
        fn any_text_is_balanced_html(source in "([ -~\\n]|\u{1f389}|\u{5d0}){0,120}") {
            let html = markup(&source);
            let elements = regex::Regex::new("<(/?)([a-z]+)[^>]*>").expect("a pattern");
            let mut open = Vec::new();
            for found in elements.captures_iter(&html).filter(|found| &found[2] != "br") {
                if found[1].is_empty() {
                    open.push(found[2].to_owned());
                } else {
                    prop_assert_eq!(open.pop(), Some(found[2].to_owned()), "{}", html);
                }
            }
            prop_assert!(open.is_empty(), "{}", html);
        }

        #[test]
        fn escaped_text_is_read_as_typed(text in "[ -~]{0,80}") {
            let escaped: String = text.chars().flat_map(|c| [Some('\\').filter(|_| c.is_ascii_punctuation()), Some(c)]).flatten().collect();
            let mut plain = String::new();
            write_text(&mut plain, &text);
            prop_assert_eq!(markup(&escaped), plain);
        }
    }
}
