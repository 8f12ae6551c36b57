//! Identifiers in free text: what tells who wrote it, found before it is sent and masked before it is shown.

use std::sync::LazyLock;

use regex::Regex;

/// What stands in the place of an identifier.
pub const HIDDEN: &str = "[hidden]";

/// Addresses of electronic mail, mentions of the platforms (`<@U012AB3CD>`, `@ada`), telephone numbers (with a plus, or of nine
/// digits and more, so that dates are none), and addresses of the web, whose path may name somebody.
static OBVIOUS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)[\p{L}\d._%+-]+@[\p{L}\d-]+(?:\.[\p{L}\d-]+)+",
        r"|<[@#!][^>\s]{1,40}>|\B@[\p{L}\d][\p{L}\d._-]*",
        r"|\bhttps?://\S+",
        r"|\+\d(?:[\s./()-]{0,2}\d){6,}|\b\d(?:[\s./()-]{0,2}\d){8,}"
    ))
    .expect("a pattern")
});

/// The names that are known, to be looked for in texts.
#[derive(Debug, Default)]
pub struct Names {
    /// In small letters.
    words: std::collections::HashSet<String>,
}

impl Names {
    /// Of people, by the names that are shown and their ids. Names of fewer than three letters are words like any other.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let words = names.into_iter().flat_map(words_of).map(|(_, word)| word.to_lowercase());
        Self { words: words.filter(|word| word.chars().count() > 2).collect() }
    }

    /// What in a text could tell who somebody is, each once, in the order of the text.
    pub fn find(&self, text: &str) -> Vec<String> {
        let mut found: Vec<(usize, &str)> =
            OBVIOUS.find_iter(text).map(|found| (found.start(), found.as_str())).collect();
        found.extend(words_of(text).filter(|(_, word)| self.is_name(word)));
        found.sort();
        let mut all: Vec<String> = Vec::new();
        for (_, word) in found {
            if !all.iter().any(|before| before.contains(word)) {
                all.push(word.to_owned());
            }
        }
        all
    }

    /// A name is written like one: with a capital. "will" and "Will" are told apart so.
    fn is_name(&self, word: &str) -> bool {
        word.chars().next().is_some_and(char::is_uppercase) && self.words.contains(&word.to_lowercase())
    }
}

/// The text with obvious identifiers hidden. Names are not among them: that a word is a name is a guess.
pub fn mask(text: &str) -> String {
    OBVIOUS.replace_all(text, HIDDEN).into_owned()
}

fn words_of(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_alphanumeric();
    let mut rest = 0;
    text.split(move |c: char| !is_part(c)).filter_map(move |word| {
        let at = rest;
        // What separates words is skipped by looking for the next one from here.
        rest = at + word.len() + text[at + word.len()..].chars().next().map_or(0, char::len_utf8);
        (!word.is_empty()).then_some((at, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_mentions_and_numbers_are_found_and_masked() {
        let text =
            "Ask jörg.m+x@example.org, <@U012AB3CD> or @ada, +49 170 123-4567, see https://wiki.example.org/~ada";
        let masked = mask(text);
        assert_eq!(masked, "Ask [hidden], [hidden] or [hidden], [hidden], see [hidden]");
        assert_eq!(Names::default().find(text).len(), 5);
        for plain in ["It took 45 minutes, 3 times", "2026-12-01", "a@b", "build #1234"] {
            assert_eq!(mask(plain), plain);
        }
    }

    #[test]
    fn names_are_found_where_they_are_written_like_names() {
        let names = Names::new(["Ada Lovelace", "will", "Bo"]);
        assert_eq!(names.find("Ada's builds, and Will's; it will take Bo long"), ["Ada", "Will"]);
        assert!(names.find("ada will").is_empty());
        assert_eq!(names.find("Lovelace é Lovelace"), ["Lovelace"], "each once");
    }
}
