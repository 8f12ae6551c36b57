//! Text on a terminal: inks, wrapping, and nothing that steers the terminal but our own colours.

/// What text is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// As the terminal's owner likes it.
    Plain,
    /// Titles and what matters.
    Strong,
    /// What may be overlooked.
    Soft,
    /// What is typed as it is.
    Code,
    /// What leads elsewhere.
    Link,
    /// Under way.
    Active,
    /// Waiting for somebody.
    Waiting,
    /// Went well.
    Good,
    /// Went wrong.
    Bad,
}

impl Ink {
    /// The parameters of Select Graphic Rendition (ECMA-48, section 8.3.117).
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Strong => "1",
            Self::Soft => "2",
            Self::Code | Self::Active => "36",
            Self::Link => "4",
            Self::Waiting => "33",
            Self::Good => "32",
            Self::Bad => "31",
        }
    }
}

/// Runs of text that make a line.
pub type Line = Vec<(Ink, String)>;

/// How lines become what the terminal is sent.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    /// Whether colours are understood.
    pub colours: bool,
}

impl Paint {
    /// A line, without its end.
    pub fn line(self, line: &Line) -> String {
        let mut out = String::new();
        for (ink, text) in line {
            let text = tame(text);
            if self.colours && *ink != Ink::Plain && !text.is_empty() {
                out.push_str(&format!("\x1b[{}m{text}\x1b[0m", ink.code()));
            } else {
                out.push_str(&text);
            }
        }
        out.trim_end().to_owned()
    }
}

/// Text in which whatever would steer the terminal, or turn its text around, is spelled out.
pub fn tame(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.extend(c.escape_unicode()),
            _ if c.is_control() => out.extend(c.escape_unicode()),
            _ => out.push(c),
        }
    }
    out
}

/// Breaks text into lines of at most `width` columns, between words where there are any.
pub fn wrap(text: &[(Ink, String)], width: usize) -> Vec<Line> {
    let letters = text.iter().flat_map(|(ink, text)| text.chars().map(|c| (*ink, c)));
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    for letter in letters {
        if letter.1 == '\n' {
            lines.push(std::mem::take(&mut line));
            continue;
        }
        line.push(letter);
        if letter.1 != ' ' && columns(&line) > width {
            let space = line.iter().rposition(|(_, c)| *c == ' ').filter(|at| *at > 0);
            let rest = line.split_off(space.map_or(line.len() - 1, |at| at + 1));
            lines.push(std::mem::replace(&mut line, rest));
        }
    }
    lines.push(line);
    lines.iter().map(|letters| joined(letters)).collect()
}

fn joined(letters: &[(Ink, char)]) -> Line {
    let mut line = Line::new();
    for (ink, c) in letters {
        match line.last_mut() {
            Some((last, text)) if last == ink => text.push(*c),
            _ => line.push((*ink, c.to_string())),
        }
    }
    line
}

fn columns(letters: &[(Ink, char)]) -> usize {
    letters.iter().map(|(_, c)| width_of(*c)).sum()
}

/// The columns of a character: none for marks that sit on the one before, two for the wide ones of East Asia and
/// pictures (Unicode Standard Annex 11, in broad strokes); what is spelled out has the width of its spelling.
fn width_of(c: char) -> usize {
    match c {
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => c.escape_unicode().count(),
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ if c.is_control() => c.escape_unicode().count(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str, width: usize) -> Vec<String> {
        let paint = Paint { colours: false };
        wrap(&[(Ink::Plain, text.to_owned())], width).iter().map(|line| paint.line(line)).collect()
    }

    #[test]
    fn lines_break_between_words_and_inside_long_ones() {
        assert_eq!(plain("one two three", 8), ["one two", "three"]);
        assert_eq!(plain("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(plain("a\nb", 9), ["a", "b"]);
        assert_eq!(plain("日本語日本語", 6), ["日本語", "日本語"]);
        assert_eq!(plain("", 9), [""]);
    }

    #[test]
    fn f26_nothing_steers_the_terminal() {
        assert_eq!(tame("a\x1b[31mb\u{9b}\u{202e}\x07"), "a\\u{1b}[31mb\\u{9b}\\u{202e}\\u{7}");
    }

    #[test]
    fn inks_are_colours_where_colours_are_understood() {
        let line = vec![(Ink::Good, "✓ ".to_owned()), (Ink::Plain, "done".to_owned())];
        assert_eq!(Paint { colours: true }.line(&line), "\x1b[32m✓ \x1b[0mdone");
        assert_eq!(Paint { colours: false }.line(&line), "✓ done");
    }
}
