//! The few words of the adapter's own: what its buttons say, and what a mood is called where no colour can be seen.

use crate::chat::{Style, Tone};

/// Puts a form away.
pub const CANCEL: &str = "Cancel";
/// Closes a card in a modal.
pub const CLOSE: &str = "Close";
/// Sends a form that does not say how.
pub const SEND: &str = "Send";
/// Opens a form that was kept.
pub const OPEN_FORM: &str = "Open the form";
/// Stands beside the button that opens a form.
pub const FORM_WAITS: &str = "It takes a few details. What you gave already is filled in.";
/// Asks for the rest of a line.
pub const COMPLETE: &str = "Add the rest";
/// What that line is called.
pub const LINE: &str = "Command";
/// The one box of a yes-or-no question.
pub const YES: &str = "Yes";
/// Stands in an empty list.
pub const CHOOSE: &str = "Choose";
/// Stands under a card that was too long.
pub const SHORTENED: &str = "Shortened to what Slack can show.";
/// Stands where a card says nothing at all.
pub const EMPTY: &str = "…";

/// A mood as a sign that has no colour and is no emoji; before the title.
pub fn sign(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => "",
        Tone::Active => "◌ ",
        Tone::Waiting => "… ",
        Tone::Good => "✓ ",
        Tone::Bad => "✗ ",
    }
}

/// A mood as a screen reader says it; before the title.
pub fn word(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => "",
        Tone::Active => "Under way: ",
        Tone::Waiting => "Waiting: ",
        Tone::Good => "Done: ",
        Tone::Bad => "Problem: ",
    }
}

/// Slack's name of a button's style, where it has one.
pub fn style(style: Style) -> Option<&'static str> {
    match style {
        Style::Plain => None,
        Style::Primary => Some("primary"),
        Style::Danger => Some("danger"),
    }
}
