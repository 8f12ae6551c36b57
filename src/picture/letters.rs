//! The letters of pictures: one embedded font, and how wide its text is.
//!
//! `DejaVuSans.ttf` is a part of DejaVu Sans 2.37; its licence lies beside it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use resvg::usvg::{Node, Options, Tree, fontdb};

use super::canvas::escape;

/// The font's name.
pub const FAMILY: &str = "DejaVu Sans";
/// The size at which letters are measured.
const MEASURE: f64 = 100.0;
/// The most letters whose width is remembered.
const REMEMBERED: usize = 4096;
/// The most letters of one text that are looked at; the widest picture holds fewer.
const LONGEST: usize = 600;
/// The most marks that may stand on one letter.
const STACKED: usize = 3;
/// What a text is cut with.
const ELLIPSIS: char = '…';

static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(include_bytes!("DejaVuSans.ttf").to_vec());
    Arc::new(fonts)
});
static WIDTHS: LazyLock<Mutex<HashMap<char, f64>>> = LazyLock::new(Mutex::default);

/// How drawings are read: with no font but ours.
pub fn options() -> Options<'static> {
    Options { font_family: FAMILY.to_owned(), fontdb: FONTS.clone(), ..Options::default() }
}

/// How wide a text is at a size. Letters that move together are counted as if they did not, so it may be a little less.
pub fn width(text: &str, size: f64) -> f64 {
    text.chars().map(width_of).sum::<f64>() * size / MEASURE
}

fn width_of(letter: char) -> f64 {
    if is_mark(letter) || is_direction(letter) {
        return 0.0;
    }
    if let Some(known) = WIDTHS.lock().unwrap_or_else(PoisonError::into_inner).get(&letter) {
        return *known;
    }
    // Between two bars a space counts, and no letter is joined to another.
    let width = measured(&format!("|{letter}|")) - measured("||");
    let mut known = WIDTHS.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= REMEMBERED {
        known.clear();
    }
    known.insert(letter, width);
    width
}

/// How wide a text is as it is drawn, at [`MEASURE`].
fn measured(text: &str) -> f64 {
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg'><text font-size='{MEASURE}' y='{MEASURE}'>{}</text></svg>",
        escape(text)
    );
    let tree = Tree::from_str(&svg, &options()).ok();
    let text = tree.as_ref().and_then(|tree| tree.root().children().iter().find_map(text_of));
    text.map_or(0.0, |text| f64::from(text.bounding_box().width()))
}

fn text_of(node: &Node) -> Option<&resvg::usvg::Text> {
    match node {
        Node::Text(text) => Some(text),
        Node::Group(group) => group.children().iter().find_map(text_of),
        _ => None,
    }
}

/// A text as it can be drawn: in one line, without what is not seen or would turn the writing around, and with few marks
/// on one letter.
pub fn tidy(text: &str) -> String {
    let visible = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    let is_kept = |c: &char| !c.is_control() && (!is_direction(*c) || is_joiner(*c)) && !is_no_letter(*c);
    let visible = visible.filter(is_kept);
    let mut stacked = 0;
    let kept = visible.filter(|c| {
        stacked = if is_mark(*c) { stacked + 1 } else { 0 };
        stacked <= STACKED
    });
    let kept: String = kept.take(LONGEST).collect();
    kept.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The text if it fits, else its beginning and an ellipsis.
pub fn cut(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut left = room - width(&ELLIPSIS.to_string(), size);
    let fits = |letter: &char| {
        left -= width_of(*letter) * size / MEASURE;
        left >= 0.0
    };
    let kept: String = text.chars().take_while(fits).collect();
    format!("{}{ELLIPSIS}", kept.trim_end())
}

/// The text in at most so many lines, broken between words; the last line is cut if more is left.
pub fn wrap(text: &str, size: f64, (room, lines): (f64, usize)) -> Vec<String> {
    let (mut wrapped, mut line) = (Vec::new(), String::new());
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if line.is_empty() || width(&longer, size) <= room {
            line = longer;
        } else if wrapped.len() + 1 == lines {
            line = words.fold(longer, |line, word| format!("{line} {word}"));
            break;
        } else {
            wrapped.push(std::mem::replace(&mut line, word.to_owned()));
        }
    }
    wrapped.extend(Some(line).filter(|line| !line.is_empty()));
    wrapped.iter().map(|line| cut(line, size, room)).collect()
}

/// Whether a text is written from right to left, as its first letter says.
pub fn is_backward(text: &str) -> bool {
    let is_backward = |c: char| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}');
    text.chars().find(|c| c.is_alphabetic()).is_some_and(is_backward)
}

/// Marks that stand on the letter before them.
fn is_mark(letter: char) -> bool {
    matches!(letter,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}'
        | '\u{5c4}'..='\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

/// Signs that are not seen and say which way is written, or join and part letters.
fn is_direction(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Signs that join and part letters.
fn is_joiner(letter: char) -> bool {
    matches!(letter, '\u{200c}' | '\u{200d}')
}

/// What no XML may hold.
fn is_no_letter(letter: char) -> bool {
    matches!(letter, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_wide_as_its_letters_or_a_little_less() {
        for text in ["Strongly disagree", "AVATAR Wa To", "−62.3 %", "Größe · Übergröße", "שלום עולם", "a e\u{301} i"]
        {
            let (counted, drawn) = (width(text, MEASURE), measured(text));
            assert!(drawn <= counted + 0.5 && counted <= drawn * 1.08 + 0.5, "{text}: {counted} for {drawn}");
        }
        // Joined letters of Arabic are narrower than single ones.
        let (counted, drawn) = (width("مرحبا", MEASURE), measured("مرحبا"));
        assert!(drawn <= counted + 0.5, "{counted} for {drawn}");
    }

    #[test]
    fn every_letter_that_we_write_is_in_the_font() {
        let missing = measured("\u{10ffff}");
        for letter in "abcäßøŁőžαжאم−…·→↑≥≤≈%“”’–".chars().filter(|c| *c != ' ') {
            assert!((measured(&letter.to_string()) - missing).abs() > f64::EPSILON, "{letter} is not in the font");
        }
    }

    #[test]
    fn long_texts_are_cut_where_they_no_longer_fit() {
        assert_eq!(cut("orders", 16.0, 100.0), "orders");
        let short = cut("a long label that does not fit", 16.0, 100.0);
        assert!(short.ends_with('…') && width(&short, 16.0) <= 100.0 && width(&short, 16.0) > 80.0, "{short}");
        assert_eq!(cut("wide", 16.0, 3.0), "…");
    }

    #[test]
    fn lines_are_broken_between_words_and_the_last_is_cut() {
        let lines = wrap("I can work without being interrupted by anything or anybody", 16.0, (160.0, 2));
        assert_eq!(lines, ["I can work without", "being interrupted…"]);
        assert_eq!(wrap("one", 16.0, (160.0, 2)), ["one"]);
        assert_eq!(wrap("", 16.0, (160.0, 2)), Vec::<String>::new());
        assert_eq!(wrap(&"x".repeat(50), 16.0, (60.0, 1)), ["xxxx…"]);
    }

    #[test]
    fn c2_texts_are_tidied() {
        assert_eq!(tidy(" a\n\tb\u{0}\u{1b}[1m \u{202e}c\u{2066} "), "a b[1m c");
        assert_eq!(tidy(&format!("z{}", "\u{301}".repeat(50))).chars().count(), 1 + STACKED);
        assert_eq!(tidy(&"x".repeat(10_000)).len(), LONGEST);
        assert!(is_backward("«שלום» ok") && !is_backward("ok שלום") && !is_backward("42"));
    }
}
