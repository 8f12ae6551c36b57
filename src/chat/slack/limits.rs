//! Slack's limits, in one table, and how a text is brought within them.
//!
//! They are those of the Block Kit reference, unless a line says otherwise. Slack does not say what it counts, so
//! [`width`] counts the most that it could.

use crate::chat::ellipsis::shorten;

/// Blocks of a message.
pub const MESSAGE_BLOCKS: usize = 50;
/// Blocks of a modal or a home.
pub const VIEW_BLOCKS: usize = 100;
/// A header.
pub const HEADER: usize = 150;
/// The text that notifications and screen readers take; `chat.update` refuses more than 4000.
pub const NOTIFICATION: usize = 3000;
/// The body of a message with its containers. All blocks of a posted message together may take about 13 200; Slack does
/// not document that, people have measured it. So body, facts and buttons have their shares.
pub const BODY: usize = 5500;
/// All facts of a message.
pub const FACTS: usize = 2000;
/// All buttons of a message, with their addresses.
pub const BUTTONS: usize = 2500;
/// What a container takes of that room.
pub const CONTAINER: usize = 25;
/// One fact.
pub const FACT: usize = 1000;
/// A context element.
pub const CONTEXT: usize = 1000;
/// What an image says to who cannot see it.
pub const ALT: usize = 2000;
/// A plain section.
pub const SECTION: usize = 3000;
/// How deep lists go.
pub const INDENT: usize = 8;
/// What a button says.
pub const BUTTON: usize = 75;
/// What a button carries.
pub const BUTTON_VALUE: usize = 2000;
/// A button's address.
pub const URL: usize = 3000;
/// Buttons of one row.
pub const ROW: usize = 25;
/// Rows of buttons that leave room for all else.
pub const ROWS: usize = 4;
/// The title of a modal, and what its buttons say.
pub const MODAL_TITLE: usize = 24;
/// What stands above a field, and the hint below it.
pub const LABEL: usize = 2000;
/// What a text field begins with.
pub const INITIAL: usize = 3000;
/// What an option says, its description, and the label of a group.
pub const OPTION: usize = 75;
/// What an option carries.
pub const OPTION_VALUE: usize = 150;
/// Options of a select, and of a group.
pub const OPTIONS: usize = 100;
/// Groups of a select.
pub const GROUPS: usize = 100;
/// Ids of blocks and elements.
pub const ID: usize = 255;
/// An error beside a field; not documented.
pub const FIELD_ERROR: usize = 300;

/// How much room a character may take: UTF-16 units, and what is escaped as it is sent.
pub fn width(c: char) -> usize {
    match c {
        '&' => 5,
        '<' | '>' => 4,
        _ => c.len_utf16(),
    }
}

/// How much room a text may take.
pub fn length(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// Whether nothing of a text can be seen. Slack refuses such a text where it wants one.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control())
}

/// The text within `most`, the end cut off if it is longer; without control characters, which Slack refuses.
pub fn cut(text: &str, most: usize) -> String {
    let kept = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    shorten(&kept.collect::<String>(), most, width)
}

/// The same in one line.
pub fn cut_line(text: &str, most: usize) -> String {
    cut(&text.replace(['\n', '\t'], " "), most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_texts_stay_and_long_ones_end_in_an_ellipsis() {
        assert_eq!(cut("orders", 6), "orders");
        assert_eq!(cut("orders!", 6), "order…");
        assert_eq!(cut("a\u{0}\u{1b}b\r\n", 9), "ab\n");
        assert_eq!(cut_line("a\nb", 9), "a b");
        assert_eq!(cut("&&&", 11), "&&…", "as they are sent: &amp;");
        assert_eq!(cut("🚀🚀🚀", 5), "🚀🚀…", "as UTF-16");
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_its_limit(text in "\\PC{0,80}", most in 1usize..60) {
            prop_assert!(length(&cut(&text, most)) <= most);
        }
    }
}
