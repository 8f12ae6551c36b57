//! Which command is meant: by the longest match of the first words, with a guess where none matches.

use std::ops::Bound;
use std::sync::Arc;

use super::Catalogue;
use super::command::Command;
use super::line::Word;
use super::resolve::Asker;
use crate::error::{Reason, UserError};
use crate::spelling;

/// The most words of a command's name.
const WORDS: usize = 3;

impl Catalogue {
    /// The command that a line begins with, and how many of its words name it. A leading mention of the bot counts as
    /// part of the name. The error says what is nearest among what the asker may use.
    pub fn find(&self, words: &[Word], asker: &Asker) -> Result<(&Arc<Command>, usize), UserError> {
        let (command, used) = self.longest(words).or_else(|| self.only_child(words)).ok_or_else(|| {
            let spoken = spoken(words);
            self.unknown(&spoken, asker)
        })?;
        permitted(command, asker).map(|command| (command, used))
    }

    /// The command with the longest name that a line begins with, and how many of its words name it.
    pub(super) fn longest(&self, words: &[Word]) -> Option<(&Arc<Command>, usize)> {
        let spoken = spoken(words);
        let counts = (1..=spoken.len()).rev();
        let mut known = counts.filter_map(|count| Some((self.commands.get(&spoken[..count].join(" "))?, count)));
        known.next().map(|(command, count)| (command, mentions(words) + count))
    }

    /// The command of that name, with or without its slash.
    pub fn named(&self, name: &str, asker: &Asker) -> Result<&Arc<Command>, UserError> {
        let plain = name.trim().trim_start_matches('/').to_lowercase();
        match self.commands.get(&plain) {
            Some(command) => permitted(command, asker),
            None => Err(self.unknown(&plain.split_whitespace().map(str::to_owned).collect::<Vec<_>>(), asker)),
        }
    }

    /// The commands whose names begin with a text.
    pub(super) fn beginning_with(&self, prefix: &str) -> impl Iterator<Item = &Arc<Command>> + use<'_> {
        let prefix = prefix.to_owned();
        let from = (Bound::Included(prefix.clone()), Bound::Unbounded);
        self.commands.range(from).take_while(move |(name, _)| name.starts_with(&prefix)).map(|(_, command)| command)
    }

    /// The commands whose names begin with these words and have further ones.
    fn children(&self, group: &str) -> impl Iterator<Item = &Arc<Command>> + use<'_> {
        self.beginning_with(&format!("{group} "))
    }

    /// `/db` alone, where `db create` is the only command that begins so: that one is meant, if no further word says
    /// otherwise.
    fn only_child(&self, words: &[Word]) -> Option<(&Arc<Command>, usize)> {
        let spoken = spoken(words);
        (1..=spoken.len()).rev().find_map(|count| {
            let mut children = self.children(&spoken[..count].join(" "));
            let only = children.next().filter(|_| children.next().is_none())?;
            let used = mentions(words) + count;
            (!words[used..].iter().any(Word::is_value)).then_some((only, used))
        })
    }

    /// What to say where no command matches.
    fn unknown(&self, spoken: &[String], asker: &Asker) -> UserError {
        for count in (1..=spoken.len()).rev() {
            let group = spoken[..count].join(" ");
            let names: Vec<&str> =
                self.children(&group).filter(|child| may(child, asker)).map(|child| child.file.name.as_str()).collect();
            if !names.is_empty() {
                return not_found(&group, spoken.get(count), &names);
            }
        }
        let typed = spoken.first().map(String::as_str).unwrap_or_default();
        let message = if typed.is_empty() {
            "There is no command in that.".into()
        } else {
            format!("There is no command `/{typed}`.")
        };
        let error = UserError::new(Reason::NotFound, message);
        match self.nearest(spoken, asker) {
            Some(near) => error.hint(format!("did you mean `/{near}`?")),
            None => error.hint("type `/help` and what you want to do"),
        }
    }

    /// The command, or the first words of some, that was most likely meant; the longer of two guesses wins. Whole names
    /// are compared with fewer words too, for who leaves out a space.
    pub(super) fn nearest(&self, spoken: &[String], asker: &Asker) -> Option<String> {
        let commands = self.commands.values().filter(|command| may(command, asker));
        let names: Vec<&str> = commands.map(|command| command.file.name.as_str()).collect();
        (1..=spoken.len()).rev().find_map(|count| {
            let typed = spoken[..count].join(" ");
            let candidates = names.iter().flat_map(|name| [beginning(name, count), Some(*name)]).flatten();
            spelling::nearest(&typed, candidates).map(str::to_owned)
        })
    }
}

/// The first words of a name, if it has that many.
fn beginning(name: &str, words: usize) -> Option<&str> {
    let ends = name.match_indices(' ').map(|(at, _)| at).chain([name.len()]);
    ends.take(words).nth(words - 1).map(|end| &name[..end])
}

/// The words that can be the name of a command, as names are written.
pub(super) fn spoken(words: &[Word]) -> Vec<String> {
    let bare =
        words.iter().skip(mentions(words)).take(WORDS).take_while(|word| word.is_bare() && !word.text.is_empty());
    let names = bare.enumerate().map(|(at, word)| {
        let text = if at == 0 { word.text.trim_start_matches('/') } else { &word.text };
        text.to_lowercase()
    });
    names.take_while(|name| !name.is_empty()).collect()
}

/// How many words at the beginning of a line mention the bot: one or none.
pub(super) fn mentions(words: &[Word]) -> usize {
    let name = words.first().filter(|word| word.is_bare()).map(|word| word.text.trim_end_matches([':', ',']));
    usize::from(name.is_some_and(|name| name.eq_ignore_ascii_case("@stationmaster")))
}

/// Whether the asker may use a command here.
pub(super) fn may(command: &Command, asker: &Asker) -> bool {
    asker.may(&command.file.allow).is_ok()
}

fn permitted<'c>(command: &'c Arc<Command>, asker: &Asker) -> Result<&'c Arc<Command>, UserError> {
    let reason = match asker.may(&command.file.allow) {
        Ok(()) => return Ok(command),
        Err(reason) => reason,
    };
    let message = format!("You cannot use `/{}` here. {reason}", command.file.name);
    Err(UserError::new(Reason::Denied, message))
}

/// The answer where the first words are known and the next is not, or is missing.
fn not_found(group: &str, next: Option<&String>, names: &[&str]) -> UserError {
    let near = next.and_then(|next| spelling::nearest(&format!("{group} {next}"), names.iter().copied()));
    let list = || names.iter().take(10).map(|name| format!("`/{name}`")).collect::<Vec<_>>().join(", ");
    let message = match next {
        Some(next) => format!("There is no command `/{group} {next}`."),
        None => format!("There is no command `/{group}` alone."),
    };
    let hint = match near {
        Some(near) => format!("did you mean `/{near}`?"),
        None => format!("there is {}", list()),
    };
    UserError::new(Reason::NotFound, message).hint(hint)
}
