//! What Discord takes: the one table of its limits, and how text is made to fit.
//!
//! Lengths are counted in UTF-16 code units. Discord's documents say "characters" and its parts count differently; no
//! count of theirs is longer than this one.

use crate::chat::ellipsis::shorten;

/// An embed's title.
pub const TITLE: usize = 256;
/// An embed's description.
pub const DESCRIPTION: usize = 4096;
/// Fields of an embed.
pub const FIELDS: usize = 25;
/// The name of an embed's field.
pub const FIELD_NAME: usize = 256;
/// The value of an embed's field.
pub const FIELD_VALUE: usize = 1024;
/// An embed's footer; shorter than Discord's 2048, since it is one quiet line.
pub const FOOTER: usize = 500;
/// What an attachment says to who cannot see it.
pub const ATTACHMENT_DESCRIPTION: usize = 1024;
/// All text of a message's embeds together.
pub const EMBED: usize = 6000;
/// Rows of components in a message, and of text inputs in a modal.
pub const ROWS: usize = 5;
/// Buttons in a row.
pub const ROW_BUTTONS: usize = 5;
/// A button's label.
pub const BUTTON: usize = 80;
/// A link button's address.
pub const BUTTON_URL: usize = 512;
/// What a component or modal carries.
pub const CUSTOM_ID: usize = 100;
/// Options of a select, and proposals of an autocomplete.
pub const OPTIONS: usize = 25;
/// The label, value and description of an option, and the placeholder of a select.
pub const OPTION: usize = 100;
/// A modal's title, and the label of a text input.
pub const MODAL_TITLE: usize = 45;
/// The placeholder of a text input.
pub const PLACEHOLDER: usize = 100;
/// The value of a text input.
pub const INPUT: usize = 4000;
/// A thread's name.
pub const THREAD_NAME: usize = 100;
/// The deduplication key of a message.
pub const NONCE: usize = 25;
/// Slash-commands of an application, per guild or everywhere.
pub const COMMANDS: usize = 100;
/// Sub-commands and groups of a command, sub-commands of a group, and options of a command.
pub const COMMAND_OPTIONS: usize = 25;
/// The name of a command or option.
pub const COMMAND_NAME: usize = 32;
/// The description of a command or option.
pub const COMMAND_DESCRIPTION: usize = 100;

/// How long a text is, as Discord counts at most.
pub fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The text if it fits, else its beginning and an ellipsis. Plain text only: it knows no markup.
pub fn cut(text: &str, most: usize) -> String {
    shorten(text, most, char::len_utf16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_emoji_counts_twice() {
        assert_eq!(length("a🎉"), 3);
        assert_eq!(cut("🎉🎉🎉", 6), "🎉🎉🎉");
        assert_eq!(cut("🎉🎉🎉🎉", 6), "🎉🎉…");
    }

    proptest! {
        #[test]
        fn what_was_cut_fits(text in ".{0,80}", most in 1usize..60) {
            prop_assert!(length(&cut(&text, most)) <= most);
        }
    }
}
