//! What a button, select or modal carries in its `custom_id`.
//!
//! A card's own tokens go as they are, since they may use up all of the hundred characters. What only this adapter
//! understands begins with `~`, which no token does.

use super::limits;
use crate::chat::Token;

/// What a component or modal means when it comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// A token of a card or form.
    Token(Token),
    /// A line that is said.
    Say(String),
    /// A line that is said with more words behind it, which are asked for first.
    Ask(String),
    /// A step of filling in a form.
    Draft(Act, String),
}

/// A step of filling in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Opens all of a small form as a modal, which sends it.
    Open,
    /// Opens the text fields of a page as a modal.
    Fill(usize),
    /// Shows a page.
    Page(usize),
    /// A choice was made for the field at this place of the form.
    Choose(usize),
    /// Sends the form; its last fields may come with it.
    Send,
}

impl Control {
    /// A line as a button's control.
    pub fn line(line: &str) -> Self {
        if line.ends_with(' ') { Self::Ask(line.to_owned()) } else { Self::Say(line.to_owned()) }
    }

    /// What came back.
    pub fn read(custom_id: &str) -> Self {
        let parsed = custom_id.strip_prefix('~').and_then(|own| {
            let (verb, rest) = own.split_once(':')?;
            match verb {
                "say" => Some(Self::Say(rest.to_owned())),
                "ask" => Some(Self::Ask(rest.to_owned())),
                _ => {
                    let (index, id) = rest.split_once(':')?;
                    Some(Self::Draft(Act::read(verb, index.parse().ok()?)?, id.to_owned()))
                }
            }
        });
        parsed.unwrap_or_else(|| Self::Token(Token::received(custom_id)))
    }

    /// How it goes out; nothing if it is too long, for cut it would mean something else.
    pub fn custom_id(&self) -> Option<String> {
        let text = match self {
            Self::Token(token) => token.to_string(),
            Self::Say(line) => format!("~say:{line}"),
            Self::Ask(line) => format!("~ask:{line}"),
            Self::Draft(act, id) => {
                let (verb, index) = act.words();
                format!("~{verb}:{index}:{id}")
            }
        };
        (!text.is_empty() && limits::length(&text) <= limits::CUSTOM_ID).then_some(text)
    }
}

impl Act {
    fn read(verb: &str, index: usize) -> Option<Self> {
        Some(match verb {
            "open" => Self::Open,
            "fill" => Self::Fill(index),
            "page" => Self::Page(index),
            "choose" => Self::Choose(index),
            "send" => Self::Send,
            _ => return None,
        })
    }

    fn words(self) -> (&'static str, usize) {
        match self {
            Self::Open => ("open", 0),
            Self::Fill(page) => ("fill", page),
            Self::Page(page) => ("page", page),
            Self::Choose(field) => ("choose", field),
            Self::Send => ("send", 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_went() {
        let controls = [
            Control::Token(Token::new("cancel", "req_1")),
            Control::line("/help me"),
            Control::line("/help "),
            Control::Draft(Act::Choose(7), "0123".into()),
            Control::Draft(Act::Send, "0123".into()),
        ];
        for control in controls {
            assert_eq!(Control::read(&control.custom_id().expect("it fits")), control);
        }
    }

    #[test]
    fn what_is_too_long_or_unknown_means_nothing() {
        assert_eq!(Control::line(&"x".repeat(100)).custom_id(), None);
        for text in ["~", "~open:x:y", "~steal:1:y", "", "~page:-1:y"] {
            assert_eq!(Control::read(text), Control::Token(Token::received(text)));
        }
    }
}
