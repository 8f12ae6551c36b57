//! A typed line, split into words: quotes, options, and the marks that phones put in their place.

use crate::error::UserError;

/// The longest line that is read, in bytes. A longer text belongs into a form or a file.
pub const LONGEST: usize = 16 * 1024;

/// One word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What it says, without its quotes.
    pub text: String,
    /// How many bytes at its beginning were typed without quotes: only there do `--` and `=` mean something.
    pub bare: usize,
    /// Where it begins in the line, in bytes.
    pub at: usize,
}

/// What a word is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role<'w> {
    /// A value, by its position.
    Value(&'w str),
    /// `name=value` or `--name=value`.
    Pair(&'w str, &'w str),
    /// `--name`.
    Flag(&'w str),
    /// `--`: what follows is values.
    End,
}

impl Word {
    /// What it is for.
    pub fn role(&self) -> Role<'_> {
        let bare = &self.text[..self.bare];
        let (dashes, head) = match bare.strip_prefix("--") {
            Some(head) => (2, head),
            None => (0, bare),
        };
        if let Some(end) = head.find('=').filter(|end| is_name(&head[..*end])) {
            return Role::Pair(&head[..end], &self.text[dashes + end + 1..]);
        }
        match dashes {
            2 if self.text == "--" => Role::End,
            2 if is_name(head) && self.bare == self.text.len() => Role::Flag(head),
            _ => Role::Value(&self.text),
        }
    }

    /// Whether it is a value, by its position.
    pub fn is_value(&self) -> bool {
        matches!(self.role(), Role::Value(_))
    }

    /// Whether all of it was typed without quotes.
    pub fn is_bare(&self) -> bool {
        self.bare == self.text.len()
    }
}

/// Whether a text can be the name of a parameter.
fn is_name(text: &str) -> bool {
    text.starts_with(char::is_alphabetic) && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// The words of a line. A quote opens at the beginning of a word or right after `name=`, so that an apostrophe within a
/// word is only an apostrophe.
pub fn split(line: &str) -> Result<Vec<Word>, UserError> {
    if line.len() > LONGEST {
        let message = format!("The line has {} bytes; {LONGEST} are the most that are read.", line.len());
        return Err(UserError::invalid(message).hint("put long texts into the form, or into a file that you link to"));
    }
    if let Some((at, c)) = line.char_indices().find(|(_, c)| is_refused(*c)) {
        let message = format!("There is a control character ({}) {}.", c.escape_unicode(), place(line, at));
        return Err(UserError::invalid(message).hint("type the line by hand, or paste it as plain text"));
    }
    let mut scanner = Scanner { line, at: 0 };
    let mut words = Vec::new();
    while scanner.skip_space() {
        words.push(scanner.word()?);
    }
    Ok(words)
}

/// A value as it can be typed in a line and is read back exactly.
pub fn quote(value: &str) -> String {
    let is_plain = !value.is_empty()
        && !value.starts_with(['-', '—', '–', '/', '@'])
        && !value.contains(|c: char| c.is_whitespace() || c == '=' || c == '"' || closers(c).is_some());
    if is_plain {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Control characters, save those that end a line or indent it.
fn is_refused(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t')
}

/// The characters that close the quote which `c` opens, as keyboards of several languages type them.
fn closers(c: char) -> Option<&'static [char]> {
    Some(match c {
        '"' => &['"'],
        '“' | '”' => &['”'],
        '„' => &['“', '”'],
        '«' => &['»'],
        '»' => &['«'],
        '\'' => &['\''],
        '‘' | '’' => &['’'],
        '‚' => &['‘', '’'],
        _ => return None,
    })
}

/// Where something is in a line, for people.
fn place(line: &str, at: usize) -> String {
    let before: String = line[..at].chars().rev().take(12).filter(|c| !c.is_control()).collect();
    let before: String = before.chars().rev().collect();
    let number = line[..at].chars().count() + 1;
    if before.is_empty() {
        return format!("at character {number}");
    }
    format!("at character {number} (after `{before}`)")
}

/// Reads a line word by word.
struct Scanner<'l> {
    line: &'l str,
    at: usize,
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        &self.line[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Whether a word is over here.
    fn is_at_end(&self) -> bool {
        self.peek().is_none_or(char::is_whitespace)
    }

    /// Goes to the next word; `false` at the end of the line.
    fn skip_space(&mut self) -> bool {
        self.at = self.line.len() - self.rest().trim_start().len();
        self.at < self.line.len()
    }

    fn word(&mut self) -> Result<Word, UserError> {
        let at = self.at;
        let mut text = self.dashes().to_owned();
        while !self.is_at_end() {
            let opens = text.is_empty() || is_head(&text);
            if let Some(closers) = self.peek().and_then(closers).filter(|_| opens) {
                let bare = text.len();
                text.push_str(&self.quoted(closers)?);
                return Ok(Word { text, bare, at });
            }
            text.extend(self.next());
        }
        Ok(Word { bare: text.len(), text, at })
    }

    /// The `--` before a name for which phones type a dash. A dash that stands alone is only a dash.
    fn dashes(&mut self) -> &'static str {
        let Some(after) = self.rest().strip_prefix(['—', '–']) else { return "" };
        let end = after.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(after.len());
        if !is_name(&after[..end]) {
            return "";
        }
        self.next();
        "--"
    }

    /// The text between quotes, the first of which is next. An apostrophe closes only at the end of a word, and in
    /// double quotes a backslash keeps a quote or a backslash.
    fn quoted(&mut self, closers: &[char]) -> Result<String, UserError> {
        let opened = self.at;
        let is_single = closers.iter().any(|c| matches!(c, '\'' | '’'));
        self.next();
        let mut text = String::new();
        while let Some(c) = self.next() {
            let escaped = |next: &char| *next == '\\' || *next == '"' || closers.contains(next);
            if c == '\\' && !is_single && self.peek().as_ref().is_some_and(escaped) {
                text.extend(self.next());
            } else if !closers.contains(&c) || (is_single && !self.is_at_end()) {
                text.push(c);
            } else if self.is_at_end() {
                return Ok(text);
            } else {
                let message = format!("A quote closes {} with no space behind it.", place(self.line, self.at));
                return Err(UserError::invalid(message)
                    .hint("put a space behind it, or a \\ before a quote that is meant as such"));
            }
        }
        let message = format!("The quote {} is not closed.", place(self.line, opened));
        let hint = format!("close it with {} at the end of the value", closers[closers.len() - 1]);
        Err(UserError::invalid(message).hint(hint))
    }
}

/// Whether a text is `name=` or `--name=`, behind which a value begins.
fn is_head(text: &str) -> bool {
    text.strip_suffix('=').is_some_and(|name| is_name(name.strip_prefix("--").unwrap_or(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The words as `value`, `name=value`, `--name` and `--`, each in brackets.
    fn show(line: &str) -> String {
        let words = split(line).expect(line);
        let show = |word: &Word| match word.role() {
            Role::Value(text) => format!("[{text}]"),
            Role::Pair(name, value) => format!("[{name}] = [{value}]"),
            Role::Flag(name) => format!("--[{name}]"),
            Role::End => "--".into(),
        };
        words.iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn reads_what_people_and_phones_type() {
        for (line, words) in [
            ("", ""),
            ("  \n\t ", ""),
            ("/db create orders", "[/db] [create] [orders]"),
            ("a\u{a0}b\u{2003}c", "[a] [b] [c]"),
            ("name=orders --size large --dry-run", "[name] = [orders] --[size] [large] --[dry-run]"),
            ("--size=large --x_1=", "[size] = [large] [x_1] = []"),
            ("—size=large —dry-run –force", "[size] = [large] --[dry-run] --[force]"),
            ("a -- --b c=d", "[a] -- --[b] [c] = [d]"),
            ("a — b – c—d —“e”", "[a] [—] [b] [–] [c—d] [—“e”]"),
            ("-5 - –7 —7 ---x --5", "[-5] [-] [–7] [—7] [---x] [--5]"),
            ("\"two words\" 'two words' “two words” ‘two words’", "[two words] [two words] [two words] [two words]"),
            (
                "„zwei Wörter“ „zwei Wörter” «deux mots» »zwei Wörter« ‚so‘",
                "[zwei Wörter] [zwei Wörter] [deux mots] [zwei Wörter] [so]",
            ),
            (
                "name=\"two words\" --name='two words' name=“two words”",
                "[name] = [two words] [name] = [two words] [name] = [two words]",
            ),
            ("\"a=b\" '--c' \"\" ''", "[a=b] [--c] [] []"),
            (r#""say \"hi\" \\ \n" 'a\'"#, r#"[say "hi" \ \n] [a\]"#),
            (r"C:\new\dir don't it’s 5' rock'n'roll", r"[C:\new\dir] [don't] [it’s] [5'] [rock'n'roll]"),
            ("'don't stop' ‘it’s fine’", "[don't stop] [it’s fine]"),
            ("https://example.org/?a=b&c=d x==y 1=2 =z", "[https://example.org/?a=b&c=d] [x] = [=y] [1=2] [=z]"),
            ("\"two\nlines\"", "[two\nlines]"),
            ("{\"a\":\"b\"}", "[{\"a\":\"b\"}]"),
        ] {
            assert_eq!(show(line), words, "{line}");
        }
    }

    #[test]
    fn says_where_a_line_goes_wrong() {
        let cases = [
            ("/db create \"orders", "The quote at character 12 (after `/db create `) is not closed."),
            ("“a", "The quote at character 1 is not closed."),
            ("it is 'fine", "The quote at character 7 (after `it is `) is not closed."),
            ("name=\"a\"b c", "A quote closes at character 9 (after `name=\"a\"`) with no space behind it."),
            ("a\0b", "There is a control character (\\u{0}) at character 2 (after `a`)."),
            ("a \u{1b}[31mred", "There is a control character (\\u{1b}) at character 3 (after `a `)."),
        ];
        for (line, message) in cases {
            assert_eq!(split(line).expect_err(line).message, message, "{line}");
        }
    }

    #[test]
    fn refuses_a_line_that_is_too_long_before_reading_it() {
        let line = "x".repeat(1 << 20);
        let message = split(&line).expect_err("too long").message;
        assert_eq!(message, "The line has 1048576 bytes; 16384 are the most that are read.");
        assert_eq!(split(&line[..LONGEST]).expect("fits").len(), 1);
    }

    proptest! {
        #[test]
        fn a_quoted_value_is_read_back(values in prop::collection::vec("[^\\p{Cc}]{0,20}|[ -~“”’—\n]{0,20}", 1..6)) {
            let line: Vec<String> = values.iter().map(|value| quote(value)).collect();
            let words = split(&line.join(" ")).expect("reads");
            prop_assert_eq!(words.iter().map(Word::role).collect::<Vec<_>>(), values.iter().map(|v| Role::Value(v)).collect::<Vec<_>>());
            let named = split(&format!("name={}", line[0])).expect("reads");
            prop_assert_eq!(named[0].role(), Role::Pair("name", &values[0]));
        }

        #[test]
        fn reading_never_panics_and_loses_no_letter(line in ".{0,80}|[a-z \"'“”‘’„«»=—–\\\\-]{0,40}") {
            if let Ok(words) = split(&line) {
                let typed = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
                let read: String = words.iter().map(|word| word.text.as_str()).collect();
                prop_assert_eq!(typed(&read), typed(&line));
                for word in &words {
                    prop_assert!(line.is_char_boundary(word.at) && word.bare <= word.text.len());
                    word.role();
                }
            }
        }
    }
}
