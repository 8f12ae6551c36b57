//! What Discord's apps make of text: what is read, and what is more than text.

use std::sync::LazyLock;

use regex::Regex;

/// Text as it is read, and what was not just text: `bold`, `link https://…`, `mention <@1>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub text: String,
    pub marks: Vec<String>,
}

impl Seen {
    fn add(&mut self, inner: Self, mark: &str) {
        self.text.push_str(&inner.text);
        self.marks.push(mark.to_owned());
        self.marks.extend(inner.marks);
    }
}

/// What begins a line and is more than text, and what is read of it.
static LINE: LazyLock<Vec<(Regex, &str, &str)>> = LazyLock::new(|| {
    let rule = |pattern: &str, mark, shown| (Regex::new(pattern).expect("a pattern"), mark, shown);
    vec![
        rule(r"^#{1,3} +", "heading", ""),
        rule(r"^-# +", "small print", ""),
        rule(r"^>>> ", "quote", ""),
        rule(r"^> ", "quote", ""),
        rule(r"^ *[-*] +", "list", "• "),
        rule(r"^ *(\d+)\. +", "list", "$1. "),
    ]
});

/// What is more than text wherever it stands, and what is read of it.
static INLINE: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let rule = |pattern: &str, mark| (Regex::new(pattern).expect("a pattern"), mark);
    vec![
        rule(r"^<@[!&]?\d+>", "mention"),
        rule(r"^@(?:everyone|here)", "mention"),
        rule(r"^<#\d+>", "mention"),
        rule(r"^<id:\w+>", "mention"),
        rule(r"^</[^:>\n]+:\d+>", "mention"),
        rule(r"^<t:-?\d+(?::[a-zA-Z])?>", "time"),
        rule(r"^<a?:\w+:\d+>", "emoji"),
        rule(r"^<(?:https?://|mailto:|tel:|sms:|discord:)[^\s<>]+>", "link"),
        rule(r#"^(?:https?|discord|steam)://[^\s<]+[^<.,:;"'\]\s]"#, "link"),
    ]
});

static MASKED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^\[((?:\\.|[^\\\]])*)\]\(\s*<?((?:https?|discord|mailto)[^)\s>]*)>?(?:\s+['"][^)]*['"])?\s*\)"#)
        .expect("a pattern")
});

/// Marks around text, longest first.
const AROUND: [(&str, &str); 7] = [
    ("***", "bold"),
    ("**", "bold"),
    ("__", "underlined"),
    ("~~", "struck"),
    ("||", "spoiler"),
    ("*", "italic"),
    ("_", "italic"),
];

/// Reads text as Discord's apps do.
pub fn read(source: &str) -> Seen {
    let mut seen = Seen::default();
    let mut rest = source;
    let mut at_start = true;
    while !rest.is_empty() {
        if at_start && let Some((rule, mark, shown)) = LINE.iter().find(|(rule, ..)| rule.is_match(rest)) {
            let matched = rule.find(rest).expect("it matches");
            seen.text.push_str(&rule.replace(matched.as_str(), *shown));
            seen.marks.push((*mark).to_owned());
            rest = &rest[matched.end()..];
            at_start = false;
            continue;
        }
        let taken = step(rest, &mut seen);
        at_start = rest[..taken].ends_with('\n');
        rest = &rest[taken..];
    }
    seen
}

/// Reads what stands first; how many bytes that was.
fn step(rest: &str, seen: &mut Seen) -> usize {
    let first = rest.chars().next().expect("not empty");
    if first == '\\'
        && let Some(next) = rest[1..].chars().next().filter(|c| !c.is_ascii_alphanumeric() && !c.is_whitespace())
    {
        seen.text.push(next);
        return 1 + next.len_utf8();
    }
    if let Some(taken) = code(rest, seen).or_else(|| around(rest, seen)) {
        return taken;
    }
    if first == '['
        && let Some(found) = MASKED.captures(rest)
    {
        seen.add(read(&found[1]), &format!("link {}", &found[2]));
        return found[0].len();
    }
    // Where nothing can begin, nothing is looked for: texts are long.
    let may_begin = matches!(first, '<' | '@' | 'h' | 'd' | 's');
    for (rule, mark) in INLINE.iter().filter(|_| may_begin) {
        if let Some(found) = rule.find(rest) {
            let shown = found.as_str();
            seen.text.push_str(shown.trim_matches(['<', '>']));
            seen.marks.push(format!("{mark} {shown}"));
            return shown.len();
        }
    }
    // Marks of direction and spaces without width are not read.
    if !matches!(first, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{2066}'..='\u{2069}') {
        seen.text.push(first);
    }
    first.len_utf8()
}

/// Code between as many back-ticks on either side.
fn code(rest: &str, seen: &mut Seen) -> Option<usize> {
    let ticks = rest.len() - rest.trim_start_matches('`').len();
    if ticks == 0 {
        return None;
    }
    let fence = if ticks >= 3 { "```" } else { &rest[..ticks] };
    let inner = &rest[fence.len()..];
    let mut from = 0;
    loop {
        let end = from + inner[from..].find(fence)?;
        let after = &inner[end + fence.len()..];
        if end > 0 && (fence.len() == 3 || !after.starts_with('`')) {
            let shown = if fence.len() == 3 { inner[..end].trim_matches('\n') } else { &inner[..end] };
            seen.text.push_str(shown);
            seen.marks.push("code".into());
            return Some(fence.len() * 2 + end);
        }
        from = end + fence.len() + (after.len() - after.trim_start_matches('`').len());
    }
}

/// Text between two equal marks.
fn around(rest: &str, seen: &mut Seen) -> Option<usize> {
    for (mark, name) in AROUND.iter().filter(|(mark, _)| rest.starts_with(mark)) {
        let inner = &rest[mark.len()..];
        let Some(end) = closing(inner, mark) else { continue };
        let is_single = mark.len() == 1;
        let word_goes_on = inner[end + mark.len()..].chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_');
        if is_single && (inner.starts_with(char::is_whitespace) || *mark == "_" && word_goes_on) {
            continue;
        }
        seen.add(read_inside(&inner[..end]), name);
        return Some(mark.len() * 2 + end);
    }
    None
}

/// Inside of marks no line begins.
fn read_inside(source: &str) -> Seen {
    let mut seen = Seen::default();
    let mut rest = source;
    while !rest.is_empty() {
        rest = &rest[step(rest, &mut seen)..];
    }
    seen
}

/// Where the closing mark stands, escapes left aside; what it closes is not empty.
fn closing(inner: &str, mark: &str) -> Option<usize> {
    let mut at = 0;
    while at < inner.len() {
        if inner[at..].starts_with('\\') {
            at += 1;
            at += inner[at..].chars().next().map_or(0, char::len_utf8);
        } else if at > 0 && inner[at..].starts_with(mark) {
            return Some(at);
        } else {
            at += inner[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(text: &str) -> Vec<String> {
        read(text).marks
    }

    #[test]
    fn sees_what_is_more_than_text() {
        assert_eq!(marks("**a** _b_ `c`"), ["bold", "italic", "code"]);
        assert_eq!(marks("<@1> <@&2> <#3> @everyone @here").len(), 5);
        assert_eq!(marks("see https://e.org/x."), ["link https://e.org/x"]);
        assert_eq!(marks("[a](https://e.org)"), ["link https://e.org"]);
        assert_eq!(marks("# a\n-# b\n> c\n- d\n1. e"), ["heading", "small print", "quote", "list", "list"]);
        assert_eq!(marks("||a|| ~~b~~ __c__ <t:1:R> <:x:1> </db create:1>").len(), 6);
        assert_eq!(marks("```\n**a**\n```"), ["code"]);
    }

    #[test]
    fn leaves_text_alone() {
        for text in ["a * b * c", "snake_case_name", "5 > 3", "a#b", "1.5", "<b>", "x@y", "`", "**", "[a](b)"] {
            assert_eq!(read(text), Seen { text: text.into(), marks: Vec::new() }, "{text}");
        }
        let escaped = r"\*\*a\*\* \<@1> \`b\` https\://e.org \# h";
        assert_eq!(read(escaped), Seen { text: "**a** <@1> `b` https://e.org # h".into(), marks: Vec::new() });
    }
}
