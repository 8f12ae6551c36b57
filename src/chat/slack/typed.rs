//! What a person typed, before Slack marked it up.

/// The text without Slack's marks: `<@U1|ada>` is `slack:U1`, `<#C1|general>` is `C1`, a link is its address.
///
/// A person is written with the platform, as the catalogue reads persons by id.
pub fn typed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        out.push_str(&unescape(&rest[..start]));
        let after = &rest[start + 1..];
        match after.find(['>', '<']).filter(|end| after[*end..].starts_with('>')) {
            Some(end) => {
                out.push_str(&mark(&after[..end]));
                rest = &after[end + 1..];
            }
            None => {
                out.push('<');
                rest = after;
            }
        }
    }
    out.push_str(&unescape(rest));
    out
}

/// A mark, without its angle brackets.
fn mark(inner: &str) -> String {
    let (target, label) = inner.split_once('|').unwrap_or((inner, ""));
    if let Some(person) = target.strip_prefix('@') {
        return format!("slack:{person}");
    }
    if let Some(channel) = target.strip_prefix('#') {
        return channel.to_owned();
    }
    if let Some(special) = target.strip_prefix('!') {
        let name = special.split('^').next().unwrap_or(special);
        return match label.trim_start_matches('@') {
            "" => format!("@{name}"),
            label if name == "date" => unescape(label),
            label => format!("@{}", unescape(label)),
        };
    }
    let is_mail = target.starts_with("mailto:") || target.starts_with("tel:");
    unescape(if is_mail && !label.is_empty() { label } else { target })
}

/// The three characters that Slack escapes. The ampersand comes last, so that `&amp;lt;` is `&lt;`.
fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn marks_are_what_was_typed() {
        for (sent, meant) in [
            ("create owner=<@U012|ada> in <#C1|general>", "create owner=slack:U012 in C1"),
            ("look <https://example.org/?a=1&amp;b=2|example.org>", "look https://example.org/?a=1&b=2"),
            ("to <mailto:ada@example.org|ada@example.org>", "to ada@example.org"),
            ("<!here> <!channel|channel> <!subteam^S1|@dba>", "@here @channel @dba"),
            ("<!date^1700000000^{date}|Nov 14>", "Nov 14"),
            ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
            ("1 < 2 <@U1> <", "1 < 2 slack:U1 <"),
            ("", ""),
        ] {
            assert_eq!(typed(sent), meant);
        }
    }

    proptest! {
        #[test]
        fn escaped_text_comes_back(text in "\\PC{0,60}") {
            prop_assert_eq!(typed(&super::super::blocks::escape(&text)), text);
        }
    }
}
